//! The steps of reaching an account, timed: what a check shows as they are taken, and where it stopped.
//!
//! Only passes on what [`super::connect`] and those who sign in report.

use std::fmt;
use std::time::{Duration, Instant};

/// A step on the way into an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Looking up the addresses of the host.
    Dns,
    /// Opening the connection.
    Tcp,
    /// Agreeing on encryption.
    Tls,
    /// Hearing who answers.
    Greeting,
    /// Learning what the server can do.
    Capabilities,
    /// Getting a token, or finding that the one at hand is good.
    Token,
    /// Proving who asks.
    SignIn,
    /// Agreeing on compression, where it is wanted.
    Compression,
    /// Listing the folders.
    Folders,
}

impl Step {
    /// Its name, as shown.
    pub fn name(self) -> &'static str {
        match self {
            Step::Dns => "DNS",
            Step::Tcp => "TCP",
            Step::Tls => "TLS",
            Step::Greeting => "greeting",
            Step::Capabilities => "capabilities",
            Step::Token => "token",
            Step::SignIn => "sign-in",
            Step::Compression => "compression",
            Step::Folders => "folders",
        }
    }
}

/// What happens to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The steps that follow are those to this server; told where there is more than one.
    Server(String),
    /// It is begun.
    Begun(Step),
    /// It is over.
    Over {
        /// Which one.
        step: Step,
        /// How long it took, or was tried.
        took: Duration,
        /// What came of it, in a few words; nothing when it could not be taken.
        told: Option<String>,
    },
    /// Why the steps to a server ended; told where there is more than one.
    Failed {
        /// What went wrong.
        message: String,
        /// The way out, where there is one.
        hint: Option<String>,
    },
}

/// The step that is being taken, and who wants to hear of it.
pub struct Steps<'a> {
    at: Option<(Step, Instant)>,
    tell: Box<dyn FnMut(Event) + Send + 'a>,
}

impl<'a> Steps<'a> {
    /// Steps that nobody hears of.
    pub fn untold() -> Self {
        Self::told_to(drop)
    }

    /// Steps that somebody hears of as they are taken.
    pub fn told_to(tell: impl FnMut(Event) + Send + 'a) -> Self {
        Self { at: None, tell: Box::new(tell) }
    }

    /// Begins a step, unless it is being taken already.
    pub fn begin(&mut self, step: Step) {
        if self.at() != Some(step) {
            self.at = Some((step, Instant::now()));
            (self.tell)(Event::Begun(step));
        }
    }

    /// Ends the step that was begun.
    pub fn end(&mut self, told: impl Into<String>) {
        self.over(Some(told.into()));
    }

    /// Ends the step that was begun with a number of folders.
    pub fn end_with_folders(&mut self, folders: usize) {
        self.end(if folders == 1 { "1 folder".to_owned() } else { format!("{folders} folders") });
    }

    /// Gives up the step that was begun, if there is one.
    pub fn fail(&mut self) {
        self.over(None);
    }

    /// The step that was begun and is not over.
    pub fn at(&self) -> Option<Step> {
        self.at.map(|(step, _)| step)
    }

    fn over(&mut self, told: Option<String>) {
        if let Some((step, since)) = self.at.take() {
            (self.tell)(Event::Over { step, took: since.elapsed(), told });
        }
    }
}

impl fmt::Debug for Steps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steps").field("at", &self.at).finish_non_exhaustive()
    }
}

/// What is told of a sign-in whose token was refused, when there is a new one to try.
pub const ANEW: &str = "the token is refused; once more, with a new one";
