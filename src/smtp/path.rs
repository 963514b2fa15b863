//! An address as it is said to a server and written into a header (RFC 5321 §4.1.2): nothing in it can end it.
//!
//! Pure. People's ways of writing addresses are read in [`crate::mail::mailbox`].

use std::fmt;

use lettre::Address;
use url::Host;

use super::reply::is_hidden;
use crate::error::{Error, ErrorKind, Result};

/// An address: `local@domain`, the domain in ASCII (RFC 5890), the local part in whatever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(String);

impl Path {
    /// The path to an address.
    ///
    /// # Errors
    /// It is no address, is longer than any, or has what would end a path: blanks, brackets, line ends.
    pub fn of(address: &str) -> Result<Self> {
        let refused = || {
            let shown: String = address.chars().filter(|letter| !is_hidden(*letter)).take(SHOWN).collect();
            Error::new(ErrorKind::Query, format!("mail cannot be sent to or from '{shown}'"))
                .hint("it must be an address such as me@example.org, without blanks and brackets")
        };
        let ends_a_path = |letter: char| letter.is_control() || letter.is_whitespace() || matches!(letter, '<' | '>');
        if address.contains(ends_a_path) {
            return Err(refused());
        }
        let parsed: Address = address.parse().map_err(|_| refused())?;
        let domain = if parsed.domain().is_ascii() {
            parsed.domain().to_owned()
        } else {
            match Host::parse(parsed.domain()) {
                Ok(Host::Domain(domain)) => domain,
                Ok(Host::Ipv4(_) | Host::Ipv6(_)) | Err(_) => return Err(refused()),
            }
        };
        let path = format!("{}@{domain}", parsed.user());
        if path.len() > LONGEST { Err(refused()) } else { Ok(Self(path)) }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a server must know SMTPUTF8 (RFC 6531) to understand it.
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }
}

/// With its brackets.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

/// Octets of an address (§4.5.3.1.3 has 256 with the brackets).
const LONGEST: usize = 254;

/// Letters of an address in an error.
const SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_said_with_its_domain_in_ascii() {
        let said = |address: &str| Path::of(address).unwrap().to_string();
        assert_eq!(said("me@example.org"), "<me@example.org>");
        assert_eq!(said("j@müller.example"), "<j@xn--mller-kva.example>");
        assert_eq!(said("jörg@müller.example"), "<jörg@xn--mller-kva.example>");
        assert_eq!(said("me@[192.0.2.1]"), "<me@[192.0.2.1]>");
        assert!(!Path::of("jörg@x.example").unwrap().is_ascii() && Path::of("j@ü.example").unwrap().is_ascii());
    }

    #[test]
    fn nothing_that_ends_a_path_gets_into_one() {
        let long = format!("{}@x.example", "a".repeat(300));
        for wrong in [
            "a@x.example>\r\nRCPT TO:<b@y.example",
            "a@x.example> SIZE=1",
            "a@x.example\n",
            "a@x.example\0",
            "a b@x.example",
            "\"a>b\"@x.example",
            "<a@x.example>",
            "a\u{85}@x.example",
            "a\u{2028}@x.example",
            "a@x.exa\u{200b} mple",
            "a",
            "@x.example",
            "a@",
            "",
            &long,
        ] {
            let error = Path::of(wrong).unwrap_err();
            assert!(error.way_out().is_some() && !error.to_string().contains(char::is_control), "{wrong:?}");
        }
    }
}
