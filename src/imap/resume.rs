//! Going on after a connection was lost: how often that is tried, and how long is waited before.
//!
//! Reading changes nothing, so whatever was asked may be asked again. What was read already, [`super::backlog`] knows;
//! which errors are worth another try, [`ErrorKind`] says.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::transport::Counts;
use crate::error::{Error, ErrorKind, Result};
use crate::mail::{Meter, Statement};

/// What became of the tries to read something.
#[derive(Debug)]
pub struct Resume {
    /// How many tries failed in a row.
    failed: u32,
    statement: Statement,
    /// Who was never there for the statement is not waited for.
    server: String,
    meter: Arc<Meter>,
    /// How far it came when a try failed last.
    progress: u64,
}

impl Resume {
    /// Nothing was tried yet.
    pub fn of(statement: &Statement, meter: &Arc<Meter>, server: &str) -> Self {
        Self {
            statement: statement.clone(),
            server: server.to_owned(),
            meter: Arc::clone(meter),
            failed: 0,
            progress: 0,
        }
    }

    /// For what belongs to no statement.
    pub fn untold() -> Self {
        Self::of(&Statement::default(), &Arc::default(), "")
    }

    /// Counts what passed over a line since the last time; what the statement may download, the transport counts.
    pub fn count(&self, counts: Counts) {
        self.meter.bytes.add(counts.received);
        self.meter.bytes_sent.add(counts.sent);
    }

    /// Where to count what is asked.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Whether nothing will be tried again unless this brings something.
    pub fn is_last(&self) -> bool {
        self.failed >= self.statement.terms().retries
    }

    /// There is a session.
    pub fn begun(&self) {
        self.statement.answered(&self.server);
    }

    /// After a try that failed: waits until there may be another one. `progress` counts what was read by now; whatever
    /// came since the last failure makes this one the first in a row.
    ///
    /// # Errors
    /// The error, when nothing would come of another try, or there were enough.
    pub async fn after(&mut self, error: Error, progress: u64) -> Result<()> {
        let is_worth_it = match error.kind() {
            ErrorKind::Unavailable => true,
            ErrorKind::Unreachable => self.statement.is_answered(&self.server),
            ErrorKind::Config
            | ErrorKind::NotFound
            | ErrorKind::Query
            | ErrorKind::Io
            | ErrorKind::Mail
            | ErrorKind::Server
            | ErrorKind::Throttled
            | ErrorKind::Refused => false,
        };
        if progress > self.progress {
            (self.progress, self.failed) = (progress, 0);
        }
        if !is_worth_it {
            return Err(error);
        }
        if self.is_last() {
            return Err(if self.failed == 0 { error } else { error.context("tries", (self.failed + 1).to_string()) });
        }
        let pause = pause(self.failed);
        self.failed += 1;
        self.meter.retries.add(1);
        tracing::debug!("{error}; trying again in {} ms", pause.as_millis());
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// How long to wait after so many failures before: twice as long each time, and never just as long as others do.
fn pause(failed: u32) -> Duration {
    let longest = FIRST.saturating_mul(1 << failed.min(16)).min(LONGEST);
    // What a hasher of the standard library begins with is random.
    let chance = RandomState::new().build_hasher().finish() % 1000;
    longest / 2 + longest * u32::try_from(chance).unwrap_or_default() / 2000
}

/// The wait after the first failure, at most.
const FIRST: Duration = Duration::from_millis(250);
/// The wait after any, at most.
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Terms;

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "it failed")
    }

    fn resume(retries: u32) -> Resume {
        Resume::of(&Statement::new(Terms { retries, ..Terms::default() }), &Arc::default(), "mail.example.org:993")
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_lost_is_tried_again_a_bounded_number_of_times_in_a_row() {
        let mut resume = resume(3);
        resume.begun();
        let start = tokio::time::Instant::now();
        for progress in [0, 5, 5, 5] {
            resume.after(error(ErrorKind::Unreachable), progress).await.unwrap();
        }
        let waited = start.elapsed();
        assert!((Duration::from_secs(1)..Duration::from_millis(2001)).contains(&waited), "{waited:?}");
        let last = resume.after(error(ErrorKind::Unreachable), 5).await.unwrap_err();
        assert_eq!(last.to_string(), "it failed (tries 4)");
        assert_eq!(resume.meter.retries.count(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_never_there_is_not_waited_for_and_who_asks_for_patience_is() {
        assert_eq!(resume(3).after(error(ErrorKind::Unreachable), 0).await.unwrap_err().to_string(), "it failed");
        resume(3).after(error(ErrorKind::Unavailable), 0).await.unwrap();
        assert!(resume(0).after(error(ErrorKind::Unavailable), 0).await.is_err());
        for kind in [ErrorKind::Server, ErrorKind::Throttled, ErrorKind::Mail, ErrorKind::NotFound] {
            let mut resume = resume(3);
            resume.begun();
            assert_eq!(resume.after(error(kind), 9).await.unwrap_err().to_string(), "it failed");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn that_one_server_is_there_says_nothing_of_another() {
        let one = resume(3);
        one.begun();
        let mut same = Resume::of(&one.statement, &Arc::default(), "mail.example.org:993");
        same.after(error(ErrorKind::Unreachable), 0).await.unwrap();
        let mut other = Resume::of(&one.statement, &Arc::default(), "mail.example.org:143");
        assert!(other.after(error(ErrorKind::Unreachable), 0).await.is_err());
    }

    #[test]
    fn waits_grow_and_have_an_end() {
        for failed in 0..100 {
            let (pause, most) = (pause(failed), FIRST.saturating_mul(1 << failed.min(16)).min(LONGEST));
            assert!(pause >= most / 2 && pause <= most, "{failed}: {pause:?}");
        }
    }
}
