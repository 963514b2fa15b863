//! A check of an account: every step from the name of the host to the list of folders, told as it is taken.
//!
//! Goes the way that every reading goes; shows it, where a reading would not.

use std::sync::Arc;
use std::time::Duration;

use super::folders;
use super::pool::Pool;
use super::resume::Resume;
use crate::error::Result;
use crate::mail::{FolderPattern, StatusItems};
use crate::net::steps::{Event, Step, Steps};

/// Checks an account by a new session, as far as it goes.
///
/// # Errors
/// When a step cannot be taken; that is told, too.
pub async fn check(pool: &Arc<Pool>, patience: Duration, tell: impl FnMut(Event) + Send) -> Result<()> {
    let mut steps = Steps::told_to(tell);
    let walked = walk(pool, patience, &mut steps).await;
    steps.fail();
    walked
}

async fn walk(pool: &Arc<Pool>, patience: Duration, steps: &mut Steps<'_>) -> Result<()> {
    let mut lease = pool.new_lease(patience, steps).await?;
    steps.begin(Step::Folders);
    let listing = folders::list(&mut lease, &FolderPattern::All, StatusItems::default(), &Resume::untold()).await?;
    steps.end_with_folders(listing.folders().count());
    Ok(())
}
