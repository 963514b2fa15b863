//! Reading: what happens when a scan is polled. The only place of the tables where a store is asked.
//!
//! All lanes of a run take folders from one queue, which the first of them fills: by then the
//! filters that joins make are complete. Nothing starts before the first poll.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array, BooleanArray, RecordBatch};
use datafusion::arrow::compute::{filter_record_batch, prep_null_mask_filter};
use datafusion::common::cast::as_boolean_array;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_expr::utils::reassign_expr_columns;
use datafusion::physical_expr::{PhysicalExpr, conjunction_opt, split_conjunction};
use datafusion::physical_expr_common::physical_expr::snapshot_physical_expr;
use datafusion::physical_plan::metrics::{Count, Metric, MetricValue, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::{self, BoxStream, TryStreamExt};
use tokio::sync::OnceCell;

use super::batch::{Selection, with_rows};
use super::column::{Column, Row, Search};
use super::pushdown::{self, Place};
use super::scan::{Scan, Source};
use super::{Rows, folder};
use crate::error::{Error, ErrorKind};
use crate::mail::store::Counter;
use crate::mail::{Folder, FolderPattern, FolderScan, Message, Meter, SearchKey, Sieve, Statement};

/// The runs of a plan node: partitions that are executed together share one.
#[derive(Debug, Default)]
pub struct Runs(Mutex<Vec<(Arc<Reading>, BTreeSet<usize>)>>);

impl Runs {
    /// The run that a partition belongs to; a partition that is executed again begins another.
    pub fn join(&self, partition: usize, begin: impl FnOnce() -> Reading) -> Arc<Reading> {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((reading, partitions)) = runs.last_mut()
            && partitions.insert(partition)
        {
            return Arc::clone(reading);
        }
        let reading = Arc::new(begin());
        runs.push((Arc::clone(&reading), [partition].into()));
        reading
    }

    /// What all runs did so far.
    pub fn metrics(&self) -> MetricsSet {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut metrics = MetricsSet::new();
        let mut push = |value| metrics.push(Arc::new(Metric::new(value, None)));
        let sum = |counter: fn(&Reading) -> &Counter| {
            let count = Count::new();
            let total: u64 = runs.iter().map(|(reading, _)| counter(reading).count()).sum();
            count.add(usize::try_from(total).unwrap_or(usize::MAX));
            count
        };
        push(MetricValue::OutputRows(sum(|reading| &reading.rows)));
        let named: [(&'static str, fn(&Reading) -> &Counter); 7] = [
            ("folders", |reading| &reading.meter.folders),
            ("folders_done", |reading| &reading.meter.folders_done),
            ("folders_unnamed", |reading| &reading.folders_unnamed),
            ("messages_fetched", |reading| &reading.meter.messages),
            ("bodies_decoded", |reading| &reading.meter.bodies),
            ("bytes_received", |reading| &reading.meter.bytes),
            ("bytes_expected", |reading| &reading.meter.bytes_expected),
        ];
        for (name, counter) in named {
            push(MetricValue::Count { name: name.into(), count: sum(counter) });
        }
        metrics
    }
}

/// One run of a scan.
#[derive(Debug)]
pub struct Reading {
    scan: Arc<Scan>,
    statement: Statement,
    meter: Arc<Meter>,
    rows: Counter,
    /// Folders that were read although the statement names none.
    folders_unnamed: Counter,
    queue: OnceCell<Mutex<VecDeque<Unit>>>,
}

/// A folder to read, and what its store is asked.
#[derive(Debug)]
struct Unit {
    source: Source,
    folder: Folder,
    key: SearchKey,
}

impl Reading {
    /// A run that has not begun.
    pub fn new(scan: Arc<Scan>, statement: Statement) -> Self {
        let (rows, folders_unnamed, queue) = (Counter::default(), Counter::default(), OnceCell::new());
        Self { scan, statement, meter: Arc::default(), rows, folders_unnamed, queue }
    }

    /// One lane: takes folder after folder until there are none.
    pub fn lane(self: Arc<Self>, batch_size: usize) -> SendableRecordBatchStream {
        let schema = self.scan.schema();
        let lane = Lane { left: self.scan.limit, check: None, batches: VecDeque::new(), chunks: None, reading: self };
        let batches = stream::try_unfold(lane, move |mut lane| async move {
            let batch = lane.next(batch_size).await?;
            Ok(batch.map(|batch| (batch, lane)))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }

    async fn next_unit(&self) -> Result<Option<Unit>> {
        let queue = self.queue.get_or_try_init(|| async { self.units().await.map(Mutex::new) }).await?;
        Ok(queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front())
    }

    /// The folders to read, by what the predicate says by now.
    async fn units(&self) -> Result<VecDeque<Unit>> {
        let scan = &self.scan;
        let predicate = current(&scan.predicate)?;
        let named = scan.folders();
        let pattern = match &named {
            Some(names) if scan.pushdown => FolderPattern::Named(names.iter().cloned().collect()),
            _ => FolderPattern::All,
        };
        let mut found = Vec::new();
        for source in self.sources(&predicate)? {
            let folders = source.store.folders(&pattern, folder::status([]), &self.statement, &self.meter).await?;
            found.extend(folders.into_iter().map(|folder| (source.clone(), folder)));
        }
        if let Some(names) = &named {
            self.check_names(names, &found).await?;
        }
        found.retain(|(_, folder)| folder.selectable);
        let rows: Vec<_> = found.iter().map(|(source, folder)| folder::row(&source.account, folder)).collect();
        let chosen = if scan.pushdown {
            self.mask_of(&predicate, &[Search::Account, Search::Folder], &rows)?
        } else {
            vec![true; found.len()]
        };
        let mut units = VecDeque::new();
        for ((source, folder), _) in found.into_iter().zip(chosen).filter(|(_, chosen)| *chosen) {
            let place = Place { account: &source.account, folder: &folder.path };
            let keys = predicate.iter().filter_map(|one| pushdown::search(scan.table, one, Some(place)));
            let key = keys.map(|pushed| pushed.key).reduce(SearchKey::and).filter(|_| scan.pushdown);
            let key = key.unwrap_or(SearchKey::All);
            if key != pushdown::nothing() {
                units.push_back(Unit { source, folder, key });
            }
        }
        self.meter.folders.add(units.len());
        if named.is_none() {
            self.folders_unnamed.add(units.len());
        }
        Ok(units)
    }

    /// A folder that is named and not there is a mistake, not an empty answer.
    async fn check_names(&self, names: &BTreeSet<String>, found: &[(Source, Folder)]) -> Result<()> {
        // A join may leave accounts out, too; that a folder is only there is no mistake.
        let sources = self.accounts(&self.scan.fixed().cloned().collect::<Vec<_>>())?;
        let is_among = |account: &str| sources.iter().any(|source| *source.account == *account);
        let is_there =
            |name: &&String| found.iter().any(|(source, folder)| folder.path == **name && is_among(&source.account));
        if sources.is_empty() || names.iter().all(|name| is_there(&name)) {
            return Ok(());
        }
        let mut paths = BTreeSet::new();
        for source in &sources {
            let all = FolderPattern::All;
            let folders = source.store.folders(&all, folder::status([]), &self.statement, &self.meter).await?;
            paths.extend(folders.into_iter().map(|folder| folder.path));
        }
        let Some(missing) = names.iter().find(|name| !paths.contains(*name)) else { return Ok(()) };
        let error = Error::new(ErrorKind::NotFound, format!("there is no folder '{missing}'"));
        let likeness =
            |path: &&String| (strsim::jaro_winkler(&path.to_lowercase(), &missing.to_lowercase()) * 1000.0).round();
        let nearest = paths.iter().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
        Err(match nearest.filter(|nearest| likeness(nearest) >= 700.0) {
            Some(nearest) => error.hint(format!("did you mean '{nearest}'? SELECT folder FROM Folder lists them all")),
            None => error.hint("SELECT folder FROM Folder lists those that there are"),
        }
        .into())
    }

    /// The accounts to look into: those that the conditions leave, unless all are to be read.
    fn sources(&self, predicate: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<Source>> {
        if self.scan.pushdown { self.accounts(predicate) } else { Ok(self.scan.sources.to_vec()) }
    }

    /// The accounts that the conditions leave.
    fn accounts(&self, predicate: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<Source>> {
        let sources = &self.scan.sources;
        let nowhere = Folder::named("", None);
        let rows: Vec<_> = sources.iter().map(|source| folder::row(&source.account, &nowhere)).collect();
        let mask = self.mask_of(predicate, &[Search::Account], &rows)?;
        Ok(sources.iter().zip(mask).filter(|(_, may)| *may).map(|(source, _)| source.clone()).collect())
    }

    /// Which rows are possible, by the conditions on nothing but columns of these kinds.
    fn mask_of(&self, predicate: &[Arc<dyn PhysicalExpr>], kinds: &[Search], rows: &[Row<'_>]) -> Result<Vec<bool>> {
        let table = self.scan.table;
        let is_known = |column: &Column| kinds.contains(&column.search);
        let positions: Vec<usize> =
            (0..).zip(table.columns()).filter(|(_, column)| is_known(column)).map(|(position, _)| position).collect();
        let decided = |one: &&Arc<dyn PhysicalExpr>| {
            let columns = self.scan.positions(std::slice::from_ref(*one));
            !columns.is_empty() && columns.iter().all(|position| positions.contains(position))
        };
        let conditions: Vec<_> = predicate.iter().filter(decided).cloned().collect();
        let Some(check) = Check::new(table, &positions, &conditions)? else { return Ok(vec![true; rows.len()]) };
        let mask = check.mask(&check.selection.batch(rows)?)?;
        Ok((0..rows.len()).map(|at| mask.value(at)).collect())
    }

    /// The stream of a folder's messages.
    fn chunks(&self, unit: &Unit) -> Result<BoxStream<'static, crate::error::Result<Vec<Message>>>> {
        let phases = self.scan.phases();
        let positions: Vec<usize> = self.scan.positions(&phases.sieve).into_iter().collect();
        let then = match Check::new(self.scan.table, &positions, &phases.sieve)? {
            Some(check) => {
                let sieve = RowSieve { rows: self.scan.table.rows, account: Arc::clone(&unit.source.account), check };
                Some((phases.rest, Arc::new(sieve) as Arc<dyn Sieve>))
            }
            None => None,
        };
        Ok(unit.source.store.read(FolderScan {
            folder: unit.folder.clone(),
            key: unit.key.clone(),
            first: phases.first,
            then,
            likely_enough: self.scan.limit,
            statement: self.statement.clone(),
            meter: Arc::clone(&self.meter),
        }))
    }
}

/// One lane of a run.
struct Lane {
    reading: Arc<Reading>,
    left: Option<usize>,
    check: Option<(Selection, Option<Arc<dyn PhysicalExpr>>, Vec<usize>)>,
    batches: VecDeque<RecordBatch>,
    chunks: Option<(Unit, BoxStream<'static, crate::error::Result<Vec<Message>>>)>,
}

impl Lane {
    async fn next(&mut self, batch_size: usize) -> Result<Option<RecordBatch>> {
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            if let Some(batch) = self.batches.pop_front() {
                let rows = batch.num_rows().min(self.left.unwrap_or(usize::MAX));
                self.left = self.left.map(|left| left - rows);
                self.reading.rows.add(rows);
                return Ok(Some(batch.slice(0, rows)));
            }
            if self.reading.scan.table.rows == Rows::Folder {
                if self.check.is_some() {
                    return Ok(None);
                }
                let batch = self.folders().await?;
                self.queue(&batch, batch_size);
                continue;
            }
            let Some((unit, chunks)) = &mut self.chunks else {
                let Some(unit) = self.reading.next_unit().await? else { return Ok(None) };
                let chunks = self.reading.chunks(&unit)?;
                self.chunks = Some((unit, chunks));
                continue;
            };
            match chunks.try_next().await? {
                Some(messages) => {
                    let (account, folder) = (Arc::clone(&unit.source.account), unit.folder.clone());
                    let rows = self.reading.scan.table.rows;
                    let batch = with_rows(rows, &account, &folder, &messages, |rows, _| self.passed(rows))?;
                    self.queue(&batch, batch_size);
                }
                None => {
                    self.reading.meter.folders_done.add(1);
                    self.chunks = None;
                }
            }
        }
    }

    /// The rows of a table of folders: all of them are read at once.
    async fn folders(&mut self) -> Result<RecordBatch> {
        let reading = Arc::clone(&self.reading);
        let scan = &reading.scan;
        let names: Vec<&str> = scan.table.columns().map(|column| column.name).collect();
        let status = folder::status(scan.columns().into_iter().map(|position| names[position]));
        let pattern = match scan.folders() {
            Some(names) if scan.pushdown => FolderPattern::Named(names.into_iter().collect()),
            _ => FolderPattern::All,
        };
        let mut found = Vec::new();
        for source in reading.sources(&current(&scan.predicate)?)? {
            let folders = source.store.folders(&pattern, status, &reading.statement, &reading.meter).await?;
            found.extend(folders.into_iter().map(|folder| (Arc::clone(&source.account), folder)));
        }
        let rows: Vec<_> = found.iter().map(|(account, folder)| folder::row(account, folder)).collect();
        self.passed(&rows)
    }

    /// The rows for which the whole predicate holds, with the columns that come out.
    fn passed(&mut self, rows: &[Row<'_>]) -> Result<RecordBatch> {
        if self.check.is_none() {
            let scan = &self.reading.scan;
            let columns = scan.columns();
            let selection = Selection::of(scan.table, &columns);
            let predicate = conjunction_opt(scan.predicate.iter().cloned());
            let predicate =
                predicate.map(|predicate| reassign_expr_columns(predicate, selection.schema())).transpose()?;
            let position = |wanted: &usize| columns.iter().position(|column| column == wanted);
            let projection = scan.projection.iter().filter_map(position).collect();
            self.check = Some((selection, predicate, projection));
        }
        let Some((selection, predicate, projection)) = &self.check else { unreachable!("it was just made") };
        let batch = selection.batch(rows)?;
        let batch = match predicate {
            Some(predicate) => filter_record_batch(&batch, &mask(predicate, &batch)?)?,
            None => batch,
        };
        Ok(batch.project(projection)?)
    }

    fn queue(&mut self, batch: &RecordBatch, batch_size: usize) {
        let size = batch_size.max(1);
        for start in (0..batch.num_rows()).step_by(size) {
            self.batches.push_back(batch.slice(start, size.min(batch.num_rows() - start)));
        }
    }
}

/// Conditions over some columns of a table.
struct Check {
    selection: Selection,
    predicate: Arc<dyn PhysicalExpr>,
}

impl Check {
    fn new(table: &super::Table, positions: &[usize], predicates: &[Arc<dyn PhysicalExpr>]) -> Result<Option<Self>> {
        let selection = Selection::of(table, positions);
        let predicate = conjunction_opt(predicates.iter().cloned());
        let predicate = predicate.map(|predicate| reassign_expr_columns(predicate, selection.schema())).transpose()?;
        Ok(predicate.map(|predicate| Self { selection, predicate }))
    }

    fn mask(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        mask(&self.predicate, batch)
    }
}

/// Where a predicate is true; null counts as false.
fn mask(predicate: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    let array = predicate.evaluate(batch)?.into_array(batch.num_rows())?;
    let mask = as_boolean_array(&array)?;
    Ok(if mask.null_count() > 0 { prep_null_mask_filter(mask) } else { mask.clone() })
}

/// Lets a message pass when one of its rows does.
struct RowSieve {
    rows: Rows,
    account: Arc<str>,
    check: Check,
}

impl Sieve for RowSieve {
    fn passes(&self, folder: &Folder, messages: &[Message]) -> crate::error::Result<Vec<bool>> {
        with_rows(self.rows, &self.account, folder, messages, |rows, owners| {
            let mask = self.check.mask(&self.check.selection.batch(rows)?)?;
            let mut passes = vec![false; messages.len()];
            for (row, owner) in owners.iter().enumerate() {
                passes[*owner] |= mask.value(row);
            }
            Ok(passes)
        })
    }
}

/// The conditions as they are by now: those of joins with the keys that the other side has.
fn current(predicate: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<Arc<dyn PhysicalExpr>>> {
    let mut conditions = Vec::new();
    for condition in predicate {
        let condition = snapshot_physical_expr(Arc::clone(condition))?;
        conditions.extend(split_conjunction(&condition).into_iter().cloned());
    }
    Ok(conditions)
}
