//! Conditions over rows: where a predicate is true, before there is a record batch of its table.
//!
//! Evaluates with DataFusion's own expressions; knows no store and no plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{Array, BooleanArray, RecordBatch};
use datafusion::arrow::compute::{filter_record_batch, prep_null_mask_filter};
use datafusion::common::cast::as_boolean_array;
use datafusion::error::Result;
use datafusion::physical_expr::utils::reassign_expr_columns;
use datafusion::physical_expr::{PhysicalExpr, conjunction_opt, split_conjunction};
use datafusion::physical_expr_common::physical_expr::snapshot_physical_expr;

use super::batch::{Selection, with_rows};
use super::column::Row;
use super::{Rows, Table};
use crate::mail::{Folder, Message, PartNumber, Sieve};

/// Conditions that must all hold, over some columns of a table.
pub struct Condition {
    selection: Selection,
    predicate: Option<Arc<dyn PhysicalExpr>>,
}

impl Condition {
    /// The conditions over the columns at these positions, which must be all that they name.
    ///
    /// # Errors
    /// When they name another column.
    pub fn new(table: &Table, positions: &[usize], predicates: &[Arc<dyn PhysicalExpr>]) -> Result<Self> {
        let selection = Selection::of(table, positions);
        let predicate = conjunction_opt(predicates.iter().cloned());
        let predicate = predicate.map(|predicate| reassign_expr_columns(predicate, selection.schema())).transpose()?;
        Ok(Self { selection, predicate })
    }

    /// Of each row, whether they hold; null counts as no.
    ///
    /// # Errors
    /// When the evaluation fails.
    pub fn mask(&self, rows: &[Row<'_>]) -> Result<BooleanArray> {
        match &self.predicate {
            Some(predicate) => mask(predicate, &self.selection.batch(rows)?),
            None => Ok(BooleanArray::from(vec![true; rows.len()])),
        }
    }

    /// The rows for which they hold, with the columns that they are over.
    ///
    /// # Errors
    /// When the evaluation fails.
    pub fn passed(&self, rows: &[Row<'_>]) -> Result<RecordBatch> {
        let batch = self.selection.batch(rows)?;
        match &self.predicate {
            Some(predicate) => Ok(filter_record_batch(&batch, &mask(predicate, &batch)?)?),
            None => Ok(batch),
        }
    }
}

/// Lets a message pass when the conditions hold for one of its rows.
pub struct RowSieve {
    /// What there is one row for.
    pub rows: Rows,
    /// The account's name.
    pub account: Arc<str>,
    /// The conditions.
    pub condition: Condition,
}

impl Sieve for RowSieve {
    fn passes(&self, folder: &Folder, messages: &mut [Message]) -> crate::error::Result<Vec<bool>> {
        let number = messages.len();
        let (passes, wanted) = with_rows(self.rows, &self.account, folder, messages, |rows, owners| {
            let mask = self.condition.mask(rows)?;
            let mut passes = vec![false; number];
            let mut wanted: BTreeMap<usize, BTreeSet<PartNumber>> = BTreeMap::new();
            for (position, owner) in owners.iter().enumerate().filter(|(position, _)| mask.value(*position)) {
                passes[*owner] = true;
                if let Some(part) = rows[position].attachment().and_then(|attachment| attachment.part.number.clone()) {
                    wanted.entry(*owner).or_default().insert(part);
                }
            }
            Ok::<_, crate::error::Error>((passes, wanted))
        })?;
        for (owner, parts) in wanted {
            messages[owner].wanted_attachments = Some(parts);
        }
        Ok(passes)
    }
}

/// The conditions as they are by now: those of joins with the keys that the other side has.
///
/// # Errors
/// When a filter of a join cannot be read.
pub fn current(predicate: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<Arc<dyn PhysicalExpr>>> {
    let mut conditions = Vec::new();
    for condition in predicate {
        let condition = snapshot_physical_expr(Arc::clone(condition))?;
        conditions.extend(split_conjunction(&condition).into_iter().cloned());
    }
    Ok(conditions)
}

fn mask(predicate: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    let array = predicate.evaluate(batch)?.into_array(batch.num_rows())?;
    let mask = as_boolean_array(&array)?;
    Ok(if mask.null_count() > 0 { prep_null_mask_filter(mask) } else { mask.clone() })
}
