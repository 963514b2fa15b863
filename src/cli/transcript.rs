//! `mailql test --transcript FILE`: what was said, in a file that can be handed on with a report.
//!
//! It copies the log, which has no secrets in it from the beginning: they are left out where something is said.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Makes the file, which only its owner can read, and says in it what it is.
///
/// # Errors
/// There is one of that name already, or it cannot be written.
pub(super) fn begin(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::new(ErrorKind::Config, format!("{} is there already", path.display()))
            .hint("a transcript replaces nothing: give another name, or delete it first"),
        _ => Error::io(format!("cannot write {}", path.display()), error),
    };
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(ABOUT.as_bytes()).map_err(failed)?;
    Ok(file)
}

/// What the log is asked for: what was said to servers of mail, which endpoints were asked, and what came of each step.
pub(super) const FILTER: &str = "off,mailql::imap::session=trace,mailql::imap::sign_in=trace,mailql::smtp=trace,\
                                 mailql::net=debug,mailql::account=debug,mailql::cli::check=trace";

const ABOUT: &str = concat!(
    "# A check by mailql ",
    env!("CARGO_PKG_VERSION"),
    ". Left out (…): passwords, tokens and codes. Still in it: mail addresses, names of servers and what they say; \
     read it before you hand it on.\n"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("t.log");
        drop(begin(&path).unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# A check by mailql") && text.lines().count() == 1, "{text}");
        let error = begin(&path).unwrap_err();
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains("is there already"), "{error}");
        assert_eq!(begin(&place.path().join("no/t.log")).unwrap_err().kind(), ErrorKind::Io);
    }
}
