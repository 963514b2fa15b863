//! Formulas in what `COPY … TO` and `INSERT INTO` an external table write as CSV: DataFusion writes it, so the plan is
//! what is changed.
//!
//! What a formula is, and what becomes of it, is in [`super::formulas`].

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::Column;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::listing::ListingTable;
use datafusion::error::Result;
use datafusion::logical_expr::dml::{CopyTo, DmlStatement};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use super::formulas::{CsvFormulas, csv_formulas, plain_type, quoted_text};

/// Has COPY write text as text, where the session wants that.
#[derive(Debug)]
pub struct QuoteCopies;

impl AnalyzerRule for QuoteCopies {
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        if csv_formulas(config) == CsvFormulas::Keep {
            return Ok(plan);
        }
        let quote = ScalarUDF::from(Quote(Signature::any(1, Volatility::Immutable)));
        plan.transform_down(|node| match node {
            LogicalPlan::Copy(copy) if copy.file_type.get_ext() == "csv" => {
                let input = quoted(&copy.input, &copy.partition_by, &quote)?;
                Ok(Transformed::yes(LogicalPlan::Copy(CopyTo { input: Arc::new(input), ..copy })))
            }
            LogicalPlan::Dml(write) => match directories_of_csv(&write) {
                Some(directories) => {
                    let input = quoted(&write.input, &directories, &quote)?;
                    Ok(Transformed::yes(LogicalPlan::Dml(DmlStatement { input: Arc::new(input), ..write })))
                }
                None => Ok(Transformed::no(LogicalPlan::Dml(write))),
            },
            node => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "mail_csv_formulas"
    }
}

/// The columns that name directories of the CSV files that are written to; nothing where others are.
fn directories_of_csv(write: &DmlStatement) -> Option<Vec<String>> {
    let provider = source_as_provider(&write.target).ok()?;
    let options = provider.downcast_ref::<ListingTable>()?.options();
    let names = options.table_partition_cols.iter().map(|(name, _)| name.clone());
    (options.format.get_ext() == "csv").then(|| names.collect())
}

/// Rows with text as a spreadsheet leaves it; names of directories are no cells.
fn quoted(rows: &Arc<LogicalPlan>, directories: &[String], quote: &ScalarUDF) -> Result<LogicalPlan> {
    let columns = rows.schema().iter().map(|(table, field)| {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        let is_cell = plain_type(field.data_type()).is_some() && !directories.contains(field.name());
        if is_cell { quote.call(vec![column]).alias_qualified(table.cloned(), field.name()) } else { column }
    });
    LogicalPlanBuilder::from(Arc::clone(rows)).project(columns.collect::<Vec<_>>())?.build()
}

/// A function that nobody calls by its name.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Quote(Signature);

impl ScalarUDFImpl for Quote {
    fn name(&self) -> &'static str {
        "quoted_formulas"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [text] = arguments else { return datafusion::common::internal_err!("it takes one text") };
        Ok(plain_type(text).unwrap_or(text).clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = ColumnarValue::values_to_arrays(&arguments.args)?
            .try_into()
            .map_err(|_| datafusion::common::internal_datafusion_err!("it takes one text"))?;
        quoted_text(&text).map(ColumnarValue::Array)
    }
}
