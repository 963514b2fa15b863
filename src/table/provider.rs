//! Tables for DataFusion: one provider for all of them, which plans scans and nothing else.
//!
//! It never implements `delete_from` or `update`: in DataFusion 55.2 they can be told "no filter"
//! for a statement that had one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::chain::conditions;
use super::scan::{MailScanExec, Scan, Source};
use super::settings::Settings;
use super::{Table, search_function};
use crate::mail::budget::MEGABYTE;
use crate::mail::store::{Notices, StatementKey};
use crate::mail::{Statement, Terms};

/// A table over the mail of one account or of several.
#[derive(Debug)]
pub struct MailTable {
    table: &'static Table,
    sources: Arc<[Source]>,
    schema: SchemaRef,
}

impl MailTable {
    /// The table over these accounts.
    pub fn new(table: &'static Table, sources: Arc<[Source]>) -> Self {
        Self { table, sources, schema: table.schema() }
    }

    /// What it is.
    pub fn table(&self) -> &'static Table {
        self.table
    }
}

#[async_trait]
impl TableProvider for MailTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Every predicate is checked by the scan, so limits and counts reach it whatever the predicate is.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
        let mut predicate = Vec::with_capacity(filters.len());
        for filter in filters {
            predicate.extend(conditions(&session.create_physical_expr(filter.clone(), &schema)?));
        }
        // What can be wrong with a search shows before anybody is asked.
        search_function::searches(self.table, &predicate)?;
        let settings = session.config().options().extensions.get::<Settings>().cloned().unwrap_or_default();
        let scan = Scan {
            table: self.table,
            sources: Arc::clone(&self.sources),
            projection: projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect()),
            predicate,
            limit,
            top: None,
            connections: settings.connections,
            pushdown: settings.pushdown,
            text_pushdown: settings.text_pushdown,
        };
        let patience = Duration::from_secs(settings.timeout_seconds);
        let terms = Terms {
            connections: settings.connections,
            patience,
            retries: settings.retries,
            download: settings.max_download_mb * MEGABYTE,
            unreadable: settings.unreadable,
        };
        let started = session.execution_props().query_execution_start_time;
        let statement = match session.config().get_extension::<Statements>() {
            Some(statements) => statements.started_at(started, terms),
            None => Statement::new(terms),
        };
        Ok(Arc::new(MailScanExec::new(scan, statement)))
    }
}

/// The statements of a session that are alive, by when they started.
#[derive(Debug, Default)]
pub struct Statements {
    alive: Mutex<Vec<(Option<DateTime<Utc>>, StatementKey)>>,
    /// What is to be told of their answers.
    pub notices: Arc<Notices>,
}

impl Statements {
    /// The statement that started then: the same for every scan of it.
    fn started_at(&self, started: Option<DateTime<Utc>>, terms: Terms) -> Statement {
        let mut alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner);
        alive.retain(|(_, key)| key.is_alive());
        let same = alive.iter().filter(|(time, _)| started.is_some() && *time == started);
        let mut same = same.filter_map(|(_, key)| key.statement());
        if let Some(statement) = same.next() {
            return statement;
        }
        let statement = Statement::telling(terms, Arc::clone(&self.notices));
        alive.push((started, statement.key()));
        statement
    }
}
