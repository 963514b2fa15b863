//! A lane: reads folder after folder of a run and gives record batches.
//!
//! Holds what is being read and nothing else; which folders there are, [`super::read`] knows.

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::Result;
use futures::stream::{BoxStream, TryStreamExt};

use super::Rows;
use super::batch::with_rows;
use super::condition::Condition;
use super::folder;
use super::read::{Reading, Unit};
use crate::mail::Message;

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
    chunks: Option<(Unit, Chunks)>,
    /// The predicate in the folder that is being read, where it is not the same in all of them.
    condition_here: Option<Condition>,
}

/// The messages of a folder, as they are read.
pub type Chunks = BoxStream<'static, crate::error::Result<Vec<Message>>>;

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
        let batches = VecDeque::new();
        Ok(Self {
            reading,
            left,
            condition,
            projection,
            folders_are_read: false,
            batches,
            chunks: None,
            condition_here: None,
        })
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
            if self.reading.scan().table.rows == Rows::Folder {
                if self.folders_are_read {
                    return Ok(None);
                }
                let batch = self.folders().await?;
                self.folders_are_read = true;
                self.queue(&batch, batch_size)?;
                continue;
            }
            let Some((unit, chunks)) = &mut self.chunks else {
                let Some(unit) = self.reading.next_unit().await? else { return Ok(None) };
                let chunks = self.reading.chunks(&unit)?;
                let scan = self.reading.scan();
                let here = unit.predicate().map(|predicate| Condition::new(scan.table, &scan.columns(), predicate));
                self.condition_here = here.transpose()?;
                self.chunks = Some((unit, chunks));
                continue;
            };
            match chunks.try_next().await {
                Err(error) => return Err(self.reading.explained(error).await),
                Ok(Some(messages)) => {
                    let rows = self.reading.scan().table.rows;
                    let condition = self.condition_here.as_ref().unwrap_or(&self.condition);
                    let batch = with_rows(rows, &unit.source.account, &unit.folder, &messages, |rows, _| {
                        condition.passed(rows)
                    })?;
                    self.queue(&batch, batch_size)?;
                }
                Ok(None) => {
                    self.reading.meter.folders_done.add(1);
                    self.chunks = None;
                }
            }
        }
    }

    /// The rows of a table of folders: all of them are read at once.
    async fn folders(&mut self) -> Result<RecordBatch> {
        let scan = self.reading.scan();
        let names: Vec<&str> = scan.table.columns().map(|column| column.name).collect();
        let status = folder::status(scan.columns().into_iter().map(|position| names[position]));
        let found = self.reading.folders(status).await?;
        let rows: Vec<_> = found.iter().map(|(source, folder)| folder::row(&source.account, folder)).collect();
        self.condition.passed(&rows)
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
