//! SQL over mail: a mailbox becomes tables in an Apache DataFusion session.
//!
//! The map, in the order in which a query passes the rooms:
//!
//! - [`engine`]: SQL in, batches out; the session, its names and rules. Start with [`Engine`].
//! - [`table`]: mail as relations; each table is a declaration, one plan node scans them all.
//! - [`mail`]: what mail is, and the seam ([`mail::MailStore`]) that backends implement.
//! - [`archive`]: mail files behind that seam: Maildir, mbox and `.eml` files.
//! - [`imap`]: a live account behind that seam.
//! - [`smtp`]: the way out: mail is composed, sent at most once, and written down.
//! - [`account`]: the configuration, and how one signs in.
//! - [`net`]: the way to a server, with TLS.
//! - [`cli`]: the program, for people; behind a feature of that name.
//!
//! What may name what is held by a test; see `docs/architecture.md`. What embedders can rely on is what is named at this
//! level: [`Engine`], [`Config`], [`Error`], [`register`] and their like; the rooms themselves may be rearranged.

pub mod account;
pub mod archive;
#[cfg(feature = "cli")]
pub mod cli;
pub mod engine;
pub mod error;
pub mod file;
pub mod imap;
pub mod mail;
pub mod net;
pub mod smtp;
pub mod table;

pub use account::{AccountConfig, Config, ImapAccount, Password, Secret, Tls};
pub use engine::{Account, Engine, EngineBuilder, Omissions, register};
pub use error::{Error, ErrorKind, Result};

/// The guide for embedders, compiled.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
pub struct LibraryGuide;
