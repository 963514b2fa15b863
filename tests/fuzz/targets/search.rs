//! Search keys as text: one that we write says what it means, and one that a person writes is itself and nothing else.

use bytes::Bytes;
use chrono::{Days, NaiveDate};
use mailql::archive::matches::{Facts, matches};
use mailql::imap::capability::Capabilities;
use mailql::imap::command::{self, SearchResult};
use mailql::imap::token::{After, Cursor};
use mailql::mail::message::Timestamp;
use mailql::mail::server_search::Word;
use mailql::mail::{Flag, SearchKey, SearchText, ServerSearch, TextField, Uid, UidSet};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    of_a_person(&text);
    let key = key(&mut data.iter().copied(), 0);
    of_ours(&key, data.iter().fold(7, |sum: u32, octet| sum.wrapping_mul(31).wrapping_add(u32::from(*octet))));
}

fn of_a_person(text: &str) {
    if let Ok(search) = ServerSearch::imap(text) {
        let written = search.to_string();
        assert_eq!(ServerSearch::imap(&written).as_ref().ok(), Some(&search), "{written}");
        said(&SearchKey::Server(search));
    }
    if let Ok(search) = ServerSearch::gmail(text) {
        said(&SearchKey::Server(search));
    }
    if let Some(own) = SearchText::new(text) {
        assert_eq!(own.to_string(), format!("\"{text}\""));
    }
}

/// What goes over the line is one command: literals apart, it has one line end, at its end.
fn said(key: &SearchKey) {
    let capabilities = Capabilities::of(["IMAP4REV1", "LITERAL+", "ESEARCH"]);
    let parts = command::search(key, SearchResult::Uids, &capabilities).octets("A1");
    let octets = Bytes::from(parts.concat());
    let mut cursor = Cursor::new(&octets);
    let mut tokens = 0;
    while let Some(next) = cursor.peek() {
        tokens += 1;
        match next {
            b'(' | b')' => cursor.advance(1),
            _ => drop(cursor.string(After::Token).expect("its strings end")),
        }
    }
    assert!(tokens >= 3 && octets.ends_with(b"\r\n"));
    let lines = octets.iter().filter(|octet| **octet == b'\n').count();
    assert_eq!(lines, parts.len(), "{}", octets.escape_ascii());
}

fn of_ours(key: &SearchKey, seed: u32) {
    let text = key.to_string();
    let search = ServerSearch::imap(&text);
    // What a person may write is of bounded length and depth; what we write goes elsewhere.
    if text.len() <= 4_000 && depth(&text) <= 16 {
        let search = search.unwrap_or_else(|error| panic!("{text}: {error}"));
        let ServerSearch::Imap(program) = &search else { panic!("{text}") };
        assert_eq!(search.to_string(), text);
        let mut words = program.words();
        let again = keys(&mut words);
        assert!(words.is_empty(), "{text}: {words:?}");
        assert_eq!(again.to_string(), text, "it is written alike");
        for message in 0..8 {
            let mut message = Invented(seed.wrapping_add(0x9e37_79b9_u32.wrapping_mul(message)));
            let Ok(ours) = matches(key, &mut message);
            let Ok(same) = matches(&again, &mut message);
            assert_eq!(ours, same, "{text} of {message:?}");
        }
    }
    said(key);
}

fn depth(text: &str) -> usize {
    let mut depth = 0_usize;
    let depths = text.bytes().map(|octet| {
        depth = match octet {
            b'(' => depth + 1,
            b')' => depth.saturating_sub(1),
            _ => depth,
        };
        depth
    });
    depths.max().unwrap_or_default()
}

/// Makes a key of some octets.
fn key(octets: &mut impl Iterator<Item = u8>, depth: usize) -> SearchKey {
    let mut next = || octets.next().unwrap_or_default();
    let kind = next() % if depth > 12 { 9 } else { 14 };
    let number = u64::from(next()) << (next() % 32);
    let first = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap_or_default();
    let day = first.checked_add_days(Days::new(number % 40_000)).unwrap_or_default();
    match kind {
        0 => SearchKey::All,
        1 | 2 => {
            let uids = [number, number / 3, number + 1, number / 3 + 2];
            let uids = uids.into_iter().filter_map(|uid| u32::try_from(uid).ok().and_then(Uid::new));
            UidSet::of(uids.chain([Uid::MAX].into_iter().filter(|_| kind == 2))).map_or(SearchKey::All, SearchKey::Uid)
        }
        3 => SearchKey::Flag(Flag::ALL[number as usize % Flag::ALL.len()]),
        4 => SearchKey::Larger(number),
        5 => SearchKey::Smaller(number),
        6 => SearchKey::Since(day),
        7 => SearchKey::Before(day),
        8 => {
            let length = usize::from(next()) % 70;
            let text: String = (0..length).map(|_| char::from(next())).collect();
            let field = FIELDS[number as usize % FIELDS.len()];
            SearchText::new(&text).map_or(SearchKey::All, |text| SearchKey::Text(field, text))
        }
        9 => !key(octets, depth + 1),
        10 => key(octets, depth + 1).or(key(octets, depth + 1)),
        11 => key(octets, depth + 1).and(key(octets, depth + 1)),
        12 => SearchKey::Or(Box::new(key(octets, depth + 1)), Box::new(key(octets, depth + 1))),
        _ => SearchKey::Not(Box::new(key(octets, depth + 1))),
    }
}

