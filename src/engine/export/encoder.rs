//! The forms themselves: one encoder over the writers of Arrow and Parquet, and Markdown.
//!
//! It only turns batches into bytes; where they go, and what a failure leaves behind, is `super`'s matter.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::csv;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::DataFusionError;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::schema::types::ColumnPath;

use super::{Format, is_unseen};
use crate::error::{Error, Result};

/// Turns batches into one of the formats.
pub(super) struct Encoder<W: Write + Send> {
    schema: SchemaRef,
    form: Form<W>,
}

enum Form<W: Write + Send> {
    Separated(Box<csv::Writer<W>>),
    Array(json::ArrayWriter<W>),
    Lines(json::LineDelimitedWriter<W>),
    Markdown(W),
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> Encoder<W> {
    /// Starts the output; headers are written even when no row follows.
    pub(super) fn new(format: Format, schema: &SchemaRef, mut out: W) -> Result<Self> {
        let plain = Arc::new(Schema::new(schema.fields().iter().map(flattened).collect::<Vec<_>>()));
        Ok(match format {
            Format::Csv | Format::Tsv => {
                let delimiter = if format == Format::Csv { b',' } else { b'\t' };
                let mut writer = csv::WriterBuilder::new().with_delimiter(delimiter).build(out);
                writer.write(&RecordBatch::new_empty(Arc::clone(&plain))).map_err(from_arrow)?;
                Self { schema: plain, form: Form::Separated(Box::new(writer)) }
            }
            Format::Json => {
                let writer = json::WriterBuilder::new().with_explicit_nulls(true).build(out);
                Self { schema: distinct(schema), form: Form::Array(writer) }
            }
            Format::Ndjson => {
                let writer = json::WriterBuilder::new().with_explicit_nulls(true).build(out);
                Self { schema: distinct(schema), form: Form::Lines(writer) }
            }
            Format::Markdown => {
                write_markdown_head(schema, &mut out)?;
                Self { schema: Arc::clone(schema), form: Form::Markdown(out) }
            }
            Format::Parquet => {
                let schema = distinct(schema);
                let codec = Compression::ZSTD(ZstdLevel::default());
                let mut properties = WriterProperties::builder().set_compression(codec);
                for field in schema.fields().iter().filter(|field| field.data_type() == &DataType::BinaryView) {
                    // No two mails are the same, and nobody looks for the smallest.
                    let column = ColumnPath::new(vec![field.name().clone()]);
                    properties = properties
                        .set_column_dictionary_enabled(column.clone(), false)
                        .set_column_statistics_enabled(column, EnabledStatistics::None);
                }
                let properties = properties.build();
                let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties));
                Self { schema, form: Form::Parquet(Box::new(writer.map_err(from_parquet)?)) }
            }
        })
    }

    /// Writes one batch.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.form {
            Form::Separated(writer) => {
                let columns = batch.columns().iter().map(as_plain).collect::<Result<Vec<_>>>()?;
                writer.write(&renamed(&self.schema, columns, batch)?).map_err(from_arrow)
            }
            Form::Array(writer) => {
                writer.write(&renamed(&self.schema, batch.columns().to_vec(), batch)?).map_err(from_arrow)
            }
            Form::Lines(writer) => {
                writer.write(&renamed(&self.schema, batch.columns().to_vec(), batch)?).map_err(from_arrow)?;
                writer.get_mut().flush().map_err(write_failed)
            }
            Form::Markdown(out) => write_markdown_rows(batch, out),
            Form::Parquet(writer) => {
                writer.write(&renamed(&self.schema, batch.columns().to_vec(), batch)?).map_err(from_parquet)?;
                // A row group is held in memory until it is written: bounded by bytes, for mail comes in all sizes.
                if writer.in_progress_size() > ROW_GROUP_BYTES { writer.flush().map_err(from_parquet) } else { Ok(()) }
            }
        }
    }

    /// Writes what ends the output.
    pub(super) fn finish(self) -> Result<()> {
        match self.form {
            Form::Separated(_) | Form::Markdown(_) => Ok(()),
            Form::Array(mut writer) => {
                writer.finish().map_err(from_arrow)?;
                writer.get_mut().write_all(b"\n").map_err(write_failed)
            }
            Form::Lines(mut writer) => writer.finish().map_err(from_arrow),
            Form::Parquet(writer) => writer.close().map(drop).map_err(from_parquet),
        }
    }
}

