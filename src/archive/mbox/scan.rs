//! The index pass over an mbox: where messages are, how large, what state, in one go.
//!
//! Streams in blocks and holds no message. Quoting and line ends are counted here as
//! [`super::entry`] undoes them. Which lines begin messages is decided in [`super::separator`]; what is done with the
//! records is in [`super::index`].

mod open;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;

use self::open::Open;
use super::content_length;
use super::following;
use super::record::{LENGTH_OPEN, MAY_HOLD_ANOTHER, NO_EMPTY_LINE, Record, UNUSUAL_LINE};
use super::separator::{self, Before, Form, Verdict, judge};
use super::status::{self, Interest};
use crate::mail::Header;

/// Why a scan ends early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The file does not start as an mbox does.
    NoMbox,
    /// It cannot be read, or the statement was stopped.
    Io(io::Error),
}

/// A file as it is scanned.
pub(super) trait Source {
    /// Reads from an offset until the buffer is full or the file ends.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl<F: Read + Seek> Source for F {
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.seek(SeekFrom::Start(offset))?;
        fill(self, buffer)
    }
}

/// Scans the range of a file, which begins where a message does, and adds to the records; `progress` hears of every block.
///
/// `state` is what is known of the first line of that message, where the scan goes on where another ended.
pub(super) fn scan(
    source: &mut impl Source,
    range: Range<u64>,
    records: Vec<Record>,
    state: u16,
    mut progress: impl FnMut(usize) -> io::Result<()>,
) -> Result<Vec<Record>, Stopped> {
    let mut scanner = Scanner::new(source, range.end, records, state);
    let mut block = vec![0; BLOCK];
    let (mut held, mut start, mut begins, mut is_end) = (0, range.start, true, false);
    while !is_end {
        let left = usize::try_from(range.end.saturating_sub(start)).unwrap_or(usize::MAX);
        let filled = block.len().min(left);
        let read = scanner.source.read_at(start + held as u64, &mut block[held..filled]).map_err(Stopped::Io)?;
        progress(read).map_err(Stopped::Io)?;
        held += read;
        is_end = held < block.len();
        // Whole lines only, but for one that is longer than a block; its CR must stay with its LF.
        let (until, ends) = match memchr::memrchr(b'\n', &block[..held]) {
            _ if is_end => (held, true),
            Some(last) => (last + 1, true),
            None => (held - 1, false),
        };
        let done = scanner.lines(&Piece { text: &block[..held], until, ends, start, is_end }, &mut begins)?;
        block.copy_within(done..held, 0);
        held -= done;
        start += done as u64;
    }
    scanner.close(start);
    Ok(scanner.records)
}

/// How many `>` before a `From ` count as quoting.
pub(super) const MOST_QUOTES: usize = 4096;

/// The quoting that a line of a body carries: `>From `, `>>From ` and so on.
pub(super) fn is_quoted(line: &[u8]) -> bool {
    let quotes = line.iter().take(MOST_QUOTES + 1).take_while(|octet| **octet == b'>').count();
    (1..=MOST_QUOTES).contains(&quotes) && separator::begins(&line[quotes..])
}

/// Octets read at a time.
const BLOCK: usize = 1 << 20;

/// Octets that decide whether a line begins a message: its own and those after it.
const DECISIVE: usize = MARK.len() + separator::LONGEST + following::MOST_OCTETS;

/// Octets kept of the fields of interest of one header.
const MOST_FIELDS: usize = 64 << 10;

/// Octets of the file, of which those up to `until` are to be scanned.
struct Piece<'a> {
    text: &'a [u8],
    until: usize,
    /// Whether a line ends there.
    ends: bool,
    /// Where in the file the octets are.
    start: u64,
    /// Whether the file ends with them.
    is_end: bool,
}

struct Scanner<'a, S> {
    source: &'a mut S,
    /// Where the file ends.
    end: u64,
    records: Vec<Record>,
    open: Option<Open>,
    /// What is known of the next message from its first line.
    state: u16,
    /// Fields of interest of the header that is read, and whether the last line is among them.
    fields: Vec<u8>,
    in_field: bool,
    /// Octets of the line before, if it is empty.
    empty_line: u64,
}

impl<'a, S: Source> Scanner<'a, S> {
    fn new(source: &'a mut S, end: u64, records: Vec<Record>, state: u16) -> Self {
        Self { source, end, records, open: None, state, fields: Vec::new(), in_field: false, empty_line: 0 }
    }

    /// Takes lines; returns how many octets of them are done, and says whether what follows begins a line.
    fn lines(&mut self, piece: &Piece<'_>, begins: &mut bool) -> Result<usize, Stopped> {
        let mut rest = &piece.text[..piece.until];
        let mut is_begin = *begins;
        while !rest.is_empty() {
            let at = piece.until - rest.len();
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let (line, after) = rest.split_at(length);
            let offset = piece.start + at as u64;
            if is_begin && matches!(line[0], b'F' | MARK_BEGINS) && mark(line).is_some() {
                let text = &piece.text[at..];
                if text.len() < DECISIVE && !piece.is_end {
                    *begins = true;
                    return Ok(at);
                }
                if self.opened(text, length, offset, piece.is_end) {
                    is_begin = piece.ends || !after.is_empty();
                    rest = after;
                    continue;
                }
            }
            self.line(line, offset, is_begin, piece)?;
            is_begin = piece.ends || !after.is_empty();
            rest = after;
        }
        *begins = is_begin;
        Ok(piece.until)
    }

