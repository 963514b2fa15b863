//! Answers of a session as text, to be compared.

// Each test takes from it what it needs.
#![allow(dead_code)]

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

/// Rows as text, cells separated by bars, sorted.
pub fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let mut rows: Vec<String> = cells(batches).into_iter().map(|cells| cells.join("|")).collect();
    rows.sort();
    rows
}

/// The cells of each row as text, in the order in which rows come.
pub fn cells(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let cells: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            rows.push(cells.iter().map(|cell| cell.value(row).to_string()).collect());
        }
    }
    rows
}
