//! The index pass over an mbox: where messages are, how large, what state, in one go.
//!
//! Streams in blocks and holds no message. Quoting and line ends are counted here as
//! [`super::entry`] undoes them. What is done with the records is in [`super::index`].

use std::io::{self, Read};

use bytes::Bytes;

use super::separator;
use super::status;
use crate::mail::message::Timestamp;
use crate::mail::{Flag, Header, date};

/// What the index knows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Where its `From ` line starts.
    pub(super) offset: u64,
    /// Octets from there to its end; the empty line before the next message is not in it.
    pub(super) length: u64,
    /// Octets of the message itself, unquoted and with CRLF line ends.
    pub(super) size: u64,
    /// When it was received, in microseconds; [`NO_DATE`] where nobody says.
    pub(super) received_at: i64,
    /// Octets from the offset to the end of the header.
    pub(super) header: u32,
    /// Its flags, a bit each in their order, and the bits below.
    pub(super) state: u8,
}

/// Stands for no date.
pub(super) const NO_DATE: i64 = i64::MIN;

/// The message has keywords, which its header tells.
pub(super) const HAS_KEYWORDS: u8 = 0x40;

/// Its state is kept in its header, where it may be changed.
pub(super) const KEPT_IN_PLACE: u8 = 0x80;

impl Record {
    /// Whether the message has the flag.
    pub(super) fn has(&self, flag: Flag) -> bool {
        self.state & bit(flag) != 0
    }
}

/// Why a scan ends early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The file does not start as an mbox does.
    NoMbox,
    /// It cannot be read, or nobody waits any more.
    Io(io::Error),
}

