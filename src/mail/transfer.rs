//! Content transfer encodings (RFC 2045 §6): octets as transferred to octets as meant.
//!
//! Never fails: what is broken is read as far as it makes sense, and the caller is told.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use memchr::memchr;

use super::encoded_word::hex;

/// Undoes an encoding (in lower case); the flag says whether the octets held to it.
pub fn decode<'a>(octets: &'a [u8], encoding: &str) -> (Cow<'a, [u8]>, bool) {
    match encoding {
        "base64" => base64(octets),
        "quoted-printable" => quoted_printable(octets),
        "x-uuencode" | "x-uue" | "uuencode" | "uue" => uuencoded(octets),
        other => (Cow::Borrowed(octets), is_identity(other)),
    }
}

/// The size of decoded content as far as its encoded size tells it, in octets.
///
/// Base64 is taken to come in lines of 76 characters with CRLF; every other encoding as it is.
pub fn estimated_size(encoded_size: u64, encoding: &str) -> u64 {
    match encoding {
        "base64" => encoded_size.saturating_sub(2 * encoded_size.div_ceil(78)) / 4 * 3,
        _ => encoded_size,
    }
}

/// Whether an encoding is one that [`decode`] undoes.
pub fn is_known(encoding: &str) -> bool {
    is_identity(encoding)
        || matches!(encoding, "base64" | "quoted-printable" | "x-uuencode" | "x-uue" | "uuencode" | "uue")
}

/// Whether an encoding leaves the octets as they are.
pub fn is_identity(encoding: &str) -> bool {
    matches!(encoding, "7bit" | "8bit" | "binary")
}

/// Whether octets look as if an encoding had been applied to them, whatever is declared.
///
/// Everything that is encoded looks so; some text that is not does, too.
pub fn looks_encoded(octets: &[u8]) -> bool {
    let is_escape = |at: usize| match &octets[at + 1..] {
        [] | [b'\n', ..] | [b'\r', b'\n', ..] => true,
        [high, low, ..] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        [_] => false,
    };
    memchr::memchr_iter(b'=', octets).any(is_escape)
        || looks_like_base64(octets)
        || memchr::memmem::find(octets, b"begin ").is_some_and(|at| at == 0 || octets[at - 1] == b'\n')
}

/// Whether there is nothing but lines of digits of base64: as many as belong together, or too many for a word.
fn looks_like_base64(octets: &[u8]) -> bool {
    let is_digit = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=');
    let text = octets.trim_ascii();
    let digits = text.iter().filter(|octet| is_digit(octet)).count();
    let is_all = text.iter().all(|octet| is_digit(octet) || matches!(octet, b'\r' | b'\n'));
    is_all && digits > 0 && (digits % 4 == 0 || digits >= LONG_WORD)
}

/// Digits of base64 that are no word.
const LONG_WORD: usize = 60;

fn base64(octets: &[u8]) -> (Cow<'_, [u8]>, bool) {
    // RFC 2045 §6.8: a pad ends the data; mailing lists add their own lines after it.
    let (data, rest) = octets.split_at(memchr(b'=', octets).unwrap_or(octets.len()));
    if let Some(decoded) = base64_decode(data) {
        let is_end = rest.iter().all(|octet| *octet == b'=' || octet.is_ascii_whitespace());
        return (decoded.into(), is_end);
    }
    // Characters outside the alphabet are ignored.
    let alphabet = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/');
    let clean: Vec<u8> = data.iter().copied().filter(alphabet).collect();
    let whole = if clean.len() % 4 == 1 { clean.len() - 1 } else { clean.len() };
    (base64_decode(&clean[..whole]).unwrap_or_default().into(), false)
}

