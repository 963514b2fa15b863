//! A long run of operators as one call: `a OR b OR c …`, and `a + b - c …`.
//!
//! As a tree it is as deep as it is long, and what walks a tree needs a stack of that depth. A call has its operands side by
//! side. It gives what the tree gives: the operators are taken from the left, each with the types and the rules that it has
//! in DataFusion. The planner makes such calls (`engine::chains`); nobody can write one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr, split_conjunction};

/// What a chain does with its operands.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Chain {
    links: Links,
    signature: Signature,
}

/// The operators of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Links {
    /// AND between all.
    All,
    /// OR between all.
    Any,
    /// These, one fewer than there are operands, from the left.
    Fold(Vec<Operator>),
}

impl Chain {
    /// A chain with these operators.
    pub fn new(links: Links) -> Self {
        Self { links, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// Its operators.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The call with these operands.
    pub fn call(links: Links, operands: Vec<Expr>) -> Expr {
        ScalarUDF::from(Self::new(links)).call(operands)
    }

    /// The operator before each operand but the first.
    fn operators(&self) -> Box<dyn Iterator<Item = Operator> + '_> {
        match &self.links {
            Links::All => Box::new(std::iter::repeat(Operator::And)),
            Links::Any => Box::new(std::iter::repeat(Operator::Or)),
            Links::Fold(operators) => Box::new(operators.iter().copied()),
        }
    }

    /// What comes out of operands of these types.
    fn result(&self, types: &[DataType]) -> Result<DataType> {
        let mut types = types.iter();
        let first = types.next().cloned().unwrap_or(DataType::Null);
        self.operators().zip(types).try_fold(first, |left, (operator, right)| {
            BinaryTypeCoercer::new(&left, &operator, right).get_result_type()
        })
    }

    /// The operands as written, with their operators between them.
    fn written(&self, operands: &[Expr], write: impl Fn(&mut String, &Expr) -> std::fmt::Result) -> Result<String> {
        let mut text = String::new();
        let operators = std::iter::once(None).chain(self.operators().map(Some));
        for (operator, operand) in operators.zip(operands) {
            if let Some(operator) = operator {
                write!(text, " {operator} ")?;
            }
            write(&mut text, operand)?;
        }
        Ok(text)
    }
}

impl ScalarUDFImpl for Chain {
    fn name(&self) -> &str {
        match self.links {
            Links::All => "and",
            Links::Any => "or",
            Links::Fold(_) => "chain",
        }
    }

    /// The names of columns are what they would be without chains.
    fn display_name(&self, operands: &[Expr]) -> Result<String> {
        self.written(operands, |text, operand| write!(text, "{operand}"))
    }

    fn schema_name(&self, operands: &[Expr]) -> Result<String> {
        self.written(operands, |text, operand| write!(text, "{}", operand.schema_name()))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.result(types)?;
        Ok(match self.links {
            Links::All | Links::Any => vec![DataType::Boolean; types.len()],
            Links::Fold(_) => types.to_vec(),
        })
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.result(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.result(&types)?, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut operands = args.args.into_iter();
        let first = operands.next().unwrap_or(ColumnarValue::Scalar(datafusion::common::ScalarValue::Null));
        self.operators()
            .zip(operands)
            .try_fold(first, |left, (operator, right)| taken(left, operator, right, args.number_rows))
    }
}

/// One step: what DataFusion's own expression gives for these two values.
fn taken(left: ColumnarValue, operator: Operator, right: ColumnarValue, rows: usize) -> Result<ColumnarValue> {
    let (left_type, right_type) = (left.data_type(), right.data_type());
    let (left_type, right_type) = BinaryTypeCoercer::new(&left_type, &operator, &right_type).get_input_types()?;
    let (mut fields, mut columns): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    let mut side = |value: ColumnarValue, data_type: &DataType| -> Result<Arc<dyn PhysicalExpr>> {
        Ok(match value.cast_to(data_type, None)? {
            ColumnarValue::Scalar(value) => Arc::new(Literal::new(value)),
            ColumnarValue::Array(array) => {
                fields.push(Field::new("operand", array.data_type().clone(), true));
                columns.push(array);
                Arc::new(Column::new("operand", columns.len() - 1))
            }
        })
    };
    let (left, right) = (side(left, &left_type)?, side(right, &right_type)?);
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
    BinaryExpr::new(left, operator, right).evaluate(&batch)
}

/// The operators and the operands of an expression that is a chain.
pub fn chain(expression: &Arc<dyn PhysicalExpr>) -> Option<(&Links, &[Arc<dyn PhysicalExpr>])> {
    let call = ScalarFunctionExpr::try_downcast_func::<Chain>(expression.as_ref())?;
    Some((call.fun().inner().downcast_ref::<Chain>()?.links(), call.args()))
}

/// The conditions that must all hold for a predicate to hold.
///
/// Those of a chain that are over the same columns stay together: which columns a condition needs decides when it is
/// checked.
pub fn conditions(predicate: &Arc<dyn PhysicalExpr>) -> Vec<Arc<dyn PhysicalExpr>> {
    let mut conditions = Vec::new();
    for condition in split_conjunction(predicate) {
        let Some((Links::All, operands)) = chain(condition) else {
            conditions.push(Arc::clone(condition));
            continue;
        };
        let mut groups: BTreeMap<BTreeSet<usize>, Vec<Arc<dyn PhysicalExpr>>> = BTreeMap::new();
        for operand in operands {
            let columns = collect_columns(operand).into_iter().map(|column| column.index()).collect();
            groups.entry(columns).or_default().push(Arc::clone(operand));
        }
        conditions.extend(groups.into_values().map(all));
    }
    conditions
}

/// That all of these hold.
fn all(mut operands: Vec<Arc<dyn PhysicalExpr>>) -> Arc<dyn PhysicalExpr> {
    match operands.pop() {
        Some(only) if operands.is_empty() => return only,
        last => operands.extend(last),
    }
    let function = Arc::new(ScalarUDF::from(Chain::new(Links::All)));
    let field = Arc::new(Field::new("and", DataType::Boolean, true));
    Arc::new(ScalarFunctionExpr::new("and", function, operands, field, Arc::new(ConfigOptions::default())))
}
