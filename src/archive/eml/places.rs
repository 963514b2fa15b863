//! Which directories hold `.eml` files, and what their folders are called.
//!
//! Looks at names only: what is in the files is read in [`super::entry`].

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::archive::{DELIMITER, is_directory, is_eml, mbox, with_own_paths};
use crate::error::{Error, ErrorKind, Result};
use crate::file;

/// A folder, and where its messages are.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its path, with `/` between the levels.
    pub(super) path: String,
    /// The directory.
    pub(super) directory: PathBuf,
    /// The one file of it that counts, where a file was named and not its directory.
    pub(super) only: Option<OsString>,
}

impl Place {
    /// What was named: the file, or the directory.
    pub(super) fn root(&self) -> PathBuf {
        self.only.as_ref().map_or_else(|| self.directory.clone(), |name| self.directory.join(name))
    }
}

/// The folder of a file, or all those of a directory in the order of their paths.
pub(super) fn places(root: &Path) -> Result<Vec<Place>> {
    let failed = |error| Error::io(format!("cannot open {}", root.display()), error);
    let metadata = fs::metadata(root).map_err(|error| failed(error).hint("check the path of the account"))?;
    if !metadata.is_dir() {
        return Ok(vec![of_file(root)?]);
    }
    let canonical = fs::canonicalize(root).map_err(failed)?;
    let (has_own, below) = walked(root, &canonical)?;
    let mut found = with_own_paths(root, below);
    if has_own {
        let mut path =
            canonical.file_name().map_or_else(|| "mail".to_owned(), |name| name.to_string_lossy().into_owned());
        while found.iter().any(|(other, _)| *other == path) {
            path.push('~');
        }
        found.push((path, root.to_owned()));
        found.sort();
    }
    if found.is_empty() {
        return Err(Error::new(ErrorKind::Mail, format!("no .eml file in {}", root.display())).hint(hint(root)));
    }
    Ok(found.into_iter().map(|(path, directory)| Place { path, directory, only: None }).collect())
}

fn of_file(path: &Path) -> Result<Place> {
    let mut beginning = [0; 5];
    let read = file::open(path).and_then(|mut file| file.read(&mut beginning)).map_err(|error| {
        let is_other = file::is_other(&error);
        let error = Error::io(format!("cannot open {}", path.display()), error);
        if is_other { error.hint("a message is read in many places: write it into a file first") } else { error }
    })?;
    if !is_eml(path) && beginning[..read] == *b"From " {
        let error = Error::new(ErrorKind::Mail, format!("{} is no .eml file", path.display()));
        return Err(error.hint("this is an mbox; use `mbox = …`"));
    }
    let name = path.file_name().unwrap_or_default();
    let stem = if is_eml(path) { path.file_stem().unwrap_or_default() } else { name };
    Ok(Place {
        path: stem.to_string_lossy().into_owned(),
        directory: path.parent().unwrap_or(Path::new("")).to_owned(),
        only: Some(name.to_owned()),
    })
}

/// Whether a directory has `.eml` files itself, and the directories below it that have some, with their paths.
fn walked(root: &Path, canonical: &Path) -> Result<(bool, Vec<(String, PathBuf)>)> {
    // Where a link may lead back to.
    let mut visited = BTreeSet::from([canonical.to_owned()]);
    let mut has_own = false;
    let mut below = Vec::new();
    let mut unread = vec![(root.to_owned(), String::new())];
    while let Some((directory, path)) = unread.pop() {
        let failed = |error| Error::io(format!("cannot list {}", directory.display()), error);
        let mut has_some = false;
        for child in fs::read_dir(&directory).map_err(failed)? {
            let child = child.map_err(failed)?;
            let (name, place) = (child.file_name(), child.path());
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let is_file = child.file_type().is_ok_and(|kind| kind.is_file());
            if !is_file && is_directory(&place)? {
                if fs::canonicalize(&place).is_ok_and(|place| visited.insert(place)) {
                    let name = name.to_string_lossy();
                    let path = if path.is_empty() { name.into_owned() } else { format!("{path}{DELIMITER}{name}") };
                    unread.push((place, path));
                }
            } else if is_eml(Path::new(&name)) && file::is_regular(&child) {
                has_some = true;
            }
        }
        match (has_some, path.is_empty()) {
            (true, true) => has_own = true,
            (true, false) => below.push((path, directory)),
            (false, _) => {}
        }
    }
    Ok((has_own, below))
}

/// What to do about a directory without `.eml` files.
fn hint(root: &Path) -> &'static str {
    if root.join("cur").is_dir() || root.join("new").is_dir() {
        "this is a Maildir; use `maildir = …`"
    } else if mbox::is_at(root) {
        "these are mbox files; use `mbox = …`"
    } else {
        "a file of one message has a name that ends in .eml"
    }
}
