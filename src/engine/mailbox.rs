//! `mailbox(name, address)`: a mailbox as the argument `to` of `SendEmail` takes it, its name in quotes where it needs them.
//!
//! A name comes from mail, and mail is written by anybody: put together by hand, `Doe, Jane` is two recipients.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::mail::Mailbox;

/// The function of a session.
pub fn function() -> ScalarUDF {
    let section = DocSection { include: true, label: "Mail Functions", description: None };
    let description = "A mailbox as SendEmail takes it: the name, in quotes where it needs them, and the address in angle brackets. The address alone where there is no name; null where there is no address, or none that mail can be sent to.";
    let documentation = Documentation::builder(section, description, "mailbox(name, address)")
        .with_argument("name", "The display name, or null.")
        .with_argument("address", "The address: `local@domain`.")
        .build();
    ScalarUDF::from(MailboxOf { signature: Signature::string(2, Volatility::Immutable), documentation })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MailboxOf {
    signature: Signature,
    documentation: Documentation,
}

impl ScalarUDFImpl for MailboxOf {
    fn name(&self) -> &'static str {
        "mailbox"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let are_scalars = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [names, addresses] = [0, 1].map(|column| cast(&columns[column], &DataType::Utf8));
        let (names, addresses) = (names?, addresses?);
        let pairs = names.as_string::<i32>().iter().zip(addresses.as_string::<i32>());
        let written: StringArray = pairs.map(|(name, address)| Mailbox::written(name, address?)).collect();
        if are_scalars {
            let only = written.is_valid(0).then(|| written.value(0).to_owned());
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8(only)));
        }
        Ok(ColumnarValue::Array(Arc::new(written)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
