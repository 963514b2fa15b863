//! Mailboxes that mail is sent to and from (RFC 5322 §3.4): read strictly, as what is not understood cannot be sent to.
//!
//! Reading mail is the other way round; see [`super::address`].

use std::fmt;

use lettre::Address;
use lettre::message::Mailbox as Parsed;
use url::Host;

use crate::error::{Error, ErrorKind, Result};

/// Somebody: an address, and a name if they have one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mailbox {
    /// The display name.
    pub name: Option<String>,
    /// `local@domain`.
    pub address: String,
}

impl Mailbox {
    /// Reads one: `a@x.example`, `A B <a@x.example>`, `"B, A" <a@x.example>`.
    ///
    /// # Errors
    /// It is none, or has a control character.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || {
            let shown: String = text.chars().filter(|letter| !letter.is_control()).collect();
            Error::new(ErrorKind::Query, format!("'{}' is no address of mail", shown.trim()))
                .hint("write it as me@example.org or Me <me@example.org>; what has a comma goes in quotes: \"Doe, Jane\" <jane@example.org>")
        };
        if text.chars().any(char::is_control) {
            return Err(refused());
        }
        let text = text.trim();
        // A name in any script needs quotes there, and nobody writes them.
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) if !name.contains(['"', '<', '>', '(', '\\']) => (name.trim(), address),
            _ => {
                let parsed: Parsed = text.parse().map_err(|_| refused())?;
                let name = parsed.name.filter(|name| !name.trim().is_empty());
                return Ok(Self { name, address: in_ascii(&parsed.email) });
            }
        };
        let parsed: Address = address.trim().parse().map_err(|_| refused())?;
        Ok(Self { name: (!name.is_empty()).then(|| name.to_owned()), address: in_ascii(&parsed) })
    }

    /// Reads several, with commas or semicolons between them; there may be none.
    ///
    /// # Errors
    /// One of them is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>> {
        let (mut all, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
        let mut take = |piece: &str| -> Result<()> {
            if !piece.trim().is_empty() {
                all.push(Self::parse(piece)?);
            }
            Ok(())
        };
        for (at, letter) in text.char_indices() {
            match letter {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                ',' | ';' if !quoted => {
                    take(&text[start..at])?;
                    start = at + 1;
                }
                _ => {}
            }
        }
        take(&text[start..])?;
        Ok(all)
    }

    /// Writes a name and an address so that [`Mailbox::parse_list`] reads just these: a name that has more than words is put
    /// in quotes (RFC 5322 §3.2.4). Control characters of a name become blanks.
    ///
    /// Returns none if the address is none, or has a name itself.
    pub fn written(name: Option<&str>, address: &str) -> Option<String> {
        let address = Self::parse(address).ok().filter(|mailbox| mailbox.name.is_none())?.address;
        let name: String =
            name.unwrap_or_default().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_word = |letter: char| letter.is_alphanumeric() || " !#$%&'*+-/=?^_`{|}~.".contains(letter);
        Some(match name.as_str() {
            "" => address,
            name if name.chars().all(is_word) => format!("{name} <{address}>"),
            name => format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\"")),
        })
    }

    /// What follows the last `@`.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// An address with its domain as DNS has it (RFC 5890): so it needs no server that knows others, and is one address however
/// it is written.
fn in_ascii(address: &Address) -> String {
    match Host::parse(address.domain()) {
        Ok(Host::Domain(domain)) if !address.domain().is_ascii() => format!("{}@{domain}", address.user()),
        _ => address.to_string(),
    }
}

/// As people write it.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => f.write_str(&self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let all = Mailbox::parse_list(text).unwrap().into_iter();
        all.map(|one| format!("{}|{}", one.name.unwrap_or_default(), one.address)).collect()
    }

    #[test]
    fn commas_and_semicolons_are_between_mailboxes_but_not_in_quotes() {
        assert_eq!(shown("a@x.example, b@y.example;c@z.example"), ["|a@x.example", "|b@y.example", "|c@z.example"]);
        assert_eq!(
            shown(r#""Doe, Jane; \"J\"" <j@x.example>, b@y.example"#),
            [r#"Doe, Jane; "J"|j@x.example"#, "|b@y.example"]
        );
        assert_eq!(shown(" ; a@x.example ,,"), ["|a@x.example"]);
        assert_eq!(shown(""), Vec::<String>::new());
        let all = ["Jörg Müller|j@xn--mller-kva.example", "山田|y@x.example"];
        assert_eq!(shown("Jörg Müller <j@müller.example>, 山田 <y@x.example>"), all);
    }

    #[test]
    fn what_is_no_mailbox_is_refused_and_named() {
        for wrong in [
            "bob",
            "a b@x.example",
            "@x.example",
            "a@",
            "a@x.example b@y.example",
            "<a@x.example",
            "a@x..example",
            "A <a@x.example> <b@y.example>",
        ] {
            let error = Mailbox::parse_list(wrong).unwrap_err();
            assert!(
                error.to_string().contains("is no address of mail") && error.way_out().is_some(),
                "{wrong}: {error}"
            );
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for name in [
            "Doe, Jane",
            "Jane Doe",
            "Müller, Jörg; \"J\"",
            "a <b@x.example>, c@y.example",
            "back\\slash\"",
            "山田 太郎",
            "J. Doe (Jr.)",
            "a@b.example",
            "Sales: EU",
            "",
            "naïve <",
        ] {
            let text = Mailbox::written(Some(name), "jane@x.example").unwrap();
            let read = Mailbox::parse_list(&text).unwrap();
            let wanted = Mailbox {
                name: Some(name.to_owned()).filter(|name| !name.is_empty()),
                address: "jane@x.example".into(),
            };
            assert_eq!(read, [wanted], "{text}");
        }
        assert_eq!(Mailbox::written(None, "a@x.example").unwrap(), "a@x.example");
        assert_eq!(Mailbox::written(Some("a\r\nBcc: b"), "a@x.example").unwrap(), "\"a Bcc: b\" <a@x.example>");
        for wrong in ["a@x.example, b@y.example", "a", "", "A <a@x.example>", "a@x.example\r\n"] {
            assert!(Mailbox::written(Some("A"), wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn no_line_end_gets_into_a_mailbox() {
        for wrong in
            ["a@x.example\r\nBcc: b@y.example", "A\nB <a@x.example>", "\"A\r\nX: y\" <a@x.example>", "a@x.example\0"]
        {
            assert!(Mailbox::parse_list(wrong).is_err(), "{wrong:?}");
        }
    }
}
