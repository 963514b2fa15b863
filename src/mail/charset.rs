//! Octets to text: character sets as mail declares them, and as it really uses them.
//!
//! Never fails: what cannot be decoded becomes U+FFFD, and the caller is told that the declaration
//! did not hold. Next: [`super::encoded_word`] for header text.

mod names;
mod oem;
mod stateful;

use std::borrow::Cow;

use encoding_rs::{EUC_KR, Encoding, GBK, ISO_2022_JP, UTF_16BE, UTF_16LE, WINDOWS_1252};

use self::names::Charset;

/// Text, and whether it was what its declaration said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// Whether the declared character set was known and held.
    pub faithful: bool,
}

/// Decodes octets by the declared character set; a byte order mark at the beginning is no text.
///
/// Without a declaration, and for ASCII and UTF-8, text that is UTF-8 is taken as that and anything
/// else as windows-1252, which is what mail without a declaration mostly is. An unknown character
/// set is treated like none.
pub fn decode(octets: &[u8], label: Option<&str>) -> Decoded {
    let Some(charset) = names::find(label.unwrap_or_default()) else {
        return Decoded { text: undeclared(octets).0, faithful: false };
    };
    let by = |encoding: &'static Encoding, octets: &[u8]| {
        let (text, broken) = encoding.decode_without_bom_handling(octets);
        (text.into_owned(), !broken)
    };
    let (text, faithful) = match charset {
        Charset::Ascii => {
            let (text, held) = undeclared(octets);
            (text, if label.is_some_and(|label| !label.is_empty()) { octets.is_ascii() } else { held })
        }
        Charset::Utf8 => match std::str::from_utf8(octets) {
            Ok(text) => (text.to_owned(), true),
            Err(_) => (mostly_utf8(octets).into_owned(), false),
        },
        Charset::Utf16 => match octets {
            [0xff, 0xfe, rest @ ..] => by(UTF_16LE, rest),
            _ => by(UTF_16BE, octets),
        },
        Charset::Utf16Le => match octets {
            [0xfe, 0xff, rest @ ..] => by(UTF_16BE, rest),
            _ => by(UTF_16LE, octets),
        },
        Charset::Utf16Be => by(UTF_16BE, octets),
        Charset::Web(encoding) => by(encoding, octets),
        Charset::Iso2022Jp => by(ISO_2022_JP, &stateful::without_idle_escapes(octets)),
        Charset::Iso2022Kr => through(by, EUC_KR, stateful::shifted(octets, b"$)C")),
        Charset::Iso2022Cn => through(by, GBK, stateful::shifted(octets, b"$)A")),
        Charset::Hz => through(by, GBK, stateful::unshifted_hz(octets)),
        Charset::Oem(number) => oem::decode(octets, number).unwrap_or_else(|| (undeclared(octets).0, false)),
        Charset::MacCe => (oem::decode_mac_ce(octets), true),
        Charset::Mail(decode) => (decode(octets), true),
    };
    let text = match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(text) => text.to_owned(),
        None => text,
    };
    Decoded { text, faithful }
}

/// Whether the name of a character set is known.
pub fn is_known(label: &str) -> bool {
    names::find(label).is_some()
}

fn through(
    by: impl Fn(&'static Encoding, &[u8]) -> (String, bool),
    encoding: &'static Encoding,
    (octets, held): (Vec<u8>, bool),
) -> (String, bool) {
    let (text, faithful) = by(encoding, &octets);
    (text, faithful && held)
}

/// Text of which nothing is declared, and whether it is UTF-8.
fn undeclared(octets: &[u8]) -> (String, bool) {
    match std::str::from_utf8(octets) {
        Ok(text) => (text.to_owned(), true),
        Err(_) => (windows_1252(octets), false),
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Header octets as text: UTF-8 where they are that (RFC 6532), else windows-1252.
pub fn header_text(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(windows_1252(octets)),
    }
}

/// Text as octets of a character set: the way back where octets were taken for text too early.
///
/// They had been taken for windows-1252 if the set has no such characters ([`header_text`]).
pub fn encode<'a>(text: &'a str, label: &str) -> Cow<'a, [u8]> {
    if !text.is_ascii() {
        let own = match names::find(label) {
            Some(Charset::Web(encoding)) => Some(encoding),
            Some(Charset::Iso2022Jp) => Some(ISO_2022_JP),
            _ => None,
        };
        for encoding in [own, Some(WINDOWS_1252)].into_iter().flatten() {
            let (octets, used, lossy) = encoding.encode(text);
            if used == encoding && !lossy {
                return octets;
            }
        }
    }
    Cow::Borrowed(text.as_bytes())
}

