//! Names and files in the cache directory, which only the user may read.
//!
//! Nothing is ever written beside the user's mail. What the files hold is decided in
//! [`super::mbox`] and [`super::maildir`].

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A hash that is the same in every run and on every machine; it says nothing about secrets.
#[derive(Debug, Clone, Copy)]
pub(super) struct StableHash(u64);

impl StableHash {
    /// Begins a hash.
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Takes in some octets, with their number, so that pieces cannot run into each other.
    pub(super) fn add(&mut self, octets: &[u8]) {
        self.mix(octets.len() as u64);
        let mut words = octets.chunks_exact(8);
        for word in &mut words {
            let mut octets = [0; 8];
            octets.copy_from_slice(word);
            self.mix(u64::from_le_bytes(octets));
        }
        let rest = words.remainder();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.mix(u64::from_le_bytes(last));
    }

    /// The hash of what was taken in.
    pub(super) fn value(self) -> u64 {
        let mixed = self.0 ^ (self.0 >> 29);
        mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (mixed >> 32)
    }

    fn mix(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }
}

/// Where something about a path of the user's is kept: the path's hash names it.
pub(super) fn file_for(directory: &Path, mail: &Path, ending: &str) -> PathBuf {
    let mail = fs::canonicalize(mail).unwrap_or_else(|_| mail.to_owned());
    let mut hash = StableHash::new();
    hash.add(mail.as_os_str().as_encoded_bytes());
    directory.join(format!("{:016x}.{ending}", hash.value()))
}

/// Makes the directory, and those above it, for the user alone.
pub(super) fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(directory)
}

/// Writes a file for the user alone: aside first, then renamed, so that nobody sees half of it.
pub(super) fn write_aside(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<&mut fs::File>) -> io::Result<()>,
) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private(directory)?;
    let mut aside = tempfile::NamedTempFile::new_in(directory)?;
    let mut writer = BufWriter::with_capacity(1 << 18, aside.as_file_mut());
    content(&mut writer)?;
    writer.flush()?;
    drop(writer);
    aside.persist(path).map_err(|error| error.error)?;
    Ok(())
}
