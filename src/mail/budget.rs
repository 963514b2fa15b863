//! The budget of a statement: how much it may download, what it will, and what it did.
//!
//! Shared by all its readings, of all folders and accounts. It counts; backends that download ask it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// What a statement may download.
#[derive(Debug)]
pub struct Budget {
    /// Octets; as many as there can be where there is no limit.
    most: u64,
    received: AtomicU64,
    expected: AtomicU64,
}

impl Budget {
    /// So many octets; 0 is no limit.
    pub fn of(octets: u64) -> Self {
        let most = if octets == 0 { u64::MAX } else { octets };
        Self { most, received: AtomicU64::new(0), expected: AtomicU64::new(0) }
    }

    /// So many octets came, whatever they were.
    ///
    /// # Errors
    /// When that is more than there may be.
    pub fn received(&self, octets: usize) -> Result<()> {
        let octets = octets as u64;
        let received = self.received.fetch_add(octets, Ordering::Relaxed).saturating_add(octets);
        if received <= self.most {
            return Ok(());
        }
        let message = format!("the statement has downloaded {}, and {}", megabytes(received), self.setting());
        Err(Error::new(ErrorKind::Refused, message).hint(HINT))
    }

    /// Contents of so many octets will be asked for, and there are likely `more` to come after them.
    ///
    /// # Errors
    /// When those that were told so far are more than there may be; that they are likely is not enough.
    pub fn expect(&self, octets: u64, more: u64) -> Result<()> {
        let expected = self.expected.fetch_add(octets, Ordering::Relaxed).saturating_add(octets);
        if expected <= self.most {
            return Ok(());
        }
        let about = megabytes(expected.saturating_add(more));
        let message = format!("the statement would download about {about}, and {}", self.setting());
        Err(Error::new(ErrorKind::Refused, message).hint(HINT))
    }

    fn setting(&self) -> String {
        format!("mailql.max_download_mb is {}", self.most / MEGABYTE)
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(0)
    }
}

fn megabytes(octets: u64) -> String {
    match octets.div_ceil(MEGABYTE) {
        megabytes @ ..10_000 => format!("{megabytes} MB"),
        megabytes => format!("{} GB", megabytes / 1000),
    }
}

/// Octets of a megabyte, as providers count.
pub const MEGABYTE: u64 = 1_000_000;

const HINT: &str =
    "read less of it (fewer columns, a predicate, LIMIT), or allow it: SET mailql.max_download_mb = …; 0 is no limit";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_as_there_may_be_is_no_error_and_one_octet_more_is() {
        let budget = Budget::of(3 * MEGABYTE);
        budget.received(3_000_000).unwrap();
        let error = budget.received(1).unwrap_err();
        assert_eq!(error.to_string(), "the statement has downloaded 4 MB, and mailql.max_download_mb is 3");
        assert!(error.way_out().unwrap().contains("SET mailql.max_download_mb"));
        let budget = Budget::of(3 * MEGABYTE);
        budget.expect(1_000_000, u64::MAX).unwrap();
        budget.expect(2_000_000, 0).unwrap();
        let error = budget.expect(1, 36_000_000_000).unwrap_err();
        assert_eq!(error.to_string(), "the statement would download about 36 GB, and mailql.max_download_mb is 3");
    }

    #[test]
    fn nothing_is_no_limit() {
        let budget = Budget::of(0);
        budget.received(usize::MAX).unwrap();
        budget.expect(u64::MAX, u64::MAX).unwrap();
    }
}
