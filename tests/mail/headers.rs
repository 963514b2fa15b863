//! Odd header fields: subjects, encoded words, ids.

use super::{Odd, mail};

pub fn mails() -> Vec<Odd> {
    let subject = |name, why, subject: &str| Odd::new(name, why, mail(name, &format!("Subject: {subject}\n"), "text"));
    let mut mails = vec![
        Odd::new("no-subject", "no Subject", mail("no-subject", "", "What is this about?")),
        Odd::new("empty-subject", "an empty Subject", mail("empty-subject", "Subject:\n", "Nothing to say.")),
        Odd::new("blank-subject", "a Subject of spaces", mail("blank-subject", "Subject:    \n", "Spaces.")),
        Odd::new(
            "two-subjects",
            "two Subjects that differ",
            mail("two-subjects", "Subject: the first\nSubject: the second\n", "Which?"),
        ),
        subject("folded-subject", "folded over three lines, with a tab", "an invoice\n that goes\n\ton and on"),
        subject(
            "words-adjacent",
            "adjacent encoded words: the space between them is not there",
            "=?utf-8?Q?Gr=C3=BC?= =?utf-8?Q?=C3=9Fe?=",
        ),
        subject(
            "words-and-text",
            "encoded words between plain ones: these spaces are there",
            "from =?iso-8859-1?Q?K=F6ln?= with love",
        ),
        subject(
            "word-split-letter",
            "a letter of several octets split over two words",
            "=?utf-8?B?44G?= =?utf-8?B?CC?=",
        ),
        subject(
            "word-split-octets",
            "a letter split over two words at an octet",
            "=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9_open?=",
        ),
        subject(
            "word-unknown-charset",
            "an encoded word in a character set that nobody has",
            "=?x-klingon-9?Q?nuqneH?=",
        ),
        subject("word-bad-base64", "base64 that is none", "=?utf-8?B?!!not*base64!!?= end"),
        subject("word-underscores", "Q with underscores, which are spaces", "=?us-ascii?q?lower_case_q_is_fine?="),
        subject("word-lower-b", "a lower-case b, and no padding", "=?UTF-8?b?aGVsbG8gd29ybGQ?="),
        subject(
            "word-language",
            "a language tag after RFC 2231",
            "=?utf-8*en?Q?colour?= =?us-ascii*en-GB?B?IGFuZCBncmV5?=",
        ),
        subject("word-unclosed", "an encoded word that never ends", "=?utf-8?Q?never_ends"),
        subject("word-with-spaces", "spaces inside of an encoded word", "=?utf-8?Q?some spaces inside?="),
        subject("word-glued", "an encoded word glued to text", "glued=?utf-8?Q?=E2=82=AC?=on both sides"),
        subject(
            "word-newline",
            "an encoded word that hides a line end",
            "=?utf-8?Q?first=0D=0ABcc:_victim@example.org?=",
        ),
        subject("word-japanese", "iso-2022-jp in B", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?="),
        subject("word-koi8", "koi8-r in Q", "=?koi8-r?Q?=F0=D2=C9=D7=C5=D4?="),
        subject("word-shift-jis", "shift_jis in B", "=?Shift_JIS?B?k/qWew==?="),
        subject("word-gb", "gb18030 in B", "=?GB18030?B?xOO6ww==?="),
        subject("sql", "looks like SQL", "' OR 1=1 --"),
        subject("wildcards", "letters that LIKE knows", "100% of a_b\\c"),
        subject("imap", "looks like IMAP", "\"} A1 LOGOUT {3+}"),
        Odd::new(
            "raw-utf8",
            "UTF-8 in the header as it is (RFC 6532)",
            mail("raw-utf8", "Subject: Zoë fährt nach 東京\n", "text"),
        ),
        Odd::new(
            "no-message-id",
            "no Message-ID",
            "From: ada@example.org\nSubject: anonymous\nDate: Mon, 6 Jan 2025 10:00:00 +0000\n\ntext\n",
        ),
        Odd::new(
            "two-message-ids",
            "two Message-IDs",
            mail("two-message-ids", "Message-ID: <another@example.org>\nSubject: twice\n", "text"),
        ),
        Odd::new(
            "spaced-message-id",
            "spaces in and around the Message-ID",
            "From: ada@example.org\nMessage-ID:   < spaced out@example.org >  \nSubject: wide\nDate: Mon, 6 Jan 2025 10:00:00 +0000\n\ntext\n",
        ),
        Odd::new(
            "bare-message-id",
            "a Message-ID without angle brackets, in odd case",
            "from: ada@example.org\nMESSAGE-id: bare@example.org\nSUBJECT: shouted\ndate: Mon, 6 Jan 2025 10:00:00 +0000\n\ntext\n",
        ),
        Odd::new(
            "space-before-colon",
            "a space between name and colon",
            mail("space-before-colon", "Subject : a space too many\n", "text"),
        ),
        Odd::new(
            "no-colon",
            "a line of the header without a colon",
            mail("no-colon", "Subject: before\nthis line has none\nX-After: still read\n", "text"),
        ),
    ];
    let latin = mail("raw-latin1", "Subject: Caf@ in M@nchen\n", "text");
    let latin = latin.into_bytes();
    let at = latin.windows(4).position(|octets| octets == b"Caf@").unwrap();
    let mut raw = latin;
    raw[at + 3] = 0xe9;
    let at = raw.windows(3).position(|octets| octets == b"M@n").unwrap();
    raw[at + 1] = 0xfc;
    mails.push(Odd::new("raw-latin1", "Latin-1 in the header as it is", raw));
    mails.push(Odd::new(
        "long-subject",
        "a Subject of 5,000 letters in one line",
        mail("long-subject", &format!("Subject: {}\n", "long ".repeat(1_000).trim_end()), "text"),
    ));
    let references: Vec<_> = (0..120).map(|number| format!("<ancestor-{number}@example.org>")).collect();
    mails.push(Odd::new(
        "long-references",
        "References of 120 ids, folded, and a comment among them",
        mail(
            "long-references",
            &format!("Subject: Re: deep\nReferences: (old)\n {}\n", references.join("\n ")),
            "text",
        ),
    ));
    mails
}
