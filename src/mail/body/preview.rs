//! The preview of a message: the beginning of its text, known from the beginnings of its parts.
//!
//! Says which part must be read next where those do not suffice: a style may be longer than they are, and a text may be blank.

use super::{Layout, is_blank, readable};
use crate::mail::content::Extent;
use crate::mail::message::Message;
use crate::mail::part::{Part, PartNumber};

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
    // It is none, as it is to the text.
    let text = if is_blank(text) { "" } else { text };
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
