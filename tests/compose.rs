//! Mails that are composed mean the same to a second parser: Python's, field by field.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use chrono::{TimeZone, Utc};
use mailql::mail::draft::{Draft, Enclosure, Priority};
use mailql::mail::mailbox::Mailbox;
use mailql::smtp::compose;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[test]
fn what_is_composed_is_understood_by_another_parser() {
    let directory = tempfile::tempdir().unwrap();
    let drafts = drafts();
    assert!(drafts.len() >= 20);
    let mut python = Command::new("python3");
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose.py"));
    for (number, draft) in drafts.iter().enumerate() {
        let path = directory.path().join(format!("{number:03}.eml"));
        std::fs::write(&path, compose(draft).unwrap()).unwrap();
        python.arg(path);
    }
    let output = python.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<Value> = output
        .stdout
        .split(|octet| *octet == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(answers.len(), drafts.len());
    for (number, (draft, understood)) in drafts.iter().zip(&answers).enumerate() {
        let mut expected = expected(draft);
        // Made of the HTML, and looked at below.
        if draft.text.is_none() && draft.html.is_some() {
            expected["text"] = understood["text"].clone();
        }
        for (field, expected) in expected.as_object().unwrap() {
            assert_eq!(&understood[field], expected, "{field} of draft {number}: {draft:?}");
        }
    }
    let only_html = drafts.iter().position(|draft| draft.text.is_none() && draft.html.is_some()).unwrap();
    let text = answers[only_html]["text"].as_str().unwrap();
    assert_eq!(text, "Grüße & mehr\r\n\r\nItem\tPrice\r\nLamp\t10.00\r\none\r\ntwo\r\n");
}

/// What should be understood of a draft.
fn expected(draft: &Draft) -> Value {
    let mut to = json!([]);
    let mailboxes = |all: &[Mailbox]| -> Value {
        all.iter()
            .map(|one| json!([one.name.clone().unwrap_or_default().replace(' ', ""), ascii(&one.address)]))
            .collect()
    };
    if !draft.to.is_empty() {
        to = mailboxes(&draft.to);
    }
    let content = |text: &Option<String>| text.as_ref().map(|text| lines(text));
    let mut text = content(&draft.text);
    if draft.text.is_none() && draft.html.is_none() && draft.attachments.is_empty() {
        text = Some(String::new());
    }
    json!({
        "defects": [],
        "from": mailboxes(std::slice::from_ref(&draft.from)),
        "to": to,
        "cc": mailboxes(&draft.cc),
        "reply_to": mailboxes(&draft.reply_to),
        "subject": draft.subject,
        "date": draft.date.timestamp() as f64,
        "message_id": format!("<{}>", draft.message_id),
        "in_reply_to": draft.in_reply_to.as_ref().map(|id| format!("<{id}>")),
        "references": draft.references.iter().map(|id| format!("<{id}>")).collect::<Vec<_>>(),
        "priority": match draft.priority {
            Priority::High => json!(["1 (Highest)", "high"]),
            Priority::Normal => json!([]),
            Priority::Low => json!(["5 (Lowest)", "low"]),
        },
        "text": text,
        "html": content(&draft.html),
        "attachments": draft.attachments.iter().map(attachment).collect::<Vec<_>>(),
    })
}

fn attachment(enclosure: &Enclosure) -> Value {
    let media_type = match enclosure.name.rsplit('.').next().unwrap() {
        "pdf" => "application/pdf",
        "csv" => "text/csv",
        "png" => "image/png",
        "eml" if enclosure.content.is_ascii() => "message/rfc822",
        _ => "application/octet-stream",
    };
    let hash: String = Sha256::digest(&enclosure.content).iter().map(|octet| format!("{octet:02x}")).collect();
    json!({
        "name": enclosure.name, "type": media_type, "disposition": "attachment", "size": enclosure.content.len(), "sha256": hash,
    })
}

fn ascii(address: &str) -> String {
    address.replace("münchen", "xn--mnchen-3ya")
}

/// Every line with its end, of whatever kind it was.
fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    if text.is_empty() || text.ends_with('\n') { text } else { format!("{text}\r\n") }
}

