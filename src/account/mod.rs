//! Who asks: the accounts that a user has configured, where their mail is, and who may read it.
//!
//! Data out of a file or made in code; opens no mail and knows no backend. Start with [`config`].

mod command;
pub mod config;
pub mod credential;
mod file;
pub mod imap;
pub mod limits;
mod mail_files;
pub mod mask;
pub mod oauth;
pub mod outbox;
pub mod password;
pub mod proofs;
pub mod provider;
pub mod sasl;
pub mod secret;
pub mod sign_in;
mod standing;
pub mod token_store;
pub mod trouble;
mod url;

pub use config::{AccountConfig, Config};
pub use credential::{ClientSecret, Credential, Grant, Keep, Prompt};
pub use imap::{ImapAccount, SmtpServer, Tls};
pub use limits::Limits;
pub use mask::Mask;
pub use outbox::DirectoryOutbox;
pub use password::Password;
pub use proofs::Proofs;
pub use provider::Provider;
pub use sasl::{Identity, Mechanism, Proof};
pub use secret::Secret;
pub use sign_in::{SignIn, TokenSource};
pub use token_store::TokenStore;
