//! The scan: plain data that says what is read, and the plan node that carries it.
//!
//! Planning never touches a store; only the streams of [`super::read`] do, when they are polled.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{ScalarValue, Statistics, config::ConfigOptions};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_expr::{DynamicFilterTracking, EquivalenceProperties, PhysicalExpr};
use datafusion::physical_expr_common::physical_expr::{fmt_sql, is_volatile};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};

use super::chain::conditions;
use super::column::Search;
use super::pushdown::{self, Answer, Place, Pushed};
use super::read::{Reading, Runs};
use super::settings::TextPushdown;
use super::top::Top;
use super::{Rows, Table, search_function};
use crate::mail::snapshots::Snapshots;
use crate::mail::store::Wanted;
use crate::mail::{Fetch, MailStore, Statement, UidSet};

/// An account as a scan sees it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The account's name.
    pub account: Arc<str>,
    /// Where its mail is.
    pub store: Arc<dyn MailStore>,
    /// What its server found by searches in its own words, by folder and search.
    pub found: Arc<Snapshots<Option<UidSet>>>,
}

impl Source {
    /// An account, of which nothing was asked yet.
    pub fn new(account: impl Into<Arc<str>>, store: Arc<dyn MailStore>) -> Self {
        Self { account: account.into(), store, found: Arc::default() }
    }
}

/// What is read of a table: plain data.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The table.
    pub table: &'static Table,
    /// The accounts, in order.
    pub sources: Arc<[Source]>,
    /// The columns that come out, by position in the table.
    pub projection: Vec<usize>,
    /// The conditions that must all hold, over the columns of the whole table.
    pub predicate: Vec<Arc<dyn PhysicalExpr>>,
    /// How many rows each lane gives at most.
    pub limit: Option<usize>,
    /// The first rows by some columns, if no others are wanted.
    pub top: Option<Top>,
    /// How many folders are read at once at most.
    pub connections: usize,
    /// Whether predicates may choose what is read.
    pub pushdown: bool,
    /// Whether stores may be asked for text.
    pub text_pushdown: TextPushdown,
}

/// What is read first, which conditions choose among that, and what is read of the rest.
#[derive(Debug, Clone)]
pub struct Phases {
    /// What is read of every message that the store finds.
    pub first: Fetch,
    /// Conditions that can be checked then; none when there is nothing more to read.
    pub sieve: Vec<Arc<dyn PhysicalExpr>>,
    /// What is read of the messages that pass.
    pub rest: Fetch,
}

impl Scan {
    /// The folders that the statement names; nothing when it leaves them open.
    pub fn folders(&self) -> Option<BTreeSet<String>> {
        let fixed = self.fixed().filter_map(|predicate| pushdown::folders(self.table, predicate));
        fixed.reduce(|left, right| left.intersection(&right).cloned().collect())
    }

    /// The key that every store is asked with, as far as planning knows it.
    pub fn search(&self) -> Option<Pushed> {
        let keys = self.fixed().map(|predicate| self.key(predicate, None));
        keys.flatten().reduce(|left, right| Pushed { key: left.key.and(right.key), answer: left.answer })
    }

    /// The key for one condition; `place` is the folder that it is for, once that is known.
    pub fn key(&self, predicate: &Arc<dyn PhysicalExpr>, place: Option<Place<'_>>) -> Option<Pushed> {
        pushdown::search(self.table, predicate, place, self.text_pushdown)
    }

    /// How the columns of some conditions are read before the others; `place` is where, once that is known.
    pub fn phases(&self, predicate: &[Arc<dyn PhysicalExpr>], place: Option<Place<'_>>) -> Phases {
        let fetch = |predicates: &[Arc<dyn PhysicalExpr>]| self.table.fetch(self.positions(predicates));
        let all = self.table.fetch(self.columns());
        // What the store was asked has chosen already.
        let has_chosen = |one: &Arc<dyn PhysicalExpr>| self.is_chosen_by_store(one, place, all.has_content());
        let open: Vec<_> = predicate.iter().filter(|one| !has_chosen(one)).cloned().collect();
        // What can be decided without contents is decided before any is read.
        let cheap: Vec<_> =
            open.iter().filter(|one| !fetch(std::slice::from_ref(one)).has_content()).cloned().collect();
        let sieve = if cheap.is_empty() { open } else { cheap };
        let first = fetch(&sieve);
        let rest = all.without(&first);
        if sieve.is_empty() || rest.is_empty() || !self.pushdown {
            return Phases { first: all, sieve: Vec::new(), rest: Fetch::default() };
        }
        Phases { first, sieve, rest }
    }

