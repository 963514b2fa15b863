//! One message of an mbox: takes its octets from where the index says they are.
//!
//! Undoes the quoting of `From ` lines (mboxrd, which serves mboxo too). Fails when the file is no
//! longer what was indexed. What is asked for is decided in [`crate::archive::entry`].

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::index::{Index, Stamp, changed};
use super::record::{HAS_KEYWORDS, NO_DATE, Record};
use super::scan::is_quoted;
use super::{separator, status};
use crate::archive::crlf;
use crate::archive::entry::{self, Entry, MOST_HEADER, MOST_MESSAGE, Marks, Reading, Stop};
use crate::archive::matches::Facts;
use crate::archive::reading::{Chunk, Snapshot};
use crate::error::{Error, Result};
use crate::file;
use crate::mail::message::Timestamp;
use crate::mail::{Fetch, Flag, Flags, Header, Meter, Uid, UidValidity};

/// A file with its index, as both were when the statement first looked.
#[derive(Debug)]
pub(super) struct Indexed {
    pub(super) path: PathBuf,
    pub(super) index: Arc<Index>,
}

impl Snapshot for Indexed {
    fn uid_validity(&self) -> UidValidity {
        self.index.uid_validity
    }

    fn len(&self) -> usize {
        self.index.records.len()
    }

    fn uid(&self, position: usize) -> Uid {
        uid_at(position)
    }

    fn cost(&self, position: usize, fetch: &Fetch) -> Option<u64> {
        Some(cost(&self.index.records[position], fetch))
    }

    fn total(&self, fetch: &Fetch) -> Option<u64> {
        Some(self.index.records.iter().map(|record| cost(record, fetch)).sum())
    }

    fn is_one_file(&self) -> bool {
        true
    }

    fn open<'a>(&'a self, meter: &'a Meter) -> Result<Box<dyn Chunk + 'a>> {
        let failed = |error| Error::io(format!("cannot open {}", self.path.display()), error);
        let file = file::open(&self.path).map_err(failed)?;
        let chunk = OpenMbox { indexed: self, file, meter };
        chunk.check()?;
        Ok(Box::new(chunk))
    }
}

fn cost(record: &Record, fetch: &Fetch) -> u64 {
    if entry::needs_whole(fetch) {
        record.length
    } else if entry::needs_header(fetch) || (fetch.flags && record.state & HAS_KEYWORDS != 0) {
        u64::from(record.header)
    } else {
        0
    }
}

/// The uid of a message is its position, counted from 1; the index holds no more than there are uids.
fn uid_at(position: usize) -> Uid {
    u32::try_from(position + 1).ok().and_then(Uid::new).unwrap_or(Uid::MAX)
}

/// The file, while some messages are read from it.
struct OpenMbox<'a> {
    indexed: &'a Indexed,
    file: File,
    meter: &'a Meter,
}

impl OpenMbox<'_> {
    /// Makes sure that the file is as it was when it was indexed.
    fn check(&self) -> Result<()> {
        let stamp = self.file.metadata().map(|metadata| Stamp::of(&metadata));
        let stamp = stamp.map_err(|error| Error::io(format!("cannot read {}", self.indexed.path.display()), error))?;
        if stamp == self.indexed.index.stamp { Ok(()) } else { Err(changed(&self.indexed.path)) }
    }

    /// Octets of a message, its `From ` line left out.
    fn octets(&self, record: &Record, length: u64) -> Result<Vec<u8>> {
        let path = &self.indexed.path;
        let failed = |error| Error::io(format!("cannot read {}", path.display()), error);
        let mut octets = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        (&self.file).seek(SeekFrom::Start(record.offset)).map_err(failed)?;
        let read = (&self.file).take(length).read_to_end(&mut octets).map_err(failed)?;
        self.meter.bytes.add(read);
        if read as u64 != length || !separator::begins(&octets) {
            return Err(changed(path));
        }
        let line = memchr::memchr(b'\n', &octets).map_or(octets.len(), |end| end + 1);
        octets.drain(..line);
        Ok(octets)
    }
}

impl Chunk for OpenMbox<'_> {
    fn entry(&mut self, position: usize) -> Box<dyn Entry + '_> {
        let record = &self.indexed.index.records[position];
        Box::new(MboxEntry { open: self, uid: uid_at(position), record, header: None, whole: None, octets_read: 0 })
    }

    fn finish(&mut self) -> Result<()> {
        self.check()
    }
}

struct MboxEntry<'a> {
    open: &'a OpenMbox<'a>,
    uid: Uid,
    record: &'a Record,
    header: Option<Bytes>,
    whole: Option<Bytes>,
    octets_read: u64,
}

impl Facts for MboxEntry<'_> {
    type Error = Stop;

    fn uid(&self) -> Uid {
        self.uid
    }

    fn has(&mut self, flag: Flag) -> Reading<Option<bool>> {
        Ok(self.record.has(flag))
    }

    fn received_at(&mut self) -> Reading<Option<Timestamp>> {
        Ok(Some(self.record.received_at).filter(|at| *at != NO_DATE).map(Timestamp))
    }

    fn size(&mut self) -> Reading<Option<u64>> {
        Ok(Some(self.record.size))
    }
}

impl Entry for MboxEntry<'_> {
    fn flags(&mut self) -> Reading<Flags> {
        if self.record.state & HAS_KEYWORDS != 0 {
            return Ok(status::flags(&Header::parse(self.header()?)));
        }
        let mut flags = Flags::default();
        for flag in Flag::ALL {
            match self.record.has(flag) {
                Some(true) => flags.set(flag),
                Some(false) => {}
                None => flags.set_unknown(flag),
            }
        }
        Ok(flags)
    }

    fn header(&mut self) -> Reading<Bytes> {
        if let Some(whole) = &self.whole {
            return Ok(entry::header_of(whole));
        }
        if self.header.is_none() {
            let length = u64::from(self.record.header).min(MOST_HEADER as u64);
            let header = crlf::with_crlf(self.open.octets(self.record, length)?);
            self.octets_read += length;
            self.header = Some(entry::header_of(&header));
        }
        Ok(self.header.clone().unwrap_or_default())
    }

    fn whole(&mut self) -> Reading<Option<Bytes>> {
        if self.record.length > MOST_MESSAGE {
            return Ok(None);
        }
        if self.whole.is_none() {
            let octets = self.open.octets(self.record, self.record.length)?;
            self.octets_read += self.record.length;
            self.whole = Some(crlf::with_crlf(unquoted(octets)));
        }
        Ok(self.whole.clone())
    }

    fn marks(&mut self) -> Reading<Marks> {
        Ok(status::marks(&Header::parse(self.header()?)))
    }

    fn problems(&self) -> Vec<String> {
        self.record.problems().map(str::to_owned).collect()
    }

    fn octets_read(&self) -> u64 {
        self.octets_read
    }
}

/// The message without the quoting of `From ` lines in its body.
fn unquoted(message: Vec<u8>) -> Vec<u8> {
    let Some(body) = crlf::header_end(&message) else { return message };
    if memchr::memmem::find(&message[body..], b">From ").is_none() {
        return message;
    }
    let mut plain = Vec::with_capacity(message.len());
    plain.extend_from_slice(&message[..body]);
    for line in message[body..].split_inclusive(|octet| *octet == b'\n') {
        plain.extend_from_slice(if is_quoted(line) { &line[1..] } else { line });
    }
    plain
}
