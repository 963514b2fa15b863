//! Mails as people and programs write them, wrongly: addresses, dates, identifiers, words, character sets, parts.

use super::Odd;

/// The folder that they lie in.
pub const FOLDER: &str = "As written";

pub fn mails() -> Vec<Odd> {
    let all = [addresses(), dates(), identifiers(), words(), sets(), boundaries(), texts(), attached()];
    all.into_iter().flatten().map(|odd| odd.within(FOLDER)).collect()
}

/// A mail with a header of these fields; Date, From and Message-ID are added where they are missing.
fn mail(name: &'static str, why: &'static str, fields: &str, body: impl AsRef<[u8]>) -> Odd {
    let has = |field: &str| fields.starts_with(field) || fields.contains(&format!("\n{field}"));
    let mut raw = String::new();
    for (field, value) in [
        ("From:", "ada@example.org".to_owned()),
        ("Date:", "Mon, 5 Jan 2026 10:00:00 +0000".to_owned()),
        ("Message-ID:", format!("<{name}@example.org>")),
        ("Subject:", name.to_owned()),
    ] {
        if !has(field) {
            raw.push_str(&format!("{field} {value}\n"));
        }
    }
    let mut raw = format!("{raw}{fields}\n").into_bytes();
    raw.extend(body.as_ref());
    if !raw.ends_with(b"\n") {
        raw.push(b'\n');
    }
    Odd::new(name, why, raw)
}

fn addresses() -> Vec<Odd> {
    let from = |name, why, from: &str| mail(name, why, &format!("From: {from}\nTo: me@example.com\n"), "text");
    let to = |name, why, to: &str| mail(name, why, &format!("To: {to}\n"), "text");
    vec![
        from("comma-in-name", "a comma in a name without quotes", "Smith, John <john@example.org>"),
        from("company", "a company's name", "iZotope, Inc. <news@example.org>"),
        from("semicolon-in-name", "a semicolon in a name", "Sales; Support <s@example.org>"),
        from("comma-before", "a comma before the brackets", "John, <j@example.org>"),
        from("colon-in-name", "a colon in a name", "HowlRound: A Center <w@example.org>"),
        from("quoted-within", "a quoted word between others", "John \"Johnny\" Doe <j@example.org>"),
        from("quoted-last", "a quoted word at the end", "John Doe \"Jr.\" <j@example.org>"),
        from(
            "word-and-quoted",
            "an encoded word and a quoted one",
            "=?utf-8?Q?J=C3=B6rg?= \"Joe\" Doe <j@example.org>",
        ),
        from("quoted-local", "a quoted local part without brackets", "\"System Administrator\"@example.org"),
        from("route", "a route", "<@a.example,@b.example:john@example.org>"),
        from("blanks-in-address", "blanks around dots", "john . doe @ example . org"),
        from("comment-in-address", "a comment within", "john(comment)@example.org"),
        from("via-list", "two addresses", "John Doe <john@example.org> via list <list@example.net>"),
        from("brackets-twice", "brackets twice", "John <<john@example.org>>"),
        from("bracket-open", "a bracket that is not closed", "<First Last <first@example.org"),
        from("mailto", "a link", "John Doe [mailto:john@example.org]"),
        from("no-brackets", "a name without brackets after it", "John Doe john@example.org"),
        from("list-in-brackets", "a list in one pair of brackets", "All <v0@x.example,v1@x.example,v2@x.example>"),
        from("two-ats", "two signs", "john@example@example.org"),
        from("list-then-author", "no address, and then one", "<a@x.example,b@x.example>, Jo <jo@example.org>"),
        to("undisclosed", "a group without members and a comment", "undisclosed-recipients:; (none)"),
        to("unlisted", "another", "unlisted-recipients:; (no To-header on input)"),
        to("no-comma", "two mailboxes without a comma", "A <a@example.org> B <b@example.org>"),
        to("group-colon", "a group without its end", "Team: a@example.org, b@example.org"),
        to("outlook-list", "semicolons between addresses", "a@example.org; Bo <b@example.org>; c@example.org"),
    ]
}

