//! Messages that did not come as they were asked for: they are asked for once more, then looked for in the folder.
//!
//! A message that the folder still lists and that does not come is an error that names it, or it is left out and counted
//! (`mailql.unreadable`). A message that the folder no longer lists is gone, and only that is a reason to give no row for it.

use std::sync::Arc;

use super::advancing::split;
use super::{Backlog, Todo, all_below, joined};
use crate::error::{Error, ErrorKind, Result};
use crate::imap::flight::Way;
use crate::imap::job::{self, Job, Kind};
use crate::mail::store::Unreadable;
use crate::mail::{Fetch, FolderScan, Message, Uid, UidSet};

/// A message that did not come although it was asked for twice.
#[derive(Debug)]
pub struct Suspect {
    pub message: Message,
    pub step: usize,
    pub kind: Kind,
    /// It was asked for by itself: another message cannot be the reason.
    pub was_alone: bool,
    pub why: String,
}

/// What the folder was when it was opened anew to list its messages.
#[derive(Debug)]
pub struct Listing {
    exists: u32,
    /// How many messages are gone since.
    gone: u64,
}

impl Backlog {
    /// What did not come of the messages of a job that has ended.
    pub(super) fn land_missing(&mut self, job: &Job, missing: Vec<Message>) -> Result<()> {
        let has_come = |message: &Message| job.landed.contains(&message.uid);
        let is_nameless = job.has_nameless && !missing.iter().all(has_come);
        // A structure can hide the uid that comes after it.
        if is_nameless && let Some(kind) = without_structure(&job.kind) {
            self.upcoming.push_back(Job::of(job.step, kind, missing));
            return Ok(());
        }
        match &job.kind {
            _ if is_nameless && job.is_again => {
                let message = "the server sent something of a message without saying of which";
                return Err(Error::new(ErrorKind::Server, message));
            }
            Kind::PartHeaders | Kind::Encodings | Kind::Contents(_) => {
                let is_settled = !matches!(job.kind, Kind::Contents(_)) || job.is_again;
                let (come, rest) = missing.into_iter().partition(|message| is_settled && has_come(message));
                self.read_whole(job.step, come);
                self.doubt(job, rest);
            }
            _ => self.doubt(job, missing),
        }
        Ok(())
    }

    /// Asks for messages once more; those that were asked for twice are looked for.
    pub(super) fn doubt(&mut self, job: &Job, missing: Vec<Message>) {
        if job.is_again
            && let Some(kind) = without_structure(&job.kind)
        {
            self.upcoming.push_back(Job::of(job.step, kind, missing));
        } else if job.is_again {
            for message in missing {
                let why = reason(job, &message);
                let (step, kind, was_alone) = (job.step, job.kind.clone(), job.is_alone);
                self.suspects.push(Suspect { message, step, kind, was_alone, why });
            }
        } else {
            // In a few groups: one message that cannot be read must not take many others with it.
            let size = missing.len().div_ceil(GROUPS).max(1);
            let again = |part| Job { is_again: true, ..Job::of(job.step, job.kind.clone(), part) };
            self.upcoming.extend(split(missing, size).map(again));
        }
    }

    /// A row of a message made no sense. Most often that is its structure, which the message itself tells too.
    pub(super) fn ask_otherwise(&mut self, job: &Job, message: Message, why: String) {
        if let Some(kind) = without_structure(&job.kind) {
            return self.enqueue(job.step, &kind, vec![message]);
        }
        match &job.kind {
            Kind::Sweep(items) => {
                let kind = Kind::Items(Arc::clone(items));
                self.upcoming.push_back(Job { is_again: true, ..Job::of(job.step, kind, [message]) });
            }
            Kind::PartHeaders | Kind::Encodings | Kind::Contents(_) if job.is_again => {
                self.read_whole(job.step, vec![message]);
            }
            kind if job.is_again => {
                let (step, kind, was_alone) = (job.step, kind.clone(), job.is_alone);
                self.suspects.push(Suspect { message, step, kind, was_alone, why });
            }
            kind => self.upcoming.push_back(Job { is_again: true, ..Job::of(job.step, kind.clone(), [message]) }),
        }
    }

    /// Has the folder listed when there are messages to look for.
    pub(super) fn look_for_suspects(&mut self) {
        let is_listed = || self.upcoming.iter().chain(&self.flying).any(|job| job.kind == Kind::Listing);
        if !self.suspects.is_empty() && !is_listed() {
            self.upcoming.push_back(Job::new(0, Kind::Listing));
        }
    }

