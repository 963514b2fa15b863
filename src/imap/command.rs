//! Commands: what a server is asked, made of words and never of joined strings (RFC 9051 §6).
//!
//! Pure. Only what reads is here: there is no way to say SELECT, STORE or a FETCH that marks as read.
//! [`super::session`] sends them, [`super::flight`] says which ones a reading needs.

mod program;
mod words;

use std::fmt;

use bytes::Bytes;

use self::words::Words;
use super::capability::Capabilities;
use crate::account::{Identity, Mechanism, Proof, Secret};
use crate::mail::store::{Order, OrderBy};
use crate::mail::{Fetch, HeaderFetch, PartNumber, SearchKey, StatusItems, UidSet, mutf7};

/// A command without its tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Octets to send; before each but the first, the server must ask to go on.
    parts: Vec<Vec<u8>>,
    /// The same for people, without secrets.
    shown: String,
    /// What is answered when the server asks for more than there is to say.
    reply: Option<&'static str>,
}

/// The name of a folder as the server writes it (modified UTF-7, RFC 3501 §5.1.3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireName(Bytes);

/// What a search is to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchResult {
    /// The uids, as a set where the server can.
    Uids,
    /// The uids, which the server also keeps for the next command (RFC 5182).
    Saved,
    /// How many there are (RFC 4731).
    Number,
}

/// The messages that a FETCH is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Messages {
    /// All of them.
    All,
    /// Those with these uids.
    Uids(UidSet),
    /// Those of the search before (RFC 5182).
    Saved,
}

/// Something to fetch of each message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// The content of a part.
    Part(PartNumber),
    /// The first octets of the content of a part.
    Beginning(PartNumber, u32),
    /// The header of a part (RFC 9051 §6.4.5.1, `MIME`).
    PartHeader(PartNumber),
    /// The fields of the message's header that describe its only part.
    Header,
    /// The size of the message.
    Size,
    /// The whole message.
    Whole,
}

/// CAPABILITY (§6.1.1).
pub fn capability() -> Command {
    Words::new("CAPABILITY").command()
}

/// ID (RFC 2971): some servers want to know who asks.
pub fn id() -> Command {
    let version = env!("CARGO_PKG_VERSION");
    Words::new("ID").open().string("name").string("mailql").string("version").string(version).close().command()
}

/// STARTTLS (§6.2.1).
pub fn start_tls() -> Command {
    Words::new("STARTTLS").command()
}

/// COMPRESS (RFC 4978 §3).
pub fn compress() -> Command {
    Words::new("COMPRESS").word("DEFLATE").command()
}

/// LOGOUT (§6.1.3).
pub fn logout() -> Command {
    Words::new("LOGOUT").command()
}

/// AUTHENTICATE (§6.2.2), in one part where the server takes an initial response (RFC 4959), else step by step.
pub fn authenticate(mechanism: Mechanism, who: Identity<'_>, proof: &Proof, in_one: bool) -> Command {
    let mut words = Words::new("AUTHENTICATE").word(mechanism.name());
    for (step, response) in mechanism.responses(who, proof).iter().enumerate() {
        let response = response.expose();
        words = if step == 0 && in_one { words.secret(response) } else { words.then(response) };
    }
    Command { reply: mechanism.acknowledgement(), ..words.command() }
}

/// LOGIN (§6.2.3).
pub fn login(user: &str, password: &Secret) -> Command {
    Words::new("LOGIN").string(user).secret_string(password.expose()).command()
}

/// LIST of everything (§6.3.9), with the status of each folder where the server can (RFC 5819).
pub fn list_all(status: StatusItems, capabilities: &Capabilities) -> Command {
    listed(Words::new("LIST").string("").string("*"), status, capabilities)
}

/// LIST of one folder.
pub fn list_one(name: &WireName, status: StatusItems, capabilities: &Capabilities) -> Command {
    listed(Words::new("LIST").string("").name(name), status, capabilities)
}

/// LSUB of everything (RFC 3501 §6.3.9), for servers that cannot tell in LIST what is subscribed.
pub fn list_subscribed() -> Command {
    Words::new("LSUB").string("").string("*").command()
}

/// STATUS of a folder (§6.3.11).
pub fn status(name: &WireName, status: StatusItems, capabilities: &Capabilities) -> Command {
    status_items(Words::new("STATUS").name(name), status, capabilities).command()
}

/// EXAMINE: opens a folder for reading only (§6.3.3).
pub fn examine(name: &WireName) -> Command {
    Words::new("EXAMINE").name(name).command()
}

