//! Secrets in files, one each, that only their owner can read.
//!
//! Written aside and renamed, so that there is always a whole one; what others could read is refused.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::NamedTempFile;

use super::super::credential::Text;
use crate::error::{Error, ErrorKind, Result};
use crate::file;

/// A directory of secrets.
#[derive(Debug)]
pub(super) struct Files(PathBuf);

/// Room on the disk for one secret.
#[derive(Debug)]
pub struct Room(NamedTempFile);

/// Nobody else has it while this is there.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "it is unlocked when it is closed")] File);

impl Files {
    pub(super) fn at(directory: PathBuf) -> Self {
        Self(directory)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.path(key, "json").exists()
    }

    pub(super) fn read(&self, key: &str) -> Result<Option<Text>> {
        let path = self.path(key, "json");
        let mut file = match file::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable("cannot read", &path, error)),
        };
        private(&self.0, "700")?;
        private(&path, "600")?;
        let mut text = Text::new(String::with_capacity(4096));
        file.read_to_string(&mut text).map_err(|error| unusable("cannot read", &path, error))?;
        Ok(Some(text))
    }

    /// Makes sure that there will be room for a secret, whatever else fills the disk meanwhile.
    pub(super) fn reserve(&self, key: &str) -> Result<Room> {
        self.make()?;
        let reserved = || -> io::Result<NamedTempFile> {
            let mut aside = tempfile::Builder::new().prefix(&aside(key)).tempfile_in(&self.0)?;
            aside.write_all(&[b' '; ROOM])?;
            aside.as_file().sync_all()?;
            Ok(aside)
        };
        reserved().map(Room).map_err(|error| unusable("cannot write", &self.path(key, "json"), error))
    }

    pub(super) fn write(&self, key: &str, text: &str, room: Room) -> Result<()> {
        let path = self.path(key, "json");
        let written = || -> io::Result<()> {
            let mut aside = room.0;
            aside.rewind()?;
            aside.write_all(text.as_bytes())?;
            aside.as_file().set_len(text.len() as u64)?;
            aside.as_file().sync_all()?;
            aside.persist(&path)?;
            // The new name is on the disk, too.
            #[cfg(unix)]
            File::open(&self.0)?.sync_all()?;
            Ok(())
        };
        written().map_err(|error| unusable("cannot write", &path, error))
    }

    pub(super) fn forget(&self, key: &str) -> Result<bool> {
        let path = self.path(key, "json");
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(unusable("cannot delete", &path, error)),
        }
    }

    pub(super) fn lock(&self, key: &str, within: Duration) -> Result<Lock> {
        self.make()?;
        let path = self.path(key, "lock");
        let failed = |error| unusable("cannot lock", &path, error);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = file::open_with(&mut options, &path).map_err(failed)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < within => sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let message = format!("another program has held {} for {} s", path.display(), within.as_secs());
                    return Err(Error::new(ErrorKind::Io, message).hint("see whether another mailql hangs, and end it"));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        self.sweep(key);
        Ok(Lock(file))
    }

    /// Deletes what a program that was killed in the middle of writing left; whoever has the lock is the only one who
    /// writes.
    fn sweep(&self, key: &str) {
        let aside = aside(key);
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&aside) {
                drop(fs::remove_file(entry.path()));
            }
        }
    }

    fn make(&self) -> Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.0).map_err(|error| unusable("cannot make", &self.0, error))?;
        private(&self.0, "700")
    }

    fn path(&self, key: &str, ending: &str) -> PathBuf {
        self.0.join(format!("{}.{ending}", name(key)))
    }
}

/// How the names of files begin that are not whole yet.
fn aside(key: &str) -> String {
    format!(".{}.", name(key))
}

/// A key as the name of a file, however long it is.
fn name(key: &str) -> String {
    let name = utf8_percent_encode(key, NOT_IN_A_NAME).to_string();
    match name.len() {
        0..=150 => name,
        // Its end tells one client from another.
        length => format!("{}…{}", &name[..100], &name[length - 40..]),
    }
}

