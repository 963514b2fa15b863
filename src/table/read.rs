//! Reading: what happens when a scan is polled. The only place of the tables where a store is asked.
//!
//! All lanes of a run take folders from one queue, which the first of them fills: by then the
//! filters that joins make are complete. Nothing starts before the first poll.

mod asking;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::{Count, Label, Metric, MetricValue, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream;
use tokio::sync::OnceCell;

use super::Rows;
use super::column::{Column, Row, Search};
use super::condition::{Condition, RowSieve, current};
use super::folder;
use super::lane::{Chunks, Lane};
use super::pushdown::{self, Place};
use super::scan::{Scan, Source};
use crate::error::{Error, ErrorKind};
use crate::mail::store::{Counter, Found, Unreadable, Wanted};
use crate::mail::{Fetch, Folder, FolderPattern, FolderScan, Meter, SearchKey, Sieve, Statement, StatusItems, UidSet};

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

    /// What servers were asked so far, in short.
    pub fn asked(&self) -> Vec<String> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().flat_map(|(reading, _)| reading.meter.asked.commands()).collect()
    }

    /// What all runs did so far.
    pub fn metrics(&self) -> MetricsSet {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut metrics = MetricsSet::new();
        let mut push = |value| metrics.push(Arc::new(Metric::new(value, None)));
        let sum = |counted: fn(&Reading) -> u64| {
            let count = Count::new();
            let total: u64 = runs.iter().map(|(reading, _)| counted(reading)).sum();
            count.add(usize::try_from(total).unwrap_or(usize::MAX));
            count
        };
        push(MetricValue::OutputRows(sum(|reading| reading.rows.count())));
        let named: [Named; 13] = [
            ("folders", |reading| reading.meter.folders.count()),
            ("folders_done", |reading| reading.meter.folders_done.count()),
            ("folders_unnamed", |reading| reading.folders_unnamed.count()),
            ("messages_fetched", |reading| reading.meter.messages.count()),
            ("bodies_decoded", |reading| reading.meter.bodies.count()),
            ("round_trips", |reading| reading.meter.round_trips.count()),
            ("commands", |reading| reading.meter.commands.count()),
            ("bytes_received", |reading| reading.meter.bytes.count()),
            ("bytes_expected", |reading| reading.meter.bytes_expected.count()),
            ("bytes_sent", |reading| reading.meter.bytes_sent.count()),
            ("connections", |reading| reading.meter.connections.count()),
            ("retries", |reading| reading.meter.retries.count()),
            (UNREADABLE, |reading| reading.meter.unreadable.count()),
        ];
        for (name, counter) in named {
            push(MetricValue::Count { name: name.into(), count: sum(counter) });
        }
        if let Some(folder) = runs.iter().find_map(|(reading, _)| reading.folder_of_all.get()) {
            let (name, count) = (FOLDER_OF_ALL, Count::new());
            count.add(1);
            let label = Label::new("folder", folder.clone());
            let metric = Metric::new_with_labels(MetricValue::Count { name: name.into(), count }, None, vec![label]);
            metrics.push(Arc::new(metric));
        }
        metrics
    }
}

