//! The arguments of `SendEmail`, each a line: what the call, its errors and its documentation are made of.
//!
//! Pure; it knows no SQL text. How a call is read is in [`super::call`], what its values mean in `letters`.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::functions_nested::expr_fn::make_array;
use datafusion::logical_expr::{Expr, ExprSchemable, lit};

use crate::error::{Error, ErrorKind, Result};
use crate::table::normalised;

/// An argument.
#[derive(Debug)]
pub struct Argument {
    /// Its name, which is also that of the column where mails come from a query.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it is for, in one sentence.
    pub doc: &'static str,
}

/// What an argument takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A text.
    Text,
    /// A text, or a list of them.
    Texts,
    /// Bytes, or a list of them.
    Contents,
    /// True or false.
    Truth,
    /// A query.
    Query,
}

/// All arguments, in the order in which they can be given without names.
pub const ARGUMENTS: [Argument; 21] = [
    argument("to", Takes::Text, "who gets it: addresses, with commas or semicolons between them"),
    argument("subject", Takes::Text, "the subject"),
    argument("body", Takes::Text, "the text"),
    argument("html", Takes::Text, "the same as HTML; without body, a text is made of it"),
    argument("cc", Takes::Text, "who gets a copy"),
    argument("bcc", Takes::Text, "who gets a copy that nobody else sees"),
    argument("from_address", Takes::Text, "who it is from, when not the account's own address"),
    argument("from_name", Takes::Text, "the sender's name"),
    argument("reply_to", Takes::Text, "who answers go to"),
    argument("in_reply_to", Takes::Text, "the message_id of the mail that it answers"),
    argument("attachments", Takes::Texts, "a path of a file, or make_array(…) of paths"),
    argument("attach_query", Takes::Query, "a query whose rows are attached"),
    argument("attach_as", Takes::Text, "the file name of these rows: .csv, .parquet, .json or .html"),
    argument("skip_if_empty", Takes::Truth, "whether nothing is sent when that query has no rows"),
    argument("priority", Takes::Text, "high, normal or low"),
    argument("on_rejected", Takes::Text, "when a recipient is refused: abort (nobody gets it) or continue"),
    argument("key", Takes::Text, "a name for it: a mail of that key to the same recipients is never sent again"),
    argument("dry_run", Takes::Truth, "whether it is only written into a file, to be looked at"),
    argument("reference_ids", Takes::Text, "the reference_ids of the mail that it answers"),
    argument("content", Takes::Contents, "the content of an attachment, or array_agg(content) of several"),
    argument("name", Takes::Texts, "the file name of that content, or a list of them"),
];

const fn argument(name: &'static str, takes: Takes, doc: &'static str) -> Argument {
    Argument { name, takes, doc }
}

impl Argument {
    /// The one of that name, in any case and with or without underscores.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<&'static Self> {
        if let Some(known) = ARGUMENTS.iter().find(|argument| normalised(argument.name) == normalised(name)) {
            return Ok(known);
        }
        let likeness = |argument: &&Self| strsim::jaro_winkler(argument.name, &name.to_lowercase());
        let nearest = ARGUMENTS.iter().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
        let error = Error::new(ErrorKind::Query, format!("SendEmail takes no '{name}'"));
        Err(match nearest.filter(|nearest| likeness(nearest) > 0.75) {
            Some(nearest) => error.hint(format!("did you mean {}?", nearest.name)),
            None => error.hint(format!("it takes {}", ARGUMENTS.map(|argument| argument.name).join(", "))),
        })
    }

    /// The type of its column.
    pub fn data_type(&self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new_list_field(item, true)));
        match self.takes {
            Takes::Text | Takes::Query => DataType::Utf8,
            Takes::Texts => list(DataType::Utf8),
            Takes::Contents => list(DataType::Binary),
            Takes::Truth => DataType::Boolean,
        }
    }

    /// An expression as a value of it.
    ///
    /// # Errors
    /// It cannot be one.
    pub fn of(&self, value: Expr, schema: &DFSchema) -> Result<Expr> {
        // What a parameter is comes later; it takes the type that it is cast to.
        let given = match value.get_type(schema).unwrap_or(DataType::Null) {
            DataType::Dictionary(_, item) => *item,
            given => given,
        };
        let is_text = matches!(given, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let is_bytes = matches!(given, DataType::Binary | DataType::LargeBinary | DataType::BinaryView);
        let is_list = |item: fn(&DataType) -> bool| match &given {
            DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
                item(field.data_type()) || field.data_type().is_null()
            }
            _ => false,
        };
        let refused = |hint: &str| {
            let error =
                Error::new(ErrorKind::Query, format!("{} of SendEmail cannot be of the type {given}", self.name));
            Err(error.hint(hint))
        };
        let value = match self.takes {
            Takes::Query => return refused("it is a query in parentheses: attach_query => (SELECT …)"),
            Takes::Text if given.is_nested() => {
                return refused("it is one text; array_to_string(…, ', ') joins several");
            }
            Takes::Text if is_bytes => return refused("it is text; content takes bytes, as an attachment"),
            Takes::Truth => match truth(&value) {
                Some(truth) => lit(truth),
                None if given == DataType::Boolean || given.is_null() => value,
                None => return refused("it is true or false"),
            },
            Takes::Texts if is_list(is_text_type) || is_empty_list(&value) || given.is_null() && is_literal(&value) => {
                value
            }
            Takes::Texts if is_text || given.is_null() => make_array(vec![value]),
            Takes::Texts => return refused("it is a text, or a list of texts: make_array('a.pdf', 'b.pdf')"),
            Takes::Contents if is_list(is_bytes_or_text_type) || given.is_null() && is_literal(&value) => value,
            Takes::Contents if is_text || is_bytes || given.is_null() => make_array(vec![value]),
            Takes::Contents => return refused("it is bytes, as AttachmentContent.content, or array_agg of them"),
            Takes::Text => value,
        };
        Ok(value.cast_to(&self.data_type(), schema)?.alias(self.name))
    }
}

fn is_text_type(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_bytes_or_text_type(kind: &DataType) -> bool {
    is_text_type(kind) || matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

fn is_literal(value: &Expr) -> bool {
    matches!(value, Expr::Literal(..))
}

fn is_empty_list(value: &Expr) -> bool {
    matches!(value, Expr::ScalarFunction(call) if call.name() == "make_array" && call.args.is_empty())
}

/// The truth that a text stands for.
fn truth(value: &Expr) -> Option<bool> {
    let Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) = value else {
        return None;
    };
    match text.to_lowercase().as_str() {
        "true" | "on" | "yes" => Some(true),
        "false" | "off" | "no" => Some(false),
        _ => None,
    }
}
