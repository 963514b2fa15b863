//! Mails that mean harm: to terminals, to readers, to parsers. All of them are harmless when shown safely.

use super::{Odd, mail};

pub fn mails() -> Vec<Odd> {
    let subject = |name, why, subject: &str| Odd::new(name, why, mail(name, &format!("Subject: {subject}\n"), "text"));
    vec![
        subject("escape", "terminal escapes in a Subject as they are", "\x1b[31mred\x1b[0m \x1b]0;title\x07 bell"),
        subject("escape-encoded", "terminal escapes in an encoded word", "=?utf-8?Q?=1B[2Jgone=1B[0m=07?="),
        subject("c1-control", "a C1 control, which some terminals obey", "=?utf-8?Q?a=C2=9B31mb?="),
        subject("bidi", "letters that turn the direction of text", "=?utf-8?B?YeKArmRlc3JldmVy4oCsIGI=?="),
        subject("zero-width", "letters of no width, and combining ones", "=?utf-8?B?aW7igIt2b2ljZSBlzIE=?="),
        subject("wide", "wide letters and emoji of several code points", "=?utf-8?B?5pel5pys6KqeIPCfkanigI3wn5Sn?="),
        subject("tab", "tabs and vertical tabs", "a\tb\x0bc\x0cd"),
        subject("formula", "a formula for whoever opens the CSV", "=HYPERLINK(\"https://example.org\",\"invoice\")"),
        subject("csv-quotes", "quotes, commas and a pipe", "a \"quoted\", thing | here"),
        Odd::new(
            "many-headers",
            "a thousand header fields",
            mail("many-headers", &format!("Subject: heavy\n{}", "X-Filler: more\n".repeat(1_000)), "text"),
        ),
        Odd::new(
            "long-header-line",
            "a header line of 10,000 octets without a space",
            mail("long-header-line", &format!("Subject: wide\nX-Wide: {}\n", "w".repeat(10_000)), "text"),
        ),
        Odd::new(
            "header-names",
            "header names with odd letters, and an empty one",
            mail("header-names", "Subject: names\nX-(odd)[name]: 1\n: no name\nX-Ümlaut: 2\nX-Empty:\n", "text"),
        ),
        Odd::new(
            "many-parts",
            "300 empty parts",
            mail(
                "many-parts",
                "Subject: parts\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
                &("--b\n\n\n".repeat(300) + "--b--"),
            ),
        ),
        Odd::new(
            "many-parameters",
            "500 parameters",
            mail(
                "many-parameters",
                &format!("Subject: parameters\nContent-Type: text/plain{}\n", "; p=1".repeat(500)),
                "text",
            ),
        ),
        Odd::new(
            "open-comments",
            "5,000 brackets that open",
            mail("open-comments", &format!("Subject: brackets\nReply-To: {}\n", "(".repeat(5_000)), "text"),
        ),
        Odd::new(
            "html-deep",
            "HTML of 3,000 open tags",
            mail("html-deep", "Subject: tags\nContent-Type: text/html\n", &("<div>".repeat(3_000) + "bottom")),
        ),
        Odd::new(
            "html-broken",
            "HTML that ends inside of a tag",
            mail(
                "html-broken",
                "Subject: tags\nContent-Type: text/html; charset=utf-8\n",
                "<p>before &#x1F600; &bogus; &#99999999; <!-- never closed <p>hidden</p> <a href=\"",
            ),
        ),
    ]
}
