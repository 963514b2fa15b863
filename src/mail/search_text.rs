//! The text that a search key may carry (RFC 9051 §6.4.4), and the fields that it is looked for in.
//!
//! What cannot be said to every server alike cannot be made here: no escapes, no literals, no CHARSET.
//! Which predicates become such keys is said in `table/substring`.

use std::fmt;

/// Where a server looks for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextField {
    /// The Subject field.
    Subject,
    /// The From field.
    From,
    /// The To field.
    To,
    /// The Cc field.
    Cc,
    /// The Bcc field.
    Bcc,
    /// The Message-ID field.
    MessageId,
    /// The In-Reply-To field.
    InReplyTo,
    /// The References field.
    References,
    /// All that follows the header.
    Body,
}

impl fmt::Display for TextField {
    /// As the SEARCH command writes it; names of fields without quotes, for there are servers that want it so.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TextField::Subject => "SUBJECT",
            TextField::From => "FROM",
            TextField::To => "TO",
            TextField::Cc => "CC",
            TextField::Bcc => "BCC",
            TextField::MessageId => "HEADER Message-ID",
            TextField::InReplyTo => "HEADER In-Reply-To",
            TextField::References => "HEADER References",
            TextField::Body => "BODY",
        })
    }
}

/// A text that may stand between quotes as it is: printable ASCII without `"` and `\`, 3 to 64 characters.
///
/// Shorter ones are in most messages, and longer ones choose no better than their beginning does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(String);

impl SearchText {
    /// The fewest characters.
    pub const SHORTEST: usize = 3;
    /// The most characters.
    pub const LONGEST: usize = 64;

    /// The text, if it is one that can be said.
    pub fn new(text: &str) -> Option<Self> {
        let is_sayable = (Self::SHORTEST..=Self::LONGEST).contains(&text.len()) && text.chars().all(Self::may_have);
        is_sayable.then(|| Self(text.to_owned()))
    }

    /// How many characters it has.
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a text may have the character.
    pub fn may_have(letter: char) -> bool {
        matches!(letter, ' '..='~') && !matches!(letter, '"' | '\\')
    }
}

impl fmt::Display for SearchText {
    /// In its quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_no_escape_and_no_character_set_can_be_said() {
        for text in ["abc", "100% {3} *", " a ", "=?x?=", &"x".repeat(64)] {
            assert_eq!(SearchText::new(text).unwrap().to_string(), format!("\"{text}\""));
        }
        for text in [
            "",
            "ab",
            "caf\u{e9}",
            "a\"bc",
            "a\\bc",
            "abc\r\nA1 LOGOUT",
            "a\tbc",
            "a\0bc",
            "a\u{7f}bc",
            &"x".repeat(65),
        ] {
            assert_eq!(SearchText::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn names_of_fields_are_atoms() {
        let text = SearchText::new("a@b").unwrap();
        assert_eq!(format!("{} {text}", TextField::MessageId), "HEADER Message-ID \"a@b\"");
        assert_eq!(format!("{} {text}", TextField::Body), "BODY \"a@b\"");
    }
}
