//! The corpus: one mail of every odd kind, with a line that says why it is odd.
//!
//! It only makes mail and writes it as files; what should come of it is for the tests to say. The
//! mails are grouped by what is odd about them; [`files`] writes them as Maildir, as mbox and as `.eml` files.

// Each test takes from it what it needs; a list of mails is as long as it is.
#![allow(dead_code, unused_imports, clippy::too_many_lines)]

mod addresses;
mod dates;
mod files;
mod headers;
mod hostile;
mod mime;
mod names;
mod nesting;
mod ordinary;
mod servers;
mod text;
mod threads;
mod written;

pub use files::{write_eml, write_maildir, write_mbox, write_odd_maildir, write_odd_mbox, write_one_mbox};

/// The folders of the corpus; the last one is empty.
pub const FOLDERS: [&str; 6] = ["INBOX", "Archive/2025", "Entwürfe", "Lists", written::FOLDER, "Empty"];

/// The folder of the mails that are not in the corpus, as they cannot be the same everywhere: see [`odd_to_servers`].
pub const ODD_FOLDER: &str = "Odd to servers";

/// A mail, and why it is odd.
pub struct Odd {
    /// Where it lies, one of [`FOLDERS`] or [`ODD_FOLDER`].
    pub folder: &'static str,
    /// What tests call it.
    pub name: &'static str,
    /// Why it is odd.
    pub why: &'static str,
    /// The mail as both backends hold it; its last line is ended.
    pub raw: Vec<u8>,
    /// Its flags as a Maildir names them; mbox has them from `Status` and `X-Status` in `raw`.
    pub flags: &'static str,
    /// When it was received, in seconds since 1970; ascends within a folder and over all.
    pub received: i64,
}

/// All of them, in the order in which they were received.
pub fn corpus() -> Vec<Odd> {
    let themes = [
        ordinary::mails(),
        headers::mails(),
        addresses::mails(),
        dates::mails(),
        text::mails(),
        mime::mails(),
        names::mails(),
        nesting::mails(),
        hostile::mails(),
        threads::mails(),
        written::mails(),
    ];
    received(themes.into_iter().flatten().collect(), 1_736_154_000)
}

/// Mails that a server does not serve as they are in files; they were received after all of the corpus.
pub fn odd_to_servers() -> Vec<Odd> {
    received(servers::mails(), 1_738_000_000)
}

fn received(mut mails: Vec<Odd>, first: i64) -> Vec<Odd> {
    for (position, mail) in (0..).zip(&mut mails) {
        mail.received = first + 3_607 * position;
        assert!(mail.raw.ends_with(b"\n"), "{}: mbox cannot hold a last line without an end", mail.name);
    }
    mails
}

impl Odd {
    /// A mail of the inbox, without flags.
    fn new(name: &'static str, why: &'static str, raw: impl Into<Vec<u8>>) -> Self {
        Self { folder: "INBOX", name, why, raw: raw.into(), flags: "", received: 0 }
    }

    /// The same in another folder.
    fn within(mut self, folder: &'static str) -> Self {
        self.folder = folder;
        self
    }

    /// The same with CRLF line ends.
    fn crlf(mut self) -> Self {
        let mut raw = Vec::new();
        for octet in self.raw {
            if octet == b'\n' {
                raw.push(b'\r');
            }
            raw.push(octet);
        }
        self.raw = raw;
        self
    }

    /// The same with flags, in the file's name and in its first header fields.
    fn flagged(mut self, flags: &'static str) -> Self {
        let end = if self.raw.windows(2).any(|pair| pair == b"\r\n") { "\r\n" } else { "\n" };
        let status = if flags.contains('S') { "RO" } else { "O" };
        let marks: String = [('R', 'A'), ('F', 'F'), ('T', 'D'), ('D', 'T')]
            .into_iter()
            .filter(|(flag, _)| flags.contains(*flag))
            .map(|(_, mark)| mark)
            .collect();
        let mut raw = format!("Status: {status}{end}").into_bytes();
        if !marks.is_empty() {
            raw.extend(format!("X-Status: {marks}{end}").bytes());
        }
        raw.extend(self.raw);
        self.raw = raw;
        self.flags = flags;
        self
    }
}

/// A plain mail with more header fields (each line ended) and a body; the id must be its own.
fn mail(id: &str, fields: &str, body: &str) -> String {
    format!(
        "From: Ada Quist <ada@example.org>\nTo: me@example.com\nDate: Mon, 6 Jan 2025 10:00:00 +0000\n\
         Message-ID: <{id}@example.org>\n{fields}\n{body}\n"
    )
}