/// UTF-8 with some broken octets keeps its good ones; octets that are hardly UTF-8 are windows-1252.
fn mostly_utf8(octets: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(octets);
    let broken = text.matches(char::REPLACEMENT_CHARACTER).count();
    let multibyte = text.chars().filter(|letter| !letter.is_ascii()).count() - broken;
    if broken > multibyte { Cow::Owned(windows_1252(octets)) } else { text }
}

fn windows_1252(octets: &[u8]) -> String {
    WINDOWS_1252.decode_without_bom_handling(octets).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undeclared_octets_are_utf8_or_else_windows_1252() {
        assert_eq!(decode("café".as_bytes(), None), Decoded { text: "café".into(), faithful: true });
        assert_eq!(decode(b"caf\xe9", None), Decoded { text: "café".into(), faithful: false });
        assert_eq!(header_text(b"caf\xe9"), "café");
    }

    #[test]
    fn a_false_declaration_is_told() {
        assert_eq!(decode(b"caf\xe9", Some("utf-8")), Decoded { text: "café".into(), faithful: false });
        assert_eq!(decode(b"caf\xe9", Some("x-unknown")), Decoded { text: "café".into(), faithful: false });
        assert!(!decode("café".as_bytes(), Some("us-ascii")).faithful);
    }

    #[test]
    fn declared_character_sets_are_decoded() {
        assert_eq!(decode(b"\xd0\xd2\xc9\xd7\xc5\xd4", Some("KOI8-R")).text, "привет");
        assert_eq!(decode(b"\x1b$B%3%s\x1b(B", Some("iso-2022-jp")).text, "コン");
        assert_eq!(decode(b"Hi Mom +Jjo-!", Some("utf-7")).text, "Hi Mom \u{263a}!");
    }

    #[test]
    fn sets_that_shift_are_decoded() {
        let text = |octets: &[u8], label: &str| {
            let decoded = decode(octets, Some(label));
            assert!(decoded.faithful, "{label}");
            decoded.text
        };
        assert_eq!(text(b"\x1b$)C\x0e>H3g\x0f, \x0e>H3g\x0f", "iso-2022-kr"), "안녕, 안녕");
        assert_eq!(text(b"\x1b$)A\x0eVPND\x0f!", "iso-2022-cn"), "中文!");
        assert_eq!(text(b"This is ~{VPND~} ~~ text", "hz-gb-2312"), "This is 中文 ~ text");
        assert_eq!(text(b"\x1b$B%F%9%H\x1b(B\x1b$B%F%9%H\x1b(B", "iso-2022-jp"), "テストテスト");
        assert_eq!(text(b"\x1b(B\x1b$B%F%9%H\x1b(J\x1b(B!", "cp50220"), "テスト!");
        assert!(!decode(b"\x1b$)G\x0e;6Fw\x0f", Some("iso-2022-cn")).faithful);
        assert!(!decode(b"~{VPND\xff~}", Some("hz")).faithful);
    }

    #[test]
    fn a_mark_says_in_which_order_octets_come_and_is_no_text() {
        for (octets, label) in [
            (&b"\xfe\xff\0h\0i\0 \0\xe9"[..], "utf-16"),
            (b"\xff\xfeh\0i\0 \0\xe9\0", "utf-16"),
            (b"\0h\0i\0 \0\xe9", "utf-16"),
            (b"\0h\0i\0 \0\xe9", "utf-16be"),
            (b"h\0i\0 \0\xe9\0", "utf-16le"),
            (b"\xff\xfeh\0i\0 \0\xe9\0", "utf-16le"),
            (b"\xfe\xff\0h\0i\0 \0\xe9", "unicode"),
            ("\u{feff}hi é".as_bytes(), "utf-8"),
        ] {
            assert_eq!(decode(octets, Some(label)), Decoded { text: "hi é".into(), faithful: true }, "{label}");
        }
        assert_eq!(decode("\u{feff}hi".as_bytes(), None).text, "hi");
        assert!(!decode(b"\0h\0", Some("utf-16")).faithful);
    }

    #[test]
    fn code_pages_of_old_machines_are_decoded() {
        assert_eq!(decode(b"\xa2\x8a", Some("cp437")).text, "óè");
        assert_eq!(decode(b"P\xfd\xa1li\xe7", Some("cp852")).text, "Příliš");
        assert_eq!(decode(b"\x8eluty", Some("x-mac-ce")).text, "éluty");
        assert_eq!(decode(b"\x93\xfa\x96{", Some("CP-932")).text, "日本");
    }
}
