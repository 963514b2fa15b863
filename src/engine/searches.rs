//! Calls of `imap_search` and `gmail` get the columns of the messages that they are about: those of the one table in sight.
//!
//! A planner rule; it reads no mail. With account, folder and uid as arguments a call says the same wherever DataFusion
//! moves it to, and it goes down to the scan of that table. What happens there is in [`crate::table::search_function`].

use std::sync::Arc;

use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, DFSchema};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, Filter, LogicalPlan};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use crate::error::{Error, ErrorKind};
use crate::table::Rows;
use crate::table::provider::MailTable;
use crate::table::search_function::{KEY, SearchFunction, no_text};

/// Says which messages the calls of a statement are about.
#[derive(Debug)]
struct SearchesAreAboutMessages;

/// Before all other rules, as they move conditions about. No rule of the analyzer, for PREPARE does without that.
pub fn first(rules: &[Arc<dyn OptimizerRule + Send + Sync>]) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let ours: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(SearchesAreAboutMessages);
    std::iter::once(ours).chain(rules.iter().cloned()).collect()
}

impl OptimizerRule for SearchesAreAboutMessages {
    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        plan.transform_up_with_subqueries(about_messages)
    }

    fn name(&self) -> &'static str {
        "mail_searches_are_about_messages"
    }
}

fn about_messages(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    if !node.expressions().iter().any(has_call) {
        return Ok(Transformed::no(node));
    }
    match node {
        LogicalPlan::Filter(filter) => {
            let sight = Sight::of([filter.input.as_ref()]);
            let predicate = filter.predicate.transform(|expression| sight.completed(expression)).data()?;
            Ok(Transformed::yes(LogicalPlan::Filter(Filter::try_new(predicate, filter.input)?)))
        }
        LogicalPlan::Join(mut join) if !join.on.iter().any(|(left, right)| has_call(left) || has_call(right)) => {
            let sight = Sight::of([join.left.as_ref(), join.right.as_ref()]);
            let condition = join.filter.map(|filter| filter.transform(|expression| sight.completed(expression)).data());
            join.filter = condition.transpose()?;
            Ok(Transformed::yes(LogicalPlan::Join(join)))
        }
        // What was pushed to a scan was completed before.
        LogicalPlan::TableScan(_) => Ok(Transformed::no(node)),
        other => {
            let called = other.expressions().iter().find_map(called).unwrap_or("imap_search");
            let error = Error::new(ErrorKind::Query, format!("{called} stands where no mail server can be asked"));
            Err(error.hint("it belongs into the WHERE of a table of messages").into())
        }
    }
}

/// The name of a function of ours that an expression calls.
fn called(expression: &Expr) -> Option<&'static str> {
    let mut called = None;
    // Looking never fails.
    let looked = expression.exists(|expression| {
        called = function(expression).map(|(name, _)| name);
        Ok(called.is_some())
    });
    called.filter(|_| looked.is_ok())
}

fn has_call(expression: &Expr) -> bool {
    called(expression).is_some()
}

fn function(expression: &Expr) -> Option<(&'static str, &[Expr])> {
    match expression {
        Expr::ScalarFunction(call) if call.func.inner().is::<SearchFunction>() => {
            let name = if call.func.name() == "gmail" { "gmail" } else { "imap_search" };
            Some((name, &call.args))
        }
        _ => None,
    }
}

/// The columns in sight that are columns of messages.
struct Sight {
    columns: Vec<(Column, Origin)>,
}

/// Where a column comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    /// The way to the scan: the side of each join, and all branches of each union.
    way: String,
    /// The column's name there.
    name: String,
}

