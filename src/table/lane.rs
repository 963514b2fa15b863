//! A lane: reads folder after folder of a run and gives record batches.
//!
//! Holds what is being read and nothing else; which folders there are, [`super::read`] knows.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::Result;
use futures::stream::{BoxStream, TryStreamExt};

use super::Rows;
use super::batch::{Selection, with_rows};
use super::condition::Condition;
use super::folder;
use super::read::{Reading, Unit};
use super::top::Candidates;
use crate::error::{Error, ErrorKind};
use crate::mail::store::Found;
use crate::mail::{Message, Uid, UidSet, UidValidity};

/// One lane of a run.
pub struct Lane {
    reading: Arc<Reading>,
    /// How many rows it may still give.
    left: Option<usize>,
    /// The whole predicate, over all columns that it or the answer needs.
    condition: Condition,
    /// The columns of the answer, by position among those.
    projection: Vec<usize>,
    folders_are_read: bool,
    batches: VecDeque<RecordBatch>,
    current: Option<Current>,
    /// The first rows, where they must be found out before they are read.
    top: Option<Finding>,
}

/// The messages of a folder, as they are read.
pub type Chunks = BoxStream<'static, crate::error::Result<Vec<Message>>>;

/// The folder that is being read.
struct Current {
    unit: Arc<Unit>,
    /// The predicate in this folder, where it is not the same in all of them.
    condition: Option<Condition>,
    chunks: Chunks,
    /// Rows that it gave.
    rows: usize,
    /// Messages that it gave.
    messages: usize,
    /// The messages that it was asked for, where they are the ones of the first rows, and the number of the folder.
    chosen: Option<(usize, UidSet)>,
}

/// The search for the first rows, among all folders of a lane.
#[derive(Default)]
struct Finding {
    units: Vec<Arc<Unit>>,
    /// The messages that they are of, by folder, which are still to be read.
    chosen: VecDeque<(usize, UidSet)>,
    /// The messages that were read, by folder.
    given: BTreeMap<usize, UidSet>,
    /// How many of them were no longer there, or no longer what they were.
    lost: u64,
    rounds: usize,
}

impl Finding {
    /// Finds out which messages the first rows are of, of those that were not read yet.
    async fn find(&mut self, reading: &Reading) -> Result<()> {
        let scan = reading.scan();
        let (Some(narrow), Some(top)) = (scan.narrow(), &scan.top) else { return Ok(()) };
        self.lost = 0;
        self.rounds += 1;
        if self.rounds > ROUNDS {
            let error = Error::new(ErrorKind::Mail, "messages change or vanish faster than they are read");
            return Err(error.hint("ask again").into());
        }
        let columns = narrow.columns();
        let mut candidates = Candidates::new(top, narrow.table, &columns)?;
        for number in 0.. {
            if number == self.units.len() {
                let Some(unit) = reading.next_unit().await? else { break };
                self.units.push(Arc::new(unit));
                reading.meter.folders_done.add(1);
            }
            let unit = &self.units[number];
            if self.rounds == 1
                && let Some(uids) = reading.first(unit).await?
            {
                self.chosen.push_back((number, uids));
                continue;
            }
            let predicate = unit.predicate().unwrap_or(&narrow.predicate);
            let condition = Condition::new(narrow.table, &columns, predicate)?;
            let mut chunks = reading.chunks(&narrow, unit)?;
            loop {
                let mut messages = match chunks.try_next().await {
                    Err(error) => {
                        reading.without(unit, error).await?;
                        break;
                    }
                    Ok(None) => break,
                    Ok(Some(messages)) => messages,
                };
                if let Some(given) = self.given.get(&number) {
                    messages.retain(|message| !given.contains(message.uid));
                }
                let batch = with_rows(narrow.table.rows, &unit.source.account, &unit.folder, &messages, |rows, _| {
                    condition.passed(rows)
                })?;
                candidates.add(number, &batch)?;
            }
        }
        self.chosen.extend(candidates.messages());
        Ok(())
    }
}

