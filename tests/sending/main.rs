//! `SendEmail` with real servers: what is sent here arrives there, once, as it was meant, and is read through our own tables.
//!
//! The statement alone is tested in `tests/send.rs`; servers that misbehave in `src/smtp/tests.rs`.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

#[path = "../answer/mod.rs"]
mod answer;
#[path = "../chance/mod.rs"]
mod chance;
#[path = "../program/mod.rs"]
mod program;
#[path = "../server/mod.rs"]
mod server;
#[path = "../terminal/mod.rs"]
mod terminal;

mod place;

mod arrival;
mod asked;
mod injected;
mod killed;
mod statements;
mod tokens;
