//! Reads one folder of files in chunks, newest first, in two phases.
//!
//! It knows neither Maildir nor mbox: they give a [`Snapshot`] of the folder. What is read of a
//! message is in [`super::entry`]; whether a message is wanted, in [`super::matches`].

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Weak};

use futures::stream::{self, BoxStream, StreamExt};
use futures::{TryFutureExt, TryStreamExt};

use super::entry::{self, Entry, Stop};
use super::matches::{self, matches};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::{Fetch, FolderScan, Message, Meter, Uid, UidSet, UidValidity};

/// A folder as it was when the statement first looked, messages in the order of their uids.
pub(super) trait Snapshot: Send + Sync + 'static {
    /// Whether its uids still mean the same.
    fn uid_validity(&self) -> UidValidity;

    /// Number of messages.
    fn len(&self) -> usize;

    /// The uid of the message at a position, counted from 0; ascending.
    fn uid(&self, position: usize) -> Uid;

    /// Octets that reading this of the message will cost; nothing where that shows only on reading.
    fn cost(&self, position: usize, fetch: &Fetch) -> Option<u64>;

    /// Octets that reading this of every message will cost, where that is known without a look at each.
    fn total(&self, fetch: &Fetch) -> Option<u64>;

    /// Whether its messages lie in one file, in their order. Then what each costs is known exactly.
    fn is_one_file(&self) -> bool {
        false
    }

    /// Opens what a chunk is read from.
    fn open<'a>(&'a self, meter: &'a Meter) -> Result<Box<dyn Chunk + 'a>>;
}

/// A few messages that are read together, through one handle where there is one.
pub(super) trait Chunk {
    /// The message at a position.
    fn entry(&mut self, position: usize) -> Box<dyn Entry + '_>;

    /// Makes sure that what was read is what was listed.
    fn finish(&mut self) -> Result<()>;
}

/// Reads the folder as the scan says.
pub(super) fn stream<S, F>(scan: FolderScan, snapshot: F) -> BoxStream<'static, Result<Vec<Message>>>
where
    S: Snapshot,
    F: Future<Output = Result<Arc<S>>> + Send + 'static,
{
    if let Some(search) = scan.key.server_search() {
        let error = Error::new(
            ErrorKind::Refused,
            format!("{} asks a mail server, and this account is files", search.function()),
        );
        let error = error.hint("conditions on columns work on files, too: subject LIKE '%…%', body_text LIKE '%…%'");
        return stream::iter([Err(error)]).boxed();
    }
    let alive = Alive::default();
    snapshot
        .map_ok(|snapshot| {
            stream::try_unfold((Work::new(scan, snapshot), alive), |(work, alive)| async move {
                let mut work = work;
                while !work.is_done() {
                    let token = alive.token();
                    let (rest, messages) = blocking(move || work.step(&token)).await?;
                    work = rest;
                    if !messages.is_empty() {
                        return Ok(Some((messages, (work, alive))));
                    }
                }
                Ok(None)
            })
        })
        .try_flatten_stream()
        .into_stream()
        .boxed()
}

/// Runs what blocks where it may block.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(Error::new(ErrorKind::Io, "reading was stopped").because(error)),
    }
}

/// Held by a future; what it started elsewhere stops when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Alive(Arc<()>);

/// Tells whether the future that started a work still waits for it.
#[derive(Debug, Clone)]
pub(super) struct Token(Weak<()>);

impl Alive {
    /// A token for the work.
    pub(super) fn token(&self) -> Token {
        Token(Arc::downgrade(&self.0))
    }
}

impl Token {
    /// Goes on, unless nobody waits any more.
    pub(super) fn check(&self) -> Result<()> {
        if self.0.strong_count() > 0 { Ok(()) } else { Err(Error::new(ErrorKind::Io, "reading was stopped")) }
    }
}

/// What remains to be read of a folder.
struct Work<S> {
    scan: FolderScan,
    snapshot: Arc<S>,
    /// Positions that nobody looked at yet, ascending; taken from the end.
    ranges: Vec<Range<usize>>,
    /// How many messages the next chunk may have.
    size: usize,
    /// Messages that passed and are still to be read further, newest first.
    passed: VecDeque<(usize, Message)>,
}

