//! Contents of parts: which of them a reading wants, and how they are taken from a whole message.
//!
//! Pure; one definition for servers, which are asked for parts by number, and for files, which are read whole.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::body::Layout;
use super::structure::{self, Structure};
use super::{Fetch, Message, Part, PartNumber};

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

fn preview(structure: &Structure) -> Option<Bytes> {
    let layout = Layout::of(&structure.root);
    let content = structure.content(layout.preview()?.number.as_ref()?)?;
    Some(Bytes::copy_from_slice(&content[..content.len().min(BEGINNING)]))
}
