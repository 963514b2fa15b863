//! Who asks: the accounts that a user has configured, and where their mail is.
//!
//! Plain data out of a file or made in code; opens no mail and knows no backend.

pub mod config;
mod file;

pub use config::{AccountConfig, Config};
