//! The line to a server: cuts what comes into frames, within limits and deadlines, and counts it.
//!
//! It knows no command and no response; [`super::response`] understands a frame, [`super::session`] says what to send.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use memchr::{memchr, memchr3_iter};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::deflate::{Deflated, Passed};
use super::token::Frame;
use crate::account::Limits;
use crate::error::{Error, ErrorKind, Result};
use crate::mail::Budget;
use crate::net::Line;

/// A line with a frame at a time.
pub struct Transport {
    line: Box<dyn Line>,
    received: BytesMut,
    /// Octets of `received` that belong to the frame for certain.
    scanned: usize,
    /// Octets of `received` before which no line ends but those that are scanned.
    searched: usize,
    /// Octets still to be passed over: the rest of a literal that is too large.
    skipping: u64,
    oversized: bool,
    /// Octets of the frame so far that are in no literal.
    text: usize,
    /// Items among them.
    items: usize,
    limits: Limits,
    patience: Duration,
    counts: Counts,
    /// What may come for a statement; octets of a compressed line count as what they become.
    budget: Arc<Budget>,
    /// Octets that may still come before the user is let in; any number afterwards.
    unproved: Option<usize>,
    /// What passed over the line under a compressed one; other counts are none then.
    passed: Option<Arc<Passed>>,
}

/// Octets that passed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// From the server.
    pub received: usize,
    /// To the server.
    pub sent: usize,
}

impl Transport {
    /// A transport over a line that is open; a server that is silent for longer than `patience` is given up.
    pub fn new(line: Box<dyn Line>, limits: Limits, patience: Duration) -> Self {
        Self {
            line,
            received: BytesMut::new(),
            scanned: 0,
            searched: 0,
            skipping: 0,
            oversized: false,
            text: 0,
            items: 0,
            limits,
            patience,
            counts: Counts::default(),
            budget: Arc::default(),
            unproved: Some(UNPROVED),
            passed: None,
        }
    }

    /// Changes how long a server may be silent.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Says what may come from here on.
    pub fn set_budget(&mut self, budget: &Arc<Budget>) {
        self.budget = Arc::clone(budget);
    }

    /// What may come.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Sets or lifts the bound on what a server may say to somebody whom it has not let in, or not asked for anything.
    pub fn bound(&mut self, is_bounded: bool) {
        self.unproved = is_bounded.then_some(UNPROVED);
    }

    /// The line itself, to put TLS over it.
    ///
    /// # Errors
    /// When the server has sent more than it was asked for: what comes before TLS could be anybody's words.
    pub fn into_line(self) -> Result<Box<dyn Line>> {
        if self.received.is_empty() {
            return Ok(self.line);
        }
        Err(Error::new(ErrorKind::Server, "the server sent more before TLS began than it may")
            .hint("somebody may be between you and the server; use implicit TLS (port 993) where there is a choice"))
    }

    /// The same, compressed in both directions from here on (RFC 4978); what has come already is the beginning of that.
    #[must_use]
    pub fn compressed(self) -> Self {
        let passed = Arc::new(Passed::after(self.counts));
        let line = Box::new(Deflated::new(self.line, self.received, Arc::clone(&passed), self.limits.inflate));
        Self { line, received: BytesMut::new(), passed: Some(passed), ..self }
    }

    /// Sends octets.
    ///
    /// # Errors
    /// When they cannot be sent before the deadline.
    pub async fn send(&mut self, octets: &[u8]) -> Result<()> {
        let sent = async {
            self.line.write_all(octets).await?;
            self.line.flush().await
        };
        match timeout(self.patience, sent).await {
            Ok(Ok(())) => {
                self.counts.sent += octets.len();
                Ok(())
            }
            Ok(Err(error)) => Err(lost(error)),
            Err(_) => Err(self.silent("did not take what was sent")),
        }
    }

