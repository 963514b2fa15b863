//! Text that a spreadsheet would take for a formula: sent by anybody, and run by whoever opens the CSV.
//!
//! Only what somebody asked for ([`CsvFormulas::Quote`]) is changed here, and only where cells are text.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, LargeStringArray, RecordBatch, RecordBatchOptions, StringArray, StringViewArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt;

use super::Format;
use crate::table::settings::Settings;

pub use crate::table::settings::CsvFormulas;

/// What the session says of formulas.
pub fn csv_formulas(options: &ConfigOptions) -> CsvFormulas {
    options.extensions.get::<Settings>().map(|settings| settings.csv_formulas).unwrap_or_default()
}

/// The rows as they may be written in a format: with an apostrophe before what would be a formula, where that is wanted.
pub fn guarded(stream: SendableRecordBatchStream, format: Format, formulas: CsvFormulas) -> SendableRecordBatchStream {
    match (format, formulas) {
        (Format::Csv | Format::Tsv, CsvFormulas::Quote) => {
            let schema = plain(&stream.schema());
            let batches = {
                let schema = Arc::clone(&schema);
                stream.map(move |batch| quoted(&batch?, &schema))
            };
            Box::pin(RecordBatchStreamAdapter::new(schema, batches))
        }
        (Format::Csv | Format::Tsv, CsvFormulas::Keep)
        | (Format::Json | Format::Ndjson | Format::Markdown | Format::Parquet, _) => stream,
    }
}

/// The same columns, where text is not kept in a dictionary.
fn plain(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match plain_type(field.data_type()) {
        Some(text) if text != field.data_type() => Arc::new(Field::clone(field).with_data_type(text.clone())),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The type of text outside a dictionary; nothing for what is no text.
pub(super) fn plain_type(of: &DataType) -> Option<&DataType> {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(of),
        DataType::Dictionary(_, values) => plain_type(values),
        _ => None,
    }
}

fn quoted(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(quoted_text).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// A column with an apostrophe before each formula, in no dictionary; the same, if it is no text.
pub(super) fn quoted_text(column: &ArrayRef) -> Result<ArrayRef> {
    let Some(text) = plain_type(column.data_type()) else { return Ok(Arc::clone(column)) };
    let column = cast(column, text)?;
    Ok(match text {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>().iter().map(|text| text.map(guard));
            Arc::new(texts.collect::<StringArray>()) as ArrayRef
        }
        DataType::LargeUtf8 => {
            let texts = column.as_string::<i64>().iter().map(|text| text.map(guard));
            Arc::new(texts.collect::<LargeStringArray>())
        }
        _ => {
            let texts = column.as_string_view().iter().map(|text| text.map(guard));
            Arc::new(texts.collect::<StringViewArray>())
        }
    })
}

fn guard(text: &str) -> String {
    let quote = if text.starts_with(BEGINNINGS) { "'" } else { "" };
    format!("{quote}{text}")
}

/// What spreadsheets take for the beginning of a formula, and the blanks that they pass over before one.
const BEGINNINGS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{DictionaryArray, Int64Array};
    use datafusion::arrow::datatypes::Int32Type;

    use super::*;
    use crate::engine::export;

    fn rows() -> SendableRecordBatchStream {
        let texts = vec![Some("=1+1"), Some("+1"), Some("-1"), Some("@x"), Some("\tx"), Some("a=1"), Some("'"), None];
        let kinds: DictionaryArray<Int32Type> = vec![Some("=d"); 8].into_iter().collect();
        let columns: [(&str, ArrayRef); 4] = [
            ("view", Arc::new(StringViewArray::from(texts.clone()))),
            ("plain", Arc::new(StringArray::from(texts))),
            ("kind", Arc::new(kinds)),
            ("number", Arc::new(Int64Array::from(vec![-1; 8]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        Box::pin(RecordBatchStreamAdapter::new(batch.schema(), futures::stream::iter([Ok(batch)])))
    }

    async fn written(format: Format, formulas: CsvFormulas) -> String {
        let mut out = Vec::new();
        export::write(guarded(rows(), format, formulas), format, &mut out).await.unwrap();
        String::from_utf8(out).unwrap()
    }

    #[tokio::test]
    async fn text_that_would_be_a_formula_gets_an_apostrophe_and_numbers_stay_numbers() {
        let csv = written(Format::Csv, CsvFormulas::Quote).await;
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[1], "'=1+1,'=1+1,'=d,-1");
        assert_eq!(
            lines[2..7],
            ["'+1,'+1,'=d,-1", "'-1,'-1,'=d,-1", "'@x,'@x,'=d,-1", "'\tx,'\tx,'=d,-1", "a=1,a=1,'=d,-1"]
        );
        assert_eq!(lines[7..], ["',','=d,-1", ",,'=d,-1"]);
    }

    #[tokio::test]
    async fn nothing_is_changed_unless_it_is_wanted_nor_where_no_spreadsheet_reads_it() {
        assert!(written(Format::Csv, CsvFormulas::Keep).await.contains("\n=1+1,=1+1,=d,-1\n"));
        assert!(written(Format::Ndjson, CsvFormulas::Quote).await.contains("\"=1+1\""));
    }
}
