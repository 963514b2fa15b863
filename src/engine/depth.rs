//! How deep a plan may be: what is planned is dropped, compared and run on any thread, with the stack that this has.
//!
//! Looks at logical plans. Long runs of operators are not deep by then (see [`super::chains`]).

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;

use super::stack;
use crate::error::{Error, ErrorKind};

/// Refuses a plan that is deeper than it may be, or that has an expression that is.
///
/// # Errors
/// When it is.
pub fn check(plan: &LogicalPlan) -> Result<()> {
    stack::large(|| check_below(plan, 0, &mut 0))
}

/// The same for sessions of somebody else, who plan without us.
#[derive(Debug)]
pub struct Bounded;

impl AnalyzerRule for Bounded {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        check(&plan)?;
        Ok(plan)
    }

    fn name(&self) -> &'static str {
        "mail_bounded"
    }
}

fn check_below(plan: &LogicalPlan, depth: usize, nodes: &mut usize) -> Result<()> {
    let mut open = vec![(plan, depth)];
    while let Some((plan, depth)) = open.pop() {
        *nodes += 1;
        if *nodes > MOST_NODES {
            let message = format!("the statement becomes a plan of more than {MOST_NODES} steps");
            return Err(Error::new(ErrorKind::Query, message).hint(KEEP).into());
        }
        let (mut subqueries, mut deepest) = (Vec::new(), 0);
        plan.apply_expressions(|expression| {
            deepest = deepest.max(depth_of(expression, &mut subqueries)?);
            Ok(TreeNodeRecursion::Continue)
        })?;
        if deepest > MOST_OPERATORS {
            let message = format!("an expression is nested {deepest} levels deep, and {MOST_OPERATORS} is the most");
            return Err(Error::new(ErrorKind::Query, message).hint(STEPS).into());
        }
        // A subquery becomes a join, each over the one before.
        let below = depth + 1 + subqueries.len();
        if below > MOST_STEPS {
            let message = format!("the statement is nested more than {MOST_STEPS} queries and joins deep");
            return Err(Error::new(ErrorKind::Query, message).hint(KEEP).into());
        }
        for subquery in subqueries {
            check_below(&subquery, below, nodes)?;
        }
        open.extend(plan.inputs().into_iter().map(|input| (input, below)));
    }
    Ok(())
}

/// How deep an expression is; its subqueries are gathered.
fn depth_of(expression: &Expr, subqueries: &mut Vec<Arc<LogicalPlan>>) -> Result<usize> {
    let (mut open, mut deepest) = (vec![(expression, 1)], 0);
    while let Some((expression, depth)) = open.pop() {
        deepest = deepest.max(depth);
        match expression {
            Expr::Exists(exists) => subqueries.push(Arc::clone(&exists.subquery.subquery)),
            Expr::InSubquery(within) => subqueries.push(Arc::clone(&within.subquery.subquery)),
            Expr::SetComparison(comparison) => subqueries.push(Arc::clone(&comparison.subquery.subquery)),
            Expr::ScalarSubquery(subquery) => subqueries.push(Arc::clone(&subquery.subquery)),
            _ => {}
        }
        expression.apply_children(|child| {
            open.push((child, depth + 1));
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(deepest)
}

/// Operators and functions within each other.
const MOST_OPERATORS: usize = 100;
/// Queries and joins over each other.
const MOST_STEPS: usize = 250;
/// Steps of a plan in all; a view or a WITH that is named twice is there twice.
const MOST_NODES: usize = 50_000;

const STEPS: &str = "do it in several steps: a subquery or a WITH for each part";
const KEEP: &str = "keep a part of it as a table: CREATE TABLE … AS SELECT …";
