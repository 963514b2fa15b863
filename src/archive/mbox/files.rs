//! Which files are mbox files, and what their folders are called.
//!
//! Looks at the beginning of a file and no further: messages are found in [`super::scan`].

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::separator::{self, Before, Form, judge};
use crate::archive::compressed::Format;
use crate::archive::{DELIMITER, holds_eml, is_directory, is_eml, with_own_paths};
use crate::error::{Error, ErrorKind, Result};
use crate::file;

/// A folder, and the file that it is in.
#[derive(Debug)]
pub(super) struct Place {
    /// Its path, with `/` between the levels.
    pub(super) path: String,
    /// The file.
    pub(super) file: PathBuf,
}

/// The folder of a file, or all those of a directory in the order of their paths.
pub(super) fn places(root: &Path) -> Result<Vec<Place>> {
    let failed = |error| Error::io(format!("cannot open {}", root.display()), error);
    let metadata = fs::metadata(root).map_err(|error| failed(error).hint("check the path of the account"))?;
    if !metadata.is_dir() {
        let looks_so = beginning(root).map_err(|error| {
            let is_other = file::is_other(&error);
            let error = failed(error);
            if is_other { error.hint("an mbox is read in many places: write it into a file first") } else { error }
        })?;
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        let place = Place { path: without_ending(&name).to_owned(), file: root.to_owned() };
        return if matches!(looks_so, Beginning::Other) { Err(no_mbox(root)) } else { Ok(vec![place]) };
    }
    let mut walk = Walk::default();
    walk.visited.extend(fs::canonicalize(root).ok());
    walk.below(root, "", 0)?;
    if walk.places.is_empty() {
        let hint = if root.join("cur").is_dir() {
            "this is a Maildir; use `maildir = …`"
        } else if holds_eml(root) {
            "these are .eml files; use `eml = …`"
        } else {
            "a Maildir has `cur` and `new`, an mbox file starts with a line `From someone Sat Jan  3 01:02:03 2026`, a file of one message ends in .eml"
        };
        return Err(Error::new(ErrorKind::Mail, format!("no mbox file in {}", root.display())).hint(hint));
    }
    let found = with_own_paths(root, walk.places);
    Ok(found.into_iter().map(|(path, file)| Place { path, file }).collect())
}

/// That a file is no mbox.
pub(super) fn no_mbox(path: &Path) -> Error {
    let mut beginning = [0; 16];
    let read = file::open(path).and_then(|mut file| file.read(&mut beginning)).unwrap_or_default();
    let hint = match Format::of(&beginning[..read]) {
        Format::Compressed(_) | Format::Unread(_) => "the file is compressed; unpack it first",
        Format::Plain if is_eml(path) => "this is one message; use `eml = …`",
        Format::Plain => {
            "an mbox file starts with a line `From someone Sat Jan  3 01:02:03 2026`; a file of one message ends in .eml"
        }
    };
    Error::new(ErrorKind::Mail, format!("{} is no mbox file", path.display())).hint(hint)
}

/// How deep files are looked for.
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
            let (name, place) = (child.file_name().to_string_lossy().into_owned(), child.path());
            if name.starts_with('.') {
                continue;
            }
            let path = joined(above, without_ending(&name));
            if is_directory(&place)? {
                if level < MOST_LEVELS && fs::canonicalize(&place).is_ok_and(|place| self.visited.insert(place)) {
                    self.below(&place, &path, level + 1)?;
                }
            } else if place.is_file() && is_mbox(&place, &name)? {
                // Some programs export a folder as a directory `x.mbox` with a file `mbox` in it.
                let is_the_directory_s = name == "mbox" && has_ending(directory, "mbox") && !above.is_empty();
                self.places.push((if is_the_directory_s { above.to_owned() } else { path }, place));
            }
        }
        Ok(())
    }
}

/// How a file begins.
enum Beginning {
    /// There is nothing in it, or only empty lines.
    Empty,
    /// As an mbox does: with a line `From …`, and what follows it is a message.
    Mbox,
    /// With a line `From …`, and what follows may be anything.
    From,
    /// Otherwise.
    Other,
}

fn is_mbox(path: &Path, name: &str) -> Result<bool> {
    let is_called_so = has_ending(path, "mbox");
    let looks_so = beginning(path).map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
    Ok(match looks_so {
        Beginning::Mbox => true,
        Beginning::Empty => is_called_so || !name.contains('.'),
        // A file that says it is one and is not is an error when it is read, not a folder less.
        Beginning::From | Beginning::Other => is_called_so,
    })
}

fn beginning(path: &Path) -> io::Result<Beginning> {
    let mut octets = Vec::new();
    let read = file::open(path)?.take(MOST_READ).read_to_end(&mut octets)?;
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&octets).trim_ascii_start();
    if octets.is_empty() || !separator::begins(octets) {
        return Ok(if octets.is_empty() { Beginning::Empty } else { Beginning::Other });
    }
    let end = memchr::memchr(b'\n', octets).map_or(octets.len(), |end| end + 1);
    let verdict = judge(Form::of(&octets[..end]), Before::EmptyLine, &octets[end..], (read as u64) < MOST_READ);
    Ok(if verdict.begins() { Beginning::Mbox } else { Beginning::From })
}

/// Octets that are read of a file to see what it is.
const MOST_READ: u64 = 16 << 10;

fn joined(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}{DELIMITER}{name}") }
}

/// The name of a folder out of that of its file, or of the directory that holds its children.
fn without_ending(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, ending)) if ["mbox", "sbd"].iter().any(|known| ending.eq_ignore_ascii_case(known)) => stem,
        _ => name,
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}
