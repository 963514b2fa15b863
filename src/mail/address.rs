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
        regular(value).unwrap_or_else(|| Self::parse_any(value))
    }

    /// Reads addresses in any of their forms.
    fn parse_any(value: &str) -> Vec<Address> {
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

/// Reads a list of addresses as nearly all mail writes them: `a@b.example`, `A B <a@b.example>`, `"B, A" <a@b.example>`.
///
/// Nothing that it reads means anything else in [`Address::parse_any`], which is slower.
fn regular(value: &str) -> Option<Vec<Address>> {
    let (first, mut rest) = regular_one(value)?;
    let mut all = vec![first];
    while !rest.is_empty() {
        let (next, after) = regular_one(rest.strip_prefix(", ")?)?;
        all.push(next);
        rest = after;
    }
    Some(all)
}

/// Reads one address, and gives what follows it.
fn regular_one(text: &str) -> Option<(Address, &str)> {
    let (name, rest) = if let Some(inner) = text.strip_prefix('"') {
        let (name, rest) = inner.split_once('"')?;
        (Some(name), rest.strip_prefix(" <")?)
    } else {
        match text.bytes().position(|octet| matches!(octet, b'<' | b',')) {
            Some(at) if text.as_bytes()[at] == b'<' => {
                let name = text[..at].strip_suffix(' ');
                if name.is_none() && at > 0 {
                    return None;
                }
                (name, &text[at + 1..])
            }
            end => {
                let (address, rest) = text.split_at(end.unwrap_or(text.len()));
                return is_regular_address(address)
                    .then(|| (Address { name: None, address: Some(address.to_owned()) }, rest));
            }
        }
    };
    let (address, rest) = rest.split_once('>').filter(|(address, _)| is_regular_address(address))?;
    let name = match name {
        None => None,
        Some(words) if words.starts_with(encoded_word::BEGINNING) => {
            // What is within words means nothing but itself.
            let text = encoded_word::decode_run_only(words)?;
            Some(text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty())
        }
        Some(name) if is_regular_name(name, text.starts_with('"')) => Some(name.to_owned()),
        Some(_) => return None,
    };
    Some((Address { name, address: Some(address.to_owned()) }, rest))
}

/// Whether a name means nothing but itself.
fn is_regular_name(name: &str, is_quoted: bool) -> bool {
    let is_letter = |octet: u8| {
        octet.is_ascii_alphanumeric() || b" -_.'&".contains(&octet) || is_quoted && b",/+!?".contains(&octet)
    };
    !name.is_empty() && name.trim() == name && !name.contains("  ") && name.bytes().all(is_letter)
}

fn is_regular_address(address: &str) -> bool {
    let mut ats = 0;
    let is_letter = |octet: u8| {
        ats += usize::from(octet == b'@');
        octet.is_ascii_alphanumeric() || b".-_+=@".contains(&octet)
    };
    address.bytes().all(is_letter) && ats == 1 && !address.starts_with('@') && !address.ends_with('@')
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
    fn what_is_read_quickly_is_read_as_ever() {
        let pieces = [
            "a",
            "Jane Doe",
            "J. D'Oe-X_y",
            " ",
            ",",
            ", ",
            "<",
            ">",
            " <",
            "\"",
            "\"Doe, J.\"",
            "a@b.example",
            "x+y=z@b",
            "@",
            "<a@b.example>",
            " <c_d@e.example>",
            "(c)",
            ";",
            ":",
            "\\",
            "&",
            "?",
            "=?utf-8?Q?=41=2C_b?=",
            "=?utf-8?B?w6k=?=",
            "=?iso-8859-1?Q?=E9=00?= =?iso-8859-1?q?x?=",
            "=?utf-8?Q??=",
            "=?x?Q?a",
            "?=",
            "=?utf-8?Q?_=20_?=",
            "é",
            ".",
            "  ",
            "/",
        ];
        let mut state = 1_u64;
        let mut number = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut regular_ones = 0;
        for _ in 0..200_000 {
            let value: String = (0..=number(6)).map(|_| pieces[number(pieces.len())]).collect();
            if let Some(quick) = regular(value.trim()) {
                regular_ones += 1;
                assert_eq!(quick, Address::parse_any(value.trim()), "{value:?}");
            }
        }
        assert!(regular_ones > 5_000, "{regular_ones}");
        assert!(regular("=?utf-8?Q?J=C3=B6rg?= <j@x.example>").is_some());
    }

    #[test]
    fn a_domain_is_in_lower_case() {
        assert_eq!(Address::parse_all("A@Example.ORG")[0].domain().as_deref(), Some("example.org"));
    }
}
