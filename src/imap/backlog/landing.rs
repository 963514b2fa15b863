//! What comes of a job when its commands are answered: what goes on, what is asked again, and what is gone.
//!
//! Here it is decided that an answer is not short: in parts (RFC 9738), or with fewer messages than there are.

use std::sync::Arc;

use super::{BLOCK, Backlog, Todo, all_below, joined};
use crate::error::{Error, ErrorKind, Result};
use crate::imap::census::Census;
use crate::imap::flight::Way;
use crate::imap::job::{self, Job, Kind};
use crate::imap::status::{Code, Status};
use crate::mail::{Fetch, FolderScan, Uid, UidSet};

impl Backlog {
    /// A command was answered; the job that it ended.
    ///
    /// # Errors
    /// When the server says that it gave only a part, and not which.
    pub fn landed(&mut self, status: &Status) -> Result<Option<Job>> {
        let Some(job) = self.flying.front_mut() else { return Ok(None) };
        job.commands = job.commands.saturating_sub(1);
        if let Some(Code::MessageLimit { uid, .. }) = &status.code {
            // What is asked again lies below all that was answered, so this comes to an end.
            let Some(lowest) = uid.filter(|uid| job.below.is_none_or(|below| *uid < below)) else {
                return Err(Error::new(
                    ErrorKind::Server,
                    "the server answered in part only, and did not say for which messages",
                ));
            };
            job.answered_above = job.answered_above.max(Some(lowest));
        }
        Ok(if job.commands == 0 { self.flying.pop_front() } else { None })
    }

    /// A job has ended: what it brought goes on.
    ///
    /// # Errors
    /// When the sieve fails.
    pub fn land(&mut self, mut job: Job, scan: &FolderScan) -> Result<()> {
        let below = job.answered_above.take();
        match &job.kind {
            Kind::Examine => {}
            Kind::SearchSaved => self.unsearched = below,
            Kind::Search => self.land_search(job.below.is_none(), below)?,
            Kind::Sweep(items) => self.land_sweep(items, below, job.has_nameless),
            Kind::Items(_) | Kind::Contents(_) | Kind::Whole(_) => self.land_messages(job, below)?,
        }
        self.settle(scan, true)
    }

    fn land_search(&mut self, is_first: bool, below: Option<Uid>) -> Result<()> {
        let found = self.found.take();
        if self.way == Way::Everything && is_first && below.is_none() {
            self.count(found.as_ref())?;
        }
        let found = found.and_then(|found| self.wanted(&found));
        let known = match std::mem::replace(&mut self.todo, Todo::Finding) {
            Todo::Blocks(known) => known,
            Todo::Find | Todo::Finding => None,
        };
        self.todo = Todo::Blocks(joined(known, found));
        if below.and_then(all_below).is_some() {
            self.upcoming.push_back(Job { below, ..Job::new(0, Kind::Search) });
        }
        Ok(())
    }

    /// A search for all messages finds as many as there are.
    fn count(&mut self, found: Option<&UidSet>) -> Result<()> {
        let Some(census) = &self.census else { return Ok(()) };
        let missing = census.missing(found);
        if missing > 0 && census.missing_of_all(found) == 0 {
            // They are there, with uids that were still to come: the server does not know which are.
            self.opened.iter_mut().for_each(|opened| opened.uid_next = None);
        } else if missing > 0 {
            return Err(Error::new(ErrorKind::Server, "the server does not find all messages that are in the folder")
                .context("missing", missing.to_string())
                .hint("ask again; they may just have been deleted"));
        }
        Ok(())
    }

    fn land_sweep(&mut self, items: &Arc<Fetch>, below: Option<Uid>, has_nameless: bool) {
        self.finish_in_part(items);
        let below = below.max(self.unsearched.take());
        let seen = self.seen.set();
        let rest = below.and_then(all_below);
        let census = self.census.as_ref().filter(|_| rest.is_none() && self.is_whole);
        if has_nameless || census.is_some_and(|census| census.missing(seen.as_ref()) > 0) {
            // Not all came, or not by name: what there is, is looked up, and what was seen is not read again.
            self.way = if self.is_whole { Way::Everything } else { self.way.clone() };
            self.todo = Todo::Finding;
            return self.upcoming.push_back(Job::new(0, Kind::Search));
        }
        if matches!(self.way, Way::Search(_)) && rest.is_some() {
            self.todo = Todo::Finding;
            return self.upcoming.push_back(Job { below, ..Job::new(0, Kind::Search) });
        }
        let left = seen.map_or(Some(self.way.clone()), |seen| self.way.without(&seen));
        let uids =
            left.and_then(|left| rest?.intersection(&left.key().uids().or_else(|| UidSet::range(Uid::MIN, Uid::MAX))?));
        self.todo = Todo::Blocks(None);
        if let Some(uids) = uids {
            (self.way, self.todo) = (Way::Uids(uids), Todo::Finding);
            self.upcoming.push_back(Job { below, ..Job::new(0, Kind::Sweep(Arc::clone(items))) });
        }
    }

    fn land_messages(&mut self, mut job: Job, below: Option<Uid>) -> Result<()> {
        let rest = below.and_then(all_below);
        let messages = std::mem::take(&mut job.messages).into_values();
        let (left, ended): (Vec<_>, Vec<_>) =
            messages.partition(|message| rest.as_ref().is_some_and(|rest| rest.contains(message.uid)));
        if !left.is_empty() {
            self.upcoming.push_back(Job {
                below,
                landed: job.landed.clone(),
                ..Job::of(job.step, job.kind.clone(), left)
            });
        }
        // What came in part is given as it is, and so is what came in name only.
        let all_are_there = self.census.as_ref().is_some_and(Census::is_all_there);
        let (in_part, absent): (Vec<_>, Vec<_>) = ended.into_iter().partition(|message| {
            job.landed.contains(&message.uid) || all_are_there && job.heard_of.contains(&message.uid)
        });
        for message in in_part {
            self.arrive_from(&job.kind, job.step, job::told(message, &job.kind));
        }
        match (&job.kind, job.has_nameless && !absent.is_empty()) {
            // What did not come at all is gone, but who does not say so is asked once more.
            (_, false) if all_are_there && !job.is_again && !absent.is_empty() => {
                self.upcoming.push_back(Job { is_again: true, ..Job::of(job.step, job.kind.clone(), absent) });
            }
            (_, false) => {}
            (Kind::Items(items), true) if items.structure => {
                let items = Fetch { structure: false, ..(**items).clone() };
                self.upcoming.push_back(Job::of(job.step, Kind::Items(items.into()), absent));
            }
            (_, true) => {
                return Err(Error::new(
                    ErrorKind::Server,
                    "the server sent something of a message without saying of which",
                ));
            }
        }
        Ok(())
    }

    /// The sweep is over, and what is missing did not come: it is asked for once more.
    pub(super) fn finish_in_part(&mut self, items: &Fetch) {
        let mut messages = std::mem::take(&mut self.in_part).into_values().peekable();
        while messages.peek().is_some() {
            let mut job = Job::of(0, Kind::Items(items.clone().into()), messages.by_ref().take(BLOCK));
            job.landed = job.messages.keys().copied().collect();
            self.upcoming.push_back(job);
        }
    }
}
