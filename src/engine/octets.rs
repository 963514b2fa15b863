//! `length`, `octet_length` and `bit_length` of binary values, such as a message as it is: DataFusion's take text only.
//!
//! The session's own functions still do what they did; these take binary values beside that.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::compute::kernels::length::length;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{Coercion, TypeSignatureClass};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;

/// The functions of a session, with binary values among what they take.
pub fn functions(context: &SessionContext) -> Vec<ScalarUDF> {
    let of = |name: &str| context.udf(name).ok();
    let measured = [("octet_length", 1), ("bit_length", 8), ("character_length", 1)];
    let measures = measured.into_iter().filter_map(|(name, unit)| Some(Measure::new(of(name)?, unit)));
    measures.map(ScalarUDF::from).collect()
}

/// A function that measures text, and binary values too.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Measure {
    of_text: Arc<ScalarUDF>,
    /// What an octet counts for.
    unit: i64,
    signature: Signature,
}

impl Measure {
    fn new(of_text: Arc<ScalarUDF>, unit: i64) -> Self {
        let binary = TypeSignature::Coercible(vec![Coercion::new_exact(TypeSignatureClass::Binary)]);
        // This comes first: some functions take binary values as text, which fails where they are none.
        let signatures = vec![binary, of_text.signature().type_signature.clone()];
        Self { of_text, unit, signature: Signature::one_of(signatures, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Measure {
    fn name(&self) -> &str {
        self.of_text.name()
    }

    fn aliases(&self) -> &[String] {
        self.of_text.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        if types.first().is_some_and(|known| is_binary(known) || known.is_null()) {
            Ok(DataType::Int64)
        } else {
            self.of_text.return_type(types)
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match arguments.arg_fields {
            [field] if is_binary(field.data_type()) || field.data_type().is_null() => {
                Ok(Arc::new(Field::new(self.name(), DataType::Int64, field.is_nullable())))
            }
            _ => self.of_text.inner().return_field_from_args(arguments),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [argument] if argument.data_type().is_null() => Ok(ColumnarValue::Scalar(ScalarValue::Int64(None))),
            [ColumnarValue::Array(array)] if is_binary(array.data_type()) => {
                Ok(ColumnarValue::Array(Arc::new(self.measured(array)?)))
            }
            [ColumnarValue::Scalar(value)] if is_binary(&value.data_type()) => {
                let measured = self.measured(&value.to_array()?)?;
                let measured = measured.is_valid(0).then(|| measured.value(0));
                Ok(ColumnarValue::Scalar(ScalarValue::Int64(measured)))
            }
            _ => self.of_text.invoke_with_args(arguments),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.of_text.documentation()
    }
}

impl Measure {
    fn measured(&self, array: &ArrayRef) -> Result<Int64Array> {
        let octets = datafusion::arrow::compute::cast(&length(array)?, &DataType::Int64)?;
        Ok(octets.as_primitive::<datafusion::arrow::datatypes::Int64Type>().unary(|octets| octets * self.unit))
    }
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_))
}
