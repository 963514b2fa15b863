//! The sample mailbox: about 400 mails of a small workshop that makes bicycle lamps, as a Maildir.
//!
//! Made in code and the same every time, but for its dates, which are relative to today. It reads
//! nothing and knows nothing of tables. Read on in `story` for what is in it, in `mime` for how
//! a mail is put together, in `maildir` for how it gets on disk.

mod attachments;
mod clock;
mod dice;
mod encode;
mod invitation;
mod junk;
mod maildir;
mod mime;
mod newsletters;
mod oddities;
mod orders;
mod people;
mod post;
mod receipts;
mod story;
mod talk;
mod talks_apollo;
mod talks_home;
mod talks_recent;
mod talks_shop;

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};

/// Writes the sample mailbox into a directory, as if read at `today`.
///
/// # Errors
/// When the directory cannot be written.
pub fn write(dir: &Path, today: DateTime<Utc>) -> io::Result<()> {
    let mut mails = story::mails(today);
    mails.sort_by_key(|mail| mail.received);
    maildir::write(dir, &mails, today)
}

/// Whose mailbox it is, as mail from it says: `Mara … <mara@…>`.
pub fn owner() -> String {
    format!("{} <{}>", people::MARA.name, people::MARA.address)
}

/// A finished mail, and where it lies.
struct Mail {
    /// The folder's path, levels separated by `/`.
    folder: String,
    /// Flags as a Maildir names them, in the order of the alphabet.
    flags: String,
    received: DateTime<Utc>,
    /// The mail itself, with the line ends of a Unix file.
    raw: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use chrono::TimeZone;

    use super::*;

    fn mornings() -> Vec<DateTime<Utc>> {
        [(2026, 3, 4, 9, 41), (2026, 1, 1, 0, 0), (2024, 2, 29, 23, 59), (2027, 8, 15, 6, 30)]
            .into_iter()
            .map(|(year, month, day, hour, minute)| Utc.with_ymd_and_hms(year, month, day, hour, minute, 7).unwrap())
            .collect()
    }

    fn headers(raw: &[u8]) -> &[u8] {
        let end = raw.windows(2).position(|pair| pair == b"\n\n").expect("a mail has a body");
        &raw[..end]
    }

    #[test]
    fn two_mailboxes_of_one_moment_are_the_same() {
        let today = mornings()[0];
        let (one, other) = (story::mails(today), story::mails(today));
        assert_eq!(one.len(), other.len());
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(
                (&one.folder, &one.flags, one.received, &one.raw),
                (&other.folder, &other.flags, other.received, &other.raw)
            );
        }
    }

    #[test]
    fn there_are_about_400_mails_and_every_folder_has_some() {
        for today in mornings() {
            let mails = story::mails(today);
            let mut folders = BTreeMap::<&str, usize>::new();
            for mail in &mails {
                *folders.entry(&mail.folder).or_default() += 1;
            }
            assert!((380..=440).contains(&mails.len()), "{} mails: {folders:?}", mails.len());
            for folder in [
                "INBOX",
                "Sent",
                "Drafts",
                "Archive",
                "Projects/Apollo",
                "Newsletters",
                "Receipts",
                "Junk",
                "Trash",
                "日本",
            ] {
                assert!(folders.get(folder).is_some_and(|mails| *mails > 2), "{folder} in {folders:?}");
            }
            assert!(folders.keys().any(|folder| folder.starts_with("Archive/2")), "{folders:?}");
            let octets: usize = mails.iter().map(|mail| mail.raw.len()).sum();
            assert!((5_000_000..=8_000_000).contains(&octets), "{octets} octets");
        }
    }

    #[test]
    fn headers_are_ascii_and_lines_are_short() {
        for mail in story::mails(mornings()[0]) {
            let header = headers(&mail.raw);
            assert!(header.is_ascii(), "{}", String::from_utf8_lossy(header));
            for line in mail.raw.split(|octet| *octet == b'\n') {
                assert!(line.len() < 998, "{}", String::from_utf8_lossy(line));
            }
            assert!(
                header.split(|octet| *octet == b'\n').all(|line| line.len() <= 120),
                "{}",
                String::from_utf8_lossy(header)
            );
        }
    }

    #[test]
    fn dates_reach_from_a_few_minutes_to_about_14_months_ago() {
        for today in mornings() {
            let mails = story::mails(today);
            let newest = mails.iter().map(|mail| mail.received).max().unwrap();
            let oldest = mails.iter().map(|mail| mail.received).min().unwrap();
            assert!((1..=10).contains(&(today - newest).num_minutes()), "{today}: {newest}");
            assert!((400..=440).contains(&(today - oldest).num_days()), "{today}: {oldest}");
            for mail in &mails {
                let header = String::from_utf8_lossy(headers(&mail.raw)).into_owned();
                let date = header.lines().find_map(|line| line.strip_prefix("Date: ")).expect("every mail has a date");
                let date = DateTime::parse_from_rfc2822(date).expect("the date is one");
                assert!(date <= mail.received && mail.received < today, "{header}");
            }
        }
    }

    #[test]
    fn message_ids_are_unique_and_replies_follow_what_they_answer() {
        let mails = story::mails(mornings()[3]);
        let field = |raw: &[u8], name: &str| {
            let header = String::from_utf8_lossy(headers(raw)).into_owned();
            header.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned))
        };
        let mut sent = BTreeMap::new();
        for mail in &mails {
            let id = field(&mail.raw, "Message-ID: ").expect("every mail has an id");
            assert!(
                sent.insert(id.clone(), mail.received).is_none() || id.contains("kept-twice"),
                "{id} is there twice"
            );
        }
        let replies: Vec<_> =
            mails.iter().filter_map(|mail| Some((field(&mail.raw, "In-Reply-To: ")?, mail.received))).collect();
        assert!(replies.len() > 100, "{} replies", replies.len());
        for (parent, received) in replies {
            assert!(sent.get(&parent).is_some_and(|earlier| *earlier < received), "{parent}");
        }
    }

    #[test]
    fn a_maildir_has_its_three_directories_flags_and_times() {
        let dir = tempfile::tempdir().unwrap();
        let today = mornings()[0];
        write(dir.path(), today).unwrap();
        for folder in ["", ".Sent", ".Projects.Apollo", ".&ZeVnLA-", ".Kunden.K&APY-ln"] {
            for inner in ["cur", "new", "tmp"] {
                assert!(dir.path().join(folder).join(inner).is_dir(), "{folder}/{inner}");
            }
        }
        let mut files = 0;
        for entry in fs::read_dir(dir.path().join("cur")).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            assert!(name.contains(maildir::FLAGS), "{name}");
            let seconds: u64 = name.split('.').next().unwrap().parse().unwrap();
            let modified = entry.metadata().unwrap().modified().unwrap();
            assert_eq!(modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), seconds);
            files += 1;
        }
        assert!(files > 25, "{files} files");
        assert!(fs::read_dir(dir.path().join("new")).unwrap().count() > 0);
    }
}
