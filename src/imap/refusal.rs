//! Refusals: what a server said that was no answer, as errors with its own words and the way out.
//!
//! Pure. Whether it is asked again is decided elsewhere.

use super::command::Command;
use super::status::{Code, Condition, Status};
use crate::error::{Error, ErrorKind, Result};

/// The status of a command that was not refused.
///
/// # Errors
/// When it was, in the server's words.
pub fn accepted(command: &Command, status: Status) -> Result<Status> {
    match status.condition {
        Condition::Ok => Ok(status),
        Condition::No | Condition::Bad | Condition::Bye | Condition::PreAuth => Err(refused(command, &status)),
    }
}

/// A refusal, in the server's own words and with what can be done.
pub fn refused(command: &Command, status: &Status) -> Error {
    let words = words(status);
    let verb = command.verb();
    let kind = if status.code == Some(Code::NonExistent) { ErrorKind::NotFound } else { ErrorKind::Server };
    let error = Error::new(kind, format!("the server refused {verb}: {words}"));
    match &status.code {
        Some(Code::Unavailable | Code::InUse) => error.hint("it may work again in a moment"),
        Some(Code::Limit) => {
            error.hint("the server sets a limit; ask for less at once, or SET mailql.connections lower")
        }
        _ if status.condition == Condition::Bad => {
            error.hint("this server does not understand what others do; MAILQL_LOG=mailql=trace shows the conversation")
        }
        _ if verb == "EXAMINE" => error.hint("try again, or leave the folder out: WHERE folder <> '…'"),
        _ => error.hint("try again; MAILQL_LOG=mailql=trace shows the conversation"),
    }
}

/// What a status says, or how it is called when it says nothing.
pub fn words(status: &Status) -> String {
    match status.text.trim() {
        "" => format!("it said {} and nothing more", name(status.condition)),
        text => beginning(text.trim_end_matches('.')),
    }
}

/// A text as far as anybody reads it.
pub fn beginning(text: &str) -> String {
    match text.char_indices().nth(READ) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn name(condition: Condition) -> &'static str {
    match condition {
        Condition::Ok => "OK",
        Condition::No => "NO",
        Condition::Bad => "BAD",
        Condition::PreAuth => "PREAUTH",
        Condition::Bye => "BYE",
    }
}

/// A goodbye, in the server's own words.
pub fn said_goodbye(status: &Status) -> Error {
    let error = Error::new(ErrorKind::Server, format!("the server ended the connection: {}", words(status)));
    error.hint("it may be busy, or have too many connections of yours; try again, or SET mailql.connections = 1")
}

/// Characters of a server's own words in an error.
const READ: usize = 300;