fn dates() -> Vec<Odd> {
    [
        ("date-es", "jue, 30 ene 2007 13:55:12 +0100"),
        ("date-es-april", "lun, 30 abr 2007 13:55:12 +0100"),
        ("date-pt", "Seg, 03 set 2007 10:00:00 -0300"),
        ("date-it", "lun, 02 lug 2007 10:00:00 +0200"),
        ("date-fr", "lun., 05 f=C3=A9vr. 2007 10:00:00 +0100"),
        ("date-de", "Do, 9. Mai 2024 10:00:00 +0200"),
        ("date-unknown-month", "pon, 05 lis 2007 10:00:00 +0100"),
        ("date-dots", "Sun, 19 May 2024 15.59.09 +0200"),
        ("date-pm", "Sun, 19 May 2024 3:59:09 PM +0200"),
        ("date-gmt-plus", "Mon, 05 Jan 2026 10:00:00 GMT+0100"),
        ("date-utc-2", "Mon, 05 Jan 2026 10:00:00 UTC+2"),
        ("date-gmt-minus", "Mon, 05 Jan 2026 10:00:00 GMT-5"),
        ("date-zone-3", "Thu, 9 Apr 2026 06:39:52 +200"),
        ("date-zone-colon", "Thu, 9 Apr 2026 06:39:52 +2:00"),
        ("date-zone-hour", "Thu, 9 Apr 2026 06:39:52 +5"),
        ("date-cest", "Thu, 9 Apr 2026 06:39:52 CEST"),
        ("date-ist", "Thu, 9 Apr 2026 06:39:52 IST"),
        ("date-year-first", "Thu, 2026 Apr 9 06:39:52 +0000"),
        ("date-month-year", "Apr/2026 06:39:52 +0000"),
        ("date-year-26", "Thu, 9 Apr 0026 06:39:52 +0000"),
        ("date-numbers", "01/02/2025 10:00:00 +0000"),
        ("date-only", "Thu, 9 Apr 2026"),
    ]
    .into_iter()
    .map(|(name, date)| {
        let date = date.replace("=C3=A9", "é");
        mail(name, "a date in another form", &format!("Date: {date}\n"), "text")
    })
    .collect()
}

fn identifiers() -> Vec<Odd> {
    vec![
        mail(
            "answer-encoded",
            "In-Reply-To as an encoded word",
            "In-Reply-To: =?utf-8?q?=3Cparent=40example=2Eorg=3E?=\n",
            "text",
        ),
        mail(
            "references-encoded",
            "References as encoded words",
            "References: =?utf-8?q?=3Cfirst=40example=2Eorg=3E?=\n =?utf-8?q?_=3Csecond=40example=2Eorg=3E?=\n",
            "text",
        ),
        mail("answer-prose", "In-Reply-To in prose", "In-Reply-To: Message from ann@example.org of Monday\n", "text"),
        mail("id-number", "a Message-ID without brackets", "Message-ID: 1234567890\n", "text"),
    ]
}

fn words() -> Vec<Odd> {
    let subject = |name, why, subject: &str| mail(name, why, &format!("Subject: {subject}\n"), "text");
    vec![
        subject(
            "words-2022-jp",
            "two words that shift",
            "=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=\n =?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=",
        ),
        subject("words-2022-kr", "iso-2022-kr", "=?iso-2022-kr?B?GyQpQw4+SDNnDw==?="),
        subject("words-mark", "a byte order mark in a word", "=?utf-8?B?77u/aGk=?="),
        subject("words-utf-16", "utf-16 by its mark", "=?utf-16?B?/v8AaABpACAA6Q==?="),
        subject("words-cp932", "a name of Windows", "=?CP932?B?k/qWew==?="),
    ]
}

fn sets() -> Vec<Odd> {
    let text = |name, charset: &str, body: &[u8]| {
        let fields = format!(
            "MIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n"
        );
        mail(name, "a character set", &fields, body)
    };
    vec![
        text("set-2022-kr", "iso-2022-kr", b"\x1b$)C\x0e>H3g\x0f, \x0e>H3g\x0f"),
        text("set-hz", "hz-gb-2312", b"This is ~{VPND~} ~~ text"),
        text("set-2022-jp-twice", "iso-2022-jp", b"\x1b$B%F%9%H\x1b(B\x1b$B%F%9%H\x1b(B"),
        text("set-uhc", "UHC", b"\xbe\xc8\xb3\xe7"),
        text("set-ms949", "x-windows-949", b"\xbe\xc8\xb3\xe7"),
        text("set-cp950", "cp950", b"\xa4\xa4\xa4\xe5"),
        text("set-eucjp-ms", "eucJP-ms", b"\xc6\xfc\xcb\xdc"),
        text("set-win-1251", "win-1251", b"\xef\xf0\xe8\xe2\xe5\xf2"),
        text("set-cp852", "cp852", b"P\xfd\xa1li\xe7"),
        text("set-cp437", "cp437", b"caf\x82"),
        text("set-mac-ce", "x-mac-ce", b"\x8eluty"),
        text("set-escape", "\"_iso-2022-jp$ESC\"", b"\x1b$B%F%9%H\x1b(B"),
        text("set-unknown", "x-nobody-knows", b"caf\xe9"),
        text("set-utf-8-mark", "utf-8", "\u{feff}hi é".as_bytes()),
        mail(
            "set-meta",
            "a set that the HTML names",
            "MIME-Version: 1.0\nContent-Type: text/html\nContent-Transfer-Encoding: 8bit\n",
            b"<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=windows-1251\"></head><body>\xef\xf0\xe8\xe2\xe5\xf2</body></html>",
        ),
    ]
}

