//! The rows of `attach_query`, as a file to attach.
//!
//! All of them are held in memory, up to a bound; the forms are those of [`crate::engine::export`], and an HTML table.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;
use datafusion::arrow::array::{Array, ArrayData, RecordBatch};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::memory::MemoryStream;
use futures::StreamExt;

use crate::engine::export::{self, CsvFormulas, Format};
use crate::error::{Error, ErrorKind, Result};

/// The rows that are attached.
#[derive(Debug)]
pub(super) struct Attached {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    formulas: CsvFormulas,
    /// What was made of them already.
    files: Vec<(Form, Bytes)>,
}

/// The form of a file of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One of those that answers are exported in.
    Exported(Format),
    /// A page with a table.
    Html,
}

impl Form {
    /// The one that the ending of a file name says.
    ///
    /// # Errors
    /// It says none.
    pub(super) fn of(name: &str) -> Result<Self> {
        let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase());
        if ending.as_deref().is_some_and(|ending| ending == "html" || ending == "htm") {
            return Ok(Self::Html);
        }
        ending.as_deref().and_then(Format::named).map(Self::Exported).ok_or_else(|| {
            Error::new(ErrorKind::Query, format!("attach_as => '{name}' does not say the form of the file"))
                .hint("end it in .csv, .tsv, .json, .ndjson, .parquet, .md or .html")
        })
    }
}

impl Attached {
    /// Reads all rows.
    ///
    /// # Errors
    /// The query fails, or its rows are too many to be mailed.
    pub(super) async fn read(mut rows: SendableRecordBatchStream, formulas: CsvFormulas) -> Result<Self> {
        let (schema, mut batches) = (rows.schema(), Vec::new());
        let (mut octets, mut counted) = (0, HashSet::new());
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            for column in batch.columns() {
                octets += octets_of(&column.to_data(), &mut counted);
            }
            if octets > OCTETS {
                let message = format!("the rows of attach_query take more than {} MB", OCTETS >> 20);
                return Err(Error::new(ErrorKind::Query, message).hint(
                    "no server takes mail of that size; write them into a file with COPY, and send a word where it is",
                ));
            }
            if batch.num_rows() > 0 {
                batches.push(batch);
            }
        }
        Ok(Self { schema, batches, formulas, files: Vec::new() })
    }

    /// Whether there are no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The rows in a form; made once.
    ///
    /// # Errors
    /// They cannot be written so.
    pub(super) async fn file(&mut self, form: Form) -> Result<Bytes> {
        if let Some((_, file)) = self.files.iter().find(|(known, _)| *known == form) {
            return Ok(file.clone());
        }
        let file: Bytes = match form {
            Form::Html => self.html()?.into(),
            Form::Exported(format) => {
                let stream = MemoryStream::try_new(self.batches.clone(), self.schema.clone(), None)?;
                let mut file = Vec::new();
                let stream = export::guarded(Box::pin(stream), format, self.formulas);
                export::write(stream, format, &mut file).await?;
                file.into()
            }
        };
        self.files.push((form, file.clone()));
        Ok(file)
    }

    /// A page with one table, which needs nothing from elsewhere.
    fn html(&self) -> Result<String> {
        let failed = |error| Error::from(DataFusionError::from(error));
        let options = FormatOptions::default();
        let mut page = HEAD.to_owned();
        for field in self.schema.fields() {
            page.push_str("<th>");
            push_escaped(&mut page, field.name());
        }
        page.push('\n');
        for batch in &self.batches {
            let columns = batch.columns().iter().map(|column| {
                let class = if column.data_type().is_numeric() { "<td class=\"n\">" } else { "<td>" };
                Ok((ArrayFormatter::try_new(column, &options).map_err(failed)?, class))
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            for row in 0..batch.num_rows() {
                page.push_str("<tr>");
                for (column, class) in &columns {
                    page.push_str(class);
                    push_escaped(&mut page, &column.value(row).try_to_string().map_err(failed)?);
                }
                page.push('\n');
            }
        }
        page.push_str("</table>\n");
        Ok(page)
    }
}

/// The octets of a column that were not counted before: batches share buffers.
fn octets_of(column: &ArrayData, counted: &mut HashSet<usize>) -> usize {
    let own = column.buffers().iter().filter(|buffer| counted.insert(buffer.data_ptr().as_ptr().addr()));
    let own: usize = own.map(Buffer::capacity).sum();
    own + column.child_data().iter().map(|child| octets_of(child, counted)).sum::<usize>()
}

fn push_escaped(page: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\n' => page.push_str("<br>"),
            unseen if unseen.is_control() => {}
            letter => {
                // Writing to a String never fails.
                let _ = page.write_char(letter);
            }
        }
    }
}

const HEAD: &str = "<!DOCTYPE html>
<meta charset=\"utf-8\">
<style>table{border-collapse:collapse;font:14px sans-serif}th,td{border:1px solid #ccc;padding:2px 8px;text-align:left;vertical-align:top}.n{text-align:right}</style>
<table>
<tr>";

/// Octets of rows in memory.
const OCTETS: usize = 256 << 20;
