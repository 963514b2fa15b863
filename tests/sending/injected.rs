//! Every argument tries to be more than it is: a field of the header, another recipient, a command.

use std::collections::BTreeSet;

use crate::place::{Place, fields, rows};

/// What an argument is followed by; `\r` and `\n` are made by the statement, as people's data would have them.
const MORE: [&str; 10] = [
    "",
    "\r\nBcc: user3@example.com",
    "\nBcc: user3@example.com",
    "\rBcc: user3@example.com",
    "\r\n\r\nanother text",
    "\r\n.\r\nMAIL FROM:<user1@example.com>\r\nRCPT TO:<user3@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n",
    ">\r\nRCPT TO:<user3@example.com",
    "\"; x=\"\r\nX-Injected: yes",
    "\0\u{85}\u{2028}Bcc: user3@example.com",
    "=?utf-8?q?=0D=0ABcc:_user3@example.com?=",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_argument_is_more_than_it_is() {
    let place = Place::new();
    let engine = place.engine().await;
    let (mut sent, mut refused) = (0, BTreeSet::new());
    for (argument, value) in [
        ("to", "Bob <user2@example.com>"),
        ("to", "user2@example.com"),
        ("to", "Bob {} <user2@example.com>"),
        ("to", "\"Bob {}\" <user2@example.com>"),
        ("cc", "user2@example.com"),
        ("bcc", "user2@example.com"),
        ("from_name", "Me"),
        ("from_address", "user1@example.com"),
        ("from_address", "Me {} <user1@example.com>"),
        ("reply_to", "user1@example.com"),
        ("reply_to", "\"Me {}\" <user1@example.com>"),
        ("subject", "a subject"),
        ("in_reply_to", "<a@x.example>"),
        ("in_reply_to", "<a{}@x.example>"),
        ("reference_ids", "<a@x.example> <b@x.example>"),
        ("name", "report.pdf"),
        ("attach_as", "rows.csv"),
        ("attach_as", "ro{}ws.csv"),
        ("key", "a key"),
        ("priority", "high"),
        ("on_rejected", "continue"),
        ("body", "a text"),
        ("html", "<p>a text</p>"),
    ] {
        for more in MORE {
            let value = if value.contains("{}") { value.replace("{}", more) } else { format!("{value}{more}") };
            let mut arguments = format!("{argument} => '{}'", value.replace('\'', "''"));
            if argument != "to" {
                arguments += ", to => 'user2@example.com'";
            }
            if argument == "name" {
                arguments += ", content => 'x'";
            }
            if argument == "attach_as" {
                arguments += ", attach_query => (SELECT 1 AS one)";
            }
            let sql = format!("SELECT recipient, status FROM SendEmail({arguments})");
            match rows(&engine, &sql).await {
                Err(_) => drop(refused.insert(argument)),
                Ok(rows) => {
                    for row in &rows {
                        assert_eq!(row[0], "user2@example.com", "{argument} {more:?} names another: {rows:?}");
                        sent += usize::from(row[1] == "sent");
                    }
                    assert_eq!(rows.len(), 1, "{argument} {more:?}: {rows:?}");
                }
            }
        }
    }
    println!("{sent} were sent; of these, some were refused: {refused:?}");
    let mails = place.inbox(&place.people[1]);
    assert_eq!(mails.len(), sent, "who was named got what was sent");
    assert!(sent > 30, "much of it is harmless: {sent}");
    for (nobody, name) in [(2, "carol"), (3, "dave"), (0, "me")] {
        assert!(place.inbox(&place.people[nobody]).is_empty(), "{name} got mail that was for bob alone");
    }
    for mail in &mails {
        let names: Vec<String> = fields(mail).into_iter().map(|(name, _)| name.to_lowercase()).collect();
        let unknown: Vec<&String> = names.iter().filter(|name| !KNOWN.contains(&name.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?} in {mail}");
        for once in ["from", "to", "cc", "subject", "message-id", "date", "content-type", "in-reply-to", "reply-to"] {
            assert!(names.iter().filter(|name| *name == once).count() <= 1, "{once} is there twice: {mail}");
        }
        let parts = mail.lines().filter(|line| line.starts_with("X-Injected") || line.starts_with("Bcc")).count();
        let in_text = mail.contains("a text");
        assert!(parts == 0 || in_text, "a part has a field that nobody gave: {mail}");
    }
}

/// Fields that a delivered mail may have: ours, and those of the servers on its way.
const KNOWN: [&str; 17] = [
    "return-path",
    "delivered-to",
    "received",
    "from",
    "to",
    "cc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "x-priority",
    "importance",
];
