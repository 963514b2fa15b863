//! Mails in mails, parts in parts, and how deep that goes.

use super::{Odd, mail};

pub fn mails() -> Vec<Odd> {
    let typed = |name, why, kind: &str, body: &str| {
        Odd::new(name, why, mail(name, &format!("Subject: nested\nMIME-Version: 1.0\nContent-Type: {kind}\n"), body))
    };
    let inner = "From: Inner <inner@example.net>\nTo: ada@example.org\nSubject: inside\nDate: Sun, 5 Jan 2025 10:00:00 +0000\nMessage-ID: <inside@example.net>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\ninner words\n--i\nContent-Type: application/pdf; name=inner.pdf\nContent-Disposition: attachment; filename=inner.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQ=\n--i--";
    vec![
        typed(
            "attached-mail",
            "a plain mail attached",
            "multipart/mixed; boundary=b",
            "--b\n\nsee below\n--b\nContent-Type: message/rfc822\n\nFrom: inner@example.net\nSubject: inside\n\ninner words\n--b--",
        ),
        typed(
            "attached-mail-parts",
            "an attached mail with a name, and with an attachment of its own",
            "multipart/mixed; boundary=b",
            &format!(
                "--b\n\nsee below\n--b\nContent-Type: message/rfc822; name=\"old mail.eml\"\nContent-Disposition: attachment; filename=\"old mail.eml\"\n\n{inner}\n\n--b--"
            ),
        ),
        typed(
            "attached-mail-base64",
            "an attached mail in base64, which is not allowed",
            "multipart/mixed; boundary=b",
            "--b\n\nsee below\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n\nRnJvbTogaW5uZXJAZXhhbXBsZS5uZXQKU3ViamVjdDogaW5zaWRlCgppbm5lciB3b3Jkcwo=\n--b--",
        ),
        typed(
            "only-attached-mail",
            "the mail is another mail",
            "message/rfc822",
            "From: inner@example.net\nSubject: inside\n\ninner words",
        ),
        typed(
            "attached-mail-empty",
            "an attached mail of which nothing came",
            "multipart/mixed; boundary=b",
            "--b\nContent-Type: message/rfc822\n\n--b--",
        ),
        typed(
            "report",
            "a report that a mail was not delivered",
            "multipart/report; report-type=delivery-status; boundary=b",
            "--b\n\nIt did not arrive.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; nobody@example.org\nAction: failed\nStatus: 5.1.1\n--b\nContent-Type: text/rfc822-headers\n\nSubject: lost\nMessage-ID: <lost@example.org>\n--b--",
        ),
        typed(
            "disposition-notification",
            "a receipt that a mail was read",
            "multipart/report; report-type=disposition-notification; boundary=b",
            "--b\n\nIt was read.\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ada@example.org\nDisposition: manual-action/MDN-sent-manually; displayed\n--b--",
        ),
        nested("nested-5", "multiparts five deep", 5),
        nested("nested-60", "multiparts 60 deep", 60),
        typed(
            "same-boundary",
            "an inner multipart with the boundary of the outer one",
            "multipart/mixed; boundary=same",
            "--same\nContent-Type: multipart/alternative; boundary=same\n\n--same\n\ntext\n--same--\n--same--",
        ),
        typed(
            "inner-unclosed",
            "an inner multipart that the outer boundary ends",
            "multipart/mixed; boundary=outer",
            "--outer\nContent-Type: multipart/alternative; boundary=inner\n\n--inner\n\ninner text\n--outer\nContent-Type: text/plain; name=last.txt\nContent-Disposition: attachment\n\nlast\n--outer--",
        ),
        typed(
            "boundary-grows",
            "an inner boundary that begins with the outer one",
            "multipart/mixed; boundary=b",
            "--b\nContent-Type: multipart/alternative; boundary=bb\n\n--bb\n\nplain\n--bb\nContent-Type: text/html\n\n<p>rich</p>\n--bb--\n--b--",
        ),
        attached_in_attached(),
    ]
}

fn nested(name: &'static str, why: &'static str, levels: usize) -> Odd {
    let mut body = String::from("Content-Type: text/plain\n\nthe core\n");
    for level in (1..levels).rev() {
        body =
            format!("Content-Type: multipart/mixed; boundary=level{level}\n\n--level{level}\n{body}--level{level}--\n");
    }
    let header = "Subject: nested\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=top\n";
    Odd::new(name, why, mail(name, header, &format!("--top\n{body}--top--")))
}

/// Twenty mails, each attached to the next.
fn attached_in_attached() -> Odd {
    let mut body = String::from("From: core@example.net\nSubject: the core\n\ncore words");
    for level in 0..20 {
        body =
            format!("From: level{level}@example.net\nSubject: level {level}\nContent-Type: message/rfc822\n\n{body}");
    }
    let header = "Subject: nested\nMIME-Version: 1.0\nContent-Type: message/rfc822\n";
    Odd::new("attached-20", "mails in mails, 20 deep", mail("attached-20", header, &body))
}
