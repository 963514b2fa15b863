//! Odd bodies: character sets, line ends, lines that look like something else.

use super::{Odd, mail};

pub fn mails() -> Vec<Odd> {
    let typed = |name, why, kind: &str, body: &str| {
        Odd::new(name, why, mail(name, &format!("Subject: text\nMIME-Version: 1.0\nContent-Type: {kind}\n"), body))
    };
    // Text around octets that no Rust string can hold.
    let octets = |name: &'static str, why, kind: &str, body: &[u8]| {
        let mut raw = mail(name, &format!("Subject: octets\n{kind}"), "").into_bytes();
        raw.pop();
        raw.extend_from_slice(body);
        raw.push(b'\n');
        Odd::new(name, why, raw)
    };
    vec![
        Odd::new(
            "empty-body",
            "an empty body",
            "From: ada@example.org\nDate: Fri, 10 Jan 2025 07:01:00 +0000\nMessage-ID: <empty-body@example.org>\nSubject: empty\n\n",
        ),
        Odd::new("no-header", "only a body", "\nThere is no header here at all.\nSubject: this is text\n"),
        Odd::new("prose", "text where the header should be", "Dear all\nthis was never a mail\n\nregards\n"),
        Odd::new(
            "cr-only",
            "lines that end with CR alone",
            "From: ada@example.org\rDate: Fri, 10 Jan 2025 07:02:00 +0000\rMessage-ID: <cr-only@example.org>\rSubject: old computer\r\rone\rtwo\r\n\r\n",
        ),
        Odd::new(
            "mixed-ends",
            "LF in the header, CRLF in the body, and lone CRs",
            "From: ada@example.org\nDate: Fri, 10 Jan 2025 07:03:00 +0000\nMessage-ID: <mixed-ends@example.org>\nSubject: mixed\n\none\r\ntwo\rstill two\r\n\r\nend\n",
        ),
        octets("nul", "octets next to NUL in header and body", "X-Nul: a\x01b\n", b"before\x01after\x01\x01"),
        octets("undeclared-8bit", "octets beyond ASCII without a character set", "", b"caf\xc3\xa9 and caf\xe9"),
        octets(
            "latin1",
            "iso-8859-1, 8bit",
            "Content-Type: text/plain; charset=ISO-8859-1\nContent-Transfer-Encoding: 8bit\n",
            b"Gr\xfc\xdfe",
        ),
        octets(
            "windows-as-latin1",
            "windows-1252 that says iso-8859-1",
            "Content-Type: text/plain; charset=iso-8859-1\n",
            b"\x93quoted\x94 \x80 5",
        ),
        octets(
            "latin1-as-utf8",
            "iso-8859-1 that says utf-8",
            "Content-Type: text/plain; charset=utf-8\n",
            b"na\xefve",
        ),
        octets(
            "utf16",
            "utf-16 with a mark, in base64",
            "Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n",
            b"/v8AaABpACAgrA==",
        ),
        octets("utf7", "utf-7", "Content-Type: text/plain; charset=utf-7\n", b"1 +- 1 = 2, +AOQ-h"),
        octets(
            "iso-2022-jp",
            "iso-2022-jp, 7bit with escapes",
            "Content-Type: text/plain; charset=iso-2022-jp\n",
            b"\x1b$BF|K\\\x1b(B",
        ),
        octets(
            "koi8-r",
            "koi8-r, quoted-printable",
            "Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: quoted-printable\n",
            b"=F0=D2=C9=D7=C5=D4",
        ),
        octets(
            "bom",
            "a UTF-8 mark before the text",
            "Content-Type: text/plain; charset=utf-8\n",
            b"\xef\xbb\xbfmarked",
        ),
        typed("unknown-charset", "a character set that nobody has", "text/plain; charset=x-klingon-9", "nuqneH"),
        typed(
            "flowed",
            "format=flowed: lines that end with a space go on",
            "text/plain; charset=us-ascii; format=flowed; delsp=no",
            "This line \ngoes on.\n> quoted \n> and on\n From stuffed",
        ),
        typed(
            "html-only",
            "HTML and no text",
            "text/html; charset=utf-8",
            "<html><head><style>p{color:red}</style><script>alert('invoice')</script></head><body><p>Hello&nbsp;<b>world</b> &amp; all</p><p>second</p></body></html>",
        ),
        typed("enriched", "an old kind of text", "text/enriched", "<bold>Now</bold> is the time"),
        Odd::new(
            "from-lines",
            "lines that begin with From, quoted and not",
            mail(
                "from-lines",
                "Subject: From here\n",
                "From the beginning\n>From the middle\n>>From afar\n From a space\nFrom: not a header\nFrom corpus@example.org Mon Jan  6 09:00:00 2025\nend",
            ),
        ),
        Odd::new("blank-end", "empty lines at the end", mail("blank-end", "Subject: silence\n", "text\n\n\n")),
        Odd::new("dots", "lines of dots", mail("dots", "Subject: dots\n", ".\n..\n.text\nend")),
        Odd::new(
            "long-line",
            "a line of 20,000 octets",
            mail("long-line", "Subject: long line\n", &"abcdefghi ".repeat(2_000)),
        ),
        Odd::new(
            "uuencode",
            "a file in the text, uuencoded",
            mail("uuencode", "Subject: the old way\n", "see below\n\nbegin 644 hello.txt\n%:&5L;&\\\n`\nend"),
        ),
        Odd::new(
            "pgp",
            "a signature in the text",
            mail(
                "pgp",
                "Subject: signed\n",
                "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- --dash\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----",
            ),
        ),
        Odd::new(
            "qp-garbage",
            "quoted-printable with broken escapes",
            mail(
                "qp-garbage",
                "Subject: qp\nMIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n",
                "ok=3D =ZZ =4 soft=\nbreak = \ntrailing=",
            ),
        ),
        Odd::new(
            "base64-garbage",
            "base64 with things in it that are none",
            mail(
                "base64-garbage",
                "Subject: b64\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n",
                "aGVs*bG8g\n!!d29y\nbGQ",
            ),
        ),
        Odd::new(
            "unknown-encoding",
            "a transfer encoding that nobody has",
            mail(
                "unknown-encoding",
                "Subject: enc\nMIME-Version: 1.0\nContent-Transfer-Encoding: x-zip-twice\n",
                "as it is",
            ),
        ),
        Odd::new(
            "encoding-comment",
            "a transfer encoding in capitals, with a comment",
            mail(
                "encoding-comment",
                "Subject: enc\nMIME-Version: 1.0\nContent-Transfer-Encoding: BASE64 (yes)\n",
                "aGVsbG8=",
            ),
        ),
    ]
}
