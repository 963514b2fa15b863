//! `html_links(html)`: the targets of the links in HTML, as in the column `body_html`.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::error::{Error, ErrorKind};
use crate::mail::html;

/// The function of a session.
pub fn function() -> ScalarUDF {
    ScalarUDF::from(HtmlLinks::new())
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct HtmlLinks {
    signature: Signature,
    documentation: Documentation,
}

impl HtmlLinks {
    fn new() -> Self {
        let section = DocSection { include: true, label: "Mail Functions", description: None };
        let description = "The targets of the links (a and area) in HTML, in order, as they are written. An empty list when there are none.";
        let documentation = Documentation::builder(section, description, "html_links(body_html)")
            .with_argument("html", "The HTML: a text.")
            .build();
        Self { signature: Signature::string(1, Volatility::Immutable), documentation }
    }
}

impl ScalarUDFImpl for HtmlLinks {
    fn name(&self) -> &'static str {
        "html_links"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [ColumnarValue::Array(html)] => Ok(ColumnarValue::Array(Arc::new(links(html)?))),
            [ColumnarValue::Scalar(html)] => {
                let links = links(&html.to_array()?)?;
                Ok(ColumnarValue::Scalar(ScalarValue::List(Arc::new(links))))
            }
            _ => Err(Error::new(ErrorKind::Query, "html_links takes one text").into()),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn links(html: &ArrayRef) -> Result<ListArray> {
    match html.data_type() {
        DataType::Utf8 => lists(html.as_string::<i32>().iter()),
        DataType::LargeUtf8 => lists(html.as_string::<i64>().iter()),
        DataType::Utf8View => lists(html.as_string_view().iter()),
        DataType::Null => lists((0..html.len()).map(|_| None)),
        other => Err(Error::new(ErrorKind::Query, format!("html_links takes a text, and not {other}")).into()),
    }
}

/// A list for each text, and null for null.
fn lists<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Result<ListArray> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in texts {
        let Some(text) = text else {
            lists.append_null();
            continue;
        };
        for link in html::links(text) {
            // An array of texts has no place for more.
            if lists.values().values_slice().len() + link.len() > i32::MAX as usize {
                return Err(Error::new(ErrorKind::Query, "the links of one batch are longer than 2 GB").into());
            }
            lists.values().append_value(link);
        }
        lists.append(true);
    }
    Ok(lists.finish())
}
