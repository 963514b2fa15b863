//! Other programs that do the same tasks, as far as they are at hand.

use super::contender::{Account, Place};
use super::meter::Invocation;
use super::options::Options;
use super::task::Task;

/// Those that are at hand, and why others are not.
pub struct Peers {
    missing: Vec<(String, String)>,
}

impl Peers {
    /// Looks for those that are wanted.
    pub fn find(_options: &Options) -> Self {
        Self { missing: Vec::new() }
    }

    /// Those that are wanted and not there, each with the reason.
    pub fn missing(&self) -> impl Iterator<Item = (&str, &str)> {
        self.missing.iter().map(|(name, reason)| (name.as_str(), reason.as_str()))
    }

    /// How a peer does a task; nothing if it does not, or is not there.
    pub fn invocation(&self, _name: &str, _task: &Task, _account: &Account, _place: &Place) -> Option<Invocation> {
        None
    }
}
