//! Reads a call of `SendEmail` where it stands in FROM, and makes a node of it.
//!
//! DataFusion would look its name up letter by letter, drop the names of arguments, and take a column for a value. Here the
//! arguments become a plan of their own, so that parameters, subqueries and EXPLAIN work as everywhere. Nothing is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr as Sql, FunctionArg, FunctionArgExpr, FunctionArgOperator, LimitClause, ObjectName, Offset,
    OffsetRows, Query, TableFactor, Value,
};

use super::arguments::{ARGUMENTS, Argument, Takes};
use super::node::SendNode;
use super::{SEND_EMAIL, Sendings};
use crate::error::{Error, ErrorKind};
use crate::table::normalised;

/// Knows `SendEmail` among the relations of a statement.
#[derive(Debug)]
pub struct SendPlanner(pub Arc<Sendings>);

impl RelationPlanner for SendPlanner {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let (name, arguments, alias, is_lateral) = match &relation {
            TableFactor::Table { name, args: Some(arguments), alias, .. } if is_ours(name) => {
                (name, &arguments.args, alias, false)
            }
            TableFactor::Function { name, args, alias, lateral, .. } if is_ours(name) => (name, args, alias, *lateral),
            _ => return Ok(RelationPlanning::Original(Box::new(relation))),
        };
        if is_lateral {
            return Err(no_columns("LATERAL").into());
        }
        let account = self.account(name, context)?;
        let call = Call::read(arguments)?;
        let mails = call.mails(context)?;
        let attached = call.attached.map(|query| subquery(query, context)).transpose()?;
        let node = SendNode {
            call: CALLS.fetch_add(1, Ordering::Relaxed),
            sender: self.0.sender(&account).map(|sender| sender.to_string()),
            account,
            mails,
            attached,
        };
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(node) });
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))))
    }
}

impl SendPlanner {
    /// The account that sends: the one before the name, else the default one.
    fn account(&self, name: &ObjectName, context: &mut dyn RelationPlannerContext) -> Result<String, Error> {
        let table = context.object_name_to_table_reference(name.clone())?;
        let unnamed = context.context_provider().options().catalog.default_schema.clone();
        self.0.account(table.schema(), &unnamed)
    }
}

/// A call, taken apart.
struct Call<'a> {
    /// One mail per row of it.
    rows: Option<&'a Query>,
    /// The values that are the same for all mails.
    values: Vec<(&'static Argument, &'a Sql)>,
    /// The query that is attached.
    attached: Option<&'a Query>,
}

impl<'a> Call<'a> {
    fn read(arguments: &'a [FunctionArg]) -> Result<Self, Error> {
        let mut call = Self { rows: None, values: Vec::new(), attached: None };
        let unnamed = arguments.iter().filter(|argument| matches!(argument, FunctionArg::Unnamed(_))).count();
        let mut has_named = false;
        for (place, given) in arguments.iter().enumerate() {
            let (name, value) = match given {
                FunctionArg::Named { name, arg, operator } => (Some(name.value.clone()), named(arg, operator)?),
                FunctionArg::ExprNamed { name: Sql::Identifier(name), arg, operator } => {
                    (Some(name.value.clone()), named(arg, operator)?)
                }
                FunctionArg::ExprNamed { name, .. } => {
                    let error = Error::new(ErrorKind::Query, format!("{name} is no name of an argument"));
                    return Err(error.hint(USAGE));
                }
                FunctionArg::Unnamed(value) => (None, expression(value)?),
            };
            has_named |= name.is_some();
            let argument = match (name, value) {
                // The only one without a name, and a query: it gives the mails.
                (None, Sql::Subquery(query)) if place == 0 && unnamed == 1 => {
                    call.rows = Some(query);
                    continue;
                }
                (None, Sql::BinaryOp { left, op: BinaryOperator::Eq, .. }) if is_name(left) => {
                    let error = Error::new(ErrorKind::Query, format!("{value} compares, where a value should be"));
                    return Err(error.hint(format!("a name and its value have => between them: {left} => …")));
                }
                (None, _) if has_named => {
                    let error = Error::new(ErrorKind::Query, "a value without a name follows one with a name");
                    return Err(
                        error.hint("values without names come first, in the order to, subject, body, html, cc, bcc")
                    );
                }
                (None, _) => ARGUMENTS.get(place).ok_or_else(|| {
                    Error::new(ErrorKind::Query, "SendEmail has fewer arguments than that").hint(USAGE)
                })?,
                (Some(name), _) => Argument::named(&name)?,
            };
            call.add(argument, value)?;
        }
        Ok(call)
    }

