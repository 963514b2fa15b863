//! A job: some messages at one step of a reading, and the commands that take them through it.
//!
//! Puts into messages what rows bring. Which jobs there are, [`super::backlog`] decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::body_structure::Told;
use super::capability::Capabilities;
use super::command::{self, Command, Messages, Section};
use super::flight;
use super::quirk::Family;
use super::row::{Content, Row};
use crate::mail::content::{self, Extent, Redeclared};
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
    /// Its messages were asked for before, and not all came that was asked.
    pub is_again: bool,
    /// It is about one message and no other.
    pub is_alone: bool,
    /// The words with which the server refused one of its commands.
    pub refusal: Option<String>,
    /// Whether the session was lost before it had ended.
    pub was_lost: bool,
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
    /// Tells which messages the folder has by now: it is opened anew, and all of them are searched for.
    Listing,
    /// The first step of messages that nobody knows yet.
    Sweep(Arc<Fetch>),
    /// What one look gives.
    Items(Arc<Fetch>),
    /// Contents of parts.
    Contents(Arc<Fetch>),
    /// Headers of parts, as the structure may not be what the message says.
    PartHeaders,
    /// The same, where the contents show it: only what is needed to decode them is taken.
    Encodings,
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
    /// It cannot be understood, and why; the message must be asked for in another way, or once more.
    Unclear(Box<Message>, String),
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
            is_alone: false,
            refusal: None,
            was_lost: false,
        }
    }

    /// A job for messages.
    pub fn of(step: usize, kind: Kind, messages: impl IntoIterator<Item = Message>) -> Self {
        let messages: BTreeMap<Uid, Message> = messages.into_iter().map(|message| (message.uid, message)).collect();
        Self { is_alone: messages.len() == 1, messages, ..Self::new(step, kind) }
    }

    /// The commands that take its messages through its step.
    pub fn commands(&self, family: &Family, able: &Capabilities) -> Vec<Command> {
        let Some(uids) = UidSet::of(self.messages.keys().copied()) else { return Vec::new() };
        let sets = || command::cut(&uids).into_iter().map(Messages::Uids);
        match &self.kind {
            Kind::Items(items) => {
                let items = flight::asked(items, family);
                sets().map(|set| command::fetch(&set, &items, able)).collect()
            }
            Kind::Whole(_) => {
                sets().map(|set| command::fetch_sections(&set, &[Section::Size, Section::Whole])).collect()
            }
            Kind::Contents(fetch) => self.commands_for(|message| sections(message, fetch)),
            Kind::PartHeaders | Kind::Encodings => self.commands_for(part_headers),
            Kind::Examine | Kind::Search | Kind::SearchSaved | Kind::Listing | Kind::Sweep(_) => Vec::new(),
        }
    }

    /// Messages that want the same sections are asked for together.
    fn commands_for(&self, sections: impl Fn(&Message) -> Vec<Section>) -> Vec<Command> {
        let mut groups: BTreeMap<Vec<Section>, Vec<Uid>> = BTreeMap::new();
        for message in self.messages.values() {
            groups.entry(sections(message)).or_default().push(message.uid);
        }
        let mut commands = Vec::new();
        for (sections, uids) in groups {
            for set in UidSet::of(uids).iter().flat_map(command::cut) {
                commands.push(command::fetch_sections(&Messages::Uids(set), &sections));
            }
        }
        commands
    }

    /// Takes what a row says of one of its messages; `exact` where the server tells sizes as they are.
    pub fn take(&mut self, uid: Uid, row: &mut Row, exact: bool) -> Taken {
        let Some(message) = self.messages.get_mut(&uid) else { return Taken::Not };
        if !answers(&self.kind, row) {
            // News about flags are as good as an answer that comes without them.
            message.flags = row.flags.take().or(message.flags.take());
            self.heard_of.insert(uid);
            return Taken::InPart;
        }
        if let Some(broken) = row.broken {
            let why = format!("its answer makes no sense: {}", broken.0);
            return self.messages.remove(&uid).map_or(Taken::Not, |message| Taken::Unclear(Box::new(message), why));
        }
        self.landed.insert(uid);
        fill(message, &self.kind, row, exact);
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
            Kind::Examine | Kind::Search | Kind::SearchSaved | Kind::Listing | Kind::PartHeaders | Kind::Encodings => {
                false
            }
        }
    }

    /// Whether it is about messages that are known by their uids.
    pub fn is_of_messages(&self) -> bool {
        match self {
            Kind::Items(_) | Kind::Contents(_) | Kind::PartHeaders | Kind::Encodings | Kind::Whole(_) => true,
            Kind::Examine | Kind::Search | Kind::SearchSaved | Kind::Listing | Kind::Sweep(_) => false,
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
        (Kind::Whole(_), _) => return message.size,
        _ => return Some(0),
    };
    let size = |(number, extent): (&PartNumber, &Extent)| at_most(size_of(root, number), *extent);
    Some(content::wanted(message, fetch).iter().map(size).fold(0, u64::saturating_add))
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
        Kind::PartHeaders | Kind::Encodings => {
            !row.part_headers.is_empty() || row.header != Content::Absent || row.broken.is_some()
        }
        Kind::Examine | Kind::Search | Kind::SearchSaved | Kind::Listing => false,
    }
}

