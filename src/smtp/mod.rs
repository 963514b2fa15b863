//! The way out: a server that takes mail from its users (RFC 5321, RFC 6409).
//!
//! From a draft to an answer for each of its recipients:
//!
//! - [`mod@compose`] makes a draft octets (pure); [`content`] makes sure that nothing in them ends them (pure).
//! - [`outbox`] is the way out over a server, [`directory`] the one into files; both keep to [`journal`]: at most once.
//! - [`transaction`] is one mail over a [`session`], and knows what each fault means.
//! - [`command`] is what can be said, of [`path`]s and the like (pure), [`reply`] and [`extensions`] understand what is
//!   answered (pure), [`session`] does both over [`transport`].
//! - [`sign_in`] is the way in, and [`check`] shows it.
//!
//! When mail is sent, and whether anybody allowed it, is not decided here.

pub mod check;
pub mod command;
pub mod compose;
pub mod content;
pub mod directory;
pub mod extensions;
pub mod journal;
pub mod outbox;
pub mod path;
pub mod reply;
pub mod session;
pub mod sign_in;
#[cfg(test)]
mod tests;
pub mod transaction;
pub mod transport;

pub use compose::compose;
pub use directory::{Directory, write_draft};
pub use journal::{Journal, Sent};
pub use outbox::Smtp;
