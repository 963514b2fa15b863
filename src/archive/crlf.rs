//! Line ends and the end of a header, on raw octets.
//!
//! Sizes, contents and hashes are over CRLF line ends; files mostly have bare LF. It knows
//! nothing of files; [`super::entry`] says what is read.

use bytes::Bytes;

/// Counts what a text grows by when it gets CRLF line ends, given in pieces.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    after_cr: bool,
    bare: u64,
}

impl LineEnds {
    /// Takes the next piece.
    pub(super) fn add(&mut self, piece: &[u8]) {
        for at in memchr::memchr_iter(b'\n', piece) {
            let after_cr = if at == 0 { self.after_cr } else { piece[at - 1] == b'\r' };
            self.bare += u64::from(!after_cr);
        }
        if let Some(last) = piece.last() {
            self.after_cr = *last == b'\r';
        }
    }

    /// How many line ends were bare so far.
    pub(super) fn bare(&self) -> u64 {
        self.bare
    }
}

/// The same text with CRLF line ends; not copied when it has them already.
pub(super) fn with_crlf(text: Vec<u8>) -> Bytes {
    let mut ends = LineEnds::default();
    ends.add(&text);
    if ends.bare() == 0 {
        return Bytes::from(text);
    }
    let more = usize::try_from(ends.bare()).unwrap_or_default();
    let mut longer = Vec::with_capacity(text.len() + more);
    let mut from = 0;
    for at in memchr::memchr_iter(b'\n', &text) {
        if at == 0 || text[at - 1] != b'\r' {
            longer.extend_from_slice(&text[from..at]);
            longer.extend_from_slice(b"\r\n");
            from = at + 1;
        }
    }
    longer.extend_from_slice(&text[from..]);
    Bytes::from(longer)
}

/// Where the header ends, after its empty line; nothing while there is no empty line.
pub(super) fn header_end(text: &[u8]) -> Option<usize> {
    let mut start = 0;
    for at in memchr::memchr_iter(b'\n', text) {
        if matches!(&text[start..at], b"" | b"\r") {
            return Some(at + 1);
        }
        start = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_line_ends_are_changed_and_the_count_agrees() {
        for (given, wanted) in [
            ("", ""),
            ("\n", "\r\n"),
            ("a\nb\r\nc", "a\r\nb\r\nc"),
            ("\r\n\n\r", "\r\n\r\n\r"),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("\n\n\n", "\r\n\r\n\r\n"),
        ] {
            assert_eq!(with_crlf(given.as_bytes().to_vec()), wanted.as_bytes());
            for cut in 0..=given.len() {
                let mut ends = LineEnds::default();
                ends.add(&given.as_bytes()[..cut]);
                ends.add(&given.as_bytes()[cut..]);
                assert_eq!(given.len() as u64 + ends.bare(), wanted.len() as u64, "{given:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_header_ends_after_its_first_empty_line() {
        assert_eq!(header_end(b"a: b\n\nbody"), Some(6));
        assert_eq!(header_end(b"a: b\r\n\r\nbody"), Some(8));
        assert_eq!(header_end(b"a: b\n\r\nbody"), Some(7));
        assert_eq!(header_end(b"\nbody\n\n"), Some(1));
        assert_eq!(header_end(b"a: b\nc: d\n"), None);
    }
}