/// Makes sure that nobody but the owner can read it.
#[cfg(unix)]
fn private(path: &Path, mode: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let found = fs::metadata(path).map_err(|error| unusable("cannot read", path, error))?.permissions().mode() & 0o777;
    if found.trailing_zeros() >= 6 {
        return Ok(());
    }
    let message = format!("{} is open to others (mode {found:o}), and there are secrets in it", path.display());
    Err(Error::new(ErrorKind::Config, message).hint(format!("chmod {mode} '{}'", path.display())))
}

/// Elsewhere, what is in a user's directory is the user's.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn private(_: &Path, _: &str) -> Result<()> {
    Ok(())
}

fn unusable(what: &str, path: &Path, error: io::Error) -> Error {
    Error::io(format!("{what} {}", path.display()), error)
}

/// What may be in the name of a file on every system.
const NOT_IN_A_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'@').remove(b'.').remove(b'-').remove(b'_');

/// Octets that a secret may need; tokens are a few thousand.
const ROOM: usize = 16 * 1024;

/// How long one waits before a lock is tried again.
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn put(files: &Files, key: &str, text: &str) -> Result<()> {
        files.write(key, text, files.reserve(key)?)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_the_owner_can_read_what_is_written() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::at(place.path().join("state/tokens"));
        assert_eq!(files.read("me@example.org ab").unwrap(), None);
        put(&files, "me@example.org ab", "secret").unwrap();
        let path = place.path().join("state/tokens/me@example.org%20ab.json");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(files.read("me@example.org ab").unwrap().unwrap().as_str(), "secret");
        put(&files, "../../etc/passwd", "secret").unwrap();
        assert!(place.path().join("state/tokens/..%2F..%2Fetc%2Fpasswd.json").exists());
        put(&files, &"x".repeat(5000), "secret").unwrap();
    }

    #[test]
    fn what_others_can_read_is_refused_with_the_way_to_mend_it() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::at(place.path().join("tokens"));
        put(&files, "me", "s3cr3t").unwrap();
        let path = place.path().join("tokens/me.json");
        for (path, wrong, right) in [(&path, 0o640, 0o600), (&path, 0o604, 0o600), (&files.0.clone(), 0o755, 0o700)] {
            fs::set_permissions(path, fs::Permissions::from_mode(wrong)).unwrap();
            let error = files.read("me").unwrap_err();
            assert!(error.way_out().unwrap().starts_with(&format!("chmod {right:o}")), "{error}");
            assert!(!format!("{error:?}").contains("s3cr3t"));
            fs::set_permissions(path, fs::Permissions::from_mode(right)).unwrap();
        }
        assert!(files.read("me").unwrap().is_some());
        fs::set_permissions(&files.0, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(put(&files, "me", "other").is_err());
    }

    #[test]
    fn what_a_killed_program_left_is_swept_away_and_the_old_one_holds() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::at(place.path().join("tokens"));
        put(&files, "me", "old").unwrap();
        // A program that was killed between writing and renaming leaves this.
        let aside = tempfile::Builder::new().prefix(&aside("me")).tempfile_in(&files.0).unwrap();
        let (_, left) = aside.keep().unwrap();
        let others = files.0.join(".you.half");
        fs::write(&others, "half").unwrap();
        assert_eq!(files.read("me").unwrap().unwrap().as_str(), "old");
        drop(files.lock("me", Duration::ZERO).unwrap());
        assert!(!left.exists() && others.exists());
    }

    #[test]
    fn one_at_a_time_has_the_lock() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::at(place.path().join("tokens"));
        let lock = files.lock("me", Duration::ZERO).unwrap();
        let error = files.lock("me", Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("held"), "{error}");
        assert!(files.lock("you", Duration::ZERO).is_ok());
        drop(lock);
        assert!(files.lock("me", Duration::ZERO).is_ok());
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_beside_the_old_one() {
        let place = tempfile::tempdir().unwrap();
        let files = Files::at(place.path().join("tokens"));
        put(&files, "me", "old").unwrap();
        let path = files.path("you", "json");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("x"), "").unwrap();
        assert!(put(&files, "you", "new").is_err());
        assert_eq!(files.read("me").unwrap().unwrap().as_str(), "old");
        let is_aside = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes()[0] == b'.';
        assert_eq!(fs::read_dir(&files.0).unwrap().flatten().filter(is_aside).count(), 0);
    }
}
