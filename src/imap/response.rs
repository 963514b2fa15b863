//! What a server says, one response at a time (RFC 9051 §7, and the extensions that are used here).
//!
//! Pure, tolerant and bounded: what is not known is kept as it is and never an error; what is known and does not hold
//! is one, so that an answer never gets short without a word. What an answer means for a command is for the session
//! to say. Next: [`super::row`] for messages, [`super::status`], [`super::listing`] for folders, [`super::token`].

use bytes::Bytes;

use super::listing::{FolderStatus, Listed};
use super::row::Row;
use super::status::Status;
use super::token::{After, Broken, Cursor, Frame, number};
use crate::mail::{Uid, UidSet};

/// One response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// `+`: the server waits for the rest of a command; with its words, or its challenge.
    Continue(String),
    /// How the command with that tag ended.
    Tagged {
        /// The tag.
        tag: String,
        /// How it ended.
        status: Status,
    },
    /// A status of no command: a greeting, a warning, a code, BYE.
    Status(Status),
    /// What the server can do, in upper case.
    Capability(Vec<String>),
    /// A folder, by LIST or by what was there before SPECIAL-USE (`XLIST`).
    List(Listed),
    /// A folder, by LSUB.
    Lsub(Listed),
    /// The numbers of a folder.
    FolderStatus(FolderStatus),
    /// The uids that a search found, in the server's order.
    Search(Vec<Uid>),
    /// What an extended search found.
    ESearch(ESearch),
    /// How many messages the folder has.
    Exists(u32),
    /// A message with that number is gone, and those above it move down.
    Expunge(u32),
    /// Messages that are gone (RFC 7162 §3.2.10).
    Vanished {
        /// Whether they were gone before the folder was opened.
        earlier: bool,
        /// Their uids.
        uids: UidSet,
    },
    /// Who the server is (RFC 2971): names and values.
    Id(Vec<(String, Option<String>)>),
    /// A message.
    Fetch(Box<Row>),
    /// Anything else, as it came and without its line end: RECENT, FLAGS, ENABLED, NAMESPACE, an empty line.
    Other(Bytes),
}

/// The answer to an extended search (RFC 4731, RFC 9051 §7.3.4); what was not asked for, or not found, is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ESearch {
    /// The tag of the command that it answers.
    pub tag: Option<String>,
    /// All uids found, or the part of them that was asked for (RFC 5267 §4.4).
    pub all: Option<UidSet>,
    /// How many were found.
    pub count: Option<u64>,
    /// The lowest uid found.
    pub min: Option<Uid>,
    /// The highest uid found.
    pub max: Option<Uid>,
}

impl Response {
    /// Understands a frame.
    ///
    /// # Errors
    /// When it is known what it should be, and it is not that; or when it is a line that belongs to nothing.
    pub fn parse(frame: &Frame) -> Result<Self, Broken> {
        let mut cursor = Cursor::of(frame);
        match cursor.peek() {
            None => Ok(Response::Other(Bytes::new())),
            Some(b'+') => Ok(Response::Continue(String::from_utf8_lossy(cursor.rest()[1..].trim_ascii()).into_owned())),
            Some(b'*') => {
                cursor.advance(1);
                untagged(&mut cursor, frame)
            }
            Some(_) => {
                let tag = String::from_utf8_lossy(cursor.atom()).into_owned();
                let status = Status::parse(cursor.rest()).ok_or(Broken("the line is no response"))?;
                Ok(Response::Tagged { tag, status })
            }
        }
    }
}

fn untagged(cursor: &mut Cursor<'_>, frame: &Frame) -> Result<Response, Broken> {
    let before = *cursor;
    let word = cursor.atom();
    if let Some(number) = number(word) {
        return numbered(number, cursor, frame);
    }
    if let Some(status) = Status::parse(before.rest()) {
        return Ok(Response::Status(status));
    }
    let response = match word.to_ascii_uppercase().as_slice() {
        b"CAPABILITY" => {
            let words = cursor.rest().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            Response::Capability(words.map(|word| String::from_utf8_lossy(word).to_ascii_uppercase()).collect())
        }
        b"LIST" | b"XLIST" => Response::List(Listed::parse(cursor)?),
        b"LSUB" => Response::Lsub(Listed::parse(cursor)?),
        b"STATUS" => Response::FolderStatus(FolderStatus::parse(cursor)?),
        b"SEARCH" => Response::Search(found(cursor)?),
        b"ESEARCH" => Response::ESearch(found_extended(cursor)?),
        b"VANISHED" => vanished(cursor)?,
        b"ID" => Response::Id(identity(cursor)?),
        _ => return Ok(other(frame)),
    };
    // What was too large is not what it says, and in all of these it counts.
    if frame.oversized { Err(Broken("something in the response is larger than the limit")) } else { Ok(response) }
}

