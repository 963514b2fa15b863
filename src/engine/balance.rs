//! Long runs of AND and OR as trees that are as flat as they can be.
//!
//! The parser makes a tree out of them that is as deep as the run is long; whoever drops it, prints it or looks for something
//! in it, needs a stack of that depth. How terms of one AND, or of one OR, are grouped makes no difference to what they mean.
//! Works on parsed statements, before they are planned.

use std::ops::ControlFlow;

use datafusion::sql::parser::{CopyToSource, Statement};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value, VisitMut, VisitorMut};

/// Balances all conditions of a statement; to be called on a [large stack](super::stack).
pub fn balance(statement: &mut Statement) {
    // The visitor never breaks off.
    let _: ControlFlow<()> = match statement {
        Statement::Statement(statement) => statement.visit(&mut Balance),
        Statement::Explain(explain) => return balance(&mut explain.statement),
        Statement::CopyTo(copy) => match &mut copy.source {
            CopyToSource::Query(query) => query.visit(&mut Balance),
            CopyToSource::Relation(_) => return,
        },
        Statement::CreateExternalTable(_) | Statement::Reset(_) => return,
    };
}

struct Balance;

impl VisitorMut for Balance {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Some(operator) = long(expression) {
            let mut terms = Vec::new();
            let mut rest = std::mem::replace(expression, Expr::value(Value::Null));
            loop {
                match rest {
                    Expr::BinaryOp { left, op, right } if op == operator => {
                        terms.push(*right);
                        rest = *left;
                    }
                    first => {
                        terms.push(first);
                        break;
                    }
                }
            }
            terms.reverse();
            *expression = balanced(terms, &operator);
        }
        ControlFlow::Continue(())
    }
}

/// The operator of an expression that is a long run of AND or OR.
fn long(expression: &Expr) -> Option<BinaryOperator> {
    let Expr::BinaryOp { op: operator @ (BinaryOperator::And | BinaryOperator::Or), .. } = expression else {
        return None;
    };
    let mut rest = expression;
    for _ in 0..LONG {
        match rest {
            Expr::BinaryOp { left, op, .. } if op == operator => rest = left,
            _ => return None,
        }
    }
    Some(operator.clone())
}

/// The terms, in their order, with the operator between them.
fn balanced(mut terms: Vec<Expr>, operator: &BinaryOperator) -> Expr {
    while terms.len() > 1 {
        let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
        let mut all = terms.into_iter();
        while let Some(left) = all.next() {
            pairs.push(match all.next() {
                Some(right) => Expr::BinaryOp { left: Box::new(left), op: operator.clone(), right: Box::new(right) },
                None => left,
            });
        }
        terms = pairs;
    }
    terms.pop().unwrap_or_else(|| Expr::value(Value::Null))
}

/// Runs of fewer terms stay as the parser makes them.
const LONG: usize = 32;
