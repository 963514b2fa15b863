//! Servers for the tests: real ones, one that misbehaves on purpose, and a line to put in front of them.

// Each test takes from it what it needs.
#![allow(dead_code)]

pub mod proxy;
pub mod scripted;
mod transcript;
