//! The header of a message: fields in their order, with their values raw and understood.
//!
//! Keeps the octets as they came and interprets a field only when it is asked for. Never fails: a
//! line that is no field is passed over and told in [`Header::problems`].

use std::borrow::Cow;
use std::sync::OnceLock;

use bytes::Bytes;
use memchr::{memchr, memchr2};
use smallvec::SmallVec;

use super::address::{Address, Fault};
use super::message::Timestamp;
use super::{charset, date, encoded_word};

/// A header, or some fields of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    octets: Bytes,
    fields: SmallVec<[Place; FEW]>,
    has_stray_lines: bool,
    /// The first author, once somebody wanted to know.
    author: OnceLock<Option<Address>>,
}

impl Header {
    /// Takes a header apart (RFC 5322 §2.2): up to its empty line, or to the end.
    pub fn parse(octets: Bytes) -> Self {
        let mut fields: SmallVec<[Place; FEW]> = SmallVec::new();
        let mut has_stray_lines = false;
        let octets = if octets.len() > LONGEST { octets.slice(..LONGEST) } else { octets };
        let octets = if octets.starts_with(BYTE_ORDER_MARK) { octets.slice(BYTE_ORDER_MARK.len()..) } else { octets };
        let mut start = 0;
        while start < octets.len() {
            let end = memchr(b'\n', &octets[start..]).map_or(octets.len(), |end| start + end + 1);
            let line = &octets[start..end];
            if matches!(line, b"\n" | b"\r\n") {
                break;
            }
            let colon = memchr(b':', line);
            match (line[0], fields.last_mut(), colon) {
                (b' ' | b'\t', Some(place), _) => place.end = small(end),
                (first, _, Some(colon)) if first.is_ascii_graphic() && is_name(&line[..colon]) => {
                    let name = start + line[..colon].trim_ascii_end().len();
                    let value = start + colon + 1;
                    fields.push(Place { start: small(start), name: small(name), value: small(value), end: small(end) });
                }
                _ => has_stray_lines = true,
            }
            start = end;
        }
        Self { octets, fields, has_stray_lines, author: OnceLock::new() }
    }

    /// All fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        let at = |place: u32| place as usize;
        self.fields.iter().map(move |place| Field {
            name: std::str::from_utf8(&self.octets[at(place.start)..at(place.name)]).unwrap_or_default(),
            value: &self.octets[at(place.value)..at(place.end)],
        })
    }

    /// The fields with that name, in any case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Field<'a>> {
        self.fields().filter(move |field| field.name.eq_ignore_ascii_case(name))
    }

    /// The text of the first field with that name, decoded; an empty field is there, but empty.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.fields().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.text())
    }

    /// The addresses of all fields with that name.
    pub fn addresses(&self, name: &str) -> Vec<Address> {
        self.all(name).flat_map(|field| Address::parse_all(&field.unfolded())).collect()
    }

    /// The author: the first mailbox of the From field that has an address, else the first.
    pub fn author(&self) -> Option<&Address> {
        let first = || {
            let mut all = self.addresses("from");
            let author = all.iter().position(|author| author.address.is_some()).unwrap_or_default();
            (author < all.len()).then(|| all.swap_remove(author))
        };
        self.author.get_or_init(first).as_ref()
    }

    /// The instant that the Date field tells.
    pub fn date(&self) -> Option<Timestamp> {
        self.all("date").next().and_then(|field| date::parse(&field.unfolded()))
    }

    /// The message identifiers of the first field with that name, each with its angle brackets (RFC 5322 §3.6.4).
    ///
    /// Some mailers leave the brackets out, and some encode the field: both is read. Other words are no identifiers.
    pub fn message_ids(&self, name: &str) -> Vec<String> {
        let Some(field) = self.all(name).next() else { return Vec::new() };
        let value = field.text();
        let mut ids = Vec::new();
        let mut rest = value.as_ref();
        while let Some((_, after)) = rest.split_once('<')
            && let Some((id, after)) = after.split_once('>')
        {
            ids.push(format!("<{}>", id.split_whitespace().collect::<String>()));
            rest = after;
        }
        if ids.is_empty() && !value.contains('<') {
            let words: Vec<&str> = value.split_whitespace().collect();
            let is_id = |word: &&str| word.contains('@');
            if words.iter().all(is_id) || words.len() == 1 && name.eq_ignore_ascii_case("message-id") {
                ids.extend(words.into_iter().map(|word| format!("<{word}>")));
            }
        }
        ids
    }

    /// What is wrong with it, each in a few words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.has_stray_lines {
            problems.push("header has a line that is no field".to_owned());
        }
        match (self.all("date").next(), self.date()) {
            (None, _) => problems.push("no Date field".to_owned()),
            (Some(_), None) => problems.push("Date field is no date".to_owned()),
            (Some(field), Some(_)) if !date::has_zone(&field.unfolded()) => {
                problems.push("Date field has no known zone".to_owned());
            }
            (Some(_), Some(_)) => {}
        }
        if self.all("from").next().is_none() {
            problems.push("no From field".to_owned());
        } else if self.all("from").all(|field| Address::read(&field.unfolded()) == (Vec::new(), None)) {
            problems.push("From field has no address".to_owned());
        }
        for field in self.fields() {
            if ADDRESSES.iter().any(|name| field.name.eq_ignore_ascii_case(name)) {
                let told = match Address::read(&field.unfolded()).1 {
                    Some(Fault::Unreadable) => Some("has something that is no address"),
                    Some(Fault::Repaired) => Some("is not written as addresses are"),
                    None => None,
                };
                problems.extend(told.map(|told| format!("{} field {told}", field.name)));
            }
            if std::str::from_utf8(field.value).is_err() {
                problems.push(format!("{} field is neither ASCII nor UTF-8", field.name));
            } else if encoded_word::is_broken(&field.unfolded()) {
                problems.push(format!("{} field has an encoded word that does not hold", field.name));
            }
        }
        problems
    }
}

