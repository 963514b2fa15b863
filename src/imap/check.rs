//! A check of an account: every step from the name of the host to the list of folders, timed.
//!
//! Goes the way that every reading goes; shows it, where a reading would not.

use std::time::Duration;

use super::folders;
use super::pool::Pool;
use super::steps::{Step, Steps, Taken};
use crate::account::ImapAccount;
use crate::error::{Error, Result};
use crate::mail::{FolderPattern, Meter, StatusItems};

/// How far a check came.
#[derive(Debug)]
pub struct Check {
    /// The steps that were taken.
    pub taken: Vec<Taken>,
    /// The step that could not be taken, how long it was tried, and why not.
    pub failed: Option<(Option<Step>, Duration, Error)>,
}

/// Checks an account, as far as it goes.
pub async fn check(account: &ImapAccount, patience: Duration) -> Check {
    let mut steps = Steps::new();
    let result = walk(account, patience, &mut steps).await;
    let failed = result.err().map(|error| {
        let (step, after) = steps.failed().map_or((None, Duration::ZERO), |(step, after)| (Some(step), after));
        (step, after, error)
    });
    Check { taken: steps.done().to_vec(), failed }
}

async fn walk(account: &ImapAccount, patience: Duration, steps: &mut Steps) -> Result<()> {
    let pool = Pool::new(account.clone());
    let mut lease = pool.new_lease(patience, steps).await?;
    steps.begin(Step::Folders);
    let listing = folders::list(&mut lease, &FolderPattern::All, StatusItems::default(), &Meter::default()).await?;
    let folders = listing.folders().count();
    steps.end(if folders == 1 { "1 folder".to_owned() } else { format!("{folders} folders") });
    Ok(())
}
