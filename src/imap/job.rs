//! A job: some messages at one step of a reading, and the commands that take them through it.
//!
//! Puts into messages what rows bring. Which jobs there are, [`super::backlog`] decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::capability::Capabilities;
use super::command::{self, Command, Messages, Section};
use super::row::{Content, Row};
use crate::mail::body::Layout;
use crate::mail::content::{self, BEGINNING, Extent};
use crate::mail::{Fetch, Header, HeaderFetch, Message, Part, PartNumber, Uid, UidSet};

/// Messages at a step.
#[derive(Debug)]
pub struct Job {
    /// The step, by its place among all.
    pub step: usize,
    /// What it asks for.
    pub kind: Kind,
    /// The messages for which not everything has come.
    pub messages: BTreeMap<Uid, Message>,
    /// Octets that they will bring, as far as that is known.
    pub octets: u64,
    /// Those of them for which something has come.
    pub landed: BTreeSet<Uid>,
    /// Those of which only news came: they are there.
    pub heard_of: BTreeSet<Uid>,
    /// Commands without an answer.
    pub commands: usize,
    /// The server answered for messages above this uid only (RFC 9738).
    pub answered_above: Option<Uid>,
    /// It asks for messages below this uid only, as those above were answered before.
    pub below: Option<Uid>,
    /// Something came that does not say of which message it is.
    pub has_nameless: bool,
    /// Nothing came of its messages before, and nothing said that they are gone.
    pub is_again: bool,
}

/// What a job asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Opens the folder.
    Examine,
    /// Finds uids.
    Search,
    /// Finds messages, and the server remembers which.
    SearchSaved,
    /// The first step of messages that nobody knows yet.
    Sweep(Arc<Fetch>),
    /// What one look gives.
    Items(Arc<Fetch>),
    /// Contents of parts.
    Contents(Arc<Fetch>),
    /// The whole message, as its structure cannot be understood.
    Whole(Arc<Fetch>),
}

/// What became of a row.
#[derive(Debug)]
pub enum Taken {
    /// It is about none of the job's messages.
    Not,
    /// It brought something, or nothing that was asked for.
    InPart,
    /// It was the last that was missing of a message.
    Whole(Box<Message>),
    /// It cannot be understood; the message must be looked at in another way.
    Unclear(Box<Message>),
}

impl Job {
    /// A job without messages.
    pub fn new(step: usize, kind: Kind) -> Self {
        let (messages, landed, heard_of) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        let (answered_above, below) = (None, None);
        Self {
            step,
            kind,
            messages,
            octets: 0,
            landed,
            heard_of,
            commands: 0,
            answered_above,
            below,
            has_nameless: false,
            is_again: false,
        }
    }

    /// A job for messages.
    pub fn of(step: usize, kind: Kind, messages: impl IntoIterator<Item = Message>) -> Self {
        let messages = messages.into_iter().map(|message| (message.uid, message)).collect();
        Self { messages, ..Self::new(step, kind) }
    }

    /// The commands that take its messages through its step.
    pub fn commands(&self, able: &Capabilities) -> Vec<Command> {
        let Some(uids) = UidSet::of(self.messages.keys().copied()) else { return Vec::new() };
        let sets = || command::cut(&uids).into_iter().map(Messages::Uids);
        match &self.kind {
            Kind::Items(items) => sets().map(|set| command::fetch(&set, items, able)).collect(),
            Kind::Whole(_) => sets().map(|set| command::fetch_sections(&set, &[Section::Whole])).collect(),
            Kind::Contents(fetch) => self.commands_for_contents(fetch),
            Kind::Examine | Kind::Search | Kind::SearchSaved | Kind::Sweep(_) => Vec::new(),
        }
    }

    /// Messages that want the same parts are asked for together.
    fn commands_for_contents(&self, fetch: &Fetch) -> Vec<Command> {
        let mut groups: BTreeMap<Vec<Section>, Vec<Uid>> = BTreeMap::new();
        for message in self.messages.values() {
            groups.entry(sections(message, fetch)).or_default().push(message.uid);
        }
        let mut commands = Vec::new();
        for (sections, uids) in groups {
            for set in UidSet::of(uids).iter().flat_map(command::cut) {
                commands.push(command::fetch_sections(&Messages::Uids(set), &sections));
            }
        }
        commands
    }

