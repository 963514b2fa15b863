//! The backlog of a reading: which messages are at which step, what is under way, and what is ready.
//!
//! No input or output: [`super::reading`] sends the jobs that come out of here and puts in what comes back. It survives the
//! loss of a session, and holds a bounded number of messages whatever the size of the folder.

mod advancing;
mod landing;
mod missing;
mod ready;
mod rows;
mod toll;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub use self::missing::renumbered;
use self::missing::{Listing, Suspect};
use self::toll::Toll;
use super::capability::Capabilities;
use super::census::Census;
use super::flight::{self, Step, Way};
use super::job::{self, Job, Kind};
use super::left_out::LeftOut;
use super::quirk::Family;
use super::reading::Opened;
use super::seen::Seen;
use super::status::{Code, Status};
use crate::error::Result;
use crate::mail::budget::Budget;
use crate::mail::store::Unreadable;
use crate::mail::{FolderScan, Message, SearchKey, Uid, UidSet, UidValidity, content};

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
    /// Messages whose structure was read from themselves, or cannot be had in any way.
    settled: BTreeSet<Uid>,
    /// Messages of the sweep that is under way which have come.
    came: u64,
    /// How many messages there are for that sweep, where the server has told.
    told: Option<u64>,
    /// Whether `found` has all that a saved search found.
    is_found: bool,
    /// Messages that did not come, to be looked for in the folder.
    suspects: Vec<Suspect>,
    /// What a listing has found so far.
    listed: Option<UidSet>,
    /// The folder as it was opened for a listing.
    listing: Option<Listing>,
    /// Messages that are left out, as the server cannot deliver them.
    left_out: Arc<LeftOut>,
    /// Those of them that were left out before, in this folder.
    leaves_out: Option<UidSet>,
    /// Whether the server tells sizes as they are.
    is_exact: bool,
    /// Whether the size of a message is compared with its structure.
    checks_structures: bool,
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
    /// What a scan has before it; `left_out` says which messages were left out before, and is told of others.
    pub fn new(scan: &FolderScan, left_out: Arc<LeftOut>) -> Self {
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
            settled: BTreeSet::new(),
            came: 0,
            told: None,
            is_found: false,
            suspects: Vec::new(),
            listed: None,
            listing: None,
            left_out,
            leaves_out: None,
            is_exact: true,
            checks_structures: false,
            progress: 0,
            toll: Toll::default(),
        }
    }

    /// Begins, or goes on, with a session.
    pub fn begin(&mut self, family: &Family, able: &Capabilities) {
        flight::limit(&mut self.steps, able);
        (self.is_exact, self.checks_structures) = (family.has_exact_sizes(), family.needs_checked_structures());
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
    pub fn opened(&mut self, opened: Opened, scan: &FolderScan) {
        if scan.statement.terms().unreadable == Unreadable::Skip && self.opened.is_none() {
            self.leave_out(opened, scan);
        }
        let own = self.examining.opened();
        self.census = self.examining.exists.map(|exists| Census::of(exists, own.uid_next));
        self.opened = Some(opened);
    }

    /// What other statements left out is left out here, too.
    fn leave_out(&mut self, opened: Opened, scan: &FolderScan) {
        self.leaves_out = self.left_out.of(&scan.folder.path, opened.uid_validity);
        let uids = self.leaves_out.iter().flat_map(UidSet::ranges).flat_map(|(low, high)| low.number()..=high.number());
        for uid in uids.filter_map(Uid::new).filter(|uid| self.way.may_have(*uid)) {
            let is_new = usize::from(self.seen.insert(uid));
            scan.meter.unreadable.add(is_new);
            scan.statement.notices().unreadable.add(is_new);
        }
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

    /// The key of a part of a listing.
    pub fn listing_key(&self, job: &Job) -> SearchKey {
        job.below.and_then(all_below).map_or(SearchKey::All, SearchKey::Uid)
    }

    /// Whether a sweep is the job under way.
    pub fn is_sweeping(&self) -> bool {
        matches!(self.flying.front(), Some(job) if matches!(job.kind, Kind::Sweep(_)))
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
            && self.suspects.is_empty()
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
        // A listing opens the folder anew, and nothing may be under way then.
        let waits = matches!(self.upcoming.front(), Some(job) if job.kind == Kind::Listing) && !self.flying.is_empty();
        if !opens && self.flying.len() >= WINDOW || waits {
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

    /// Takes what a search found: the uids, or how many they are.
    pub fn searched(&mut self, uids: Option<UidSet>, count: Option<u64>) {
        match self.flying.front().map(|job| &job.kind) {
            Some(Kind::Search | Kind::Listing) => self.found = joined(self.found.take(), uids),
            Some(Kind::SearchSaved) => {
                self.found = joined(self.found.take(), uids);
                self.is_found = true;
            }
            Some(Kind::Sweep(_)) => self.told = count,
            _ => {}
        }
    }

    /// The session is lost or given up: what was under way must be asked again, in the folder as it is then.
    pub fn interrupt(&mut self) {
        if let Some(Step::Items(items)) = self.steps.first().cloned() {
            self.finish_in_part(&items);
        }
        let (mut again, mut whole): (Vec<Job>, Vec<_>) = (Vec::new(), Vec::new());
        for mut job in self.flying.drain(..).chain(self.upcoming.drain(..)) {
            match job.kind {
                Kind::Examine => {}
                // What was found before may have been handed over.
                Kind::Search if matches!(self.todo, Todo::Blocks(_)) => {
                    again.push(Job { below: job.below, ..Job::new(0, Kind::Search) });
                }
                Kind::Listing if self.todo != Todo::Finding => {}
                Kind::Search | Kind::SearchSaved | Kind::Listing | Kind::Sweep(_) => self.todo = Todo::Find,
                // A header that is too much for the server is in the message, too.
                Kind::PartHeaders | Kind::Encodings if job.was_lost => whole.push((job.step, job.messages)),
                Kind::Items(_) | Kind::Contents(_) | Kind::PartHeaders | Kind::Encodings | Kind::Whole(_) => {
                    job.was_lost = true;
                    (job.commands, job.answered_above, job.has_nameless, job.refusal) = (0, None, false, None);
                    // What was news then may be gone by now.
                    job.heard_of.clear();
                    // What came in part before is there all the same.
                    again.push(job);
                }
            }
        }
        // Who was to be looked for is asked for again.
        again.extend(self.suspects.drain(..).map(|suspect| Job::of(suspect.step, suspect.kind, [suspect.message])));
        (self.opened, self.found, self.unsearched, self.census) = (None, None, None, None);
        (self.listed, self.listing) = (None, None);
        self.upcoming.extend(again);
        for (step, messages) in whole {
            self.read_whole(step, messages.into_values().collect());
        }
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
        (self.todo, self.came, self.told, self.is_found) = (Todo::Finding, 0, None, false);
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

    /// A message that a job is done with.
    fn arrive_from(&mut self, kind: &Kind, step: usize, mut message: Message) {
        match kind {
            Kind::Whole(_) => drop(self.settled.insert(message.uid)),
            Kind::Contents(_) => {
                message.doubtful = content::doubtful(&message);
                if !message.doubtful.is_empty() {
                    return self.enqueue(step, &Kind::Encodings, vec![message]);
                }
            }
            _ => {}
        }
        // How much of the text a preview takes shows in the text.
        if let (Kind::Contents(_) | Kind::Encodings, Some(Step::Contents(fetch))) = (kind, self.steps.get(step))
            && content::look_for_preview(&mut message, fetch)
        {
            let kind = Kind::Contents(Arc::new(fetch.clone()));
            return self.enqueue(step, &kind, vec![message]);
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