fn drafts() -> Vec<Draft> {
    let of = |text: &str| Draft { text: Some(text.to_owned()), ..draft() };
    let subject = |subject: &str| Draft { subject: subject.to_owned(), ..draft() };
    let attached = |all: Vec<(&str, Vec<u8>)>| Draft {
        attachments: all
            .into_iter()
            .map(|(name, content)| Enclosure { name: name.to_owned(), content: content.into() })
            .collect(),
        ..draft()
    };
    let long_name = format!("{}.pdf", "ein langer Name 資料 🎉 ".repeat(12).trim_end());
    let plain_name = format!("{}.pdf", "a long \"name\" with \\ and ; in it, ".repeat(7).replace('\\', "+").trim_end());
    vec![
        draft(),
        of("Grüße aus Köln 🎉\n\nIhr Team\n"),
        of(""),
        Draft { text: None, ..draft() },
        of(".\n..\n...\n.hidden\n.\n"),
        of("one\rtwo\r\nthree\n\rfour\r"),
        of(&format!("{}\nshort\n{}", "x".repeat(2000), "ü".repeat(2000))),
        of("trailing spaces   \n\ttabs\t\n   \nend "),
        of("From here on\nFrom me@x.example Sat Nov 21\n>From\n"),
        of("a NUL \0, a bell \u{7}, an escape \u{1b}[2J and a form feed \u{c}."),
        of("=20 =\n= soft=\n--\n--boundary--\nContent-Type: text/html\n\n<b>"),
        of("שלום עולם\nمرحبا\n\u{202e}reversed\u{202c}\n"),
        subject("Grüße 🎉"),
        subject(""),
        subject(" two  blanks   and some at the end  "),
        subject(&"a very long subject of many words, ".repeat(20)),
        subject(&"x".repeat(1500)),
        subject(&"資料の件について🎉".repeat(40)),
        subject("=?utf-8?B?bm90IGFuIGVuY29kZWQgd29yZA==?= is what it says"),
        subject("a\ttab, \"quotes\", (a comment) <and> [brackets]: what? =?"),
        Draft {
            from: mailbox("山田, \"太郎\" <x>", "me@münchen.example"),
            to: vec![
                mailbox("Doe, Jane", "jane@x.example"),
                mailbox("O'Brien \\ \"Bob\"", "bob@x.example"),
                mailbox("", "plain@münchen.example"),
                mailbox("a@b.example", "c@x.example"),
                mailbox("=?utf-8?Q?x?=", "d@x.example"),
                mailbox("Grüße 🎉 aus einem sehr langen Namen, der nicht auf eine Zeile passt", "e@x.example"),
            ],
            cc: (0..60).map(|number| mailbox("", &format!("copy{number}@x.example"))).collect(),
            bcc: vec![mailbox("Secret", "secret@x.example")],
            reply_to: vec![mailbox("Die Büros", "office@x.example"), mailbox("", "other@x.example")],
            ..draft()
        },
        Draft { to: Vec::new(), bcc: vec![mailbox("", "secret@x.example")], ..draft() },
        Draft {
            in_reply_to: Some("CAF+=abc$%/x@mail.example.org".to_owned()),
            references: (0..50).map(|number| format!("{number}.{}@mail.example.org", "ref".repeat(20))).collect(),
            priority: Priority::High,
            ..draft()
        },
        Draft {
            text: None,
            html: Some(
                "<html><head><style>p { color: red }</style></head><body><p>Grüße &amp; mehr</p><table><tr><td>Item</td>\
                 <td>Price</td></tr><tr><td>Lamp</td><td>10.00</td></tr></table><ul><li>one</li><li>two</li></ul></body>\
                 </html>\n"
                    .to_owned(),
            ),
            priority: Priority::Low,
            ..draft()
        },
        Draft { html: Some(format!("<p>{}</p>", "ü<br>".repeat(1000))), ..draft() },
        Draft {
            html: Some("<p>b</p>".to_owned()),
            ..attached(vec![("report.pdf", (0..=255).cycle().take(100_000).collect()), ("empty.bin", Vec::new())])
        },
        attached(vec![
            (&long_name, b"%PDF".to_vec()),
            (&plain_name, b"%PDF".to_vec()),
            ("шаблон, \"neu\".csv", "a;ü\r\n1;2\n".as_bytes().to_vec()),
        ]),
        attached(vec![
            ("dots.csv", b".\r\n..\n.\r".to_vec()),
            ("latin1.csv", b"caf\xe9\n".to_vec()),
            ("image.png", b"\x89PNG\r\n\x1a\n\0".to_vec()),
        ]),
        attached(vec![
            ("plain.eml", b"Subject: inner\r\nFrom: a@x.example\r\n\r\n.hello\r\n--x\r\n".to_vec()),
            ("eight.eml", "Subject: inner\r\n\r\ngrüße\r\n".as_bytes().to_vec()),
        ]),
        Draft { text: None, ..attached(vec![("only.pdf", b"%PDF".to_vec())]) },
    ]
}

fn draft() -> Draft {
    Draft {
        message_id: "0b0c9d3e-4c1a@x.example".to_owned(),
        date: Utc.with_ymd_and_hms(2026, 3, 9, 4, 5, 6).unwrap(),
        from: mailbox("Me", "me@x.example"),
        to: vec![mailbox("", "bob@y.example")],
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        subject: "Hello".to_owned(),
        text: Some("hello\n".to_owned()),
        html: None,
        attachments: Vec::new(),
        in_reply_to: None,
        references: Vec::new(),
        priority: Priority::Normal,
    }
}

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address: address.to_owned() }
}

#[test]
fn nobody_finds_out_who_is_in_bcc() {
    for draft in drafts() {
        let mail = compose(&draft).unwrap();
        assert!(!String::from_utf8_lossy(&mail).to_lowercase().contains("secret"));
        assert!(mail.is_ascii());
    }
    // An address that is not in ASCII cannot be written otherwise (RFC 6532).
    let mail = compose(&Draft { to: vec![mailbox("", "jörg@x.example")], ..draft() }).unwrap();
    assert!(mail.windows(8).any(|octets| octets == "To: jör".as_bytes()), "{mail:?}");
    let _: Bytes = mail;
}