/// Understands `* 12 EXISTS` and its like.
fn numbered(number: u64, cursor: &mut Cursor<'_>, frame: &Frame) -> Result<Response, Broken> {
    let word = cursor.atom();
    let small = || u32::try_from(number).map_err(|_| Broken("the number of messages is larger than it can be"));
    if word.eq_ignore_ascii_case(b"FETCH") {
        Ok(Response::Fetch(Row::parse(small()?, cursor, frame.oversized)))
    } else if word.eq_ignore_ascii_case(b"EXISTS") {
        small().map(Response::Exists)
    } else if word.eq_ignore_ascii_case(b"EXPUNGE") {
        small().map(Response::Expunge)
    } else {
        Ok(other(frame))
    }
}

fn other(frame: &Frame) -> Response {
    let line = frame.octets.trim_ascii_end().len();
    Response::Other(frame.octets.slice(..line))
}

/// Reads `1 2 3 (MODSEQ 5)`.
fn found(cursor: &mut Cursor<'_>) -> Result<Vec<Uid>, Broken> {
    let mut uids = Vec::new();
    while let Some(next) = cursor.peek() {
        if next == b'(' {
            cursor.skip(After::Token)?;
        } else {
            let uid = number(cursor.atom()).and_then(|number| u32::try_from(number).ok()).and_then(Uid::new);
            uids.push(uid.ok_or(Broken("a search found something that is no uid"))?);
        }
    }
    Ok(uids)
}

/// Reads `(TAG "A1") UID COUNT 3 ALL 1:5,9`.
fn found_extended(cursor: &mut Cursor<'_>) -> Result<ESearch, Broken> {
    let mut found = ESearch::default();
    let mut is_of_uids = false;
    if cursor.open()? {
        while !cursor.close() {
            match cursor.atom() {
                b"" => return Err(NO_SEARCH),
                name if name.eq_ignore_ascii_case(b"TAG") => {
                    found.tag = cursor.text(After::Token)?.map(String::from);
                }
                _ => cursor.skip(After::Token)?,
            }
        }
    }
    while cursor.peek().is_some() {
        match cursor.atom().to_ascii_uppercase().as_slice() {
            b"" => return Err(NO_SEARCH),
            b"UID" => is_of_uids = true,
            b"ALL" => {
                let set = cursor.text(After::Token)?.filter(|set| !set.is_empty());
                // A set with a star does not say what was found.
                let set = set.map(|set| UidSet::parse(&set).filter(|_| !set.contains('*')).ok_or(NO_SEARCH));
                found.all = set.transpose()?;
            }
            b"PARTIAL" => {
                if !cursor.open()? {
                    return Err(NO_SEARCH);
                }
                cursor.skip(After::Token)?;
                let set = cursor.text(After::Token)?;
                cursor.skip_rest(After::Token)?;
                found.all = set.map(|set| UidSet::parse(&set).ok_or(NO_SEARCH)).transpose()?;
            }
            b"COUNT" => found.count = Some(cursor.number()?.ok_or(NO_SEARCH)?),
            b"MIN" => found.min = uid(cursor)?,
            b"MAX" => found.max = uid(cursor)?,
            _ => cursor.skip(After::Token)?,
        }
    }
    let has_numbers = found.all.is_some() || found.min.is_some() || found.max.is_some();
    if has_numbers && !is_of_uids { Err(Broken("a search found numbers that are no uids")) } else { Ok(found) }
}

/// A uid; none for NIL and 0, which some servers write where nothing was found.
fn uid(cursor: &mut Cursor<'_>) -> Result<Option<Uid>, Broken> {
    match cursor.text(After::Token)? {
        None => Ok(None),
        Some(text) if text == "0" => Ok(None),
        Some(text) => text.parse().ok().and_then(Uid::new).map(Some).ok_or(NO_SEARCH),
    }
}

