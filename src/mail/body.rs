//! Which part of a message is its text, its HTML, an attachment (RFC 8621 §4.1.4), and their contents.
//!
//! One pure function over the tree of parts decides, for every backend. Contents are decoded here,
//! when a column asks for them, and never before.

mod meta;

use bytes::Bytes;

use super::charset::{self, Decoded};
use super::content::Extent;
use super::message::Message;
use super::part::{MAX_PARTS, Part, PartNumber};
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
        let mut sorting = Sorting::default();
        let all = Siblings { parts: std::slice::from_ref(root), multipart: "mixed", start: None };
        sorting.parts(&all, Within::default(), Open { text: true, html: true });
        let Sorting { text, html, attached: mut attachments, alternatives, referred } = sorting;
        for part in text.iter().chain(&html).copied().filter(|part| !is_text(part)) {
            if !attachments.iter().any(|attachment| std::ptr::eq(attachment.part, part)) {
                attachments.push(Attachment { part, is_inline: true, counts: true });
            }
        }
        for attachment in &mut attachments {
            let is_referred = referred.iter().any(|part| std::ptr::eq(*part, attachment.part));
            attachment.counts = !is_referred && !SIGNATURES.contains(&attachment.part.media_type.as_ref());
        }
        attachments.sort_by(|left, right| left.part.number.cmp(&right.part.number));
        let only_text = |parts: Vec<&'a Part>| parts.into_iter().filter(|part| is_text(part)).collect::<Vec<_>>();
        Self { text: only_text(text), html: only_text(html), attachments, alternatives }
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

/// The first 200 characters of the text, blanks and line ends folded into single blanks.
///
/// Returns none if the message has no text, or was read without its beginning.
pub fn preview(message: &Message) -> Option<String> {
    match previewed(message) {
        Ok(preview) => preview,
        // The server has less than it announced, or nobody asked for it.
        Err(Lacking { before, .. }) => Some(before).filter(|text| !text.is_empty()),
    }
}

/// The part that must be read next to know the preview, and how much of it; nothing when it is known.
pub fn lacks_for_preview(message: &Message) -> Option<(PartNumber, Extent)> {
    previewed(message).err().map(|lacking| (lacking.number, lacking.extent))
}

/// What a preview is not known without.
struct Lacking {
    number: PartNumber,
    extent: Extent,
    /// What is known of the preview.
    before: String,
}

fn previewed(message: &Message) -> Result<Option<String>, Lacking> {
    let Some(root) = &message.structure else { return Ok(None) };
    let layout = Layout::of(root);
    let mut preview = String::new();
    for shown in layout.shown() {
        let before = preview.len();
        for parts in [shown.parts.as_slice(), shown.instead] {
            if preview.len() > before {
                break;
            }
            for part in parts {
                if add_to_preview(&mut preview, part, message)? {
                    return Ok(Some(preview));
                }
            }
        }
    }
    Ok((!preview.is_empty()).then_some(preview))
}

/// Adds the text of a part, and says whether the preview is full.
fn add_to_preview(preview: &mut String, part: &Part, message: &Message) -> Result<bool, Lacking> {
    let Some(number) = &part.number else { return Ok(false) };
    let lacking = |extent, before: &str| Lacking { number: number.clone(), extent, before: before.to_owned() };
    let (octets, extent) = match (message.contents.get(number), message.beginnings.get(number)) {
        (Some(whole), _) => (whole, Extent::Whole),
        (None, Some((octets, extent))) => (octets, *extent),
        (None, None) => return Err(lacking(Extent::Beginning, preview)),
    };
    let is_whole = extent == Extent::Whole || octets.len() as u64 >= part.encoded_size;
    let text = readable(part, octets).unwrap_or_default();
    // The last character may have been cut.
    let text = if is_whole { &text } else { text.trim_end_matches(char::REPLACEMENT_CHARACTER) };
    let mut longer = preview.clone();
    let mut characters = longer.chars().count();
    for word in text.split_whitespace() {
        let blank = usize::from(!longer.is_empty());
        longer.extend(std::iter::repeat_n(' ', blank));
        longer.push_str(word);
        characters += blank + word.chars().count();
        if characters > LONGEST_PREVIEW {
            break;
        }
    }
    // A word that ends where the octets do may go on, and markup may be cut: then there must be more than is shown.
    if !is_whole && characters <= LONGEST_PREVIEW {
        let next = if extent == Extent::Beginning { Extent::More } else { Extent::Whole };
        return Err(lacking(next, &longer));
    }
    *preview = longer.chars().take(LONGEST_PREVIEW).collect();
    Ok(characters >= LONGEST_PREVIEW)
}

