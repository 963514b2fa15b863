//! What was listed for a statement, kept while it lives: both sides of a join see the same mail.
//!
//! It lists nothing itself; what a snapshot is, each store says.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::Statement;
use super::store::StatementKey;
use crate::error::Result;

/// Snapshots by statement and folder.
pub struct Snapshots<S> {
    kept: Mutex<Vec<(StatementKey, Cells<S>)>>,
}

type Cells<S> = HashMap<String, Arc<OnceCell<Arc<S>>>>;

impl<S> Snapshots<S> {
    /// The snapshot of a folder for the statement; made once, whoever asks first.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn of<F>(&self, statement: &Statement, folder: &str, make: F) -> Result<Arc<S>>
    where
        F: Future<Output = Result<Arc<S>>>,
    {
        let cell = self.cell(statement, folder);
        cell.get_or_try_init(|| make).await.cloned()
    }

    /// All snapshots that were made for the statement.
    pub fn all(&self, statement: &Statement) -> Vec<Arc<S>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = kept.iter().filter(|(key, _)| key.is(statement)).flat_map(|(_, cells)| cells.values());
        cells.filter_map(|cell| cell.get().cloned()).collect()
    }

    /// The cell of a folder; what belongs to statements that ended is forgotten here.
    fn cell(&self, statement: &Statement, folder: &str) -> Arc<OnceCell<Arc<S>>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(key, _)| key.is_alive());
        let place = kept.iter().position(|(key, _)| key.is(statement)).unwrap_or_else(|| {
            kept.push((statement.key(), HashMap::new()));
            kept.len() - 1
        });
        Arc::clone(kept[place].1.entry(folder.to_owned()).or_default())
    }
}

impl<S> Default for Snapshots<S> {
    fn default() -> Self {
        Self { kept: Mutex::default() }
    }
}

impl<S> fmt::Debug for Snapshots<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshots").finish_non_exhaustive()
    }
}
