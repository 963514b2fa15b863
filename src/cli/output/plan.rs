//! Plans of EXPLAIN, line by line as they are: a plan is a text of its own and no cell of a table.
//!
//! Only prints; whether a statement explains shows in the columns of its answer.

use std::io::{self, Write};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::util::display::array_value_to_string;

use super::neutral::neutral;

/// Tells whether rows of that schema are plans.
pub(super) fn is_plan(schema: &Schema) -> bool {
    schema.fields().iter().map(|field| field.name().as_str()).eq(["plan_type", "plan"])
}

/// Prints plans, each below what kind of plan it is.
pub(super) fn print(batch: &RecordBatch, out: &mut impl Write) -> io::Result<()> {
    let text = |column: usize, row| array_value_to_string(batch.column(column), row).map_err(io::Error::other);
    for row in 0..batch.num_rows() {
        writeln!(out, "{}", neutral(&text(0, row)?))?;
        for line in text(1, row)?.trim_end().lines() {
            writeln!(out, "  {}", neutral(line))?;
        }
    }
    out.flush()
}
