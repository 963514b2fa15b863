//! What was sent, written down before it is sent: so that nothing is sent twice, whatever happens in between.
//!
//! A mail is *begun* before it is handed over, and *over* when it is known what became of it. What was begun and is not over
//! may have been sent, and nobody knows: it is never sent again under the same key. The lines are in `journal/record.rs`, the
//! file is in `journal/lines.rs`. It never forgets; who does not want it any more deletes the file.

mod lines;
pub(in crate::smtp) mod record;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;

use self::lines::{Lines, Written};
use self::record::{Index, Record, What};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::outbox::{Outcome, Outgoing, Status};

/// The journal of all that is sent.
#[derive(Debug)]
pub struct Journal {
    lines: Option<Lines>,
    state: Mutex<State>,
}

/// What is known of the lines by now.
#[derive(Debug, Default)]
struct State {
    /// All lines, where there is no file.
    memory: Vec<Record>,
    /// As far as the file was read, and how many lines that are.
    read: u64,
    count: u64,
    /// Where the last line about the mails of a key begins.
    keys: HashMap<Index, u64>,
    /// What this program is sending just now: an account, a Message-ID, how often.
    under_way: BTreeMap<(String, String), usize>,
    /// What became of some of these, that is not written yet.
    settled: HashMap<(String, String), Record>,
}

/// What became of a mail for one of its recipients, and which mail it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The account that it was sent from.
    pub account: String,
    /// The Message-ID, without angle brackets.
    pub message_id: String,
    /// The recipient's address.
    pub recipient: String,
    /// What became of it.
    pub status: Status,
    /// The code of the server's reply, where there was one.
    pub code: Option<u16>,
    /// The server's own words, or why there are none.
    pub response: String,
    /// When that was known; of what nobody knows, when it was begun.
    pub at: DateTime<Utc>,
    /// The key that the statement gave it.
    pub key: Option<String>,
    /// The address that it was from.
    pub sender: String,
    /// The subject.
    pub subject: String,
    /// How many octets it had.
    pub size: u64,
}

/// What a mail finds in the journal.
#[derive(Debug)]
pub enum Entry {
    /// It was written down, and can be sent.
    Begun(Box<Begun>),
    /// It was sent before, or nobody knows: what became of it then.
    Before(Vec<Outcome>),
}

/// A mail that was written down and is not over.
///
/// Dropped, it is: with what became of it, where that is known; else as one that was not sent, unless it may have been handed
/// over; then nobody knows.
#[derive(Debug)]
pub struct Begun {
    journal: Arc<Journal>,
    record: Record,
    may_be_sent: bool,
    /// What became of it, where that is known and not written yet.
    settled: Option<Record>,
    is_over: bool,
}

impl Journal {
    /// A journal that is forgotten when the program ends.
    pub fn in_memory() -> Self {
        Self { lines: None, state: Mutex::default() }
    }

    /// A journal in the file `sent.ndjson` of a directory, which is made when something is sent.
    pub fn kept_in(directory: impl Into<PathBuf>) -> Self {
        Self { lines: Some(Lines::kept_in(directory.into())), state: Mutex::default() }
    }

    /// All that was sent, in the order in which it was begun; nothing of what this program is sending just now.
    ///
    /// # Errors
    /// The file cannot be read, or has a line that makes no sense.
    pub fn read(&self) -> Result<Vec<Sent>> {
        let mut mails: Vec<Record> = Vec::new();
        // As of one moment: of what this program begins after that, nothing is read.
        let (memory, under_way, settled, end) = {
            let state = self.state();
            let end = self.lines.as_ref().map_or(0, Lines::length);
            (state.memory.clone(), state.under_way.clone(), state.settled.clone(), end)
        };
        let mut open: HashMap<(String, String), usize> = HashMap::new();
        let mut take = |record: Record| {
            let mail = (record.account.clone(), record.message_id.clone());
            match (record.what, open.remove(&mail)) {
                (What::Over, Some(begun)) => mails[begun] = record,
                (What::Begun, _) => {
                    open.insert(mail, mails.len());
                    mails.push(record);
                }
                (What::Over, None) => mails.push(record),
            }
        };
        match &self.lines {
            None => memory.into_iter().for_each(&mut take),
            Some(lines) => {
                let mut count = 0;
                lines.read(0, |at, line| {
                    if at >= end {
                        return Ok(ControlFlow::Break(()));
                    }
                    count += 1;
                    take(Record::read(line).ok_or_else(|| unreadable(lines, count))?);
                    Ok(ControlFlow::Continue(()))
                })?;
            }
        }
        let known = |record: Record| {
            let mail = (record.account.clone(), record.message_id.clone());
            match record.what {
                What::Begun if under_way.contains_key(&mail) => settled.get(&mail).cloned(),
                What::Begun | What::Over => Some(record),
            }
        };
        Ok(mails.into_iter().filter_map(known).flat_map(|record| rows(&record)).collect())
    }

