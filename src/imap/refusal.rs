//! Refusals: what a server said that was no answer, as errors with its own words and the way out.
//!
//! Pure. What can be asked again has a kind that says so; [`super::resume`] asks again.

use std::time::Duration;

use super::command::Command;
use super::quirk::Family;
use super::status::{Code, Condition, Status};
use crate::error::{Error, ErrorKind, Result};

/// The status of a command that was not refused.
///
/// # Errors
/// When it was, in the server's words.
pub fn accepted(command: &Command, status: Status, family: &Family) -> Result<Status> {
    match status.condition {
        Condition::Ok => Ok(status),
        Condition::No | Condition::Bad | Condition::Bye | Condition::PreAuth => Err(refused(command, &status, family)),
    }
}

/// A refusal, in the server's own words and with what can be done.
pub fn refused(command: &Command, status: &Status, family: &Family) -> Error {
    let verb = command.verb();
    let error = Error::new(kind(status), format!("the server refused {verb}: {}", words(status)));
    match (error.kind(), &status.code) {
        (ErrorKind::Unavailable, _) => error.hint("it may work again in a moment"),
        (ErrorKind::Throttled, _) => error.hint(lifted(status, family)),
        (_, Some(Code::Limit)) => {
            error.hint("the server sets a limit; ask for less at once, or SET mailql.connections lower")
        }
        _ if status.condition == Condition::Bad => {
            error.hint("this server does not understand what others do; MAILQL_LOG=mailql=trace shows the conversation")
        }
        _ if verb == "EXAMINE" => error.hint("try again, or leave the folder out: WHERE folder <> '…'"),
        _ => error.hint("try again; MAILQL_LOG=mailql=trace shows the conversation"),
    }
}

/// A goodbye, in the server's own words.
pub fn said_goodbye(status: &Status, family: &Family) -> Error {
    let message = format!("the server ended the connection: {}", words(status));
    match kind(status) {
        ErrorKind::Throttled => Error::new(ErrorKind::Throttled, message).hint(lifted(status, family)),
        kind => Error::new(farewell(kind), message)
            .hint("it may be busy, or have too many connections of yours; try again, or SET mailql.connections = 1"),
    }
}

/// What a server that ends the connection means by it: that it is lost is certain, that it will be back it may have said.
pub fn farewell(kind: ErrorKind) -> ErrorKind {
    if kind == ErrorKind::Unavailable { kind } else { ErrorKind::Unreachable }
}

/// What a refusal means to who asks: a code says it (RFC 5530), or words that servers are known to use.
pub fn kind(status: &Status) -> ErrorKind {
    let text = status.text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
    match &status.code {
        Some(Code::NonExistent) => ErrorKind::NotFound,
        Some(Code::Other(name)) if ["THROTTLED", "OVERQUOTA"].contains(&name.as_str()) => ErrorKind::Throttled,
        _ if says(&THROTTLING) => ErrorKind::Throttled,
        Some(Code::Unavailable | Code::InUse) => ErrorKind::Unavailable,
        Some(Code::Other(name)) if name == "SERVERBUG" => ErrorKind::Unavailable,
        _ if says(&CROWDED) => ErrorKind::Unavailable,
        _ => ErrorKind::Server,
    }
}

/// When to come back, as far as the server says it or is known to.
pub fn lifted(status: &Status, family: &Family) -> String {
    match (backoff(&status.text), family.lifts()) {
        (Some(wait), _) => format!("come back in {}; until then it answers nothing", people(wait)),
        (None, Some(when)) => when.to_owned(),
        (None, None) => "come back in an hour, and ask for less: fewer columns, a shorter time, \
                         SET mailql.connections = 1; going on now makes it last longer"
            .to_owned(),
    }
}

/// The time that Exchange tells: `Request is throttled. Suggested Backoff Time: 299961 milliseconds`.
fn backoff(text: &str) -> Option<Duration> {
    let text = text.to_lowercase();
    let (_, rest) = text.split_once("backoff time:")?;
    let number = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::from_millis(number))
}

fn people(wait: Duration) -> String {
    match wait.as_secs().max(1) {
        seconds @ ..100 => format!("{seconds} s"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
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

/// Words of servers that were asked for too much: Gmail, Exchange, Yahoo, and who borrowed theirs.
const THROTTLING: [&str; 5] = ["bandwidth limit", "throttled", "rate limit", "too many requests", "exceeded command"];

/// Words of servers that stand no more connections for now: Gmail, Dovecot, Courier.
const CROWDED: [&str; 3] = ["too many simultaneous", "maximum number of connections", "too many connections"];

/// Characters of a server's own words in an error.
const READ: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::capability::Capabilities;

    #[test]
    fn a_refusal_says_whether_it_may_be_asked_again() {
        for (text, expected) in [
            ("NO [UNAVAILABLE] not just now", ErrorKind::Unavailable),
            ("NO [INUSE] locked", ErrorKind::Unavailable),
            ("NO [SERVERBUG] oops", ErrorKind::Unavailable),
            ("NO [ALERT] Too many simultaneous connections. (Failure)", ErrorKind::Unavailable),
            ("NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded", ErrorKind::Unavailable),
            ("NO [THROTTLED] slow down", ErrorKind::Throttled),
            ("NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)", ErrorKind::Throttled),
            ("NO Account exceeded command or bandwidth limits. (Failure)", ErrorKind::Throttled),
            ("BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", ErrorKind::Throttled),
            ("NO [LIMIT] UID SEARCH Rate limit hit.", ErrorKind::Throttled),
            ("NO [UNAVAILABLE] request throttled", ErrorKind::Throttled),
            ("NO [LIMIT] too many keys", ErrorKind::Server),
            ("NO [NONEXISTENT] no such folder", ErrorKind::NotFound),
            ("BAD what is that", ErrorKind::Server),
            ("NO", ErrorKind::Server),
        ] {
            assert_eq!(kind(&Status::parse(text.as_bytes()).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn who_asked_too_much_learns_when_to_come_back() {
        let of = |text: &str, greeting| {
            let status = Status::parse(text.as_bytes()).unwrap();
            lifted(&status, Family::of(greeting, "", &Capabilities::default()))
        };
        for (text, greeting, hint) in [
            ("BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", "", "come back in 5 minutes"),
            ("NO Suggested Backoff Time: 1500 milliseconds", "", "come back in 1 s"),
            ("NO Suggested Backoff Time: soon", "", "come back in an hour"),
            ("NO [OVERQUOTA] exceeded", "Gimap ready", "24 hours"),
        ] {
            assert!(of(text, greeting).contains(hint), "{text}: {}", of(text, greeting));
        }
    }
}