fn quoted_printable(octets: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut decoded = Vec::with_capacity(octets.len());
    let mut held = true;
    for line in octets.split_inclusive(|&octet| octet == b'\n') {
        let (text, end) = match line {
            [text @ .., b'\r', b'\n'] => (text, &b"\r\n"[..]),
            [text @ .., b'\n'] => (text, &b"\n"[..]),
            text => (text, &b""[..]),
        };
        // Blanks at the end of a line were added on the way (RFC 2045 §6.7, rule 3).
        let mut rest = if end.is_empty() { text } else { text.trim_ascii_end() };
        let mut is_soft = false;
        while let Some(equals) = memchr(b'=', rest) {
            decoded.extend_from_slice(&rest[..equals]);
            rest = &rest[equals + 1..];
            match rest {
                [] => is_soft = true,
                [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    decoded.push(hex(*high) << 4 | hex(*low));
                    rest = tail;
                }
                _ => {
                    decoded.push(b'=');
                    held = false;
                }
            }
        }
        decoded.extend_from_slice(rest);
        if !is_soft {
            decoded.extend_from_slice(end);
        }
    }
    (decoded.into(), held)
}

/// What mailers used before MIME and some do still: lines of 6-bit digits between `begin` and `end`.
fn uuencoded(octets: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut lines = octets.split(|&octet| octet == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    if !lines.any(|line| line.starts_with(b"begin ")) {
        return (Cow::Borrowed(octets), false);
    }
    let digit = |octet: Option<&u8>| octet.map_or(0, |octet| octet.wrapping_sub(b' ') & 0x3f);
    let mut decoded = Vec::with_capacity(octets.len() / 4 * 3);
    for line in lines {
        if line == b"end" {
            return (decoded.into(), true);
        }
        let whole = decoded.len() + usize::from(digit(line.first()));
        for group in line.get(1..).unwrap_or_default().chunks(4) {
            // Blanks that a line ended with may have been lost on the way.
            let [a, b, c, d] = [0, 1, 2, 3].map(|at| digit(group.get(at)));
            decoded.extend([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        }
        decoded.resize(whole, 0);
    }
    (decoded.into(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(octets: &[u8], encoding: &str) -> (String, bool) {
        let (decoded, held) = decode(octets, encoding);
        (String::from_utf8_lossy(&decoded).into_owned(), held)
    }

    #[test]
    fn quoted_printable_keeps_what_is_broken() {
        assert_eq!(text(b"caf=C3=A9 =\r\nau lait  \r\n=3D", "quoted-printable"), ("café au lait\r\n=".into(), true));
        assert_eq!(text(b"a=b =zz 1=2\n", "quoted-printable"), ("a=b =zz 1=2\n".into(), false));
    }

    #[test]
    fn base64_is_read_around_garbage() {
        assert_eq!(text(b"aGVs\r\nbG8=\r\n", "base64"), ("hello".into(), true));
        assert_eq!(text(b"aG.Vs!bG8=trailing", "base64"), ("hello".into(), false));
    }

    #[test]
    fn what_follows_a_pad_is_no_base64() {
        assert_eq!(text(b"aGVsbG8=\r\nlist footer\r\n", "base64"), ("hello".into(), false));
        assert_eq!(text(b"aGVsbG\r\n8=\r\n=\r\n", "base64"), ("hello".into(), true));
    }

    #[test]
    fn uuencoded_content_is_read_even_when_its_blanks_are_lost() {
        let wanted = ("hello, world\0\0".to_owned(), true);
        assert_eq!(text(b"before\r\nbegin 644 x\r\n.:&5L;&\\L('=O<FQD```\r\n`\r\nend\r\nafter", "x-uuencode"), wanted);
        assert_eq!(text(b"begin 644 x\n.:&5L;&\\L('=O<FQD\n \nend\n", "x-uuencode"), wanted);
        assert_eq!(text(b"begin 644 x\n%:&5L;&\\ ", "uuencode"), ("hello".into(), false));
        assert_eq!(text(b"no such thing", "uuencode"), ("no such thing".into(), false));
    }

    #[test]
    fn an_estimate_is_exact_for_whole_lines() {
        assert_eq!(estimated_size(78 * 10, "base64"), 57 * 10);
        assert_eq!(estimated_size(7, "8bit"), 7);
    }
}
