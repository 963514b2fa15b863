//! The backlog of a reading: which messages are at which step, what is under way, and what is ready.
//!
//! No input or output: [`super::reading`] sends the jobs that come out of here and puts in what comes back. It survives the
//! loss of a session, and holds a bounded number of messages whatever the size of the folder.

mod advancing;
mod landing;
mod rows;
mod toll;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::toll::Toll;
use super::capability::Capabilities;
use super::census::Census;
use super::flight::{self, Step, Way};
use super::job::{self, Job, Kind};
use super::quirk::Family;
use super::reading::Opened;
use super::seen::Seen;
use super::status::{Code, Status};
use crate::error::Result;
use crate::mail::budget::Budget;
use crate::mail::{FolderScan, Message, SearchKey, Uid, UidSet, UidValidity};

/// The backlog of a reading.
#[derive(Debug)]
pub struct Backlog {
    steps: Vec<Step>,
    key: SearchKey,
    /// How many messages are likely to be enough: then they are read in blocks, the newest first, as somebody asks.
    enough: Option<usize>,
    way: Way,
    /// Whether all messages of the folder are looked at.
    is_whole: bool,
    todo: Todo,
    /// Jobs that wait for those before them to be sent.
    upcoming: VecDeque<Job>,
    /// Jobs that are under way, in the order in which they were sent.
    flying: VecDeque<Job>,
    /// Messages that a step is done with, by step, and their octets.
    arrived: Vec<(usize, Vec<Message>, usize)>,
    ready: VecDeque<Vec<Message>>,
    /// Messages of a sweep that came, as ranges.
    seen: Seen,
    /// Messages that came in a sweep and were too many to be kept until its end.
    later: Vec<Uid>,
    found: Option<UidSet>,
    saves_searches: bool,
    block: usize,
    /// What the answer to EXAMINE says, as it comes.
    pub examining: Examining,
    opened: Option<Opened>,
    /// Whether as many messages came as there were; none when the numbers are not known.
    census: Option<Census>,
    /// The server has searched above this uid only (RFC 9738), and fetched what it found there.
    unsearched: Option<Uid>,
    /// Messages of a sweep of which something is missing, which may come yet.
    in_part: BTreeMap<Uid, Message>,
    /// Messages whose structure cannot be had in any way.
    shapeless: BTreeSet<Uid>,
    /// How often a step was done with a message.
    progress: u64,
    /// What will be asked for.
    toll: Toll,
}

/// What remains to be found.
#[derive(Debug, PartialEq, Eq)]
enum Todo {
    /// All: nobody looked yet.
    Find,
    /// What is being found.
    Finding,
    /// Messages with these uids.
    Blocks(Option<UidSet>),
}

/// What is to be done when nothing is under way.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// There is something to send.
    Work,
    /// There is something to send, when somebody wants it.
    OnDemand,
    /// Nothing: everything was read.
    Nothing,
}

/// What an EXAMINE says of a folder, as it comes.
#[derive(Debug, Default)]
pub struct Examining {
    /// Number of messages.
    pub exists: Option<u32>,
    uid_validity: Option<UidValidity>,
    uid_next: Option<u64>,
}

impl Backlog {
    /// What a scan has before it.
    pub fn new(scan: &FolderScan) -> Self {
        let enough = scan.likely_enough;
        Self {
            steps: flight::steps(scan),
            key: scan.key.clone(),
            enough,
            way: Way::Everything,
            is_whole: false,
            todo: Todo::Find,
            upcoming: VecDeque::new(),
            flying: VecDeque::new(),
            arrived: Vec::new(),
            ready: VecDeque::new(),
            seen: Seen::default(),
            later: Vec::new(),
            found: None,
            saves_searches: false,
            block: enough.map_or(BLOCK, |enough| enough.clamp(1, FIRST_BLOCK)),
            examining: Examining::default(),
            opened: None,
            census: None,
            unsearched: None,
            in_part: BTreeMap::new(),
            shapeless: BTreeSet::new(),
            progress: 0,
            toll: Toll::default(),
        }
    }

    /// Begins, or goes on, with a session.
    pub fn begin(&mut self, family: &Family, able: &Capabilities) {
        flight::limit(&mut self.steps, able);
        self.saves_searches = able.has("SEARCHRES") && able.has("ESEARCH");
        if self.todo == Todo::Find {
            self.is_whole = Way::of(&self.key, family) == Way::Everything;
            match self.seen.set() {
                None => self.way = Way::of(&self.key, family),
                Some(seen) => match self.way.without(&seen) {
                    Some(rest) => self.way = rest,
                    None => self.todo = Todo::Blocks(None),
                },
            }
        }
    }

