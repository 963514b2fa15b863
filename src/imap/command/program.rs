//! Search keys as words of a command; those that a person wrote, too (RFC 9051 §6.4.4).
//!
//! Pure. Whatever a person writes arrives here taken apart into words, and leaves as words of ours.

use super::words::Words;
use crate::mail::server_search::Word;
use crate::mail::{SearchKey, ServerSearch};

impl Words {
    /// A search key, with the character set before it where it needs one.
    pub(super) fn search_key(self, key: &SearchKey) -> Self {
        let is_ascii = key.server_search().is_none_or(ServerSearch::is_ascii);
        let words = if is_ascii { self } else { self.word("CHARSET").word("UTF-8") };
        words.key(key)
    }

    fn key(self, key: &SearchKey) -> Self {
        match key {
            SearchKey::Server(search) => self.server_search(search),
            key if key.server_search().is_none() => self.word(&key.to_string()),
            SearchKey::And(keys) => keys.iter().fold(self, |words, key| words.open().key(key).close()),
            SearchKey::Or(left, right) => self.word("OR").open().key(left).close().open().key(right).close(),
            SearchKey::Not(key) | SearchKey::NotTrue(key) => self.word("NOT").open().key(key).close(),
            // They have nothing within them.
            SearchKey::All
            | SearchKey::Uid(_)
            | SearchKey::Flag(_)
            | SearchKey::Larger(_)
            | SearchKey::Smaller(_)
            | SearchKey::Since(_)
            | SearchKey::Before(_)
            | SearchKey::Text(..) => self.word(&key.to_string()),
        }
    }

    fn server_search(self, search: &ServerSearch) -> Self {
        match search {
            ServerSearch::Gmail(query) => self.word("X-GM-RAW").string(query.text()),
            ServerSearch::Imap(program) => program.words().iter().fold(self, |words, word| match word {
                Word::Atom(atom) => words.word(atom),
                Word::Text(text) => words.string(text),
                Word::Open => words.open(),
                Word::Close => words.close(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SearchResult, search};
    use super::*;
    use crate::imap::capability::Capabilities;
    use crate::mail::{Flag, UidSet};

    fn said(key: &SearchKey) -> Vec<String> {
        let command = search(key, SearchResult::Uids, &Capabilities::of(["ESEARCH"]));
        command.octets("A1").into_iter().map(|part| String::from_utf8(part).unwrap()).collect()
    }

    fn imap(text: &str) -> SearchKey {
        SearchKey::Server(ServerSearch::imap(text).unwrap())
    }

    #[test]
    fn a_program_is_said_word_by_word() {
        assert_eq!(said(&imap("  SUBJECT \"x\"  UNSEEN")), ["A1 UID SEARCH RETURN (ALL) SUBJECT \"x\" UNSEEN\r\n"]);
        assert_eq!(
            said(&imap("OR ( FROM ada ) ((SEEN KEYWORD $Junk)) TEXT \"say \\\"hi\\\" \\\\ {5}\"")),
            ["A1 UID SEARCH RETURN (ALL) OR (FROM ada) ((SEEN KEYWORD $Junk)) TEXT \"say \\\"hi\\\" \\\\ {5}\"\r\n"]
        );
        let gmail = SearchKey::Server(ServerSearch::gmail("has:attachment \"50%\"").unwrap());
        assert_eq!(said(&gmail), ["A1 UID SEARCH RETURN (ALL) X-GM-RAW \"has:attachment \\\"50%\\\"\"\r\n"]);
    }

    #[test]
    fn letters_beyond_ascii_are_literals_in_a_set_that_is_told() {
        let said = said(&imap("SUBJECT \"Grüße\" UNSEEN"));
        assert_eq!(said, ["A1 UID SEARCH RETURN (ALL) CHARSET UTF-8 SUBJECT {7}\r\n", "Grüße UNSEEN\r\n"]);
    }

    #[test]
    fn with_other_keys_it_stays_what_it_is() {
        let uids = SearchKey::Uid(UidSet::parse("5:9").unwrap());
        let both = uids.and(imap("OR SEEN SUBJECT \"ü\""));
        assert_eq!(
            said(&both),
            ["A1 UID SEARCH RETURN (ALL) CHARSET UTF-8 (UID 5:9) (OR SEEN SUBJECT {2}\r\n", "ü)\r\n"]
        );
        let either = imap("SEEN DRAFT").or(SearchKey::Flag(Flag::Seen));
        assert_eq!(said(&!either), ["A1 UID SEARCH RETURN (ALL) NOT (OR (SEEN DRAFT) (SEEN))\r\n"]);
    }
}