/// Characters of a preview.
const LONGEST_PREVIEW: usize = 200;

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

/// The algorithm of RFC 8621 §4.1.4, as far as it has got.
#[derive(Default)]
struct Sorting<'a> {
    text: Vec<&'a Part>,
    html: Vec<&'a Part>,
    attached: Vec<Attachment<'a>>,
    alternatives: Vec<Alternative<'a>>,
    /// Images that HTML refers to.
    referred: Vec<&'a Part>,
}

/// The parts of a multipart.
struct Siblings<'a, 's> {
    parts: &'a [Part],
    multipart: &'s str,
    /// The Content-ID of the one that the others belong to.
    start: Option<&'s str>,
}

impl Siblings<'_, '_> {
    /// Where the part is that the others belong to: the first, or the one that is named (RFC 2387 §3.2).
    fn first(&self) -> usize {
        let is_named = |part: &Part| self.start.is_some() && part.content_id.as_deref() == self.start;
        self.parts.iter().position(is_named).unwrap_or_default()
    }
}

/// What is around parts.
#[derive(Clone, Copy, Default)]
struct Within {
    alternative: bool,
    related: bool,
}

/// Which bodies still take parts: within an alternative, one kind of text closes the other body.
#[derive(Clone, Copy)]
struct Open {
    text: bool,
    html: bool,
}

impl<'a> Sorting<'a> {
    fn parts(&mut self, siblings: &Siblings<'a, '_>, within: Within, mut open: Open) {
        let multipart = siblings.multipart;
        let before = (self.text.len(), self.html.len());
        let first = siblings.first();
        for (position, part) in siblings.parts.iter().enumerate() {
            if let Some(kind) = part.media_type.strip_prefix("multipart/") {
                let siblings = Siblings { parts: &part.parts, multipart: kind, start: part.start.as_deref() };
                let within = Within {
                    alternative: within.alternative || kind == "alternative",
                    related: within.related || kind == "related",
                };
                self.parts(&siblings, within, open);
                continue;
            }
            if within.related
                && part.content_id.is_some()
                && part.media_type.starts_with("image/")
                && !is_attached(part)
            {
                self.referred.push(part);
            }
            let is_media = is_inline_media(part);
            let is_first_or_loose = position == first || (multipart != "related" && (is_media || part.name.is_none()));
            if is_attached(part) || !(is_text(part) || is_media) || !is_first_or_loose {
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
            if within.alternative {
                open.html &= media_type != "text/plain";
                open.text &= media_type != "text/html";
            }
            self.push(part, open);
            if is_media && !(open.text && open.html) {
                self.attach(part, multipart);
            }
        }
        if multipart == "alternative" && open.text && open.html {
            self.alternate(before);
            self.share(before);
        }
    }

    /// Remembers which texts and which HTML say the same.
    fn alternate(&mut self, before: (usize, usize)) {
        let only_text = |parts: &[&'a Part]| parts.iter().copied().filter(|part| is_text(part)).collect::<Vec<_>>();
        let (text, html) = (only_text(&self.text[before.0..]), only_text(&self.html[before.1..]));
        if !text.is_empty() && !html.is_empty() {
            self.alternatives.push(Alternative { text, html });
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
        let is_referred = multipart == "related" && part.content_id.is_some() && !is_attached(part);
        let is_inline = part.disposition.as_deref() == Some("inline") || is_referred;
        self.attached.push(Attachment { part, is_inline, counts: true });
    }
}

fn is_attached(part: &Part) -> bool {
    part.disposition.as_deref() == Some("attachment")
}

fn is_inline_media(part: &Part) -> bool {
    ["image/", "audio/", "video/"].iter().any(|kind| part.media_type.starts_with(kind))
}

/// Signatures of the message itself.
const SIGNATURES: [&str; 4] = [
    "application/pgp-signature",
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/x-pgp-signature",
];

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
