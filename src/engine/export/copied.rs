//! Formulas in what `COPY … TO` writes as CSV: DataFusion writes it, so the plan is what is changed.
//!
//! What a formula is, and what becomes of it, is in [`super::formulas`].

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::dml::CopyTo;
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
                let input = quoted(&copy, &quote)?;
                Ok(Transformed::yes(LogicalPlan::Copy(CopyTo { input: Arc::new(input), ..copy })))
            }
            node => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "mail_csv_formulas"
    }
}

/// The rows of a COPY, with text as a spreadsheet leaves it; names of directories are no cells.
fn quoted(copy: &CopyTo, quote: &ScalarUDF) -> Result<LogicalPlan> {
    let columns = copy.input.schema().iter().map(|(table, field)| {
        let column = Expr::Column(Column::new(table.cloned(), field.name()));
        let is_cell = plain_type(field.data_type()).is_some() && !copy.partition_by.contains(field.name());
        if is_cell { quote.call(vec![column]).alias_qualified(table.cloned(), field.name()) } else { column }
    });
    LogicalPlanBuilder::from(Arc::clone(&copy.input)).project(columns.collect::<Vec<_>>())?.build()
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