    /// The folder was opened anew for a listing: from now on it is as it was told.
    pub fn listing_begins(&mut self) {
        self.listing = self.examining.exists.map(|exists| Listing { exists, gone: 0 });
    }

    /// So many messages are gone from the folder.
    pub fn gone(&mut self, messages: u64) {
        self.census.iter_mut().for_each(|census| census.gone(messages));
        self.listing.iter_mut().for_each(|listing| listing.gone += messages);
    }

    /// The folder is listed: what is not there is gone, and what is there must come.
    pub(super) fn land_listing(&mut self, below: Option<Uid>, scan: &FolderScan) -> Result<()> {
        let listed = joined(self.listed.take(), self.found.take());
        if below.and_then(all_below).is_some() {
            self.listed = listed;
            self.upcoming.push_front(Job { below, ..Job::new(0, Kind::Listing) });
            return Ok(());
        }
        let own = self.examining.opened();
        if self.opened.is_some_and(|opened| opened.uid_validity != own.uid_validity) {
            return Err(renumbered());
        }
        let count = listed.as_ref().map_or(0, UidSet::count);
        let there = self.listing.take().map_or(0, |listing| u64::from(listing.exists).saturating_sub(listing.gone));
        if count < there {
            return Err(Error::new(ErrorKind::Server, "the server does not find all messages that are in the folder")
                .context("missing", (there - count).to_string())
                .hint("ask again; they may just have been deleted"));
        }
        for suspect in std::mem::take(&mut self.suspects) {
            let Suspect { message, step, kind, was_alone, why } = suspect;
            if !listed.as_ref().is_some_and(|listed| listed.contains(message.uid)) {
                continue;
            }
            if was_alone {
                self.unreadable(message.uid, &why, scan)?;
            } else {
                self.upcoming.push_back(Job { is_again: true, ..Job::of(step, kind, [message]) });
            }
        }
        let unseen = match self.way {
            // What else there is, a search tells, not a listing.
            Way::Search(_) => None,
            Way::Everything | Way::Uids(_) => listed.and_then(|listed| self.wanted(&listed)),
        };
        match std::mem::replace(&mut self.todo, Todo::Finding) {
            Todo::Blocks(known) => self.todo = Todo::Blocks(joined(known, unseen)),
            Todo::Find | Todo::Finding => self.todo = Todo::Blocks(unseen),
        }
        Ok(())
    }

    /// A message that is there, and that the server does not deliver.
    fn unreadable(&mut self, uid: Uid, why: &str, scan: &FolderScan) -> Result<()> {
        match (scan.statement.terms().unreadable, self.opened) {
            (Unreadable::Skip, Some(opened)) => {
                self.left_out.add(&scan.folder.path, opened.uid_validity, uid);
                tracing::warn!("message {uid} of {} is left out: {why}", scan.folder.path);
                scan.meter.unreadable.add(1);
                scan.statement.notices().unreadable.add(1);
                Ok(())
            }
            (Unreadable::Error | Unreadable::Skip, _) => {
                let error = Error::new(ErrorKind::Server, format!("the server does not deliver message {uid}: {why}"));
                Err(error.hint(format!(
                    "leave it out: … AND uid <> {uid}; or leave out all such mail: SET mailql.unreadable = 'skip'"
                )))
            }
        }
    }

    /// The server refused a command of the job under way, in these words: what it was about is asked for by itself.
    pub fn refused(&mut self, words: String) {
        if let Some(job) = self.flying.front_mut() {
            job.refusal.get_or_insert(words);
        }
    }
}

/// The same without the structure, which the message itself tells too.
fn without_structure(kind: &Kind) -> Option<Kind> {
    match kind {
        Kind::Sweep(items) | Kind::Items(items) if items.structure => {
            Some(Kind::Items(Fetch { structure: false, ..(**items).clone() }.into()))
        }
        _ => None,
    }
}

/// Why a message is missing, for a person.
fn reason(job: &Job, message: &Message) -> String {
    let what = job::missing(message, &job.kind).unwrap_or("it");
    match &job.refusal {
        Some(words) => words.clone(),
        None if job.landed.contains(&message.uid) => format!("{what} did not come, or not whole"),
        None if job.heard_of.contains(&message.uid) => "nothing but its flags came".to_owned(),
        None => "it is in the folder, and nothing of it came".to_owned(),
    }
}

/// The uids of the folder mean other messages than before.
pub fn renumbered() -> Error {
    Error::new(ErrorKind::Mail, "the folder was renumbered while it was read")
        .hint("ask again; the new numbers hold then")
}

/// Into so many groups messages are divided that are asked for once more.
const GROUPS: usize = 16;
