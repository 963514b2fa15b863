//! A search in a server's own words, as a person writes it: the text of `imap_search` and `gmail`.
//!
//! Pure. What is here can be said in one command and is nothing else: it is taken apart into words (RFC 9051 §6.4.4), and
//! whoever sends it writes the words, never the text. What it finds, only a server knows.

mod keys;

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// A search that only a server can answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServerSearch {
    /// Keys of SEARCH, at least one.
    Imap(Program),
    /// What one would write into Gmail's own search field.
    Gmail(GmailQuery),
}

/// Keys of SEARCH as words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Program(Vec<Word>);

/// A text for Gmail's search field: not empty, of bounded length, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GmailQuery(String);

/// A word of a program.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Word {
    /// Letters, digits and signs that need no quotes.
    Atom(String),
    /// What stood between quotes, without them.
    Text(String),
    /// The beginning of a list.
    Open,
    /// The end of a list.
    Close,
}

impl ServerSearch {
    /// The search that `imap_search('…')` means.
    ///
    /// # Errors
    /// When the text is not a sequence of search keys.
    pub fn imap(text: &str) -> Result<Self> {
        let wrong = |reason: String| {
            Error::new(ErrorKind::Query, format!("imap_search('{}'): {reason}", shown(text)))
                .hint("it takes what the SEARCH command takes: imap_search('SUBJECT \"lamp\" UNSEEN')")
        };
        let words = words(text).map_err(wrong)?;
        keys::check(&words).map_err(wrong)?;
        Ok(ServerSearch::Imap(Program(words)))
    }

    /// The search that `gmail('…')` means.
    ///
    /// # Errors
    /// When the text is empty or cannot be said.
    pub fn gmail(text: &str) -> Result<Self> {
        let wrong = |reason: String| {
            Error::new(ErrorKind::Query, format!("gmail('{}'): {reason}", shown(text)))
                .hint("it takes what Gmail's search field takes: gmail('has:attachment older_than:1y')")
        };
        check_text(text).map_err(wrong)?;
        if text.trim().is_empty() {
            return Err(wrong("there is nothing to search for".to_owned()));
        }
        Ok(ServerSearch::Gmail(GmailQuery(text.to_owned())))
    }

    /// The function that is called like this in SQL.
    pub fn function(&self) -> &'static str {
        match self {
            ServerSearch::Imap(_) => "imap_search",
            ServerSearch::Gmail(_) => "gmail",
        }
    }

    /// Whether it has no letters beyond ASCII; of others, a server must be told the character set.
    pub fn is_ascii(&self) -> bool {
        match self {
            ServerSearch::Imap(program) => program.words().iter().all(|word| match word {
                Word::Atom(text) | Word::Text(text) => text.is_ascii(),
                Word::Open | Word::Close => true,
            }),
            ServerSearch::Gmail(query) => query.text().is_ascii(),
        }
    }
}

/// As it is asked.
impl fmt::Display for ServerSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerSearch::Imap(program) => {
                let mut is_first = true;
                for word in program.words() {
                    f.write_str(if is_first || *word == Word::Close { "" } else { " " })?;
                    write!(f, "{word}")?;
                    is_first = *word == Word::Open;
                }
                Ok(())
            }
            ServerSearch::Gmail(query) => write!(f, "X-GM-RAW {}", Word::Text(query.0.clone())),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Word::Atom(text) => f.write_str(text),
            Word::Text(text) => write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Word::Open => f.write_str("("),
            Word::Close => f.write_str(")"),
        }
    }
}

impl Program {
    /// Its words; lists are closed that are opened.
    pub fn words(&self) -> &[Word] {
        &self.0
    }
}