    /// Takes what a row says of one of its messages.
    pub fn take(&mut self, uid: Uid, row: &mut Row) -> Taken {
        let Some(message) = self.messages.get_mut(&uid) else { return Taken::Not };
        if !answers(&self.kind, row) {
            // News about flags are as good as an answer that comes without them.
            message.flags = row.flags.take().or(message.flags.take());
            self.heard_of.insert(uid);
            return Taken::InPart;
        }
        if row.broken.is_some() {
            return self.messages.remove(&uid).map_or(Taken::Not, |message| Taken::Unclear(Box::new(message)));
        }
        self.landed.insert(uid);
        fill(message, &self.kind, row);
        if missing(message, &self.kind).is_some() {
            return Taken::InPart;
        }
        self.messages.remove(&uid).map_or(Taken::Not, |message| Taken::Whole(Box::new(message)))
    }
}

impl Kind {
    /// Whether it brings contents.
    pub fn has_content(&self) -> bool {
        match self {
            Kind::Sweep(fetch) | Kind::Items(fetch) => fetch.raw,
            Kind::Contents(_) | Kind::Whole(_) => true,
            Kind::Examine | Kind::Search | Kind::SearchSaved => false,
        }
    }
}

/// Whether a message wants contents of parts at all.
pub fn wants_contents(message: &Message, fetch: &Fetch) -> bool {
    message.structure.is_some() && !sections(message, fetch).is_empty()
}

/// Octets of contents that a message will bring; none where its size is not known.
pub fn expected(message: &Message, kind: &Kind) -> Option<u64> {
    let (root, fetch) = match (kind, &message.structure) {
        (Kind::Contents(fetch), Some(root)) => (root, fetch),
        (Kind::Items(items), _) if items.raw => return message.size,
        _ => return Some(0),
    };
    let size = |number: &PartNumber, extent| match extent {
        Extent::Beginning => size_of(root, number).min(BEGINNING as u64),
        Extent::Whole => size_of(root, number),
    };
    let wanted = content::wanted(root, fetch, message.wanted_attachments.as_ref());
    Some(wanted.iter().map(|(number, extent)| size(number, *extent)).fold(0, u64::saturating_add))
}

/// Whether a row brings something that was asked for, and is not just news about flags.
pub fn answers(kind: &Kind, row: &Row) -> bool {
    match kind {
        Kind::Sweep(items) | Kind::Items(items) => {
            let only_news = Fetch { flags: items.flags, mod_seq: items.mod_seq, ..Fetch::default() };
            **items == only_news || row.tells_more || row.broken.is_some()
        }
        Kind::Contents(_) => !row.sections.is_empty() || row.broken.is_some(),
        Kind::Whole(_) => row.raw != Content::Absent || row.broken.is_some(),
        Kind::Examine | Kind::Search | Kind::SearchSaved => false,
    }
}

/// Puts into a message what a row brings of it.
pub fn fill(message: &mut Message, kind: &Kind, row: &mut Row) {
    match kind {
        Kind::Sweep(items) | Kind::Items(items) => fill_items(message, items, row),
        Kind::Contents(fetch) => fill_contents(message, fetch, row),
        Kind::Whole(fetch) => fill_whole(message, fetch, row),
        Kind::Examine | Kind::Search | Kind::SearchSaved => {}
    }
    if row.oversized {
        tell(message, TOO_LARGE);
    }
}

/// The same message, with what the server left out among its problems.
pub fn told(mut message: Message, kind: &Kind) -> Message {
    if let Some(what) = missing(&message, kind)
        && !message.problems.iter().any(|problem| problem == TOO_LARGE)
    {
        tell(&mut message, &format!("the server did not send {what}"));
    }
    message
}

/// A message of which a row could not be understood, and why.
pub fn unclear(mut message: Message, row: &Row) -> Message {
    if let Some(broken) = &row.broken {
        tell(&mut message, &format!("the server's answer makes no sense: {}", broken.0));
    }
    message
}