/// Reads from a stream that begins at `base` in the file; `progress` hears of every block.
///
/// `dates_required` is known when the scan goes on where another ended; the first line decides.
pub(super) fn scan(
    stream: &mut impl Read,
    base: u64,
    records: Vec<Record>,
    dates_required: Option<bool>,
    mut progress: impl FnMut(usize) -> io::Result<()>,
) -> Result<(Vec<Record>, bool), Stopped> {
    let mut scanner = Scanner::new(records, dates_required);
    let mut block = vec![0; BLOCK];
    let (mut held, mut start, mut begins, mut at_end) = (0, base, true, false);
    while !at_end {
        let read = fill(stream, &mut block[held..]).map_err(Stopped::Io)?;
        progress(read).map_err(Stopped::Io)?;
        held += read;
        at_end = held < block.len();
        // Whole lines only, but for one that is longer than a block; its CR must stay with its LF.
        let (until, ends) = match memchr::memrchr(b'\n', &block[..held]) {
            _ if at_end => (held, true),
            Some(last) => (last + 1, true),
            None => (held - 1, false),
        };
        begins = scanner.lines(&block[..until], start, begins, ends)?;
        block.copy_within(until..held, 0);
        held -= until;
        start += until as u64;
    }
    scanner.close(start);
    Ok((scanner.records, scanner.dates_required.unwrap_or(true)))
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

/// Octets kept of the fields of interest of one header.
const MOST_FIELDS: usize = 64 << 10;

struct Scanner {
    records: Vec<Record>,
    dates_required: Option<bool>,
    open: Option<Open>,
    /// Fields of interest of the header that is read, and whether the last line is among them.
    fields: Vec<u8>,
    in_field: bool,
    /// Octets of the line before, if it is empty.
    empty_line: u64,
}

/// The message that is read.
struct Open {
    offset: u64,
    content: u64,
    header_end: Option<u64>,
    bare: u64,
    quoted: u64,
    received_at: Option<Timestamp>,
}

impl Scanner {
    fn new(records: Vec<Record>, dates_required: Option<bool>) -> Self {
        Self { records, dates_required, open: None, fields: Vec::new(), in_field: false, empty_line: 0 }
    }

    /// Takes lines; says whether what follows begins a line.
    fn lines(&mut self, block: &[u8], mut offset: u64, mut begins: bool, ends: bool) -> Result<bool, Stopped> {
        let mut rest = block;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            self.line(line, offset, begins)?;
            begins = ends || !after.is_empty();
            offset += end as u64;
            rest = after;
        }
        Ok(begins)
    }

    fn line(&mut self, line: &[u8], offset: u64, begins: bool) -> Result<(), Stopped> {
        let is_empty = begins && matches!(line, b"\n" | b"\r\n");
        if begins && line[0] == b'F' && separator::begins(line) && self.separates(line) {
            self.close(offset);
            self.open(line, offset);
            return Ok(());
        }
        let Some(open) = &mut self.open else {
            // Before the first message there may be empty lines, and a mark of the encoding.
            let marked = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
            if begins && separator::begins(marked) && self.separates(marked) {
                self.open(marked, offset + (line.len() - marked.len()) as u64);
                return Ok(());
            }
            return if marked.trim_ascii().is_empty() { Ok(()) } else { Err(Stopped::NoMbox) };
        };
        open.bare += u64::from(line.ends_with(b"\n") && !line.ends_with(b"\r\n"));
        if open.header_end.is_some() {
            open.quoted += u64::from(begins && line[0] == b'>' && is_quoted(line));
        } else if is_empty {
            open.header_end = Some(offset + line.len() as u64);
        } else {
            self.header_line(line, begins);
        }
        self.empty_line = if is_empty { line.len() as u64 } else { 0 };
        Ok(())
    }

    /// Whether a `From ` line begins a message: the first does, others after an empty line.
    fn separates(&mut self, line: &[u8]) -> bool {
        if self.open.is_none() {
            self.dates_required = Some(self.dates_required.unwrap_or_else(|| separator::has_date(line)));
            return true;
        }
        self.empty_line > 0 && (self.dates_required == Some(false) || separator::has_date(line))
    }

    fn open(&mut self, line: &[u8], offset: u64) {
        self.fields.clear();
        self.in_field = false;
        self.empty_line = 0;
        self.open = Some(Open {
            offset,
            content: offset + line.len() as u64,
            header_end: None,
            bare: 0,
            quoted: 0,
            received_at: separator::date_of(&line[..line.len().min(LONGEST_FROM)]),
        });
    }

    fn header_line(&mut self, line: &[u8], begins: bool) {
        let continues = !begins || matches!(line[0], b' ' | b'\t');
        self.in_field = if continues { self.in_field } else { status::is_of_interest(line) };
        if self.in_field && self.fields.len() + line.len() <= MOST_FIELDS {
            self.fields.extend_from_slice(line);
        }
    }

    /// Ends the message that is read, before `end`.
    fn close(&mut self, end: u64) {
        let Some(open) = self.open.take() else { return };
        let header_end = open.header_end.unwrap_or(end);
        // The empty line that ends the header is no separator of messages, though it may serve as one.
        let empty_line = if end - self.empty_line >= header_end { self.empty_line } else { 0 };
        let bare = open.bare - u64::from(empty_line == 1);
        let end = end - empty_line;
        let header = Header::parse(Bytes::copy_from_slice(&self.fields));
        self.records.push(Record {
            offset: open.offset,
            length: end - open.offset,
            size: end - open.content + bare - open.quoted,
            received_at: open.received_at.or_else(|| received(&header)).map_or(NO_DATE, |at| at.0),
            header: u32::try_from(header_end - open.offset).unwrap_or(u32::MAX),
            state: state(&header),
        });
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A `From ` line that is longer has its date somewhere else, if at all.
const LONGEST_FROM: usize = 4096;

fn received(header: &Header) -> Option<Timestamp> {
    date::parse(header.text("received")?.rsplit(';').next()?)
}

fn state(header: &Header) -> u8 {
    let flags = status::flags(header);
    let set = Flag::ALL.into_iter().filter(|flag| flags.has(*flag)).map(bit).sum::<u8>();
    let keywords = if status::has_keywords(header) { HAS_KEYWORDS } else { 0 };
    let in_place = if status::is_kept_in_place(header) { KEPT_IN_PLACE } else { 0 };
    set | keywords | in_place
}

/// The bit of a flag; part of the format of the index on disk.
fn bit(flag: Flag) -> u8 {
    match flag {
        Flag::Answered => 1,
        Flag::Flagged => 2,
        Flag::Deleted => 4,
        Flag::Seen => 8,
        Flag::Draft => 16,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<Record> {
        scan(&mut text.as_bytes(), 0, Vec::new(), None, |_| Ok(())).unwrap().0
    }

    fn pieces(text: &str) -> Vec<&str> {
        let range = |record: Record| {
            let start = usize::try_from(record.offset).unwrap();
            &text[start..start + usize::try_from(record.length).unwrap()]
        };
        records(text).into_iter().map(range).collect()
    }

    const FROM_A: &str = "From a@b Sat Jan  3 01:02:03 2026\n";

    #[test]
    fn only_a_dated_from_line_after_an_empty_line_begins_a_message() {
        let one = format!("{FROM_A}Subject: 1\n\nFrom now on\n\nFrom here, at 10:30\nx\n{FROM_A}y\n");
        let two = format!("{FROM_A}Subject: 2\n");
        let text = format!("{one}\n{two}\n{FROM_A}\n\n{FROM_A}a: b");
        assert_eq!(pieces(&text), [one, format!("{two}\n"), format!("{FROM_A}\n"), format!("{FROM_A}a: b")]);
    }

    #[test]
    fn when_the_first_line_has_no_date_none_needs_one() {
        assert_eq!(pieces("From a\nx: y\n\nz\n\nFrom b\nx: y\n\n"), ["From a\nx: y\n\nz\n", "From b\nx: y\n\n"]);
    }

    #[test]
    fn sizes_are_those_of_the_unquoted_message_with_crlf() {
        let lf = format!("{FROM_A}a: b\n\n>From x\n>>From y\n> From z\n>Fromage\nend\n\n");
        let wanted = "a: b\r\n\r\nFrom x\r\n>From y\r\n> From z\r\n>Fromage\r\nend\r\n".len() as u64;
        assert_eq!(records(&lf)[0].size, wanted);
        let crlf = lf.replace('\n', "\r\n");
        assert_eq!(records(&crlf)[0].size, wanted);
        assert_eq!(records(&crlf.repeat(3)).iter().map(|record| record.size).collect::<Vec<_>>(), [wanted; 3]);
        assert_eq!(records(&format!("{FROM_A}a: b"))[0].size, 4);
    }

    #[test]
    fn lines_longer_than_a_block_are_read_through() {
        let long = "x".repeat(BLOCK - FROM_A.len() - 8);
        for more in 0..20 {
            let text = format!("{FROM_A}a: b\r\n\r\n{long}{}\r\nFrom \r\n\r\n{FROM_A}c: d\n\nlast", "y".repeat(more));
            let found = records(&text);
            assert_eq!(found.len(), 2, "{more}");
            assert_eq!(found[0].size, (8 + long.len() + more + 2 + 7) as u64, "{more}");
            let text = format!("{FROM_A}a: b\n\n{long}{long}{long}From {}\n\n{FROM_A}c: d\n\nlast", "y".repeat(more));
            assert_eq!(records(&text).len(), 2, "{more}");
        }
    }

    #[test]
    fn a_file_may_begin_with_a_mark_or_empty_lines_but_not_with_something_else() {
        for before in ["", "\n\r\n", "\u{feff}"] {
            let found = records(&format!("{before}{FROM_A}a: b\n\nc\n"));
            assert_eq!((found.len(), found[0].size), (1, 11), "{before:?}");
        }
        assert!(records("").is_empty() && records("\n\n").is_empty());
        let stopped = scan(&mut "Subject: x\n\nFrom a".as_bytes(), 0, Vec::new(), None, |_| Ok(()));
        assert!(matches!(stopped, Err(Stopped::NoMbox)));
    }

    #[test]
    fn the_date_is_the_from_line_s_or_else_of_the_newest_received_field() {
        let received =
            "Received: by x;\n Sat, 3 Jan 2026 01:02:04 +0000\nReceived: y; Fri, 2 Jan 2026 00:00:00 +0000\n";
        let first = records(&format!("{FROM_A}{received}\nx\n"))[0].received_at;
        let second = records(&format!("From a@b\n{received}\nx\n"))[0].received_at;
        assert_eq!(second - first, 1_000_000);
        assert_eq!(records("From a@b\nDate: Fri, 2 Jan 2026 00:00:00 +0000\n\nx\n")[0].received_at, NO_DATE);
    }
}
