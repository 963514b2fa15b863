//! Contents of parts: which of them a reading wants, and how they are taken from a whole message.
//!
//! Pure; one definition for servers, which are asked for parts by number, and for files, which are read whole.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::body::{self, Layout};
use super::structure;
use super::{Fetch, Header, Message, Part, PartNumber, transfer};

/// How much of a part is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// As much as a preview is made of, mostly.
    Beginning,
    /// As much as a preview is made of where markup comes first.
    More,
    /// All of it.
    Whole,
}

impl Extent {
    /// The most octets that it means; nothing when it is all of a part.
    pub fn octets(self) -> Option<u32> {
        match self {
            Extent::Beginning => Some(4 << 10),
            Extent::More => Some(64 << 10),
            Extent::Whole => None,
        }
    }
}

/// The parts whose contents are wanted and are not there yet; of attachments, only those that the message says.
pub fn wanted(message: &Message, fetch: &Fetch) -> BTreeMap<PartNumber, Extent> {
    let Some(root) = &message.structure else { return BTreeMap::new() };
    let layout = Layout::of(root);
    let mut parts = BTreeMap::new();
    let mut want = |part: &Part| {
        parts.extend(part.number.clone().map(|number| (number, Extent::Whole)));
    };
    if fetch.text {
        layout.text.iter().chain(&layout.html).for_each(|part| want(part));
    }
    if fetch.attachments {
        let only = message.wanted_attachments.as_ref();
        let is_wanted =
            |part: &Part| only.is_none_or(|only| part.number.as_ref().is_some_and(|number| only.contains(number)));
        let attachments = layout.attachments.iter().map(|attachment| attachment.part);
        attachments.filter(|part| is_wanted(part)).for_each(want);
    }
    parts.retain(|number, _| !message.contents.contains_key(number));
    // The text has the preview in it.
    if fetch.preview && !fetch.text {
        let next = message.preview_next.clone().filter(|(number, extent)| !has(message, number, *extent));
        let first = || message.beginnings.is_empty().then(|| body::lacks_for_preview(message)).flatten();
        if let Some((number, extent)) = next.or_else(first) {
            parts.entry(number).or_insert(extent);
        }
    }
    parts
}

fn has(message: &Message, number: &PartNumber, extent: Extent) -> bool {
    let known = message.beginnings.get(number).map(|(_, known)| *known);
    message.contents.contains_key(number) || known.is_some_and(|known| known >= extent)
}

/// Takes the structure, and the contents that are wanted, from the whole message.
pub fn fill(message: &mut Message, fetch: &Fetch, raw: &Bytes) {
    let mut structure = structure::scan(raw);
    // A slice would keep the whole message in memory for a few lines of text.
    let all_is_kept = fetch.raw || fetch.attachments;
    let kept = |content: Bytes| if all_is_kept { content } else { Bytes::copy_from_slice(&content) };
    // Contents mean something only by the part that they are of.
    message.structure = Some(structure.take_root());
    loop {
        let wanted = wanted(message, fetch);
        if wanted.is_empty() {
            break;
        }
        for (number, extent) in wanted {
            let content = structure.content(&number).unwrap_or_default();
            match extent.octets().map(|most| content.len().min(most as usize)) {
                Some(most) => drop(message.beginnings.insert(number, (kept(content.slice(..most)), extent))),
                None => drop(message.contents.insert(number, kept(content))),
            }
        }
        look_for_preview(message, fetch);
    }
    if fetch.raw {
        message.raw = Some(raw.clone());
    }
}

/// Sets what must be read next to know the preview, and says whether there is anything.
pub fn look_for_preview(message: &mut Message, fetch: &Fetch) -> bool {
    message.preview_next = if fetch.preview && !fetch.text { body::lacks_for_preview(message) } else { None };
    let next = message.preview_next.clone();
    // What a server does not have is not asked for for ever.
    next.is_some_and(|(number, extent)| !has(message, &number, extent))
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
        part.raw_name = own.raw_name;
    }
    structure::settle_names(root);
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
    each(root, &mut |part| {
        let Some(number) = &part.number else { return };
        let beginning = message.beginnings.get(number).map(|(octets, _)| octets);
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
    let is_explained = || body::characters(part, &decoded).faithful;
    (transfer::is_identity(&part.encoding) && transfer::looks_encoded(content)) || !is_explained()
}
