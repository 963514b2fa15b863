//! `imap_search('…')` and `gmail('…')`: conditions that only a server can answer, in its own words.
//!
//! Pure. A call is true of the messages that the server of their folder finds. Nothing evaluates it: the planner gives it the
//! columns that name a message, a scan asks the server before it reads a folder, and puts what was found in its place.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::Table;
use super::column::Search;
use super::found::Found;
use super::pushdown::{searched, text, value};
use crate::error::{Error, ErrorKind};
use crate::mail::{ServerSearch, UidSet};

/// One of the functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SearchFunction {
    language: Language,
    signature: Signature,
    documentation: Documentation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Language {
    Imap,
    Gmail,
}

/// What servers found, by search, in one folder.
pub type Answers = HashMap<ServerSearch, Arc<Option<UidSet>>>;

/// The columns that a call has behind its text, so that it says which message it is about.
pub const KEY: [&str; 3] = ["account", "folder", "uid"];

/// The functions of a session.
pub fn functions() -> [ScalarUDF; 2] {
    [Language::Imap, Language::Gmail].map(|language| ScalarUDF::from(SearchFunction::new(language)))
}

/// Whether a condition has such a call in it.
pub fn is_in(condition: &Arc<dyn PhysicalExpr>) -> bool {
    let mut is_in = false;
    // Looking never fails.
    let looked = condition.apply(|node| {
        is_in |= ScalarFunctionExpr::try_downcast_func::<SearchFunction>(node.as_ref()).is_some();
        Ok(if is_in { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    looked.is_ok() && is_in
}

/// The searches in some conditions, each once.
///
/// # Errors
/// When one of them is no search, or is not about a message of the table.
pub fn searches(table: &Table, conditions: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<ServerSearch>> {
    let mut searches = Vec::new();
    for condition in conditions {
        condition.apply(|node| {
            if let Some(call) = ScalarFunctionExpr::try_downcast_func::<SearchFunction>(node.as_ref())
                && let Some(search) = search(table, call)?
                && !searches.contains(&search)
            {
                searches.push(search);
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(searches)
}

/// The conditions with what servers found in place of the calls.
///
/// # Errors
/// When a search was not answered, or as [`searches`].
pub fn answered(
    table: &Table,
    conditions: &[Arc<dyn PhysicalExpr>],
    answers: &Answers,
) -> Result<Vec<Arc<dyn PhysicalExpr>>> {
    let put = |node: Arc<dyn PhysicalExpr>| {
        let Some(call) = ScalarFunctionExpr::try_downcast_func::<SearchFunction>(node.as_ref()) else {
            return Ok(Transformed::no(node));
        };
        let answer: Arc<dyn PhysicalExpr> = match (search(table, call)?, call.args()) {
            (Some(search), [.., uid]) => match answers.get(&search) {
                Some(uids) => Arc::new(Found::new(Arc::clone(uid), Arc::clone(uids))),
                None => return Err(unanswered(call.name())),
            },
            // A search for null is neither true nor false.
            _ => Arc::new(Literal::new(ScalarValue::Boolean(None))),
        };
        Ok(Transformed::yes(answer))
    };
    conditions.iter().map(|condition| Arc::clone(condition).transform_up(put).data()).collect()
}

/// The search that a call means; nothing when its text is null.
fn search(table: &Table, call: &ScalarFunctionExpr) -> Result<Option<ServerSearch>> {
    let Some(function) = call.fun().inner().downcast_ref::<SearchFunction>() else { return Ok(None) };
    let [text_of, key @ ..] = call.args() else { return Err(unanswered(call.name())) };
    let about: Vec<_> = key.iter().map(|column| searched(table, column)).collect();
    if about != [Some(Search::Account), Some(Search::Folder), Some(Search::Uid)] {
        return Err(unanswered(call.name()));
    }
    let Some(asked) = value(text_of) else {
        let error = Error::new(ErrorKind::Query, format!("{} takes one text for all messages", call.name()));
        return Err(error.hint("what differs from message to message is compared with LIKE or =").into());
    };
    match (text(&asked), function.language) {
        (None, _) if asked.is_null() => Ok(None),
        (None, _) => Err(no_text(call.name())),
        (Some(text), Language::Imap) => Ok(Some(ServerSearch::imap(&text)?)),
        (Some(text), Language::Gmail) => Ok(Some(ServerSearch::gmail(&text)?)),
    }
}

/// The call has not the arguments that it should have.
pub fn no_text(name: &str) -> DataFusionError {
    let error = Error::new(ErrorKind::Query, format!("{name} takes one text"));
    error.hint(format!("{name}('…'), or {name}('…', m.uid) where m is one of several tables of messages")).into()
}

/// Nobody can be asked where the call stands.
fn unanswered(name: &str) -> DataFusionError {
    let error = Error::new(ErrorKind::Query, format!("{name} stands where no mail server can be asked"));
    error.hint("it belongs into the WHERE of a table of messages, below any LIMIT, aggregate or outer join").into()
}

impl SearchFunction {
    fn new(language: Language) -> Self {
        let (description, example) = match language {
            Language::Imap => (
                "True of the messages that the server of their folder finds by these keys of the IMAP SEARCH command \
                 (RFC 9051 §6.4.4). What they mean is the server's affair.",
                "imap_search('SUBJECT \"lamp\" UNSEEN')",
            ),
            Language::Gmail => (
                "True of the messages that Gmail finds by what one would write into its own search field.",
                "gmail('has:attachment older_than:1y')",
            ),
        };
        let section = DocSection { include: true, label: "Mail Functions", description: None };
        let documentation = Documentation::builder(section, description, example)
            .with_argument("search", "The search: one text for the whole statement.")
            .with_argument("uid", "The column uid of the table that is meant, where there are several.")
            .build();
        Self { language, signature: Signature::user_defined(Volatility::Stable), documentation }
    }
}

impl ScalarUDFImpl for SearchFunction {
    fn name(&self) -> &'static str {
        match self.language {
            Language::Imap => "imap_search",
            Language::Gmail => "gmail",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    /// Leaves them as they are: what is wrong with them is told in our words, where it is known what is in sight.
    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok(arguments.to_vec())
    }

    /// Nothing is known of no message; of any other, only a server knows.
    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_of_nothing = |argument: &ColumnarValue| match argument {
            ColumnarValue::Scalar(value) => value.is_null(),
            ColumnarValue::Array(values) => values.null_count() == values.len(),
        };
        if arguments.number_rows == 0 || arguments.args.iter().any(is_of_nothing) {
            return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(None)));
        }
        Err(unanswered(self.name()))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