    /// The next response, whole; a future that is dropped before loses nothing.
    ///
    /// # Errors
    /// When the server closes the line, is silent for too long, or sends more than it may.
    pub async fn frame(&mut self) -> Result<Frame> {
        loop {
            if let Some(frame) = self.cut()? {
                return Ok(frame);
            }
            match timeout(self.patience, self.line.read_buf(&mut self.received)).await {
                Ok(Ok(0)) => return Err(closed()),
                Ok(Ok(octets)) => {
                    self.counts.received += octets;
                    self.pay(octets)?;
                }
                Ok(Err(error)) => return Err(lost(error)),
                Err(_) => return Err(self.silent("said nothing")),
            }
        }
    }

    fn pay(&mut self, octets: usize) -> Result<()> {
        if let Some(left) = &mut self.unproved {
            *left = left.checked_sub(octets).ok_or_else(|| {
                let message = "the server has sent more than 1 MiB, and has let nobody in yet";
                Error::new(ErrorKind::Server, message)
                    .hint("no server says so much before; see whether it is an IMAP server")
            })?;
        }
        self.budget.received(octets)
    }

    /// What passed since the last time, as it is on the line.
    pub fn take_counts(&mut self) -> Counts {
        let counts = std::mem::take(&mut self.counts);
        self.passed.as_ref().map_or(counts, |passed| passed.take())
    }

    /// Whether something has come that nobody asked for yet.
    pub fn has_more(&self) -> bool {
        !self.received.is_empty()
    }

    /// A frame, if the octets of a whole one are there; else room to read more.
    fn cut(&mut self) -> Result<Option<Frame>> {
        loop {
            self.skip();
            if self.skipping > 0 {
                self.received.reserve(STEP);
                return Ok(None);
            }
            let start = self.scanned.max(self.searched);
            let found = self.received.get(start..).and_then(|rest| memchr(b'\n', rest));
            let Some(end) = found.map(|at| start + at + 1) else {
                self.searched = self.received.len();
                let missing = self.scanned.saturating_sub(self.received.len());
                let unended = self.received.len().saturating_sub(self.scanned);
                if self.text + unended > self.limits.line {
                    return Err(too_much(LINE, self.limits.line));
                }
                self.received.reserve(missing.max(STEP));
                return Ok(None);
            };
            self.weigh(end)?;
            match literal(&self.received[self.line_start(end)..end]).filter(|_| !is_status(&self.received[..end])) {
                None => {
                    (self.scanned, self.searched, self.text, self.items) = (0, 0, 0, 0);
                    let (oversized, nesting) = (std::mem::take(&mut self.oversized), self.limits.nesting);
                    return Ok(Some(Frame { octets: self.received.split_to(end).freeze(), oversized, nesting }));
                }
                Some(octets) if octets > self.limits.literal => self.pass_over(end, octets),
                Some(octets) => {
                    self.scanned = end.saturating_add(usize::try_from(octets).unwrap_or(usize::MAX));
                    if self.scanned > self.limits.response {
                        return Err(too_much(RESPONSE, self.limits.response));
                    }
                }
            }
        }
    }

    /// Holds a line that ends there, and what was before it of its response, against the limits.
    fn weigh(&mut self, end: usize) -> Result<()> {
        let line = &self.received[self.scanned..end];
        self.text += line.len();
        self.items += memchr3_iter(b' ', b',', b'(', line).count();
        if self.text > self.limits.line {
            return Err(too_much(LINE, self.limits.line));
        }
        if self.items > self.limits.items {
            let message = format!("a response of the server has more than {} items", self.limits.items);
            return Err(Error::new(ErrorKind::Server, message)
                .hint("where that is meant: limits = { items = … } of the account"));
        }
        if end > self.limits.response {
            return Err(too_much(RESPONSE, self.limits.response));
        }
        Ok(())
    }

    /// Where the last line begins of what is scanned, as far as a literal's announcement can reach back.
    fn line_start(&self, end: usize) -> usize {
        self.scanned.max(end.saturating_sub(ANNOUNCEMENT))
    }

