//! What the configuration says about sending, wherever the mail of an account is: who it is from, and directories that
//! take it instead of a server.
//!
//! Plain data. A sender is kept as it is written: what it means is read where mail is made, and strictly.

use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};

/// A directory that the mail of an account is written into, instead of being sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryOutbox {
    /// The directory; it need not be there before the first mail is.
    pub directory: PathBuf,
    /// Who mail is from, when it does not say: `Me <me@example.org>`, as it is written.
    pub from: Option<String>,
}

impl DirectoryOutbox {
    /// A directory, and nobody whom mail is from.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), from: None }
    }

    /// Makes sure that it can be one.
    ///
    /// # Errors
    /// There is no directory, or the sender is none.
    pub fn check(&self) -> Result<()> {
        if self.directory.as_os_str().is_empty() {
            return Err(Error::new(ErrorKind::Config, "an outbox is a directory, and this one has no name")
                .hint("give the directory that mail is to be written into: outbox = \"~/out\""));
        }
        self.from.as_deref().map_or(Ok(()), check_sender)
    }
}

/// Makes sure that mail can be from somebody.
///
/// # Errors
/// There is no address in it, or it is more than one line.
pub(super) fn check_sender(from: &str) -> Result<()> {
    if from.contains('@') && !from.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, "the from of an account is an address on one line")
        .hint("write it as from = \"me@example.org\" or from = \"Me <me@example.org>\""))
}