/// A column that fits into one cell of text: what is nested is shown as text.
fn flattened(field: &Arc<Field>) -> Arc<Field> {
    if field.data_type().is_nested() {
        Arc::new(Field::new(field.name(), DataType::Utf8, true))
    } else {
        Arc::clone(field)
    }
}

fn as_plain(column: &ArrayRef) -> Result<ArrayRef> {
    if !column.data_type().is_nested() {
        return Ok(Arc::clone(column));
    }
    let options = FormatOptions::default();
    let texts = ArrayFormatter::try_new(column, &options).map_err(from_arrow)?;
    let text = |row| if column.is_null(row) { Ok(None) } else { texts.value(row).try_to_string().map(Some) };
    let texts = (0..column.len()).map(text).collect::<Result<StringArray, ArrowError>>().map_err(from_arrow)?;
    Ok(Arc::new(texts))
}

/// The same columns, none of which hides another in an object.
fn distinct(schema: &SchemaRef) -> SchemaRef {
    let written = schema.fields().iter().map(|field| field.name().clone()).collect::<HashSet<_>>();
    if written.len() == schema.fields().len() {
        return Arc::clone(schema);
    }
    let mut taken = HashSet::new();
    let fields = schema.fields().iter().map(|field| {
        let mut name = field.name().clone();
        let mut number = 1;
        while taken.contains(&name) || (number > 1 && written.contains(&name)) {
            number += 1;
            name = format!("{}_{number}", field.name());
        }
        taken.insert(name.clone());
        Arc::new(field.as_ref().clone().with_name(name))
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn renamed(schema: &SchemaRef, columns: Vec<ArrayRef>, batch: &RecordBatch) -> Result<RecordBatch> {
    let options = datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(from_arrow)
}

fn write_markdown_head(schema: &SchemaRef, out: &mut impl Write) -> Result<()> {
    let mut head = String::from("|");
    let mut rule = String::from("|");
    for field in schema.fields() {
        head.push(' ');
        push_markdown(&mut head, field.name());
        head.push_str(" |");
        rule.push_str(if field.data_type().is_numeric() { " ---: |" } else { " --- |" });
    }
    writeln!(out, "{head}\n{rule}").map_err(write_failed)
}

fn write_markdown_rows(batch: &RecordBatch, out: &mut impl Write) -> Result<()> {
    let options = FormatOptions::default();
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
    let columns = columns.collect::<Result<Vec<_>, _>>().map_err(from_arrow)?;
    let mut line = String::new();
    for row in 0..batch.num_rows() {
        line.clear();
        line.push('|');
        for column in &columns {
            line.push(' ');
            push_markdown(&mut line, &column.value(row).try_to_string().map_err(from_arrow)?);
            line.push_str(" |");
        }
        line.push('\n');
        out.write_all(line.as_bytes()).map_err(write_failed)?;
    }
    out.flush().map_err(write_failed)
}

/// Text stays text: what Markdown or HTML would read as markup is escaped, a line end stays one.
fn push_markdown(line: &mut String, text: &str) {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => line.push_str("<br>"),
            '\t' => line.push(' '),
            '\\' | '|' | '`' | '*' | '[' | ']' | '~' => {
                line.push('\\');
                line.push(character);
            }
            '&' => line.push_str("&amp;"),
            '<' => line.push_str("&lt;"),
            '>' => line.push_str("&gt;"),
            // The joiners and selectors belong to the spelling of some scripts.
            '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}' => line.push(character),
            unseen if is_unseen(unseen) => line.push(char::REPLACEMENT_CHARACTER),
            seen => line.push(seen),
        }
    }
}

fn from_arrow(error: ArrowError) -> Error {
    Error::from(DataFusionError::from(error))
}

fn from_parquet(error: datafusion::parquet::errors::ParquetError) -> Error {
    Error::from(DataFusionError::from(error))
}

fn write_failed(error: std::io::Error) -> Error {
    Error::io("cannot write", error)
}

/// Encoded bytes held before a row group is written.
const ROW_GROUP_BYTES: usize = 8 << 20;
