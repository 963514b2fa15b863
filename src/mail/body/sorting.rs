//! Sorts parts into text, HTML and attachments (RFC 8621 §4.1.4).

use super::{Alternative, Attachment, Layout, is_text};
use crate::mail::part::Part;

/// What the parts of a message are, by the part at the top.
pub(super) fn sorted<'a>(root: &'a Part) -> Layout<'a> {
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
    Layout { text: only_text(text), html: only_text(html), attachments, alternatives }
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
