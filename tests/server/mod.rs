//! Mail servers for tests, each a private instance on free loopback ports in a directory of its own.
//!
//! Those of [`dovecot`] are real ones, and nothing of the system's own mail service is touched; what should come of asking them is for
//! the tests to say. [`watched`] keeps them from outliving the test program.
#![allow(dead_code, reason = "each test program uses its part")]

pub mod certificate;
pub mod dovecot;
pub mod scripted;
pub mod watched;
