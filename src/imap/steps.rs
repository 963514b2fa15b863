//! The steps of reaching an account, timed: what a check shows, and where it stopped.
//!
//! Only keeps what [`super::connect`] and [`super::session`] report.

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
    /// Proving who asks.
    SignIn,
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
            Step::SignIn => "sign-in",
            Step::Folders => "folders",
        }
    }
}

/// The steps that were taken, and the one that is being taken.
#[derive(Debug)]
pub struct Steps {
    done: Vec<Taken>,
    at: Option<Step>,
    since: Instant,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which one.
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// What came of it, in a few words.
    pub told: String,
}

impl Steps {
    /// Begins with none.
    pub fn new() -> Self {
        Self { done: Vec::new(), at: None, since: Instant::now() }
    }

    /// Begins a step.
    pub fn begin(&mut self, step: Step) {
        (self.at, self.since) = (Some(step), Instant::now());
    }

    /// Ends the step that was begun.
    pub fn end(&mut self, told: impl Into<String>) {
        if let Some(step) = self.at.take() {
            self.done.push(Taken { step, took: self.since.elapsed(), told: told.into() });
        }
    }

    /// The steps that were taken, in order.
    pub fn done(&self) -> &[Taken] {
        &self.done
    }

    /// The step that was begun and has not ended, and how long ago.
    pub fn failed(&self) -> Option<(Step, Duration)> {
        self.at.map(|step| (step, self.since.elapsed()))
    }
}

impl Default for Steps {
    fn default() -> Self {
        Self::new()
    }
}
