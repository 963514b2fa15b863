//! What servers hold or describe in another way than the files themselves: the protocol, or the server, forces it.
//!
//! These are apart from the others, each of which has a tame mail of the same kind in the inbox. What they give is in
//! `tests/sql/files/` for the files, and in `tests/sql/server/` for a server.

use super::{ODD_FOLDER, Odd, mail};

pub fn mails() -> Vec<Odd> {
    let odd = |name, why, fields: &str, body: &str| {
        Odd::new(name, why, mail(name, &format!("Subject: {name}\n{fields}"), body)).within(ODD_FOLDER)
    };
    let parts =
        |name, why, body: &str| odd(name, why, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=bb\n", body);
    let named = |name, why, disposition: &str| {
        let body = format!("--bb\n\nsee the file\n--bb\nContent-Disposition: {disposition}\n\nfile\n--bb--");
        parts(name, why, &body)
    };
    vec![
        odd(
            "nul-text",
            "NUL, which no literal of IMAP may hold: servers send something else",
            "X-Nul: a\0b\n",
            "before\0after\0\0",
        ),
        named("nul-name", "NUL in a file name", "attachment; filename=\"nul\0.exe\""),
        odd(
            "encoding-alone",
            "a transfer encoding without MIME-Version and Content-Type: some read it, some read the mail as it is",
            "Content-Transfer-Encoding: quoted-printable\n",
            "caf=E9 =3D caf=C3=A9",
        ),
        named("name-blank", "a blank in a file name without quotes", "attachment; filename=annual report.pdf"),
        named("name-colon", "a colon and a backslash in a file name without quotes", "attachment; filename=C:\\y.txt"),
        named("name-unclosed", "a file name in quotes that do not close", "attachment; filename=\"open.pdf"),
        parts(
            "boundary-goes-on",
            "a line that begins with the boundary and goes on: text, or the boundary (RFC 2046 §5.1.1 allows to say so)",
            "--bb\n\n--bbb\n--bb-not\nstill text\n--bb\n\nsecond part\n--bb--",
        ),
        parts(
            "mail-ends-with-parts",
            "an attached mail that ends with its last boundary: the line end after it is counted, or is not",
            "--bb\n\nsee below\n--bb\nContent-Type: message/rfc822\n\nSubject: inside\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=i\n\n--i\n\ninner words\n--i--\n--bb--",
        ),
        parts(
            "mail-of-header",
            "an attached mail in base64, so that all of it reads as header: the line end after it is counted, or is not",
            "--bb\n\nsee below\n--bb\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n\
             RnJvbTogaW5uZXJAZXhhbXBsZS5uZXQKU3ViamVjdDogaW5zaWRlCgppbm5lciB3b3Jkcwo=\n--bb--",
        ),
        Odd::new(
            "boundary-ignored",
            "words after a boundary, which is one to RFC 2046 §5.1.1",
            "From: ada@example.org\nTo: me@example.com\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nMessage-ID: <boundary-ignored@example.org>\nSubject: boundary-ignored\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"lamp\"\n\n--lamp ignored\n\none\n--lamp-\nContent-Type: text/plain\n\ntwo\n--lamp--ignored\n",
        )
        .within(ODD_FOLDER),
        Odd::new(
            "bom-first",
            "a byte order mark before the header",
            "\u{feff}From: first@example.org\nTo: me@example.com\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nMessage-ID: <bom-first@example.org>\nSubject: bom-first\n\ntext\n",
        )
        .within(ODD_FOLDER),
    ]
}