/// One header field.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    /// Its name, as written.
    pub name: &'a str,
    /// Its value as it came, folded and not decoded, with its line end.
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    /// The value unfolded (RFC 5322 §2.2.3) and as text, its encoded words left as they are.
    pub fn unfolded(&self) -> Cow<'a, str> {
        let text = charset::header_text(self.value.trim_ascii());
        if memchr2(b'\n', b'\r', text.as_bytes()).is_none() {
            return text;
        }
        let mut unfolded = String::with_capacity(text.len());
        for line in text.split(['\r', '\n']).filter(|line| !line.is_empty()) {
            // A line end that no blank follows is no folding; it still separates.
            if !unfolded.is_empty() && !line.starts_with([' ', '\t']) {
                unfolded.push(' ');
            }
            unfolded.push_str(line);
        }
        unfolded.into()
    }

    /// The value unfolded and decoded.
    pub fn text(&self) -> Cow<'a, str> {
        encoded_word::decoded(self.unfolded())
    }
}

/// Where a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Where its name begins.
    start: u32,
    /// Where its name ends.
    name: u32,
    /// Where its value begins.
    value: u32,
    /// Where its value ends.
    end: u32,
}

/// The fields whose addresses are read.
const ADDRESSES: [&str; 6] = ["from", "sender", "reply-to", "to", "cc", "bcc"];

/// Fields that take no memory of their own.
const FEW: usize = 3;

/// What some programs write before a text in UTF-8; it is no part of the first field's name.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// No header is longer.
const LONGEST: usize = u32::MAX as usize;

