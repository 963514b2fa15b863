//! The tree of parts of a message (RFC 2045, RFC 9051 BODYSTRUCTURE), and which part is what.
//!
//! Pure data: it comes from a server's BODYSTRUCTURE or from [`super::structure`], and both must
//! describe the same message in the same way.

use std::fmt;

use super::encoded_word;

/// The number of a part within its message, as in `BODY[2.1]`; never empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(Vec<u32>);

impl PartNumber {
    /// The number of the only part of a message that has no parts.
    pub fn only() -> Self {
        Self(vec![1])
    }

    /// The number of a part at the top of a multipart message, counted from 1.
    pub fn top(position: u32) -> Self {
        Self(vec![position])
    }

    /// The number of the part at a position below this one, counted from 1.
    #[must_use]
    pub fn below(&self, position: u32) -> Self {
        let mut numbers = self.0.clone();
        numbers.push(position);
        Self(numbers)
    }
}

impl fmt::Display for PartNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, number) in self.0.iter().enumerate() {
            let dot = if position == 0 { "" } else { "." };
            write!(f, "{dot}{number}")?;
        }
        Ok(())
    }
}

/// Parts of a message after that many are left out.
pub const MAX_PARTS: usize = 10_000;

/// One part, and those below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number; none for a multipart at the top, which has no content of its own.
    pub number: Option<PartNumber>,
    /// Its media type, in lower case: `text/plain`.
    pub media_type: String,
    /// Its character set, as declared; none where text has the default, `us-ascii`.
    pub charset: Option<String>,
    /// Its file name, decoded: from Content-Disposition, else from Content-Type.
    pub name: Option<String>,
    /// Its disposition, in lower case: `attachment`, `inline`.
    pub disposition: Option<String>,
    /// Its Content-ID, without angle brackets.
    pub content_id: Option<String>,
    /// Its transfer encoding, in lower case; `7bit` when none is declared.
    pub encoding: String,
    /// Its size in octets as transferred, with CRLF line ends; 0 for a multipart.
    pub encoded_size: u64,
    /// The parts of a multipart. An attached message has none here: it is an attachment.
    pub parts: Vec<Part>,
}

/// What the header of a part declares, parameters taken off; [`Declared::part`] says what it means.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Its media type.
    pub media_type: String,
    /// The parameter `charset`.
    pub charset: Option<String>,
    /// The parameter `filename` of its disposition, else the parameter `name` of its type.
    pub name: Option<String>,
    /// Its disposition.
    pub disposition: Option<String>,
    /// Its Content-ID.
    pub content_id: Option<String>,
    /// Its transfer encoding.
    pub encoding: Option<String>,
}

impl Declared {
    /// The part that is declared so, without a number, a size or parts.
    pub fn part(self) -> Part {
        let media_type = self.media_type.to_lowercase();
        // The default of text (RFC 2046 §4.1.2), which servers add where nothing was declared.
        let is_default = |charset: &String| media_type.starts_with("text/") && charset.eq_ignore_ascii_case("us-ascii");
        let disposition = self.disposition.map(|word| word.trim_matches('"').to_lowercase());
        let content_id = self.content_id.map(|id| encoded_word::decode(&id).trim().trim_matches(['<', '>']).to_owned());
        let encoding =
            self.encoding.as_deref().and_then(|text| text.split(AFTER_ENCODING).find(|word| !word.is_empty()));
        Part {
            number: None,
            charset: self.charset.filter(|charset| !is_default(charset)),
            name: self.name.map(|name| encoded_word::decode(&name)).filter(|name| !name.trim().is_empty()),
            disposition: disposition.filter(|word| !word.is_empty()),
            content_id: content_id.filter(|id| !id.is_empty()),
            encoding: encoding.map_or_else(|| "7bit".to_owned(), str::to_lowercase),
            encoded_size: 0,
            parts: Vec::new(),
            media_type,
        }
    }
}

/// What some mailers put after the name of an encoding: parameters and comments.
const AFTER_ENCODING: [char; 4] = [' ', '\t', ';', '('];
