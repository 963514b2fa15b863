//! What a draft is made of cannot become anything else; what a second parser understands is in `tests/compose.rs`.

use bytes::Bytes;
use chrono::{TimeZone, Utc};

use super::*;
use crate::mail::draft::Priority;
use crate::mail::mailbox::Mailbox;

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address: address.to_owned() }
}

fn draft() -> Draft {
    Draft {
        message_id: "1@x.example".to_owned(),
        date: Utc.with_ymd_and_hms(2026, 11, 21, 14, 0, 0).unwrap(),
        from: mailbox("Me", "me@x.example"),
        to: vec![mailbox("", "bob@y.example")],
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        subject: "Hello".to_owned(),
        text: Some("hello".to_owned()),
        html: None,
        attachments: Vec::new(),
        in_reply_to: None,
        references: Vec::new(),
        priority: Priority::Normal,
    }
}

fn composed(draft: &Draft) -> String {
    String::from_utf8(compose(draft).unwrap().to_vec()).unwrap()
}

/// The names of the fields of a header.
fn fields(mail: &str) -> Vec<&str> {
    let header = mail.split("\r\n\r\n").next().unwrap();
    header.split("\r\n").filter(|line| !line.starts_with(' ')).map(|line| line.split(':').next().unwrap()).collect()
}

#[test]
fn a_simple_mail_is_simple() {
    assert_eq!(
        composed(&draft()),
        "Date: Sat, 21 Nov 2026 14:00:00 +0000\r\nFrom: Me <me@x.example>\r\nTo: bob@y.example\r\nSubject: Hello\r\n\
         Message-ID: <1@x.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\nhello\r\n"
    );
}

#[test]
fn who_is_in_bcc_is_nowhere_in_the_mail() {
    let mut draft = Draft { to: Vec::new(), bcc: vec![mailbox("Secret", "secret@y.example")], ..draft() };
    let mail = composed(&draft);
    assert!(!mail.to_ascii_lowercase().contains("secret") && !mail.contains("Bcc"), "{mail}");
    assert!(mail.contains("\r\nTo: undisclosed-recipients:;\r\n"));
    draft.cc.push(mailbox("", "carl@y.example"));
    assert!(!composed(&draft).contains("undisclosed"));
}

#[test]
fn no_field_gets_in_through_another() {
    let ends = [
        "\r\nBcc: x@y.example",
        "\nBcc: x@y.example",
        "\rBcc: x@y.example",
        "\r\n\r\n.\r\n",
        "\u{2028}Bcc: x@y.example",
        "\u{85}Bcc: x@y.example",
    ];
    for end in ends {
        let name = format!("A{end}");
        let address = format!("a@x.example{end}");
        let id = format!("1@x.example{end}");
        for wrong in [
            Draft { subject: name.clone(), ..draft() },
            Draft { from: mailbox(&name, "a@x.example"), ..draft() },
            Draft { from: mailbox("A", &address), ..draft() },
            Draft { to: vec![mailbox(&name, "a@x.example")], ..draft() },
            Draft { cc: vec![mailbox("", &address)], ..draft() },
            Draft { reply_to: vec![mailbox(&name, "a@x.example")], ..draft() },
            Draft { message_id: id.clone(), ..draft() },
            Draft { in_reply_to: Some(id.clone()), ..draft() },
            Draft { references: vec!["0@x.example".to_owned(), id], ..draft() },
        ] {
            let error = compose(&wrong).unwrap_err();
            assert!(
                error.way_out().is_some() && !error.to_string().contains(['\r', '\n', '\u{2028}', '\u{85}']),
                "{wrong:?}: {error}"
            );
        }
        let enclosure = Enclosure { name: format!("a{end}.txt"), content: Bytes::from_static(b"x") };
        let mail = composed(&Draft { attachments: vec![enclosure], ..draft() });
        assert!(!fields(&mail).contains(&"Bcc") && !mail.contains("\nBcc") && !mail.contains("\rBcc"), "{mail}");
    }
    // What else is odd there is encoded.
    for odd in ["\0", "\u{1b}[2J", "\t", "=?utf-8?B?QQ==?=", "\u{202e}"] {
        let mail = composed(&Draft { subject: format!("a{odd}b"), ..draft() });
        assert!(
            mail.contains("\r\nSubject: =?utf-8?B?YU")
                || mail.contains("\r\nSubject: =?utf-8?B?YQ")
                || mail.contains("\r\nSubject: =?utf-8?B?YR")
                || mail.contains("\r\nSubject: =?utf-8?B?Y"),
            "{odd:?}: {mail}"
        );
        assert!(mail.is_ascii() && !mail.contains(odd.trim_matches('\t')) || odd == "\t", "{odd:?}: {mail}");
    }
}

