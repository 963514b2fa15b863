//! `mailql test`: an account, checked step by step, each shown as it is taken.
//!
//! It says what the engine tells and asks nothing itself; an error is said as everywhere else.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use unicode_width::UnicodeWidthStr;

use super::output::{self, neutral};
use super::signals::{Signal, Signals};
use super::source::Source;
use super::{print, say};
use crate::engine::Engine;
use crate::engine::check::{Event, Step};
use crate::error::{Error, ErrorKind, Result};

/// Checks the account that is asked, and gives the exit status: 0 when every step could be taken, else 1.
///
/// # Errors
/// The engine cannot be opened, or standard output fails.
pub(crate) async fn run(source: &Source, signals: &Signals) -> Result<ExitCode> {
    Ok(match walk(&source.engine()?, source.account(), signals).await? {
        Walked::Through => ExitCode::SUCCESS,
        Walked::Ended { .. } => ExitCode::FAILURE,
        Walked::Stopped(signal) => ExitCode::from(signal.status()),
    })
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walked {
    /// Every step could be taken.
    Through,
    /// A step could not be taken, and it was said why; `refused` tells that a server was asked to let somebody in, and none did.
    Ended { refused: bool },
    /// A signal came.
    Stopped(Signal),
}

/// Goes every step into an account, and shows each.
///
/// # Errors
/// Standard output fails.
pub(crate) async fn walk(engine: &Engine, name: &str, signals: &Signals) -> Result<Walked> {
    let mut page = Page { width: output::width(), open: false, explained: false, let_in: None, failed: Ok(()) };
    let start = Instant::now();
    let checked = tokio::select! {
        checked = engine.check(name, |event| page.tell(event)) => checked,
        signal = signals.came() => {
            page.close();
            return Ok(Walked::Stopped(signal));
        }
    };
    let walked = match checked {
        Ok(()) => {
            let account = engine.accounts().iter().find(|account| account.name.eq_ignore_ascii_case(name));
            let what = account.map(crate::engine::Account::describe).unwrap_or_default();
            page.line("ok", start.elapsed(), &format!("{name}, {what}"));
            Walked::Through
        }
        // Whatever kind it is of: it came of the check, and the command line was right.
        Err(error) => {
            if !page.explained {
                log_error(&error.to_string());
                say::error(&error);
            }
            Walked::Ended { refused: page.let_in == Some(false) }
        }
    };
    page.failed.map(|()| walked)
}

/// What is shown, line by line.
struct Page {
    /// Columns of the terminal, if it is one.
    width: Option<usize>,
    /// Whether a line is begun and not ended.
    open: bool,
    /// Whether the errors were said where they came up.
    explained: bool,
    /// Whether a server let somebody in, if one was asked to.
    let_in: Option<bool>,
    failed: Result<()>,
}

impl Page {
    fn tell(&mut self, event: Event) {
        match event {
            // Who waits sees for what.
            Event::Begun(step) => {
                self.put(&name_column(step.name()));
                self.open = true;
            }
            Event::Over { step, took, told } => {
                if step == Step::SignIn {
                    self.let_in = Some(told.is_some() || self.let_in == Some(true));
                }
                let told = told.as_deref().unwrap_or("failed");
                tracing::trace!("{}, {}: {}", step.name(), time(took), shortened(told));
                self.line(step.name(), took, told);
            }
            Event::Server(server) => {
                tracing::trace!("{}", shortened(&server));
                self.put(&format!("{}\n", shortened(&server)));
            }
            Event::Failed { message, hint } => {
                log_error(&message);
                self.explained = true;
                let error = Error::new(ErrorKind::Server, message);
                say::error(&hint.into_iter().fold(error, Error::hint));
            }
        }
    }

    /// A whole line, or the rest of the one that was begun.
    fn line(&mut self, name: &str, took: Duration, told: &str) {
        let name = if std::mem::take(&mut self.open) { String::new() } else { name_column(name) };
        let room = self.width.map(|width| width.saturating_sub(INDENT));
        let mut told = wrapped(&shortened(told), room).into_iter();
        let first = told.next().unwrap_or_default();
        self.put(format!("{name}{:>8}  {first}", time(took)).trim_end());
        told.for_each(|more| self.put(&format!("\n{:INDENT$}{more}", "")));
        self.put("\n");
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.put("\n");
        }
    }

    fn put(&mut self, text: &str) {
        if self.failed.is_ok() {
            self.failed = print(text).map(drop);
        }
    }
}

fn log_error(message: &str) {
    tracing::trace!("error: {}", shortened(message));
}

fn name_column(name: &str) -> String {
    format!("{name:<12}")
}

fn time(took: Duration) -> String {
    if took < Duration::from_secs(10) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}

/// The harmless form of what a server said, and no more of it than anybody reads.
fn shortened(told: &str) -> String {
    match told.char_indices().nth(TOLD) {
        Some((end, _)) => format!("{}…", neutral(&told[..end])),
        None => neutral(told),
    }
}

/// A text in lines that are no wider than there is room, broken between words where that can be.
fn wrapped(text: &str, room: Option<usize>) -> Vec<String> {
    let Some(room) = room.filter(|room| *room >= LEAST) else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if let Some(line) = lines.last_mut() {
            if line.is_empty() {
                line.push_str(word);
            } else if line.width() + 1 + word.width() <= room {
                line.push(' ');
                line.push_str(word);
            } else {
                lines.push(word.to_owned());
            }
        }
    }
    lines
}

/// Columns before what is told of a step.
const INDENT: usize = 22;
/// Where there is less room, the terminal breaks lines as it likes.
const LEAST: usize = 20;
/// Characters of what is told of a step.
const TOLD: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_broken_between_words_at_a_terminal_only() {
        let text = "AUTH=PLAIN COMPRESS=DEFLATE CONDSTORE ID IDLE";
        assert_eq!(wrapped(text, None), [text]);
        assert_eq!(wrapped(text, Some(80)), [text]);
        assert_eq!(wrapped(text, Some(28)), ["AUTH=PLAIN COMPRESS=DEFLATE", "CONDSTORE ID IDLE"]);
        assert_eq!(wrapped("日本語 日本語 日本語 日本語", Some(20)), ["日本語 日本語 日本語", "日本語"]);
    }

    #[test]
    fn what_a_server_says_is_harmless_and_has_an_end() {
        assert_eq!(shortened("a\u{1b}[2J\nb"), "a␛[2J␊b");
        assert_eq!(shortened(&"x".repeat(1 << 20)).chars().count(), TOLD + 1);
    }

    #[test]
    fn times_fit_their_column() {
        assert_eq!(time(Duration::from_micros(1_700)), "1 ms");
        assert_eq!(time(Duration::from_millis(9_999)), "9999 ms");
        assert_eq!(time(Duration::from_millis(30_040)), "30.0 s");
    }
}