/// Reads `(EARLIER) 1:5,9`.
fn vanished(cursor: &mut Cursor<'_>) -> Result<Response, Broken> {
    let mut earlier = false;
    if cursor.open()? {
        while !cursor.close() {
            earlier |= cursor.text(After::Token)?.is_some_and(|word| word.eq_ignore_ascii_case("EARLIER"));
        }
    }
    let uids = cursor.text(After::Token)?.and_then(|set| UidSet::parse(&set));
    Ok(Response::Vanished { earlier, uids: uids.ok_or(Broken("what vanished is no set of uids"))? })
}

/// Reads `("name" "value" "name" NIL)`, or NIL.
fn identity(cursor: &mut Cursor<'_>) -> Result<Vec<(String, Option<String>)>, Broken> {
    let mut pairs = Vec::new();
    if cursor.open()? {
        while !cursor.close() {
            let name = cursor.text(After::Value)?;
            let value = if cursor.peek() == Some(b')') { None } else { cursor.text(After::Value)? };
            pairs.extend(name.map(|name| (name.into_owned(), value.map(String::from))));
        }
    }
    Ok(pairs)
}

const NO_SEARCH: Broken = Broken("the result of a search does not hold");

#[cfg(test)]
mod tests {
    use super::super::status::{Code, Condition};
    use super::*;

    fn parse(text: &str) -> Result<Response, Broken> {
        Response::parse(&Frame::new(Bytes::copy_from_slice(text.as_bytes())))
    }

    fn understood(text: &str) -> Response {
        parse(text).unwrap()
    }

    fn uids(numbers: &[u32]) -> Vec<Uid> {
        numbers.iter().copied().filter_map(Uid::new).collect()
    }