impl Lane {
    /// A lane that has not begun.
    ///
    /// # Errors
    /// When the predicate names a column that the table does not have.
    pub fn new(reading: Arc<Reading>) -> Result<Self> {
        let scan = reading.scan();
        let columns = scan.columns();
        let condition = Condition::new(scan.table, &columns, &scan.predicate)?;
        let position = |wanted: &usize| columns.iter().position(|column| column == wanted);
        let projection = scan.projection.iter().filter_map(position).collect();
        let left = scan.limit;
        let top = scan.narrow().map(|_| Finding::default());
        let batches = VecDeque::new();
        Ok(Self { reading, left, condition, projection, folders_are_read: false, batches, current: None, top })
    }

    /// The next batch, of at most so many rows; nothing when there are no more.
    ///
    /// # Errors
    /// When a store cannot be read, or the predicate fails.
    pub async fn next(&mut self, batch_size: usize) -> Result<Option<RecordBatch>> {
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
            let is_done = if self.reading.scan().table.rows == Rows::Folder {
                self.read_folders(batch_size).await?
            } else if let Some(current) = self.current.take() {
                self.read_on(current, batch_size).await?;
                false
            } else if let Some(finding) = self.top.take() {
                self.begin_first_rows(finding).await?
            } else {
                self.begin_folder(batch_size).await?
            };
            if is_done {
                return Ok(None);
            }
        }
    }

    /// Begins the next folder; whether there is none.
    async fn begin_folder(&mut self, batch_size: usize) -> Result<bool> {
        let Some(unit) = self.reading.next_unit().await? else { return Ok(true) };
        match self.reading.found(&unit).await? {
            Some(Found::Number(number)) => self.queue_count(&unit, number, batch_size)?,
            Some(Found::Uids(validity, uids)) => self.queue_uids(&unit, validity, uids.as_ref(), batch_size)?,
            None => {
                let chunks = self.reading.chunks(self.reading.scan(), &unit)?;
                self.current = Some(self.current(Arc::new(unit), chunks, None)?);
            }
        }
        Ok(false)
    }

    fn current(&self, unit: Arc<Unit>, chunks: Chunks, chosen: Option<(usize, UidSet)>) -> Result<Current> {
        let scan = self.reading.scan();
        let condition = unit.predicate().map(|predicate| Condition::new(scan.table, &scan.columns(), predicate));
        Ok(Current { unit, condition: condition.transpose()?, chunks, rows: 0, messages: 0, chosen })
    }

    /// Takes what comes next of a folder.
    async fn read_on(&mut self, mut current: Current, batch_size: usize) -> Result<()> {
        let messages = match current.chunks.try_next().await {
            Err(error) if current.messages > 0 => return Err(self.reading.explained(error).await),
            Err(error) => {
                self.reading.without(&current.unit, error).await?;
                None
            }
            Ok(messages) => messages,
        };
        if let Some(messages) = &messages {
            current.rows += self.queue_rows(&current, messages, batch_size)?;
            current.messages += messages.len();
        }
        // The newest come first, so that those which come later are not wanted.
        let is_enough = current.chosen.is_none()
            && self.reading.scan().top.is_some()
            && self.reading.enough().is_some_and(|rows| current.rows >= rows);
        if messages.is_some() && !is_enough {
            self.current = Some(current);
        } else if let Some(finding) = &mut self.top
            && let Some((number, uids)) = current.chosen
        {
            let is_of_messages = self.reading.scan().table.rows == Rows::Message;
            let came = if is_of_messages { current.rows } else { current.messages };
            finding.lost += uids.count().saturating_sub(came as u64);
            let given = finding.given.remove(&number).map_or(uids.clone(), |given| given.union(&uids));
            finding.given.insert(number, given);
        } else {
            self.reading.meter.folders_done.add(1);
        }
        Ok(())
    }

    /// Begins the next folder with messages of the first rows, which are found out first; whether there is none.
    async fn begin_first_rows(&mut self, mut finding: Finding) -> Result<bool> {
        if finding.chosen.is_empty() && (finding.rounds == 0 || finding.lost > 0) {
            finding.find(&self.reading).await?;
        }
        let next = finding.chosen.pop_front();
        if let Some((number, uids)) = &next {
            let unit = Arc::clone(&finding.units[*number]);
            let chunks = self.reading.chosen(&unit, uids.clone());
            self.current = Some(self.current(unit, chunks, next.clone())?);
        }
        self.top = Some(finding);
        Ok(next.is_none())
    }

    /// Reads the rows of a table of folders, all at once; whether that was done before.
    async fn read_folders(&mut self, batch_size: usize) -> Result<bool> {
        if !self.folders_are_read {
            let scan = self.reading.scan();
            let names: Vec<&str> = scan.table.columns().map(|column| column.name).collect();
            let status = folder::status(scan.columns().into_iter().map(|position| names[position]));
            let found = self.reading.folders(status).await?;
            let rows: Vec<_> = found.iter().map(|(source, folder)| folder::row(&source.account, folder)).collect();
            let batch = self.condition.passed(&rows)?;
            self.queue(&batch, batch_size)?;
        }
        Ok(std::mem::replace(&mut self.folders_are_read, true))
    }

    /// Rows that are nothing but many: each tells its account and folder at most.
    fn queue_count(&mut self, unit: &Unit, number: u64, batch_size: usize) -> Result<()> {
        self.reading.meter.folders_done.add(1);
        let scan = self.reading.scan();
        let selection = Selection::of(scan.table, &scan.projection);
        let mut left = usize::try_from(number).unwrap_or(usize::MAX).min(self.left.unwrap_or(usize::MAX));
        let size = left.min(batch_size.max(1));
        let whole = selection.batch(&vec![folder::row(&unit.source.account, &unit.folder); size])?;
        while left > 0 {
            let batch = whole.slice(0, size.min(left));
            left -= batch.num_rows();
            self.batches.push_back(batch);
        }
        Ok(())
    }

    /// Rows that are no more than uids, the newest first.
    fn queue_uids(
        &mut self,
        unit: &Unit,
        validity: UidValidity,
        uids: Option<&UidSet>,
        batch_size: usize,
    ) -> Result<()> {
        self.reading.meter.folders_done.add(1);
        let scan = self.reading.scan();
        let selection = Selection::of(scan.table, &scan.projection);
        let newest_first = uids.into_iter().flat_map(|uids| uids.ranges().iter().rev());
        let numbers = newest_first.flat_map(|(low, high)| (low.number()..=high.number()).rev());
        let mut messages = numbers.filter_map(Uid::new).map(|uid| Message::new(uid, validity));
        let mut left = self.left.unwrap_or(usize::MAX);
        loop {
            let some: Vec<Message> = messages.by_ref().take(left.min(batch_size.max(1))).collect();
            if some.is_empty() {
                return Ok(());
            }
            left -= some.len();
            let batch =
                with_rows(scan.table.rows, &unit.source.account, &unit.folder, &some, |rows, _| selection.batch(rows))?;
            self.batches.push_back(batch);
        }
    }

    /// The rows of messages for which the predicate holds; how many they are.
    fn queue_rows(&mut self, of: &Current, messages: &[Message], batch_size: usize) -> Result<usize> {
        let rows = self.reading.scan().table.rows;
        let condition = of.condition.as_ref().unwrap_or(&self.condition);
        let unit = &of.unit;
        let batch = with_rows(rows, &unit.source.account, &unit.folder, messages, |rows, _| condition.passed(rows))?;
        self.queue(&batch, batch_size)?;
        Ok(batch.num_rows())
    }

    fn queue(&mut self, batch: &RecordBatch, batch_size: usize) -> Result<()> {
        let batch = batch.project(&self.projection)?;
        let size = batch_size.max(1);
        for start in (0..batch.num_rows()).step_by(size) {
            self.batches.push_back(batch.slice(start, size.min(batch.num_rows() - start)));
        }
        Ok(())
    }
}

/// How often it is looked which rows are the first, when those that were it are gone.
const ROUNDS: usize = 3;