    /// Puts NIL where the literal was announced, and forgets its octets as they come.
    fn pass_over(&mut self, end: usize, octets: u64) {
        let brace = memchr::memrchr(b'{', &self.received[..end]).unwrap_or(end);
        let brace = if self.received[..brace].ends_with(b"~") { brace - 1 } else { brace };
        let rest = self.received.split_off(end);
        self.received.truncate(brace);
        self.received.extend_from_slice(b"NIL");
        (self.scanned, self.searched) = (self.received.len(), 0);
        self.received.unsplit(rest);
        self.skipping = octets;
        self.oversized = true;
    }

    fn skip(&mut self) {
        if self.skipping == 0 {
            return;
        }
        let there = self.received.len() - self.scanned;
        let octets = usize::try_from(self.skipping).unwrap_or(usize::MAX).min(there);
        let rest = self.received.split_off(self.scanned + octets);
        self.received.truncate(self.scanned);
        self.received.unsplit(rest);
        self.skipping -= octets as u64;
    }

    fn silent(&self, what: &str) -> Error {
        Error::new(ErrorKind::Unreachable, format!("the server {what} for {} s", self.patience.as_secs()))
            .hint("try again, or allow it more time: SET mailql.timeout_seconds = …")
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// The octets that a line announces to follow it: `{12}`, `{12+}` or `~{12}` at its end (RFC 9051 §4.3).
fn literal(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let digits = &line[memchr::memrchr(b'{', line)? + 1..];
    std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))?.parse().ok()
}

/// Whether a response is a status, whose text is for people and announces nothing.
fn is_status(frame: &[u8]) -> bool {
    let word = frame.split(|octet| *octet == b' ').nth(1).unwrap_or_default().trim_ascii_end();
    frame.starts_with(b"+")
        || [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|status| word.eq_ignore_ascii_case(status))
}

fn too_much(what: (&str, &str), limit: usize) -> Error {
    let message = match limit >> 20 {
        0 => format!("{} of the server is longer than {limit} octets", what.0),
        megabytes => format!("{} of the server is longer than {megabytes} MiB", what.0),
    };
    Error::new(ErrorKind::Server, message).hint(format!(
        "no mail is like that; see whether it is an IMAP server, or set limits = {{ {} = … }} of the account",
        what.1
    ))
}

/// What may be too long, and the limit of it.
const LINE: (&str, &str) = ("a line", "line_mb");
const RESPONSE: (&str, &str) = ("a response", "response_mb");

fn lost(error: io::Error) -> Error {
    // A line that is compressed says itself what is wrong.
    let error = match error.downcast::<Error>() {
        Ok(told) => return told,
        Err(error) => error,
    };
    // TLS without a proper end is what a cut line looks like.
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return closed().because(error);
    }
    // Its kind is Io there, but it is the server's.
    Error::new(ErrorKind::Unreachable, Error::io("the connection was lost", error).to_string()).hint(AGAIN)
}

fn closed() -> Error {
    Error::new(ErrorKind::Unreachable, "the server closed the connection").hint(AGAIN)
}

const AGAIN: &str = "try again; if it does not last, with fewer connections: SET mailql.connections = 1";

/// Octets to make room for before each reading.
const STEP: usize = 64 << 10;

/// Octets that a server may send before the user is let in.
const UNPROVED: usize = 1 << 20;

