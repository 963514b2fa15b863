//! The tree of parts of a message (RFC 2045, RFC 9051 BODYSTRUCTURE), and which part is what.
//!
//! Pure data: it comes from a server's BODYSTRUCTURE or from [`super::structure`], and both must
//! describe the same message in the same way.

use std::fmt;

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

/// One part, and those below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number; none for a multipart at the top, which has no content of its own.
    pub number: Option<PartNumber>,
    /// Its media type, in lower case: `text/plain`.
    pub media_type: String,
    /// Its character set, as declared.
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
