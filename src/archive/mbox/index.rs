//! The index of an mbox file: made in one pass, kept in the cache directory, checked before use.
//!
//! Holds no mail, only where it is. The pass itself is [`super::scan`]; messages are read in
//! [`super::entry`].

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::files::no_mbox;
use super::kept;
use super::record::{KEPT_IN_PLACE, LENGTH_OPEN, OF_ITS_LINE, Record};
use super::scan::{self, Stopped};
use crate::archive::cache::StableHash;
use crate::archive::reading::Token;
use crate::error::{Error, ErrorKind, Result};
use crate::file;
use crate::mail::{Flag, Meter, UidValidity};

/// Where the messages of a file are, for as long as the file is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) stamp: Stamp,
    pub(super) uid_validity: UidValidity,
    /// Of the beginnings of some messages, to know them again in a file that grew.
    pub(super) fingerprint: u64,
    pub(super) records: Vec<Record>,
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    /// When it was last written, in nanoseconds.
    pub(super) modified: i128,
    /// When anything of it changed last, where the system knows: programs that write flags in place set the other one back.
    pub(super) changed: i128,
}

impl Stamp {
    /// The state that the file is in.
    pub(super) fn of(metadata: &Metadata) -> Self {
        let since = metadata.modified().ok().map(|modified| match modified.duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, |nanos| -nanos),
        });
        Self { size: metadata.len(), modified: since.unwrap_or_default(), changed: changed_at(metadata) }
    }
}

impl Index {
    /// The index of the file as it is now: the one that is known, if it still holds, or a new one.
    pub(super) fn current(
        path: &Path,
        cache: Option<&Path>,
        known: Option<Arc<Index>>,
        meter: &Meter,
        token: &Token,
    ) -> Result<Arc<Index>> {
        let failed = |error| Error::io(format!("cannot read {}", path.display()), error);
        let mut file = file::open(path).map_err(failed)?;
        let stamp = Stamp::of(&file.metadata().map_err(failed)?);
        let outdated = known.clone();
        let holds = |index: &Arc<Index>| index.stamp == stamp;
        let known = match known.filter(holds) {
            Some(known) => Some(known),
            None => cache.and_then(|cache| kept::load(cache, path)).map(Arc::new).or(outdated),
        };
        if let Some(known) = known.as_ref().filter(|known| holds(known)) {
            return Ok(Arc::clone(known));
        }
        let index = Arc::new(made(path, &mut file, stamp, known.as_deref(), meter, token)?);
        if let Some(cache) = cache
            && let Err(error) = kept::save(cache, path, &index)
        {
            tracing::debug!("the index of {} is not kept: {error}", path.display());
        }
        Ok(index)
    }

    /// How many messages do not have the flag; None if that is not known of one of them.
    pub(super) fn without(&self, flag: Flag) -> Option<u64> {
        self.records.iter().map(|record| record.has(flag).map(|has| u64::from(!has))).sum()
    }
}

#[cfg(unix)]
fn changed_at(metadata: &Metadata) -> i128 {
    use std::os::unix::fs::MetadataExt;
    i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn changed_at(_metadata: &Metadata) -> i128 {
    0
}

/// That a file is no longer what was listed.
pub(super) fn changed(path: &Path) -> Error {
    Error::new(ErrorKind::Mail, format!("{} changed while it was read", path.display()))
        .hint("run the statement again when nothing writes to the file")
}

fn made(
    path: &Path,
    file: &mut File,
    stamp: Stamp,
    known: Option<&Index>,
    meter: &Meter,
    token: &Token,
) -> Result<Index> {
    let failed = |error| Error::io(format!("cannot read {}", path.display()), error);
    let grew = known.filter(|known| {
        stamp.size > known.stamp.size && fingerprint(file, &known.records).is_ok_and(|print| print == known.fingerprint)
    });
    // Where programs keep flags in headers, what was read of them may be outdated. A length that did not hold may hold now.
    let is_settled = |record: &Record| record.state & (KEPT_IN_PLACE | LENGTH_OPEN) == 0;
    // The last message may have grown too, even its first line and its header, which decide whether it is one.
    let settled = |known: &&Index| {
        let whole = known.records.len().checked_sub(2)?;
        known.records[..whole].iter().all(is_settled).then_some(whole)
    };
    let goes_on = grew.and_then(|known| settled(&known).zip(Some(known)));
    let (records, base, state) = match goes_on {
        Some((whole, known)) => {
            let next = &known.records[whole];
            (known.records[..whole].to_vec(), next.offset, next.state & OF_ITS_LINE)
        }
        None => (Vec::new(), 0, 0),
    };
    let length = stamp.size.saturating_sub(base);
    meter.bytes_expected.add(usize::try_from(length).unwrap_or(usize::MAX));
    let progress = |octets| {
        meter.bytes.add(octets);
        token.check().map_err(io::Error::other)
    };
    let scanned = scan::scan(file, base..stamp.size, records, state, progress);
    let mut records = scanned.map_err(|stopped| match stopped {
        Stopped::NoMbox => no_mbox(path),
        Stopped::Io(error) => failed(error),
    })?;
    records.shrink_to_fit();
    let fingerprint = fingerprint(file, &records).map_err(failed)?;
    let is_as_it_was = |metadata: Metadata| Stamp::of(&metadata) == stamp;
    if !file.metadata().is_ok_and(is_as_it_was) || !fs::metadata(path).is_ok_and(is_as_it_was) {
        return Err(changed(path));
    }
    if u32::try_from(records.len()).is_err() {
        return Err(Error::new(ErrorKind::Mail, format!("{} holds more messages than there are uids", path.display())));
    }
    let same_messages = grew.is_some_and(|grew| begins_with(&records, &grew.records));
    let uid_validity = match known {
        Some(known) if same_messages => known.uid_validity,
        known => new_validity(stamp, known.map(|known| known.uid_validity)),
    };
    Ok(Index { stamp, uid_validity, fingerprint, records })
}

fn begins_with(records: &[Record], old: &[Record]) -> bool {
    let starts = |records: &[Record]| records.iter().take(old.len()).map(|record| record.offset).collect::<Vec<_>>();
    records.len() >= old.len() && starts(records) == starts(old)
}

/// The file's time in seconds; never what it was before.
fn new_validity(stamp: Stamp, old: Option<UidValidity>) -> UidValidity {
    let seconds = stamp.modified.div_euclid(1_000_000_000).rem_euclid(1 << 32);
    let validity = UidValidity(u32::try_from(seconds).unwrap_or(1).max(1));
    if Some(validity) == old { UidValidity(validity.0.wrapping_add(1).max(1)) } else { validity }
}

/// A hash of the beginnings of some messages, the first and the last among them.
fn fingerprint(file: &mut File, records: &[Record]) -> io::Result<u64> {
    let mut hash = StableHash::new();
    let step = records.len().div_ceil(SAMPLES).max(1);
    for record in records.iter().step_by(step).chain(records.last()) {
        let mut beginning = Vec::new();
        file.seek(SeekFrom::Start(record.offset))?;
        Read::take(&mut *file, record.length.min(SAMPLE)).read_to_end(&mut beginning)?;
        hash.add(&beginning);
    }
    Ok(hash.value())
}

const SAMPLES: usize = 16;

const SAMPLE: u64 = 512;
