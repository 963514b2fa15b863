//! What is sent arrives: whole, with a copy for the sender, by each way in, and not when it is too large.

use std::fs;

use crate::place::{Place, Wants, rows};
use crate::server::postfix;

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives_with_its_file_and_the_sender_has_a_copy() {
    let place = Place::new();
    let engine = place.engine().await;
    let content: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(at) >> 3) as u8).collect();
    let file = place.home.path("report.pdf");
    fs::write(&file, &content).unwrap();
    let sql = format!(
        "SELECT recipient, status, smtp_code, response, sent_at IS NOT NULL FROM SendEmail(
           to => '{}', subject => 'Grüße 🎉', body => 'Wie versprochen: schöne Grüße.', attachments => '{}')",
        place.people[1].name,
        file.display()
    );
    let answer = rows(&engine, &sql).await.unwrap();
    assert_eq!(answer.len(), 1, "{answer:?}");
    let [recipient, status, code, response, at] = &answer[0][..] else { panic!("{answer:?}") };
    assert_eq!([recipient, status, code, at], ["user2@example.com", "sent", "250", "true"]);
    assert!(response.contains("2.0.0 Ok: queued as "), "{response}");
    place.postfix.delivered();
    let seen = "SELECT m.subject, m.from_address, m.to_addresses, b.body_text, m.attachment_count, m.seen
                FROM bob.MessagesInFolder m JOIN bob.MessageBody b ON b.folder = m.folder AND b.uid = m.uid WHERE m.folder = 'INBOX'";
    assert_eq!(
        rows(&engine, seen).await.unwrap(),
        [["Grüße 🎉", "user1@example.com", "user2@example.com", "Wie versprochen: schöne Grüße.\n", "1", "false"]]
    );
    let attached = "SELECT name, media_type, size, encode(content, 'hex') FROM bob.AttachmentContent";
    let hex: String = content.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(rows(&engine, attached).await.unwrap(), [["report.pdf", "application/pdf", "100000", hex.as_str()]]);
    // The copy is the same mail, and read.
    let copies = "SELECT s.folder, s.seen, s.subject, s.message_id = i.message_id FROM me.MessagesInFolder s
                  CROSS JOIN bob.MessagesInFolder i WHERE i.folder = 'INBOX'";
    assert_eq!(rows(&engine, copies).await.unwrap(), [["Sent", "true", "Grüße 🎉", "true"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_folder_for_copies_the_answer_says_so() {
    for (has_sent, account) in [(false, ""), (true, "sent_copy = false")] {
        let place = Place::with(&Wants { has_sent, account, ..Wants::default() });
        let engine = place.engine().await;
        let sql = "SELECT status, response FROM SendEmail('user2@example.com', 'one')";
        let answer = rows(&engine, sql).await.unwrap();
        assert_eq!(answer[0][0], "sent");
        let is_said = answer[0][1].contains("no copy was kept: there is no folder for sent mail");
        assert_eq!(is_said, !has_sent, "what nobody wants nobody misses: {answer:?}");
        assert_eq!(rows(&engine, "SELECT * FROM me.MessagesInFolder").await.unwrap().len(), 0);
        assert_eq!(place.inbox(&place.people[1]).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_handed_in_with_tls_from_the_first_byte_on_or_after_starttls() {
    for (tls, logged) in [("implicit", "smtpd"), ("starttls", "starttls=1")] {
        let place = Place::with(&Wants { tls, ..Wants::default() });
        let engine = place.engine().await;
        let sql = "SELECT status FROM SendEmail((SELECT 'user2@example.com' AS to, 'mail ' || value AS subject
                   FROM generate_series(1, 3)))";
        assert_eq!(rows(&engine, sql).await.unwrap(), [["sent"], ["sent"], ["sent"]]);
        let mails = place.inbox(&place.people[1]);
        assert_eq!(mails.len(), 3);
        assert!(mails.iter().all(|mail| mail.contains("with ESMTPSA")), "{tls}: {}", mails[0]);
        let log = place.postfix.log();
        assert!(log.contains(logged), "{log}");
        // The first one is the test's own, which saw that it listens.
        assert_eq!(log.matches(": connect from ").count(), 2, "one connection for all three: {log}");
        assert!(log.contains(" quit=1 "), "it says goodbye: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_too_large_is_not_uploaded() {
    let options = postfix::Options { message_size_limit: 20_000, ..postfix::Options::default() };
    let place = Place::with(&Wants { postfix: options, ..Wants::default() });
    let engine = place.engine().await;
    let sql = "SELECT status, smtp_code, response FROM SendEmail((
                 SELECT 'user2@example.com' AS to, repeat('long line of text ' || chr(10), CAST(2000 * (value % 2) AS INT)) AS body
                 FROM generate_series(1, 2) ORDER BY value))";
    let answer = rows(&engine, sql).await.unwrap();
    assert_eq!((answer[0][0].as_str(), answer[0][1].as_str()), ("not_sent", "NULL"), "{answer:?}");
    let size: u64 = answer[0][2].split(' ').find_map(|word| word.parse().ok()).unwrap();
    assert!(size > 2_000 * 18 && answer[0][2].contains("takes 20000 at most; nothing was uploaded"), "{answer:?}");
    assert_eq!(answer[1][0], "sent", "the next one is another matter: {answer:?}");
    assert_eq!(place.inbox(&place.people[1]).len(), 1);
    let log = place.postfix.log();
    assert!(log.contains(" mail=1 rcpt=1 data=1 "), "it was not even asked: {log}");
}
