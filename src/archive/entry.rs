//! One message in a file: reads of it what is asked for and no more, and fills a [`Message`].
//!
//! Where the octets are is a backend's matter ([`Entry`]); what they mean is `mail`'s. Which
//! messages are read is decided in [`super::reading`].

use bytes::Bytes;

use super::crlf;
use super::matches::Facts;
use crate::error::Error;
use crate::mail::content;
use crate::mail::message::StoreId;
use crate::mail::{Fetch, Flags, Header, HeaderFetch, Message, Meter};

/// A message in a file, read as far as it is asked.
pub(super) trait Entry: Facts<Error = Stop> {
    /// Its flags and keywords.
    fn flags(&mut self) -> Reading<Flags>;

    /// Why nothing that is in the file can be read, where the format is known and not read.
    fn unreadable(&mut self) -> Reading<Option<&'static str>> {
        Ok(None)
    }

    /// Its header with CRLF line ends, up to and including the empty line, or as much of it as is read.
    fn header(&mut self) -> Reading<Bytes>;

    /// All of it with CRLF line ends, unless it is larger than [`MOST_MESSAGE`].
    fn whole(&mut self) -> Reading<Option<Bytes>>;

    /// Its labels, thread and message identifiers, where the file holds such.
    fn marks(&mut self) -> Reading<Marks>;

    /// What is to be said of the file itself, as far as it was read.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }

    /// Octets read for it so far.
    fn octets_read(&self) -> u64;
}

/// What only some stores know of a message.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) labels: Option<Vec<String>>,
    pub(super) thread_id: Option<String>,
    pub(super) email_id: Option<String>,
}

/// Why reading a message ends before it is read.
#[derive(Debug)]
pub(super) enum Stop {
    /// It was deleted since it was listed: it is left out.
    Gone,
    /// It cannot be read.
    Failed(Error),
}

/// The result of reading something of a message.
pub(super) type Reading<T> = Result<T, Stop>;

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Failed(error)
    }
}

/// Reads of the message what is asked for, in addition to what is there.
pub(super) fn fill(message: &mut Message, fetch: &Fetch, entry: &mut dyn Entry, meter: &Meter) -> Reading<()> {
    if needs_whole(fetch) || needs_header(fetch) {
        match entry.unreadable()? {
            Some(problem) => add_problem(message, problem.to_owned()),
            None => fill_content(message, fetch, entry, meter)?,
        }
    }
    if fetch.flags {
        message.flags = Some(entry.flags()?);
    }
    if fetch.received_at {
        message.received_at = entry.received_at()?;
    }
    if fetch.size {
        message.size = entry.size()?;
    }
    entry.problems().into_iter().for_each(|problem| add_problem(message, problem));
    Ok(())
}

/// Reads what is in the message itself.
fn fill_content(message: &mut Message, fetch: &Fetch, entry: &mut dyn Entry, meter: &Meter) -> Reading<()> {
    if needs_whole(fetch) {
        match entry.whole()? {
            Some(raw) => content::fill(message, fetch, &raw),
            None => add_problem(message, format!("not loaded: larger than {} MiB", MOST_MESSAGE >> 20)),
        }
        if fetch.has_content() {
            meter.bodies.add(1);
        }
    }
    match &fetch.header {
        HeaderFetch::None => {}
        HeaderFetch::Fields(_) | HeaderFetch::All => {
            let header = entry.header()?;
            if header.len() == MOST_HEADER {
                add_problem(message, format!("header cut: longer than {} KiB", MOST_HEADER >> 10));
            }
            message.header = Some(Header::parse(header));
        }
    }
    if fetch.labels || fetch.thread_id || fetch.email_id {
        let marks = entry.marks()?;
        message.labels = marks.labels.filter(|_| fetch.labels).or(message.labels.take());
        let told = |id: Option<String>, is_wanted: bool| id.filter(|_| is_wanted).map(StoreId::Given);
        message.thread_id = told(marks.thread_id, fetch.thread_id).or(message.thread_id.take());
        message.email_id = told(marks.email_id, fetch.email_id).or(message.email_id.take());
    }
    Ok(())
}

/// Whether more than the header must be read.
pub(super) fn needs_whole(fetch: &Fetch) -> bool {
    fetch.structure || fetch.has_content()
}

/// Whether the header must be read, and that is all.
pub(super) fn needs_header(fetch: &Fetch) -> bool {
    fetch.header != HeaderFetch::None || fetch.labels || fetch.thread_id || fetch.email_id
}

/// The header of a message whose line ends are CRLF, cut where it grows out of proportion.
pub(super) fn header_of(message: &Bytes) -> Bytes {
    let end = crlf::header_end(message).unwrap_or(message.len()).min(MOST_HEADER);
    message.slice(..end)
}

/// A message larger than this, in octets of the file, is not loaded.
pub(super) const MOST_MESSAGE: u64 = 256 << 20;

/// A header is read to this many octets at most.
pub(super) const MOST_HEADER: usize = 1 << 20;

fn add_problem(message: &mut Message, problem: String) {
    if !message.problems.contains(&problem) {
        message.problems.push(problem);
    }
}