    fn found(text: &str) -> ESearch {
        match understood(text) {
            Response::ESearch(found) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_is_what_it_begins_with() {
        assert_eq!(understood("+ idling\r\n"), Response::Continue("idling".into()));
        assert_eq!(understood("+\r\n"), Response::Continue(String::new()));
        let Response::Tagged { tag, status } = understood("A1 NO [UNAVAILABLE] later\r\n") else { panic!() };
        assert_eq!((tag.as_str(), status.condition, status.code), ("A1", Condition::No, Some(Code::Unavailable)));
        for text in ["* BYE\r\n", "*  bye see you\n", "* PREAUTH\r\n", "* OK [UIDNEXT 5]Grüße\r\n", "* BAD"] {
            assert!(matches!(understood(text), Response::Status(_)), "{text}");
        }
        for text in
            ["", "\r\n", "\n", "*\r\n", "* \r\n", "* X-ODD (\r\n", "* 3\r\n", "* 3 RECENT\r\n", "* FLAGS ()\r\n"]
        {
            assert!(matches!(understood(text), Response::Other(_)), "{text}");
        }
        assert_eq!(understood("* NAMESPACE NIL\r\n"), Response::Other(Bytes::from_static(b"* NAMESPACE NIL")));
        for text in ["garbage\r\n", "A1\r\n", "A1 FETCH\r\n", "(OK\r\n", "\u{0}\r\n"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn capabilities_are_in_upper_case() {
        let expected = Response::Capability(vec!["IMAP4REV2".into(), "AUTH=PLAIN".into()]);
        assert_eq!(understood("* capability IMAP4rev2  AUTH=plain \r\n"), expected);
        assert_eq!(understood("* CAPABILITY\r\n"), Response::Capability(Vec::new()));
    }

    #[test]
    fn numbers_of_messages_are_numbers() {
        assert_eq!(understood("* 3 EXISTS\r\n"), Response::Exists(3));
        assert_eq!(understood("*  44  expunge\n"), Response::Expunge(44));
        assert!(parse("* 4294967296 EXISTS\r\n").is_err());
        assert!(matches!(understood("* 3 FETCH (UID 5)\r\n"), Response::Fetch(row) if row.uid == Uid::new(5)));
        assert!(matches!(understood("* 3 FETCH\r\n"), Response::Fetch(row) if row.broken.is_some()));
    }

    #[test]
    fn a_search_finds_all_or_is_an_error() {
        assert_eq!(understood("* SEARCH 5 2 9 \r\n"), Response::Search(uids(&[5, 2, 9])));
        assert_eq!(understood("* SEARCH\r\n"), Response::Search(Vec::new()));
        assert_eq!(understood("* SEARCH \r\n"), Response::Search(Vec::new()));
        assert_eq!(understood("* search 5 (MODSEQ 917162500)\r\n"), Response::Search(uids(&[5])));
        for text in
            ["* SEARCH 1 x", "* SEARCH 0", "* SEARCH 1 4294967296", "* SEARCH 1 (", "* SEARCH 1)", "* SEARCH 1:3"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_extended_search_is_read_in_every_form() {
        let all = found("* ESEARCH (TAG \"A1\") UID ALL 9:5,1,12 COUNT 7 MIN 1 MAX 12 MODSEQ 5 X-ODD (1 (2))\r\n");
        assert_eq!((all.tag.as_deref(), all.count), (Some("A1"), Some(7)));
        assert_eq!(all.all.unwrap().to_string(), "1,5:9,12");
        assert_eq!((all.min, all.max), (Uid::new(1), Uid::new(12)));
        for text in ["(TAG A1) UID", "(TAG {2}\r\nA1) UID ALL \"\"", "(TAG \"A1\") UID ALL NIL MIN 0", "(tag \"A1\")"] {
            let none = found(&format!("* ESEARCH {text}\r\n"));
            assert_eq!(none, ESearch { tag: Some("A1".into()), ..ESearch::default() }, "{text}");
        }
        assert_eq!(found("* ESEARCH\r\n"), ESearch::default());
        assert_eq!(found("* ESEARCH (TAG \"A1\") COUNT 0\r\n").count, Some(0));
        let partial = found("* ESEARCH (TAG \"A1\") UID PARTIAL (1:10 9,3,5)\r\n").all;
        assert_eq!(partial.unwrap().to_string(), "3,5,9");
        assert_eq!(found("* ESEARCH (TAG \"A1\") UID PARTIAL (1:10 NIL)\r\n").all, None);
        for text in [
            "ALL 1:5",
            "UID ALL 1:x",
            "UID ALL 1:*",
            "UID ALL",
            "UID COUNT x",
            "UID PARTIAL 1:3",
            "UID PARTIAL (1:3 x)",
            "UID PARTIAL (1:3 4",
            "UID MIN x",
            "(TAG",
            "UID ALL 1 )",
        ] {
            assert!(parse(&format!("* ESEARCH {text}\r\n")).is_err(), "{text}");
        }
    }

    #[test]
    fn what_vanished_is_a_set() {
        let Response::Vanished { earlier, uids } = understood("* VANISHED (EARLIER) 41,43:116\r\n") else { panic!() };
        assert!(earlier && uids.to_string() == "41,43:116");
        assert!(matches!(understood("* VANISHED 4\r\n"), Response::Vanished { earlier: false, .. }));
        assert!(parse("* VANISHED\r\n").is_err() && parse("* VANISHED (EARLIER) x\r\n").is_err());
    }

    #[test]
    fn a_server_says_who_it_is_or_not() {
        let pairs = [("name".to_owned(), Some("Dove \"cot\"".to_owned())), ("x".into(), None), ("y".into(), None)];
        assert_eq!(understood("* ID (\"name\" \"Dove \"cot\"\" \"x\" NIL \"y\")\r\n"), Response::Id(pairs.to_vec()));
        assert_eq!(understood("* ID NIL\r\n"), Response::Id(Vec::new()));
    }

    #[test]
    fn folders_are_never_without_the_name_that_was_too_large() {
        let frame = |text: &'static str| Frame { oversized: true, ..Frame::new(text.as_bytes()) };
        for text in ["* LIST () \"/\" NIL\r\n", "* STATUS NIL (MESSAGES 1)\r\n", "* ESEARCH UID ALL NIL\r\n"] {
            assert!(Response::parse(&frame(text)).is_err(), "{text}");
        }
        let Response::Fetch(row) = Response::parse(&frame("* 1 FETCH (UID 5 BODY[] NIL)\r\n")).unwrap() else {
            panic!()
        };
        assert!(row.oversized && row.uid == Uid::new(5) && row.broken.is_none());
    }
}
