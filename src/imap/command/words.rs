//! Words to octets: the only place where a command is put together, and where anything is quoted.
//!
//! What cannot be said in IMAP cannot be said here. It knows no command; those are in [`super`].

use super::{Command, WireName};

/// A command as it grows. The only place where words become octets.
pub(super) struct Words {
    parts: Vec<Vec<u8>>,
    shown: String,
    glued: bool,
}

/// A name by itself.
pub(super) fn spelled(name: &WireName) -> Vec<Vec<u8>> {
    let mut words = Words { parts: vec![Vec::new()], shown: String::new(), glued: true };
    words.put(&name.0);
    words.parts
}

impl Words {
    pub(super) fn new(word: &str) -> Self {
        Self { parts: vec![word.as_bytes().to_vec()], shown: word.to_owned(), glued: false }
    }

    /// Words of the protocol, and what prints itself as such.
    pub(super) fn word(mut self, word: &str) -> Self {
        debug_assert!(!word.contains(['\r', '\n']), "{word}");
        self.blank();
        self.last().extend(word.bytes());
        self.shown.push_str(word);
        self
    }

    pub(super) fn open(mut self) -> Self {
        self = self.word("(");
        self.glued = true;
        self
    }

    pub(super) fn close(mut self) -> Self {
        self.glued = true;
        self.word(")")
    }

    /// A string in quotes, or as a literal where quotes cannot hold it (§4.3).
    pub(super) fn string(mut self, text: &str) -> Self {
        self.blank();
        self.put(text.as_bytes());
        self.show(text);
        self
    }

    pub(super) fn name(mut self, name: &WireName) -> Self {
        self.blank();
        self.put(&name.0);
        self.show(&String::from_utf8_lossy(&name.0));
        self
    }

    /// In quotes, with everything visible.
    fn show(&mut self, text: &str) {
        self.shown.push('"');
        self.shown.extend(text.escape_debug());
        self.shown.push('"');
    }

    pub(super) fn secret_string(mut self, text: &str) -> Self {
        self.blank();
        self.put(text.as_bytes());
        self.shown.push('…');
        self
    }

    pub(super) fn secret(mut self, word: &str) -> Self {
        self.blank();
        self.last().extend(word.bytes());
        self.shown.push('…');
        self
    }

    /// A secret line that the server asks for.
    pub(super) fn then(mut self, line: &str) -> Self {
        self.last().extend(b"\r\n");
        self.parts.push(line.as_bytes().to_vec());
        self.shown.push_str(" …");
        self
    }

    fn put(&mut self, text: &[u8]) {
        if text.iter().all(|octet| matches!(octet, b' '..=b'~')) {
            let last = self.last();
            last.push(b'"');
            for &octet in text {
                if matches!(octet, b'"' | b'\\') {
                    last.push(b'\\');
                }
                last.push(octet);
            }
            last.push(b'"');
        } else {
            let announced = format!("{{{}}}\r\n", text.len());
            self.last().extend(announced.bytes());
            self.parts.push(text.to_vec());
        }
    }

    fn blank(&mut self) {
        if !std::mem::take(&mut self.glued) {
            self.last().push(b' ');
            self.shown.push(' ');
        }
    }

    fn last(&mut self) -> &mut Vec<u8> {
        if self.parts.is_empty() {
            self.parts.push(Vec::new());
        }
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }

    pub(super) fn command(mut self) -> Command {
        self.last().extend(b"\r\n");
        Command { parts: self.parts, shown: self.shown, reply: None }
    }
}