    /// The folder must be opened first.
    pub fn open(&mut self) {
        self.examining = Examining::default();
        self.upcoming.push_front(Job::new(0, Kind::Examine));
    }

    /// The folder is open, and as the statement found it.
    pub fn opened(&mut self, opened: Opened) {
        let own = self.examining.opened();
        self.census = self.examining.exists.map(|exists| Census::of(exists, own.uid_next));
        self.opened = Some(opened);
    }

    /// So many messages are gone from the folder.
    pub fn gone(&mut self, messages: u64) {
        self.census.iter_mut().for_each(|census| census.gone(messages));
    }

    /// Whether the folder is open, as far as this reading knows.
    pub fn knows_folder(&self) -> bool {
        self.opened.is_some()
    }

    /// How often a step was done with a message; what grows so comes to an end.
    pub fn progress(&self) -> u64 {
        self.progress
    }

    /// How messages are found.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// The key of a search.
    pub fn key_of(&self, job: &Job) -> SearchKey {
        match job.below.and_then(all_below) {
            Some(rest) => SearchKey::Uid(rest).and(self.way.key()),
            None => self.way.key(),
        }
    }

    /// Whether nothing is to be done until somebody wants it.
    pub fn is_by_demand(&self) -> bool {
        self.enough.is_some()
    }

    /// Has the budget pay for contents that were not asked for yet.
    ///
    /// # Errors
    /// When there is too little left in it.
    pub fn pay(&mut self, budget: &Budget) -> Result<()> {
        let left = || match &self.todo {
            Todo::Blocks(uids) => uids.as_ref().map_or(0, UidSet::count),
            Todo::Find | Todo::Finding => {
                let seen = self.seen.set().map_or(0, |seen| seen.count());
                u64::from(self.examining.exists.unwrap_or(0)).saturating_sub(seen)
            }
        };
        self.toll.pay(budget, left)
    }

    /// What is to be done when nothing is under way.
    pub fn next(&self) -> Next {
        let is_done = self.upcoming.is_empty()
            && self.arrived.is_empty()
            && self.ready.is_empty()
            && self.later.is_empty()
            && self.todo == Todo::Blocks(None);
        match (is_done, &self.todo, self.is_by_demand() && self.upcoming.is_empty()) {
            (true, ..) => Next::Nothing,
            (false, Todo::Blocks(_), true) => Next::OnDemand,
            (false, ..) => Next::Work,
        }
    }

    /// The next job to send now; `asked` when somebody wants more than was handed over.
    pub fn next_job(&mut self, asked: bool) -> Option<Job> {
        if self.todo == Todo::Find {
            self.find();
        }
        let opens = self
            .upcoming
            .front()
            .is_some_and(|job| matches!(job.kind, Kind::Examine | Kind::Search | Kind::SearchSaved));
        if !opens && self.flying.len() >= WINDOW {
            return None;
        }
        if let Some(job) = self.upcoming.pop_front() {
            return Some(job);
        }
        let is_sweeping = self.flying.iter().any(|job| matches!(job.kind, Kind::Sweep(_)));
        if self.is_by_demand() && (!asked || !self.flying.is_empty() || !self.ready.is_empty())
            || is_sweeping
            || self.opened.is_none()
        {
            return None;
        }
        // Where the first step asks for nothing, `ready` takes the blocks.
        let Some(Step::Items(items)) = self.steps.first() else { return None };
        let kind = Kind::Items(items.clone().into());
        let block = self.next_block()?;
        Some(Job::of(0, kind, block))
    }

    /// The job was sent.
    pub fn fly(&mut self, job: Job) {
        self.flying.push_back(job);
    }

    /// Lets arrived messages go on to their next steps, when there are many of them or `all` of them.
    ///
    /// # Errors
    /// When the sieve fails.
    pub fn settle(&mut self, scan: &FolderScan, all: bool) -> Result<()> {
        let is_much =
            self.arrived.iter().any(|(_, messages, octets)| messages.len() >= CHUNK || *octets >= CHUNK_OCTETS);
        // A block goes on as a whole, in order.
        if all || is_much && self.enough.is_none() {
            for (step, messages, _) in std::mem::take(&mut self.arrived) {
                self.advance(step + 1, messages, scan)?;
            }
        }
        Ok(())
    }

    /// Takes what a search found.
    pub fn found(&mut self, uids: Option<UidSet>) {
        if self.flying.front().is_none_or(|job| job.kind != Kind::Search) {
            return;
        }
        self.found = joined(self.found.take(), uids);
    }

