//! What must hold of anything that others wrote, whatever it is: each target takes octets and panics where it does not.
//!
//! They are fuzzed ([`run`](../run)), and `tests/fuzzed.rs` holds them to the saved cases. No target knows how its octets
//! were made.

#![allow(dead_code, reason = "each fuzzed program uses one of them")]

pub mod addresses;
pub mod config;
pub mod dates;
pub mod header;
pub mod html;
pub mod imap;
pub mod journal;
pub mod line;
pub mod mbox;
pub mod mime;
pub mod names;
pub mod reply;
pub mod search;
mod told;

/// Takes octets, and panics where something does not hold.
pub type Check = fn(&[u8]);

/// All of them, by the name of their directory in `corpus/`.
pub const ALL: [(&str, Check); 13] = [
    ("addresses", addresses::check),
    ("config", config::check),
    ("dates", dates::check),
    ("header", header::check),
    ("html", html::check),
    ("imap", imap::check),
    ("journal", journal::check),
    ("line", line::check),
    ("mbox", mbox::check),
    ("mime", mime::check),
    ("names", names::check),
    ("reply", reply::check),
    ("search", search::check),
];
