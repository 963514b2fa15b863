//! Flags and keywords of a message (RFC 9051 §2.3.2).

use std::collections::BTreeSet;
use std::fmt;

/// A flag that every store knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flag {
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Seen`
    Seen,
    /// `\Draft`
    Draft,
}

impl Flag {
    /// All of them, in the order of RFC 9051.
    pub const ALL: [Flag; 5] = [Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft];

    /// The name with its backslash.
    pub fn name(self) -> &'static str {
        match self {
            Flag::Answered => "\\Answered",
            Flag::Flagged => "\\Flagged",
            Flag::Deleted => "\\Deleted",
            Flag::Seen => "\\Seen",
            Flag::Draft => "\\Draft",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The search key that finds messages with the flag (RFC 9051 §6.4.4).
    pub fn key(self) -> &'static str {
        &self.unset_key()[2..]
    }

    /// The search key that finds messages without the flag.
    pub fn unset_key(self) -> &'static str {
        match self {
            Flag::Answered => "UNANSWERED",
            Flag::Flagged => "UNFLAGGED",
            Flag::Deleted => "UNDELETED",
            Flag::Seen => "UNSEEN",
            Flag::Draft => "UNDRAFT",
        }
    }
}

/// The flags and keywords of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// One bit for each, in the order of [`Flag::ALL`].
    system: u8,
    /// Those of which the store does not tell, in the same order.
    unknown: u8,
    keywords: BTreeSet<String>,
}

impl Flags {
    /// Sets a flag.
    pub fn set(&mut self, flag: Flag) {
        self.system |= flag.bit();
        self.unknown &= !flag.bit();
    }

    /// Notes that the store does not tell whether the flag is set, unless it is.
    pub fn set_unknown(&mut self, flag: Flag) {
        self.unknown |= flag.bit() & !self.system;
    }

    /// Sets a flag by its name, in any case, or else a keyword as it is written.
    ///
    /// `\Recent` is left out: it belongs to a session, not to the message.
    pub fn set_name(&mut self, name: &str) {
        match Flag::ALL.into_iter().find(|flag| flag.name().eq_ignore_ascii_case(name)) {
            Some(flag) => self.set(flag),
            None if name.is_empty() || name.eq_ignore_ascii_case("\\Recent") => {}
            None => {
                self.keywords.insert(name.to_owned());
            }
        }
    }

    /// Whether the flag is set; None if that is not known.
    pub fn has(&self, flag: Flag) -> Option<bool> {
        (self.unknown & flag.bit() == 0).then_some(self.system & flag.bit() != 0)
    }
}

impl fmt::Display for Flags {
    /// System flags in the order of the RFC, then keywords in theirs, with single spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blank = "";
        let mut write = |name: &str| write!(f, "{}{name}", std::mem::replace(&mut blank, " "));
        Flag::ALL.into_iter().filter(|flag| self.has(*flag) == Some(true)).try_for_each(|flag| write(flag.name()))?;
        self.keywords.iter().try_for_each(|keyword| write(keyword))
    }
}
