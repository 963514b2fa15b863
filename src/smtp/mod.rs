//! The way out: a server that takes mail from its users (RFC 5321, RFC 6409).
//!
//! So far only the way to it: connection, TLS, who asks. Nothing is sent yet, and there is no command for it. [`command`] is
//! what can be said (pure), [`reply`] understands what is answered (pure), [`session`] does both over [`transport`];
//! [`sign_in`] is the way in, and [`check`] shows it.

pub mod check;
pub mod command;
pub mod extensions;
pub mod reply;
pub mod session;
pub mod sign_in;
#[cfg(test)]
mod tests;
pub mod transport;