type Named = (&'static str, fn(&Reading) -> u64);

/// The metric that names the folder in which there is everything that other folders that were read have too.
pub const FOLDER_OF_ALL: &str = "folder_of_all";

/// So many folders may be gone when they are to be read, for the statement to go on.
const VANISHED: u64 = 50;

/// The metric that counts messages that were left out, as their server cannot deliver them.
pub const UNREADABLE: &str = "messages_left_out";

/// One run of a scan.
#[derive(Debug)]
pub struct Reading {
    scan: Arc<Scan>,
    statement: Statement,
    /// What its stores count.
    pub meter: Arc<Meter>,
    /// Rows that it gave.
    pub rows: Counter,
    /// Folders that were read although the statement names none.
    folders_unnamed: Counter,
    /// The folder that holds what all the others hold, when it was read together with them (RFC 6154, `\All`).
    folder_of_all: OnceLock<String>,
    /// How often a folder was gone when it was to be read.
    vanished: Counter,
    /// The folders that were there when they were listed.
    listed: Mutex<BTreeSet<(Arc<str>, String)>>,
    /// The folders that are left; what went wrong goes wrong once, not in each lane.
    queue: OnceCell<Result<Mutex<VecDeque<Unit>>, Arc<DataFusionError>>>,
}

/// A folder to read, and what its store is asked.
#[derive(Debug)]
pub struct Unit {
    /// The account.
    pub source: Source,
    /// The folder.
    pub folder: Folder,
    key: SearchKey,
    /// The predicate, where it had to ask the server something.
    predicate: Option<Vec<Arc<dyn PhysicalExpr>>>,
}

impl Reading {
    /// A run that has not begun.
    pub fn new(scan: Arc<Scan>, statement: Statement) -> Self {
        let (rows, folders_unnamed, queue) = (Counter::default(), Counter::default(), OnceCell::new());
        let folder_of_all = OnceLock::new();
        let (meter, vanished, listed) = (Arc::default(), Counter::default(), Mutex::default());
        Self { scan, statement, meter, rows, folders_unnamed, folder_of_all, vanished, listed, queue }
    }

    /// What is read.
    pub fn scan(&self) -> &Scan {
        &self.scan
    }

    /// One lane: takes folder after folder until there are none.
    ///
    /// # Errors
    /// When the predicate names a column that the table does not have.
    pub fn lane(self: Arc<Self>, batch_size: usize) -> Result<SendableRecordBatchStream> {
        let schema = self.scan.schema();
        let batches = stream::try_unfold(Lane::new(self)?, move |mut lane| async move {
            let batch = lane.next(batch_size).await?;
            Ok(batch.map(|batch| (batch, lane)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    /// The next folder to read; nothing when all are taken.
    ///
    /// # Errors
    /// When the folders cannot be listed, or one that is named is not there.
    pub async fn next_unit(&self) -> Result<Option<Unit>> {
        let list = || async { self.units().await.map(Mutex::new).map_err(Arc::new) };
        let queue = self.queue.get_or_init(list).await.as_ref();
        let queue = queue.map_err(|error| DataFusionError::Shared(Arc::clone(error)))?;
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        while let Some(mut unit) = next() {
            if self.scan.asks_servers() {
                let Some(asked) = self.asked(unit).await? else {
                    self.meter.folders_done.add(1);
                    continue;
                };
                unit = asked;
            }
            tracing::debug!("reading {} of {}: {}", unit.folder.path, unit.source.account, unit.key);
            return Ok(Some(unit));
        }
        Ok(None)
    }

    /// The folders that the conditions leave possible, as far as listing them is concerned.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn folders(&self, status: StatusItems) -> Result<Vec<(Source, Folder)>> {
        let scan = &self.scan;
        let pattern = match scan.folders() {
            // Where no other account could have the folder, reading it tells whether it is there.
            Some(names)
                if scan.pushdown && scan.sources.len() == 1 && status.is_empty() && scan.table.rows != Rows::Folder =>
            {
                FolderPattern::Presumed(names.into_iter().collect())
            }
            Some(names) if scan.pushdown => FolderPattern::Named(names.into_iter().collect()),
            _ => FolderPattern::All,
        };
        let mut found = Vec::new();
        for source in self.sources(&current(&scan.predicate)?)? {
            let folders = source.store.folders(&pattern, status, &self.statement, &self.meter).await?;
            found.extend(folders.into_iter().map(|folder| (source.clone(), folder)));
        }
        Ok(found)
    }

    /// The folders to read, by what the predicate says by now.
    async fn units(&self) -> Result<VecDeque<Unit>> {
        let scan = &self.scan;
        let predicate = current(&scan.predicate)?;
        let named = scan.folders();
        // Where nothing but numbers is wanted, listing the folders may tell them.
        // A folder counts messages that cannot be delivered, too.
        let skips = self.statement.terms().unreadable == Unreadable::Skip;
        let is_total = named.is_none() && scan.wanted() == Some(Wanted::Number) && scan.search().is_none() && !skips;
        let found = self.folders(StatusItems { messages: is_total, ..StatusItems::default() }).await?;
        if let Some(names) = &named {
            self.check_names(names, &found).await?;
        }
        let units = self.units_of(found, &predicate)?;
        self.meter.folders.add(units.len());
        if named.is_none() {
            self.folders_unnamed.add(units.len());
            let all =
                units.iter().find(|unit| unit.folder.attributes.iter().any(|one| one.eq_ignore_ascii_case("\\All")));
            if let Some(unit) = all.filter(|_| units.len() > 1) {
                self.folder_of_all.get_or_init(|| unit.folder.path.clone());
            }
        }
        Ok(units)
    }

    /// Those of the folders that the predicate leaves possible, and what their stores are asked.
    fn units_of(
        &self,
        mut found: Vec<(Source, Folder)>,
        predicate: &[Arc<dyn PhysicalExpr>],
    ) -> Result<VecDeque<Unit>> {
        let scan = &self.scan;
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.extend(found.iter().map(|(source, folder)| (Arc::clone(&source.account), folder.path.clone())));
        found.retain(|(_, folder)| folder.selectable);
        let rows: Vec<_> = found.iter().map(|(source, folder)| folder::row(&source.account, folder)).collect();
        let chosen = if scan.pushdown {
            self.mask_of(predicate, &[Search::Account, Search::Folder], &rows)?
        } else {
            vec![true; found.len()]
        };
        let mut units = VecDeque::new();
        for ((source, folder), _) in found.into_iter().zip(chosen).filter(|(_, chosen)| *chosen) {
            let key = self.key(predicate, &source, &folder);
            if key != pushdown::nothing() {
                units.push_back(Unit { source, folder, key, predicate: None });
            }
        }
        Ok(units)
    }

    /// Goes on after a folder could not be read: one that nobody named and that is gone was deleted, or it was renamed.
    ///
    /// Its messages are then in a folder that was not there when the folders were listed; such folders are read instead.
    ///
    /// # Errors
    /// The error, if the folder was named by the statement, or that happens again and again.
    pub async fn without(&self, unit: &Unit, error: Error) -> Result<()> {
        if error.kind() != ErrorKind::NotFound || self.scan.folders().is_some() {
            return Err(self.explained(error).await);
        }
        self.vanished.add(1);
        if self.vanished.count() > VANISHED {
            return Err(self.explained(error).await);
        }
        // The statement remembers what it listed, and this is to be the list of now.
        let now = Statement::new(self.statement.terms());
        let all = unit.source.store.folders(&FolderPattern::All, StatusItems::default(), &now, &self.meter).await?;
        let account = &unit.source.account;
        let new = {
            let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
            // It may be back under its old name.
            listed.remove(&(Arc::clone(account), unit.folder.path.clone()));
            let is_new = |folder: &Folder| !listed.contains(&(Arc::clone(account), folder.path.clone()));
            all.into_iter().filter(is_new).map(|folder| (unit.source.clone(), folder)).collect()
        };
        let units = self.units_of(new, &current(&self.scan.predicate)?)?;
        self.meter.folders.add(units.len());
        if let Some(Ok(queue)) = self.queue.get() {
            queue.lock().unwrap_or_else(PoisonError::into_inner).extend(units);
        }
        Ok(())
    }

    /// What a store is asked of a folder.
    fn key(&self, predicate: &[Arc<dyn PhysicalExpr>], source: &Source, folder: &Folder) -> SearchKey {
        let place = Place { account: &source.account, folder: &folder.path };
        let keys = predicate.iter().filter_map(|one| self.scan.key(one, Some(place)));
        let key = keys.map(|pushed| pushed.key).reduce(SearchKey::and).filter(|_| self.scan.pushdown);
        key.unwrap_or(SearchKey::All)
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
            let folders = source.store.folders(&all, StatusItems::default(), &self.statement, &self.meter).await?;
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

    /// Why reading failed; a folder that is not there is told with what there is instead.
    pub async fn explained(&self, error: Error) -> DataFusionError {
        match self.scan.folders() {
            Some(names) if error.kind() == ErrorKind::NotFound => {
                self.check_names(&names, &[]).await.err().unwrap_or_else(|| error.into())
            }
            _ => error.into(),
        }
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
        let mask = Condition::new(table, &positions, &conditions)?.mask(rows)?;
        Ok((0..rows.len()).map(|at| mask.value(at)).collect())
    }

    /// What is known of the messages of a folder that are in the answer, when nothing else is wanted of them.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn found(&self, unit: &Unit) -> Result<Option<Found>> {
        let place = Place { account: &unit.source.account, folder: &unit.folder.path };
        let predicate = unit.predicate().unwrap_or(&self.scan.predicate);
        let Some(wanted) = self.scan.wanted().filter(|_| self.scan.is_all_asked(predicate, place)) else {
            return Ok(None);
        };
        if let Some(messages) = unit.folder.messages.filter(|_| unit.key == SearchKey::All && wanted == Wanted::Number)
        {
            return Ok(Some(Found::Number(messages)));
        }
        match unit.source.store.find(&self.folder_scan(unit, Fetch::default(), None), wanted).await {
            Ok(found) => Ok(found),
            // That it is gone is seen when it is read.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.explained(error).await),
        }
    }

    /// The messages of the first rows, where there is one folder only, and its store knows which they are.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn first(&self, unit: &Unit) -> Result<Option<UidSet>> {
        let scan = &self.scan;
        let place = Place { account: &unit.source.account, folder: &unit.folder.path };
        let predicate = unit.predicate().unwrap_or(&scan.predicate);
        let is_one = scan.sources.len() == 1 && scan.folders().is_some_and(|folders| folders.len() == 1);
        let Some(top) = scan.top.as_ref().filter(|_| is_one && scan.table.rows == Rows::Message) else {
            return Ok(None);
        };
        let Some(order) = top.order(scan.table).filter(|_| scan.is_all_asked(predicate, place)) else {
            return Ok(None);
        };
        let wanted = Wanted::First(order, top.rows);
        match unit.source.store.find(&self.folder_scan(unit, Fetch::default(), None), wanted).await {
            Ok(Some(Found::Uids(_, uids))) => Ok(uids),
            Ok(_) => Ok(None),
            Err(error) => Err(self.explained(error).await),
        }
    }

    /// The messages of a folder, as they are read for a scan: this one, or its narrow form.
    ///
    /// # Errors
    /// When the predicate names a column that the table does not have.
    pub fn chunks(&self, scan: &Scan, unit: &Unit) -> Result<Chunks> {
        let place = Place { account: &unit.source.account, folder: &unit.folder.path };
        let predicate = unit.predicate().unwrap_or(&scan.predicate);
        let phases = scan.phases(&current(predicate)?, Some(place));
        let then = if phases.sieve.is_empty() {
            None
        } else {
            let positions: Vec<usize> = scan.positions(&phases.sieve).into_iter().collect();
            let condition = Condition::new(scan.table, &positions, &phases.sieve)?;
            let account = Arc::clone(&unit.source.account);
            let sieve = RowSieve { rows: scan.table.rows, account, condition };
            Some((phases.rest, Arc::new(sieve) as Arc<dyn Sieve>))
        };
        Ok(unit.source.store.read(self.folder_scan(unit, phases.first, then)))
    }

    /// Some messages of a folder, all that is wanted of them at once.
    pub fn chosen(&self, unit: &Unit, uids: UidSet) -> Chunks {
        let first = self.scan.table.fetch(self.scan.columns());
        unit.source.store.read(FolderScan { key: SearchKey::Uid(uids), ..self.folder_scan(unit, first, None) })
    }

    /// How many rows of a folder are likely to be enough, the newest first.
    pub fn enough(&self) -> Option<usize> {
        let newest = self.scan.top.as_ref().filter(|top| top.is_newest_first(self.scan.table));
        self.scan.limit.or(newest.map(|top| top.rows))
    }

    fn folder_scan(&self, unit: &Unit, first: Fetch, then: Option<(Fetch, Arc<dyn Sieve>)>) -> FolderScan {
        FolderScan {
            folder: unit.folder.clone(),
            key: unit.key.clone(),
            first,
            then,
            likely_enough: self.enough(),
            statement: self.statement.clone(),
            meter: Arc::clone(&self.meter),
        }
    }
}
