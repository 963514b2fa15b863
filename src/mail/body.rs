//! Which part of a message is its text, its HTML, an attachment (RFC 8621 §4.1.4), and their contents.
//!
//! One pure function over the tree of parts decides, for every backend. Contents are decoded here,
//! when a column asks for them, and never before.

mod meta;
mod preview;
mod sorting;

use bytes::Bytes;

pub use self::preview::{lacks_for_preview, preview};
use super::charset::{self, Decoded};
use super::message::Message;
use super::part::{MAX_PARTS, Part};
use super::structure::MAX_DEPTH;
use super::{html, transfer};

/// What the parts of a message are.
#[derive(Debug, Default)]
pub struct Layout<'a> {
    /// The parts that are shown as text, in order.
    pub text: Vec<&'a Part>,
    /// The parts that are shown as HTML, in order.
    pub html: Vec<&'a Part>,
    /// Everything else, in order.
    pub attachments: Vec<Attachment<'a>>,
    /// Texts that say the same as some HTML, the innermost alternatives first.
    alternatives: Vec<Alternative<'a>>,
}

/// The two kinds of text of a multipart/alternative.
#[derive(Debug)]
struct Alternative<'a> {
    text: Vec<&'a Part>,
    html: Vec<&'a Part>,
}

/// A part that is no text of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// The part.
    pub part: &'a Part,
    /// Whether it is shown within the text: an image there, say.
    pub is_inline: bool,
    /// Whether it counts as an attachment: no image that an HTML refers to, and no signature.
    pub counts: bool,
}

impl<'a> Layout<'a> {
    /// Sorts the parts of a message by what they are.
    pub fn of(root: &'a Part) -> Self {
        sorting::sorted(root)
    }

    /// The texts in their order, each with the HTML that says the same.
    fn shown(&self) -> Vec<Shown<'_, 'a>> {
        let mut shown: Vec<Shown<'_, 'a>> = Vec::new();
        for part in &self.text {
            let is_own = |alternative: &&Alternative<'a>| alternative.text.iter().any(|own| std::ptr::eq(*own, *part));
            let instead = self.alternatives.iter().find(is_own).map(|alternative| alternative.html.as_slice());
            let instead = instead.unwrap_or_default();
            match shown.last_mut() {
                Some(last) if !instead.is_empty() && std::ptr::eq(last.instead, instead) => last.parts.push(part),
                _ => shown.push(Shown { parts: vec![part], instead }),
            }
        }
        shown
    }
}

/// Texts, and the HTML that is shown where they are blank.
struct Shown<'l, 'a> {
    parts: Vec<&'a Part>,
    instead: &'l [&'a Part],
}

impl Attachment<'_> {
    /// Its file name, or one made of its number and media type, the same every time.
    pub fn name(&self) -> String {
        if let Some(name) = &self.part.name {
            return name.clone();
        }
        let number = self.part.number.as_ref().map(ToString::to_string).unwrap_or_default();
        let ending =
            ENDINGS.iter().find(|(media_type, _)| *media_type == self.part.media_type).map(|(_, ending)| *ending);
        let by_text = if self.part.media_type.starts_with("text/") { "txt" } else { "bin" };
        format!("attachment-{number}.{}", ending.unwrap_or(by_text))
    }

    /// Its content, decoded, when the message was read with it.
    pub fn content(&self, message: &Message) -> Option<Bytes> {
        let octets = message.contents.get(self.part.number.as_ref()?)?;
        Some(match transfer::decode(octets, &self.part.encoding).0 {
            std::borrow::Cow::Borrowed(_) => octets.clone(),
            std::borrow::Cow::Owned(decoded) => decoded.into(),
        })
    }

    /// Its content as text, for text types.
    pub fn text(&self, message: &Message) -> Option<String> {
        self.part.media_type.starts_with("text/").then_some(())?;
        Some(decoded(self.part, message.contents.get(self.part.number.as_ref()?)?))
    }
}