    fn add(&mut self, argument: &'static Argument, value: &'a Sql) -> Result<(), Error> {
        let twice = self.values.iter().any(|(known, _)| known.name == argument.name)
            || argument.takes == Takes::Query && self.attached.is_some();
        if twice {
            return Err(Error::new(ErrorKind::Query, format!("{} is given twice", argument.name)));
        }
        match (argument.takes, value) {
            (Takes::Query, Sql::Subquery(query)) => self.attached = Some(query),
            (Takes::Query, _) => {
                let error = Error::new(ErrorKind::Query, format!("{} is no query", argument.name));
                return Err(error.hint("put it in parentheses: attach_query => (SELECT …)"));
            }
            _ => self.values.push((argument, value)),
        }
        Ok(())
    }

    /// The plan that has one row per mail, and a column per argument.
    fn mails(&self, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
        let nothing = DFSchema::empty();
        let mut columns = Vec::new();
        let from = match self.rows {
            Some(query) => {
                let rows = subquery(query, context)?;
                let schema = Arc::clone(rows.schema());
                for (qualifier, field) in schema.iter() {
                    let argument = column(field.name())?;
                    if columns.iter().any(|(known, _): &(&Argument, Expr)| known.name == argument.name) {
                        return Err(
                            Error::new(ErrorKind::Query, format!("the query has {} twice", argument.name)).into()
                        );
                    }
                    let value = Expr::Column(Column::new(qualifier.cloned(), field.name()));
                    columns.push((argument, argument.of(value, &schema)?));
                }
                LogicalPlanBuilder::from(rows)
            }
            None => LogicalPlanBuilder::empty(true),
        };
        for (argument, value) in &self.values {
            if columns.iter().any(|(known, _)| known.name == argument.name) {
                let error = Error::new(ErrorKind::Query, format!("{} is given twice", argument.name));
                return Err(error.hint("it is a column of the query, and an argument beside it; leave one out").into());
            }
            let planned = context.sql_to_expr((*value).clone(), &nothing);
            let planned = planned.map_err(|error| without_columns(value, Error::from(error)))?;
            if has_column(&planned) {
                return Err(no_columns(&value.to_string()).into());
            }
            columns.push((argument, argument.of(planned, &nothing)?));
        }
        let has = |name: &str| columns.iter().any(|(argument, _)| argument.name == name);
        if !["to", "cc", "bcc"].into_iter().any(has) {
            let error = Error::new(ErrorKind::Query, "SendEmail needs to know who gets the mail: to is missing");
            return Err(error
                .hint(match self.rows {
                    Some(_) => "name a column to: SendEmail((SELECT address AS to, … FROM people))",
                    None => USAGE,
                })
                .into());
        }
        let needs = |name: &str, other: &str| {
            let error = || Error::new(ErrorKind::Query, format!("{name} is given without {other}"));
            if has(name) && !has(other) { Err(error()) } else { Ok(()) }
        };
        needs("content", "name")
            .map_err(|error| error.hint("an attachment needs a file name: name => 'report.pdf'"))?;
        needs("name", "content").map_err(|error| error.hint("content gives the octets; attachments takes paths"))?;
        needs("reference_ids", "in_reply_to")
            .map_err(|error| error.hint("in_reply_to takes the message_id that is answered"))?;
        if self.attached.is_none() {
            for name in ["attach_as", "skip_if_empty"] {
                if has(name) {
                    let error = Error::new(ErrorKind::Query, format!("{name} is given without attach_query"));
                    return Err(error.hint("attach_query => (SELECT …) gives the rows").into());
                }
            }
        }
        from.project(columns.into_iter().map(|(_, value)| value))?.build()
    }
}

