//! A file that only grows, line by line, whoever writes it: under a lock, whole lines, on the disk when it matters.
//!
//! It knows nothing of what the lines say. A line without an end was cut off when a program was killed: nobody reads it, and
//! whoever writes next takes it away.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::file;

/// A file of lines, in a directory of its own.
#[derive(Debug)]
pub(super) struct Lines {
    directory: PathBuf,
    path: PathBuf,
}

/// The file, and nobody else writes to it while this is there.
#[derive(Debug)]
pub(super) struct Locked<'a> {
    lines: &'a Lines,
    file: File,
    /// It is unlocked when it is closed.
    _lock: File,
}

/// What was written, to be made sure of.
#[derive(Debug)]
pub(super) struct Written {
    path: PathBuf,
    file: File,
    /// Where the line begins.
    pub(super) at: u64,
}

impl Lines {
    pub(super) fn kept_in(directory: PathBuf) -> Self {
        let path = directory.join("sent.ndjson");
        Self { directory, path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives every whole line from a place on, with where it begins, until one is enough.
    pub(super) fn read(&self, from: u64, mut take: impl FnMut(u64, &[u8]) -> Result<ControlFlow<()>>) -> Result<()> {
        let failed = |error| Error::io(format!("cannot read {}", self.path.display()), error);
        let mut file = match file::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        close_to_others(&file, &self.path);
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        let (mut file, mut line, mut at) = (BufReader::new(file), Vec::new(), from);
        loop {
            line.clear();
            let read = file.read_until(b'\n', &mut line).map_err(failed)?;
            if line.pop() != Some(b'\n') || take(at, &line)?.is_break() {
                return Ok(());
            }
            at += read as u64;
        }
    }

    /// How long the file is; nothing when there is none.
    pub(super) fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// Waits until nobody else writes.
    pub(super) fn lock(&self) -> Result<Locked<'_>> {
        let failed = |error| Error::io(format!("cannot write {}", self.path.display()), error);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.directory).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // A lock on the journal itself would keep readers out on some systems.
        let lock = file::open_with(&mut options, &self.directory.join("sent.lock")).map_err(failed)?;
        let start = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let held = format!("another program has held the journal for {} s", PATIENCE.as_secs());
                    return Err(Error::new(ErrorKind::Io, held).hint("see whether another mailql hangs, and end it"));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let is_new = !self.path.exists();
        let file = file::open_with(&mut options, &self.path).map_err(failed)?;
        close_to_others(&file, &self.path);
        if is_new && cfg!(unix) {
            // Its name is on the disk, too.
            File::open(&self.directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        }
        Ok(Locked { lines: self, file, _lock: lock })
    }
}

impl Locked<'_> {
    /// Appends a line, which has its end; `is_whole` tells of a last line without one whether only that is missing.
    pub(super) fn append(&mut self, line: &[u8], is_whole: impl Fn(&[u8]) -> bool) -> Result<Written> {
        let path = &self.lines.path;
        let failed = |error| {
            Error::io(format!("cannot write {}", path.display()), error)
                .hint("nothing is sent that cannot be written down; see whether there is room, and who may write there")
        };
        self.mend(is_whole).map_err(failed)?;
        let at = self.file.seek(SeekFrom::End(0)).map_err(failed)?;
        if let Err(error) = self.file.write_all(line) {
            // What did not find room is not half there.
            drop(self.cut(at));
            return Err(failed(error));
        }
        let file = self.file.try_clone().map_err(failed)?;
        Ok(Written { path: path.clone(), file, at })
    }

    /// Ends a last line, or takes it away when it was cut off: nobody else is writing it, as nobody else has the lock.
    fn mend(&mut self, is_whole: impl Fn(&[u8]) -> bool) -> io::Result<()> {
        let length = self.file.seek(SeekFrom::End(0))?;
        let mut last = *b"\n";
        if length > 0 {
            self.file.seek(SeekFrom::Start(length - 1))?;
            self.file.read_exact(&mut last)?;
        }
        // So it is as good as always.
        if last == *b"\n" {
            return Ok(());
        }
        let (mut start, mut tail) = (length, Vec::new());
        while start > 0 {
            let from = start.saturating_sub(PIECE);
            let mut piece = Vec::new();
            self.file.seek(SeekFrom::Start(from))?;
            (&self.file).take(start - from).read_to_end(&mut piece)?;
            let end = piece.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
            start = from + end as u64;
            piece.drain(..end);
            piece.extend_from_slice(&tail);
            tail = piece;
            if end > 0 {
                break;
            }
        }
        if tail.is_empty() {
            Ok(())
        } else if is_whole(&tail) {
            self.file.write_all(b"\n")
        } else {
            tracing::debug!("a line of the journal was cut off: {} octets", tail.len());
            self.cut(start)
        }
    }

    /// Takes away what is behind a place; who can only append cannot, on some systems.
    fn cut(&self, at: u64) -> io::Result<()> {
        OpenOptions::new().write(true).open(&self.lines.path)?.set_len(at)
    }
}

/// Mends a journal that others may read or write: it tells whom somebody wrote to, and about what.
#[cfg(unix)]
fn close_to_others(file: &File, path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let is_open = file.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if is_open && let Err(error) = file.set_permissions(fs::Permissions::from_mode(0o600)) {
        tracing::debug!("{} stays open to others: {error}", path.display());
    }
}

/// Elsewhere, what is in a user's directory is the user's.
#[cfg(not(unix))]
fn close_to_others(_: &File, _: &Path) {}

impl Written {
    /// Waits until it is on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| Error::io(format!("cannot write {}", self.path.display()), error))
    }
}

/// How long somebody else may write.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(1);

/// Octets that are looked through at once for the beginning of the last line.
const PIECE: u64 = 4096;
