//! One `.eml` file as a message: its flags and times are those that its header tells.
//!
//! Fails when the file is no longer what was listed. What is asked for is decided in [`crate::archive::entry`].

use std::io;
use std::path::Path;

use bytes::Bytes;

use super::listing::{Listed, Listing, Stamp};
use crate::archive::entry::{Entry, Marks, Reading, Stop};
use crate::archive::matches::Facts;
use crate::archive::mbox::status;
use crate::archive::message_file::{Lead, MessageFile, failed};
use crate::archive::reading::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::file;
use crate::mail::message::Timestamp;
use crate::mail::{Flag, Flags, Header, Meter, Uid, date};

/// A folder of which some messages are read.
pub(super) struct OpenFolder<'a> {
    listing: &'a Listing,
    meter: &'a Meter,
}

impl<'a> OpenFolder<'a> {
    /// Begins to read.
    pub(super) fn new(listing: &'a Listing, meter: &'a Meter) -> Self {
        Self { listing, meter }
    }
}

impl Chunk for OpenFolder<'_> {
    fn entry(&mut self, position: usize) -> Box<dyn Entry + '_> {
        Box::new(EmlEntry {
            listing: self.listing,
            meter: self.meter,
            file: self.listing.file(position),
            open: None,
            header: None,
        })
    }

    /// Each file is compared with what was listed when it is read.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

struct EmlEntry<'a> {
    listing: &'a Listing,
    meter: &'a Meter,
    file: &'a Listed,
    open: Option<MessageFile<'a>>,
    /// For what its fields tell: empty where nothing can be read.
    header: Option<Header>,
}

impl<'a> EmlEntry<'a> {
    fn open(&mut self) -> Reading<&mut MessageFile<'a>> {
        let open = match self.open.take() {
            Some(open) => open,
            None => {
                let path = self.listing.path(self.file);
                let file = match file::open(&path) {
                    Ok(file) => file,
                    // It was deleted since it was listed, or what took its place is no mail.
                    Err(error) if error.kind() == io::ErrorKind::NotFound || file::is_other(&error) => {
                        return Err(Stop::Gone);
                    }
                    Err(error) => return Err(failed(&path, error)),
                };
                MessageFile::new(file, path.clone(), Lead::Saved, self.meter).map_err(|error| failed(&path, error))?
            }
        };
        Ok(self.open.insert(open))
    }

    /// Reads something of the file, which must be what was listed before and after.
    fn read<T>(&mut self, read: impl FnOnce(&mut MessageFile<'a>) -> Reading<T>) -> Reading<T> {
        let stamp = self.file.stamp;
        let open = self.open()?;
        let read = read(open)?;
        let is_same = Stamp::of(open.metadata()) == stamp && Stamp::of(&open.metadata_now()?) == stamp;
        if is_same { Ok(read) } else { Err(changed(&self.listing.path(self.file))) }
    }

    fn fields(&mut self) -> Reading<&Header> {
        let header = match self.header.take() {
            Some(header) => header,
            None => Header::parse(self.header()?),
        };
        Ok(self.header.insert(header))
    }
}

impl Facts for EmlEntry<'_> {
    type Error = Stop;

    fn uid(&self) -> Uid {
        self.file.uid
    }

    fn has(&mut self, flag: Flag) -> Reading<Option<bool>> {
        Ok(self.flags()?.has(flag))
    }

    /// When the last server took it; of mail that came over none, such as a draft, when it was written. A time at which nobody
    /// received mail is none.
    fn received_at(&mut self) -> Reading<Option<Timestamp>> {
        let header = self.fields()?;
        let received = header.text("received").and_then(|text| date::parse(text.rsplit(';').next()?));
        let is_possible = |at: &Timestamp| (FIRST..AFTER_LAST).contains(&at.0);
        Ok(received.filter(is_possible).or_else(|| header.date().filter(is_possible)))
    }

    fn size(&mut self) -> Reading<Option<u64>> {
        self.read(MessageFile::size)
    }
}

impl Entry for EmlEntry<'_> {
    /// Those that a program wrote into the header when it saved the message.
    fn flags(&mut self) -> Reading<Flags> {
        Ok(status::flags(self.fields()?))
    }

    fn unreadable(&mut self) -> Reading<Option<&'static str>> {
        self.read(|file| Ok(file.unreadable()))
    }

    fn header(&mut self) -> Reading<Bytes> {
        self.read(MessageFile::header)
    }

    fn whole(&mut self) -> Reading<Option<Bytes>> {
        self.read(MessageFile::whole)
    }

    fn marks(&mut self) -> Reading<Marks> {
        Ok(status::marks(self.fields()?))
    }

    fn problems(&self) -> Vec<String> {
        self.open.as_ref().map(MessageFile::problems).unwrap_or_default()
    }

    fn octets_read(&self) -> u64 {
        self.open.as_ref().map_or(0, MessageFile::octets_read)
    }
}

/// Before any mail: 1970-01-01, in microseconds.
const FIRST: i64 = 0;

/// After all of it: 2200-01-01.
const AFTER_LAST: i64 = 7_258_118_400_000_000;

/// That a file is no longer what was listed.
fn changed(path: &Path) -> Stop {
    let error = Error::new(ErrorKind::Mail, format!("{} changed while it was read", path.display()));
    Stop::Failed(error.hint("run the statement again when nothing writes to the file"))
}
