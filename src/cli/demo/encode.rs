//! Encodings of mail: base64, quoted-printable, encoded words, folded fields, modified UTF-7.
//!
//! Only the way out; it decodes nothing. [`super::mime`] puts mails together with it.

use std::fmt::Write;

use encoding_rs::Encoding;

/// A character set, and the name that mails give it.
#[derive(Clone, Copy)]
pub(super) struct Charset {
    pub(super) label: &'static str,
    pub(super) encoding: &'static Encoding,
}

/// What most mail is in.
pub(super) const UTF_8: Charset = Charset { label: "utf-8", encoding: encoding_rs::UTF_8 };

/// A header field, folded at spaces so that lines stay below 78 octets where that can be.
pub(super) fn field(name: &str, value: &str) -> String {
    let mut field = format!("{name}:");
    let mut column = field.len();
    for (position, word) in value.split(' ').enumerate() {
        if position > 0 && column + 1 + word.len() > 77 {
            field.push('\n');
            column = 0;
        }
        field.push(' ');
        field.push_str(word);
        column += 1 + word.len();
    }
    field.push('\n');
    field
}

/// Text for a header: as it is when it is ASCII, else as encoded words (RFC 2047).
pub(super) fn words(text: &str, charset: Charset) -> String {
    if text.bytes().all(|octet| (32..127).contains(&octet)) {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut chunk = String::new();
    for letter in text.chars() {
        chunk.push(letter);
        // 75 octets a word; each is encoded alone, because a shift state must not outlive its word.
        if word(&chunk, charset).len() > 62 {
            words.push(word(&chunk, charset));
            chunk.clear();
        }
    }
    if !chunk.is_empty() {
        words.push(word(&chunk, charset));
    }
    words.join(" ")
}

fn word(text: &str, charset: Charset) -> String {
    format!("=?{}?B?{}?=", charset.label, base64(&charset.encoding.encode(text).0))
}

/// A file name as a parameter value with its name: quoted, or after RFC 2231.
pub(super) fn file_name(parameter: &str, name: &str) -> String {
    if name.is_ascii() {
        return format!("{parameter}=\"{name}\"");
    }
    let mut value = format!("{parameter}*=utf-8''");
    for octet in name.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._".contains(&octet) {
            value.push(char::from(octet));
        } else {
            append(&mut value, format_args!("%{octet:02X}"));
        }
    }
    value
}

/// Base64 without line ends.
pub(super) fn base64(octets: &[u8]) -> String {
    let mut text = Vec::with_capacity(octets.len() * 4 / 3 + 4);
    append_base64(&mut text, octets, BASE64, true);
    text.into_iter().map(char::from).collect()
}

/// Base64 in lines of 76, as a body has it.
pub(super) fn base64_lines(octets: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(octets.len() * 4 / 3 + octets.len() / 50 + 4);
    for line in octets.chunks(57) {
        append_base64(&mut lines, line, BASE64, true);
        lines.push(b'\n');
    }
    lines
}

/// Quoted-printable (RFC 2045 §6.7) of lines that end with LF.
pub(super) fn quoted_printable(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let (line, end) = line.strip_suffix(b"\n").map_or((line, ""), |line| (line, "\n"));
        let mut column = 0;
        for (position, octet) in line.iter().enumerate() {
            let last = position + 1 == line.len();
            let plain = matches!(octet, 33..=60 | 62..=126) || (*octet == b' ' && !last);
            let width = if plain { 1 } else { 3 };
            if column + width > 75 {
                text.push_str("=\n");
                column = 0;
            }
            if plain {
                text.push(char::from(*octet));
            } else {
                append(&mut text, format_args!("={octet:02X}"));
            }
            column += width;
        }
        text.push_str(end);
    }
    text
}

/// A folder name as Maildir++ and IMAP write it (RFC 3501 §5.1.3).
pub(super) fn modified_utf7(name: &str) -> String {
    let mut text = String::new();
    let mut beyond = Vec::new();
    for letter in name.chars() {
        if (' '..='~').contains(&letter) {
            shift(&mut text, &mut beyond);
            text.push(letter);
            if letter == '&' {
                text.push('-');
            }
        } else {
            beyond.extend(letter.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    shift(&mut text, &mut beyond);
    text
}

/// Ends a run of letters beyond ASCII.
fn shift(text: &mut String, beyond: &mut Vec<u8>) {
    if !beyond.is_empty() {
        text.push('&');
        let mut shifted = Vec::new();
        append_base64(&mut shifted, beyond, BASE64_OF_UTF7, false);
        text.extend(shifted.into_iter().map(char::from));
        text.push('-');
        beyond.clear();
    }
}

/// Appends base64; written for speed in unoptimized builds too, because megabytes go through it.
fn append_base64(text: &mut Vec<u8>, octets: &[u8], alphabet: &[u8; 64], padded: bool) {
    let mut groups = octets.chunks_exact(3);
    for group in &mut groups {
        let [first, second, third] = [group[0], group[1], group[2]];
        text.extend_from_slice(&[
            alphabet[usize::from(first >> 2)],
            alphabet[usize::from((first & 3) << 4 | second >> 4)],
            alphabet[usize::from((second & 15) << 2 | third >> 6)],
            alphabet[usize::from(third & 63)],
        ]);
    }
    let rest = match *groups.remainder() {
        [first] => vec![first >> 2, (first & 3) << 4],
        [first, second] => vec![first >> 2, (first & 3) << 4 | second >> 4, (second & 15) << 2],
        _ => return,
    };
    text.extend(rest.iter().map(|six| alphabet[usize::from(*six)]));
    if padded {
        text.extend(std::iter::repeat_n(b'=', 4 - rest.len()));
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The alphabet of RFC 3501, which has no slash.
const BASE64_OF_UTF7: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// Appends formatted text; writing to a `String` cannot fail.
fn append(text: &mut String, piece: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(piece);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_rfc_shows() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (octets, text) in cases {
            assert_eq!(base64(octets.as_bytes()), text);
        }
    }

    #[test]
    fn folder_names_become_modified_utf7() {
        assert_eq!(modified_utf7("日本"), "&ZeVnLA-");
        assert_eq!(modified_utf7("Entwürfe & Köln"), "Entw&APw-rfe &- K&APY-ln");
    }

    #[test]
    fn quoted_printable_keeps_lines_short_and_the_last_space() {
        let text = quoted_printable("é=\nend \n".as_bytes());
        assert_eq!(text, "=C3=A9=3D\nend=20\n");
        assert!(quoted_printable("ö".repeat(200).as_bytes()).lines().all(|line| line.len() <= 76));
    }

    #[test]
    fn encoded_words_are_at_most_75_octets() {
        for charset in [UTF_8, Charset { label: "iso-2022-jp", encoding: encoding_rs::ISO_2022_JP }] {
            let text = words("とても長い件名のメールがここにあります、よろしくお願いします", charset);
            assert!(text.split(' ').all(|word| word.len() <= 75 && word.starts_with("=?")), "{text}");
        }
    }
}
