//! Signs in a BODYSTRUCTURE that a part may not be what the server says of it.
//!
//! Servers read malformed header fields in their own ways: a file name is cut at its first blank, an encoding with a
//! semicolon after it is dropped. A part that shows a sign is described by its own header (`BODY[n.MIME]`) instead, as
//! it is in files, so that a message has one reading. Pure; [`super::body_structure`] asks for each part.

use std::borrow::Cow;

use crate::mail::{Part, encoded_word, parameter, transfer};

/// A part without parts, as a server tells it.
pub struct Leaf<'a> {
    /// What it says of the part.
    pub part: &'a Part,
    /// Whether it tells a media type.
    pub has_type: bool,
    /// Whether its disposition is a list, or NIL.
    pub disposition_is_list: bool,
    /// Whether it tells a disposition at all.
    pub has_disposition: bool,
    /// The parameter `filename` of the disposition.
    pub file_name: Option<Cow<'a, str>>,
    /// The parameters of the media type.
    pub parameters: &'a [(Cow<'a, str>, Cow<'a, str>)],
}

/// Whether the header of the part must be read to know what it says.
pub fn is_doubtful(leaf: &Leaf<'_>) -> bool {
    let part = leaf.part;
    let (main, subtype) = part.media_type.split_once('/').unwrap_or((&part.media_type, ""));
    let is_attached = part.disposition.as_deref() == Some("attachment");
    // Text needs no name and no encoding, unless it is a file.
    let is_plain = main == "text" && !is_attached;
    let is_known_disposition = part.disposition.as_deref().is_none_or(|word| DISPOSITIONS.contains(&word));
    !leaf.has_type
        || !is_token(main)
        || !is_token(subtype)
        || !leaf.disposition_is_list
        || !is_known_disposition
        || (leaf.has_disposition && part.disposition.is_none())
        || has_doubtful_name(leaf, is_plain)
        || (!is_plain && part.encoding == "7bit")
        || !transfer::is_known(&part.encoding)
}

/// Whether the sizes of parts are far from the size of their message, as in a structure that a server has made up.
///
/// Headers and boundaries take some of a message; more than that, or less than nothing, is far.
pub fn is_far(root: &Part, size: u64) -> bool {
    let parts = sum(root);
    parts > size.saturating_add(size / 8) || (parts < size / 2 && size - parts > HEADERS)
}

fn sum(part: &Part) -> u64 {
    part.parts.iter().map(sum).fold(part.encoded_size, u64::saturating_add)
}

fn has_doubtful_name(leaf: &Leaf<'_>, is_plain: bool) -> bool {
    let own = parameter::value(leaf.parameters, "name");
    // The one of the two that counts, decoded.
    let name = leaf.part.name.as_deref();
    match (&leaf.file_name, own) {
        (None, None) => !is_plain && !leaf.part.media_type.starts_with("message/"),
        // A name of the file that the server could not read.
        (None, Some(_)) if leaf.part.disposition.is_some() => true,
        (Some(file_name), Some(own)) if *file_name != own => {
            name.is_none_or(is_doubtful_name) || name != Some(encoded_word::decoded(own).trim())
        }
        _ => name.is_none_or(is_doubtful_name),
    }
}

/// A name that ends within its first word, or that begins like one that was not read to its end.
fn is_doubtful_name(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let has_ending = ending.is_some_and(|ending| {
        ending.len() <= LONGEST_ENDING
            && ending.bytes().any(|octet| octet.is_ascii_alphabetic())
            && !mime_guess::from_ext(ending).is_empty()
    });
    !has_ending || name.starts_with(['"', '\'', '[', '(', '<']) || name.contains(char::REPLACEMENT_CHARACTER)
}

/// RFC 2045 §5.1.
fn is_token(word: &str) -> bool {
    let is_special = |octet: u8| {
        matches!(
            octet,
            b'(' | b')' | b'<' | b'>' | b'@' | b',' | b';' | b':' | b'\\' | b'"' | b'/' | b'[' | b']' | b'?' | b'='
        )
    };
    !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_graphic() && !is_special(octet))
}

/// Octets that the headers of a message may have without being a sign.
const HEADERS: u64 = 32 << 10;
/// What a disposition can be (RFC 2183 §2.1, RFC 2388 §3).
const DISPOSITIONS: [&str; 3] = ["attachment", "inline", "form-data"];
/// Characters of the ending of a file name.
const LONGEST_ENDING: usize = 10;