/// The text of a message: its text parts in order, HTML as text where there is nothing else.
///
/// Line ends are LF. A part of nothing but blanks is none: the HTML that says the same is shown instead. Returns none if
/// the message has no text, or was read without it.
pub fn text(message: &Message) -> Option<String> {
    let layout = Layout::of(message.structure.as_ref()?);
    let read = |part: &&Part| {
        let text = readable(part, message.contents.get(part.number.as_ref()?)?)?;
        Some(text).filter(|text| !is_blank(text))
    };
    joined(layout.shown().into_iter().flat_map(|shown| {
        let texts: Vec<String> = shown.parts.iter().filter_map(read).collect();
        if texts.is_empty() { shown.instead.iter().filter_map(read).collect() } else { texts }
    }))
}

/// The HTML of a message: its HTML parts in order; nothing when there are none.
pub fn html(message: &Message) -> Option<String> {
    let layout = Layout::of(message.structure.as_ref()?);
    let html = layout.html.iter().filter(|part| part.media_type == "text/html");
    joined(html.filter_map(|part| Some(decoded(part, message.contents.get(part.number.as_ref()?)?))))
}

/// What is wrong with the structure, each in a few words.
pub fn structure_problems(root: &Part) -> Vec<String> {
    let mut survey = Survey::default();
    survey.part(root, 0);
    let Survey { mut problems, parts, deepest, is_empty } = survey;
    if is_empty {
        problems.push("a multipart has no parts".to_owned());
    }
    if deepest >= MAX_DEPTH {
        problems.push(format!("multiparts more than {MAX_DEPTH} deep are shown as text"));
    }
    if parts >= MAX_PARTS {
        problems.push(format!("parts after the first {MAX_PARTS} are left out"));
    }
    problems
}

/// What was seen of a structure.
#[derive(Default)]
struct Survey {
    problems: Vec<String>,
    parts: usize,
    deepest: usize,
    /// Whether some multipart has no parts.
    is_empty: bool,
}

impl Survey {
    fn part(&mut self, part: &Part, depth: usize) {
        self.parts += 1;
        self.deepest = self.deepest.max(depth);
        if part.media_type.starts_with("multipart/") {
            self.is_empty |= part.parts.is_empty();
        } else if !transfer::is_known(&part.encoding) {
            self.problems.push(format!("part {} has the unknown encoding {}", shown_number(part), part.encoding));
        }
        if part.raw_name.is_some() {
            self.problems.push(format!("the name of part {} is neither ASCII nor UTF-8", shown_number(part)));
        }
        part.parts.iter().for_each(|part| self.part(part, depth + 1));
    }
}

/// What is wrong with the contents of text parts, each in a few words.
pub fn content_problems(message: &Message) -> Vec<String> {
    let Some(root) = &message.structure else { return Vec::new() };
    let layout = Layout::of(root);
    let mut parts: Vec<&Part> = layout.text.iter().chain(&layout.html).copied().collect();
    parts.sort_by(|left, right| left.number.cmp(&right.number));
    parts.dedup_by(|left, right| left.number == right.number);
    let mut problems = Vec::new();
    for part in parts {
        let Some(number) = &part.number else { continue };
        let Some(octets) = message.contents.get(number) else { continue };
        let (content, held) = transfer::decode(octets, &part.encoding);
        if !held {
            problems.push(format!("part {number} is not {}", part.encoding));
        }
        match part.charset.as_deref() {
            Some(charset) if !charset::is_known(charset) => {
                problems.push(format!("part {number} has the unknown character set {charset}"));
            }
            charset if !characters(part, &content).faithful => {
                problems.push(format!("part {number} is not {}", charset.unwrap_or("us-ascii")));
            }
            _ => {}
        }
    }
    problems
}

fn shown_number(part: &Part) -> String {
    part.number.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn is_text(part: &Part) -> bool {
    matches!(part.media_type.as_ref(), "text/plain" | "text/html")
}

/// Whether a text shows nothing: blanks, also those of HTML, and characters without a width.
fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|letter| letter.is_whitespace() || matches!(letter, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}'))
}

/// The characters of a part's content. HTML may name their set itself, where the part does not (HTML Standard §13.2.3.2).
pub fn characters(part: &Part, content: &[u8]) -> Decoded {
    let own = part.charset.as_deref();
    let declared = if own.is_none() && part.media_type == "text/html" { meta::charset(content) } else { None };
    charset::decode(content, own.or(declared.as_deref()))
}