    /// Opens a message if one begins with the line that the text begins with.
    #[inline(never)]
    fn opened(&mut self, text: &[u8], length: usize, offset: u64, is_end: bool) -> bool {
        let marked = mark(&text[..length]).unwrap_or_default();
        if !self.separates(&text[marked..], length - marked, offset, is_end) {
            return false;
        }
        self.close(offset);
        self.open(&text[marked..length], offset + marked as u64);
        true
    }

    #[inline]
    fn line(&mut self, line: &[u8], offset: u64, begins: bool, piece: &Piece<'_>) -> Result<(), Stopped> {
        let is_empty = begins && matches!(line, b"\n" | b"\r\n");
        let Some(open) = &mut self.open else {
            // Before the first message there may be empty lines, and a mark of the encoding.
            let unmarked = line.strip_prefix(MARK).unwrap_or(line);
            return if unmarked.trim_ascii().is_empty() { Ok(()) } else { Err(Stopped::NoMbox) };
        };
        open.bare += u64::from(line.ends_with(b"\n") && !line.ends_with(b"\r\n"));
        if open.header_end.is_some() {
            open.quoted += u64::from(begins && line[0] == b'>' && is_quoted(line));
        } else if is_empty {
            let header_end = offset + line.len() as u64;
            open.header_end = Some(header_end);
            if let Some(octets) = open.content_length {
                self.measure(octets, header_end, piece)?;
            }
        } else {
            self.header_line(line, begins);
        }
        self.empty_line = if is_empty { line.len() as u64 } else { 0 };
        Ok(())
    }

    /// Whether the line that the text begins with, and that begins with `From `, begins a message: the first of a file does.
    fn separates(&mut self, text: &[u8], length: usize, offset: u64, is_end: bool) -> bool {
        let Some(open) = &mut self.open else { return true };
        if open.known_end == Some(offset) {
            return true;
        }
        if length > separator::LONGEST {
            return false;
        }
        let before = if self.empty_line > 0 { Before::EmptyLine } else { Before::Text };
        let verdict = judge(Form::of(&text[..length]), before, &text[length..], is_end);
        // Some programs put fields before a `From ` line that is there already.
        if open.header_end.is_none() && before == Before::Text && !open.is_authored {
            return false;
        }
        let is_inside = open.known_end.is_some_and(|end| offset < end);
        if is_inside || !verdict.begins() {
            let is_told = if is_inside { verdict.begins() } else { verdict == Verdict::LikelyText };
            // Of a header it is told anyway that the line is no field.
            open.state |= if is_told && open.header_end.is_some() { MAY_HOLD_ANOTHER } else { 0 };
            return false;
        }
        self.state = match (verdict, before) {
            (Verdict::LikelyBegins, Before::EmptyLine) => UNUSUAL_LINE,
            (Verdict::LikelyBegins, Before::Text) => UNUSUAL_LINE | NO_EMPTY_LINE,
            (_, Before::Text) => NO_EMPTY_LINE,
            (_, Before::EmptyLine) => 0,
        };
        true
    }

    fn open(&mut self, line: &[u8], offset: u64) {
        self.fields.clear();
        self.in_field = false;
        self.empty_line = 0;
        self.open = Some(Open::new(line, offset, std::mem::take(&mut self.state)));
    }

    #[inline(never)]
    fn header_line(&mut self, line: &[u8], begins: bool) {
        let Some(open) = &mut self.open else { return };
        if begins && !matches!(line[0], b' ' | b'\t') {
            self.in_field = match status::interest(line) {
                Interest::None => false,
                Interest::State => true,
                Interest::Author => {
                    open.is_authored = true;
                    false
                }
                Interest::Date => {
                    open.is_authored = true;
                    open.fields_first
                }
                Interest::ContentLength => {
                    open.content_length = open.content_length.or_else(|| content_length::of(line));
                    false
                }
            };
        }
        if self.in_field && self.fields.len() + line.len() <= MOST_FIELDS {
            self.fields.extend_from_slice(line);
        }
    }

    /// Takes the end of the message from its Content-Length, if another message or the end of the file is there.
    #[cold]
    fn measure(&mut self, octets: u64, header_end: u64, piece: &Piece<'_>) -> Result<(), Stopped> {
        let Piece { text, start, is_end, .. } = *piece;
        let file = content_length::File { source: self.source, end: self.end, text, start, is_end };
        let found = content_length::end(file, header_end, octets).map_err(Stopped::Io)?;
        if let Some(open) = &mut self.open {
            open.known_end = found.end;
            open.state |= if found.is_open { LENGTH_OPEN } else { 0 };
        }
        Ok(())
    }

    /// Ends the message that is read, before `end`.
    fn close(&mut self, end: u64) {
        let Some(open) = self.open.take() else { return };
        let header = Header::parse(Bytes::copy_from_slice(&self.fields));
        self.records.push(open.record(end, self.empty_line, &header));
    }
}

/// Octets of a mark of the encoding before a `From `; none where the line does not begin so.
fn mark(line: &[u8]) -> Option<usize> {
    let unmarked = line.strip_prefix(MARK).unwrap_or(line);
    separator::begins(unmarked).then_some(line.len() - unmarked.len())
}

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

const MARK_BEGINS: u8 = MARK[0];

/// Reads until the buffer is full or the stream ends.
fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
