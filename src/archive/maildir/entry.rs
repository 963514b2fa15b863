//! One message of a Maildir: opens its file when something in it is asked for, and not before.
//!
//! What the name tells is never read from the file. What is asked for is decided in
//! [`crate::archive::entry`].

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::listing::{self, Found, Listing, Named};
use super::names;
use crate::archive::crlf::{self, LineEnds};
use crate::archive::entry::{self, Entry, MOST_HEADER, MOST_MESSAGE, Marks, Reading, Stop};
use crate::archive::matches::Facts;
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
        Box::new(MaildirEntry { folder: self, file, open: None, held: Vec::new(), whole: None, octets_read: 0 })
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

struct MaildirEntry<'c, 'a> {
    folder: &'c mut OpenFolder<'a>,
    file: &'a Named,
    open: Option<(File, PathBuf)>,
    /// The beginning of the file, as far as it was read.
    held: Vec<u8>,
    whole: Option<Bytes>,
    octets_read: u64,
}

impl MaildirEntry<'_, '_> {
    fn name(&self) -> &[u8] {
        self.file.name.as_encoded_bytes()
    }

    fn open(&mut self) -> Reading<&mut (File, PathBuf)> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.folder.with_file(self.file, |path| Ok((file::open(path)?, path.to_owned())))?,
        };
        Ok(self.open.insert(open))
    }

    /// Reads on until so much is held; says whether the file goes on after that.
    fn hold(&mut self, octets: u64) -> Reading<bool> {
        let mut held = std::mem::take(&mut self.held);
        let before = held.len() as u64;
        let (file, path) = self.open()?;
        let read = Read::take(&mut *file, octets.saturating_sub(before)).read_to_end(&mut held);
        let read = read.map_err(|error| failed(path, error))?;
        self.count(read);
        self.held = held;
        Ok(self.held.len() as u64 >= octets)
    }

    fn count(&mut self, octets: usize) {
        self.octets_read += octets as u64;
        self.folder.meter.bytes.add(octets);
    }

    /// Reads the file to its end for its size alone.
    fn counted_size(&mut self) -> Reading<u64> {
        let mut buffer = vec![0; BLOCK];
        let mut ends = LineEnds::default();
        let mut size = 0;
        let (file, path) = self.open()?;
        file.seek(SeekFrom::Start(0)).map_err(|error| failed(path, error))?;
        loop {
            let (file, path) = self.open()?;
            let read = match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.map_err(|error| failed(path, error))?,
            };
            if read == 0 {
                break;
            }
            ends.add(&buffer[..read]);
            size += read as u64;
            self.count(read);
        }
        let held = self.held.len() as u64;
        let (file, path) = self.open()?;
        file.seek(SeekFrom::Start(held)).map_err(|error| failed(path, error))?;
        Ok(size + ends.bare())
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
        let metadata = match &self.open {
            Some((file, path)) => file.metadata().map_err(|error| failed(path, error))?,
            None => self.folder.with_file(self.file, |path| fs::metadata(path))?,
        };
        Ok(metadata.modified().ok().and_then(timestamp))
    }

    fn size(&mut self) -> Reading<u64> {
        match (names::size_with_crlf(self.name()), &self.whole) {
            (Some(size), _) => Ok(size),
            (None, Some(whole)) => Ok(whole.len() as u64),
            (None, None) => self.counted_size(),
        }
    }
}

impl Entry for MaildirEntry<'_, '_> {
    fn flags(&mut self) -> Reading<Flags> {
        Ok(names::flags(self.name(), self.folder.listing.keywords()))
    }

    fn header(&mut self) -> Reading<Bytes> {
        if let Some(whole) = &self.whole {
            return Ok(entry::header_of(whole));
        }
        let mut wanted = FIRST_READ;
        loop {
            let goes_on = self.hold(wanted as u64)?;
            let end = crlf::header_end(&self.held);
            if end.is_some() || !goes_on || wanted >= MOST_HEADER {
                let header = self.held[..end.unwrap_or(self.held.len())].to_vec();
                return Ok(entry::header_of(&crlf::with_crlf(header)));
            }
            wanted *= 2;
        }
    }

    fn whole(&mut self) -> Reading<Option<Bytes>> {
        if self.whole.is_none() {
            let (file, path) = self.open()?;
            let length = file.metadata().map_err(|error| failed(path, error))?.len();
            if length > MOST_MESSAGE {
                return Ok(None);
            }
            self.hold(length)?;
            self.whole = Some(crlf::with_crlf(std::mem::take(&mut self.held)));
        }
        Ok(self.whole.clone())
    }

    /// A Maildir keeps no such thing.
    fn marks(&mut self) -> Reading<Marks> {
        Ok(Marks::default())
    }

    fn octets_read(&self) -> u64 {
        self.octets_read
    }
}

/// How often a file is looked for that is renamed all the time.
const MOST_LOOKS: usize = 50;

/// What is read of a file at first; most headers end before that.
const FIRST_READ: usize = 8 << 10;

const BLOCK: usize = 64 << 10;

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).ok()?,
        Err(before) => -i64::try_from(before.duration().as_micros()).ok()?,
    };
    Some(Timestamp(micros))
}

fn failed(path: &Path, error: io::Error) -> Stop {
    Stop::Failed(Error::io(format!("cannot read {}", path.display()), error))
}