    /// What became of a mail with the same key, when it may not be sent again; it writes nothing.
    ///
    /// # Errors
    /// There is a key and no file, or the file cannot be read.
    pub async fn before(self: &Arc<Self>, account: &str, mail: &Outgoing) -> Result<Option<Vec<Outcome>>> {
        let record = Record::of(account, mail);
        if self.knows_nothing_of(&record) {
            return Ok(None);
        }
        self.blocking(move |journal| journal.answer(&mut journal.state(), &record)).await
    }

    /// Whether all that was written is known by now, and nothing of it is about this mail: that needs no thread.
    fn knows_nothing_of(&self, record: &Record) -> bool {
        let (Some(lines), Some(index)) = (&self.lines, record.index()) else { return false };
        let state = self.state();
        state.read > 0 && state.read == lines.length() && !state.keys.contains_key(&index)
    }

    /// Writes a mail down, unless one with its key was sent before. It is on the disk then.
    ///
    /// # Errors
    /// As [`Journal::before`], or the file cannot be written; then nothing may be sent.
    pub async fn begin(self: &Arc<Self>, account: &str, mail: &Outgoing) -> Result<Entry> {
        self.begin_meanwhile(account, mail, None).await.unwrap_or_else(|_| Err(unwritten()))
    }

    /// The same, while something else is done, and after what became of the mail before it.
    pub fn begin_meanwhile(
        self: &Arc<Self>,
        account: &str,
        mail: &Outgoing,
        mut before: Option<Begun>,
    ) -> JoinHandle<Result<Entry>> {
        let (journal, record) = (Arc::clone(self), Record::of(account, mail));
        // What could not be written of the one before is tried again where that is dropped, when nothing is locked.
        tokio::task::spawn_blocking(move || journal.begin_now(record, before.as_mut()))
    }

    fn begin_now(self: &Arc<Self>, record: Record, before: Option<&mut Begun>) -> Result<Entry> {
        let (begun, written) = {
            let Some(lines) = &self.lines else {
                let mut state = self.state();
                if let Some(outcomes) = self.answer(&mut state, &record)? {
                    return Ok(Entry::Before(outcomes));
                }
                if let Some(before) = before
                    && let Some(over) = before.settled.take()
                {
                    state.memory.push(over);
                    before.is_over = true;
                    before.arrived(&mut state);
                }
                state.memory.push(record.clone());
                return Ok(Entry::Begun(Box::new(Begun::of(self, &mut state, record))));
            };
            // Nobody waits for the state while somebody else writes.
            let mut locked = lines.lock()?;
            let mut state = self.state();
            if let Some(before) = before
                && let Some(over) = &before.settled
            {
                let line = over.line()?;
                let written = locked.append(&line, |line| Record::read(line).is_some())?;
                state.wrote(&written, &line, over);
                before.is_over = true;
                before.arrived(&mut state);
            }
            if let Some(outcomes) = self.answer(&mut state, &record)? {
                return Ok(Entry::Before(outcomes));
            }
            let line = record.line()?;
            let written = locked.append(&line, |line| Record::read(line).is_some())?;
            state.wrote(&written, &line, &record);
            (Begun::of(self, &mut state, record), written)
        };
        // Others can write meanwhile; what is dropped on the way out is over, and was not sent.
        written.sync()?;
        Ok(Entry::Begun(Box::new(begun)))
    }

    /// Writes down that a mail is over.
    fn end_now(&self, record: Record) -> Result<()> {
        let mail = (record.account.clone(), record.message_id.clone());
        let Some(lines) = &self.lines else {
            let mut state = self.state();
            state.memory.push(record);
            state.arrived(&mail);
            return Ok(());
        };
        let locked = record.line().and_then(|line| Ok((lines.lock()?, line)));
        let mut state = self.state();
        let written = locked.and_then(|(mut locked, line)| {
            let written = locked.append(&line, |line| Record::read(line).is_some())?;
            state.wrote(&written, &line, &record);
            Ok(())
        });
        state.arrived(&mail);
        written
    }

