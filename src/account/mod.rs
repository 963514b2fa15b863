//! Who asks: the accounts that a user has configured, where their mail is, and who may read it.
//!
//! Data out of a file or made in code; opens no mail and knows no backend. Start with [`config`].

pub mod config;
mod file;
pub mod imap;
pub mod password;
pub mod secret;
mod url;

pub use config::{AccountConfig, Config};
pub use imap::{ImapAccount, Tls};
pub use password::Password;
pub use secret::Secret;
