//! Writes the corpus as a Maildir, as a directory of mbox files, as one mbox file, and as a directory of `.eml` files.
//!
//! All of them hold the same octets, so that the same statement gives the same rows.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use chrono::DateTime;

use super::{FOLDERS, ODD_FOLDER, Odd, corpus, odd_to_servers};

/// Writes a Maildir++; the time of each file is when its mail was received.
pub fn write_maildir(dir: &Path) {
    write_maildir_of(dir, &FOLDERS, &corpus());
}

/// Adds the folder that servers serve in another way.
pub fn write_odd_maildir(dir: &Path) {
    write_maildir_of(dir, &[ODD_FOLDER], &odd_to_servers());
}

fn write_maildir_of(dir: &Path, folders: &[&str], mails: &[Odd]) {
    for folder in folders {
        for inner in ["cur", "new", "tmp"] {
            fs::create_dir_all(maildir_folder(dir, folder).join(inner)).unwrap();
        }
    }
    let separator = if cfg!(windows) { ";2," } else { ":2," };
    for (position, odd) in mails.iter().enumerate() {
        let name = format!("{}.M{position:06}P1.corpus{separator}{}", odd.received, odd.flags);
        let mut file = File::create(maildir_folder(dir, odd.folder).join("cur").join(name)).unwrap();
        file.write_all(&odd.raw).unwrap();
        let seconds = u64::try_from(odd.received).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }
}

/// Writes a directory of mbox files: `INBOX.mbox`, `Archive/2025.mbox`.
pub fn write_mbox(dir: &Path) {
    write_mbox_of(dir, &FOLDERS, &corpus());
}

/// Adds the file of the folder that servers serve in another way.
pub fn write_odd_mbox(dir: &Path) {
    write_mbox_of(dir, &[ODD_FOLDER], &odd_to_servers());
}

fn write_mbox_of(dir: &Path, folders: &[&str], mails: &[Odd]) {
    for folder in folders {
        let path = dir.join(format!("{folder}.mbox"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, mbox(mails.iter().filter(|odd| odd.folder == *folder))).unwrap();
    }
}

/// Writes the mails of all folders as one mbox file.
pub fn write_one_mbox(path: &Path) {
    fs::write(path, mbox(corpus().iter())).unwrap();
}

/// Writes a directory of `.eml` files, with a directory for each folder that has mail; their names are in the order of the mails.
pub fn write_eml(dir: &Path) {
    for (position, odd) in corpus().iter().enumerate() {
        let folder = dir.join(odd.folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{position:06}.eml")), &odd.raw).unwrap();
    }
}

fn maildir_folder(dir: &Path, folder: &str) -> PathBuf {
    match folder {
        "INBOX" => dir.to_owned(),
        "Entwürfe" => dir.join(".Entw&APw-rfe"),
        _ => dir.join(format!(".{}", folder.replace('/', "."))),
    }
}

/// In the mboxrd way: every line of `>`s and `From ` gets one `>` more.
fn mbox<'a>(mails: impl Iterator<Item = &'a Odd>) -> Vec<u8> {
    let mut mbox = Vec::new();
    for odd in mails {
        let received = DateTime::from_timestamp(odd.received, 0).unwrap();
        mbox.extend(format!("From corpus@example.org {}\n", received.format("%a %b %e %H:%M:%S %Y")).bytes());
        for line in odd.raw.split_inclusive(|octet| *octet == b'\n') {
            let unquoted = line.iter().skip_while(|octet| **octet == b'>');
            if unquoted.take(5).eq(b"From ") {
                mbox.push(b'>');
            }
            mbox.extend_from_slice(line);
        }
        mbox.push(b'\n');
    }
    mbox
}
