//! The names in one folder of a Maildir at one moment, with their uids.
//!
//! Opens no message: that is [`super::entry`]'s. A name may be outdated by the time it is read; the
//! base of the name then leads to the file.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::entry::OpenFolder;
use super::names;
use crate::archive::entry::needs_whole;
use crate::archive::reading::{Chunk, Snapshot};
use crate::archive::uid_list::UidList;
use crate::error::{Error, Result};
use crate::file;
use crate::mail::{Fetch, Flag, Meter, Uid, UidValidity};

/// The messages of a folder as they were when it was listed.
#[derive(Debug)]
pub(super) struct Listing {
    directory: PathBuf,
    uid_validity: UidValidity,
    uid_next: u64,
    /// In the order of their uids.
    files: Vec<Named>,
    keywords: BTreeMap<u8, String>,
}

/// A file, by its name in `cur` or `new`.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) uid: Uid,
    pub(super) is_new: bool,
    pub(super) name: Box<OsStr>,
}

impl Listing {
    /// Lists a folder.
    pub(super) fn of(directory: PathBuf, uids: &Mutex<UidList>) -> Result<Self> {
        let failed = |error| Error::io(format!("cannot list {}", directory.display()), error);
        let found = names_in(&directory).map_err(failed)?;
        let keywords = match file::read_to_string(&directory.join("dovecot-keywords")) {
            Ok(text) => names::keywords(&text),
            Err(_) => BTreeMap::new(),
        };
        let mut bases: Vec<&[u8]> = found.keys().map(Vec::as_slice).collect();
        bases.sort_unstable();
        let arrange = |new: &mut Vec<&[u8]>| {
            new.sort_by_cached_key(|base| (found.get(*base).and_then(|file| file.received(&directory)), base.to_vec()));
        };
        let mut uids = uids.lock().unwrap_or_else(PoisonError::into_inner);
        let (uid_validity, numbers) = uids.assign(&bases, arrange);
        let uid_next = uids.next();
        drop(uids);
        let numbers: HashMap<Vec<u8>, Uid> =
            bases.iter().zip(numbers).filter_map(|(base, uid)| Some((base.to_vec(), uid?))).collect();
        let named = |(base, file): (Vec<u8>, Found)| {
            let uid = *numbers.get(&base)?;
            Some(Named { uid, is_new: file.is_new, name: file.name.into_boxed_os_str() })
        };
        let mut files: Vec<Named> = found.into_iter().filter_map(named).collect();
        files.sort_unstable_by_key(|file| file.uid);
        Ok(Self { directory, uid_validity, uid_next, files, keywords })
    }

    /// How many messages do not have the flag.
    pub(super) fn without(&self, flag: Flag) -> u64 {
        self.files.iter().filter(|file| !names::has(file.name.as_encoded_bytes(), flag)).count() as u64
    }

    /// The uid that the next message will get.
    pub(super) fn uid_next(&self) -> u64 {
        self.uid_next
    }

    /// The file at a position.
    pub(super) fn file(&self, position: usize) -> &Named {
        &self.files[position]
    }

    /// Where the folder is.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What letters mean in names here.
    pub(super) fn keywords(&self) -> &BTreeMap<u8, String> {
        &self.keywords
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
        let file = &self.files[position];
        let path = path_of(&self.directory, file.is_new, &file.name);
        needs_whole(fetch).then(|| fs::metadata(path).map(|metadata| metadata.len()).unwrap_or_default())
    }

    fn total(&self, _fetch: &Fetch) -> Option<u64> {
        None
    }

    fn open<'a>(&'a self, meter: &'a Meter) -> Result<Box<dyn Chunk + 'a>> {
        Ok(Box::new(OpenFolder::new(self, meter)))
    }
}

/// A file that was found.
#[derive(Debug)]
pub(super) struct Found {
    is_new: bool,
    name: OsString,
}

impl Found {
    /// Where it is.
    pub(super) fn path(&self, directory: &Path) -> PathBuf {
        path_of(directory, self.is_new, &self.name)
    }

    fn received(&self, directory: &Path) -> Option<SystemTime> {
        fs::metadata(self.path(directory)).and_then(|metadata| metadata.modified()).ok()
    }
}

/// Where a file of that name is.
pub(super) fn path_of(directory: &Path, is_new: bool, name: &OsStr) -> PathBuf {
    directory.join(if is_new { "new" } else { "cur" }).join(name)
}

