//! The numbers of messages in a folder of files: a list of names that only ever grows.
//!
//! Kept in the cache directory, in memory when that cannot be written. A name's place in the list
//! is its uid. Several processes may use it at once. What names there are is in
//! `maildir::listing` and `eml::listing`.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::cache;
use crate::file;
use crate::mail::{Uid, UidValidity};

/// Which name has which uid.
#[derive(Debug)]
pub(super) struct UidList {
    /// Where it is kept; nowhere when it is in memory only.
    file: Option<PathBuf>,
    validity: UidValidity,
    known: HashMap<Box<[u8]>, Uid>,
    /// Octets of the file that are in `known` already.
    read_to: u64,
}

impl UidList {
    /// The list of a folder, not read yet. Files in the cache directory have the ending of what is listed.
    pub(super) fn of(directory: &Path, ending: &str, cache: Option<&Path>) -> Self {
        let file = cache.map(|cache| cache::file_for(cache, directory, ending));
        Self { file, validity: now(), known: HashMap::new(), read_to: 0 }
    }

    /// Gives every name its uid; names that are new get theirs in the order of `arrange`.
    pub(super) fn assign(
        &mut self,
        names: &[&[u8]],
        arrange: impl Fn(&mut Vec<&[u8]>),
    ) -> (UidValidity, Vec<Option<Uid>>) {
        if let Some(path) = self.file.clone()
            && let Err(error) = self.assign_in_file(&path, names, &arrange)
        {
            tracing::debug!("the uids of {} are kept in memory: {error}", path.display());
            // What others read in the file may differ from here on.
            self.file = None;
            self.validity = UidValidity(self.validity.0.wrapping_add(1).max(1));
        }
        if self.file.is_none() {
            for name in self.unknown(names, &arrange) {
                self.add(&line_of(name));
            }
        }
        (self.validity, names.iter().map(|name| self.known.get(line_of(name).as_slice()).copied()).collect())
    }

    /// The uid that the next new name will get.
    pub(super) fn next(&self) -> u64 {
        self.known.len() as u64 + 1
    }

    fn assign_in_file(&mut self, path: &Path, names: &[&[u8]], arrange: &impl Fn(&mut Vec<&[u8]>)) -> io::Result<()> {
        let mut file = open(path)?;
        // Held until the file is closed, which the system does even if this process dies.
        file.lock()?;
        self.catch_up(&mut file)?;
        let mut lines = Vec::new();
        let unknown: Vec<Vec<u8>> = self.unknown(names, arrange).into_iter().map(line_of).collect();
        for line in &unknown {
            lines.extend_from_slice(line);
            lines.push(b'\n');
        }
        if !lines.is_empty() {
            file.seek(SeekFrom::Start(self.read_to))?;
            if let Err(error) = file.write_all(&lines).and_then(|()| file.flush()) {
                file.set_len(self.read_to).ok();
                return Err(error);
            }
        }
        for line in unknown {
            self.add(&line);
        }
        self.read_to += lines.len() as u64;
        Ok(())
    }

    /// Takes in what the file has and is not known yet; begins a file that is new or is none of ours.
    fn catch_up(&mut self, file: &mut File) -> io::Result<()> {
        let mut first = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        (&*file).take(FIRST_LINE).read_to_end(&mut first)?;
        let Some(validity) = validity_of(&first) else {
            let line = first_line(now());
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(line.as_bytes())?;
            (self.validity, self.read_to) = (validity_of(line.as_bytes()).unwrap_or(self.validity), FIRST_LINE);
            self.known.clear();
            return Ok(());
        };
        let length = file.metadata()?.len();
        if self.read_to < FIRST_LINE || validity != self.validity || length < self.read_to {
            (self.validity, self.read_to) = (validity, FIRST_LINE);
            self.known.clear();
        }
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(self.read_to))?;
        file.read_to_end(&mut tail)?;
        // A last line without its end was never finished; the next one is written over it.
        let whole = memchr::memrchr(b'\n', &tail).map_or(0, |end| end + 1);
        if whole < tail.len() {
            file.set_len(self.read_to + whole as u64)?;
        }
        for line in tail[..whole].split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
            self.add(line);
        }
        self.read_to += whole as u64;
        Ok(())
    }

    fn unknown<'a>(&self, names: &[&'a [u8]], arrange: &impl Fn(&mut Vec<&'a [u8]>)) -> Vec<&'a [u8]> {
        let is_new = |name: &&&[u8]| !self.known.contains_key(line_of(name).as_slice());
        let mut unknown: Vec<&[u8]> = names.iter().filter(is_new).copied().collect();
        arrange(&mut unknown);
        unknown
    }

    fn add(&mut self, line: &[u8]) {
        let next = u32::try_from(self.next()).ok().and_then(Uid::new);
        // More names than there are uids cannot be numbered; they stay unknown.
        if let Some(uid) = next {
            self.known.entry(line.into()).or_insert(uid);
        }
    }
}

