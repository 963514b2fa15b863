//! What a server can do, as it answers to EHLO (RFC 5321 §4.1.1.1).
//!
//! Pure. What was said before TLS is forgotten by whoever asks (RFC 3207 §4.2).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::reply::Reply;

/// The extensions of a server: each a word, with its parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions(BTreeMap<String, BTreeSet<String>>);

impl Extensions {
    /// Those that a reply to EHLO lists; its first line is the server's name.
    pub fn of(reply: &Reply) -> Self {
        let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in reply.lines.iter().skip(1) {
            // Some write `AUTH=PLAIN LOGIN`, as it was done before there was an RFC.
            let line = line.to_ascii_uppercase().replacen("AUTH=", "AUTH ", 1);
            let mut words = line.split_ascii_whitespace().map(str::to_owned);
            if let Some(name) = words.next() {
                known.entry(name).or_default().extend(words);
            }
        }
        Self(known)
    }

    /// Whether it has an extension.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether one can sign in by a mechanism (RFC 4954 §3).
    pub fn has_mechanism(&self, name: &str) -> bool {
        self.0.get("AUTH").is_some_and(|mechanisms| mechanisms.contains(name))
    }

    /// The most octets of a mail that it takes, where it says that there is a limit (RFC 1870 §4).
    pub fn size(&self) -> Option<u64> {
        let sizes = self.0.get("SIZE")?.iter();
        sizes.filter_map(|size| size.parse().ok()).filter(|size| *size > 0).min()
    }
}

impl fmt::Display for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |(name, words): (&String, &BTreeSet<String>)| {
            [name].into_iter().chain(words).map(String::as_str).collect::<Vec<_>>().join(" ")
        };
        f.write_str(&self.0.iter().map(one).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_found_however_they_are_written() {
        let lines =
            ["mail.example.org AUTH", "size 35882577", "AUTH=PLAIN Login", "AUTH XOAUTH2 PLAIN", "", "STARTTLS"];
        let reply = Reply { code: 250, enhanced: None, lines: lines.map(str::to_owned).to_vec() };
        let able = Extensions::of(&reply);
        assert!(able.has("SIZE") && able.has("STARTTLS") && !able.has("MAIL.EXAMPLE.ORG"));
        assert!(["PLAIN", "LOGIN", "XOAUTH2"].iter().all(|name| able.has_mechanism(name)) && !able.has_mechanism("X"));
        assert_eq!(able.size(), Some(35_882_577));
        for (said, size) in [("SIZE", None), ("SIZE 0", None), ("SIZE x", None), ("SIZE 7", Some(7)), ("X", None)] {
            let reply = Reply { code: 250, enhanced: None, lines: vec!["x".to_owned(), said.to_owned()] };
            assert_eq!(Extensions::of(&reply).size(), size, "{said}");
        }
        assert_eq!(able.to_string(), "AUTH LOGIN PLAIN XOAUTH2, SIZE 35882577, STARTTLS");
    }
}
