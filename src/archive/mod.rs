//! Where mail is, when it is in files: Maildir, mbox and `.eml` files, behind the seam of `mail`.
//!
//! Reads only; the one thing it ever writes is its own cache. It knows nothing of SQL. Start at
//! [`maildir`], [`mbox`] or [`eml`] (what a store is), then `reading` (how a folder is read in chunks).

mod cache;
mod compressed;
mod counts;
mod crlf;
pub mod eml;
mod entry;
pub mod maildir;
pub mod matches;
pub mod mbox;
mod message_file;
mod reading;
#[cfg(test)]
mod tests;
mod uid_list;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::{Error, Result};
use crate::mail::{Folder, FolderPattern};

pub use eml::Eml;
pub use maildir::Maildir;
pub use mbox::Mbox;

/// What separates the levels of a path here, whatever does in the file system.
const DELIMITER: char = '/';

/// A folder as it is listed before anything is read of it.
fn folder_named(path: &str) -> Folder {
    Folder::named(path, Some(DELIMITER))
}

/// Whether the folder is asked for; INBOX in any case (RFC 9051 §5.1).
fn is_wanted(pattern: &FolderPattern, path: &str) -> bool {
    pattern.names().is_none_or(|paths| {
        paths.iter().any(|wanted| {
            wanted == path || (path.eq_ignore_ascii_case("INBOX") && wanted.eq_ignore_ascii_case("INBOX"))
        })
    })
}

/// Whether a file of that name holds one message and nothing else.
fn is_eml(name: &Path) -> bool {
    let is_hidden = name.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !is_hidden && name.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("eml"))
}

/// Whether a directory has such a file, or a directory within has.
fn holds_eml(directory: &Path) -> bool {
    let children = |directory: &Path| {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let found = children(directory);
    found.iter().any(|path| is_eml(path)) || found.iter().flat_map(|path| children(path)).any(|path| is_eml(&path))
}

/// How many folders are usefully read at once: disks and processors are few.
fn lanes() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4)
}

/// Whether a directory is there.
///
/// # Errors
/// When that may not be seen: a folder that is left out for it would be missed by nobody.
fn is_directory(place: &Path) -> Result<bool> {
    match fs::metadata(place) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Error::io(format!("cannot look into {}", place.display()), error))
        }
        found => Ok(found.is_ok_and(|found| found.is_dir())),
    }
}

/// Gives every folder a path of its own, in order. Of those that would share one, that whose file or
/// directory is called so keeps it; others are called as theirs is.
fn with_own_paths(root: &Path, mut found: Vec<(String, PathBuf)>) -> Vec<(String, PathBuf)> {
    let raw = |place: &Path| place.strip_prefix(root).unwrap_or(place).to_string_lossy().replace('\\', "/");
    found.sort_by_cached_key(|(path, place)| (*path != raw(place), path.clone(), place.clone()));
    let mut taken = BTreeSet::new();
    for (path, place) in &mut found {
        if taken.contains(path) {
            *path = raw(place);
        }
        while !taken.insert(path.clone()) {
            path.push('~');
        }
    }
    found.sort();
    found
}
