//! Status responses (RFC 9051 §7.1) and their codes: how a command ended, or what a server wants to have said.
//!
//! Takes whatever stands there for a status that begins like one; nothing here decides what an answer means for a
//! command. Next: [`super::response`].

use super::token::number;
use crate::mail::{Uid, UidValidity};

/// What a server says of a command, or of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Which kind it is.
    pub condition: Condition,
    /// The code in brackets, where there is one.
    pub code: Option<Code>,
    /// The server's words, without the code.
    pub text: String,
}

/// Which kind a status is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It worked.
    Ok,
    /// It did not.
    No,
    /// The server did not understand, or is in trouble.
    Bad,
    /// The connection is signed in from the start.
    PreAuth,
    /// The server closes the connection.
    Bye,
}

/// The code of a status (RFC 5530, RFC 9051 §7.1): what a program can understand of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// `ALERT`: its text must be shown.
    Alert,
    /// `AUTHENTICATIONFAILED`
    AuthenticationFailed,
    /// `AUTHORIZATIONFAILED`
    AuthorizationFailed,
    /// `EXPIRED`: the password, say.
    Expired,
    /// `UNAVAILABLE`: for the time being.
    Unavailable,
    /// `INUSE`: locked by somebody else.
    InUse,
    /// `LIMIT`: a limit of the server was reached.
    Limit,
    /// `CAPABILITY`, with the names in upper case.
    Capability(Vec<String>),
    /// `UIDVALIDITY`
    UidValidity(UidValidity),
    /// `UIDNEXT`
    UidNext(u64),
    /// `HIGHESTMODSEQ` (RFC 7162)
    HighestModseq(u64),
    /// `NOMODSEQ` (RFC 7162)
    NoModseq,
    /// `READ-ONLY`
    ReadOnly,
    /// `READ-WRITE`
    ReadWrite,
    /// `CLOSED`: what follows is of the folder that was opened, what came before of the one before.
    Closed,
    /// `BADCHARSET`
    BadCharset,
    /// `MESSAGELIMIT` (RFC 9738): the answer is not complete.
    MessageLimit {
        /// Of how many messages an answer can be.
        limit: u64,
        /// The lowest uid that was answered for.
        uid: Option<Uid>,
    },
    /// `NONEXISTENT`: no such folder.
    NonExistent,
    /// `TRYCREATE`: no such folder yet.
    TryCreate,
    /// Any other, and those above with arguments that they cannot have: its name, in upper case.
    Other(String),
}

impl Status {
    /// Takes a text for a status; nothing when it does not begin with a condition.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let word = text.iter().position(|octet| !octet.is_ascii_alphabetic()).unwrap_or(text.len());
        let (word, rest) = text.split_at(word);
        let condition = Condition::named(word)?;
        if !matches!(rest, [] | [b' ' | b'\t' | b'[', ..]) {
            return None;
        }
        let rest = rest.trim_ascii_start();
        let (code, text) = match rest.strip_prefix(b"[").and_then(|rest| Some((rest, code_end(rest)?))) {
            Some((rest, end)) => (Code::parse(&rest[..end]), &rest[end + 1..]),
            None => (None, rest),
        };
        Some(Self { condition, code, text: String::from_utf8_lossy(text.trim_ascii()).into_owned() })
    }
}

impl Condition {
    fn named(word: &[u8]) -> Option<Self> {
        let known = [
            (&b"OK"[..], Condition::Ok),
            (b"NO", Condition::No),
            (b"BAD", Condition::Bad),
            (b"PREAUTH", Condition::PreAuth),
            (b"BYE", Condition::Bye),
        ];
        known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, condition)| condition)
    }
}

