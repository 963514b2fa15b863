//! The Content-Length of a message in an mbox, as mboxcl and mboxcl2 have it.
//!
//! It is a count of octets that any program may have copied or changed, so it holds only where the next message, or the
//! end of the file, stands just there. Used by [`super::scan`].

use std::io;

use super::following;
use super::scan::Source;
use super::separator::{self, Before, Form, judge};

/// The number that the field tells.
pub(super) fn of(line: &[u8]) -> Option<u64> {
    let colon = memchr::memchr(b':', line)?;
    let digits = line[colon + 1..].trim_ascii();
    let is_number = (1..=MOST_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

/// The file, and what of it is at hand.
pub(super) struct File<'a, S> {
    pub(super) source: &'a mut S,
    /// Where it ends.
    pub(super) end: u64,
    /// Octets that were read, and where in the file they begin.
    pub(super) text: &'a [u8],
    pub(super) start: u64,
    /// Whether the file ends with them.
    pub(super) is_end: bool,
}

/// Where a message ends by its Content-Length.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Where the next message begins or the file ends, if the length holds.
    pub(super) end: Option<u64>,
    /// Whether the end of the file is too near to say that it does not.
    pub(super) is_open: bool,
}

/// Looks whether a message whose header ends there has so many octets after it.
pub(super) fn end<S: Source>(mut file: File<'_, S>, header_end: u64, octets: u64) -> io::Result<Found> {
    let Some(end) = header_end.checked_add(octets).filter(|end| *end <= file.end) else {
        return Ok(Found { end: None, is_open: true });
    };
    // The octet before tells whether a line ends there.
    let mut room = [0; ROOM];
    let few = file.read(end - 1, &mut room[..FEW])?;
    let is_end = end - 1 + few as u64 >= file.end;
    if !is_end && !is_separator(&room[..few], false) {
        return Ok(Found::default());
    }
    let read = file.read(end - 1, &mut room)?;
    let is_end = end - 1 + read as u64 >= file.end;
    let text = &room[..read];
    let ends = line_ends(&text[1..]);
    if is_end && 1 + ends == read {
        return Ok(Found { end: Some(file.end), is_open: false });
    }
    let holds = is_separator(text, is_end) && is_judged(&text[1 + ends..], is_end);
    Ok(Found { end: holds.then_some(end + ends as u64), is_open: is_end && !holds })
}

impl<S: Source> File<'_, S> {
    fn read(&mut self, offset: u64, room: &mut [u8]) -> io::Result<usize> {
        let known = usize::try_from(offset - self.start).ok().and_then(|at| self.text.get(at..));
        if let Some(known) = known.filter(|known| known.len() >= room.len() || self.is_end) {
            let octets = known.len().min(room.len());
            room[..octets].copy_from_slice(&known[..octets]);
            return Ok(octets);
        }
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let octets = room.len().min(left);
        self.source.read_at(offset, &mut room[..octets])
    }
}

/// Whether a `From ` follows on line ends, or on a line that ends with the first octet; one that is cut may do so.
fn is_separator(text: &[u8], is_end: bool) -> bool {
    let ends = line_ends(&text[1..]);
    let after = &text[1 + ends..];
    (ends > 0 || text[0] == b'\n') && (separator::begins(after) || (!is_end && after.len() < FROM))
}

fn is_judged(text: &[u8], is_end: bool) -> bool {
    let length = match memchr::memchr(b'\n', text) {
        Some(end) => end + 1,
        None if is_end => text.len(),
        None => return false,
    };
    let form = Form::of(&text[..length]);
    length <= separator::LONGEST && judge(form, Before::EmptyLine, &text[length..], is_end).begins()
}

/// Octets of the line ends that the text begins with: that of the last line, and an empty line.
fn line_ends(text: &[u8]) -> usize {
    let one = |text: &[u8]| if text.starts_with(b"\r\n") { 2 } else { usize::from(text.starts_with(b"\n")) };
    let first = one(text);
    first + if first > 0 { one(&text[first..]) } else { 0 }
}

/// Octets that tell whether it is worth reading more.
const FEW: usize = 16;

/// Octets of `From `.
const FROM: usize = 5;

/// Octets that decide whether a line begins a message, with what is before it.
const ROOM: usize = 5 + separator::LONGEST + following::MOST_OCTETS;

const MOST_DIGITS: usize = 18;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn found(text: &str, header_end: usize, octets: u64) -> [Found; 2] {
        let find = |known: &[u8], is_end| {
            let mut source = Cursor::new(text.as_bytes());
            let (start, end) = (header_end as u64 - 1, text.len() as u64);
            let file = File { source: &mut source, end, text: known, start, is_end };
            super::end(file, header_end as u64, octets).unwrap()
        };
        [find(b"", false), find(&text.as_bytes()[header_end - 1..], true)]
    }

    #[test]
    fn a_length_holds_only_where_a_message_or_the_end_stands() {
        let next = "From a@b Sat Jan  3 01:02:03 2026\nSubject: x\n\ny\n";
        for ends in ["\n", "\r\n", "\n\n", "\r\n\r\n"] {
            let text = format!("a: b\n\nbody{ends}{next}");
            let at = (10 + ends.len()) as u64;
            for octets in 0..text.len() as u64 {
                let (target, length) = (octets + 6, text.len() as u64);
                let holds = (4..=4 + ends.len() as u64).contains(&octets);
                let end = if holds {
                    Some(at)
                } else {
                    Some(length).filter(|length| (length - 1..=*length).contains(&target))
                };
                for found in found(&text, 6, octets) {
                    assert_eq!(found.end, end, "{octets} {ends:?}");
                }
            }
        }
        assert_eq!(
            found("a: b\n\nbody", 6, 5),
            [Found { end: None, is_open: true }, Found { end: None, is_open: true }]
        );
        assert_eq!(found("a: b\n\nbody\nFro", 6, 5)[0], Found { end: None, is_open: true });
        assert_eq!(found("a: b\n\nbody", 6, u64::MAX)[0], Found { end: None, is_open: true });
    }

    #[test]
    fn only_digits_are_a_length() {
        assert_eq!(of(b"Content-Length: 12\r\n"), Some(12));
        for line in
            ["Content-Length:", "Content-Length: +1", "Content-Length: 1 2", "Content-Length: 9999999999999999999"]
        {
            assert_eq!(of(line.as_bytes()), None, "{line}");
        }
    }
}