impl<S: Snapshot> Work<S> {
    fn new(scan: FolderScan, snapshot: Arc<S>) -> Self {
        let uids = scan.key.uids();
        let ranges = match &uids {
            Some(uids) => positions(snapshot.as_ref(), uids),
            None => std::iter::once(0..snapshot.len()).collect(),
        };
        let size = scan.likely_enough.map_or(FIRST_CHUNK, |enough| enough.clamp(1, FIRST_CHUNK));
        if uids.is_none()
            && scan.likely_enough.is_none()
            && let Some(total) = snapshot.total(&scan.first)
        {
            scan.meter.bytes_expected.add(usize::try_from(total).unwrap_or(usize::MAX));
        }
        Self { scan, snapshot, ranges, size, passed: VecDeque::new() }
    }

    fn is_done(&self) -> bool {
        self.ranges.is_empty() && self.passed.is_empty()
    }

    /// Reads a chunk; gives the messages that are ready.
    fn step(mut self, token: &Token) -> Result<(Self, Vec<Message>)> {
        if self.passed.is_empty() {
            let found = self.first_phase(token)?;
            let Some((_, sieve)) = &self.scan.then else {
                return Ok((self, found.into_iter().map(|(_, message)| message).collect()));
            };
            let (positions, mut messages): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            let passes = sieve.passes(&self.scan.folder, &mut messages)?;
            let read = positions.into_iter().zip(messages).zip(passes);
            self.passed = read.filter(|(_, passes)| *passes).map(|(found, _)| found).collect();
        }
        let ready = self.second_phase(token)?;
        Ok((self, ready))
    }

    /// Reads the next messages as far as the first phase goes, newest first.
    fn first_phase(&mut self, token: &Token) -> Result<Vec<(usize, Message)>> {
        let wanted = self.next_positions();
        let nothing_to_read = self.scan.first.is_empty() && matches::is_only_uids(&self.scan.key);
        let snapshot = Arc::clone(&self.snapshot);
        if nothing_to_read {
            return Ok(wanted.into_iter().map(|position| (position, empty(snapshot.as_ref(), position))).collect());
        }
        let mut found = Vec::with_capacity(wanted.len());
        let meter = Arc::clone(&self.scan.meter);
        let mut chunk = snapshot.open(&meter)?;
        let mut held = 0;
        let is_one_file = snapshot.is_one_file();
        let mut order = wanted.clone();
        if is_one_file {
            // As they lie in the file; nothing will be put back.
            order.reverse();
        }
        for (done, position) in order.into_iter().enumerate() {
            token.check()?;
            if held > CHUNK_OCTETS {
                self.put_back(&wanted[done..]);
                break;
            }
            let mut entry = chunk.entry(position);
            if let Some(message) = self.first_of(position, entry.as_mut())? {
                found.push((position, message));
            }
            // Of one file, the chunk was cut to size already. A file may hold more than its length tells.
            if !is_one_file {
                held += entry.octets_read();
            }
        }
        chunk.finish()?;
        found.sort_unstable_by_key(|(position, _)| std::cmp::Reverse(*position));
        Ok(found)
    }

