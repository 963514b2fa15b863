//! Writes mails as a Maildir++: folders as directories, flags in file names, times as file times.
//!
//! It decides nothing about the mails. Names follow from the mails alone, so they are the same every time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use chrono::{DateTime, Utc};

use super::{Mail, encode};

/// What separates a file's name from its flags; Windows knows no colon in names.
pub(super) const FLAGS: &str = if cfg!(windows) { ";2," } else { ":2," };

/// Mail that arrived within this time and was not looked at is still in `new`.
const NEW_MINUTES: i64 = 60;

/// Writes the mails, oldest first, into a directory that need not exist yet.
pub(super) fn write(dir: &Path, mails: &[Mail], today: DateTime<Utc>) -> io::Result<()> {
    let folders: BTreeSet<&str> = mails.iter().map(|mail| mail.folder.as_str()).collect();
    for folder in folders {
        for inner in ["cur", "new", "tmp"] {
            fs::create_dir_all(directory(dir, folder).join(inner))?;
        }
    }
    for (position, mail) in mails.iter().enumerate() {
        let is_new = mail.flags.is_empty() && (today - mail.received).num_minutes() < NEW_MINUTES;
        let seconds = mail.received.timestamp();
        let name = format!("{seconds}.M{position:06}P1.lanternworks");
        let path = if is_new {
            directory(dir, &mail.folder).join("new").join(name)
        } else {
            directory(dir, &mail.folder).join("cur").join(format!("{name}{FLAGS}{}", mail.flags))
        };
        let mut file = File::create(path)?;
        file.write_all(&mail.raw)?;
        let seconds = u64::try_from(seconds).unwrap_or(0);
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))?;
    }
    Ok(())
}

/// Where a folder lies: the inbox is the top, all others are beside each other under it.
fn directory(dir: &Path, folder: &str) -> PathBuf {
    match folder {
        "INBOX" => dir.to_owned(),
        _ => dir.join(format!(".{}", encode::modified_utf7(&folder.replace('/', ".")))),
    }
}
