//! The first rows by some columns: which messages they are of, before anything else of those is read.
//!
//! Pure: [`super::lane`] reads. That these are the first rows, and in which order, the sort above the scan decides; here
//! it is only seen to that they are among what it gets.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::error::Result;

use super::Table;
use super::column::Search;
use crate::mail::store::{Order, OrderBy};
use crate::mail::{Uid, UidSet};

/// How many rows are wanted, and by which columns they are the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Top {
    /// How many rows.
    pub rows: usize,
    /// The columns, by position in the table, the most important first.
    pub keys: Vec<(usize, SortOptions)>,
}

impl Top {
    /// Whether the newest messages come first, in the order in which stores give them when few are enough.
    pub fn is_newest_first(&self, table: &Table) -> bool {
        self.keys.first().is_some_and(|(position, options)| {
            options.descending && table.columns().nth(*position).is_some_and(|column| column.search == Search::Uid)
        })
    }

    /// The order, where stores know it, too.
    pub fn order(&self, table: &Table) -> Option<Order> {
        let [(position, options)] = self.keys.as_slice() else { return None };
        let by = match table.columns().nth(*position)?.search {
            Search::ReceivedAt => OrderBy::ReceivedAt,
            Search::Size => OrderBy::Size,
            _ => return None,
        };
        Some(Order { by, descending: options.descending })
    }

    /// The positions of its columns.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        self.keys.iter().map(|(position, _)| *position)
    }
}

/// The first rows of those that were looked at so far.
pub struct Candidates {
    rows: usize,
    converter: RowConverter,
    /// Where in the batches its keys are, and the uid.
    keys: Vec<usize>,
    uid: usize,
    found: Vec<Candidate>,
}

/// A row, the folder it is in, by number, and its message.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    key: OwnedRow,
    folder: usize,
    uid: Uid,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        // Among equals, the newest.
        let place = |one: &Self| (one.folder, std::cmp::Reverse(one.uid));
        self.key.cmp(&other.key).then_with(|| place(self).cmp(&place(other)))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Candidates {
    /// None yet; batches have these columns of the table, by position.
    ///
    /// # Errors
    /// When a column cannot be compared.
    pub fn new(top: &Top, table: &Table, columns: &[usize]) -> Result<Self> {
        let all: Vec<_> = table.columns().collect();
        let fields = top
            .keys
            .iter()
            .map(|(position, options)| SortField::new_with_options(all[*position].data_type(), *options));
        let converter = RowConverter::new(fields.collect())?;
        let place = |wanted: usize| columns.iter().position(|column| *column == wanted).unwrap_or_default();
        let uid = all.iter().position(|column| column.search == Search::Uid).unwrap_or_default();
        Ok(Self {
            rows: top.rows,
            converter,
            keys: top.columns().map(place).collect(),
            uid: place(uid),
            found: Vec::new(),
        })
    }

    /// Looks at rows of a folder.
    ///
    /// # Errors
    /// When they cannot be compared.
    pub fn add(&mut self, folder: usize, batch: &RecordBatch) -> Result<()> {
        let keys: Vec<ArrayRef> = self.keys.iter().map(|key| ArrayRef::clone(batch.column(*key))).collect();
        let rows = self.converter.convert_columns(&keys)?;
        let uids = batch.column(self.uid).as_primitive::<Int64Type>();
        // Once there are enough, most are not among the first and need not be kept.
        let worst = self.found.last().filter(|_| self.found.len() >= self.rows).map(|one| one.key.clone());
        for (key, uid) in rows.iter().zip(uids.iter()) {
            let is_late = worst.as_ref().is_some_and(|worst| key > worst.row());
            let uid = uid.and_then(|uid| u32::try_from(uid).ok()).and_then(Uid::new);
            if let Some(uid) = uid.filter(|_| !is_late) {
                self.found.push(Candidate { key: key.owned(), folder, uid });
            }
        }
        self.found.sort_unstable();
        self.found.truncate(self.rows);
        Ok(())
    }

    /// The messages that the first rows are of, by folder.
    pub fn messages(self) -> BTreeMap<usize, UidSet> {
        let mut by_folder: BTreeMap<usize, Vec<Uid>> = BTreeMap::new();
        for candidate in self.found {
            by_folder.entry(candidate.folder).or_default().push(candidate.uid);
        }
        by_folder.into_iter().filter_map(|(folder, uids)| Some((folder, UidSet::of(uids)?))).collect()
    }
}