/// Puts into a message what a row brings of it; `exact` where the server tells sizes as they are.
pub fn fill(message: &mut Message, kind: &Kind, row: &mut Row, exact: bool) {
    match kind {
        Kind::Sweep(items) | Kind::Items(items) => fill_items(message, items, row, exact),
        Kind::Contents(fetch) => fill_contents(message, fetch, row, exact),
        Kind::PartHeaders => fill_part_headers(message, row, Redeclared::Everything),
        Kind::Encodings => fill_part_headers(message, row, Redeclared::Encoding),
        Kind::Whole(fetch) => {
            message.size = message.size.or(row.size);
            fill_whole(message, fetch, row, exact);
        }
        Kind::Examine | Kind::Search | Kind::SearchSaved | Kind::Listing => {}
    }
    if row.oversized {
        tell(message, TOO_LARGE);
    }
}

/// Whether something of a message was larger than the limit, which the user has set.
pub fn is_too_large(message: &Message) -> bool {
    message.problems.iter().any(|problem| problem == TOO_LARGE)
}

fn fill_items(message: &mut Message, items: &Fetch, row: &mut Row, exact: bool) {
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
    if let Some(Ok(Told { root, doubtful })) = row.structure.take() {
        (message.structure, message.doubtful) = (Some(root), doubtful);
    }
    if items.raw {
        fill_whole(message, items, row, exact);
    }
}

fn fill_whole(message: &mut Message, fetch: &Fetch, row: &mut Row, exact: bool) {
    let Content::Octets(raw) = std::mem::take(&mut row.raw) else { return };
    // A message that is shorter than it is said to be was cut on the way.
    if exact && message.size.is_some_and(|size| (raw.len() as u64) < size) {
        return;
    }
    message.doubtful.clear();
    content::fill(message, fetch, &raw);
}

fn fill_part_headers(message: &mut Message, row: &mut Row, what: Redeclared) {
    let mut headers = std::mem::take(&mut row.part_headers);
    if let Content::Octets(header) = std::mem::take(&mut row.header) {
        headers.push((PartNumber::only(), Some(header)));
    }
    for (number, header) in headers {
        let (Some(header), Some(root)) = (header, &mut message.structure) else { continue };
        let is_doubtful = message.doubtful.contains(&number);
        if is_doubtful && content::redeclare(root, &number, &Header::parse(header), what) {
            message.doubtful.retain(|doubtful| *doubtful != number);
        }
    }
}

fn fill_contents(message: &mut Message, fetch: &Fetch, row: &mut Row, exact: bool) {
    let asked = content::wanted(message, fetch);
    for section in std::mem::take(&mut row.sections) {
        let is_empty = || message.structure.as_ref().is_some_and(|root| size_of(root, &section.number) == 0);
        // Some servers say that they do not have what is empty.
        let Some(octets) = section.octets.or_else(|| is_empty().then(Bytes::new)) else { continue };
        let announced = message.structure.as_ref().map_or(0, |root| size_of(root, &section.number));
        let asked = asked.get(&section.number).copied().filter(|_| section.origin.is_some());
        let extent = asked.unwrap_or(if section.origin.is_some() { Extent::Beginning } else { Extent::Whole });
        let announced = at_most(announced, extent);
        if exact && (octets.len() as u64) < announced {
            continue;
        }
        match extent.octets().map(|most| octets.len().min(most as usize)) {
            Some(most) => drop(message.beginnings.insert(section.number, (octets.slice(..most), extent))),
            None => drop(message.contents.insert(section.number, octets)),
        }
    }
}

/// What is missing of a message after a step, in a word.
pub fn missing(message: &Message, kind: &Kind) -> Option<&'static str> {
    let items = match kind {
        Kind::Sweep(items) | Kind::Items(items) => items,
        Kind::Contents(fetch) => return wants_contents(message, fetch).then_some("all of its parts"),
        Kind::PartHeaders | Kind::Encodings => {
            return (!message.doubtful.is_empty()).then_some("the headers of its parts");
        }
        Kind::Whole(_) => return message.structure.is_none().then_some("the whole message"),
        Kind::Examine | Kind::Search | Kind::SearchSaved | Kind::Listing => return None,
    };
    let missing = [
        (items.flags && message.flags.is_none(), "its flags"),
        (items.received_at && message.received_at.is_none(), "its time of arrival"),
        (items.size && message.size.is_none(), "its size"),
        (items.mod_seq && message.mod_seq.is_none(), "its mod-sequence"),
        (items.labels && message.labels.is_none(), "its labels"),
        (items.thread_id && message.thread_id.is_none(), "its thread identifier"),
        (items.email_id && message.email_id.is_none(), "its identifier"),
        (items.header != HeaderFetch::None && message.header.is_none(), "its header"),
        (items.raw && message.structure.is_none(), "the whole message"),
    ];
    missing.iter().find(|(is_missing, _)| *is_missing).map(|(_, what)| *what)
}

fn sections(message: &Message, fetch: &Fetch) -> Vec<Section> {
    let section = |(number, extent): (PartNumber, Extent)| match extent.octets() {
        Some(octets) => Section::Beginning(number, octets),
        None => Section::Part(number),
    };
    content::wanted(message, fetch).into_iter().map(section).collect()
}

fn at_most(size: u64, extent: Extent) -> u64 {
    extent.octets().map_or(size, |most| size.min(most.into()))
}

fn part_headers(message: &Message) -> Vec<Section> {
    let is_only = message.structure.as_ref().is_some_and(|root| root.parts.is_empty() && root.number.is_some());
    if is_only {
        return vec![Section::Header];
    }
    message.doubtful.iter().cloned().map(Section::PartHeader).collect()
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
    let beginnings = message.beginnings.values().map(|(octets, _)| octets);
    message.contents.values().chain(beginnings).map(Bytes::len).sum::<usize>()
        + message.raw.as_ref().map_or(0, Bytes::len)
}

const TOO_LARGE: &str = "not loaded: larger than the limit literal_mb";
