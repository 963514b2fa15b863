//! The index pass over an mbox: where messages are, how large, what state, in one go.
//!
//! Streams in blocks and holds no message. Quoting and line ends are counted here as
//! [`super::entry`] undoes them. Which lines begin messages is decided in [`super::separator`]; what is done with the
//! records is in [`super::index`].

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use bytes::Bytes;

use super::following::{self, Following};
use super::record::{
    self, HAS_KEYWORDS, KEPT_IN_PLACE, LENGTH_OPEN, MAY_HOLD_ANOTHER, NO_DATE, NO_EMPTY_LINE, Record, UNUSUAL_LINE,
};
use super::separator::{self, Before, Form, Verdict, judge};
use super::status::{self, Interest};
use super::{content_length, line_date};
use crate::mail::message::Timestamp;
use crate::mail::{Header, date};

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

/// The message that is read.
struct Open {
    offset: u64,
    content: u64,
    header_end: Option<u64>,
    bare: u64,
    quoted: u64,
    /// The date of its `From ` line, and whether fields tell better when it was received.
    date: Option<Timestamp>,
    fields_first: bool,
    /// Whether its author's fields were seen: what comes before them may have been put before another `From ` line.
    is_authored: bool,
    content_length: Option<u64>,
    /// Where the message ends by its Content-Length, if that holds.
    known_end: Option<u64>,
    state: u16,
}

impl<'a, S: Source> Scanner<'a, S> {
    fn new(source: &'a mut S, end: u64, records: Vec<Record>, state: u16) -> Self {
        Self { source, end, records, open: None, state, fields: Vec::new(), in_field: false, empty_line: 0 }
    }

    /// Takes lines; returns how many octets of them are done, and says whether what follows begins a line.
    fn lines(&mut self, piece: &Piece<'_>, begins: &mut bool) -> Result<usize, Stopped> {
        let mut at = 0;
        while at < piece.until {
            let rest = &piece.text[at..piece.until];
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let text = &piece.text[at..];
            let offset = piece.start + at as u64;
            if *begins && matches!(text[0], b'F' | MARK_BEGINS) && mark(&text[..length]).is_some() {
                if text.len() < DECISIVE && !piece.is_end {
                    return Ok(at);
                }
                if self.opened(text, length, offset, piece.is_end) {
                    at += length;
                    *begins = piece.ends || at < piece.until;
                    continue;
                }
            }
            self.line(text, length, offset, *begins, piece.is_end)?;
            at += length;
            *begins = piece.ends || at < piece.until;
        }
        Ok(at)
    }

    /// Opens a message if one begins with the line that the text begins with.
    fn opened(&mut self, text: &[u8], length: usize, offset: u64, is_end: bool) -> bool {
        let marked = mark(&text[..length]).unwrap_or_default();
        if !self.separates(&text[marked..], length - marked, offset, is_end) {
            return false;
        }
        self.close(offset);
        self.open(&text[marked..length], offset + marked as u64);
        true
    }

    fn line(&mut self, text: &[u8], length: usize, offset: u64, begins: bool, is_end: bool) -> Result<(), Stopped> {
        let line = &text[..length];
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
            open.header_end = Some(offset + length as u64);
            if let Some(octets) = open.content_length {
                self.measure(octets, &text[length - 1..], offset + length as u64, is_end)?;
            }
        } else {
            self.header_line(line, begins);
        }
        self.empty_line = if is_empty { length as u64 } else { 0 };
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
        let after = Following::of(&text[length..], is_end);
        let verdict = judge(Form::of(&text[..length]), before, &after);
        // Some programs put fields before a `From ` line that is there already.
        let in_header = open.header_end.is_none() && before == Before::Text && !open.is_authored;
        let is_inside = in_header || open.known_end.is_some_and(|end| offset < end);
        if is_inside || !verdict.begins() {
            let is_told = if is_inside { verdict.begins() } else { verdict == Verdict::LikelyText };
            open.state |= if is_told { MAY_HOLD_ANOTHER } else { 0 };
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
        let start = &line[..line.len().min(separator::LONGEST)];
        self.open = Some(Open {
            offset,
            content: offset + line.len() as u64,
            header_end: None,
            bare: 0,
            quoted: 0,
            date: line_date::of(start),
            fields_first: separator::tells_download(start),
            is_authored: false,
            content_length: None,
            known_end: None,
            state: std::mem::take(&mut self.state),
        });
    }

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
    ///
    /// `text` begins with the last octet of the header, and is what of the file is at hand from there on.
    fn measure(&mut self, octets: u64, text: &[u8], header_end: u64, is_end: bool) -> Result<(), Stopped> {
        let file = content_length::File { source: self.source, end: self.end, text, start: header_end - 1, is_end };
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
            received_at: open.received_at(&header).map_or(NO_DATE, |at| at.0),
            header: u32::try_from(header_end - open.offset).unwrap_or(u32::MAX),
            state: open.state | state(&header),
        });
    }
}

