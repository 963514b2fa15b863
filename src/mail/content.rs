//! Contents of parts: which of them a reading wants, and how they are taken from a whole message.
//!
//! Pure; one definition for servers, which are asked for parts by number, and for files, which are read whole.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::body::Layout;
use super::structure::{self, Structure};
use super::{Fetch, Header, Message, Part, PartNumber, charset, transfer};

/// How much of a part is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// As much as a preview is made of.
    Beginning,
    /// All of it.
    Whole,
}

/// How many octets of a part a preview is made of.
pub const BEGINNING: usize = 4096;

/// The parts whose contents are wanted; of attachments, `only` some, where that is known.
pub fn wanted(root: &Part, fetch: &Fetch, only: Option<&BTreeSet<PartNumber>>) -> BTreeMap<PartNumber, Extent> {
    let layout = Layout::of(root);
    let mut parts = BTreeMap::new();
    let mut want = |part: &Part, extent: Extent| {
        if let Some(number) = &part.number {
            let known = parts.entry(number.clone()).or_insert(extent);
            *known = extent.max(*known);
        }
    };
    if fetch.preview {
        layout.preview().into_iter().for_each(|part| want(part, Extent::Beginning));
    }
    if fetch.text {
        layout.text.iter().chain(&layout.html).for_each(|part| want(part, Extent::Whole));
    }
    if fetch.attachments {
        let is_wanted =
            |part: &Part| only.is_none_or(|only| part.number.as_ref().is_some_and(|number| only.contains(number)));
        let attachments = layout.attachments.iter().map(|attachment| attachment.part);
        attachments.filter(|part| is_wanted(part)).for_each(|part| want(part, Extent::Whole));
    }
    parts
}

/// Takes the structure, and the contents that are wanted, from the whole message.
pub fn fill(message: &mut Message, fetch: &Fetch, raw: &Bytes) {
    let structure = structure::scan(raw);
    // A slice would keep the whole message in memory for a few lines of text.
    let all_is_kept = fetch.raw || fetch.attachments;
    for (number, extent) in wanted(&structure.root, fetch, None) {
        if extent == Extent::Whole
            && let Some(content) = structure.content(&number)
        {
            let content = if all_is_kept { content } else { Bytes::copy_from_slice(&content) };
            message.contents.insert(number, content);
        }
    }
    if fetch.preview {
        message.preview = preview(&structure);
    }
    if fetch.raw {
        message.raw = Some(raw.clone());
    }
    // Contents mean something only by the part that they are of.
    message.structure = Some(structure.root);
}

/// What of its description a part takes from its own header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeclared {
    /// All of it.
    Everything,
    /// What is needed to decode its content.
    Encoding,
}

/// Describes a part as its own header does (RFC 2045 §3), whatever the store said of it.
///
/// Returns false, and changes nothing, if the header describes a multipart: the tree of parts is another one then.
pub fn redeclare(root: &mut Part, number: &PartNumber, header: &Header, what: Redeclared) -> bool {
    let Some((part, default_type)) = find(root, number, "text/plain") else { return false };
    let own = structure::described(header, default_type);
    if own.media_type.starts_with("multipart/") {
        return false;
    }
    (part.encoding, part.charset) = (own.encoding, own.charset);
    if what == Redeclared::Everything {
        (part.media_type, part.name) = (own.media_type, own.name);
        (part.disposition, part.content_id) = (own.disposition, own.content_id);
    }
    true
}

/// The part with a number, and its media type where its header names none.
fn find<'a>(part: &'a mut Part, number: &PartNumber, default: &'static str) -> Option<(&'a mut Part, &'static str)> {
    if part.number.as_ref() == Some(number) {
        return Some((part, default));
    }
    let default = if part.media_type == "multipart/digest" { "message/rfc822" } else { "text/plain" };
    part.parts.iter_mut().find_map(|part| find(part, number, default))
}

/// The text parts whose contents show that they may be encoded otherwise than the store says.
pub fn doubtful(message: &Message) -> Vec<PartNumber> {
    let Some(root) = &message.structure else { return Vec::new() };
    let mut parts = Vec::new();
    let preview = Layout::of(root).preview().and_then(|part| part.number.clone());
    each(root, &mut |part| {
        let Some(number) = &part.number else { return };
        let beginning = message.preview.as_ref().filter(|_| preview.as_ref() == Some(number));
        let content = message.contents.get(number).or(beginning);
        if part.media_type.starts_with("text/") && content.is_some_and(|content| is_doubtful(part, content)) {
            parts.push(number.clone());
        }
    });
    parts
}

fn each(part: &Part, see: &mut impl FnMut(&Part)) {
    see(part);
    part.parts.iter().for_each(|part| each(part, see));
}

/// Whether text that is said not to be encoded looks as if it were, or has letters that no character set explains.
fn is_doubtful(part: &Part, content: &[u8]) -> bool {
    let (decoded, _) = transfer::decode(content, &part.encoding);
    let is_explained = || charset::decode(&decoded, part.charset.as_deref()).faithful;
    (transfer::is_identity(&part.encoding) && transfer::looks_encoded(content)) || !is_explained()
}

fn preview(structure: &Structure) -> Option<Bytes> {
    let layout = Layout::of(&structure.root);
    let content = structure.content(layout.preview()?.number.as_ref()?)?;
    Some(Bytes::copy_from_slice(&content[..content.len().min(BEGINNING)]))
}
