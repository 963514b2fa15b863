//! Searches that a person writes in the server's own words: whether it can be asked so, and what it says when it refuses.
//!
//! Pure. How such a search is written is in [`super::command`]; it is asked like any other.

use super::capability::Capabilities;
use super::command::Command;
use super::quirk::Family;
use super::refusal::{kind, refused as refused_in_general, words};
use super::status::{Code, Condition, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::ServerSearch;

/// Whether a server can be asked this.
///
/// # Errors
/// When it lacks what that takes.
pub fn check(search: &ServerSearch, able: &Capabilities) -> Result<()> {
    match search {
        ServerSearch::Gmail(_) if !able.has("X-GM-EXT-1") => {
            let error = Error::new(ErrorKind::Server, "gmail asks a server of Gmail, and this is none (no X-GM-EXT-1)");
            Err(error.hint("imap_search('…') asks any server"))
        }
        ServerSearch::Gmail(_) | ServerSearch::Imap(_) => Ok(()),
    }
}

/// The refusal of such a search, in the server's own words.
pub fn refused(search: &ServerSearch, command: &Command, status: &Status, family: &Family) -> Error {
    if status.code == Some(Code::Limit) || kind(status) != ErrorKind::Server {
        return refused_in_general(command, status, family);
    }
    let message = format!("the server refused {}: {}", search.function(), words(status));
    let error = Error::new(ErrorKind::Server, message).context("search", search.to_string());
    if status.code == Some(Code::BadCharset) || !search.is_ascii() {
        return error.hint("it may not know letters beyond ASCII; search for a part without them");
    }
    match status.condition {
        Condition::Bad => {
            error.hint("it does not know such a key; RFC 9051 §6.4.4 lists those that every server knows")
        }
        Condition::Ok | Condition::No | Condition::PreAuth | Condition::Bye => {
            error.hint("MAILQL_LOG=mailql=trace shows the conversation")
        }
    }
}
