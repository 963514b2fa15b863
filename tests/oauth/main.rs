//! Signing in with OAuth2, as people do: the program, a real provider, a real browser, and a server that takes its tokens.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

#[path = "../program/mod.rs"]
mod program;
#[path = "../server/mod.rs"]
mod server;
#[path = "../terminal/mod.rs"]
mod terminal;

mod answers;
mod place;

mod renewal;
mod secrets;
mod tried;
mod troubles;
mod way_in;
