//! Odd and hostile names of attachments.

use super::{Odd, mail};

pub fn mails() -> Vec<Odd> {
    let named = |name: &'static str, why, fields: &[&str]| {
        let mut body = String::from("--b\n\nsee the files\n");
        for (position, fields) in fields.iter().enumerate() {
            body.extend(["--b\n", fields, "\n\nfile ", &position.to_string(), "\n"]);
        }
        body += "--b--";
        let header = "Subject: names\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n";
        Odd::new(name, why, mail(name, header, &body))
    };
    vec![
        named(
            "nameless",
            "attachments without names",
            &[
                "Content-Type: application/pdf",
                "Content-Disposition: attachment",
                "Content-Type: x-unknown/x-thing\nContent-Disposition: attachment; filename=",
            ],
        ),
        named(
            "same-names",
            "three attachments of one name, in two cases",
            &[
                "Content-Disposition: attachment; filename=a.txt",
                "Content-Disposition: attachment; filename=a.txt",
                "Content-Disposition: attachment; filename=A.TXT",
            ],
        ),
        named(
            "names-differ",
            "a name in the type and another in the disposition",
            &["Content-Type: text/plain; name=type.txt\nContent-Disposition: attachment; filename=disposition.txt"],
        ),
        named(
            "name-climbs",
            "names that want out of the directory",
            &[
                "Content-Disposition: attachment; filename=\"../../etc/passwd\"",
                "Content-Disposition: attachment; filename=\"/etc/shadow\"",
                "Content-Disposition: attachment; filename=\"..\"",
                "Content-Disposition: attachment; filename=\"a/b/c.txt\"",
            ],
        ),
        named(
            "name-windows",
            "names that Windows reads in its own way",
            &[
                "Content-Disposition: attachment; filename=\"C:\\\\x\"",
                "Content-Disposition: attachment; filename=\"C:\\y.txt\"",
                "Content-Disposition: attachment; filename=CON",
                "Content-Disposition: attachment; filename=\"nul.txt\"",
                "Content-Disposition: attachment; filename=\"file.txt:stream\"",
                "Content-Disposition: attachment; filename=\"dots. . .\"",
            ],
        ),
        named(
            "name-control",
            "control characters, line ends and escapes in names",
            &[
                "Content-Disposition: attachment; filename=\"nul\x01.exe\"",
                "Content-Disposition: attachment; filename=\"=?utf-8?Q?line=0Aend.txt?=\"",
                "Content-Disposition: attachment; filename=\"esc\x1b[2J.txt\"",
            ],
        ),
        named(
            "name-hidden",
            "names that hide what they are",
            &[
                "Content-Disposition: attachment; filename*=utf-8''txt.%E2%80%AEfdp.exe",
                "Content-Disposition: attachment; filename=.bashrc",
                "Content-Disposition: attachment; filename=\"-rf\"",
            ],
        ),
        named(
            "name-encoded-word",
            "encoded words where RFC 2231 should be",
            &[
                "Content-Disposition: attachment; filename=\"=?utf-8?B?UsOkY2huZW4ucGRm?=\"",
                "Content-Type: text/plain; name==?iso-8859-1?Q?K=F6ln.txt?=",
                "Content-Disposition: attachment; filename=\"=?utf-8?Q?two_?= =?utf-8?Q?words.txt?=\"",
            ],
        ),
        named(
            "name-2231",
            "RFC 2231: a language, and another character set",
            &[
                "Content-Disposition: attachment; filename*=utf-8'de'R%C3%A4tsel.txt",
                "Content-Disposition: attachment; filename*=iso-8859-1''K%F6ln.txt",
                "Content-Disposition: attachment; filename*=utf-8''bad%ZZ%4.txt",
            ],
        ),
        named(
            "name-continued",
            "a name in pieces, the first and last of them encoded",
            &[
                "Content-Disposition: attachment;\n filename*0*=utf-8''%E6%97%A5;\n filename*1=\"-plain-\";\n filename*2*=%E6%9C%AC.txt",
            ],
        ),
        named(
            "name-disordered",
            "pieces of a name out of order, and one missing",
            &[
                "Content-Disposition: attachment; filename*1=second; filename*0=first-",
                "Content-Disposition: attachment; filename*0=one-; filename*2=three",
            ],
        ),
        named(
            "name-both",
            "a plain name for old programs beside the encoded one",
            &["Content-Disposition: attachment; filename=\"Koeln.txt\"; filename*=utf-8''K%C3%B6ln.txt"],
        ),
        named(
            "name-folded",
            "a name on the line after its equals sign",
            &[
                "Content-Disposition: attachment;\n filename=\n \"x.pdf\"",
                "Content-Type: application/pdf;\n name=\n  y.pdf",
            ],
        )
        .crlf(),
        named(
            "name-bare-spaces",
            "spaces within quotes, and quotes that are none",
            &[
                "Content-Disposition: attachment; filename=\"annual report.pdf\"",
                "Content-Disposition: attachment; filename=\"open.pdf\"",
                "Content-Disposition: attachment; filename='single.pdf'",
            ],
        ),
        named(
            "name-long",
            "a name of 1,000 letters",
            &[&format!("Content-Disposition: attachment; filename=\"{}.txt\"", "n".repeat(996))],
        ),
        named(
            "disposition-odd",
            "dispositions that nobody knows",
            &[
                "Content-Disposition: form-data; name=field; filename=form.txt",
                "Content-Disposition: ATTACHMENT; FILENAME=LOUD.TXT",
                "Content-Disposition: ; filename=empty.txt",
            ],
        ),
    ]
}
