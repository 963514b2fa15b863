//! Octets to text: character sets as mail declares them, and as it really uses them.
//!
//! Never fails: what cannot be decoded becomes U+FFFD, and the caller is told that the declaration
//! did not hold. Next: [`super::encoded_word`] for header text.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// Text, and whether it was what its declaration said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// Whether the declared character set was known and held.
    pub faithful: bool,
}

/// Decodes octets by the declared character set.
///
/// Without a declaration, and for ASCII and UTF-8, text that is UTF-8 is taken as that and anything
/// else as windows-1252, which is what mail without a declaration mostly is. An unknown character
/// set is treated like none.
pub fn decode(octets: &[u8], label: Option<&str>) -> Decoded {
    let label = label.map(|label| label.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    match label.as_deref() {
        None | Some("" | "us-ascii" | "ascii" | "utf-8" | "utf8" | "ansi_x3.4-1968" | "8bit" | "7bit") => {
            let faithful = label.as_deref().is_none_or(|label| label.starts_with("utf") || octets.is_ascii());
            match std::str::from_utf8(octets) {
                Ok(text) => Decoded { text: text.to_owned(), faithful },
                Err(_) if label.as_deref().is_some_and(|label| label.starts_with("utf")) => {
                    Decoded { text: mostly_utf8(octets).into_owned(), faithful: false }
                }
                Err(_) => Decoded { text: windows_1252(octets), faithful: false },
            }
        }
        Some(label) => match Encoding::for_label(label.as_bytes()) {
            Some(encoding) => {
                let (text, broken) = encoding.decode_without_bom_handling(octets);
                Decoded { text: text.into_owned(), faithful: !broken }
            }
            None => match charset_decoder(label.as_bytes()) {
                Some(decoder) => Decoded { text: decoder(octets), faithful: true },
                None => Decoded { text: decode(octets, None).text, faithful: false },
            },
        },
    }
}

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
        for encoding in [Encoding::for_label(label.as_bytes()), Some(WINDOWS_1252)].into_iter().flatten() {
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
}
