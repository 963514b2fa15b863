//! Which directories below the root are folders, and what they are called.
//!
//! Two layouts are read, mixed if need be: Maildir++ (`.Lists.rust`) and nested directories
//! (`Lists/rust`). Opens no message; what is in a folder is read in [`super::listing`].

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{DELIMITER, is_directory, with_own_paths};
use crate::error::{Error, ErrorKind, Result};
use crate::file;
use crate::mail::mutf7;

/// A folder, and where it is.
#[derive(Debug)]
pub(super) struct Place {
    /// Its path, decoded, with `/` between the levels.
    pub(super) path: String,
    /// Its directory.
    pub(super) directory: PathBuf,
    /// Whether it is subscribed to, where there is a list.
    pub(super) subscribed: Option<bool>,
}

/// All folders, in the order of their paths, the root first as INBOX when it holds messages.
pub(super) fn places(root: &Path) -> Result<Vec<Place>> {
    let metadata = fs::metadata(root).map_err(|error| {
        Error::io(format!("cannot open the Maildir {}", root.display()), error).hint("check the path of the account")
    })?;
    if !metadata.is_dir() {
        return Err(no_maildir(root).hint("this is a file; for an mbox file use `mbox = …`"));
    }
    let mut walk = Walk::default();
    if is_folder(root)? {
        walk.places.push(("INBOX".to_owned(), root.to_owned()));
    }
    walk.visited.extend(fs::canonicalize(root).ok());
    walk.below(root, "", 0)?;
    if walk.places.is_empty() {
        let hint = "a Maildir has directories `cur` and `new`, or holds directories that have them";
        return Err(no_maildir(root).hint(hint));
    }
    let mut found = with_own_paths(root, walk.places);
    found.sort_by_key(|(path, _)| path != "INBOX");
    let subscriptions = file::read_to_string(&root.join("subscriptions")).ok().map(|text| subscribed(&text));
    let place = |(path, directory): (String, PathBuf)| {
        let subscribed = subscriptions.as_ref().map(|names| names.contains(&path));
        Place { path, directory, subscribed }
    };
    Ok(found.into_iter().map(place).collect())
}

/// How deep folders are looked for.
const MOST_LEVELS: usize = 32;

#[derive(Default)]
struct Walk {
    places: Vec<(String, PathBuf)>,
    /// Where a link may lead back to.
    visited: BTreeSet<PathBuf>,
}

impl Walk {
    fn below(&mut self, directory: &Path, above: &str, level: usize) -> Result<()> {
        let failed = |error| Error::io(format!("cannot list {}", directory.display()), error);
        for child in fs::read_dir(directory).map_err(failed)? {
            let child = child.map_err(failed)?;
            let name = child.file_name();
            let name = name.to_string_lossy();
            let place = child.path();
            if matches!(name.as_ref(), "cur" | "new" | "tmp" | "." | "..") || !is_directory(&place)? {
                continue;
            }
            let is_folder = is_folder(&place)?;
            let path = match name.strip_prefix('.') {
                // Other hidden directories hold what programs keep for themselves.
                Some(_) if !is_folder => continue,
                Some(levels) => joined(above, levels.split('.')),
                None => joined(above, std::iter::once(name.as_ref())),
            };
            if level >= MOST_LEVELS || !fs::canonicalize(&place).is_ok_and(|place| self.visited.insert(place)) {
                continue;
            }
            if is_folder {
                self.places.push((path.clone(), place.clone()));
            }
            self.below(&place, &path, level + 1)?;
        }
        Ok(())
    }
}

fn is_folder(directory: &Path) -> Result<bool> {
    Ok(is_directory(&directory.join("cur"))? || is_directory(&directory.join("new"))?)
}

fn joined<'a>(above: &str, levels: impl Iterator<Item = &'a str>) -> String {
    let mut path = above.to_owned();
    for level in levels {
        if !path.is_empty() {
            path.push(DELIMITER);
        }
        match mutf7::decode(level) {
            Some(decoded) => path.push_str(&decoded),
            None => path.push_str(level),
        }
    }
    path
}

/// Dovecot's list: one name a line, or since version 2 one level after the other between tabs.
fn subscribed(text: &str) -> BTreeSet<String> {
    let levels = |line: &str| {
        let separator = if line.contains('\t') { '\t' } else { '.' };
        joined("", line.split(separator))
    };
    text.lines().filter(|line| !line.is_empty() && !line.starts_with("V\t")).map(levels).collect()
}

fn no_maildir(root: &Path) -> Error {
    Error::new(ErrorKind::Mail, format!("{} is no Maildir", root.display()))
}