impl Sight {
    fn of<'a>(inputs: impl IntoIterator<Item = &'a LogicalPlan>) -> Self {
        let mut columns = Vec::new();
        for (side, input) in inputs.into_iter().enumerate() {
            for (qualifier, field) in input.schema().iter() {
                let column = Column::new(qualifier.cloned(), field.name());
                if let Some(mut origin) = origin(input, &column) {
                    origin.way.insert_str(0, &format!("{side}."));
                    columns.push((column, origin));
                }
            }
        }
        Self { columns }
    }

    /// The expression; a call with all that says which messages it is about.
    fn completed(&self, expression: Expr) -> Result<Transformed<Expr>> {
        let Some((name, arguments)) = function(&expression) else { return Ok(Transformed::no(expression)) };
        let way = match arguments {
            [_] => self.only_way(name)?,
            [_, uid] => self.way_of(name, uid)?,
            // It was completed before; what it says, the scan checks.
            [_, _, _, _] => return Ok(Transformed::no(expression)),
            _ => return Err(no_text(name)),
        };
        let key = KEY.iter().map(|wanted| {
            let mut columns = self.columns.iter();
            let found = columns.find(|(_, origin)| origin.way == way && origin.name == *wanted);
            found.map(|(column, _)| Expr::Column(column.clone())).ok_or_else(|| {
                let error =
                    Error::new(ErrorKind::Query, format!("{name} needs the column {wanted}, which is not in sight"));
                let error =
                    error.hint("a subquery must hand on account, folder and uid; or call it within the subquery");
                DataFusionError::from(error)
            })
        });
        let key = key.collect::<Result<Vec<_>>>()?;
        match expression {
            Expr::ScalarFunction(mut call) => {
                call.args.truncate(1);
                call.args.extend(key);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        }
    }

    /// The way to the only table of messages in sight.
    fn only_way(&self, name: &str) -> Result<String> {
        let mut uids = self.columns.iter().filter(|(_, origin)| origin.name == "uid");
        let Some((_, first)) = uids.next() else {
            let error = Error::new(ErrorKind::Query, format!("{name} asks about messages, and none are in sight"));
            let hint =
                "it belongs into the WHERE of a table of messages; a subquery must hand on account, folder and uid";
            return Err(error.hint(hint).into());
        };
        match uids.find(|(_, origin)| origin.way != first.way) {
            None => Ok(first.way.clone()),
            Some((other, _)) => {
                let error =
                    Error::new(ErrorKind::Query, format!("{name} may be about several tables of messages here"));
                Err(error.hint(format!("say which by its uid: {name}('…', {})", other.quoted_flat_name())).into())
            }
        }
    }

    /// The way to the table that a uid is of.
    fn way_of(&self, name: &str, uid: &Expr) -> Result<String> {
        let origin = uid.try_as_col().and_then(|uid| self.columns.iter().find(|(column, _)| column == uid));
        match origin.filter(|(_, origin)| origin.name == "uid") {
            Some((_, origin)) => Ok(origin.way.clone()),
            None => {
                let error =
                    Error::new(ErrorKind::Query, format!("{name}: {uid} is not the uid of a table of messages"));
                Err(error.hint(format!("{name}('…', m.uid), where m is such a table")).into())
            }
        }
    }
}

/// Where a column of a plan comes from, if that is a table of messages and nothing was done to it on the way.
fn origin(plan: &LogicalPlan, column: &Column) -> Option<Origin> {
    let place = plan.schema().maybe_index_of_column(column)?;
    match plan {
        LogicalPlan::TableScan(scan) => {
            let provider = source_as_provider(&scan.source).ok()?;
            let is_of_messages = provider.downcast_ref::<MailTable>()?.table().rows != Rows::Folder;
            is_of_messages.then(|| Origin { way: String::new(), name: column.name.clone() })
        }
        LogicalPlan::Projection(projection) => through(&projection.input, projection.expr.get(place)?),
        LogicalPlan::Aggregate(aggregate) => through(&aggregate.input, aggregate.group_expr.get(place)?),
        LogicalPlan::SubqueryAlias(alias) => origin(&alias.input, &at(alias.input.schema(), place)),
        LogicalPlan::Join(join) => {
            let sides = [("l", &join.left), ("r", &join.right)];
            let side = sides.into_iter().find(|(_, side)| side.schema().maybe_index_of_column(column).is_some())?;
            let found = origin(side.1, column)?;
            Some(Origin { way: format!("{}{}", side.0, found.way), ..found })
        }
        LogicalPlan::Union(union) => {
            let found: Vec<Origin> =
                union.inputs.iter().map(|input| origin(input, &at(input.schema(), place))).collect::<Option<_>>()?;
            let ways: Vec<&str> = found.iter().map(|origin| origin.way.as_str()).collect();
            let name = found.first()?.name.clone();
            found
                .iter()
                .all(|origin| origin.name == name)
                .then(|| Origin { way: format!("({})", ways.join(",")), name })
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Window(_) => plan.inputs().into_iter().find_map(|input| origin(input, column)),
        _ => None,
    }
}

fn through(input: &Arc<LogicalPlan>, expression: &Expr) -> Option<Origin> {
    origin(input, expression.clone().unalias_nested().data.try_as_col()?)
}

fn at(schema: &DFSchema, place: usize) -> Column {
    Column::from(schema.qualified_field(place))
}
