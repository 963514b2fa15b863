//! The content of a mail on its way to a server (RFC 5321 §4.1.1.4): looked through before, cut in chunks, dots doubled.
//!
//! Pure. What is here is all that can be sent after DATA, so nothing in a mail can end it (SMTP smuggling).

use std::borrow::Cow;

use memchr::{memchr_iter, memchr3_iter, memmem};

use crate::error::{Error, ErrorKind, Result};

/// The octets of a mail, known to be lines that end with CRLF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content<'a> {
    octets: &'a [u8],
    /// It has octets that are not ASCII (RFC 6152).
    pub is_eight_bit: bool,
    /// Its header has such octets: it is for servers that know of them (RFC 6532).
    pub has_utf8_header: bool,
}

impl<'a> Content<'a> {
    /// Looks through a mail.
    ///
    /// # Errors
    /// A CR or LF stands alone, there is a NUL, a line is longer than 998 octets, or the last has no end.
    pub fn of(octets: &'a [u8]) -> Result<Self> {
        let wrong = |what: &str| {
            Error::new(ErrorKind::Mail, format!("the mail cannot be sent as it is: {what}"))
                .hint("a mail has lines of at most 998 octets that end with CRLF; let it be made by SendEmail")
        };
        for at in memchr3_iter(b'\r', b'\n', 0, octets) {
            let is_line_end = match octets[at] {
                b'\r' => octets.get(at + 1) == Some(&b'\n'),
                b'\n' => at > 0 && octets[at - 1] == b'\r',
                _ => return Err(wrong("it has an octet of 0")),
            };
            if !is_line_end {
                return Err(wrong("it has half a line end, where another server may see the end of the mail"));
            }
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', octets) {
            if end - start > LINE + 1 {
                return Err(wrong("a line is longer than 998 octets"));
            }
            start = end + 1;
        }
        if start != octets.len() || octets.is_empty() {
            return Err(wrong("its last line has no end"));
        }
        let header = memmem::find(octets, b"\r\n\r\n").map_or(octets, |end| &octets[..end]);
        Ok(Self { octets, is_eight_bit: !octets.is_ascii(), has_utf8_header: !header.is_ascii() })
    }

    /// How many octets it is (RFC 1870 §3): dots that are doubled do not count.
    pub fn size(self) -> u64 {
        self.octets.len() as u64
    }

    /// What is sent, chunk by chunk, without the line that ends it: a dot at the beginning of a line is doubled (§4.5.2).
    pub fn chunks(self) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let mut begins_line = true;
        self.octets.chunks(CHUNK).map(move |chunk| {
            let first = (begins_line && chunk[0] == b'.').then_some(0);
            begins_line = chunk.last() == Some(&b'\n');
            let dots: Vec<usize> = first.into_iter().chain(memmem::find_iter(chunk, b"\n.").map(|at| at + 1)).collect();
            if dots.is_empty() {
                return Cow::Borrowed(chunk);
            }
            let mut stuffed = Vec::with_capacity(chunk.len() + dots.len());
            let mut start = 0;
            for dot in dots {
                stuffed.extend_from_slice(&chunk[start..dot]);
                stuffed.push(b'.');
                start = dot;
            }
            stuffed.extend_from_slice(&chunk[start..]);
            Cow::Owned(stuffed)
        })
    }
}

/// Octets of a line, without its end (§4.5.3.1.6).
pub const LINE: usize = 998;

/// Octets that go out at once: a server has the whole patience for each.
const CHUNK: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(octets: &[u8]) -> Vec<u8> {
        Content::of(octets).unwrap().chunks().flat_map(Cow::into_owned).collect()
    }

    #[test]
    fn a_dot_at_the_beginning_of_a_line_is_doubled() {
        assert_eq!(sent(b".\r\n"), b"..\r\n");
        assert_eq!(sent(b".a\r\n.\r\n..\r\na.\r\n\r\n.\r\n"), b"..a\r\n..\r\n...\r\na.\r\n\r\n..\r\n");
        assert_eq!(sent(b"a.b\r\n .\r\n"), b"a.b\r\n .\r\n");
    }

    #[test]
    fn dots_are_doubled_wherever_a_chunk_ends() {
        for ahead in CHUNK - 6..CHUNK + 3 {
            let mut mail = [b'\r', b'\n'].repeat(ahead / 2);
            mail.splice(..0, std::iter::repeat_n(b'x', ahead % 2));
            mail.extend_from_slice(b".\r\n..\r\n.end\r\n");
            let sent = sent(&mail);
            assert_eq!(memmem::find(&sent, b"\r\n.\r\n"), None, "{ahead}");
            let unstuffed = String::from_utf8(sent).unwrap().replace("\r\n.", "\r\n");
            assert_eq!(unstuffed.as_bytes(), mail, "{ahead}");
        }
    }

    #[test]
    fn what_another_server_could_take_for_the_end_is_refused() {
        let long = [&[b'x'; LINE + 1][..], b"\r\n"].concat();
        for wrong in [
            &b"a\n.\r\nMAIL FROM:<x@y>\r\n"[..],
            b"a\r.\r\n",
            b"a\r\n.\n",
            b"a\r\n.\r",
            b"a\r\r\n",
            b"\n",
            b"\r",
            b"a\0\r\n",
            b"a",
            b"",
            &long,
        ] {
            let error = Content::of(wrong).unwrap_err();
            assert!(error.way_out().is_some(), "{wrong:?}");
        }
        assert!(Content::of(&[&[b'x'; LINE][..], b"\r\n"].concat()).is_ok());
    }

    #[test]
    fn it_is_known_what_a_server_must_understand() {
        let nature = |text: &str| {
            let content = Content::of(text.as_bytes()).unwrap();
            (content.is_eight_bit, content.has_utf8_header, content.size())
        };
        assert_eq!(nature("A: b\r\n\r\nc\r\n"), (false, false, 11));
        assert_eq!(nature("A: b\r\n\r\né\r\n"), (true, false, 12));
        assert_eq!(nature("A: é\r\n\r\nc\r\n"), (true, true, 12));
    }
}