/// An announcement of a literal is not longer.
const ANNOUNCEMENT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames(limits: Limits, input: &[u8], step: usize) -> Vec<(String, bool)> {
        let (client, mut server) = tokio::io::duplex(step);
        let mut transport = Transport::new(Box::new(client), limits, Duration::from_secs(5));
        let input = input.to_owned();
        let writer = tokio::spawn(async move { drop(server.write_all(&input).await) });
        let mut frames = Vec::new();
        while let Ok(frame) = transport.frame().await {
            frames.push((String::from_utf8_lossy(&frame.octets).into_owned(), frame.oversized));
        }
        writer.await.unwrap();
        frames
    }

    fn plain(frames: &[&str]) -> Vec<(String, bool)> {
        frames.iter().map(|frame| ((*frame).to_owned(), false)).collect()
    }

    #[tokio::test]
    async fn a_frame_is_a_response_with_its_literals_however_the_octets_come() {
        let input = "* 1 FETCH (BODY[] {4}\r\na\r\nb X {0}\r\n)\r\n* OK see {99}\r\nA1 OK\r\n";
        for step in [1, 2, 3, 7, 1000] {
            let expected = ["* 1 FETCH (BODY[] {4}\r\na\r\nb X {0}\r\n)\r\n", "* OK see {99}\r\n", "A1 OK\r\n"];
            assert_eq!(frames(Limits::default(), input.as_bytes(), step).await, plain(&expected), "step {step}");
        }
    }

    #[tokio::test]
    async fn a_literal_that_is_too_large_is_passed_over_and_told() {
        let limits = Limits { literal: 3, ..Limits::default() };
        for step in [1, 3, 1000] {
            let input = b"* 1 FETCH (BODY[] ~{4}\r\nabcd BODY[1] {3}\r\nxyz)\r\nA1 OK\r\n";
            let expected = vec![
                ("* 1 FETCH (BODY[] NIL BODY[1] {3}\r\nxyz)\r\n".to_owned(), true),
                ("A1 OK\r\n".to_owned(), false),
            ];
            assert_eq!(frames(limits, input, step).await, expected, "step {step}");
        }
    }

    #[tokio::test]
    async fn what_is_longer_than_it_may_be_is_an_error() {
        let limits = Limits { literal: 100, line: 10, response: 150, ..Limits::default() };
        assert_eq!(frames(limits, b"* 1234567890123456", 100).await, []);
        assert_eq!(frames(limits, b"* A {100}\r\n", 100).await, []);
        let two = format!("* A {{100}}\r\n{} {{100}}\r\n{})\r\n", "x".repeat(100), "x".repeat(100));
        assert_eq!(frames(limits, two.as_bytes(), 1000).await, []);
    }

    /// Frames that came before the error, with limits of so much.
    async fn passed(limits: Limits, input: &str) -> usize {
        frames(limits, input.as_bytes(), 100).await.len()
    }

    #[tokio::test]
    async fn each_limit_lets_pass_what_is_as_large_and_nothing_larger() {
        let usual = Limits::default();
        let line = format!("* OK {}\r\n", "x".repeat(50));
        let literal = "* A {9}\r\n123456789 {0}\r\n\r\n";
        let items = "* FLAGS (a b),c\r\n";
        for (limits, input, passes) in [
            (Limits { line: line.len() + 1, ..usual }, line.as_str(), 1),
            (Limits { line: line.len(), ..usual }, &line, 1),
            (Limits { line: line.len() - 1, ..usual }, &line, 0),
            // What is in no literal counts together.
            (Limits { line: literal.len() - 9, ..usual }, literal, 1),
            (Limits { line: literal.len() - 10, ..usual }, literal, 0),
            (Limits { response: literal.len() + 1, ..usual }, literal, 1),
            (Limits { response: literal.len(), ..usual }, literal, 1),
            (Limits { response: literal.len() - 1, ..usual }, literal, 0),
            (Limits { items: 6, ..usual }, items, 1),
            (Limits { items: 5, ..usual }, items, 1),
            (Limits { items: 4, ..usual }, items, 0),
        ] {
            assert_eq!(passed(limits, input).await, passes, "{input} with {limits:?}");
            // Each response has its own.
            assert_eq!(passed(limits, &input.repeat(3)).await, passes * 3, "{input} with {limits:?}");
        }
        for (literal, oversized) in [(10, false), (9, false), (8, true)] {
            let frames = frames(Limits { literal, ..usual }, b"* A {9}\r\n123456789\r\n", 100).await;
            assert_eq!((frames.len(), frames[0].1), (1, oversized), "{literal}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_has_an_end() {
        let (client, _server) = tokio::io::duplex(10);
        let mut transport = Transport::new(Box::new(client), Limits::default(), Duration::from_mins(1));
        let error = transport.frame().await.unwrap_err();
        assert_eq!(error.to_string(), "the server said nothing for 60 s");
    }
}
