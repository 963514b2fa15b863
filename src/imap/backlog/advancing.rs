//! From step to step: where messages go that a step is done with, and which of them are asked for together.
//!
//! Decides nothing about the server; that something is missing was seen before.

use std::sync::Arc;

use super::{BLOCK, Backlog, HEAVY_BLOCK, HELD, JOB_OCTETS, Todo, UNKNOWN_SIZE};
use crate::error::Result;
use crate::imap::flight::Step;
use crate::imap::job::{self, Job, Kind};
use crate::imap::signs;
use crate::mail::{Fetch, FolderScan, HeaderFetch, Message, content};

impl Backlog {
    /// Lets messages go through their next steps as far as that needs no server.
    pub(super) fn advance(&mut self, mut step: usize, mut messages: Vec<Message>, scan: &FolderScan) -> Result<()> {
        // Newest first.
        messages.sort_unstable_by_key(|message| std::cmp::Reverse(message.uid));
        loop {
            if messages.is_empty() {
                return Ok(());
            }
            if step > 0 && matches!(&self.steps[step - 1], Step::Items(items) if items.structure) {
                messages = self.with_structure(step, messages);
                if messages.is_empty() {
                    return Ok(());
                }
            }
            match self.steps.get(step) {
                None => {
                    self.ready.push_back(messages);
                    return Ok(());
                }
                Some(Step::Sieve) => {
                    if let Some((_, sieve)) = &scan.then {
                        let passes = sieve.passes(&scan.folder, &mut messages)?;
                        let mut passes = passes.into_iter();
                        messages.retain(|_| passes.next().unwrap_or(true));
                    }
                }
                Some(Step::Items(items)) => {
                    if items.header != HeaderFetch::None {
                        // The fields that came before are among those to come, and must not be taken for them.
                        for message in &mut messages {
                            message.header = None;
                        }
                    }
                    self.enqueue(step, &Kind::Items(items.clone().into()), messages);
                    return Ok(());
                }
                Some(Step::Contents(fetch)) => {
                    for message in &mut messages {
                        if let Some(raw) = message.raw.clone() {
                            content::fill(message, fetch, &raw);
                        }
                    }
                    let (something, nothing): (Vec<_>, Vec<_>) =
                        messages.into_iter().partition(|message| job::wants_contents(message, fetch));
                    let kind = Kind::Contents(fetch.clone().into());
                    self.enqueue(step, &kind, something);
                    messages = nothing;
                }
            }
            step += 1;
        }
    }

    /// The messages whose structure is known; of the others, the headers of parts or the whole message are asked for.
    fn with_structure(&mut self, step: usize, messages: Vec<Message>) -> Vec<Message> {
        let is_settled = |message: &Message| self.settled.contains(&message.uid);
        let needs_whole = |message: &Message| match (&message.structure, message.size) {
            (None, _) => true,
            (Some(root), Some(size)) => self.checks_structures && signs::is_far(root, size),
            (Some(_), None) => false,
        };
        if messages.iter().all(|message| message.structure.is_some() && message.doubtful.is_empty())
            && !self.checks_structures
        {
            return messages;
        }
        let (mut known, rest): (Vec<_>, Vec<_>) = messages.into_iter().partition(is_settled);
        let (whole, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(needs_whole);
        let (doubtful, sure): (Vec<_>, Vec<_>) = rest.into_iter().partition(|message| !message.doubtful.is_empty());
        for message in &known {
            self.settled.remove(&message.uid);
        }
        self.read_whole(step - 1, whole);
        self.enqueue(step - 1, &Kind::PartHeaders, doubtful);
        known.extend(sure);
        known.sort_unstable_by_key(|message| std::cmp::Reverse(message.uid));
        known
    }

    /// Reads messages whole, as their structure or their parts cannot be had.
    pub(super) fn read_whole(&mut self, step: usize, mut messages: Vec<Message>) {
        for message in &mut messages {
            // Nothing of what came before may be taken for what the message itself says.
            (message.structure, message.preview_next) = (None, None);
            message.contents.clear();
            message.beginnings.clear();
        }
        let kind = Kind::Whole(Arc::new(self.wanted_of_whole(step)));
        for message in &messages {
            self.toll.add(job::expected(message, &kind).unwrap_or(0));
        }
        self.upcoming.extend(split(messages, HEAVY_BLOCK).map(|part| Job::of(step, kind.clone(), part)));
    }

    /// What to take from a whole message that is read for its structure: also the contents that this and later steps want,
    /// as the numbers of its parts may mean others to the server.
    fn wanted_of_whole(&self, step: usize) -> Fetch {
        let mut whole = Fetch { structure: true, ..Fetch::default() };
        for later in &self.steps[step..] {
            if let Step::Contents(fetch) = later {
                whole.preview |= fetch.preview;
                whole.text |= fetch.text;
                whole.attachments |= fetch.attachments;
            }
        }
        whole
    }

    pub(super) fn enqueue(&mut self, step: usize, kind: &Kind, messages: Vec<Message>) {
        let is_sweeping = self.todo == Todo::Finding;
        if is_sweeping && self.waiting() + messages.len() > HELD {
            self.later.extend(messages.iter().map(|message| message.uid));
            for message in &messages {
                self.toll.later(job::expected(message, kind).unwrap_or(0));
            }
            return;
        }
        for message in messages {
            let expected = job::expected(&message, kind);
            let octets = expected.unwrap_or(UNKNOWN_SIZE);
            if kind.has_content() {
                self.toll.add(expected.unwrap_or(0));
            }
            // As many as fit go together, also with those that wait already.
            let fits = |job: &&mut Job| {
                job.step == step
                    && job.kind == *kind
                    && job.messages.len() < BLOCK
                    && job.octets.saturating_add(octets) <= JOB_OCTETS
            };
            match self.upcoming.back_mut().filter(fits) {
                Some(job) => {
                    job.octets = job.octets.saturating_add(octets);
                    job.messages.insert(message.uid, message);
                }
                None => {
                    let mut job = Job::of(step, kind.clone(), [message]);
                    job.octets = octets;
                    self.upcoming.push_back(job);
                }
            }
        }
    }
}

pub(super) fn split(messages: Vec<Message>, size: usize) -> impl Iterator<Item = Vec<Message>> {
    let mut messages = messages.into_iter().peekable();
    std::iter::from_fn(move || messages.peek().is_some().then(|| messages.by_ref().take(size).collect()))
}