impl GmailQuery {
    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Takes a text apart; what is wrong with it otherwise.
fn words(text: &str) -> Result<Vec<Word>, String> {
    check_text(text)?;
    let mut words = Vec::new();
    let mut depth = 0_usize;
    let mut rest = text.trim_start_matches(' ');
    while let Some(first) = rest.chars().next() {
        let word;
        (word, rest) = match first {
            '(' => (Word::Open, &rest[1..]),
            ')' => (Word::Close, &rest[1..]),
            '"' => quoted(&rest[1..])?,
            _ => atom(rest)?,
        };
        match word {
            Word::Open => depth += 1,
            Word::Close => depth = depth.checked_sub(1).ok_or("a parenthesis is closed that was not opened")?,
            Word::Atom(_) | Word::Text(_) => {}
        }
        if depth > MOST_DEPTH {
            return Err(format!("parentheses are nested more than {MOST_DEPTH} deep"));
        }
        let after = rest.trim_start_matches(' ');
        let may_follow = word == Word::Open || after.is_empty() || after.starts_with(')') || after.len() < rest.len();
        if !may_follow {
            return Err(format!("there must be a blank before {}", shown(after)));
        }
        rest = after;
        words.push(word);
    }
    if depth > 0 { Err("a parenthesis is not closed".to_owned()) } else { Ok(words) }
}

/// What no text may have, wherever it stands.
fn check_text(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("line ends and other control characters cannot be searched with".to_owned());
    }
    if text.len() > MOST_OCTETS {
        return Err(format!("it is longer than {MOST_OCTETS} octets"));
    }
    Ok(())
}

/// Reads as far as the closing quote (RFC 9051 §4.3).
fn quoted(text: &str) -> Result<(Word, &str), String> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((Word::Text(value), &text[at + 1..])),
            '\\' => match letters.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                _ => return Err("within quotes, a backslash stands before a quote or a backslash only".to_owned()),
            },
            other => value.push(other),
        }
    }
    Err("a quote is not closed".to_owned())
}

/// Reads as far as an atom goes (RFC 9051 §9, `astring`), or a set of numbers.
fn atom(text: &str) -> Result<(Word, &str), String> {
    let end = text.find([' ', '(', ')', '"']).unwrap_or(text.len());
    let (atom, rest) = text.split_at(end);
    // A star stands in sets of numbers only.
    let is_set = atom.chars().all(|letter| matches!(letter, '0'..='9' | ':' | ',' | '*'));
    let is_plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '{' | '%' | '*' | '\\');
    if is_set || atom.chars().all(is_plain) {
        return Ok((Word::Atom(atom.to_owned()), rest));
    }
    Err(format!("{} must stand in double quotes", shown(atom)))
}

/// A text as far as an error shows it.
fn shown(text: &str) -> String {
    let visible = text.chars().flat_map(|letter| {
        let escaped = letter.is_control().then(|| letter.escape_default());
        escaped.into_iter().flatten().chain((!letter.is_control()).then_some(letter))
    });
    let mut visible: String = visible.collect();
    if let Some((end, _)) = visible.char_indices().nth(SHOWN) {
        visible.truncate(end);
        visible.push('…');
    }
    visible
}

/// Octets of a search; what is longer is a mistake, and servers read lines of some length only.
const MOST_OCTETS: usize = 4_000;

/// How deep lists may be nested: no person nests them deeper, and servers set limits, too.
const MOST_DEPTH: usize = 16;