    /// Whether a store that is asked with a condition gives no, or hardly any, message for which it does not hold.
    fn is_chosen_by_store(&self, one: &Arc<dyn PhysicalExpr>, place: Option<Place<'_>>, is_costly: bool) -> bool {
        let columns: Vec<_> = self.table.columns().collect();
        let of: Vec<Search> =
            self.positions(std::slice::from_ref(one)).into_iter().map(|position| columns[position].search).collect();
        let is_of = |kinds: &[Search]| !of.is_empty() && of.iter().all(|search| kinds.contains(search));
        if is_of(&[Search::Account, Search::Folder]) {
            return true;
        }
        // The keys of a join are not known before it runs.
        let is_of_key =
            self.positions(std::slice::from_ref(one)).iter().all(|position| columns[*position].needs.is_empty());
        match self.key(one, place).map(|pushed| pushed.answer) {
            // Some servers only estimate sizes, and are not asked then.
            Some(Answer::Exact) => !is_costly || !of.contains(&Search::Size),
            Some(Answer::Superset) => is_of_key || (is_of(&[Search::ReceivedAt]) && !is_costly),
            // What a server finds is not known before it is asked, either.
            None => {
                is_of_key
                    && place.is_none()
                    && (DynamicFilterTracking::classify(one).contains_dynamic_filter() || search_function::is_in(one))
            }
        }
    }

    /// What must be read to know which rows are the first; nothing when that is all that is read anyway.
    pub fn narrow(&self) -> Option<Scan> {
        let top = self.top.as_ref().filter(|top| !top.is_newest_first(self.table))?;
        let uid = self.table.columns().position(|column| column.search == Search::Uid)?;
        let projection = top.columns().chain([uid]).collect();
        let narrow = Scan { projection, top: None, ..self.clone() };
        let rest = self.table.fetch(self.columns()).without(&self.table.fetch(narrow.columns()));
        (!rest.is_empty()).then_some(narrow)
    }

    /// What is wanted of messages where nothing need be read of them but whether the predicate holds.
    pub fn wanted(&self) -> Option<Wanted> {
        if !self.pushdown || self.table.rows != Rows::Message || !self.table.fetch(self.projection.clone()).is_empty() {
            return None;
        }
        let columns: Vec<_> = self.table.columns().collect();
        let is_of_folder = |position: &usize| matches!(columns[*position].search, Search::Account | Search::Folder);
        if self.projection.iter().all(is_of_folder) {
            return Some(Wanted::Number);
        }
        // Otherwise the uids are all that is read anyway.
        (!self.table.fetch(self.columns()).is_empty()).then_some(Wanted::Uids)
    }

    /// Whether a store that is asked for just the messages for which the key holds finds those of the predicate.
    ///
    /// Filters that joins, sorts and aggregates make leave out what these would leave out themselves.
    pub fn is_all_asked(&self, predicate: &[Arc<dyn PhysicalExpr>], place: Place<'_>) -> bool {
        let columns: Vec<_> = self.table.columns().collect();
        let is_of_folder = |position: &usize| matches!(columns[*position].search, Search::Account | Search::Folder);
        let fixed = |one: &&Arc<dyn PhysicalExpr>| !DynamicFilterTracking::classify(one).contains_dynamic_filter();
        predicate.iter().filter(fixed).all(|one| {
            let of = self.positions(std::slice::from_ref(one));
            let is_exact = || self.key(one, Some(place)).is_some_and(|pushed| pushed.answer == Answer::Exact);
            (!of.is_empty() && of.iter().all(is_of_folder)) || is_exact()
        })
    }

    /// The positions of the columns that come out or are needed to check the predicate, ascending.
    pub fn columns(&self) -> Vec<usize> {
        let mut columns = self.positions(&self.predicate);
        columns.extend(&self.projection);
        columns.into_iter().collect()
    }

