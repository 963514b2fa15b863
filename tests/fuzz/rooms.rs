//! The rooms of mailql that read what others wrote, as `mailql` itself has them.

#![allow(dead_code, missing_docs, unexpected_cfgs, reason = "what the rooms are held to is held where they are built")]

#[path = "../../src/account/mod.rs"]
pub mod account;
#[path = "../../src/archive/mod.rs"]
pub mod archive;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/file.rs"]
pub mod file;
#[path = "../../src/imap/mod.rs"]
pub mod imap;
#[path = "../../src/mail/mod.rs"]
pub mod mail;
#[path = "../../src/net/mod.rs"]
pub mod net;
#[path = "../../src/smtp/mod.rs"]
pub mod smtp;

pub use account::{AccountConfig, Config, ImapAccount, Password, Secret, Tls};
pub use error::{Error, ErrorKind, Result};