/// Reads keys that follow each other.
fn keys(words: &mut &[Word]) -> SearchKey {
    let mut all = vec![one(words)];
    while !matches!(words.first(), None | Some(Word::Close)) {
        all.push(one(words));
    }
    match <[SearchKey; 1]>::try_from(all) {
        Ok([only]) => only,
        Err(all) => SearchKey::And(all),
    }
}

fn one(words: &mut &[Word]) -> SearchKey {
    let word = next(words);
    if *word == Word::Open {
        let inner = keys(words);
        assert_eq!(next(words), &Word::Close);
        return inner;
    }
    let Word::Atom(name) = word else { panic!("{word} is no key") };
    let set = Flag::ALL.into_iter().find(|flag| flag.key() == name).map(SearchKey::Flag);
    let unset = || Flag::ALL.into_iter().find(|flag| flag.unset_key() == name).map(|flag| !SearchKey::Flag(flag));
    if let Some(key) = set.or_else(unset) {
        return key;
    }
    match name.as_str() {
        "ALL" => SearchKey::All,
        "NOT" => SearchKey::Not(Box::new(one(words))),
        "OR" => {
            let left = one(words);
            SearchKey::Or(Box::new(left), Box::new(one(words)))
        }
        name => {
            let value = next(words);
            let atom = || if let Word::Atom(atom) = value { atom.as_str() } else { panic!("{value} is no atom") };
            let day = || NaiveDate::parse_from_str(atom(), "%d-%b-%Y").expect("a day");
            match name {
                "UID" => SearchKey::Uid(UidSet::parse(atom()).expect("a set")),
                "LARGER" => SearchKey::Larger(atom().parse().expect("a number")),
                "SMALLER" => SearchKey::Smaller(atom().parse().expect("a number")),
                "SINCE" => SearchKey::Since(day()),
                "BEFORE" => SearchKey::Before(day()),
                name => {
                    let field = if name == "HEADER" { format!("HEADER {}", atom()) } else { name.to_owned() };
                    let value = if name == "HEADER" { next(words) } else { value };
                    let Word::Text(text) = value else { panic!("{value} is no text") };
                    let field = FIELDS.into_iter().find(|known| known.to_string() == field).expect("a field");
                    SearchKey::Text(field, SearchText::new(text).expect("a text that can be said"))
                }
            }
        }
    }
}

fn next<'a>(words: &mut &'a [Word]) -> &'a Word {
    let (first, rest) = words.split_first().expect("a word follows");
    *words = rest;
    first
}

const FIELDS: [TextField; 9] = [
    TextField::Subject,
    TextField::From,
    TextField::To,
    TextField::Cc,
    TextField::Bcc,
    TextField::MessageId,
    TextField::InReplyTo,
    TextField::References,
    TextField::Body,
];

/// A message of which everything follows from a number.
#[derive(Debug)]
struct Invented(u32);

impl Facts for Invented {
    type Error = std::convert::Infallible;

    fn uid(&self) -> Uid {
        Uid::new(self.0 >> (self.0 % 32)).unwrap_or(Uid::MAX)
    }

    fn has(&mut self, flag: Flag) -> Result<Option<bool>, Self::Error> {
        Ok(Some(self.0 >> (flag as u32) & 1 == 1))
    }

    fn received_at(&mut self) -> Result<Option<Timestamp>, Self::Error> {
        Ok((!self.0.is_multiple_of(5)).then_some(Timestamp(i64::from(self.0) * 1_000_000)))
    }

    fn size(&mut self) -> Result<Option<u64>, Self::Error> {
        Ok((!self.0.is_multiple_of(7)).then_some(u64::from(self.0 >> (self.0 % 29))))
    }
}