    /// The next messages to hand over; `asked` when somebody wants more than was handed over.
    ///
    /// # Errors
    /// When the sieve fails.
    pub fn ready(&mut self, scan: &FolderScan, asked: bool) -> Result<Option<Vec<Message>>> {
        // Where the uid is all that the first step knows, nobody need be asked for it.
        let is_known = !matches!(self.steps.first(), Some(Step::Items(_)));
        let may_go_on = |this: &Self| match this.enough {
            Some(_) => asked && this.upcoming.is_empty() && this.flying.is_empty(),
            None => this.flying.len() < WINDOW && this.waiting() < BLOCK,
        };
        while is_known && self.ready.is_empty() && may_go_on(self) {
            let Some(block) = self.next_block() else { break };
            self.advance(0, block, scan)?;
        }
        Ok(if self.is_by_demand() { self.next_in_order() } else { self.ready.pop_front() })
    }

    /// What is ready and newer than all that is still on its way.
    fn next_in_order(&mut self) -> Option<Vec<Message>> {
        let jobs = self.upcoming.iter().chain(&self.flying).flat_map(|job| job.messages.keys().copied());
        let arrived = self.arrived.iter().flat_map(|(_, messages, _)| messages.iter().map(|message| message.uid));
        let awaited = jobs.chain(arrived).max();
        let mut ready: Vec<Message> = self.ready.drain(..).flatten().collect();
        ready.sort_unstable_by_key(|message| std::cmp::Reverse(message.uid));
        let older = ready.split_off(ready.partition_point(|message| awaited.is_none_or(|uid| message.uid > uid)));
        self.ready.extend((!older.is_empty()).then_some(older));
        (!ready.is_empty()).then_some(ready)
    }

    /// Takes a chunk back that could not be handed over.
    pub fn put_back(&mut self, chunk: Vec<Message>) {
        self.ready.push_front(chunk);
    }

    /// The session is lost or given up: what was under way must be asked again, in the folder as it is then.
    pub fn interrupt(&mut self) {
        if let Some(Step::Items(items)) = self.steps.first().cloned() {
            self.finish_in_part(&items);
        }
        let mut again: Vec<Job> = Vec::new();
        for mut job in self.flying.drain(..).chain(self.upcoming.drain(..)) {
            match job.kind {
                Kind::Examine => {}
                // What was found before may have been handed over.
                Kind::Search if matches!(self.todo, Todo::Blocks(_)) => {
                    again.push(Job { below: job.below, ..Job::new(0, Kind::Search) });
                }
                Kind::Search | Kind::SearchSaved | Kind::Sweep(_) => self.todo = Todo::Find,
                Kind::Items(_) | Kind::Contents(_) | Kind::Whole(_) => {
                    (job.commands, job.answered_above, job.has_nameless) = (0, None, false);
                    // What was news then may be gone by now.
                    job.heard_of.clear();
                    // What came in part before is there all the same.
                    again.push(job);
                }
            }
        }
        (self.opened, self.found, self.unsearched, self.census) = (None, None, None, None);
        self.upcoming.extend(again);
    }

    /// The server refuses the search: more is read then, and what it is, is seen here. No, where nothing else finds it.
    pub fn do_without_search(&mut self) -> bool {
        let is_refused = self.todo == Todo::Finding && matches!(self.way, Way::Search(_));
        if !is_refused || self.key.server_search().is_some() {
            return false;
        }
        let uids = self.key.uids();
        self.way = uids.clone().map_or(Way::Everything, Way::Uids);
        self.key = uids.map_or(SearchKey::All, SearchKey::Uid);
        self.interrupt();
        true
    }

    /// Decides how to begin.
    fn find(&mut self) {
        self.todo = Todo::Finding;
        match (self.steps.first(), self.enough, &self.way) {
            (Some(Step::Items(items)), None, Way::Everything | Way::Uids(_)) => {
                self.upcoming.push_back(Job::new(0, Kind::Sweep(items.clone().into())));
            }
            // What was seen before would come again.
            (Some(Step::Items(items)), None, Way::Search(_)) if self.saves_searches && self.seen.set().is_none() => {
                self.upcoming.push_back(Job::new(0, Kind::SearchSaved));
                self.upcoming.push_back(Job::new(0, Kind::Sweep(items.clone().into())));
            }
            _ => self.upcoming.push_back(Job::new(0, Kind::Search)),
        }
    }