/// UID SEARCH (§6.4.4); the key must be one that the server can be told.
pub fn search(key: &SearchKey, result: SearchResult, capabilities: &Capabilities) -> Command {
    let words = Words::new("UID").word("SEARCH");
    let words = match result {
        SearchResult::Saved => words.word("RETURN").open().word("SAVE").word("ALL").close(),
        SearchResult::Number => words.word("RETURN").open().word("COUNT").close(),
        // Always by name: without one, some servers answer with nothing.
        SearchResult::Uids if capabilities.has("ESEARCH") => words.word("RETURN").open().word("ALL").close(),
        SearchResult::Uids => words,
    };
    words.search_key(key).command()
}

/// UID SORT of the first messages in an order (RFC 5256 §3, RFC 5267 §4.4).
pub fn sort(key: &SearchKey, order: Order, rows: usize) -> Command {
    let words = Words::new("UID").word("SORT").word("RETURN").open().word("PARTIAL").word(&format!("1:{rows}")).close();
    let words = words.open();
    let words = if order.descending { words.word("REVERSE") } else { words };
    let words = words.word(match order.by {
        OrderBy::ReceivedAt => "ARRIVAL",
        OrderBy::Size => "SIZE",
    });
    words.close().word("UTF-8").search_key(key).command()
}

/// UID FETCH of what makes no second look necessary (§6.4.5); peeks only.
pub fn fetch(messages: &Messages, fetch: &Fetch, capabilities: &Capabilities) -> Command {
    let mut words = fetching(messages).word("UID");
    let plain = [
        (fetch.flags, "FLAGS"),
        (fetch.received_at, "INTERNALDATE"),
        (fetch.size, "RFC822.SIZE"),
        (fetch.mod_seq && capabilities.has("CONDSTORE"), "MODSEQ"),
        (fetch.labels && capabilities.has("X-GM-EXT-1"), "X-GM-LABELS"),
        (fetch.thread_id && capabilities.has("X-GM-EXT-1"), "X-GM-THRID"),
        (fetch.thread_id && capabilities.has("OBJECTID"), "THREADID"),
        (fetch.email_id && capabilities.has("X-GM-EXT-1"), "X-GM-MSGID"),
        (fetch.email_id && capabilities.has("OBJECTID"), "EMAILID"),
    ];
    for (_, name) in plain.iter().filter(|(wanted, _)| *wanted) {
        words = words.word(name);
    }
    words = match &fetch.header {
        HeaderFetch::None => words,
        HeaderFetch::All => words.word("BODY.PEEK[HEADER]"),
        HeaderFetch::Fields(names) => {
            let names: Vec<String> = names.iter().map(|name| name.to_uppercase()).collect();
            words.word(&format!("BODY.PEEK[HEADER.FIELDS ({})]", names.join(" ")))
        }
    };
    if fetch.structure {
        words = words.word("BODYSTRUCTURE");
    }
    if fetch.raw {
        words = words.word("BODY.PEEK[]");
    }
    words.close().command()
}

/// UID FETCH of sections; peeks only.
pub fn fetch_sections(messages: &Messages, sections: &[Section]) -> Command {
    let mut words = fetching(messages).word("UID");
    for section in sections {
        words = words.word(&match section {
            Section::Part(number) => format!("BODY.PEEK[{number}]"),
            Section::Beginning(number, octets) => format!("BODY.PEEK[{number}]<0.{octets}>"),
            Section::PartHeader(number) => format!("BODY.PEEK[{number}.MIME]"),
            Section::Header => format!("BODY.PEEK[HEADER.FIELDS ({DESCRIPTION})]"),
            Section::Size => "RFC822.SIZE".to_owned(),
            Section::Whole => "BODY.PEEK[]".to_owned(),
        });
    }
    words.close().command()
}

/// The sets that together are this one, each short enough for a command line (RFC 7162 §4).
pub fn cut(uids: &UidSet) -> Vec<UidSet> {
    let mut sets = Vec::new();
    let mut ranges = Vec::new();
    let mut octets = 0;
    for &(low, high) in uids.askable().ranges() {
        let range = UidSet::range(low, high).map_or(0, |range| range.to_string().len() + 1);
        if octets + range > SET_OCTETS {
            sets.extend(UidSet::of_ranges(std::mem::take(&mut ranges)));
            octets = 0;
        }
        octets += range;
        ranges.push((low, high));
    }
    sets.extend(UidSet::of_ranges(ranges));
    sets
}

