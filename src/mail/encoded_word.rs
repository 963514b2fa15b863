//! Encoded words in header text (RFC 2047, RFC 2231 §5).
//!
//! Words of one character set that stand next to each other are joined as octets before they are
//! decoded, since mailers cut them in the middle of a character.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use memchr::memchr_iter;

use super::charset::{self, Decoded};

/// The text with every encoded word decoded; the same text where there is none.
pub fn decoded(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains(BEGINNING) { Cow::Owned(decode(&text)) } else { text }
}

/// Decodes every encoded word in a text; the rest stays as it is.
pub fn decode(text: &str) -> String {
    replace(text, |run| run.text)
}

/// The text of encoded words with nothing but blanks between them; nothing where there is anything else.
pub fn decode_run_only(text: &str) -> Option<String> {
    let mut run = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, length) = Word::parse(rest)?;
        run.push(word);
        let after = &rest[length..];
        rest = after.trim_start();
        if !after.is_empty() && rest.len() == after.len() {
            return None;
        }
    }
    Some(decode_run(&run).text)
}

/// The encoded words that a text begins with, blanks between them, and how many octets they are.
pub fn run(text: &str) -> Option<(Decoded, usize)> {
    let (first, mut length) = Word::parse(text)?;
    let mut words = vec![first];
    while let Some(rest) = text.get(length..)
        && let Some((next, more)) = Word::parse(rest.trim_start())
    {
        words.push(next);
        length = text.len() - rest.trim_start().len() + more;
    }
    Some((decode_run(&words), length))
}

/// Writes every run of encoded words anew, as one word in UTF-8 in which no character has a meaning.
///
/// For parsers of structured fields, which decode words themselves but not across two of them.
pub fn normalise(text: &str) -> String {
    replace(text, |run| {
        let mut word = "=?utf-8?Q?".to_owned();
        for octet in run.text.bytes() {
            let digits = [octet >> 4, octet & 15].map(|digit| char::from(HEX[usize::from(digit)]));
            word.push('=');
            word.extend(digits);
        }
        word + "?="
    })
}

/// Whether some encoded word in the text has a character set or an encoding that does not hold.
pub fn is_broken(text: &str) -> bool {
    let mut is_broken = false;
    replace(text, |run| {
        is_broken |= !run.faithful;
        String::new()
    });
    is_broken
}

fn replace(text: &str, mut write: impl FnMut(Decoded) -> String) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(BEGINNING) {
        let Some((first, length)) = Word::parse(&rest[start..]) else {
            result.push_str(&rest[..start + 2]);
            rest = &rest[start + 2..];
            continue;
        };
        result.push_str(&rest[..start]);
        rest = &rest[start + length..];
        let mut run = vec![first];
        while let Some((next, length)) = Word::parse(rest.trim_start()) {
            run.push(next);
            rest = &rest.trim_start()[length..];
        }
        result.push_str(&write(decode_run(&run)));
    }
    result.push_str(rest);
    result
}

fn decode_run(words: &[Word<'_>]) -> Decoded {
    let mut run = Decoded { text: String::new(), faithful: true };
    for same in words.chunk_by(|left, right| left.charset.eq_ignore_ascii_case(right.charset)) {
        let octets: Vec<_> = same.iter().map(Word::octets).collect();
        let is_encoded = octets.iter().all(Option::is_some);
        let octets: Vec<_> = same
            .iter()
            .zip(octets)
            .map(|(word, octets)| octets.unwrap_or_else(|| word.payload.as_bytes().to_vec()))
            .collect();
        let mut decoded = charset::decode(&octets.concat(), Some(same[0].charset));
        if !decoded.faithful && octets.len() > 1 {
            // Each word may stand for itself, as the standard demands: shifts of one are none of the next.
            let each: Vec<_> = octets.iter().map(|octets| charset::decode(octets, Some(same[0].charset))).collect();
            if each.iter().all(|word| word.faithful) {
                decoded = Decoded { text: each.into_iter().map(|word| word.text).collect(), faithful: true };
            }
        }
        run.text.push_str(&decoded.text);
        run.faithful &= decoded.faithful && is_encoded;
    }
    run
}

/// With this every encoded word begins.
pub const BEGINNING: &str = "=?";

const HEX: &[u8; 16] = b"0123456789ABCDEF";

struct Word<'a> {
    charset: &'a str,
    is_base64: bool,
    payload: &'a str,
}

