//! Which kind of mail files a path leads to.
//!
//! Looks at names, and at the first octets of files where names leave it open. What the files hold is read elsewhere.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::file;

/// A kind of mail files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Maildir,
    Mbox,
    Eml,
}

/// What is at a path: a Maildir, `.eml` files, or else mbox files.
///
/// # Errors
/// A directory holds nothing, or other mail besides `.eml` files: an account reads one kind.
pub(super) fn kind_at(path: &Path) -> Result<Kind> {
    if !path.is_dir() {
        return Ok(if is_eml(path) { Kind::Eml } else { Kind::Mbox });
    }
    if is_maildir(path, |cur, new| cur && new) {
        return Ok(Kind::Maildir);
    }
    if is_maildir(path, |cur, new| cur || new) {
        // One of the two alone may be a directory of `.eml` files that is called so.
        let eml = first_file(path, |file| is_eml(file) && !is_in_maildir(file));
        return eml.map_or(Ok(Kind::Maildir), |eml| Err(both(path, "a Maildir", &eml)));
    }
    if first_file(path, |_| true).is_none() {
        let error = Error::new(ErrorKind::Mail, format!("there is no mail in {}, which has no files", path.display()));
        return Err(error.hint("give a Maildir, an mbox or .eml file, or a directory of them"));
    }
    let Some(eml) = first_file(path, is_eml) else { return Ok(Kind::Mbox) };
    match first_file(path, |file| !is_eml(file) && is_like_mbox(file)) {
        None => Ok(Kind::Eml),
        Some(mbox) => Err(both(path, &format!("mbox files ({})", below(path, &mbox)), &eml)),
    }
}

/// That an account would leave something out.
fn both(path: &Path, other: &str, eml: &Path) -> Error {
    let message = format!("{} holds both {other} and .eml files ({})", path.display(), below(path, eml));
    let hint = "name a file, or make accounts with `maildir = …`, `mbox = …` and `eml = …` in the configuration";
    Error::new(ErrorKind::Mail, message).hint(hint)
}

fn below(path: &Path, file: &Path) -> String {
    file.strip_prefix(path).unwrap_or(file).display().to_string()
}

fn is_in_maildir(file: &Path) -> bool {
    let directory = file.parent().and_then(Path::file_name).unwrap_or_default();
    ["cur", "new", "tmp"].iter().any(|part| directory == *part)
}

/// Whether a directory looks like a Maildir: it, or a folder in it, has `cur` and `new` as they are wanted.
fn is_maildir(path: &Path, is_wanted: impl Fn(bool, bool) -> bool) -> bool {
    let has_mail = |path: &Path| is_wanted(path.join("cur").is_dir(), path.join("new").is_dir());
    let has_folder = || {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.take(1_000).any(|entry| has_mail(&entry.path()))
    };
    has_mail(path) || has_folder()
}

fn is_eml(path: &Path) -> bool {
    has_ending(path, "eml")
}

/// Whether a file says that it is an mbox, by its name or by its first line.
fn is_like_mbox(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let begins = file::open(path).is_ok_and(|file| file.take(8).read_to_end(&mut beginning).is_ok())
        && beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&beginning).starts_with(b"From ");
    begins || has_ending(path, "mbox")
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// A file below a directory that is wanted; what is hidden, and what cannot be looked at, is passed over.
fn first_file(root: &Path, is_wanted: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    // Where a link may lead back to.
    let mut visited: BTreeSet<PathBuf> = fs::canonicalize(root).into_iter().collect();
    let mut unread = vec![root.to_owned()];
    while let Some(directory) = unread.pop() {
        for child in fs::read_dir(directory).into_iter().flatten().flatten() {
            if child.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let (path, kind) = (child.path(), child.file_type());
            if !kind.is_ok_and(|kind| kind.is_file()) && path.is_dir() {
                if fs::canonicalize(&path).is_ok_and(|path| visited.insert(path)) {
                    unread.push(path);
                }
            } else if file::is_regular(&child) && is_wanted(&path) {
                return Some(path);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind of account at a directory with these files.
    fn kind(files: &[(&str, &str)]) -> Result<&'static str> {
        let place = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        kind_at(place.path()).map(|kind| match kind {
            Kind::Maildir => "maildir",
            Kind::Mbox => "mbox",
            Kind::Eml => "eml",
        })
    }

    const MBOX: &str = "From a@b Sat Jan  3 01:02:03 2026\nSubject: x\n\n";

    #[test]
    fn a_directory_is_what_its_files_are() {
        for (files, wanted) in [
            (&[("a.eml", "Subject: x\n\n")][..], "eml"),
            (&[("deep/er/a.EML", ""), ("notes.txt", "From me to you"), ("x.pdf", "%PDF")][..], "mixed"),
            (&[("deep/er/a.EML", ""), ("notes.txt", "from me to you"), ("x.pdf", "%PDF")][..], "eml"),
            (&[("a.eml", "From a@b Sat Jan  3 01:02:03 2026\nSubject: x\n\n")][..], "eml"),
            (&[("a.mbox", MBOX), ("sub/Sent", MBOX)][..], "mbox"),
            (&[("sub/a.eml", ""), ("sub/Sent", MBOX)][..], "mixed"),
            (&[("a.eml", ""), ("empty.mbox", "")][..], "mixed"),
            (&[("cur/1", ""), ("new/2", ""), ("a.eml", "")][..], "maildir"),
            (&[(".Work/cur/1", ""), (".Work/new/2", ""), ("a.eml", "")][..], "maildir"),
            (&[("cur/1.eml", "")][..], "maildir"),
            (&[("new/1.eml", ""), ("a.eml", "")][..], "mixed"),
            (&[("x/new/1.eml", ""), ("x/a.eml", "")][..], "mixed"),
            (&[(".hidden/a.eml", ""), ("._b.eml", "")][..], "nothing"),
            (&[][..], "nothing"),
            (&[("notes.txt", "notes")][..], "mbox"),
        ] {
            match kind(files) {
                Ok(kind) => assert_eq!(kind, wanted, "{files:?}"),
                Err(error) if wanted == "nothing" => {
                    assert!(error.to_string().starts_with("there is no mail in "), "{error}");
                }
                Err(error) => {
                    assert_eq!(wanted, "mixed", "{files:?}: {error}");
                    let said = error.to_string();
                    let kinds = said.contains("both mbox files (") || said.contains("both a Maildir and");
                    assert!(kinds && said.contains(".eml files ("), "{said}");
                    assert!(error.way_out().is_some_and(|hint| hint.contains("eml = ")), "{error:?}");
                }
            }
        }
    }

    #[test]
    fn a_file_is_one_message_if_its_name_says_so() {
        let place = tempfile::tempdir().unwrap();
        for (name, wanted) in [("x.Eml", Kind::Eml), ("x.mbox", Kind::Mbox), ("x", Kind::Mbox)] {
            let path = place.path().join(name);
            fs::write(&path, MBOX).unwrap();
            assert_eq!(kind_at(&path).unwrap(), wanted, "{name}");
        }
    }
}
