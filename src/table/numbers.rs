//! Predicates on uids and sizes to search keys.
//!
//! Pure. Uids become sets; LARGER and SMALLER are strict and know no negative numbers. Called by [`super::pushdown`] for one
//! condition.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, InListExpr};

use super::Table;
use super::column::Search;
use super::pushdown::{Answer, Pushed, nothing, searched, superset, value};
use crate::mail::{SearchKey, Uid, UidSet};

/// The key for a comparison with a number; it holds just where the comparison does.
pub fn compared(
    table: &Table,
    column: &Arc<dyn PhysicalExpr>,
    operator: Operator,
    number: &ScalarValue,
) -> Option<SearchKey> {
    let (search, operator, number) = match number {
        ScalarValue::Float64(Some(number)) => whole(table, column, operator, *number)?,
        number => (searched(table, column)?, operator, integer(number)?),
    };
    match search {
        Search::Uid => uids(operator, number),
        Search::Size => sizes(operator, number),
        Search::Here | Search::Account | Search::Folder | Search::Flag(_) | Search::ReceivedAt | Search::Text(_) => {
            None
        }
    }
}

/// The key for a list of numbers.
pub fn listed(table: &Table, list: &InListExpr) -> Option<Pushed> {
    let search = searched(table, list.expr())?;
    let numbers = || list.list().iter().map(value).collect::<Option<Vec<_>>>();
    match search {
        Search::Uid => Some(listed_uids(&numbers()?, list.negated())),
        Search::Size if !list.negated() => listed_sizes(&numbers()?),
        Search::Size
        | Search::Here
        | Search::Account
        | Search::Folder
        | Search::Flag(_)
        | Search::ReceivedAt
        | Search::Text(_) => None,
    }
}

fn listed_uids(numbers: &[ScalarValue], is_negated: bool) -> Pushed {
    // A null among them makes NOT IN true of nothing, and IN true of no message more.
    let has_null = numbers.iter().any(ScalarValue::is_null);
    let set = UidSet::of(numbers.iter().filter_map(integer).filter_map(uid));
    let key = match (is_negated, set) {
        (true, _) if has_null => nothing(),
        (true, Some(set)) => set.complement().map_or_else(nothing, SearchKey::Uid),
        (true, None) => SearchKey::All,
        (false, set) => set.map_or_else(nothing, SearchKey::Uid),
    };
    Pushed { key, answer: if has_null { Answer::Superset } else { Answer::Exact } }
}

/// Each of few, or else from the smallest to the largest.
fn listed_sizes(numbers: &[ScalarValue]) -> Option<Pushed> {
    let mut octets: Vec<i64> = numbers.iter().filter_map(integer).collect();
    octets.sort_unstable();
    let (smallest, largest) = (*octets.first()?, *octets.last()?);
    if octets.len() > MOST_SIZES {
        return Some(superset(sizes(Operator::GtEq, smallest)?.and(sizes(Operator::LtEq, largest)?)));
    }
    let keys = octets.into_iter().map(|octets| sizes(Operator::Eq, octets)).collect::<Option<Vec<_>>>()?;
    keys.into_iter().reduce(SearchKey::or).map(superset)
}

fn uids(operator: Operator, number: i64) -> Option<SearchKey> {
    let at_least = |low: i64| match u32::try_from(low.max(1)).ok().and_then(Uid::new) {
        Some(low) => UidSet::range(low, Uid::MAX).map_or_else(nothing, SearchKey::Uid),
        None => nothing(),
    };
    let at_most = |high: i64| match u32::try_from(high.min(u32::MAX.into())).ok().and_then(Uid::new) {
        Some(high) => UidSet::range(Uid::MIN, high).map_or_else(nothing, SearchKey::Uid),
        None => nothing(),
    };
    let only = UidSet::of(uid(number));
    Some(match operator {
        Operator::Eq => only.map_or_else(nothing, SearchKey::Uid),
        Operator::NotEq => only.map_or(SearchKey::All, |only| only.complement().map_or_else(nothing, SearchKey::Uid)),
        Operator::Gt => at_least(number.checked_add(1)?),
        Operator::GtEq => at_least(number),
        Operator::Lt => at_most(number.checked_sub(1)?),
        Operator::LtEq => at_most(number),
        _ => return None,
    })
}

fn sizes(operator: Operator, octets: i64) -> Option<SearchKey> {
    let larger = |than: i64| u64::try_from(than).map_or(SearchKey::All, SearchKey::Larger);
    let smaller = |than: i64| u64::try_from(than).map_or_else(|_| nothing(), SearchKey::Smaller);
    let (below, above) = (octets.checked_sub(1)?, octets.checked_add(1)?);
    Some(match operator {
        Operator::Eq => larger(below).and(smaller(above)),
        Operator::Gt => larger(octets),
        Operator::GtEq => larger(below),
        Operator::Lt => smaller(octets),
        Operator::LtEq => smaller(above),
        _ => return None,
    })
}

/// A column that is compared as a number with a fraction: the same comparison of whole numbers.
fn whole(
    table: &Table,
    column: &Arc<dyn PhysicalExpr>,
    operator: Operator,
    number: f64,
) -> Option<(Search, Operator, i64)> {
    let cast = column.downcast_ref::<CastExpr>().filter(|cast| *cast.cast_type() == DataType::Float64)?;
    let number = match operator {
        Operator::Gt | Operator::LtEq => number.floor(),
        Operator::Lt | Operator::GtEq => number.ceil(),
        Operator::Eq if number.fract() == 0.0 => number,
        _ => return None,
    };
    // Uids and sizes are no larger than this, so that they are the same with and without a fraction.
    #[allow(clippy::cast_possible_truncation, reason = "it is whole, and not that large")]
    let number = (number.abs() < LARGEST_WHOLE).then_some(number as i64)?;
    Some((searched(table, cast.expr())?, operator, number))
}

/// The value of a whole number; nothing for any other value.
pub(super) fn integer(value: &ScalarValue) -> Option<i64> {
    match value.cast_to(&DataType::Int64).ok()? {
        ScalarValue::Int64(number) if value.data_type().is_integer() => number,
        _ => None,
    }
}

/// The uid with this number.
pub(super) fn uid(number: i64) -> Option<Uid> {
    u32::try_from(number).ok().and_then(Uid::new)
}

/// How many sizes a list may have to be asked for one by one.
const MOST_SIZES: usize = 10;

/// Up to here, numbers with a fraction know every whole one.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;