impl<'a> Word<'a> {
    /// Reads a word that the text begins with, and its length.
    fn parse(text: &'a str) -> Option<(Self, usize)> {
        let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
        let (encoding, rest) = rest.split_once('?')?;
        let is_base64 = match encoding {
            "B" | "b" => true,
            "Q" | "q" => false,
            _ => return None,
        };
        let payload = payload(rest)?;
        if charset.is_empty() || !charset.bytes().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        let length = text.len() - rest.len() + payload.len() + 2;
        let charset = charset.split('*').next().unwrap_or(charset);
        Some((Self { charset, is_base64, payload }, length))
    }

    fn octets(&self) -> Option<Vec<u8>> {
        if self.is_base64 {
            let payload: Vec<u8> = self.payload.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
            return base64_decode(&payload);
        }
        let payload = charset::encode(self.payload, self.charset);
        let mut octets = Vec::with_capacity(payload.len());
        let mut rest = payload.as_ref();
        while let [first, tail @ ..] = rest {
            rest = tail;
            match (first, tail) {
                (b'_', _) => octets.push(b' '),
                (b'=', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    octets.push(hex(*high) << 4 | hex(*low));
                    rest = tail;
                }
                (other, _) => octets.push(*other),
            }
        }
        Some(octets)
    }
}

/// What stands before the end of a word. A question mark inside is wrong but common, and only `?=` ends
/// the word; where another begins before that, it has no end.
fn payload(text: &str) -> Option<&str> {
    let octets = text.as_bytes();
    for at in memchr_iter(b'?', octets) {
        if octets.get(at + 1) == Some(&b'=') {
            return Some(&text[..at]);
        }
        if at > 0 && octets[at - 1] == b'=' {
            return None;
        }
    }
    None
}

/// The value of a hexadecimal digit; 0 for anything else.
pub(super) fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_cut_by_two_words_is_whole() {
        assert_eq!(decode("=?utf-8?B?Y2Fmww==?= =?UTF-8?b?qQ==?= au lait"), "café au lait");
        assert_eq!(decode("=?utf-8?Q?caf=C3?=\r\n =?utf-8?Q?=A9?="), "café");
        assert!(!is_broken("=?utf-8?B?Y2Fmww==?= =?UTF-8?b?qQ==?="));
    }

    #[test]
    fn what_is_no_word_stays() {
        for text in ["=?", "a =?= b", "=?utf-8?X?abc?=", "=?utf-8?Q?never ends", "1 =? 2 ?= 3"] {
            assert_eq!(decode(text), text);
        }
    }

    #[test]
    fn letters_that_a_mailer_forgot_to_encode_are_read() {
        assert_eq!(decode("=?iso-8859-1?Q?Fr\u{f6}sche_=E9?="), "Frösche é");
        // KOI8-R octets that were taken for windows-1252, as octets without a declaration are.
        assert_eq!(decode("=?koi8-r?Q?\u{d0}\u{d2}\u{c9}?="), "при");
        assert_eq!(decode("=?koi8-r?Q?при?= =?utf-8?Q?caf\u{e9}?="), "приcafé");
    }

    #[test]
    fn words_that_never_end_cost_no_more_than_others() {
        let text = "=?u?Q?x ".repeat(200_000);
        assert_eq!(decode(&text), text);
        let broken = "=?utf-8?Q?=ff?= x ".repeat(50_000);
        assert!(is_broken(&broken));
    }

    #[test]
    fn a_language_tag_and_a_question_mark_do_no_harm() {
        assert_eq!(decode("=?iso-8859-1*en?q?what=3F_is?it?="), "what? is?it");
    }

    #[test]
    fn a_normalised_word_hides_what_has_a_meaning() {
        assert_eq!(normalise("=?utf-8?Q?a=2Cb?= <x@y>"), "=?utf-8?Q?=61=2C=62?= <x@y>");
    }

    #[test]
    fn words_that_do_not_hold_are_told() {
        assert!(is_broken("=?x-nothing?Q?abc?="));
        assert!(is_broken("=?utf-8?B?!!!?="));
        assert!(is_broken("=?utf-8?Q?=ff=fe?="));
        assert!(!is_broken("=?iso-8859-1?Q?=e9?= plain"));
    }
}
