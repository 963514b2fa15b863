//! Limits: how much a server may send before it is taken for one that means harm.
//!
//! Numbers only, with what is usual; [`crate::imap::transport`] obeys them. Every mail that people send passes.

use serde::Deserialize;

use super::file::wrong;
use crate::error::Result;

/// What a server may send at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a literal, which is what a message or a part of it comes as; a larger one is read past and its value is not known.
    pub literal: u64,
    /// Octets of a response outside its literals; more are an error.
    pub line: usize,
    /// Octets of a response in all; more are an error.
    pub response: usize,
    /// Items of a response: blanks, commas and opening brackets outside its literals; more are an error.
    pub items: usize,
    /// Lists in lists; in deeper ones nothing is understood, and the message itself tells its structure.
    pub nesting: usize,
    /// Octets that one octet of a compressed line becomes, on average once there are 64 MiB; more are an error.
    pub inflate: u64,
}

impl Default for Limits {
    fn default() -> Self {
        // Deflate itself inflates to 1,032 times as much: the limits before hold for what comes out.
        let inflate = 1100;
        Self { literal: 256 << 20, line: 16 << 20, response: 512 << 20, items: 4_000_000, nesting: 64, inflate }
    }
}

/// Limits as the configuration writes them: `limits = { literal_mb = 512 }`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table like { literal_mb = 512 }")]
pub(super) struct Written {
    literal_mb: Option<u32>,
    line_mb: Option<u32>,
    response_mb: Option<u32>,
    items: Option<u32>,
    nesting: Option<u32>,
    inflate: Option<u32>,
}

impl Written {
    /// The limits; those that are not written are the usual ones.
    ///
    /// # Errors
    /// When one of them lets nothing pass, or more than there can be.
    pub(super) fn meant(self) -> Result<Limits> {
        let usual = Limits::default();
        let within = |name: &str, written: Option<u32>, unit: u64, usual: u64, (least, most): (u32, u32)| match written
        {
            None => Ok(usual),
            Some(number) if (least..=most).contains(&number) => Ok(u64::from(number) * unit),
            Some(number) => {
                wrong(format!("the limit {name} cannot be {number}"), &format!("it is a number from {least} to {most}"))
            }
        };
        let size = |octets: u64| usize::try_from(octets).unwrap_or(usize::MAX);
        Ok(Limits {
            literal: within("literal_mb", self.literal_mb, MEGABYTE, usual.literal, (1, 2048))?,
            line: size(within("line_mb", self.line_mb, MEGABYTE, usual.line as u64, (1, 2048))?),
            response: size(within("response_mb", self.response_mb, MEGABYTE, usual.response as u64, (1, 4096))?),
            items: size(within("items", self.items, 1, usual.items as u64, (1000, u32::MAX))?),
            // Deeper ones would need more of the stack than there is.
            nesting: size(within("nesting", self.nesting, 1, usual.nesting as u64, (8, 200))?),
            inflate: within("inflate", self.inflate, 1, usual.inflate, (10, 2000))?,
        })
    }
}

const MEGABYTE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str) -> Result<Limits> {
        toml::from_str::<Written>(text).unwrap().meant()
    }

    #[test]
    fn what_is_not_written_is_usual() {
        assert_eq!(meant("").unwrap(), Limits::default());
        let limits = meant("literal_mb = 1\nnesting = 8\nitems = 1000").unwrap();
        assert_eq!(limits, Limits { literal: 1 << 20, nesting: 8, items: 1000, ..Limits::default() });
    }

    #[test]
    fn a_limit_that_lets_nothing_pass_or_anything_is_none() {
        for (text, name) in [
            ("literal_mb = 0", "literal_mb"),
            ("line_mb = 2049", "line_mb"),
            ("response_mb = 4097", "response_mb"),
            ("items = 999", "items"),
            ("nesting = 7", "nesting"),
            ("nesting = 201", "nesting"),
            ("inflate = 9", "inflate"),
        ] {
            let error = meant(text).unwrap_err();
            assert!(error.to_string().contains(name) && error.way_out().unwrap().contains("from"), "{error}");
        }
        for text in ["literal_mb = 2048", "line_mb = 1", "response_mb = 4096", "nesting = 200", "inflate = 2000"] {
            meant(text).unwrap();
        }
    }
}
