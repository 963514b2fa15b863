//! Questions at a terminal: a line, one of several, a secret that is not shown.
//!
//! Questions go to standard error, answers come from standard input; Ctrl-C ends any of them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::output::{neutral, neutral_lines};
use super::password::Terminal;
use super::signals::{Signal, Signals};
use crate::account::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// A signal came instead.
    Stopped(Signal),
    /// There is nobody, or something else went wrong.
    Failed(Error),
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// An answer.
pub(crate) type Answer<T> = Result<T, Unanswered>;

/// Somebody to ask.
pub(crate) struct Person<'a> {
    signals: &'a Signals,
}

impl<'a> Person<'a> {
    pub(crate) fn new(signals: &'a Signals) -> Self {
        Self { signals }
    }

    /// A line; an empty one is `usual`, where there is one, and else asked for again.
    pub(crate) async fn line(&self, question: &str, usual: Option<&str>) -> Answer<String> {
        loop {
            say(&match usual {
                Some(usual) if !usual.is_empty() => format!("{question} [{}]: ", neutral(usual)),
                _ => format!("{question}: "),
            })?;
            let line = self.unless_stopped(read_line).await?.ok_or_else(nobody_answers)?;
            match (line.trim(), usual) {
                ("", Some(usual)) => return Ok(usual.to_owned()),
                ("", None) => {}
                (line, _) => return Ok(line.chars().filter(|letter| !letter.is_control()).collect()),
            }
        }
    }

    /// A word, while statements go on behind; whoever is not answered any more leaves no reader behind.
    pub(crate) async fn word(&self, question: &str) -> Answer<String> {
        loop {
            say(&format!("{question}: "))?;
            let left = Arc::new(AtomicBool::new(false));
            let reader = LeftBehind(Arc::clone(&left));
            let line = self.unless_stopped(move || read_line_unless(&left)).await?.ok_or_else(nobody_allows)?;
            drop(reader);
            match line.trim() {
                "" => {}
                word => return Ok(word.chars().filter(|letter| !letter.is_control()).collect()),
            }
        }
    }

    /// The place of one of several in their list; the first is the usual one.
    pub(crate) async fn choice(&self, question: &str, choices: &[&str]) -> Answer<usize> {
        say(&format!("{question}\n"))?;
        for (place, choice) in choices.iter().enumerate() {
            say(&format!("  {:>2}  {}\n", place + 1, neutral(choice)))?;
        }
        loop {
            match self.line("Number", Some("1")).await?.parse::<usize>() {
                Ok(number) if (1..=choices.len()).contains(&number) => return Ok(number - 1),
                _ => say(&format!("It is a number from 1 to {}.\n", choices.len()))?,
            }
        }
    }

    /// A secret, which is not shown; an empty one is none.
    pub(crate) async fn secret(&self, question: &str) -> Answer<Option<Secret>> {
        let before = Terminal::now();
        let text = format!("{}: ", neutral(question));
        let typed = self.unless_stopped(move || rpassword::prompt_password(text)).await;
        if let Err(Unanswered::Stopped(_)) = typed {
            before.restore();
        }
        let typed = typed?;
        Ok(if typed.is_empty() { None } else { Some(typed.into()) })
    }

    /// What comes of something that takes its time.
    pub(crate) async fn waits<T>(&self, coming: impl Future<Output = T>) -> Answer<T> {
        tokio::select! {
            came = coming => Ok(came),
            signal = self.signals.came() => {
                say("\n")?;
                Err(Unanswered::Stopped(signal))
            }
        }
    }

    async fn unless_stopped<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Answer<T> {
        let stopped = |signal| {
            say("\n")?;
            Err(Unanswered::Stopped(signal))
        };
        tokio::select! {
            read = tokio::task::spawn_blocking(read) => match read {
                Ok(Ok(read)) => Ok(read),
                // While it reads unseen, Ctrl-C is a key.
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => stopped(Signal::Interrupt),
                Ok(Err(_)) | Err(_) => Err(nobody_answers().into()),
            },
            signal = self.signals.came() => stopped(signal),
        }
    }
}

/// Tells a reader, when it is dropped, that nobody waits for its line.
struct LeftBehind(Arc<AtomicBool>);

impl Drop for LeftBehind {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A line of standard input, unless nobody waits for it any more: then what is typed next is somebody else's.
#[cfg(unix)]
fn read_line_unless(left: &AtomicBool) -> io::Result<Option<String>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let a_while = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    while !left.load(Ordering::SeqCst) {
        let stdin = io::stdin();
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&a_while)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            // What wakes it may be the first key for whoever reads next, and who begins to read it would take all of them.
            Ok(_) if left.load(Ordering::SeqCst) => break,
            Ok(_) => return read_line(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// A line of standard input.
#[cfg(not(unix))]
fn read_line_unless(_left: &AtomicBool) -> io::Result<Option<String>> {
    read_line()
}

/// A line of standard input; nothing at its end.
fn read_line() -> io::Result<Option<String>> {
    let mut line = String::new();
    Ok((io::stdin().read_line(&mut line)? > 0).then_some(line))
}

/// Says something on standard error, its lines as they stand, and what is in them neutralised.
pub(crate) fn say(text: &str) -> Result<()> {
    let (text, mut out) = (neutral_lines(text), io::stderr().lock());
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| Error::io("cannot ask", error))
}

fn nobody_allows() -> Error {
    Error::new(ErrorKind::Refused, "there is nobody to answer, and nothing was sent")
        .hint("SET mailql.allow_send = true allows it without a question")
}

fn nobody_answers() -> Error {
    Error::new(ErrorKind::Config, "there is nobody to answer").hint(
        "run mailql login at a terminal, or write the account into the configuration (docs/accounts.md) and run mailql login ACCOUNT",
    )
}
