//! Mails with nothing odd but their flags and line ends: what all others are compared with.

use super::{Odd, mail};

pub fn mails() -> Vec<Odd> {
    vec![
        Odd::new("plain", "nothing is odd: ASCII, LF", mail("plain", "Subject: Lamp invoice 17\n", "Please pay 17.")),
        Odd::new("crlf", "CRLF line ends", mail("crlf", "Subject: Carriage returns\n", "one\ntwo")).crlf(),
        Odd::new("seen", "seen", mail("seen", "Subject: Read already\n", "Nothing new.")).flagged("S"),
        Odd::new("answered", "answered and seen", mail("answered", "Subject: Answered already\n", "Thanks.")).flagged("RS"),
        Odd::new("urgent", "flagged, and not seen", mail("urgent", "Subject: invoice overdue\nImportance: high\n", "The invoice!")).flagged("F"),
        Odd::new("deleted", "deleted, but still there", mail("deleted", "Subject: Throw away\n", "Gone soon.")).flagged("ST"),
        Odd::new("every-flag", "every flag at once, CRLF", mail("every-flag", "Subject: All the flags\n", "x")).crlf().flagged("DFRST"),
        Odd::new("draft", "a draft without a recipient", "From: me@example.com\nDate: Tue, 7 Jan 2025 11:00:00 +0100\nMessage-ID: <draft@example.com>\nSubject: Half a tho\n\nDear\n")
            .within("Entwürfe")
            .flagged("DS"),
        Odd::new("draft-umlaut", "a draft in UTF-8, its subject encoded", mail("draft-umlaut", "Subject: =?utf-8?Q?Entwurf_f=C3=BCr_K=C3=B6ln?=\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n", "Grüße aus Köln"))
            .within("Entwürfe")
            .flagged("D"),
    ]
}
