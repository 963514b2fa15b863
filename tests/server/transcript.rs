//! A conversation as text: lines of both sides by connection, literals within their line.
//!
//! It changes nothing of what is said; who must hide or rename something does so before it adds a line.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;

/// The lines of every connection, in the order in which they were said.
#[derive(Default)]
pub struct Transcript(BTreeMap<usize, Vec<String>>);

impl Transcript {
    /// Adds what a side said, `C` or `S`.
    pub fn add(&mut self, connection: usize, side: char, line: &str) {
        self.0.entry(connection).or_default().push(format!("{side}: {line}"));
    }
}

/// Connections one after the other, each under a heading if there are more than one.
impl fmt::Display for Transcript {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, lines) in (1..).zip(self.0.values()) {
            if self.0.len() > 1 {
                writeln!(formatter, "-- connection {number}")?;
            }
            for line in lines {
                writeln!(formatter, "{line}")?;
            }
        }
        Ok(())
    }
}

/// Cuts what one side of a connection says into lines, however it arrives (RFC 3501 section 4.3).
///
/// A literal stands in its line: `{n}`, its first octets, `…` if there were more, then the rest of the line.
pub struct Lines {
    shown_of_literal: usize,
    ends_at_literal: bool,
    text: String,
    line: Vec<u8>,
    literal: Vec<u8>,
    more_than_shown: bool,
    left_of_literal: usize,
}

/// A line, or as much of it as was said in one go.
pub struct Said {
    /// The text without its line end; control characters are escaped.
    pub text: String,
    /// Whether the speaker has to wait for `+` before a literal and the rest of the line.
    pub goes_on: bool,
}

impl Lines {
    /// Lines of a server, with that many octets of each literal.
    pub fn of_server(shown_of_literal: usize) -> Self {
        Self {
            shown_of_literal,
            ends_at_literal: false,
            text: String::new(),
            line: Vec::new(),
            literal: Vec::new(),
            more_than_shown: false,
            left_of_literal: 0,
        }
    }

    /// Lines of a client, which end where it waits for the server to want a literal.
    pub fn of_client(shown_of_literal: usize) -> Self {
        Self { ends_at_literal: true, ..Self::of_server(shown_of_literal) }
    }

    /// Takes octets, and gives the lines that end within them.
    pub fn take(&mut self, mut octets: &[u8]) -> Vec<Said> {
        let mut lines = Vec::new();
        while !octets.is_empty() {
            if self.left_of_literal > 0 {
                let (literal, rest) = octets.split_at(self.left_of_literal.min(octets.len()));
                self.take_literal(literal);
                octets = rest;
                continue;
            }
            let Some(end) = octets.iter().position(|octet| *octet == b'\n') else {
                self.line.extend(octets);
                break;
            };
            let (line, rest) = octets.split_at(end + 1);
            self.line.extend(line);
            octets = rest;
            lines.extend(self.end_line());
        }
        lines
    }

    /// What was said last, without an end.
    pub fn unfinished(&mut self) -> Option<String> {
        let mut text = mem::take(&mut self.text) + &visible(&mem::take(&mut self.line));
        text += &self.literal_so_far();
        (!text.is_empty()).then_some(text)
    }

    /// Takes what comes next as a line, although a literal was announced: it was refused.
    pub fn expect_no_literal(&mut self) {
        self.left_of_literal = 0;
    }

    fn take_literal(&mut self, octets: &[u8]) {
        let room = self.shown_of_literal - self.literal.len();
        self.literal.extend(&octets[..room.min(octets.len())]);
        self.more_than_shown |= room > 0 && octets.len() > room;
        self.left_of_literal -= octets.len();
        if self.left_of_literal == 0 {
            let literal = self.literal_so_far();
            self.text += &literal;
        }
    }

    fn literal_so_far(&mut self) -> String {
        let more = if mem::take(&mut self.more_than_shown) { "…" } else { "" };
        visible(&mem::take(&mut self.literal)) + more
    }

    fn end_line(&mut self) -> Option<Said> {
        let line = mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.text += &visible(line);
        let goes_on = match literal_at_end(line) {
            None => false,
            Some(literal) => {
                self.left_of_literal = literal.octets;
                if !(literal.waits && self.ends_at_literal) {
                    return None;
                }
                true
            }
        };
        Some(Said { text: mem::take(&mut self.text), goes_on })
    }
}

/// A literal that is announced at the end of a line.
pub struct Literal {
    /// How long it is.
    pub octets: usize,
    /// Whether a client has to wait before it sends it: `{n}`, not `{n+}` (RFC 7888).
    pub waits: bool,
}

/// The literal that a line, taken without its end, announces.
pub fn literal_at_end(line: &[u8]) -> Option<Literal> {
    let inside = line.strip_suffix(b"}")?;
    let start = inside.iter().rposition(|octet| *octet == b'{')? + 1;
    let number = std::str::from_utf8(&inside[start..]).ok()?;
    let waits = !number.ends_with('+');
    Some(Literal { octets: number.trim_end_matches('+').parse().ok()?, waits })
}

fn visible(octets: &[u8]) -> String {
    let mut visible = String::new();
    let shown = octets.get(..LONG_LINE).unwrap_or(octets);
    for letter in String::from_utf8_lossy(shown).chars() {
        if letter.is_control() {
            visible.extend(letter.escape_default());
        } else {
            visible.push(letter);
        }
    }
    if shown.len() < octets.len() {
        visible.push('…');
    }
    visible
}

/// Longer than any line worth reading: floods are not kept.
const LONG_LINE: usize = 10_000;
