//! Mail that means harm, to readers, to terminals, to machines: what is too much of it, and what is sly.
//!
//! Harmless oddities are in `tests/mail/`; servers that mean harm in `tests/faults/`; what nobody thought of is looked for by
//! `tests/fuzz/`.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(target_os = "linux")]

#[path = "../answer/mod.rs"]
mod answer;
mod giants;
mod names;
mod places;
#[path = "../program/mod.rs"]
mod program;
#[path = "../server/mod.rs"]
mod server;
mod small;

use std::fs;
use std::path::Path;

/// Writes mails as the inbox of a Maildir, in their order.
fn write_maildir(maildir: &Path, mails: &[&[u8]]) {
    for inner in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(inner)).unwrap();
    }
    for (position, mail) in mails.iter().enumerate() {
        fs::write(maildir.join("cur").join(format!("{}.M1P1.x:2,", 1_700_000_000 + position)), mail).unwrap();
    }
}

/// Writes mails as `.eml` files of a directory, in their order.
fn write_eml(directory: &Path, mails: &[&[u8]]) {
    fs::create_dir_all(directory).unwrap();
    for (position, mail) in mails.iter().enumerate() {
        fs::write(directory.join(format!("{position:04}.eml")), mail).unwrap();
    }
}

/// Writes mails as an mbox; none of them has a line that begins as a mail there does.
fn write_mbox(file: &Path, mails: &[&[u8]]) {
    let begin = b"From a@example.org Sat Jan  3 01:02:03 2026\n".as_slice();
    fs::write(file, mails.iter().flat_map(|mail| [begin, mail, b"\n"]).collect::<Vec<_>>().concat()).unwrap();
}