fn decoded(part: &Part, octets: &[u8]) -> String {
    let content = transfer::decode(octets, &part.encoding).0;
    characters(part, &content).text.replace("\r\n", "\n")
}

fn readable(part: &Part, octets: &[u8]) -> Option<String> {
    match part.media_type.as_ref() {
        "text/plain" => Some(decoded(part, octets)),
        "text/html" => Some(html::text(&decoded(part, octets))),
        _ => None,
    }
}

fn joined(texts: impl Iterator<Item = String>) -> Option<String> {
    texts.reduce(|mut all, text| {
        if !all.is_empty() && !all.ends_with('\n') {
            all.push('\n');
        }
        all + &text
    })
}

/// File endings of media types that come without a name most often.
const ENDINGS: [(&str, &str); 14] = [
    ("message/rfc822", "eml"),
    ("message/delivery-status", "txt"),
    ("text/html", "html"),
    ("text/calendar", "ics"),
    ("text/csv", "csv"),
    ("text/vcard", "vcf"),
    ("text/rfc822-headers", "txt"),
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("application/pgp-signature", "asc"),
    ("application/pkcs7-signature", "p7s"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::structure;

    fn shape(raw: &str) -> (Vec<String>, Vec<String>, Vec<String>) {
        let structure = structure::scan(&Bytes::from(raw.replace('\n', "\r\n")));
        let layout = Layout::of(&structure.root);
        let number = |part: &Part| part.number.as_ref().map(ToString::to_string).unwrap_or_default();
        let attached = |attachment: &Attachment<'_>| {
            format!("{}{}", number(attachment.part), if attachment.is_inline { " inline" } else { "" })
        };
        (
            layout.text.iter().map(|part| number(part)).collect(),
            layout.html.iter().map(|part| number(part)).collect(),
            layout.attachments.iter().map(attached).collect(),
        )
    }

    fn multipart(kind: &str, parts: &[&str]) -> String {
        let boundary = format!("b-{kind}-{}", parts.len());
        let parts = parts.iter().map(|part| format!("--{boundary}\n{part}\n")).collect::<Vec<_>>().concat();
        format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\n\n{parts}--{boundary}--\n")
    }

    const PLAIN: &str = "Content-Type: text/plain\n\nplain";
    const HTML: &str = "Content-Type: text/html\n\n<p>html</p>";
    const IMAGE: &str = "Content-Type: image/png\nContent-ID: <i>\n\npixels";
    const PDF: &str = "Content-Type: application/pdf; name=x.pdf\n\npdf";

    fn owned(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_alternative_gives_each_body_its_own_part() {
        let mail = multipart("mixed", &[&multipart("alternative", &[PLAIN, HTML]), PDF]);
        assert_eq!(shape(&mail), (owned(&["1.1"]), owned(&["1.2"]), owned(&["2"])));
    }

    #[test]
    fn an_image_that_the_html_refers_to_is_inline() {
        let mail = multipart("alternative", &[PLAIN, &multipart("related", &[HTML, IMAGE])]);
        assert_eq!(shape(&mail), (owned(&["1"]), owned(&["2.1"]), owned(&["2.2 inline"])));
    }

    #[test]
    fn html_alone_is_text_as_well() {
        assert_eq!(shape(HTML), (owned(&["1"]), owned(&["1"]), owned(&[])));
        let mail = multipart("alternative", &[HTML]);
        assert_eq!(shape(&mail), (owned(&["1"]), owned(&["1"]), owned(&[])));
    }

    #[test]
    fn a_part_that_is_no_text_is_an_attachment_even_alone() {
        assert_eq!(shape(PDF), (owned(&[]), owned(&[]), owned(&["1"])));
        let message = "Content-Type: message/rfc822\n\nSubject: x\n\ny";
        assert_eq!(shape(&multipart("mixed", &[PLAIN, message])).2, owned(&["2"]));
    }

    #[test]
    fn nameless_attachments_have_stable_names() {
        let structure = structure::scan(&Bytes::from(multipart(
            "mixed",
            &[PLAIN, "Content-Type: image/PNG\nContent-Disposition: attachment\n\nx"],
        )));
        let names: Vec<_> = Layout::of(&structure.root).attachments.iter().map(Attachment::name).collect();
        assert_eq!(names, ["attachment-2.png"]);
    }
}