fn small(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Whether octets before a colon are a field name (RFC 5322 §3.6.8), with blanks after it as of old.
fn is_name(octets: &[u8]) -> bool {
    let name = octets.trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &'static str) -> Header {
        Header::parse(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn fields_keep_their_order_their_case_and_their_duplicates() {
        let header = header("Received: a\r\nSubject: x\r\n y\r\nreceived:b\r\n\r\nSubject: body\r\n");
        let names: Vec<_> = header.fields().map(|field| field.name).collect();
        assert_eq!(names, ["Received", "Subject", "received"]);
        assert_eq!(header.text("SUBJECT").as_deref(), Some("x y"));
        assert_eq!(header.all("Received").count(), 2);
    }

    #[test]
    fn a_folded_encoded_subject_is_whole() {
        let header = header("Subject: =?utf-8?Q?caf=C3?=\n =?utf-8?Q?=A9?= open\n");
        assert_eq!(header.text("subject").as_deref(), Some("café open"));
    }

    #[test]
    fn an_empty_field_is_there() {
        assert_eq!(header("Subject:\n").text("subject").as_deref(), Some(""));
        assert_eq!(header("From: a@b\n").text("subject"), None);
    }

    #[test]
    fn identifiers_are_found_in_whatever_stands_around_them() {
        let header = header("References: <a@b>\n\t<c @d> nonsense <e@f>\nIn-Reply-To: bare@id\nMessage-ID: <x\n");
        assert_eq!(header.message_ids("references"), ["<a@b>", "<c@d>", "<e@f>"]);
        assert_eq!(header.message_ids("in-reply-to"), ["<bare@id>"]);
        assert!(header.message_ids("message-id").is_empty());
    }

    #[test]
    fn identifiers_are_read_without_brackets_and_in_encoded_words() {
        let ids = |name: &str, value: &str| Header::parse(Bytes::from(format!("{name}: {value}\n"))).message_ids(name);
        assert_eq!(ids("In-Reply-To", "=?utf-8?q?=3Cparent=40example=2Eorg=3E?="), ["<parent@example.org>"]);
        assert_eq!(ids("References", "=?utf-8?b?PGFAYj4=?=\n =?utf-8?b?IDxjQGQ+?="), ["<a@b>", "<c@d>"]);
        assert_eq!(ids("References", "a@b c@d"), ["<a@b>", "<c@d>"]);
        assert_eq!(ids("Message-ID", "1234567890"), ["<1234567890>"]);
        assert_eq!(ids("In-Reply-To", "\"Your message\" <a@b> of Monday"), ["<a@b>"]);
        for words in ["Message from ann@example.org of Monday", "a@b said", "nothing", ""] {
            assert!(ids("In-Reply-To", words).is_empty(), "{words}");
        }
        assert!(ids("Message-ID", "two words").is_empty());
    }

    #[test]
    fn a_byte_order_mark_before_the_header_is_none() {
        let header = header("\u{feff}From: a@b.example\r\nDate: Mon, 6 Jan 2025 10:00:00 +0000\r\n");
        assert_eq!(header.fields().next().map(|field| field.name), Some("From"));
        assert_eq!(header.problems(), Vec::<String>::new());
    }

    #[test]
    fn the_author_is_the_first_with_an_address() {
        let author = |from: &str| Header::parse(Bytes::from(format!("From: {from}\n"))).author().cloned();
        let address = |from: &str| author(from).and_then(|author| author.address);
        assert_eq!(address("<a@b,c@d>, Jo <e@f.example>").as_deref(), Some("e@f.example"));
        assert_eq!(address("Jane Doe"), None);
        assert_eq!(author("Jane Doe").and_then(|author| author.name).as_deref(), Some("Jane Doe"));
    }

    #[test]
    fn addresses_that_are_written_wrongly_are_told() {
        let told = |field: &str| {
            Header::parse(Bytes::from(format!("Date: Mon, 6 Jan 2025 10:00:00 +0000\nFrom: a@b.example\n{field}\n")))
                .problems()
        };
        assert_eq!(told("Cc: Smith, John <j@x.example>"), ["Cc field is not written as addresses are"]);
        assert_eq!(told("To: <a@x.example,b@x.example>"), ["To field has something that is no address"]);
        assert_eq!(told("Reply-To: A <a@x.example>, root@localhost"), Vec::<String>::new());
        assert_eq!(told("Subject: a, b <c"), Vec::<String>::new());
    }

    #[test]
    fn lines_that_are_no_fields_are_passed_over_and_told() {
        let header = header("From a@b Sat Jan  3 01:02:03 2026\nno field\nSubject: s\n");
        assert_eq!(header.text("subject").as_deref(), Some("s"));
        assert!(header.problems().contains(&"header has a line that is no field".to_owned()));
    }
}