    fn first_of(&self, position: usize, entry: &mut dyn Entry) -> Result<Option<Message>> {
        let mut message = empty(self.snapshot.as_ref(), position);
        let read = matches(&self.scan.key, entry).and_then(|holds| {
            if holds {
                entry::fill(&mut message, &self.scan.first, entry, &self.scan.meter)?;
            }
            Ok(holds)
        });
        match read {
            Ok(true) => {
                self.scan.meter.messages.add(usize::from(!self.scan.first.is_empty()));
                Ok(Some(message))
            }
            Ok(false) | Err(Stop::Gone) => Ok(None),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Reads the rest of messages that passed, as many as are held at once, newest first.
    fn second_phase(&mut self, token: &Token) -> Result<Vec<Message>> {
        let Some(fetch) = self.scan.then.as_ref().map(|(fetch, _)| fetch.clone()) else { return Ok(Vec::new()) };
        let fetch = &fetch;
        if fetch.is_empty() || self.passed.is_empty() {
            return Ok(self.passed.drain(..).map(|(_, message)| message).collect());
        }
        let mut chosen = self.next_passed(fetch);
        let mut chunk = self.snapshot.open(&self.scan.meter)?;
        let is_one_file = self.snapshot.is_one_file();
        let mut ready = Vec::with_capacity(chosen.len());
        let mut held = 0;
        // Oldest first, as they lie in the file; files of their own as they are wanted.
        while held <= CHUNK_OCTETS
            && let Some((position, mut message)) = if is_one_file { chosen.pop_back() } else { chosen.pop_front() }
        {
            token.check()?;
            let cost = self.snapshot.cost(position, fetch).and_then(|cost| usize::try_from(cost).ok());
            self.scan.meter.bytes_expected.add(cost.unwrap_or_default());
            let mut entry = chunk.entry(position);
            match entry::fill(&mut message, fetch, entry.as_mut(), &self.scan.meter) {
                Ok(()) => {
                    self.scan.meter.messages.add(usize::from(self.scan.first.is_empty()));
                    ready.push(message);
                }
                Err(Stop::Gone) => {}
                Err(Stop::Failed(error)) => return Err(error),
            }
            // Of one file, no more was chosen than is held at once.
            held += if is_one_file { 0 } else { entry.octets_read() };
        }
        chunk.finish()?;
        if is_one_file {
            ready.reverse();
        }
        // What is left when files held more than their lengths told.
        chosen.append(&mut self.passed);
        self.passed = chosen;
        Ok(ready)
    }

    /// Takes messages that passed, newest first, as many as are held at once as far as their costs tell.
    fn next_passed(&mut self, fetch: &Fetch) -> VecDeque<(usize, Message)> {
        let mut chosen = VecDeque::new();
        let mut held = 0;
        while let Some((position, _)) = self.passed.front() {
            held += self.snapshot.cost(*position, fetch).unwrap_or(UNKNOWN_COST);
            if held > CHUNK_OCTETS && !chosen.is_empty() {
                break;
            }
            chosen.extend(self.passed.pop_front());
        }
        chosen
    }

    /// Takes the positions of the next chunk, newest first.
    fn next_positions(&mut self) -> Vec<usize> {
        let mut taken = Vec::with_capacity(self.size);
        let mut octets = 0;
        while taken.len() < self.size
            && let Some(range) = self.ranges.last_mut()
        {
            let Some(position) = range.next_back() else {
                self.ranges.pop();
                continue;
            };
            octets += self.snapshot.cost(position, &self.scan.first).unwrap_or_default();
            if octets > CHUNK_OCTETS && !taken.is_empty() {
                range.end += 1;
                break;
            }
            taken.push(position);
        }
        while self.ranges.last().is_some_and(Range::is_empty) {
            self.ranges.pop();
        }
        self.size = (self.size * 2).min(MOST_MESSAGES);
        taken
    }

    /// Leaves positions, newest first, for the next chunk.
    fn put_back(&mut self, positions: &[usize]) {
        for &position in positions.iter().rev() {
            match self.ranges.last_mut() {
                Some(range) if range.end == position => range.end += 1,
                _ => self.ranges.push(position..position + 1),
            }
        }
    }
}

/// Messages of the first chunk, unless fewer are likely to be enough.
const FIRST_CHUNK: usize = 64;

/// Messages of a chunk at most.
const MOST_MESSAGES: usize = 1024;

/// Octets held of a chunk, if more than one message is in it.
const CHUNK_OCTETS: u64 = 8 << 20;

/// What a message counts for whose cost shows only on reading.
const UNKNOWN_COST: u64 = 8 << 10;

fn empty<S: Snapshot>(snapshot: &S, position: usize) -> Message {
    Message::new(snapshot.uid(position), snapshot.uid_validity())
}

/// Where the uids are, ascending.
fn positions<S: Snapshot>(snapshot: &S, uids: &UidSet) -> Vec<Range<usize>> {
    let place = |holds: &dyn Fn(Uid) -> bool| {
        let (mut low, mut high) = (0, snapshot.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(snapshot.uid(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    };
    let ranges = uids.ranges().iter().map(|(low, high)| place(&|uid| uid < *low)..place(&|uid| uid <= *high));
    ranges.filter(|range| !range.is_empty()).collect()
}