    /// Those of the uids that the statement wants.
    fn wanted(&self, found: &UidSet) -> Option<UidSet> {
        let last = match self.opened.and_then(|opened| opened.uid_next) {
            Some(next) => u32::try_from(next - 1).map_or(Some(Uid::MAX), Uid::new)?,
            None => Uid::MAX,
        };
        let found = UidSet::range(Uid::MIN, last)?.intersection(found)?;
        let found = match self.seen.set() {
            Some(seen) => found.intersection(&seen.complement()?)?,
            None => found,
        };
        match &self.way {
            Way::Uids(uids) => found.intersection(uids),
            Way::Everything | Way::Search(_) => Some(found),
        }
    }

    /// Takes the highest uids that nobody read yet.
    fn next_block(&mut self) -> Option<Vec<Message>> {
        let opened = self.opened?;
        if self.todo == Todo::Blocks(None) && !self.later.is_empty() {
            self.todo = Todo::Blocks(UidSet::of(self.later.drain(..)));
            self.toll.told_again();
        }
        let Todo::Blocks(left) = &mut self.todo else { return None };
        let uids = left.take()?;
        let heavy = matches!(self.steps.first(), Some(Step::Items(items)) if items.raw);
        let size = if heavy { self.block.min(HEAVY_BLOCK) } else { self.block };
        self.block = (self.block * 2).min(BLOCK);
        let (block, rest) = highest(&uids, size);
        *left = rest;
        Some(block.into_iter().map(|uid| Message::new(uid, opened.uid_validity)).collect())
    }

    /// A message that is given as it is, whatever is missing.
    fn arrive_from(&mut self, kind: &Kind, step: usize, message: Message) {
        if matches!(kind, Kind::Whole(_)) && message.structure.is_none() {
            self.shapeless.insert(message.uid);
        }
        self.arrive(step, message);
    }

    fn arrive(&mut self, step: usize, message: Message) {
        let octets = job::weight(&message);
        self.progress += 1;
        match self.arrived.iter_mut().find(|(at, ..)| *at == step) {
            Some((_, messages, sum)) => {
                messages.push(message);
                *sum += octets;
            }
            None => self.arrived.push((step, vec![message], octets)),
        }
    }

    /// How many messages wait for a step to be sent.
    fn waiting(&self) -> usize {
        self.upcoming.iter().map(|job| job.messages.len()).sum()
    }
}

impl Examining {
    /// Takes a code of a status.
    pub fn hear(&mut self, status: &Status) {
        match status.code {
            Some(Code::UidValidity(validity)) => self.uid_validity = Some(validity),
            Some(Code::UidNext(next)) => self.uid_next = Some(next).filter(|next| *next > 0),
            _ => {}
        }
    }

    /// The folder, as far as it was told.
    pub fn opened(&self) -> Opened {
        Opened { uid_validity: self.uid_validity.unwrap_or(UidValidity(0)), uid_next: self.uid_next }
    }
}

/// The highest uids of a set, and the rest of it.
fn highest(uids: &UidSet, size: usize) -> (Vec<Uid>, Option<UidSet>) {
    let mut block = Vec::with_capacity(size);
    let mut rest = uids.ranges().to_vec();
    while block.len() < size
        && let Some((low, high)) = rest.pop()
    {
        block.push(high);
        if let Some(below) = Uid::new(high.number() - 1).filter(|below| *below >= low) {
            rest.push((low, below));
        }
    }
    (block, UidSet::of_ranges(rest))
}

/// All uids below this one; nothing when there are none.
fn all_below(uid: Uid) -> Option<UidSet> {
    UidSet::range(Uid::MIN, Uid::new(uid.number() - 1)?)
}

fn joined(one: Option<UidSet>, other: Option<UidSet>) -> Option<UidSet> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.union(&other)),
        (one, other) => one.or(other),
    }
}

/// Jobs that are under way at once.
const WINDOW: usize = 4;
/// Messages of the first block, unless fewer are likely to be enough.
const FIRST_BLOCK: usize = 64;
/// Messages of a block at most.
const BLOCK: usize = 1024;
/// Messages of a block that are read whole.
const HEAVY_BLOCK: usize = 16;
/// Messages that go on together.
const CHUNK: usize = 1024;
/// Octets that go on together, if more than one message has them.
const CHUNK_OCTETS: usize = 1 << 20;
/// Octets of contents that one job asks for, if more than one message has them.
const JOB_OCTETS: u64 = 8 << 20;
/// What a message counts for whose size is not known.
const UNKNOWN_SIZE: u64 = 256 << 10;
/// Messages that wait for their next step while others are still being found.
const HELD: usize = 20_000;
