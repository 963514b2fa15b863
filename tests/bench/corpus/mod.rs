//! The corpus: a mailbox as people have it, made of nobody's mail, the same every time.
//!
//! It writes mails as a Maildir and knows of them what a check needs, and what the drain must be told. What a mail looks
//! like is in `letter`.

mod letter;
mod words;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use letter::Letter;

/// What the mails are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 7.9 kB on average, 15 in 100 with attachments.
    Long,
    /// 3.8 kB on average, 5 in 100 with attachments.
    Short,
    /// 1 kB on average, to have very many.
    Tiny,
}

impl Kind {
    /// What suits an inbox of so many messages.
    pub fn of(messages: u32) -> Self {
        if messages <= 20_000 { Self::Long } else { Self::Short }
    }
}

/// What is known of an inbox from having made it; its uids are 1, 2, 3 … in the order of arrival.
#[derive(Default)]
pub struct Inbox {
    pub messages: u32,
    /// The size of all of them, lines ended by CRLF.
    pub octets: u64,
    /// Header fields of all messages.
    pub fields: usize,
    /// The messages with `invoice` in the subject.
    pub invoices: Vec<u32>,
    pub attachments: usize,
    /// Of each PDF its message and its number in it.
    pub pdfs: Vec<(u32, usize)>,
    /// By the Date header, the newest first.
    pub newest: Vec<u32>,
}

/// How many folders there are beside the inbox.
pub const FOLDERS: usize = 60;

/// Makes the inbox, and writes it with the other folders when it is told where.
pub fn make(kind: Kind, messages: u32, maildir: Option<&Path>) -> Inbox {
    let mut inbox = Inbox { messages, ..Inbox::default() };
    let mut dates = Vec::with_capacity(messages as usize);
    if let Some(maildir) = maildir {
        folder(maildir);
    }
    for number in 1..=messages {
        let letter = Letter::new(kind, 0, number);
        inbox.octets += letter.octets();
        inbox.fields += letter.fields;
        inbox.attachments += letter.attachments;
        inbox.pdfs.extend(letter.pdfs.iter().map(|part| (number, *part)));
        if letter.is_invoice {
            inbox.invoices.push(number);
        }
        dates.push((letter.sent, number));
        if let Some(maildir) = maildir {
            write(maildir, number, &letter);
        }
    }
    dates.sort_unstable();
    inbox.newest = dates.iter().rev().take(10).map(|(_, number)| *number).collect();
    if let Some(maildir) = maildir {
        for other in 1..=FOLDERS {
            let folder_path = maildir.join(format!(".Folder-{other:02}"));
            folder(&folder_path);
            for number in 1..=3 + other as u32 % 7 {
                write(&folder_path, number, &Letter::new(Kind::Short, other as u64, number));
            }
        }
    }
    inbox
}

fn folder(path: &Path) {
    for inner in ["cur", "new", "tmp"] {
        fs::create_dir_all(path.join(inner)).unwrap();
    }
}

/// Servers write sizes into the names of files; they take the order of arrival from the names, too.
fn write(folder: &Path, number: u32, letter: &Letter) {
    let Letter { text, received, flags, .. } = letter;
    let name = format!("{received}.M{number:07}P1.bench,S={},W={}:2,{flags}", text.len(), letter.octets());
    let mut file = File::create(folder.join("cur").join(name)).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(*received)).unwrap();
}