impl Code {
    fn parse(text: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(text).into_owned();
        let mut words = text.split_ascii_whitespace();
        let name = words.next()?.to_ascii_uppercase();
        let mut next = || words.next().and_then(|word| number(word.as_bytes()));
        let known = match name.as_str() {
            "ALERT" => Some(Code::Alert),
            "AUTHENTICATIONFAILED" => Some(Code::AuthenticationFailed),
            "AUTHORIZATIONFAILED" => Some(Code::AuthorizationFailed),
            "EXPIRED" => Some(Code::Expired),
            "UNAVAILABLE" => Some(Code::Unavailable),
            "INUSE" => Some(Code::InUse),
            "LIMIT" => Some(Code::Limit),
            "CAPABILITY" => Some(Code::Capability(words.map(str::to_ascii_uppercase).collect())),
            "UIDVALIDITY" => {
                next().and_then(|number| u32::try_from(number).ok()).map(UidValidity).map(Code::UidValidity)
            }
            "UIDNEXT" => next().map(Code::UidNext),
            "HIGHESTMODSEQ" => next().map(Code::HighestModseq),
            "NOMODSEQ" => Some(Code::NoModseq),
            "READ-ONLY" => Some(Code::ReadOnly),
            "READ-WRITE" => Some(Code::ReadWrite),
            "CLOSED" => Some(Code::Closed),
            "BADCHARSET" => Some(Code::BadCharset),
            "MESSAGELIMIT" => next().map(|limit| {
                let uid = next().and_then(|number| u32::try_from(number).ok()).and_then(Uid::new);
                Code::MessageLimit { limit, uid }
            }),
            "NONEXISTENT" => Some(Code::NonExistent),
            "TRYCREATE" => Some(Code::TryCreate),
            _ => None,
        };
        Some(known.unwrap_or(Code::Other(name)))
    }
}

/// Where the bracket is that ends a code; one within quotes does not, unless there is no other.
fn code_end(text: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    let ends = |octet: &u8| {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b']' => return !quoted,
            _ => {}
        }
        false
    };
    text.iter().position(ends).or_else(|| memchr::memchr(b']', text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> (Condition, Option<Code>, String) {
        let status = Status::parse(text.as_bytes()).unwrap();
        (status.condition, status.code, status.text)
    }

    fn code(text: &str) -> Option<Code> {
        status(&format!("OK [{text}] done")).1
    }

    #[test]
    fn a_status_is_one_with_or_without_words() {
        assert_eq!(status("OK done"), (Condition::Ok, None, "done".into()));
        assert_eq!(status("bye"), (Condition::Bye, None, String::new()));
        assert_eq!(status("NO  [ALERT]"), (Condition::No, Some(Code::Alert), String::new()));
        assert_eq!(status("BAD[LIMIT]Grüße"), (Condition::Bad, Some(Code::Limit), "Grüße".into()));
        assert_eq!(status("PREAUTH [unfinished"), (Condition::PreAuth, None, "[unfinished".into()));
        assert_eq!(status("OK [] done"), (Condition::Ok, None, "done".into()));
        assert_eq!(Status::parse(b"OK \xff\xfe").unwrap().text, "\u{fffd}\u{fffd}");
        for text in ["", "OKAY", "FETCH", "OK=1", "8"] {
            assert_eq!(Status::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn codes_are_understood_in_any_case() {
        assert_eq!(code("UIDVALIDITY 7"), Some(Code::UidValidity(UidValidity(7))));
        assert_eq!(code("uidnext 4294967296"), Some(Code::UidNext(4_294_967_296)));
        assert_eq!(code("BADCHARSET (US-ASCII)"), Some(Code::BadCharset));
        let names = ["IMAP4REV1".to_owned(), "AUTH=PLAIN".to_owned()];
        assert_eq!(code("CAPABILITY IMAP4rev1  AUTH=PLAIN"), Some(Code::Capability(names.to_vec())));
        assert_eq!(code("MESSAGELIMIT 1000 23221"), Some(Code::MessageLimit { limit: 1000, uid: Uid::new(23_221) }));
        assert_eq!(code("MESSAGELIMIT 1000"), Some(Code::MessageLimit { limit: 1000, uid: None }));
    }

    #[test]
    fn a_code_that_is_odd_or_unknown_keeps_its_name() {
        for (text, name) in [
            ("UIDVALIDITY x", "UIDVALIDITY"),
            ("HIGHESTMODSEQ -1", "HIGHESTMODSEQ"),
            ("PERMANENTFLAGS (\\Seen \\*)", "PERMANENTFLAGS"),
            ("throttled", "THROTTLED"),
            ("NEWNAME \"a] b\" c", "NEWNAME"),
            ("MESSAGELIMIT", "MESSAGELIMIT"),
        ] {
            let whole = format!("OK [{text}] done");
            assert_eq!(status(&whole), (Condition::Ok, Some(Code::Other(name.into())), "done".into()));
        }
        assert_eq!(status("OK [X \"] done").2, "done");
    }
}
