//! Asking a server what a person asks it in its own words, folder by folder, before the folder is read.
//!
//! What it finds takes the place of the question; everything else goes the way of any condition.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use futures::stream::TryStreamExt;

use super::{Reading, Unit};
use crate::error::ErrorKind;
use crate::mail::{Fetch, FolderScan, SearchKey, ServerSearch, UidSet};
use crate::table::condition::current;
use crate::table::pushdown;
use crate::table::search_function::{self, Answers};

impl Reading {
    /// The folder with the predicate as it is once its server was asked; nothing when no message is left possible.
    ///
    /// # Errors
    /// When the server does not answer, or there is none.
    pub(super) async fn asked(&self, mut unit: Unit) -> Result<Option<Unit>> {
        let table = self.scan.table;
        let mut answers = Answers::new();
        for search in search_function::searches(table, &self.scan.predicate)? {
            let place = whose(&unit, &search);
            let found = unit.source.found.of(&self.statement, &place, self.find(&unit, &search));
            match found.await {
                Ok(found) => answers.insert(search, found),
                Err(error) if error.kind() == ErrorKind::Refused => {
                    return Err(error.context("account", &*unit.source.account).into());
                }
                Err(error) => return Err(self.explained(error).await),
            };
        }
        let predicate = search_function::answered(table, &self.scan.predicate, &answers)?;
        unit.key = self.key(&current(&predicate)?, &unit.source, &unit.folder);
        unit.predicate = Some(predicate);
        Ok(Some(unit).filter(|unit| unit.key != pushdown::nothing()))
    }

    /// The uids that the server finds.
    async fn find(&self, unit: &Unit, search: &ServerSearch) -> crate::error::Result<Arc<Option<UidSet>>> {
        let mut chunks = unit.source.store.read(FolderScan {
            folder: unit.folder.clone(),
            key: SearchKey::Server(search.clone()),
            first: Fetch::default(),
            then: None,
            likely_enough: None,
            statement: self.statement.clone(),
            meter: Arc::clone(&self.meter),
        });
        let mut uids = Vec::new();
        while let Some(chunk) = chunks.try_next().await? {
            uids.extend(chunk.into_iter().map(|message| message.uid));
        }
        Ok(Arc::new(UidSet::of(uids)))
    }
}

impl Unit {
    /// The predicate as it is in this folder, where a server was asked about it.
    pub fn predicate(&self) -> Option<&[Arc<dyn PhysicalExpr>]> {
        self.predicate.as_deref()
    }
}

/// What an answer is kept under, for as long as the statement lasts.
fn whose(unit: &Unit, search: &ServerSearch) -> String {
    format!("{:?} {search:?}", unit.folder.path)
}