/// The files in `new` and `cur`, by their bases.
///
/// A file that is renamed while a directory is listed may be missed; so a directory that changed
/// meanwhile is listed again, and what any listing saw counts.
///
/// # Errors
/// When neither is there any more.
pub(super) fn names_in(directory: &Path) -> io::Result<HashMap<Vec<u8>, Found>> {
    let mut found = HashMap::new();
    // `new` first: messages move from there to `cur`, never back.
    let new = add_settled(&directory.join("new"), true, &mut found)?;
    let cur = add_settled(&directory.join("cur"), false, &mut found)?;
    if !new && !cur {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the folder is gone"));
    }
    Ok(found)
}

/// The same at one look, which may miss what is renamed meanwhile.
pub(super) fn names_seen(directory: &Path) -> io::Result<HashMap<Vec<u8>, Found>> {
    let mut found = HashMap::new();
    add_names(&directory.join("new"), true, &mut found)?;
    add_names(&directory.join("cur"), false, &mut found)?;
    Ok(found)
}

/// Lists a directory until it is the same before and after; no, if there is none.
fn add_settled(part: &Path, is_new: bool, found: &mut HashMap<Vec<u8>, Found>) -> io::Result<bool> {
    // When it was changed last, as it was a tick of the clock ago.
    let mut known = None;
    for _ in 0..MOST_LISTINGS {
        let begun = SystemTime::now();
        let Some(before) = modified(part)? else { return Ok(false) };
        add_names(part, is_new, found)?;
        let after = modified(part)?;
        // What changed within the same tick would not show.
        let tick = tick(before);
        let is_over = known == Some(before) || begun.duration_since(before).is_ok_and(|age| age >= tick);
        if is_over && after == Some(before) {
            return Ok(true);
        }
        known = after;
        thread::sleep(tick);
    }
    // It changes all the time; what was missed by one listing was not missed by all.
    Ok(true)
}

/// How long a change may go by without the time of a directory showing it: the clock of Linux for files ticks every 10 ms
/// at the slowest, and some file systems count seconds, two at a time.
fn tick(modified: SystemTime) -> Duration {
    let counts_seconds = modified.duration_since(UNIX_EPOCH).is_ok_and(|since| since.subsec_nanos() == 0);
    if counts_seconds { Duration::from_secs(2) } else { Duration::from_millis(20) }
}

/// How often a directory is listed that changes all the time.
const MOST_LISTINGS: usize = 8;

fn add_names(part: &Path, is_new: bool, found: &mut HashMap<Vec<u8>, Found>) -> io::Result<()> {
    let children = match fs::read_dir(part) {
        Ok(children) => children,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for child in children {
        let child = child?;
        let name = child.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if !file::is_regular(&child) {
            tracing::debug!("{} is no regular file, and so no mail", child.path().display());
            continue;
        }
        let base = names::base(name.as_encoded_bytes()).to_vec();
        found.insert(base, Found { is_new, name });
    }
    Ok(())
}

fn modified(part: &Path) -> io::Result<Option<SystemTime>> {
    match fs::metadata(part) {
        Ok(metadata) => metadata.modified().map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn no_file_is_missed_however_many_are_renamed_meanwhile() {
        let place = tempfile::tempdir().unwrap();
        let cur = place.path().join("cur");
        fs::create_dir(&cur).unwrap();
        let name = |number: usize, seen: bool| cur.join(format!("{number}.x:2,{}", if seen { "S" } else { "" }));
        for number in 0..FILES {
            fs::write(name(number, false), "").unwrap();
        }
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut seen = true;
                while !is_over.load(Ordering::Relaxed) {
                    for number in 0..FILES {
                        fs::rename(name(number, !seen), name(number, seen)).unwrap();
                        // Sometimes it rests, and sometimes it does not.
                        if seen && number % 1000 == 0 {
                            thread::sleep(Duration::from_millis(60));
                        }
                    }
                    seen = !seen;
                }
            });
            let listed: Vec<_> = (0..60).map(|_| names_in(place.path()).unwrap().len()).collect();
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(listed, [FILES; 60]);
        });
    }

    const FILES: usize = 3000;

    #[test]
    fn a_folder_that_is_gone_is_not_an_empty_one() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(names_in(place.path()).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::create_dir(place.path().join("new")).unwrap();
        assert!(names_in(place.path()).unwrap().is_empty());
    }
}
