//! The index of an mbox file in the cache directory: a small binary format with a checksum.
//!
//! What does not read back exactly is as good as not there. What the index is for is in
//! [`super::index`].

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use super::index::{Index, Stamp};
use super::record::Record;
use crate::archive::cache::{self, StableHash};
use crate::file;
use crate::mail::UidValidity;

/// The index that was kept of the file, whatever state the file was in.
pub(super) fn load(cache: &Path, path: &Path) -> Option<Index> {
    let file = file::open(&cache::file_for(cache, path, "mbox")).ok()?;
    let most = file.metadata().ok()?.len() / RECORD as u64;
    let mut from = Checked { inner: BufReader::with_capacity(1 << 18, file), hash: StableHash::new() };
    if from.take::<16>()? != *MAGIC {
        return None;
    }
    let length = usize::try_from(from.number()?).ok()?;
    if from.octets(length)? != name_of(path) {
        return None;
    }
    let size = from.number()?;
    let modified = i128::from_le_bytes(from.take()?);
    let changed = i128::from_le_bytes(from.take()?);
    let uid_validity = UidValidity(u32::try_from(from.number()?).ok()?);
    let fingerprint = from.number()?;
    let count = from.number().filter(|count| *count <= most)?;
    let mut records = Vec::with_capacity(usize::try_from(count).ok()?);
    for _ in 0..count {
        records.push(record_of(&from.take()?));
    }
    let hash = from.hash.value();
    let stamp = Stamp { size, modified, changed };
    (from.number()? == hash).then_some(Index { stamp, uid_validity, fingerprint, records })
}

/// Keeps the index of the file.
pub(super) fn save(cache: &Path, path: &Path, index: &Index) -> io::Result<()> {
    let name = name_of(path);
    cache::write_aside(&cache::file_for(cache, path, "mbox"), |writer| {
        let mut to = Checked { inner: writer, hash: StableHash::new() };
        to.put(MAGIC)?;
        to.put(&(name.len() as u64).to_le_bytes())?;
        to.put(&name)?;
        to.put(&index.stamp.size.to_le_bytes())?;
        to.put(&index.stamp.modified.to_le_bytes())?;
        to.put(&index.stamp.changed.to_le_bytes())?;
        to.put(&u64::from(index.uid_validity.0).to_le_bytes())?;
        to.put(&index.fingerprint.to_le_bytes())?;
        to.put(&(index.records.len() as u64).to_le_bytes())?;
        for record in &index.records {
            to.put(&octets_of(record))?;
        }
        let hash = to.hash.value();
        to.put(&hash.to_le_bytes())
    })
}

/// What it is, and the version of the format.
const MAGIC: &[u8; 16] = b"mailql mbox 003\n";

/// Octets of a record.
const RECORD: usize = 38;

/// A path is no longer than this.
const LONGEST_NAME: usize = 1 << 16;

struct Checked<T> {
    inner: T,
    hash: StableHash,
}

impl<T: Read> Checked<T> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut octets = [0; N];
        self.inner.read_exact(&mut octets).ok()?;
        self.hash.add(&octets);
        Some(octets)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn octets(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut octets = vec![0; count.min(LONGEST_NAME)];
        self.inner.read_exact(&mut octets).ok()?;
        self.hash.add(&octets);
        Some(octets)
    }
}

impl<T: Write> Checked<T> {
    fn put(&mut self, octets: &[u8]) -> io::Result<()> {
        self.hash.add(octets);
        self.inner.write_all(octets)
    }
}

fn name_of(path: &Path) -> Vec<u8> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    path.as_os_str().as_encoded_bytes().to_vec()
}

fn octets_of(record: &Record) -> [u8; RECORD] {
    let mut octets = [0; RECORD];
    octets[..8].copy_from_slice(&record.offset.to_le_bytes());
    octets[8..16].copy_from_slice(&record.length.to_le_bytes());
    octets[16..24].copy_from_slice(&record.size.to_le_bytes());
    octets[24..32].copy_from_slice(&record.received_at.to_le_bytes());
    octets[32..36].copy_from_slice(&record.header.to_le_bytes());
    octets[36..38].copy_from_slice(&record.state.to_le_bytes());
    octets
}

fn record_of(octets: &[u8; RECORD]) -> Record {
    Record {
        offset: u64::from_le_bytes(part(octets, 0)),
        length: u64::from_le_bytes(part(octets, 8)),
        size: u64::from_le_bytes(part(octets, 16)),
        received_at: i64::from_le_bytes(part(octets, 24)),
        header: u32::from_le_bytes(part(octets, 32)),
        state: u16::from_le_bytes(part(octets, 36)),
    }
}

fn part<const N: usize>(octets: &[u8; RECORD], from: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&octets[from..from + N]);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_index() -> Index {
        let record = |number| Record {
            offset: number,
            length: u64::MAX - number,
            size: 3,
            received_at: i64::MIN,
            header: u32::MAX,
            state: u16::MAX,
        };
        Index {
            stamp: Stamp { size: 7, modified: -1, changed: -2 },
            uid_validity: UidValidity(u32::MAX),
            fingerprint: 9,
            records: (0..100).map(record).collect(),
        }
    }

    #[test]
    fn an_index_comes_back_as_it_was_kept() {
        let cache = tempfile::tempdir().unwrap();
        let directory = cache.path().join("deep");
        save(&directory, Path::new("/mail/a"), &some_index()).unwrap();
        assert_eq!(load(&directory, Path::new("/mail/a")), Some(some_index()));
        assert_eq!(load(&directory, Path::new("/mail/b")), None);
        #[cfg(unix)]
        for (path, mode) in
            [(directory.clone(), 0o700), (cache::file_for(&directory, Path::new("/mail/a"), "mbox"), 0o600)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[test]
    fn no_octet_of_it_can_be_wrong_or_missing() {
        let cache = tempfile::tempdir().unwrap();
        let path = Path::new("/mail/a");
        save(cache.path(), path, &some_index()).unwrap();
        let file = cache::file_for(cache.path(), path, "mbox");
        let good = fs::read(&file).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            fs::write(&file, &bad).unwrap();
            assert_eq!(load(cache.path(), path), None, "octet {at}");
            fs::write(&file, &good[..at]).unwrap();
            assert_eq!(load(cache.path(), path), None, "cut at {at}");
        }
    }
}
