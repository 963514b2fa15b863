//! Odd structures: boundaries, parts that lie, every kind of part.

use super::{Odd, mail};

pub fn mails() -> Vec<Odd> {
    let typed = |name, why, kind: &str, body: &str| {
        Odd::new(name, why, mail(name, &format!("Subject: parts\nMIME-Version: 1.0\nContent-Type: {kind}\n"), body))
    };
    vec![
        typed(
            "alternative",
            "text and HTML of the same",
            "multipart/alternative; boundary=b",
            "--b\nContent-Type: text/plain\n\nplain words\n--b\nContent-Type: text/html\n\n<p>rich words</p>\n--b--",
        ),
        typed(
            "alternative-html-first",
            "HTML before text",
            "multipart/alternative; boundary=b",
            "--b\nContent-Type: text/html\n\n<p>rich words</p>\n--b\nContent-Type: text/plain\n\nplain words\n--b--",
        ),
        typed(
            "related",
            "a page with its picture",
            "multipart/related; boundary=b; type=\"text/html\"",
            "--b\nContent-Type: text/html\n\n<img src=\"cid:dot@example.org\">\n--b\nContent-Type: image/gif; name=dot.gif\nContent-ID: <dot@example.org>\nContent-Disposition: inline; filename=dot.gif\nContent-Transfer-Encoding: base64\n\nR0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=\n--b--",
        ),
        typed(
            "mixed",
            "text, a PDF that is none, and a table",
            "multipart/mixed; boundary=\"a b\"",
            "--a b\n\nThe invoice is attached.\n--a b\nContent-Type: application/pdf; name=\"invoice 17.pdf\"\nContent-Disposition: attachment; filename=\"invoice 17.pdf\"; size=12\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQ=\n--a b\nContent-Type: text/csv; charset=utf-8; name=lamps.csv\nContent-Disposition: attachment; filename=lamps.csv\n\nlamp,price\nApollo,49\n--a b--",
        ),
        typed(
            "text-after-attachment",
            "text before and after an attachment",
            "multipart/mixed; boundary=b",
            "--b\n\nbefore\n--b\nContent-Type: image/png; name=x.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b\n\nafter\n--b--",
        ),
        typed(
            "inline-text",
            "a text file that is shown inline, with a name",
            "multipart/mixed; boundary=b",
            "--b\n\nbody\n--b\nContent-Type: text/plain; name=notes.txt\nContent-Disposition: inline; filename=notes.txt\n\nnotes\n--b--",
        ),
        typed(
            "attachment-only",
            "no text: the mail is an attachment",
            "application/zip; name=a.zip\nContent-Disposition: attachment; filename=a.zip\nContent-Transfer-Encoding: base64",
            "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==",
        ),
        typed(
            "boundary-folded",
            "a boundary on the line after its name",
            "multipart/mixed;\n boundary=\n \"folded\"",
            "--folded\n\nfound\n--folded--",
        )
        .crlf(),
        typed(
            "boundary-mid-line",
            "the boundary in the middle of a line is text",
            "multipart/mixed; boundary=bb",
            "--bb\n\nsay --bb and --bb-- here\n--bb--",
        ),
        typed(
            "boundary-prefix",
            "lines that are the boundary but for an octet are text",
            "multipart/mixed; boundary=bb",
            "--bb\n\n --bb\n-bb\n--b\nstill text\n--bb\n\nsecond part\n--bb--",
        ),
        typed(
            "boundary-spaces",
            "spaces behind the boundary",
            "multipart/mixed; boundary=bb",
            "--bb  \t\n\nfirst\n--bb \n\nsecond\n--bb--  ",
        ),
        typed(
            "boundary-unclosed",
            "no closing boundary",
            "multipart/mixed; boundary=bb",
            "--bb\n\nfirst\n--bb\nContent-Type: application/octet-stream; name=cut.bin\nContent-Transfer-Encoding: base64\n\nAAEC",
        ),
        typed(
            "boundary-never",
            "the boundary never comes",
            "multipart/mixed; boundary=bb",
            "only text, and no part at all",
        ),
        typed("boundary-missing", "a multipart without a boundary", "multipart/mixed", "--x\n\nfirst\n--x--"),
        typed("boundary-empty", "an empty boundary", "multipart/mixed; boundary=\"\"", "--\n\nfirst\n----"),
        typed(
            "boundary-case",
            "a boundary that differs in case from the lines",
            "multipart/mixed; boundary=CaSe",
            "--case\n\nno part\n--CaSe\n\na part\n--CaSe--",
        ),
        typed("empty-multipart", "a multipart without parts", "multipart/mixed; boundary=bb", "--bb--"),
        typed(
            "empty-parts",
            "parts without header or body",
            "multipart/mixed; boundary=bb",
            "--bb\n--bb\n\n--bb\n\n\n--bb--",
        ),
        typed(
            "preamble",
            "words before the first and behind the last part",
            "multipart/mixed; boundary=bb",
            "This is for old programs.\n--bb\n\nthe text\n--bb--\nThis comes too late.\n--bb\n\nand this\n--bb--",
        ),
        typed(
            "upper-case-type",
            "types in capitals",
            "MULTIPART/MIXED; BOUNDARY=bb",
            "--bb\nCONTENT-TYPE: TEXT/PLAIN; CHARSET=US-ASCII\n\nLOUD\n--bb\ncontent-type: Application/PDF; Name=LOUD.PDF\n\nx\n--bb--",
        ),
        typed("type-half", "a type without a subtype", "text", "text is text"),
        typed("type-empty", "an empty type", "", "text is text"),
        typed("type-garbage", "a type that is none, and stray semicolons", ";;; what/ever/this=is;;", "text is text"),
        typed("type-comments", "comments in the type", "text/(rich)html (really); charset=(none)utf-8", "<p>hi</p>"),
        Odd::new(
            "two-types",
            "two types that differ",
            mail("two-types", "Subject: parts\nContent-Type: text/html\nContent-Type: text/plain\n", "<p>which?</p>"),
        ),
        Odd::new(
            "no-mime-version",
            "parts without MIME-Version",
            mail(
                "no-mime-version",
                "Subject: parts\nContent-Type: multipart/mixed; boundary=b\n",
                "--b\n\nstill parts\n--b--",
            ),
        ),
        typed(
            "encoded-multipart",
            "a multipart that says it is base64",
            "multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64",
            "--b\n\nnot base64\n--b--",
        ),
        typed(
            "digest",
            "a digest: its parts are mails without saying so",
            "multipart/digest; boundary=b",
            "--b\n\nFrom: a@example.org\nSubject: first\n\none\n--b\n\nFrom: b@example.org\nSubject: second\n\ntwo\n--b--",
        ),
        typed(
            "content-ids",
            "Content-IDs without brackets, empty, and twice the same",
            "multipart/related; boundary=b",
            "--b\nContent-Type: text/html\n\n<img src=\"cid:same\">\n--b\nContent-Type: image/png\nContent-ID: same\n\nx\n--b\nContent-Type: image/png\nContent-ID: <>\n\ny\n--b\nContent-Type: image/png\nContent-ID: <same>\n\nz\n--b--",
        ),
        typed(
            "calendar",
            "an invitation",
            "multipart/alternative; boundary=b",
            "--b\n\nMeeting on Monday\n--b\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n--b--",
        ),
        typed(
            "tnef",
            "the packet of an office program",
            "multipart/mixed; boundary=b",
            "--b\n\nsee winmail\n--b\nContent-Type: application/ms-tnef; name=\"winmail.dat\"\nContent-Disposition: attachment; filename=\"winmail.dat\"\nContent-Transfer-Encoding: base64\n\neJ8+IgEAAAA=\n--b--",
        ),
        typed(
            "smime",
            "encrypted: the mail is one opaque part",
            "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=smime.p7m",
            "MIAGCSqGSIb3DQEHA6CAMIACAQAAAAAA",
        ),
        typed(
            "signed",
            "signed: text and a signature",
            "multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256; boundary=b",
            "--b\n\nsigned words\n--b\nContent-Type: application/pgp-signature; name=signature.asc\n\n-----BEGIN PGP SIGNATURE-----\n--b--",
        ),
        typed(
            "external-body",
            "a part that is somewhere else",
            "multipart/mixed; boundary=b",
            "--b\n\nfetch it yourself\n--b\nContent-Type: message/external-body; access-type=URL; URL=\"https://example.org/x\"\n\nContent-Type: image/png\n\n--b--",
        ),
        typed(
            "partial",
            "half of a mail",
            "message/partial; id=\"half@example.org\"; number=1; total=2",
            "From: a@example.org\nSubject: whole\n\nfirst half",
        ),
    ]
}
