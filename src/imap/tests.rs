//! The same for all responses: no octets whatever make reading them panic, hang, or take what is not there.

use bytes::Bytes;

use super::response::Response;
use super::token::Frame;
use crate::mail::Uid;

/// Responses as servers send them, one of every kind and oddity.
const GOOD: &[&str] = &[
    "* OK [CAPABILITY IMAP4rev1 LITERAL+ AUTH=PLAIN] Dovecot ready.\r\n",
    "A12 NO [MESSAGELIMIT 1000 23221] FETCH completed with 1000 partial results\r\n",
    "* NO [BADCHARSET (US-ASCII \"odd] one\")] Grüße\r\n",
    "+ eyJzdGF0dXMiOiI0MDEifQ==\r\n",
    "* CAPABILITY IMAP4rev2 ESEARCH\r\n",
    "* LIST (\\HasNoChildren \\Subscribed) \"/\" \"Entw&APw-rfe \\\"x\\\"\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n",
    "* LSUB () \"\\\\\" {5}\r\na\"b c\r\n",
    "* STATUS \"a \"b\" c\" (MESSAGES 3 UNSEEN -1 X-ODD (1 (2)) HIGHESTMODSEQ 99)\r\n",
    "* SEARCH 2 3 6 (MODSEQ 917162500)\r\n",
    "* ESEARCH (TAG \"A282\") UID MIN 7 MAX 3800 ALL 7:9,3800:12 COUNT 4\r\n",
    "* VANISHED (EARLIER) 41,43:116\r\n",
    "* ID (\"name\" \"Dovecot\" \"version\" NIL)\r\n",
    "* 23 EXISTS\r\n",
    "* 12 FETCH (UID 5 FLAGS (\\Seen $Work) INTERNALDATE \" 1-Jan-2024 10:00:00 +0100\" RFC822.SIZE 44827 MODSEQ (12) \
     X-GM-LABELS (\"\\\\Inbox\" {3}\r\na b) X-GM-THRID 1278455344230334865 EMAILID (M1) BODY[HEADER.FIELDS (A \"B\")] {12}\r\nA: b\r\nB: (\r\n\r\n \
     BODY[1.2]<0> ~{3}\r\n\0)\" BODY[2.MIME] NIL BODY[] \"x\")\r\n",
    "* 12 FETCH (ENVELOPE (\"d\" \"s) UID 777 (\" ((NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL \"<x>\") UID 5)\r\n",
    "* 12 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\" \"NAME*0*\" \"utf-8''a%20\" \"NAME*1\" \"b\") NIL NIL \"7BIT\" 10 1)\
     (\"MESSAGE\" \"RFC822\" NIL \"<i@d>\" NIL \"7BIT\" 99 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) (\"ALTERNATIVE\") 3 NIL \
     (\"attachment\" (\"FILENAME\" \"the \"best\" one\")) (\"en\") NIL)(NIL \"MIXED\" (\"boundary\" \"c\")) \"MIXED\" (\"BOUNDARY\" {2}\r\n)( ) \"inline\" NIL) UID 5)\r\n",
];

fn parsed(octets: &[u8]) -> Option<Response> {
    Response::parse(&Frame::new(Bytes::copy_from_slice(octets))).ok()
}

fn is_broken(response: Option<&Response>) -> bool {
    match response {
        None => true,
        Some(Response::Fetch(row)) => row.broken.is_some(),
        Some(_) => false,
    }
}

#[test]
fn good_responses_are_understood() {
    for text in GOOD {
        let response = parsed(text.as_bytes());
        assert!(!is_broken(response.as_ref()), "{text}: {response:?}");
        assert!(!matches!(response, Some(Response::Other(_))), "{text}");
        if let Some(Response::Fetch(row)) = response {
            assert_eq!(row.uid, Uid::new(5), "{text}");
            assert!(row.structure.is_none_or(|structure| structure.is_ok()), "{text}");
        }
    }
}

#[test]
fn a_message_that_was_cut_off_is_broken_wherever_the_cut_is() {
    for text in GOOD {
        let line = text.trim_end().len();
        for cut in 0..line {
            let response = parsed(&text.as_bytes()[..cut]);
            // Once it is a row, only its end makes it whole.
            if let Some(Response::Fetch(row)) = response {
                assert!(row.broken.is_some(), "{}", &text[..cut]);
                assert!(row.uid.is_none() || row.uid == Uid::new(5), "{}", &text[..cut]);
            }
        }
    }
}

#[test]
fn no_octets_make_reading_panic() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..60_000 {
        let mut octets = GOOD[random.below(GOOD.len())].as_bytes().to_vec();
        for _ in 0..=random.below(6) {
            let at = random.below(octets.len() + 1);
            match random.below(5) {
                0 => octets.truncate(at.max(4)),
                1 if at < octets.len() => drop(octets.remove(at)),
                2 if at < octets.len() => octets[at] = random.octet(),
                3 => octets.insert(at, random.octet()),
                _ => {
                    let other = GOOD[random.below(GOOD.len())].as_bytes();
                    let piece = &other[random.below(other.len())..];
                    octets.splice(at..at, piece[..random.below(piece.len().min(24) + 1)].iter().copied());
                }
            }
        }
        if round % 8 == 0 {
            octets = (0..random.below(80)).map(|_| random.octet()).collect();
            octets.splice(0..0, *b"* 1 FETCH (");
        }
        parsed(&octets);
    }
}

#[test]
fn hostile_responses_cost_no_more_than_others() {
    for (start, middle, end) in [
        ("* 1 FETCH (BODYSTRUCTURE (\"A\" \"", "\" x", ""),
        ("* 1 FETCH (BODYSTRUCTURE (\"A\" \"", "\"    ", ""),
        ("* 1 FETCH (BODYSTRUCTURE (\"A\" \"B\" (", "\"name*9*\" \"x\"", ")))\r\n"),
        ("* 1 FETCH (", "BODY[1] NIL ", "UID 5)\r\n"),
        ("* 1 FETCH (", "(", ""),
        ("* LIST () \"/\" \"", "\" ", "x\r\n"),
        ("* LIST () \"/\" ", "{", "\r\n"),
        ("* ESEARCH UID ALL 1", ",3", "\r\n"),
        ("* OK [X \"", "\\\"", "\r\n"),
        ("* 1 FETCH (BODY[", "1.", "] NIL)\r\n"),
    ] {
        let text = format!("{start}{}{end}", middle.repeat(200_000));
        let began = std::time::Instant::now();
        parsed(text.as_bytes());
        assert!(began.elapsed().as_secs() < 5, "{start}{middle}…");
    }
}

/// Numbers that look random and are the same every time (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    /// Any octet, mostly one that means something.
    fn octet(&mut self) -> u8 {
        const MEANING: &[u8] = b"(){}[]<>\"\\ \r\n~+*:,.0129NIL\xff\xc3\0";
        if self.below(4) == 0 { self.next().to_le_bytes()[0] } else { MEANING[self.below(MEANING.len())] }
    }
}
