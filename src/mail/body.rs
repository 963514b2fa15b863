//! Which part of a message is its text, its HTML, an attachment (RFC 8621 §4.1.4), and their contents.
//!
//! One pure function over the tree of parts decides, for every backend. Contents are decoded here,
//! when a column asks for them, and never before.

use bytes::Bytes;

use super::message::Message;
use super::part::{MAX_PARTS, Part};
use super::structure::MAX_DEPTH;
use super::{charset, html, transfer};

/// What the parts of a message are.
#[derive(Debug, Default)]
pub struct Layout<'a> {
    /// The parts that are shown as text, in order.
    pub text: Vec<&'a Part>,
    /// The parts that are shown as HTML, in order.
    pub html: Vec<&'a Part>,
    /// Everything else, in order.
    pub attachments: Vec<Attachment<'a>>,
}

/// A part that is no text of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// The part.
    pub part: &'a Part,
    /// Whether it is shown within the text: an image there, say.
    pub is_inline: bool,
}

impl<'a> Layout<'a> {
    /// Sorts the parts of a message by what they are.
    pub fn of(root: &'a Part) -> Self {
        let mut sorting = Sorting::default();
        sorting.parts(std::slice::from_ref(root), "mixed", false, Open { text: true, html: true });
        let Sorting { text, html, attached: mut attachments } = sorting;
        for part in text.iter().chain(&html).copied().filter(|part| !is_text(part)) {
            if !attachments.iter().any(|attachment| std::ptr::eq(attachment.part, part)) {
                attachments.push(Attachment { part, is_inline: true });
            }
        }
        attachments.sort_by(|left, right| left.part.number.cmp(&right.part.number));
        let only_text = |parts: Vec<&'a Part>| parts.into_iter().filter(|part| is_text(part)).collect::<Vec<_>>();
        Self { text: only_text(text), html: only_text(html), attachments }
    }

    /// The part that a preview is made of.
    pub fn preview(&self) -> Option<&'a Part> {
        self.text.first().copied()
    }
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
        let content = self.content(message)?;
        Some(charset::decode(&content, self.part.charset.as_deref()).text.replace("\r\n", "\n"))
    }
}

/// The text of a message: its text parts in order, HTML as text where there is nothing else.
///
/// Line ends are LF. Nothing when the message has no text, or was read without it.
pub fn text(message: &Message) -> Option<String> {
    let layout = Layout::of(message.structure.as_ref()?);
    joined(layout.text.iter().filter_map(|part| readable(part, message.contents.get(part.number.as_ref()?)?)))
}

/// The HTML of a message: its HTML parts in order; nothing when there are none.
pub fn html(message: &Message) -> Option<String> {
    let layout = Layout::of(message.structure.as_ref()?);
    let html = layout.html.iter().filter(|part| part.media_type == "text/html");
    joined(html.filter_map(|part| Some(decoded(part, message.contents.get(part.number.as_ref()?)?))))
}

/// The first 200 characters of the text, blanks and line ends folded into single blanks.
pub fn preview(message: &Message) -> Option<String> {
    let layout = Layout::of(message.structure.as_ref()?);
    let octets = message.preview.as_ref()?;
    let part = layout.preview()?;
    let text = readable(part, octets)?;
    // The last character may have been cut, and a tag after its first.
    let is_html = part.media_type == "text/html";
    let text = text.trim_end_matches(|letter| letter == char::REPLACEMENT_CHARACTER || is_html && letter == '<');
    let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(words.chars().take(200).collect())
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
            let number = part.number.as_ref().map(ToString::to_string).unwrap_or_default();
            self.problems.push(format!("part {number} has the unknown encoding {}", part.encoding));
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
        if !charset::decode(&content, part.charset.as_deref()).faithful {
            problems.push(format!("part {number} is not {}", part.charset.as_deref().unwrap_or("us-ascii")));
        }
    }
    problems
}

fn is_text(part: &Part) -> bool {
    matches!(part.media_type.as_ref(), "text/plain" | "text/html")
}

fn decoded(part: &Part, octets: &[u8]) -> String {
    let content = transfer::decode(octets, &part.encoding).0;
    charset::decode(&content, part.charset.as_deref()).text.replace("\r\n", "\n")
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

/// The algorithm of RFC 8621 §4.1.4, as far as it has got.
#[derive(Default)]
struct Sorting<'a> {
    text: Vec<&'a Part>,
    html: Vec<&'a Part>,
    attached: Vec<Attachment<'a>>,
}

/// Which bodies still take parts: within an alternative, one kind of text closes the other body.
#[derive(Clone, Copy)]
struct Open {
    text: bool,
    html: bool,
}

impl<'a> Sorting<'a> {
    fn parts(&mut self, parts: &'a [Part], multipart: &str, in_alternative: bool, mut open: Open) {
        let before = (self.text.len(), self.html.len());
        for (position, part) in parts.iter().enumerate() {
            if let Some(kind) = part.media_type.strip_prefix("multipart/") {
                self.parts(&part.parts, kind, in_alternative || kind == "alternative", open);
                continue;
            }
            let is_media = is_inline_media(part);
            let is_first_or_loose = position == 0 || (multipart != "related" && (is_media || part.name.is_none()));
            let is_attached = part.disposition.as_deref() == Some("attachment");
            if is_attached || !(is_text(part) || is_media) || !is_first_or_loose {
                self.attach(part, multipart);
                continue;
            }
            let media_type = part.media_type.as_ref();
            if multipart == "alternative" {
                match media_type {
                    "text/plain" => self.push(part, Open { html: false, ..open }),
                    "text/html" => self.push(part, Open { text: false, ..open }),
                    _ => self.attach(part, multipart),
                }
                continue;
            }
            if in_alternative {
                open.html &= media_type != "text/plain";
                open.text &= media_type != "text/html";
            }
            self.push(part, open);
            if is_media && !(open.text && open.html) {
                self.attach(part, multipart);
            }
        }
        if multipart == "alternative" && open.text && open.html {
            self.share(before);
        }
    }

    /// After an alternative with only one kind, the other body gets the same parts.
    fn share(&mut self, before: (usize, usize)) {
        match (self.text.len() > before.0, self.html.len() > before.1) {
            (false, true) => self.text.extend_from_slice(&self.html[before.1..]),
            (true, false) => self.html.extend_from_slice(&self.text[before.0..]),
            (true, true) | (false, false) => {}
        }
    }

    fn push(&mut self, part: &'a Part, open: Open) {
        if open.text {
            self.text.push(part);
        }
        if open.html {
            self.html.push(part);
        }
    }

    fn attach(&mut self, part: &'a Part, multipart: &str) {
        let disposition = part.disposition.as_deref();
        let is_referred = multipart == "related" && part.content_id.is_some() && disposition != Some("attachment");
        self.attached.push(Attachment { part, is_inline: disposition == Some("inline") || is_referred });
    }
}

fn is_inline_media(part: &Part) -> bool {
    ["image/", "audio/", "video/"].iter().any(|kind| part.media_type.starts_with(kind))
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
