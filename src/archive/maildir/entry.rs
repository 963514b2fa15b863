//! One message of a Maildir: opens its file when something in it is asked for, and not before.
//!
//! What the name tells is never read from the file. What is asked for is decided in
//! [`crate::archive::entry`].

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::listing::{self, Found, Listing, Named};
use super::names;
use crate::archive::entry::{Entry, Marks, Reading, Stop};
use crate::archive::matches::Facts;
use crate::archive::message_file::{Lead, MessageFile, failed};
use crate::archive::reading::Chunk;
use crate::error::{Error, ErrorKind, Result};
use crate::file;
use crate::mail::message::Timestamp;
use crate::mail::{Flag, Flags, Meter, Uid};

/// A folder of which some messages are read.
pub(super) struct OpenFolder<'a> {
    listing: &'a Listing,
    meter: &'a Meter,
    /// The names as they are now, as far as one look shows, once one of those listed was not found.
    now: Option<HashMap<Vec<u8>, Found>>,
    /// All names there were when one of those listed was not found at one look.
    settled: Option<HashMap<Vec<u8>, Found>>,
}

impl<'a> OpenFolder<'a> {
    /// Begins to read.
    pub(super) fn new(listing: &'a Listing, meter: &'a Meter) -> Self {
        Self { listing, meter, now: None, settled: None }
    }

    /// Does something with the file, wherever it is by now.
    fn with_file<T>(&mut self, file: &Named, work: impl Fn(&Path) -> io::Result<T>) -> Reading<T> {
        let directory = self.listing.directory();
        let mut places = vec![listing::path_of(directory, file.is_new, &file.name)];
        places.extend(place(self.now.as_ref(), file, directory));
        for _ in 0..MOST_LOOKS {
            // Whoever renames it there and back has it under one of these names.
            for path in places.iter().rev() {
                match work(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    // What took its place since it was listed is no mail.
                    Err(error) if file::is_other(&error) => return Err(Stop::Gone),
                    result => return result.map_err(|error| failed(path, error)),
                }
            }
            let path = self.look_again(file)?;
            if !places.contains(&path) {
                places.push(path);
            }
        }
        let error = Error::new(ErrorKind::Mail, format!("{} is renamed all the time", places[0].display()));
        Err(Stop::Failed(error.hint("run the statement again when nothing changes the mailbox")))
    }

    /// Where the file is now.
    fn look_again(&mut self, file: &Named) -> Reading<PathBuf> {
        let directory = self.listing.directory();
        let failed = |error| failed(directory, error);
        // A base never comes back once it is gone.
        if self.settled.is_some() && place(self.settled.as_ref(), file, directory).is_none() {
            return Err(Stop::Gone);
        }
        // What one look misses may be there all the same; but what it finds, it finds before it is renamed again.
        self.now = Some(listing::names_seen(directory).map_err(failed)?);
        if let Some(path) = place(self.now.as_ref(), file, directory) {
            return Ok(path);
        }
        self.settled = Some(listing::names_in(directory).map_err(failed)?);
        place(self.settled.as_ref(), file, directory).ok_or(Stop::Gone)
    }
}

/// Where a file is, by names that were found.
fn place(names: Option<&HashMap<Vec<u8>, Found>>, file: &Named, directory: &Path) -> Option<PathBuf> {
    Some(names?.get(names::base(file.name.as_encoded_bytes()))?.path(directory))
}

impl Chunk for OpenFolder<'_> {
    fn entry(&mut self, position: usize) -> Box<dyn Entry + '_> {
        let file = self.listing.file(position);
        Box::new(MaildirEntry { folder: self, file, open: None })
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

struct MaildirEntry<'c, 'a> {
    folder: &'c mut OpenFolder<'a>,
    file: &'a Named,
    open: Option<MessageFile<'a>>,
}

impl<'a> MaildirEntry<'_, 'a> {
    fn name(&self) -> &[u8] {
        self.file.name.as_encoded_bytes()
    }

    fn open(&mut self) -> Reading<&mut MessageFile<'a>> {
        let open = match self.open.take() {
            Some(open) => open,
            None => {
                let meter = self.folder.meter;
                let open = |path: &Path| MessageFile::new(file::open(path)?, path.to_owned(), Lead::None, meter);
                self.folder.with_file(self.file, open)?
            }
        };
        Ok(self.open.insert(open))
    }
}

impl Facts for MaildirEntry<'_, '_> {
    type Error = Stop;

    fn uid(&self) -> Uid {
        self.file.uid
    }

    fn has(&mut self, flag: Flag) -> Reading<Option<bool>> {
        Ok(Some(names::has(self.name(), flag)))
    }

    /// When the file was last written, as IMAP servers over Maildir say too.
    fn received_at(&mut self) -> Reading<Option<Timestamp>> {
        let modified = match &self.open {
            Some(open) => open.metadata().modified(),
            None => self.folder.with_file(self.file, |path| fs::metadata(path))?.modified(),
        };
        Ok(modified.ok().and_then(timestamp))
    }

    /// What the name tells is the size of the message, of a compressed file, too.
    fn size(&mut self) -> Reading<Option<u64>> {
        match names::size_with_crlf(self.name()) {
            Some(size) => Ok(Some(size)),
            None => self.open()?.size(),
        }
    }
}

impl Entry for MaildirEntry<'_, '_> {
    fn flags(&mut self) -> Reading<Flags> {
        Ok(names::flags(self.name(), self.folder.listing.keywords()))
    }

    fn unreadable(&mut self) -> Reading<Option<&'static str>> {
        Ok(self.open()?.unreadable())
    }

    fn header(&mut self) -> Reading<Bytes> {
        self.open()?.header()
    }

    fn whole(&mut self) -> Reading<Option<Bytes>> {
        self.open()?.whole()
    }

    /// A Maildir keeps no such thing.
    fn marks(&mut self) -> Reading<Marks> {
        Ok(Marks::default())
    }

    fn problems(&self) -> Vec<String> {
        self.open.as_ref().map(MessageFile::problems).unwrap_or_default()
    }

    fn octets_read(&self) -> u64 {
        self.open.as_ref().map_or(0, MessageFile::octets_read)
    }
}

/// How often a file is looked for that is renamed all the time.
const MOST_LOOKS: usize = 50;

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).ok()?,
        Err(before) => -i64::try_from(before.duration().as_micros()).ok()?,
    };
    Some(Timestamp(micros))
}