fn multipart(name: &'static str, why: &'static str, kind: &str, body: impl AsRef<[u8]>) -> Odd {
    mail(name, why, &format!("MIME-Version: 1.0\nContent-Type: multipart/{kind}\n"), body)
}

fn boundaries() -> Vec<Odd> {
    vec![
        multipart(
            "boundary-blank",
            "a blank at the end of a boundary",
            "mixed; boundary=\"lamp \"",
            "--lamp\n\none\n--lamp--\n",
        ),
        multipart(
            "boundary-longer",
            "a boundary that begins as the one around it",
            "mixed; boundary=\"lamp\"",
            "--lamp\nContent-Type: multipart/alternative; boundary=\"lamp-2\"\n\n--lamp-2\n\none\n--lamp-2\nContent-Type: text/html\n\n<p>one</p>\n--lamp-2--\n--lamp\n\ntwo\n--lamp--\n",
        ),
    ]
}

fn texts() -> Vec<Odd> {
    let alternative = |name, why, text: &str, html: &str| {
        let body = format!("--b\nContent-Type: text/plain\n\n{text}\n--b\nContent-Type: text/html\n\n{html}\n--b--\n");
        multipart(name, why, "alternative; boundary=b", body)
    };
    let style = format!(
        "<html><head><style>{}</style></head><body><p>after the style</p></body></html>",
        ".a { b: c }\n".repeat(600)
    );
    vec![
        alternative("text-empty", "an empty text beside HTML", "", "<p>only in HTML</p>"),
        alternative("text-blank", "a text of blanks beside HTML", " \n\n", "<p>only in HTML</p>"),
        alternative("text-there", "a text beside HTML", "in text", "<p>in HTML</p>"),
        multipart(
            "text-short-first",
            "a short text before a longer one",
            "mixed; boundary=b",
            format!("--b\n\nshort\n--b\n\n{}\n--b--\n", "longer ".repeat(60)),
        ),
        mail(
            "html-style-first",
            "a long style before the text",
            "MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n",
            style,
        ),
        mail(
            "text-only-blanks",
            "a text of nothing but blanks",
            "MIME-Version: 1.0\nContent-Type: text/plain\n",
            " \n \n",
        ),
        multipart(
            "related-start",
            "the root of a related multipart is its second part",
            "related; boundary=b; start=\"<root@x>\"; type=\"text/html\"",
            "--b\nContent-Type: image/png\nContent-ID: <pic@x>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b\nContent-Type: text/html\nContent-ID: <root@x>\n\n<p>the root</p>\n--b--\n",
        ),
    ]
}

fn attached() -> Vec<Odd> {
    let with = |name, why, kind: &str, header: &str| {
        let body = format!(
            "--b\nContent-Type: text/plain\n\nsee below\n--b\n{header}\nContent-Transfer-Encoding: base64\n\nZmlsZQ==\n--b--\n"
        );
        multipart(name, why, &format!("{kind}; boundary=b"), body)
    };
    let raw_name = |name, why, charset: &str, file: &[u8]| {
        let mut body = format!("--b\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 7bit\n\nx\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"").into_bytes();
        body.extend(file);
        body.extend(b"\"\nContent-Transfer-Encoding: base64\n\nZmlsZQ==\n--b--\n");
        multipart(name, why, "mixed; boundary=b", body)
    };
    let pdf =
        "Content-Type: application/pdf; name=\"Invoice.pdf\"\nContent-Disposition: inline; filename=\"Invoice.pdf\"";
    let image = "Content-Type: image/png; name=\"pic.png\"\nContent-Disposition: inline; filename=\"pic.png\"\nContent-ID: <pic@x>";
    vec![
        with("inline-pdf", "an inline PDF", "mixed", pdf),
        with(
            "inline-zip",
            "an inline archive",
            "mixed",
            &pdf.replace("application/pdf", "application/zip").replace(".pdf", ".zip"),
        ),
        with("inline-image", "an inline image with a Content-ID", "mixed", image),
        with("related-image", "the same, which HTML may refer to", "related", image),
        with("related-pdf", "a PDF in a related multipart", "related", &format!("{pdf}\nContent-ID: <pdf@x>")),
        with(
            "signed",
            "a signature",
            "signed; protocol=\"application/pgp-signature\"",
            "Content-Type: application/pgp-signature; name=\"signature.asc\"\nContent-Disposition: attachment; filename=\"signature.asc\"",
        ),
        mail(
            "pdf-alone",
            "nothing but an inline PDF",
            &format!("MIME-Version: 1.0\n{pdf}\nContent-Transfer-Encoding: base64\n"),
            "ZmlsZQ==",
        ),
        raw_name("name-gbk", "a file name in GBK", "gbk", b"\xb7\xa2\xc6\xb12026.pdf"),
        raw_name("name-sjis", "a file name with a backslash in a letter", "shift_jis", b"\x95\x5c.pdf"),
        raw_name("name-latin1", "a file name that nothing explains", "us-ascii", b"caf\xe9.pdf"),
    ]
}
