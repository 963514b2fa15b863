//! The node of a plan that stands for one written call of `SendEmail`.
//!
//! Plain data over the plans that make the mails; planning, copying and explaining it sends nothing. It becomes a
//! [`super::exec::SendExec`].

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use datafusion::common::{DFSchema, DFSchemaRef, ScalarValue, TableReference};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::table::receipt;

/// A call: mails come out of one plan, what is attached to all of them out of another.
#[derive(Debug, Clone)]
pub struct SendNode {
    /// Which written call it is; copies of a plan have the same.
    pub call: u64,
    /// The account that sends, by its name.
    pub account: String,
    /// Who mail is from when it does not say, as people read it.
    pub sender: Option<String>,
    /// One row per mail, with a column per argument.
    pub mails: LogicalPlan,
    /// The rows that are attached.
    pub attached: Option<LogicalPlan>,
}

impl SendNode {
    /// How many calls there are in a plan, its subqueries included; one that stands there twice counts once.
    pub fn calls(plan: &LogicalPlan) -> Vec<u64> {
        let mut calls = Vec::new();
        // Looking never fails.
        let _ = plan.apply_with_subqueries(|node| {
            if let Some(send) = Self::of(node) {
                calls.push(send.call);
            }
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        });
        calls.sort_unstable();
        calls.dedup();
        calls
    }

    /// The call that a node of a plan is.
    pub fn of(plan: &LogicalPlan) -> Option<&Self> {
        match plan {
            LogicalPlan::Extension(Extension { node }) => node.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// What is known of it before anything runs: sender, recipients, subject, sizes.
    pub fn describe(&self) -> String {
        let mut parts = vec![format!("account={}", self.account)];
        match constants(&self.mails) {
            Some(values) => {
                let value = |name: &str| values.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
                let from = value("from_address").or_else(|| self.sender.clone());
                parts.push(format!("from={}", from.as_deref().unwrap_or("?")));
                for (name, value) in &values {
                    parts.push(match name.as_str() {
                        "from_address" => continue,
                        "body" | "html" if !value.starts_with(OPEN) => format!("{name}={} octets", value.len()),
                        "content" => format!("{name}=…"),
                        "attachments" if !value.starts_with(OPEN) => format!("{name}={}", with_sizes(value)),
                        _ => format!("{name}={}", shortened(value)),
                    });
                }
            }
            None => {
                parts.push(format!("from={}", self.sender.as_deref().unwrap_or("?")));
                let names: Vec<_> = self.mails.schema().fields().iter().map(|field| field.name().as_str()).collect();
                parts.push(format!("one mail per row of ({})", names.join(", ")));
            }
        }
        parts.join(" ")
    }
}

/// The values of a call that makes a single mail, by argument; what is only known when it runs stands in `<…>`.
fn constants(mails: &LogicalPlan) -> Option<Vec<(String, String)>> {
    let LogicalPlan::Projection(projection) = mails else { return None };
    if !matches!(projection.input.as_ref(), LogicalPlan::EmptyRelation(_)) {
        return None;
    }
    let text = |expression: &Expr| match expression.clone().unalias_nested().data {
        Expr::Literal(ScalarValue::List(list), _) => {
            let items = list.value(0);
            let shown = |row| ScalarValue::try_from_array(&items, row).map(|item| item.to_string());
            let items: Vec<String> = (0..items.len()).map(shown).collect::<Result<_>>().unwrap_or_default();
            Some(items.join(", "))
        }
        Expr::Literal(value, _) if value.is_null() => None,
        Expr::Literal(value, _) => Some(value.to_string()),
        Expr::Placeholder(placeholder) => Some(format!("{OPEN}{}>", placeholder.id)),
        Expr::Cast(cast) if matches!(*cast.expr, Expr::Literal(..)) => Some(cast.expr.to_string()),
        other => Some(format!("{OPEN}{}>", shortened(&other.to_string()))),
    };
    let named = projection.expr.iter().zip(projection.schema.fields());
    Some(named.filter_map(|(expression, field)| Some((field.name().clone(), text(expression)?))).collect())
}

/// Paths with the sizes of their files, which are on this computer.
fn with_sizes(paths: &str) -> String {
    let one = |path: &str| match std::fs::metadata(path) {
        Ok(file) => format!("{} ({} octets)", shortened(path), file.len()),
        Err(_) => format!("{} (not there)", shortened(path)),
    };
    paths.split(", ").map(one).collect::<Vec<_>>().join(", ")
}

/// One line of it, and not much of that.
fn shortened(text: &str) -> String {
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

impl UserDefinedLogicalNodeCore for SendNode {
    fn name(&self) -> &'static str {
        "SendEmail"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        std::iter::once(&self.mails).chain(&self.attached).collect()
    }

    fn schema(&self) -> &DFSchemaRef {
        &SCHEMA
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendEmail: {}", self.describe())
    }

    fn with_exprs_and_inputs(&self, _expressions: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let mut inputs = inputs.into_iter();
        match (inputs.next(), inputs.next(), inputs.next()) {
            (Some(mails), attached, None) if attached.is_some() == self.attached.is_some() => {
                Ok(Self { mails, attached, ..self.clone() })
            }
            _ => Err(DataFusionError::Internal("a call of SendEmail has other inputs than it had".to_owned())),
        }
    }
}

// Two nodes are one when they are copies of the same call over the same plans.
impl PartialEq for SendNode {
    fn eq(&self, other: &Self) -> bool {
        (self.call, &self.mails, &self.attached) == (other.call, &other.mails, &other.attached)
    }
}

impl Eq for SendNode {}

impl Hash for SendNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.call, &self.mails, &self.attached).hash(state);
    }
}

impl PartialOrd for SendNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal).or_else(|| {
            let ordered = self.call.cmp(&other.call);
            ordered.is_ne().then_some(ordered)
        })
    }
}

static SCHEMA: LazyLock<DFSchemaRef> = LazyLock::new(|| {
    let schema = DFSchema::try_from_qualified_schema(TableReference::bare("sendemail"), &receipt::outcome_schema());
    Arc::new(schema.unwrap_or_else(|_| DFSchema::empty()))
});

/// What begins a value that is not known yet.
const OPEN: &str = "<";
/// Characters of a value that a plan shows.
const SHOWN: usize = 80;
