//! Addresses in header fields (RFC 5322 §3.4): names, mailboxes, groups.
//!
//! Groups are taken apart: their members count, their names do not.

use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address as Parsed, HeaderValue};

use super::encoded_word;

/// One address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The display name, decoded.
    pub name: Option<String>,
    /// `local@domain`, as written.
    pub address: Option<String>,
}

impl Address {
    /// Reads all addresses of an unfolded field value.
    pub fn parse_all(value: &str) -> Vec<Address> {
        let text = encoded_word::normalise(value) + "\n";
        let mut all: Vec<Address> = match MessageStream::new(text.as_bytes()).parse_address() {
            HeaderValue::Address(Parsed::List(list)) => list.iter().filter_map(Address::of).collect(),
            HeaderValue::Address(Parsed::Group(groups)) => {
                groups.iter().flat_map(|group| group.addresses.iter()).filter_map(Address::of).collect()
            }
            _ => Vec::new(),
        };
        // A word alone is a mailbox of the own machine, as in mail from cron; before `<>` it is a name.
        if !value.contains('<') {
            for address in all.iter_mut().filter(|address| address.address.is_none()) {
                address.address = address.name.take_if(|name| is_atom(name));
            }
        }
        all
    }

    /// What follows the last `@`, in lower case.
    pub fn domain(&self) -> Option<String> {
        self.address.as_deref()?.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
    }

    fn of(parsed: &Addr<'_>) -> Option<Address> {
        let text = |text: &str| {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (!text.is_empty()).then_some(text)
        };
        let address =
            Address { name: parsed.name.as_deref().and_then(text), address: parsed.address.as_deref().and_then(text) };
        (address.name.is_some() || address.address.is_some()).then_some(address)
    }
}

/// Whether a text is a word without quotes (RFC 5322 §3.2.3).
fn is_atom(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~".contains(&octet))
}

/// The addresses of a list, without names, with `, ` between them; nothing when there is none.
pub fn joined(addresses: &[Address]) -> Option<String> {
    let list: Vec<&str> = addresses.iter().filter_map(|address| address.address.as_deref()).collect();
    (!list.is_empty()).then(|| list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Vec<String> {
        let show = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        let all = Address::parse_all(value).into_iter();
        all.map(|address| format!("{}|{}", show(address.name), show(address.address))).collect()
    }

    #[test]
    fn names_quotes_comments_and_groups_are_understood() {
        assert_eq!(shown(r#""Q. \"quoted\"" <a@b.example>"#), [r#"Q. "quoted"|a@b.example"#]);
        assert_eq!(shown("c@d.example (A comment)"), ["A comment|c@d.example"]);
        assert_eq!(shown("Team: a@b.example, X <x@y.example>;, z@z.example").len(), 3);
        assert_eq!(shown("undisclosed-recipients:;"), Vec::<String>::new());
    }

    #[test]
    fn a_word_alone_is_an_address_and_several_are_a_name() {
        assert_eq!(shown("root"), ["-|root"]);
        assert_eq!(shown("root (Cron Daemon)"), ["Cron Daemon|root"]);
        assert_eq!(shown("Jane Doe"), ["Jane Doe|-"]);
        assert_eq!(shown("Nobody <>"), ["Nobody|-"]);
    }

    #[test]
    fn a_comma_in_an_encoded_name_separates_nothing() {
        assert_eq!(shown("=?utf-8?Q?Doe=2C_J=C3=B6rg?= <j@x.example>"), ["Doe, Jörg|j@x.example"]);
        assert_eq!(shown("=?utf-8?B?Y2Fmww==?= =?utf-8?B?qQ==?= <c@x.example>"), ["café|c@x.example"]);
    }

    #[test]
    fn a_domain_is_in_lower_case() {
        assert_eq!(Address::parse_all("A@Example.ORG")[0].domain().as_deref(), Some("example.org"));
    }
}
