//! Servers for tests, each a private instance on free loopback ports in a directory of its own: mail, and who signs in to it.
//!
//! Real ones, kept from outliving the test program by [`watched`], and a real [`browser`]; one that misbehaves on purpose ([`scripted`]), for what a
//! good server will not do; and a line to put in front of them ([`proxy`]). What should come of asking them is for the tests
//! to say.
#![allow(dead_code, reason = "each test program uses its part")]

pub mod browser;
pub mod certificate;
pub mod conversation;
pub mod cyrus;
pub mod dovecot;
pub mod http;
pub mod left;
pub mod listener;
pub mod openid;
pub mod postfix;
pub mod proxy;
pub mod responses;
pub mod scripted;
pub mod started;
mod transcript;
pub mod watched;