    /// What a mail with this key gets for an answer.
    fn answer(&self, state: &mut State, record: &Record) -> Result<Option<Vec<Outcome>>> {
        let Some(index) = record.index() else { return Ok(None) };
        let Some(lines) = &self.lines else {
            return Err(Error::new(ErrorKind::Config, "a key needs a journal that lasts, and there is none here")
                .hint(
                    "give a directory for it, or leave the key out; without a file nobody knows tomorrow what was sent",
                ));
        };
        state.catch_up(lines)?;
        let Some(at) = state.keys.get(&index).copied() else { return Ok(None) };
        let mut last = None;
        lines.read(at, |_, line| {
            last = Record::read(line);
            Ok(ControlFlow::Break(()))
        })?;
        let last = last.ok_or_else(|| Error::new(ErrorKind::Io, "the journal was changed while it was read"))?;
        Ok(last.answer())
    }

    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        ask: impl FnOnce(&Arc<Self>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let journal = Arc::clone(self);
        let asked = tokio::task::spawn_blocking(move || ask(&journal)).await;
        asked.unwrap_or_else(|_| Err(unwritten()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Reads what was written since the last time, by whomever.
    fn catch_up(&mut self, lines: &Lines) -> Result<()> {
        let length = lines.length();
        if length == self.read {
            return Ok(());
        }
        if length < self.read {
            // It is another file by now.
            (self.read, self.count) = (0, 0);
            self.keys.clear();
        }
        let Self { read, count, keys, .. } = self;
        lines.read(*read, |at, line| {
            let record = Record::read(line).ok_or_else(|| unreadable(lines, *count + 1))?;
            if let Some(index) = record.index() {
                keys.insert(index, at);
            }
            *count += 1;
            *read = at + line.len() as u64 + 1;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Knows a line that this program wrote itself, if it knows all before it.
    fn wrote(&mut self, written: &Written, line: &[u8], record: &Record) {
        if self.read != written.at {
            return;
        }
        self.read += line.len() as u64;
        self.count += 1;
        if let Some(index) = record.index() {
            self.keys.insert(index, written.at);
        }
    }

    fn arrived(&mut self, mail: &(String, String)) {
        if let Some(times) = self.under_way.get_mut(mail) {
            *times -= 1;
            if *times == 0 {
                self.under_way.remove(mail);
                self.settled.remove(mail);
            }
        }
    }
}

impl Begun {
    fn of(journal: &Arc<Journal>, state: &mut State, record: Record) -> Self {
        *state.under_way.entry((record.account.clone(), record.message_id.clone())).or_default() += 1;
        Self { journal: Arc::clone(journal), record, may_be_sent: false, settled: None, is_over: false }
    }

    /// From now on it may be with the server: if nothing more is written, nobody knows.
    pub fn hand_over(&mut self) {
        self.may_be_sent = true;
    }

    /// Writes down what became of it.
    ///
    /// # Errors
    /// The file cannot be written; what was begun is as good as unknown to the next program then.
    pub async fn over(mut self, outcomes: &[Outcome]) -> Result<()> {
        self.settle(outcomes);
        self.end().await
    }

    /// Knows from now on what became of it; to be [ended](Begun::end), or given to the journal with the next mail.
    pub fn settle(&mut self, outcomes: &[Outcome]) {
        let over = self.record.over(outcomes);
        let mail = (over.account.clone(), over.message_id.clone());
        self.journal.state().settled.insert(mail, over.clone());
        self.settled = Some(over);
    }

    /// Writes down what became of it, if that is known.
    ///
    /// # Errors
    /// As [`Begun::over`].
    pub async fn end(mut self) -> Result<()> {
        let Some(over) = self.settled.take() else { return Ok(()) };
        self.is_over = true;
        self.journal.blocking(move |journal| journal.end_now(over)).await
    }

    fn arrived(&self, state: &mut State) {
        state.arrived(&(self.record.account.clone(), self.record.message_id.clone()));
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let over = match self.settled.take() {
            Some(over) => over,
            None if self.may_be_sent => return self.arrived(&mut self.journal.state()),
            None => self.record.over(&self.record.all(Status::NotSent, "it was given up before it was handed over")),
        };
        if let Err(error) = self.journal.end_now(over) {
            tracing::debug!("what became of a mail could not be written into the journal: {error}");
        }
    }
}

fn rows(record: &Record) -> Vec<Sent> {
    let row = |outcome: Outcome| Sent {
        account: record.account.clone(),
        message_id: outcome.message_id,
        recipient: outcome.recipient,
        status: outcome.status,
        code: outcome.code,
        response: outcome.response,
        at: outcome.at,
        key: record.key.clone(),
        sender: record.sender.clone(),
        subject: record.subject.clone(),
        size: record.size,
    };
    record.outcomes().into_iter().map(row).collect()
}

/// Whoever writes it has gone.
pub(super) fn unwritten() -> Error {
    Error::new(ErrorKind::Io, "the journal could not be written")
}

fn unreadable(lines: &Lines, line: u64) -> Error {
    Error::new(ErrorKind::Io, format!("line {line} of {} makes no sense", lines.path().display()))
        .hint("it is the journal of what was sent; correct that line or take it out, knowing that what it told is forgotten then")
}