/// The fields that describe a part (RFC 2045 §3, RFC 2183).
const DESCRIPTION: &str = "CONTENT-TYPE CONTENT-TRANSFER-ENCODING CONTENT-ID CONTENT-DISPOSITION";

/// How long a set may be in a command.
pub const SET_OCTETS: usize = 8_000;

impl Command {
    /// Its name: `EXAMINE`, `UID FETCH`.
    pub fn verb(&self) -> &str {
        let words = self.shown.strip_prefix("UID ").map_or(0, |_| 4);
        let end = self.shown[words..].find(' ').map_or(self.shown.len(), |at| words + at);
        &self.shown[..end]
    }

    /// What is answered when the server asks for more than there is to say, if anything.
    pub fn reply(&self) -> Option<Vec<u8>> {
        self.reply.map(|reply| format!("{reply}\r\n").into_bytes())
    }

    /// The octets to send, tagged; before each but the first, the server must ask to go on.
    pub fn octets(&self, tag: &str) -> Vec<Vec<u8>> {
        let mut parts = self.parts.clone();
        parts[0].splice(0..0, tag.bytes().chain([b' ']));
        parts
    }
}

/// Without secrets.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Without secrets.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl WireName {
    /// A name as a server wrote it.
    pub fn listed(name: Bytes) -> Self {
        Self(name)
    }

    /// As it is said in a command: in quotes, or where these cannot hold it as a literal, of which the server is to ask for
    /// all parts but the first.
    pub fn spelled(&self) -> Vec<Vec<u8>> {
        words::spelled(self)
    }

    /// The name of a folder with this path.
    pub fn of(path: &str) -> Self {
        Self(mutf7::encode(path).into())
    }
}

fn listed(words: Words, status: StatusItems, capabilities: &Capabilities) -> Command {
    let extended = capabilities.has("LIST-EXTENDED");
    let with_status = !status.is_empty() && capabilities.has("LIST-STATUS");
    if !extended && !with_status {
        return words.command();
    }
    let words = words.word("RETURN").open();
    let words = if extended { words.word("SUBSCRIBED").word("CHILDREN") } else { words };
    let words = if extended && capabilities.has("SPECIAL-USE") { words.word("SPECIAL-USE") } else { words };
    let words = if with_status { status_items(words.word("STATUS"), status, capabilities) } else { words };
    words.close().command()
}

fn status_items(words: Words, status: StatusItems, capabilities: &Capabilities) -> Words {
    let items = [
        (status.messages, "MESSAGES"),
        (status.unseen, "UNSEEN"),
        (status.uid_next, "UIDNEXT"),
        (status.uid_validity, "UIDVALIDITY"),
        (status.highest_modseq && capabilities.has("CONDSTORE"), "HIGHESTMODSEQ"),
        (status.size && capabilities.has("STATUS=SIZE"), "SIZE"),
    ];
    let wanted = items.iter().filter(|(wanted, _)| *wanted);
    let mut words = words.open();
    let mut any = false;
    for (_, name) in wanted {
        words = words.word(name);
        any = true;
    }
    // A list must not be empty.
    if any { words.close() } else { words.word("MESSAGES").close() }
}