#[test]
fn an_id_is_an_id() {
    for id in ["a@x", "a.b+c=d/e$f@mail.x.example", "A1..b.@[192.0.2.1]", "x@[IPv6:2001:db8::1]"] {
        assert!(
            composed(&Draft { in_reply_to: Some(id.to_owned()), ..draft() })
                .contains(&format!("\r\nIn-Reply-To: <{id}>\r\n"))
        );
    }
    for id in [
        "",
        "a",
        "@x",
        "a@",
        "<a@x>",
        "a b@x",
        "a@x y",
        "a@x>, <b@x",
        "a\"b@x",
        "a@b@",
        "ä@x",
        "a@[",
        "a@[x]y]",
        "a@[<b>]",
        &format!("{}@x", "a".repeat(500)),
    ] {
        let error = compose(&Draft { references: vec![id.to_owned()], ..draft() }).unwrap_err();
        assert!(error.to_string().contains("is no id of a message"), "{id}: {error}");
    }
}

#[test]
fn lines_are_as_long_as_they_may_be() {
    let many = (0..300).map(|number| {
        mailbox(
            if number % 2 == 0 { "山田, \"太郎\" 🎉 und noch viel mehr als das" } else { "" },
            &format!("r{number}@y.example"),
        )
    });
    let draft = Draft {
        to: many.collect(),
        subject: "x".repeat(5000),
        references: (0..200).map(|number| format!("{number}.{}@x.example", "y".repeat(60))).collect(),
        text: Some(format!("{}\n{}", "z".repeat(5000), "🎉".repeat(5000))),
        ..draft()
    };
    let mail = composed(&draft);
    assert!(mail.split("\r\n").all(|line| line.len() <= 100), "{:?}", mail.split("\r\n").max_by_key(|line| line.len()));
    let name = mailbox("", &format!("{}@y.example", "a".repeat(64)));
    assert!(compose(&Draft { from: name, ..draft }).is_ok());
}

#[test]
fn a_file_name_is_only_a_name() {
    for (name, kept) in [
        ("/etc/passwd", "passwd"),
        ("..\\..\\a.exe", "a.exe"),
        ("a/../b.txt", "b.txt"),
        ("..", "attachment"),
        ("", "attachment"),
        ("a/", "attachment"),
        ("\u{202e}fdp.exe", "fdp.exe"),
        ("a\r\nb\0c\u{2028}.txt", "abc.txt"),
        (" ü 🎉.txt ", "ü 🎉.txt"),
    ] {
        assert_eq!(file_name(name), kept, "{name:?}");
    }
    let long = format!("{}.pdf", "ü".repeat(300));
    assert!(file_name(&long).chars().count() == LONGEST_NAME && file_name(&long).ends_with("ü.pdf"));
}

#[test]
fn a_message_within_a_message_is_not_encoded() {
    let attached = |name: &str, content: &'static [u8]| {
        let enclosure = Enclosure { name: name.to_owned(), content: Bytes::from_static(content) };
        composed(&Draft { attachments: vec![enclosure], ..draft() })
    };
    for plain in [&b"Subject: x\r\n\r\n.hello\r\n"[..], b"Subject: x\r\n\r\nhello", b"A: b"] {
        let mail = attached("a.eml", plain);
        let text = std::str::from_utf8(plain).unwrap();
        assert!(
            mail.contains("Content-Type: message/rfc822\r\n") && mail.contains(&format!("7bit\r\n\r\n{text}\r\n--")),
            "{mail}"
        );
    }
    for odd in [&b"Subject: x\n\nhello"[..], b"Subject: \xe9\r\n", b"a\0\r\n", b"a\r"] {
        let mail = attached("a.eml", odd);
        assert!(
            mail.contains("Content-Type: application/octet-stream\r\n") && !mail.contains("message/rfc822"),
            "{mail}"
        );
    }
    assert!(attached("a.csv", "ü".as_bytes()).contains("Content-Type: text/csv; charset=utf-8\r\n"));
    assert!(attached("a.csv", b"\xe9").contains("Content-Type: text/csv\r\n"));
}

#[test]
fn what_is_attached_grows_by_its_encoding_alone() {
    // Not measured here, but what is given is exactly as long as it must be.
    let enclosure = Enclosure { name: "a.bin".to_owned(), content: vec![7; 3 << 20].into() };
    let mail = compose(&Draft { attachments: vec![enclosure], ..draft() }).unwrap();
    let lines = (3_usize << 20).div_ceil(OCTETS_OF_A_LINE);
    assert!(mail.len() < (4 << 20) + 2 * lines + 2000 && mail.ends_with(b"--\r\n"));
}
