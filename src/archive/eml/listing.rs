//! The `.eml` files of one folder at one moment, with their uids.
//!
//! Opens no file: that is [`super::entry`]'s. A file that was written anew is another message, and gets another uid.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use super::entry::OpenFolder;
use super::places::Place;
use crate::archive::entry::needs_whole;
use crate::archive::is_eml;
use crate::archive::reading::{Chunk, Snapshot};
use crate::archive::uid_list::UidList;
use crate::error::{Error, Result};
use crate::file;
use crate::mail::{Fetch, Meter, Uid, UidValidity};

/// The messages of a folder as they were when it was listed.
#[derive(Debug)]
pub(super) struct Listing {
    directory: PathBuf,
    uid_validity: UidValidity,
    uid_next: u64,
    /// In the order of their uids.
    files: Vec<Listed>,
}

/// A file, as it was.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) uid: Uid,
    pub(super) name: Box<OsStr>,
    pub(super) stamp: Stamp,
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    length: u64,
    /// When it was last written, in nanoseconds.
    modified: i128,
}

impl Stamp {
    /// The state that a file is in.
    pub(super) fn of(metadata: &Metadata) -> Self {
        let nanos = |since: std::time::Duration| i128::try_from(since.as_nanos()).unwrap_or(i128::MAX);
        let modified = metadata.modified().map(|modified| match modified.duration_since(UNIX_EPOCH) {
            Ok(since) => nanos(since),
            Err(before) => -nanos(before.duration()),
        });
        Self { length: metadata.len(), modified: modified.unwrap_or_default() }
    }
}

impl Listing {
    /// Lists a folder. New messages get their uids in the order of their names.
    pub(super) fn of(place: &Place, uids: &Mutex<UidList>) -> Result<Self> {
        let directory = place.directory.clone();
        let failed = |error| Error::io(format!("cannot list {}", directory.display()), error);
        let mut found = Vec::new();
        for name in names(place).map_err(failed)? {
            match fs::metadata(directory.join(&name)) {
                Ok(metadata) => found.push((message_of(&name, Stamp::of(&metadata)), name, Stamp::of(&metadata))),
                // It was deleted since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io(format!("cannot read {}", directory.join(&name).display()), error)),
            }
        }
        found.sort_unstable();
        let messages: Vec<&[u8]> = found.iter().map(|(message, ..)| message.as_slice()).collect();
        let mut uids = uids.lock().unwrap_or_else(PoisonError::into_inner);
        let (uid_validity, numbers) = uids.assign(&messages, |new| new.sort_unstable());
        let uid_next = uids.next();
        drop(uids);
        let listed = |(uid, (_, name, stamp)): (Option<Uid>, (_, OsString, _))| {
            Some(Listed { uid: uid?, name: name.into_boxed_os_str(), stamp })
        };
        let mut files: Vec<Listed> = numbers.into_iter().zip(found).filter_map(listed).collect();
        files.sort_unstable_by_key(|file| file.uid);
        Ok(Self { directory, uid_validity, uid_next, files })
    }

    /// The uid that the next message will get.
    pub(super) fn uid_next(&self) -> u64 {
        self.uid_next
    }

    /// The file at a position.
    pub(super) fn file(&self, position: usize) -> &Listed {
        &self.files[position]
    }

    /// Where a file is.
    pub(super) fn path(&self, file: &Listed) -> PathBuf {
        self.directory.join(&*file.name)
    }
}

impl Snapshot for Listing {
    fn uid_validity(&self) -> UidValidity {
        self.uid_validity
    }

    fn len(&self) -> usize {
        self.files.len()
    }

    fn uid(&self, position: usize) -> Uid {
        self.files[position].uid
    }

    /// How long a header is shows only when it ends.
    fn cost(&self, position: usize, fetch: &Fetch) -> Option<u64> {
        needs_whole(fetch).then(|| self.files[position].stamp.length)
    }

    fn total(&self, fetch: &Fetch) -> Option<u64> {
        needs_whole(fetch).then(|| self.files.iter().map(|file| file.stamp.length).sum())
    }

    fn open<'a>(&'a self, meter: &'a Meter) -> Result<Box<dyn Chunk + 'a>> {
        Ok(Box::new(OpenFolder::new(self, meter)))
    }
}

/// The names of the messages' files.
fn names(place: &Place) -> io::Result<Vec<OsString>> {
    if let Some(only) = &place.only {
        return Ok(vec![only.clone()]);
    }
    let mut names = Vec::new();
    for child in fs::read_dir(&place.directory)? {
        let child = child?;
        let name = child.file_name();
        if !is_eml(Path::new(&name)) {
            continue;
        }
        if file::is_regular(&child) {
            names.push(name);
        } else {
            tracing::debug!("{} is no regular file, and so no mail", child.path().display());
        }
    }
    Ok(names)
}

/// What a message is known by in the list of uids: no name has a zero in it.
fn message_of(name: &OsStr, stamp: Stamp) -> Vec<u8> {
    let mut message = name.as_encoded_bytes().to_vec();
    message.extend_from_slice(format!("\0{} {}", stamp.length, stamp.modified).as_bytes());
    message
}