    /// The positions of the columns of some conditions.
    pub fn positions(&self, predicates: &[Arc<dyn PhysicalExpr>]) -> BTreeSet<usize> {
        let names: BTreeSet<String> =
            predicates.iter().flat_map(collect_columns).map(|column| column.name().to_owned()).collect();
        (0..).zip(self.table.columns()).filter(|(_, column)| names.contains(column.name)).map(|(at, _)| at).collect()
    }

    /// Whether servers are asked something in their own words before a folder is read.
    pub fn asks_servers(&self) -> bool {
        self.predicate.iter().any(search_function::is_in)
    }

    /// How many lanes read at once.
    pub fn lanes(&self) -> usize {
        let is_one_folder = self.folders().is_some_and(|folders| folders.len() <= 1) && self.sources.len() == 1;
        if is_one_folder || self.table.rows == Rows::Folder {
            return 1;
        }
        let lanes: usize = self.sources.iter().map(|source| source.store.lanes()).sum();
        lanes.clamp(1, self.connections)
    }

    /// The schema of what comes out.
    pub fn schema(&self) -> SchemaRef {
        let all = self.table.schema();
        Arc::new(Schema::new(self.projection.iter().map(|position| all.field(*position).clone()).collect::<Vec<_>>()))
    }

    /// The conditions that are known when the statement is planned.
    pub fn fixed(&self) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
        self.predicate.iter().filter(|predicate| !DynamicFilterTracking::classify(predicate).contains_dynamic_filter())
    }

    /// How many rows are likely, by constants and without a look.
    fn estimate(&self) -> usize {
        let rows = self.table.rows.estimate() * self.sources.len();
        let chosen = match self.search().and_then(|pushed| pushed.key.uids()) {
            Some(uids) if uids.ranges().iter().all(|(low, high)| low == high) => {
                uids.ranges().len().saturating_mul(self.table.rows.estimate().div_ceil(Rows::Message.estimate()))
            }
            _ => self.fixed().take(3).fold(rows, |rows, _| rows / 5),
        };
        let most = [self.limit, self.top.as_ref().map(|top| top.rows)].into_iter().flatten().min();
        most.unwrap_or(usize::MAX).min(chosen.max(1))
    }
}

impl fmt::Display for Scan {
    /// As EXPLAIN shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts: Vec<&str> = self.sources.iter().map(|source| &*source.account).collect();
        write!(f, "MailScan: {} account={}", self.table.name, accounts.join(","))?;
        match self.folders() {
            Some(folders) => write!(f, " folders=[{}]", folders.into_iter().collect::<Vec<_>>().join(", "))?,
            None => f.write_str(" folders=all")?,
        }
        if let Some(pushed) = self.search().filter(|_| self.pushdown) {
            write!(f, " search=[{}]", pushed.key)?;
        }
        let fixed: Vec<String> = self.fixed().map(readable).collect();
        if !fixed.is_empty() {
            write!(f, " then=[{}]", fixed.join(" AND "))?;
        }
        let dynamic = self.predicate.len() - fixed.len();
        if dynamic > 0 {
            write!(f, " dynamic_filters={dynamic}")?;
        }
        if self.table.rows != Rows::Folder {
            let scan = self.narrow();
            let phases = scan.as_ref().unwrap_or(self).phases(&self.predicate, None);
            write!(f, " fetch=[{}]", phases.first)?;
            let rest = self.table.fetch(self.columns()).without(&phases.first);
            if !rest.is_empty() {
                write!(f, " rest=[{rest}]")?;
            }
        }
        if let Some(limit) = self.limit {
            write!(f, " limit={limit}")?;
        }
        if let Some(top) = &self.top {
            let names: Vec<&str> = self.table.columns().map(|column| column.name).collect();
            let key = |(position, options): &(usize, SortOptions)| {
                format!("{}{}", names[*position], if options.descending { " DESC" } else { "" })
            };
            write!(f, " top={} by [{}]", top.rows, top.keys.iter().map(key).collect::<Vec<_>>().join(", "))?;
        }
        write!(f, " lanes={}", self.lanes())
    }
}