/// Letters of a search in an error.
const SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        ServerSearch::imap(text).unwrap().to_string()
    }

    fn refused(text: &str) -> String {
        ServerSearch::imap(text).unwrap_err().to_string()
    }

    #[test]
    fn what_the_rfc_allows_is_taken_as_it_is() {
        for text in [
            "UNSEEN",
            "SUBJECT \"x\" UNSEEN",
            "subject lamp not seen",
            "TEXT \"say \\\"hi\\\" \\\\o/\"",
            "OR (FROM ada SINCE 1-Feb-2026) (NOT (SEEN FLAGGED) KEYWORD $Junk)",
            "OR NOT SEEN OR FLAGGED DRAFT",
            "UID 1:5,9:* LARGER 1000",
            "HEADER List-Id \"\" HEADER \"X-Odd\" a@b",
            "MODSEQ \"/flags/\\\\draft\" all 620162338 SEEN",
            "MODSEQ 620162338 YOUNGER 3600",
            "SUBJECT \"Grüße aus Köln\" BODY \"{5} 100% *\"",
            "FUZZY SUBJECT \"lamp\"",
            "X-GM-RAW \"has:attachment\"",
            "X-ODD 5 \"x\" (1 2 (y)) UNSEEN",
            "NOT X-ODD 7",
        ] {
            assert_eq!(said(text), text);
        }
        assert_eq!(said("  OR  ( SEEN )   ((DRAFT  FLAGGED) )"), "OR (SEEN) ((DRAFT FLAGGED))");
    }

    #[test]
    fn what_is_no_program_is_refused_before_anybody_is_asked() {
        for (text, reason) in [
            ("", "there is nothing to search for"),
            ("   ", "there is nothing to search for"),
            ("()", "there is nothing to search for"),
            ("SEEN ()", "there is nothing to search for"),
            ("x\r\nA2 DELETE INBOX", "control characters"),
            ("SUBJECT \"x\r\nA2 DELETE INBOX\"", "control characters"),
            ("SUBJECT \"x\0\"", "control characters"),
            ("SUBJECT {5}", "{5} must stand in double quotes"),
            ("SUBJECT {5+}", "{5+} must stand in double quotes"),
            ("SUBJECT 100%", "100% must stand in double quotes"),
            ("SUBJECT x*", "x* must stand in double quotes"),
            ("KEYWORD \\Seen", "must stand in double quotes"),
            ("SUBJECT Grüße", "Grüße must stand in double quotes"),
            ("SUBJECT \"x", "a quote is not closed"),
            ("SUBJECT \"x\\\"", "a quote is not closed"),
            ("SUBJECT \"a\\n\"", "a backslash stands before"),
            ("SUBJECT \"a\"UNSEEN", "there must be a blank before UNSEEN"),
            ("SUBJECT\"a\"", "there must be a blank before \"a\""),
            ("NOT(SEEN)", "there must be a blank before (SEEN)"),
            ("(SEEN)(DRAFT)", "there must be a blank before (DRAFT)"),
            ("(SEEN", "a parenthesis is not closed"),
            ("SEEN)", "a parenthesis is closed that was not opened"),
            (")(", "a parenthesis is closed that was not opened"),
            ("\"invoice\"", "TEXT \"invoice\" looks for it everywhere"),
            ("1:5", "UID 1:5 stands for uids"),
            ("UNSEEN 1,3:*", "UID 1,3:* stands for uids"),
            ("NOT 7", "UID 7 stands for uids"),
            ("X-ODD 5 SEEN 6", "UID 6 stands for uids"),
            ("RETURN (ALL) SEEN", "RETURN is no key"),
            ("charset UTF-8 SEEN", "CHARSET is no key"),
            ("$", "there is none"),
            ("SUBJECT", "after SUBJECT, there must be a word or a text"),
            ("SUBJECT (SEEN)", "after SUBJECT, there must be a word or a text"),
            ("(SUBJECT) x", "after SUBJECT, there must be a word or a text"),
            ("HEADER List-Id", "after HEADER, there must be 2 words or texts"),
            ("NOT", "NOT wants a key after it, and OR two"),
            ("OR SEEN", "NOT wants a key after it, and OR two"),
            ("(OR SEEN) DRAFT", "NOT wants a key after it, and OR two"),
            ("OR NOT SEEN", "NOT wants a key after it, and OR two"),
        ] {
            let said = refused(text);
            assert!(said.contains(reason) && !said.contains(['\r', '\n', '\0']), "{text:?}: {said}");
        }
        assert!(refused(&format!("SUBJECT \"{}\"", "x".repeat(4_000))).contains("longer than 4000 octets"));
        assert!(refused(&format!("{}SEEN{}", "(".repeat(17), ")".repeat(17))).contains("more than 16 deep"));
        assert_eq!(said(&format!("{}SEEN", "NOT ".repeat(900))).len(), 3_604, "no stack is needed for that");
    }

    #[test]
    fn a_search_of_gmail_is_any_text() {
        let search = ServerSearch::gmail("from:ada \"50% off\" {a b}").unwrap();
        assert_eq!(search.to_string(), r#"X-GM-RAW "from:ada \"50% off\" {a b}""#);
        assert!(search.is_ascii() && !ServerSearch::gmail("Grüße").unwrap().is_ascii());
        for text in ["", " ", "x\r\nA2 DELETE INBOX", &"x".repeat(4_001)] {
            assert!(ServerSearch::gmail(text).is_err(), "{text:?}");
        }
    }
}
