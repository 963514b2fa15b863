//! What is said beside the data, on standard error: errors with their way out, and notes.
//!
//! Everything said is neutralised, for names and server answers come from outside.

use std::ffi::OsString;
use std::io::{self, Write};

use super::output::{neutral, neutral_lines};
use crate::error::Error;

/// Says an error, and the way out on a line of its own.
pub(crate) fn error(error: &Error) {
    say("error", &error.to_string());
    if let Some(hint) = error.way_out() {
        say("hint", hint);
    }
}

/// Says a way to a better answer.
pub(crate) fn hint(text: &str) {
    say("hint", text);
}

/// Says what was done.
pub(crate) fn note(text: &str) {
    line(&neutral(text));
}

/// Says what is wrong with the command line, or the help that was asked for; `words` are those that were typed.
pub(crate) fn usage(error: &clap::Error, words: &[OsString]) {
    // A file's name may be among them, put there by the shell. Where all are harmless, clap's colours are.
    if words.iter().map(|word| word.to_string_lossy()).all(|word| neutral(&word) == word) {
        drop(error.print());
        return;
    }
    let text = neutral_lines(&error.render().to_string());
    if error.use_stderr() {
        drop(write!(io::stderr().lock(), "{text}"));
    } else {
        drop(write!(io::stdout().lock(), "{text}"));
    }
}

/// From now on a panic is one line that asks for a report, not a backtrace.
pub(crate) fn panics_in_one_line() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        let reason = panic.payload_as_str().unwrap_or("no reason given");
        say("error", &format!("internal error{place}: {reason}"));
        say("hint", "this is a fault of mailql; please report it with the statement that led here");
    }));
}

fn say(kind: &str, text: &str) {
    line(&format!("{kind}: {}", neutral(text)));
}

/// Nobody to hear it is no reason to stop.
fn line(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
