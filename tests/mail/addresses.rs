//! Odd addresses and names.

use super::Odd;

pub fn mails() -> Vec<Odd> {
    let from = |name: &'static str, why, fields: &str| {
        let raw = format!(
            "{fields}Date: Wed, 8 Jan 2025 08:00:00 +0000\nMessage-ID: <{name}@example.org>\nSubject: addresses\n\ntext\n"
        );
        Odd::new(name, why, raw)
    };
    let many: Vec<_> = (1..=200).map(|number| format!("Person {number} <person{number}@example.org>")).collect();
    vec![
        from("no-from", "no From", "To: me@example.com\n"),
        from("empty-from", "an empty From", "From:\nTo: me@example.com\n"),
        from(
            "several-from",
            "two authors and a Sender",
            "From: Ada <ada@example.org>, Bo <bo@example.net>\nSender: secretary@example.org\nTo: me@example.com\n",
        ),
        from(
            "two-from-fields",
            "two From fields",
            "From: first@example.org\nFrom: second@example.org\nTo: me@example.com\n",
        ),
        from(
            "group",
            "a group with members, and an empty one",
            "From: ada@example.org\nTo: Friends: bo@example.net, Carla <carla@example.org>;, undisclosed-recipients:;\n",
        ),
        from(
            "comments",
            "comments wherever they are allowed",
            "From: Ada (the (inner) one) <ada@(really)example.org> (yes)\nTo: me@example.com (Me)\n",
        ),
        from(
            "name-in-comment",
            "a name that is only a comment",
            "From: ada@example.org (Ada Quist)\nTo: me@example.com\n",
        ),
        from(
            "quoted-local-part",
            "a quoted local part with a space and an at",
            "From: \"ada at@home\"@example.org\nTo: me@example.com\n",
        ),
        from(
            "quotes-in-name",
            "quotes, a backslash and a comma in a name",
            "From: \"Quist, \\\"Ada\\\" \\\\ Q.\" <ada@example.org>\nTo: \"O'Neil; Grace\" <grace@example.org>\n",
        ),
        from(
            "word-in-quotes",
            "an encoded word inside of quotes",
            "From: \"=?utf-8?Q?J=C3=BCrgen?=\" <j@example.org>\nTo: =?utf-8?Q?Gro=C3=9F=2C_J=C3=BCrgen?= <gross@example.org>\n",
        ),
        from(
            "address-as-name",
            "a name that is somebody else's address",
            "From: \"boss@example.com\" <stranger@example.net>\nTo: me@example.com\n",
        ),
        from("no-domain", "addresses without a domain", "From: root\nTo: Local User <user>\n"),
        from("empty-angle", "an empty address", "From: Nobody <>\nTo: <>\n"),
        from(
            "idn",
            "an international domain, as it is and encoded",
            "From: Zoë <zoë@bücher.example>\nTo: me@xn--bcher-kva.example\n",
        ),
        from("upper-case", "upper case in an address", "From: ADA@EXAMPLE.ORG\nTo: Me <ME@Example.Com>\n"),
        from(
            "separators",
            "semicolons, spare commas and no commas",
            "From: ada@example.org\nTo: a@example.org; b@example.org,, c@example.org,\n d@example.org e@example.org\n",
        ),
        from(
            "many-recipients",
            "200 recipients, folded",
            &format!("From: ada@example.org\nTo: {}\n", many.join(",\n ")),
        ),
        from(
            "all-roles",
            "every field that holds addresses, Cc twice",
            "From: ada@example.org\nSender: s@example.org\nReply-To: Replies <r@example.org>\nTo: t@example.org\nCc: c1@example.org\nCc: c2@example.org\nBcc: b@example.org\n",
        ),
        from("mailto", "a mailto where an address should be", "From: <mailto:ada@example.org>\nTo: me@example.com\n"),
        from(
            "unclosed",
            "a quote and a bracket that never close",
            "From: \"Ada <ada@example.org\nTo: me@example.com\n",
        ),
    ]
}