/// A condition as a person would write it: instants as dates, not as numbers.
fn readable(predicate: &Arc<dyn PhysicalExpr>) -> String {
    let dated = Arc::clone(predicate).transform(|node| {
        let micros = match node.downcast_ref::<Literal>().map(Literal::value) {
            Some(ScalarValue::TimestampMicrosecond(Some(micros), _)) => DateTime::from_timestamp_micros(*micros),
            _ => None,
        };
        Ok(match micros {
            Some(instant) => {
                let text = instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                Transformed::yes(Arc::new(Literal::new(ScalarValue::from(text))) as Arc<dyn PhysicalExpr>)
            }
            None => Transformed::no(node),
        })
    });
    let shown = dated.map_or_else(|_| Arc::clone(predicate), |dated| dated.data);
    fmt_sql(shown.as_ref()).to_string()
}

/// The plan node that reads mail.
#[derive(Debug)]
pub struct MailScanExec {
    scan: Arc<Scan>,
    statement: Statement,
    runs: Runs,
    properties: Arc<PlanProperties>,
}

impl MailScanExec {
    /// A node for a scan within a statement.
    pub fn new(scan: Scan, statement: Statement) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scan.schema()),
            Partitioning::UnknownPartitioning(scan.lanes()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let properties = properties.with_scheduling_type(SchedulingType::Cooperative);
        Self { scan: Arc::new(scan), statement, runs: Runs::default(), properties: Arc::new(properties) }
    }

    /// What it reads.
    pub fn scan(&self) -> &Scan {
        &self.scan
    }

    /// The same for a sort above it that wants so many rows only, by these columns of what comes out; nothing when that
    /// changes nothing.
    pub fn with_top(&self, rows: usize, keys: &[(usize, SortOptions)]) -> Option<Arc<dyn ExecutionPlan>> {
        let scan = &self.scan;
        if !scan.pushdown || scan.limit.is_some() || scan.table.rows == Rows::Folder {
            return None;
        }
        let position = |(place, options): &(usize, SortOptions)| Some((*scan.projection.get(*place)?, *options));
        let top = Top { rows, keys: keys.iter().map(position).collect::<Option<_>>()? };
        Some(self.with_scan(Scan { top: Some(top), ..(**scan).clone() }))
    }

    fn with_scan(&self, scan: Scan) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self::new(scan, self.statement.clone()))
    }
}

impl DisplayAs for MailScanExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "{}", self.scan)?;
                match self.runs.asked() {
                    asked if asked.is_empty() => Ok(()),
                    asked => write!(f, " asked=[{}]", asked.join("; ")),
                }
            }
            DisplayFormatType::TreeRender => write!(f, "{}", self.scan.table.name),
        }
    }
}

impl ExecutionPlan for MailScanExec {
    fn name(&self) -> &'static str {
        "MailScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    /// Names the dynamic filters, or the joins that make them would not.
    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        datafusion::physical_plan::execution_plan::apply_expression_roots(&self.scan.predicate, visit)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self.with_scan((*self.scan).clone()))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reading = self.runs.join(partition, || Reading::new(Arc::clone(&self.scan), self.statement.clone()));
        reading.lane(context.session_config().batch_size())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.runs.metrics())
    }

    fn statistics_from_inputs(&self, _inputs: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        let lanes = if args.partition().is_some() { self.scan.lanes() } else { 1 };
        statistics.num_rows = Precision::Inexact(self.scan.estimate().div_ceil(lanes));
        Ok(Arc::new(statistics))
    }

    fn fetch(&self) -> Option<usize> {
        self.scan.limit
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let least = [limit, self.scan.limit].into_iter().flatten().min();
        Some(self.with_scan(Scan { limit: least, ..(*self.scan).clone() }))
    }

    fn handle_child_pushdown_result(
        &self,
        _phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        // What comes after a limit must not be checked before it.
        if self.scan.limit.is_some() || self.scan.top.is_some() {
            return Ok(FilterPushdownPropagation::all_unsupported(result));
        }
        let schema = self.scan.table.schema();
        let mut scan = (*self.scan).clone();
        let mut answers = Vec::with_capacity(result.parent_filters.len());
        for filter in result.parent_filters {
            if is_volatile(&filter.filter) {
                answers.push(PushedDown::No);
                continue;
            }
            let filter = reassign_expr_columns(filter.filter, &schema)?;
            scan.predicate.extend(conditions(&filter));
            answers.push(PushedDown::Yes);
        }
        let updated = self.with_scan(scan);
        Ok(FilterPushdownPropagation::with_parent_pushdown_result(answers).with_updated_node(updated))
    }
}