impl Open {
    /// When the message was received. Of mail that was downloaded, the line tells only when that was, and in local time.
    fn received_at(&self, header: &Header) -> Option<Timestamp> {
        if !self.fields_first {
            return self.date.or_else(|| received(header));
        }
        received(header).or_else(|| date::parse(&header.text("date")?)).or(self.date)
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

fn received(header: &Header) -> Option<Timestamp> {
    date::parse(header.text("received")?.rsplit(';').next()?)
}

fn state(header: &Header) -> u16 {
    let keywords = if status::has_keywords(header) { HAS_KEYWORDS } else { 0 };
    let in_place = if status::is_kept_in_place(header) { KEPT_IN_PLACE } else { 0 };
    record::bits_of(&status::flags(header)) | keywords | in_place
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
    use std::io::Cursor;

    use super::*;

    fn scanned(text: &str) -> Result<Vec<Record>, Stopped> {
        scan(&mut Cursor::new(text), 0..text.len() as u64, Vec::new(), 0, |_| Ok(()))
    }

    fn records(text: &str) -> Vec<Record> {
        scanned(text).unwrap()
    }

    fn pieces(text: &str) -> Vec<&str> {
        let range = |record: Record| {
            let start = usize::try_from(record.offset).unwrap();
            &text[start..start + usize::try_from(record.length).unwrap()]
        };
        records(text).into_iter().map(range).collect()
    }

    const FROM_A: &str = "From a@b Sat Jan  3 01:02:03 2026\n";

    /// Python's `mailbox` cuts at every line `From `; these are the messages that were written.
    #[test]
    fn lines_of_text_begin_no_message_and_those_of_programs_do() {
        let one = format!("{FROM_A}Subject: 1\n\nFrom now on\n\nFrom here, at 10:30\nx\n{FROM_A}y\n");
        let two = format!("{FROM_A}Subject: 2\n");
        let text = format!("{one}\n{two}\n{FROM_A}\n\n{FROM_A}a: b");
        assert_eq!(pieces(&text), [one, format!("{two}\n"), format!("{FROM_A}\n"), format!("{FROM_A}a: b")]);
        for prose in [
            "From Russia with love\n",
            "From Russia with love\nNote: bring shoes\n",
            "From Monday 3 June 2024 10:00 the office is closed\nsecond line\n",
            "From Monday 3 June 2024 10:00 the office is closed\nNote: bring shoes\n",
            "From here: see below\nSubject: of it\nand so on\n",
            "From Ann's mail:\nFrom: ann@example.org\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nSubject: x\n\nquoted\n",
            "From ann@example.org\nNote: bring shoes\n",
            "From \nan empty word\n",
            "From -\n\nx\n",
        ] {
            for first in ["From - \r\n", "From \n", FROM_A, "From a@b\n"] {
                let text = format!("{first}Subject: 1\n\nx\n\n{prose}\n{FROM_A}Subject: 2\n\ny\n");
                assert_eq!(records(&text).len(), 2, "{text:?}");
            }
        }
    }

    #[test]
    fn each_way_to_begin_a_message_is_known_after_an_empty_line() {
        let header = "From: a@b\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nSubject: x\n\n";
        let lines = ["From \n", "From -\n", "From - Mon Jan 05 10:00:00 2026\n", FROM_A, "From a@b\n", "From root\n"];
        for lines in lines
            .map(|line| [line; 3])
            .into_iter()
            .chain([[lines[0], lines[2], lines[4]], [lines[3], lines[0], lines[1]]])
        {
            let text: String = lines.iter().map(|line| format!("{line}{header}body\n\n")).collect();
            for text in [text.replace('\n', "\r\n"), text] {
                let found = records(&text);
                assert_eq!(found.len(), 3, "{text:?}");
                assert!(found.iter().all(|record| record.problems().count() == 0), "{text:?}");
                let third = text.rfind("From ").unwrap();
                assert_eq!(found[2].offset, third as u64, "{text:?}");
            }
        }
    }

    #[test]
    fn an_empty_line_before_a_dated_line_may_be_missing_where_a_header_follows_and_this_is_told() {
        let none: [&str; 0] = [];
        let told = |text: &str| {
            records(text).iter().map(|record| record.problems().collect::<Vec<_>>().join("; ")).collect::<Vec<_>>()
        };
        let missing = "no empty line before the message";
        let maybe = "a line \"From …\" in the message may begin another one";
        let mail = format!("{FROM_A}Subject: x\n\ny\n");
        assert_eq!(told(&mail.repeat(3)), ["", missing, missing]);
        assert_eq!(told(&format!("{FROM_A}Subject: x\n\nno end\n{mail}")), ["", missing]);
        let eudora = "From ???@??? Tue Jun 24 09:15:00 1997\r\nX-Sender: a@b\r\n\r\ny\r\n";
        assert_eq!(told(&eudora.repeat(2)), ["", missing]);
        // A message without a body, and without the empty line that ends a header.
        let short = format!("{FROM_A}From: a@b\nSubject: x\n");
        assert_eq!(told(&short.repeat(2)), ["", missing]);
        // What a program puts before the line of a message that it takes from elsewhere.
        assert_eq!(told(&format!("From - \nX-Mozilla-Status: 0001\n{mail}")), [maybe]);
        // Lines that are not followed by a header.
        assert_eq!(told(&format!("{mail}{FROM_A}text\n")), [maybe]);
        assert_eq!(told(&format!("{mail}{FROM_A}Note: text\n")), [maybe]);
        assert_eq!(told(&format!("{mail}\nFrom a@b\nNote: text\n")), [maybe]);
        assert_eq!(told(&format!("{mail}\nFrom the start\nNote: text\n")), [""]);
        assert_eq!(told("\n"), none);
    }

    #[test]
    fn a_content_length_holds_where_another_message_or_the_end_stands_there() {
        let body = format!("x\n\n{FROM_A}Subject: inner\n\ny\n");
        let mail = |octets: usize| format!("{FROM_A}Subject: x\nContent-Length: {octets}\n\n{body}\n");
        assert_eq!(records(&mail(body.len()).repeat(3)).len(), 3);
        assert_eq!(records(&mail(body.len() + 1).repeat(3)).len(), 3);
        assert!(
            records(&mail(body.len()))[0].problems().next().is_some(),
            "it may be another message, and that is told"
        );
        for wrong in [0, 1, body.len() - 2, body.len() + 2, 10 * body.len(), 999_999_999_999] {
            let found = records(&mail(wrong).repeat(3));
            assert_eq!(found.len(), 6, "{wrong}");
        }
        // A length that ends at another of the messages holds for none of those between.
        let far = mail(body.len()).len() * 2 + body.len();
        assert_eq!(records(&format!("{}{}", mail(far), mail(body.len()).repeat(3))).len(), 2);
    }

    /// Every way to begin a message, wherever a block ends.
    #[test]
    fn messages_are_found_wherever_a_block_ends() {
        let header = "From: a@b\r\nMessage-ID: <x@y>\r\n\r\n";
        let tail = format!("\r\nFrom \r\n{header}y\r\n\r\n{FROM_A}{header}z\r\n{FROM_A}{header}last");
        let first = format!("{FROM_A}{header}");
        // The end of the first block lies at each octet of the tail.
        for at in 0..tail.len() {
            let fill = "x".repeat(BLOCK - first.len() - at - 2);
            let found = records(&format!("{first}{fill}\r\n{tail}"));
            let offsets: Vec<u64> = found.iter().map(|record| record.offset + at as u64).collect();
            let from = |after: &str| (BLOCK + tail.find(after).unwrap()) as u64;
            let last = (BLOCK + tail.rfind(FROM_A).unwrap()) as u64;
            assert_eq!(offsets, [at as u64, from("From \r"), from(FROM_A), last], "{at}");
            let ends: Vec<u64> = found.iter().map(|record| record.offset + record.length + at as u64).collect();
            assert_eq!(ends, [BLOCK as u64, from(FROM_A) - 2, last, (BLOCK + tail.len()) as u64], "{at}");
        }
    }

    #[test]
    fn lines_that_look_alike_take_no_more_time_than_others() {
        let started = std::time::Instant::now();
        for line in ["From \n", "From a@b\n", FROM_A, "From a@b\nX-Y: z\n", "\nFrom a@b\nContent-Length: 9\n\n"] {
            records(&format!("{FROM_A}\n{}", line.repeat((8 << 20) / line.len())));
        }
        assert!(started.elapsed() < std::time::Duration::from_mins(1), "{:?}", started.elapsed());
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
            let text = format!("{before}{FROM_A}a: b\n\nc\n");
            let found = records(&text);
            assert_eq!((found.len(), found[0].size), (1, 11), "{before:?}");
        }
        // As when two files are put together.
        let text = format!("\u{feff}{FROM_A}a: b\n\nc\n");
        let found = records(&format!("{text}\n{text}"));
        assert_eq!(found.iter().map(|record| record.size).collect::<Vec<_>>(), [11, 11]);
        assert!(records("").is_empty() && records("\n\n").is_empty());
        let stopped = scanned("Subject: x\n\nFrom a");
        assert!(matches!(stopped, Err(Stopped::NoMbox)));
    }

    #[test]
    fn the_date_is_the_from_line_s_or_else_of_the_newest_received_field() {
        let received =
            "Received: by x;\n Sat, 3 Jan 2026 01:02:04 +0000\nReceived: y; Fri, 2 Jan 2026 00:00:00 +0000\n";
        let first = records(&format!("{FROM_A}{received}\nx\n"))[0].received_at;
        let second = records(&format!("From a@b\n{received}\nx\n"))[0].received_at;
        assert_eq!(second - first, 1_000_000);
        let date = "Date: Fri, 2 Jan 2026 00:00:00 +0000\n";
        assert_eq!(records(&format!("From a@b\n{date}\nx\n"))[0].received_at, NO_DATE);
    }

    /// The line tells the local time of a download, or nothing.
    #[test]
    fn the_date_of_mail_that_was_downloaded_is_that_of_its_fields() {
        let received =
            "Received: by x;\n Sat, 3 Jan 2015 01:02:04 +0000\nReceived: y; Fri, 2 Jan 2015 00:00:00 +0000\n";
        let date = "Date: Fri, 2 Jan 2015 00:00:00 +0000\n";
        for line in ["From - Mon Jan 05 10:00:00 2026", "From -", "From - ", "From "] {
            let of = |header: &str| records(&format!("{line}\r\nX-Mozilla-Status: 0001\n{header}\nx\n"))[0].received_at;
            assert_eq!(of(&format!("{date}{received}")), 1_420_246_924_000_000, "{line}");
            assert_eq!(of(date), 1_420_156_800_000_000, "{line}");
            let neither = if line.len() > 10 { 1_767_607_200_000_000 } else { NO_DATE };
            assert_eq!(of("Date: today\n"), neither, "{line}");
        }
    }
}
