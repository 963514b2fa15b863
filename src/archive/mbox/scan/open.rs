//! The message that the scan of an mbox is reading, and its record in the end.
//!
//! Which lines it has is decided in [`super`].

use crate::archive::mbox::record::{self, HAS_KEYWORDS, KEPT_IN_PLACE, NO_DATE, Record};
use crate::archive::mbox::{line_date, separator, status};
use crate::mail::message::Timestamp;
use crate::mail::{Header, date};

/// The message that is read.
pub(super) struct Open {
    offset: u64,
    content: u64,
    pub(super) header_end: Option<u64>,
    pub(super) bare: u64,
    pub(super) quoted: u64,
    /// The date of its `From ` line, and whether fields tell better when it was received.
    date: Option<Timestamp>,
    pub(super) fields_first: bool,
    /// Whether its author's fields were seen: what comes before them may have been put before another `From ` line.
    pub(super) is_authored: bool,
    pub(super) content_length: Option<u64>,
    /// Where the message ends by its Content-Length, if that holds.
    pub(super) known_end: Option<u64>,
    pub(super) state: u16,
}

impl Open {
    /// A message that begins with the line at the offset; `state` is what is known of that line.
    pub(super) fn new(line: &[u8], offset: u64, state: u16) -> Self {
        let start = &line[..line.len().min(separator::LONGEST)];
        Self {
            offset,
            content: offset + line.len() as u64,
            header_end: None,
            bare: 0,
            quoted: 0,
            date: line_date::of(start),
            fields_first: separator::tells_download(start),
            is_authored: false,
            content_length: None,
            known_end: None,
            state,
        }
    }

    /// The record of the message, which ends before `end` and has an empty line of so many octets there.
    pub(super) fn record(&self, end: u64, empty_line: u64, header: &Header) -> Record {
        let header_end = self.header_end.unwrap_or(end);
        // The empty line that ends the header is no separator of messages, though it may serve as one.
        let empty_line = if end - empty_line >= header_end { empty_line } else { 0 };
        let bare = self.bare - u64::from(empty_line == 1);
        let end = end - empty_line;
        Record {
            offset: self.offset,
            length: end - self.offset,
            size: end - self.content + bare - self.quoted,
            received_at: self.received_at(header).map_or(NO_DATE, |at| at.0),
            header: u32::try_from(header_end - self.offset).unwrap_or(u32::MAX),
            state: self.state | state(header),
        }
    }

    /// When the message was received. Of mail that was downloaded, the line tells only when that was, and in local time.
    fn received_at(&self, header: &Header) -> Option<Timestamp> {
        if !self.fields_first {
            return self.date.or_else(|| received(header));
        }
        received(header).or_else(|| date::parse(&header.text("date")?)).or(self.date)
    }
}

fn received(header: &Header) -> Option<Timestamp> {
    date::parse(header.text("received")?.rsplit(';').next()?)
}

fn state(header: &Header) -> u16 {
    let keywords = if status::has_keywords(header) { HAS_KEYWORDS } else { 0 };
    let in_place = if status::is_kept_in_place(header) { KEPT_IN_PLACE } else { 0 };
    record::bits_of(&status::flags(header)) | keywords | in_place
}