/// What a column of a query that gives mails is for.
fn column(name: &str) -> Result<&'static Argument, Error> {
    let argument = Argument::named(name).map_err(|error| {
        let hint = error.way_out().unwrap_or_default().to_owned();
        Error::new(ErrorKind::Query, format!("the query has a column '{name}' that SendEmail does not know")).hint(hint)
    })?;
    match argument.takes {
        Takes::Query => {
            Err(Error::new(ErrorKind::Query, "attach_query is no column, but an argument beside the query")
                .hint("SendEmail((SELECT address AS to, … FROM people), attach_query => (SELECT …))"))
        }
        Takes::Text | Takes::Texts | Takes::Contents | Takes::Truth => Ok(argument),
    }
}

/// A query within the call. Its order counts, as that of mails and of rows that are read by people: DataFusion takes the
/// sort out of any subquery that has no limit, and this one skips nothing.
fn subquery(query: &Query, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let mut query = query.clone();
    if query.order_by.is_some() && query.limit_clause.is_none() {
        let offset = Offset { value: Sql::value(Value::Number("0".to_owned(), false)), rows: OffsetRows::None };
        query.limit_clause = Some(LimitClause::LimitOffset { limit: None, offset: Some(offset), limit_by: Vec::new() });
    }
    context.plan(TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: None, sample: None })
}

fn named<'a>(value: &'a FunctionArgExpr, operator: &FunctionArgOperator) -> Result<&'a Sql, Error> {
    match operator {
        FunctionArgOperator::RightArrow | FunctionArgOperator::Assignment | FunctionArgOperator::Equals => {
            expression(value)
        }
        FunctionArgOperator::Colon | FunctionArgOperator::Value => {
            Err(Error::new(ErrorKind::Query, "a name and its value have => between them").hint(USAGE))
        }
    }
}

fn expression(value: &FunctionArgExpr) -> Result<&Sql, Error> {
    match value {
        FunctionArgExpr::Expr(value) => Ok(value),
        FunctionArgExpr::QualifiedWildcard(_) | FunctionArgExpr::Wildcard | FunctionArgExpr::WildcardWithOptions(_) => {
            Err(Error::new(ErrorKind::Query, "* is no value").hint(USAGE))
        }
    }
}

fn is_ours(name: &ObjectName) -> bool {
    let last = name.0.last().and_then(|part| part.as_ident());
    last.is_some_and(|last| normalised(&last.value) == normalised(SEND_EMAIL))
}

fn is_name(expression: &Sql) -> bool {
    matches!(expression, Sql::Identifier(name) if Argument::named(&name.value).is_ok())
}

/// What DataFusion says of a column where there are none, in other words.
fn without_columns(value: &Sql, error: Error) -> Error {
    if !error.to_string().contains("no field named") {
        return error;
    }
    match value {
        Sql::Identifier(name) if name.quote_style == Some('"') => {
            Error::new(ErrorKind::Query, format!("{name} is the name of a column, and there is none here"))
                .hint(format!("text is in single quotes: '{}'", name.value.replace('\'', "''")))
        }
        _ => no_columns(&value.to_string()),
    }
}

fn no_columns(value: &str) -> Error {
    Error::new(ErrorKind::Query, format!("SendEmail sees no columns of other tables, as in {value}"))
        .hint("one mail per row: SendEmail((SELECT address AS to, 'Hello ' || name AS subject, … FROM people))")
}

/// Whether an expression is made of columns, here or outside.
fn has_column(value: &Expr) -> bool {
    let is_column = |expression: &Expr| Ok(matches!(expression, Expr::Column(_) | Expr::OuterReferenceColumn(..)));
    // Looking never fails.
    value.exists(is_column).unwrap_or(true)
}

/// How it is called.
pub const USAGE: &str = "SELECT * FROM SendEmail(to => 'bob@example.org', subject => '…', body => '…')";

/// Which written call is which.
static CALLS: AtomicU64 = AtomicU64::new(1);
