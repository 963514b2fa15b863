//! What a server says it can do (RFC 9051 §7.2.2), and what is known about it all the same.
//!
//! Pure: [`super::session`] asks. What servers do otherwise than they say is data, in [`super::quirk`].

use std::collections::BTreeSet;
use std::fmt;

/// The capabilities of a server, in upper case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities(BTreeSet<String>);

impl Capabilities {
    /// Those that are listed.
    pub fn of<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self(names.into_iter().map(|name| name.as_ref().to_uppercase()).collect())
    }

    /// Whether it has one, by its name in upper case.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
            || IN_REV2.contains(&name) && self.0.contains("IMAP4REV2") && !self.0.contains("IMAP4REV1")
    }

    /// Whether nothing is known yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes some away that the server has but does not do well.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|name| !names.contains(&name.as_str()));
        self
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
    }
}

/// What every server that speaks `IMAP4rev2` alone can do (RFC 9051, appendix E).
const IN_REV2: [&str; 8] =
    ["ESEARCH", "SEARCHRES", "LIST-EXTENDED", "LIST-STATUS", "SASL-IR", "STATUS=SIZE", "SPECIAL-USE", "LITERAL-"];
