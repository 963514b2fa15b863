//! Where mail is, when it is in files: Maildir and mbox, behind the seam of `mail`.
//!
//! Reads only; the one thing it ever writes is its own cache. It knows nothing of SQL. Start at
//! [`maildir`] or [`mbox`] (what a store is), then `reading` (how a folder is read in chunks).

mod cache;
mod crlf;
mod entry;
pub mod maildir;
pub mod matches;
pub mod mbox;
mod reading;
mod snapshots;
#[cfg(test)]
mod tests;

use crate::mail::{Folder, FolderPattern};

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
    match pattern {
        FolderPattern::All => true,
        FolderPattern::Named(paths) => paths.iter().any(|wanted| {
            wanted == path || (path.eq_ignore_ascii_case("INBOX") && wanted.eq_ignore_ascii_case("INBOX"))
        }),
    }
}

/// How many folders are usefully read at once: disks and processors are few.
fn lanes() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4)
}
