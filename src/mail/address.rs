//! Addresses in header fields (RFC 5322 §3.4): names, mailboxes, groups.
//!
//! Groups are taken apart: their members count, their names do not.

mod list;
mod token;

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
        Self::read(value).0
    }

    /// Reads all addresses of an unfolded field value, and says what is wrong with it.
    pub fn read(value: &str) -> (Vec<Address>, Option<Fault>) {
        regular(value).map_or_else(|| list::read(value), |addresses| (addresses, None))
    }

    /// What follows the last `@`, in lower case.
    pub fn domain(&self) -> Option<String> {
        self.address.as_deref()?.rsplit_once('@').map(|(_, domain)| domain.to_lowercase())
    }
}

/// What is wrong with a field of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is not written as RFC 5322 says; what it means shows.
    Repaired,
    /// It has something that is no address.
    Unreadable,
}

/// Reads a list of addresses as nearly all mail writes them: `a@b.example`, `A B <a@b.example>`, `"B, A" <a@b.example>`.
///
/// Nothing that it reads means anything else in [`list::read`], which is slower.
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
                assert_eq!((quick, None), list::read(value.trim()), "{value:?}");
            }
        }
        assert!(regular_ones > 5_000, "{regular_ones}");
        assert!(regular("=?utf-8?Q?J=C3=B6rg?= <j@x.example>").is_some());
    }

    #[test]
    fn what_the_standard_allows_is_read_whole() {
        for (value, wanted) in [
            (r#"John "Johnny" Doe <j@example.org>"#, "John Johnny Doe|j@example.org"),
            (r#"John Doe "Jr." <j@example.org>"#, "John Doe Jr.|j@example.org"),
            (r#""John" "Doe" <j@example.org>"#, "John Doe|j@example.org"),
            (r#"=?utf-8?Q?J=C3=B6rg?= "Joe" Doe <j@example.org>"#, "Jörg Joe Doe|j@example.org"),
            (r#""System Administrator"@example.org"#, r#"-|"System Administrator"@example.org"#),
            (r#"a@example.org, "john..doe"@example.org"#, r#"-|a@example.org -|"john..doe"@example.org"#),
            (r#"<"a, b"@example.org>"#, r#"-|"a, b"@example.org"#),
            ("<@a.example,@b.example:john@example.org>", "-|john@example.org"),
            ("Jo <@a.example:j@[IPv6:::1]>, k@[192.0.2.1]", "Jo|j@[IPv6:::1] -|k@[192.0.2.1]"),
            ("john . doe @ example . org", "-|john.doe@example.org"),
            ("john(comment)@example.org", "-|john@example.org"),
            ("john(comment)@(there)example.org (John)", "John|john@example.org"),
            ("John <john @ example.org>", "John|john@example.org"),
            ("Joe Q. Public <j@example.org> (x (y) z)", "Joe Q. Public|j@example.org"),
            ("<j@example.org> (Joe \\) Public)", "Joe ) Public|j@example.org"),
            ("a@b.example,,\tc@d.example ,", "-|a@b.example -|c@d.example"),
            ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|pete@silly.test"),
            (
                "A Group(Some people): Chris Jones <c@x.example>, joe@y.example, John <jd@z.example>; (the end)",
                "Chris Jones|c@x.example -|joe@y.example John|jd@z.example",
            ),
            ("undisclosed-recipients:; (none)", ""),
            ("unlisted-recipients:; (no To-header on input)", ""),
            ("(Empty list)(start)Undisclosed recipients :(nobody(that I know)) ;", ""),
            ("", ""),
            ("(nobody)", ""),
            ("\u{7528}\u{6237}@\u{4f8b}.example", "-|\u{7528}\u{6237}@\u{4f8b}.example"),
        ] {
            assert_eq!((shown(value).join(" "), Address::read(value).1), (wanted.to_owned(), None), "{value}");
        }
    }

    #[test]
    fn what_people_write_instead_is_read_and_told() {
        for (value, wanted) in [
            ("Smith, John <j@x.example>", "Smith, John|j@x.example"),
            ("iZotope, Inc. <news@x.example>", "iZotope, Inc.|news@x.example"),
            ("Joe Foo, PhD, MD <j@x.example>, k@y.example", "Joe Foo, PhD, MD|j@x.example -|k@y.example"),
            ("John, <j@x.example>", "John|j@x.example"),
            ("Sales; Support <s@x.example>", "Sales; Support|s@x.example"),
            ("\"Smith\", =?utf-8?Q?J=C3=B6rg?= <j@x.example>", "Smith, Jörg|j@x.example"),
            ("HowlRound: A Center <w@x.example>", "HowlRound: A Center|w@x.example"),
            ("Meeting at 10:30 <m@x.example>", "Meeting at 10:30|m@x.example"),
            ("Team: a@x.example", "-|a@x.example"),
            ("John Doe <j@x.example> via list <l@y.example>", "John Doe|j@x.example via list|l@y.example"),
            ("A <a@x.example> B <b@x.example>", "A|a@x.example B|b@x.example"),
            ("a@x.example b@y.example", "-|a@x.example -|b@y.example"),
            ("John <<j@x.example>>", "John|j@x.example"),
            ("<First Last <first@x.example", "First Last|first@x.example"),
            ("John <j@x.example, Mary <m@y.example>", "John|j@x.example Mary|m@y.example"),
            ("j@x.example>", "-|j@x.example"),
            ("John Doe [mailto:j@x.example]", "John Doe|j@x.example"),
            ("John <mailto:j@x.example>", "John|j@x.example"),
            ("John Doe j@x.example", "John Doe|j@x.example"),
            ("'j@x.example', k@x.example (Kay) (x)", "-|j@x.example Kay|k@x.example"),
            ("\"John Doe <j@x.example>", "John Doe|j@x.example"),
            ("j@x.example (John", "-|j@x.example"),
            ("boss@y.example <j@x.example>", "boss@y.example|j@x.example"),
            ("<=?utf-8?Q?j=40x.example?=>", "-|j@x.example"),
        ] {
            let told = Some(Fault::Repaired);
            assert_eq!((shown(value).join(" "), Address::read(value).1), (wanted.to_owned(), told), "{value}");
        }
    }

    #[test]
    fn what_is_no_address_is_none_and_told() {
        for (value, wanted) in [
            ("<v0@x.example,v1@x.example,v2@x.example>", ""),
            ("All <v0@x.example,v1@x.example>", "All|-"),
            ("<v0@x.example;v1@x.example>", ""),
            ("a@b@c.example", ""),
            ("A <a@b@c.example>, d@e.example", "A|- -|d@e.example"),
            ("A <john doe@x.example>", "A|-"),
            ("A <@x.example>", "A|-"),
            ("@x.example", ""),
            ("a@", ""),
            ("A <a@>", "A|-"),
            ("Jane Doe", "Jane Doe|-"),
            ("Nobody <>", "Nobody|-"),
            ("<>", ""),
            ("a@x.example, Jane Doe", "-|a@x.example Jane Doe|-"),
        ] {
            let told = Some(Fault::Unreadable);
            assert_eq!((shown(value).join(" "), Address::read(value).1), (wanted.to_owned(), told), "{value}");
        }
    }

    #[test]
    fn hostile_fields_cost_no_more_than_others() {
        for piece in
            ["<", "(", "\"", "\"(", ":", ";:", "=?", "=?u?Q?", "a,", "<a", "@", "a@b ", "[", "@[", "\\", ".", "(\""]
        {
            let value = piece.repeat(1_000_000 / piece.len());
            let _ = Address::read(&value);
        }
    }

    #[test]
    fn a_domain_is_in_lower_case() {
        assert_eq!(Address::parse_all("A@Example.ORG")[0].domain().as_deref(), Some("example.org"));
    }
}