/// Octets of the first line, which holds the version and the uid validity.
const FIRST_LINE: u64 = 25;

fn first_line(validity: UidValidity) -> String {
    format!("mailql uids 1 {:010}\n", validity.0)
}

fn validity_of(first: &[u8]) -> Option<UidValidity> {
    let number = std::str::from_utf8(first).ok()?.strip_prefix("mailql uids 1 ")?.strip_suffix('\n')?;
    number.parse().ok().map(UidValidity)
}

/// A name as it stands in the list: names may hold anything but their own end.
fn line_of(name: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(name.len());
    for &octet in name {
        match octet {
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\\' => line.extend_from_slice(b"\\\\"),
            octet => line.push(octet),
        }
    }
    line
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        cache::make_private(directory)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    file::open_with(&mut options, path)
}

fn now() -> UidValidity {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
    UidValidity(u32::try_from(seconds & u64::from(u32::MAX)).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn uids(list: &mut UidList, names: &[&[u8]]) -> Vec<u32> {
        let (_, uids) = list.assign(names, |new| new.sort_unstable());
        uids.into_iter().map(|uid| uid.unwrap().number()).collect()
    }

    #[test]
    fn two_users_of_one_list_agree_and_numbers_are_never_given_again() {
        let cache = tempfile::tempdir().unwrap();
        let mail = tempfile::tempdir().unwrap();
        let mut one = UidList::of(mail.path(), "uids", Some(cache.path()));
        let mut other = UidList::of(mail.path(), "uids", Some(cache.path()));
        assert_eq!(uids(&mut one, &[b"b", b"a"]), [2, 1]);
        assert_eq!(uids(&mut other, &[b"c", b"b"]), [3, 2]);
        assert_eq!(uids(&mut one, &[b"d", b"c"]), [4, 3]);
        assert_eq!(uids(&mut UidList::of(mail.path(), "uids", Some(cache.path())), &[b"d", b"e"]), [4, 5]);
        assert_eq!(one.validity, other.validity);
    }

    #[test]
    fn a_line_that_was_never_finished_is_written_over() {
        let (cache, mail) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = cache::file_for(cache.path(), mail.path(), "uids");
        fs::write(&path, format!("{}a\nhal", first_line(UidValidity(7)))).unwrap();
        let mut list = UidList::of(mail.path(), "uids", Some(cache.path()));
        assert_eq!(uids(&mut list, &[b"half", b"a"]), [2, 1]);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}a\nhalf\n", first_line(UidValidity(7))));
        assert_eq!(list.validity, UidValidity(7));
    }

    #[test]
    fn names_with_line_ends_stay_apart() {
        let (cache, mail) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let names: [&[u8]; 4] = [b"a\nb", b"a", b"b", b"a\\nb"];
        let first = uids(&mut UidList::of(mail.path(), "uids", Some(cache.path())), &names);
        assert_eq!(uids(&mut UidList::of(mail.path(), "uids", Some(cache.path())), &names), first);
        assert_eq!(first, [2, 1, 4, 3]);
    }

    #[test]
    fn without_a_cache_numbers_hold_for_as_long_as_the_list_lives() {
        let mail = tempfile::tempdir().unwrap();
        let mut list = UidList::of(mail.path(), "uids", Some(&mail.path().join("file")));
        fs::write(mail.path().join("file"), "in the way").unwrap();
        assert_eq!(uids(&mut list, &[b"a"]), [1]);
        assert_eq!(uids(&mut list, &[b"b", b"a"]), [2, 1]);
    }

    #[test]
    fn the_first_line_has_always_the_same_length() {
        assert_eq!(first_line(UidValidity(1)).len() as u64, FIRST_LINE);
        assert_eq!(first_line(UidValidity(u32::MAX)).len() as u64, FIRST_LINE);
    }
}