fn fill_items(message: &mut Message, items: &Fetch, row: &mut Row) {
    message.flags = row.flags.take().or(message.flags.take());
    message.received_at = row.received_at.or(message.received_at);
    message.size = row.size.or(message.size);
    message.mod_seq = row.mod_seq.or(message.mod_seq);
    message.labels = row.labels.take().or(message.labels.take());
    message.thread_id = row.thread_id.take().or(message.thread_id.take());
    message.email_id = row.email_id.take().or(message.email_id.take());
    if let Content::Octets(header) = std::mem::take(&mut row.header) {
        message.header = Some(Header::parse(header));
    }
    if let Some(Ok(structure)) = row.structure.take() {
        message.structure = Some(structure);
    }
    if items.raw {
        fill_whole(message, items, row);
    }
}

fn fill_whole(message: &mut Message, fetch: &Fetch, row: &mut Row) {
    if let Content::Octets(raw) = std::mem::take(&mut row.raw) {
        content::fill(message, fetch, &raw);
    }
}

fn fill_contents(message: &mut Message, fetch: &Fetch, row: &mut Row) {
    let preview = message.structure.as_ref().and_then(|root| Layout::of(root).preview()?.number.clone());
    for section in std::mem::take(&mut row.sections) {
        let is_empty = || message.structure.as_ref().is_some_and(|root| size_of(root, &section.number) == 0);
        // Some servers say that they do not have what is empty.
        let Some(octets) = section.octets.or_else(|| is_empty().then(Bytes::new)) else { continue };
        if fetch.preview && preview.as_ref() == Some(&section.number) {
            message.preview = Some(octets.slice(..octets.len().min(BEGINNING)));
        }
        if section.origin.is_none() {
            message.contents.insert(section.number, octets);
        }
    }
}

/// What is missing of a message after a step, in a word.
pub fn missing(message: &Message, kind: &Kind) -> Option<&'static str> {
    let items = match kind {
        Kind::Sweep(items) | Kind::Items(items) => items,
        Kind::Contents(fetch) => return wants_contents(message, fetch).then_some("all parts"),
        Kind::Whole(_) => return message.structure.is_none().then_some("the message"),
        Kind::Examine | Kind::Search | Kind::SearchSaved => return None,
    };
    let missing = [
        (items.flags && message.flags.is_none(), "the flags"),
        (items.received_at && message.received_at.is_none(), "the time of arrival"),
        (items.size && message.size.is_none(), "the size"),
        (items.header != HeaderFetch::None && message.header.is_none(), "the header"),
        (items.raw && message.structure.is_none(), "the message"),
    ];
    missing.iter().find(|(is_missing, _)| *is_missing).map(|(_, what)| *what)
}

fn sections(message: &Message, fetch: &Fetch) -> Vec<Section> {
    let Some(root) = &message.structure else { return Vec::new() };
    let missing =
        content::wanted(root, fetch, message.wanted_attachments.as_ref()).into_iter().filter(|(number, extent)| {
            match extent {
                Extent::Whole => !message.contents.contains_key(number),
                Extent::Beginning => message.preview.is_none(),
            }
        });
    let section = |(number, extent)| match extent {
        Extent::Whole => Section::Part(number),
        Extent::Beginning => Section::Beginning(number, u32::try_from(BEGINNING).unwrap_or(u32::MAX)),
    };
    missing.map(section).collect()
}

fn size_of(part: &Part, number: &PartNumber) -> u64 {
    let own = if part.number.as_ref() == Some(number) { part.encoded_size } else { 0 };
    part.parts.iter().map(|part| size_of(part, number)).fold(own, u64::saturating_add)
}

fn tell(message: &mut Message, problem: &str) {
    if !message.problems.iter().any(|known| known == problem) {
        message.problems.push(problem.to_owned());
    }
}

/// Octets that a message holds on to, about.
pub fn weight(message: &Message) -> usize {
    message.contents.values().map(Bytes::len).sum::<usize>() + message.raw.as_ref().map_or(0, Bytes::len)
}

const TOO_LARGE: &str = "not loaded: larger than the limit literal_mb";