fn fetching(messages: &Messages) -> Words {
    let words = Words::new("UID").word("FETCH");
    match messages {
        Messages::All => words.word("1:*"),
        Messages::Uids(uids) => words.word(&uids.to_string()),
        Messages::Saved => words.word("$"),
    }
    .open()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Uid;

    fn said(command: &Command) -> Vec<String> {
        command.octets("A1").into_iter().map(|part| String::from_utf8(part).unwrap()).collect()
    }

    #[test]
    fn quotes_hold_what_they_can_and_literals_the_rest() {
        assert_eq!(said(&examine(&WireName::of("a \"b\" \\c"))), ["A1 EXAMINE \"a \\\"b\\\" \\\\c\"\r\n"]);
        assert_eq!(said(&examine(&WireName::of("Entwürfe"))), ["A1 EXAMINE \"Entw&APw-rfe\"\r\n"]);
        let raw = WireName::listed(Bytes::from_static(b"Entw\xfcrfe"));
        assert_eq!(examine(&raw).octets("A1"), [b"A1 EXAMINE {8}\r\n".to_vec(), b"Entw\xfcrfe\r\n".to_vec()]);
        let name = said(&examine(&WireName::of("x\r\nA2 DELETE INBOX")));
        assert!(name.len() == 1 && name[0].matches("\r\n").count() == 1, "{name:?}");
    }

    #[test]
    fn a_proof_is_sent_and_never_shown() {
        let who = Identity { user: "me", mailbox: None, host: "h", port: 993 };
        let (secret, proof) = (Secret::from("p\"w\\d é"), Proof::Password("x".into()));
        let plain = |in_one| authenticate(Mechanism::Plain, who, &proof, in_one);
        let shown = format!("{} {:?} {} {:?}", login("me", &secret), login("me", &secret), plain(true), plain(false));
        assert!(!shown.contains("p\"w") && !shown.contains("AG1lAHg="), "{shown}");
        assert_eq!(said(&login("me", &secret)), ["A1 LOGIN \"me\" {8}\r\n", "p\"w\\d é\r\n"]);
        assert_eq!(said(&login("me", &Secret::from("p\"w"))), ["A1 LOGIN \"me\" \"p\\\"w\"\r\n"]);
        assert_eq!(said(&plain(true)), ["A1 AUTHENTICATE PLAIN AG1lAHg=\r\n"]);
        assert_eq!(said(&plain(false)), ["A1 AUTHENTICATE PLAIN\r\n", "AG1lAHg=\r\n"]);
        let login = authenticate(Mechanism::Login, who, &proof, false);
        assert_eq!(said(&login), ["A1 AUTHENTICATE LOGIN\r\n", "bWU=\r\n", "eA==\r\n"]);
        let token = authenticate(Mechanism::XOAuth2, who, &Proof::Token("t0k3n".into()), true);
        assert_eq!((token.reply(), plain(true).reply()), (Some(b"\r\n".to_vec()), None));
        assert_eq!(token.to_string(), "AUTHENTICATE XOAUTH2 …");
    }

    #[test]
    fn only_what_the_server_knows_is_asked_for() {
        let everything = Fetch {
            flags: true,
            labels: true,
            thread_id: true,
            email_id: true,
            mod_seq: true,
            structure: true,
            ..Fetch::default()
        };
        let asked = |able: &str| fetch(&Messages::All, &everything, &Capabilities::of(able.split(' '))).to_string();
        assert_eq!(asked("IMAP4rev1"), "UID FETCH 1:* (UID FLAGS BODYSTRUCTURE)");
        assert_eq!(asked("CONDSTORE OBJECTID"), "UID FETCH 1:* (UID FLAGS MODSEQ THREADID EMAILID BODYSTRUCTURE)");
        assert_eq!(asked("X-GM-EXT-1"), "UID FETCH 1:* (UID FLAGS X-GM-LABELS X-GM-THRID X-GM-MSGID BODYSTRUCTURE)");
    }

    #[test]
    fn every_fetch_only_peeks() {
        let mut items = Fetch { raw: true, header: HeaderFetch::All, ..Fetch::default() };
        let able = Capabilities::default();
        let number = PartNumber::only();
        let sections = [Section::Whole, Section::Part(number.clone()), Section::Beginning(number, 4096)];
        let mut said = vec![fetch(&Messages::All, &items, &able), fetch_sections(&Messages::All, &sections)];
        items.header = HeaderFetch::None;
        items.fields(&["subject", "from"]);
        said.push(fetch(&Messages::Saved, &items, &able));
        for command in said {
            let shown = command.to_string();
            assert_eq!(shown.matches("BODY[").count(), 0, "{shown}");
            assert!(shown.contains("BODY.PEEK["), "{shown}");
        }
    }

    #[test]
    fn status_and_subscription_are_asked_for_in_one_command_where_that_is_possible() {
        let status = StatusItems { messages: true, size: true, highest_modseq: true, ..StatusItems::default() };
        let asked = |able: &str| list_all(status, &Capabilities::of(able.split(' '))).to_string();
        assert_eq!(asked("IMAP4rev1"), "LIST \"\" \"*\"");
        assert_eq!(asked("LIST-STATUS"), "LIST \"\" \"*\" RETURN (STATUS (MESSAGES))");
        assert_eq!(
            asked("LIST-EXTENDED SPECIAL-USE LIST-STATUS STATUS=SIZE CONDSTORE"),
            "LIST \"\" \"*\" RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES HIGHESTMODSEQ SIZE))"
        );
    }

    #[test]
    fn a_long_set_is_cut_into_commands() {
        let all = UidSet::of((1..4_000).filter_map(|number| Uid::new(number * 2))).unwrap();
        let sets = cut(&all);
        assert!(sets.len() > 1 && sets.iter().all(|set| set.to_string().len() <= SET_OCTETS));
        assert_eq!(sets.into_iter().reduce(|one, other| one.union(&other)), Some(all));
    }
}
