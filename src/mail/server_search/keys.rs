//! The keys of a program, and how many words belong to each (RFC 9051 §6.4.4 and the extensions to it).
//!
//! Pure. Finds what is no program before a server is asked; what the words of a key mean, the server says.

use super::Word;

/// What must follow a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follows {
    /// So many words, no lists.
    Words(usize),
    /// So many keys.
    Keys(usize),
    /// A number, or a name, a kind and a number (RFC 7162 §3.1.5).
    ModSeq,
}

/// Words between parentheses, or all of them.
#[derive(Debug, Default)]
struct Level {
    has_key: bool,
    /// Keys that NOT and OR still want.
    wanted: usize,
    /// A key came that is not known here, so any word may belong to it.
    is_unknown: bool,
}

/// Whether the words are keys with what belongs to them; what is wrong otherwise.
pub fn check(words: &[Word]) -> Result<(), String> {
    let (mut above, mut level) = (Vec::new(), Level::default());
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word {
            Word::Open => {
                let inner = Level { is_unknown: level.is_unknown, ..Level::default() };
                level.has(0);
                above.push(std::mem::replace(&mut level, inner));
            }
            Word::Close => {
                level.end()?;
                // Whoever made the words has counted them.
                level = above.pop().unwrap_or_default();
            }
            Word::Text(_) if level.is_unknown => level.has_key = true,
            Word::Text(_) => {
                return Err(format!("{word} is a text without a key; TEXT {word} looks for it everywhere"));
            }
            Word::Atom(key) => match follows(key) {
                Some(Follows::Keys(keys)) => level.key(keys),
                Some(Follows::Words(words)) => {
                    level.key(0);
                    take(&mut rest, key, words)?;
                }
                Some(Follows::ModSeq) => {
                    level.key(0);
                    let words = if matches!(rest.as_slice().first(), Some(Word::Text(_))) { 3 } else { 1 };
                    take(&mut rest, key, words)?;
                }
                None if level.is_unknown => level.has_key = true,
                None => {
                    check_unknown(key)?;
                    level.key(0);
                    level.is_unknown = true;
                }
            },
        }
    }
    level.end()
}

impl Level {
    /// A known key stands here, which wants so many others.
    fn key(&mut self, wants: usize) {
        self.has(wants);
        self.is_unknown = false;
    }

    fn has(&mut self, wants: usize) {
        self.has_key = true;
        self.wanted = self.wanted.saturating_sub(1) + wants;
    }

    fn end(&self) -> Result<(), String> {
        match (self.has_key, self.wanted) {
            (false, _) => Err("there is nothing to search for".to_owned()),
            (true, 0) => Ok(()),
            (true, _) => Err("NOT wants a key after it, and OR two".to_owned()),
        }
    }
}

fn take(rest: &mut std::slice::Iter<'_, Word>, key: &str, words: usize) -> Result<(), String> {
    for _ in 0..words {
        if !matches!(rest.next(), Some(Word::Atom(_) | Word::Text(_))) {
            let words = if words == 1 { "a word or a text".to_owned() } else { format!("{words} words or texts") };
            return Err(format!("after {key}, there must be {words}"));
        }
    }
    Ok(())
}

fn check_unknown(key: &str) -> Result<(), String> {
    match key.to_ascii_uppercase().as_str() {
        "RETURN" => Err("RETURN is no key: what comes back are always the messages".to_owned()),
        "CHARSET" => Err("CHARSET is no key: texts are sent as UTF-8".to_owned()),
        "$" => Err("$ stands for the search before, and there is none".to_owned()),
        set if set.chars().all(|letter| matches!(letter, '0'..='9' | ':' | ',' | '*')) => {
            Err(format!("{key} stands for places in the folder, which change; UID {key} stands for uids"))
        }
        _ => Ok(()),
    }
}

/// What follows a key; nothing when it is not known.
fn follows(key: &str) -> Option<Follows> {
    Some(match key.to_ascii_uppercase().as_str() {
        "ALL" | "ANSWERED" | "DELETED" | "DRAFT" | "FLAGGED" | "NEW" | "OLD" | "RECENT" | "SEEN" | "UNANSWERED"
        | "UNDELETED" | "UNDRAFT" | "UNFLAGGED" | "UNSEEN" | "SAVEDATESUPPORTED" => Follows::Words(0),
        "BCC" | "BEFORE" | "BODY" | "CC" | "EMAILID" | "FILTER" | "FROM" | "KEYWORD" | "LARGER" | "OLDER" | "ON"
        | "SAVEDBEFORE" | "SAVEDON" | "SAVEDSINCE" | "SENTBEFORE" | "SENTON" | "SENTSINCE" | "SINCE" | "SMALLER"
        | "SUBJECT" | "TEXT" | "THREADID" | "TO" | "UID" | "UNKEYWORD" | "X-GM-LABELS" | "X-GM-MSGID" | "X-GM-RAW"
        | "X-GM-THRID" | "YOUNGER" => Follows::Words(1),
        "HEADER" => Follows::Words(2),
        "MODSEQ" => Follows::ModSeq,
        "FUZZY" | "NOT" => Follows::Keys(1),
        "OR" => Follows::Keys(2),
        _ => return None,
    })
}
