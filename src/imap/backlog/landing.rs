//! What comes of a job when its commands are answered: what goes on, what is asked again, and what is gone.
//!
//! Here it is decided that an answer is not short: in parts (RFC 9738), or with fewer messages than there are. Messages that
//! did not come are looked after in [`super::missing`].

use std::sync::Arc;

use super::{Backlog, Todo, all_below, joined};
use crate::error::{Error, ErrorKind, Result};
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
            Kind::Search => self.land_search(job.below.is_none(), below),
            Kind::Listing => self.land_listing(below, scan)?,
            Kind::Sweep(items) => self.land_sweep(items, below, job.has_nameless),
            Kind::Items(_) | Kind::Contents(_) | Kind::PartHeaders | Kind::Encodings | Kind::Whole(_) => {
                self.land_messages(job, below)?;
            }
        }
        self.look_for_suspects();
        self.settle(scan, true)
    }

    fn land_search(&mut self, is_first: bool, below: Option<Uid>) {
        let found = self.found.take();
        if self.way == Way::Everything && is_first && below.is_none() && self.lacks(found.as_ref()) {
            return self.upcoming.push_back(Job::new(0, Kind::Listing));
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
    }

    /// Whether a search for all messages finds fewer than there were when the folder was opened.
    fn lacks(&mut self, found: Option<&UidSet>) -> bool {
        let Some(census) = &self.census else { return false };
        let missing = census.missing(found);
        if missing > 0 && census.missing_of_all(found) == 0 {
            // They are there, with uids that were still to come: the server does not know which are.
            self.opened.iter_mut().for_each(|opened| opened.uid_next = None);
            return false;
        }
        missing > 0
    }

    fn land_sweep(&mut self, items: &Arc<Fetch>, below: Option<Uid>, has_nameless: bool) {
        self.finish_in_part(items);
        let below = below.max(self.unsearched.take());
        let rest = below.and_then(all_below);
        let found = self.found.take();
        if matches!(self.way, Way::Search(_)) && std::mem::take(&mut self.is_found) && !has_nameless && rest.is_none() {
            self.todo = Todo::Blocks(found.and_then(|found| self.wanted(&found)));
            return;
        }
        if has_nameless || rest.is_none() && self.is_short() {
            return self.look_up();
        }
        if matches!(self.way, Way::Search(_)) && rest.is_some() {
            self.todo = Todo::Finding;
            return self.upcoming.push_back(Job { below, ..Job::new(0, Kind::Search) });
        }
        let left = self.seen.set().map_or(Some(self.way.clone()), |seen| self.way.without(&seen));
        let uids =
            left.and_then(|left| rest?.intersection(&left.key().uids().or_else(|| UidSet::range(Uid::MIN, Uid::MAX))?));
        self.todo = Todo::Blocks(None);
        if let Some(uids) = uids {
            (self.way, self.todo, self.came, self.told) = (Way::Uids(uids), Todo::Finding, 0, None);
            self.upcoming.push_back(Job { below, ..Job::new(0, Kind::Sweep(Arc::clone(items))) });
        }
    }

    /// Whether fewer messages came in a sweep than there are, as far as that is known; what is not known may be fewer.
    fn is_short(&self) -> bool {
        match &self.way {
            Way::Everything => {
                let seen = self.seen.set();
                self.census.as_ref().is_none_or(|census| census.missing(seen.as_ref()) > 0)
            }
            Way::Uids(uids) => {
                let known = self.known().and_then(|known| known.intersection(uids));
                self.came < self.told.unwrap_or(u64::MAX).min(known.map_or(0, |known| known.count()))
            }
            // What was found is not known, or it would have been compared.
            Way::Search(_) => true,
        }
    }

    /// Not all came, or not by name: what there is, is looked up, and what came is not read again.
    fn look_up(&mut self) {
        self.todo = Todo::Finding;
        let kind = match self.way {
            // Some servers do not find uids, so all are listed and these are taken out of them here.
            Way::Uids(_) => Kind::Listing,
            Way::Everything | Way::Search(_) => Kind::Search,
        };
        self.upcoming.push_back(Job::new(0, kind));
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
        // A part that is larger than the user allows is not asked for again.
        let (too_large, missing): (Vec<_>, Vec<_>) =
            ended.into_iter().partition(|message| job.landed.contains(&message.uid) && job::is_too_large(message));
        for message in too_large {
            self.arrive_from(&job.kind, job.step, message);
        }
        if missing.is_empty() { Ok(()) } else { self.land_missing(&job, missing) }
    }

    /// The sweep is over, and what is missing did not come: it is asked for once more.
    pub(super) fn finish_in_part(&mut self, items: &Fetch) {
        let job = Job::new(0, Kind::Items(items.clone().into()));
        let messages = std::mem::take(&mut self.in_part).into_values().collect();
        self.doubt(&job, messages);
    }
}
