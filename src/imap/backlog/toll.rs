//! The toll of a reading: octets of contents that its messages will bring, as their sizes tell before they are asked for.
//!
//! Counts only; what a statement may download, its [`Budget`] says.

use crate::error::Result;
use crate::mail::budget::Budget;

/// Octets that will be asked for.
#[derive(Debug, Default)]
pub struct Toll {
    /// Those of which the budget does not know yet.
    new: u64,
    /// All, and of how many messages.
    all: u64,
    messages: u64,
    /// Those of messages that will be looked at again.
    later: u64,
}

impl Toll {
    /// A message brings so many.
    pub(super) fn add(&mut self, octets: u64) {
        self.new = self.new.saturating_add(octets);
        self.all = self.all.saturating_add(octets);
        self.messages += 1;
    }

    /// Messages bring so many, and that is told again.
    pub(super) fn later(&mut self, octets: u64) {
        self.later = self.later.saturating_add(octets);
    }

    /// The messages of which it was said that they come later are looked at again.
    pub(super) fn told_again(&mut self) {
        self.later = 0;
    }

    /// Has the budget pay for what is new; `left` tells how many messages were not looked at yet.
    ///
    /// # Errors
    /// When there is too little left in it.
    pub fn pay(&mut self, budget: &Budget, left: impl FnOnce() -> u64) -> Result<()> {
        let new = std::mem::take(&mut self.new);
        if new == 0 {
            return Ok(());
        }
        let each = self.all / self.messages.max(1);
        budget.expect(new, self.later.saturating_add(each.saturating_mul(left())))
    }
}
