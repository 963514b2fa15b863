//! What mails say: names, subjects, text, and how they write what is beyond ASCII.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::dice::Dice;

/// A header's text: as it is, or as encoded words (RFC 2047), always so for what is not ASCII.
pub fn written(dice: &mut Dice, text: &str, rarely: bool) -> String {
    if rarely && !dice.once_in(10) {
        return text.replace('ü', "ue").replace('ä', "ae");
    }
    if text.is_ascii() && !dice.once_in(8) {
        return text.to_owned();
    }
    let mut words = Vec::new();
    // An encoded word has at most 75 octets.
    let letters: Vec<char> = text.chars().collect();
    for piece in letters.chunks(24) {
        let piece: String = piece.iter().collect();
        if text.len().is_multiple_of(2) {
            words.push(format!("=?UTF-8?B?{}?=", BASE64.encode(piece)));
        } else {
            let mut word = String::from("=?utf-8?Q?");
            for octet in piece.bytes() {
                match octet {
                    b' ' => word.push('_'),
                    _ if octet.is_ascii_alphanumeric() => word.push(octet.into()),
                    _ => write!(word, "={octet:02X}").unwrap(),
                }
            }
            words.push(word + "?=");
        }
    }
    words.join("\n ")
}

/// Text in paragraphs of lines, about so many octets.
pub fn paragraphs(dice: &mut Dice, length: usize) -> String {
    let mut text = String::with_capacity(length + 100);
    let mut line = 0;
    while text.len() < length {
        let word = *dice.pick(&WORDS);
        if line + word.len() > 72 {
            text.push_str(if dice.once_in(6) { ".\n\n" } else { "\n" });
            line = 0;
        } else if line > 0 {
            text.push(' ');
        }
        text.push_str(word);
        line += word.len() + 1;
    }
    text.push('.');
    text
}

/// Base64 in lines, as it stands in a body.
pub fn lines(body: &mut String, base64: &str) {
    for line in base64.as_bytes().chunks(76) {
        body.push_str(std::str::from_utf8(line).unwrap());
        body.push('\n');
    }
}

/// The same in a header field.
pub fn folded(base64: &str) -> String {
    let lines: Vec<&str> = base64.as_bytes().chunks(72).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\n\t ")
}

/// So many digits.
pub fn hexadecimal(dice: &mut Dice, digits: usize) -> String {
    let mut text = String::with_capacity(digits + 16);
    while text.len() < digits {
        write!(text, "{:016x}", dice.next()).unwrap();
    }
    text.truncate(digits);
    text
}

/// So many letters and digits of a signature.
pub fn base64_text(dice: &mut Dice, letters: usize) -> String {
    let octets: Vec<u8> = (0..letters / 8 + 1).flat_map(|_| dice.next().to_le_bytes()).collect();
    let mut text = BASE64.encode(octets);
    text.truncate(letters);
    text
}

/// Who writes, with the local part of the address.
pub const PEOPLE: [(&str, &str); 12] = [
    ("Ada Quist", "ada"),
    ("Noor Haddad", "noor.haddad"),
    ("Jörg Müller", "j.mueller"),
    ("\"Park, Edith\"", "edith"),
    ("Priya Nair", "priya_nair"),
    ("Åsa Lindström", "asa"),
    ("Accounts of the Lamp Shop", "accounts"),
    ("no-reply", "no-reply"),
    ("Tomasz Łukasik", "tomasz"),
    ("News", "news+weekly"),
    ("山田太郎", "yamada"),
    ("Support Team", "support"),
];

/// Where they write from.
pub const SITES: [&str; 10] = [
    "example.org",
    "mail.example.net",
    "lamps.example",
    "lists.example.org",
    "shop.example.com",
    "university.example",
    "news.example.net",
    "builds.example.dev",
    "bank.example",
    "travel.example",
];

/// What subjects begin with.
pub const SUBJECTS: [&str; 12] = [
    "Minutes of the meeting",
    "Order confirmed",
    "Lunch on Friday?",
    "Grüße aus Köln",
    "[builds] nightly run",
    "Weekly news",
    "Your parcel is on its way",
    "Draft of the catalogue",
    "Réunion de mardi",
    "Question about the lamp",
    "Password changed",
    "Photos of the trip",
];

/// What text is made of.
pub const WORDS: [&str; 64] = [
    "a",
    "about",
    "after",
    "agreed",
    "again",
    "and",
    "answer",
    "at",
    "because",
    "before",
    "between",
    "board",
    "by",
    "catalogue",
    "could",
    "day",
    "delivery",
    "do",
    "every",
    "first",
    "for",
    "from",
    "garden",
    "good",
    "had",
    "have",
    "house",
    "if",
    "in",
    "it",
    "kettle",
    "lamp",
    "letter",
    "list",
    "meeting",
    "month",
    "morning",
    "need",
    "new",
    "not",
    "of",
    "on",
    "order",
    "other",
    "paper",
    "people",
    "please",
    "question",
    "report",
    "said",
    "send",
    "should",
    "small",
    "soon",
    "station",
    "table",
    "thank",
    "that",
    "the",
    "they",
    "time",
    "water",
    "with",
    "write",
];
