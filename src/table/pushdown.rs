//! Predicates to search keys: what a store may be asked so that no row of the answer is lost.
//!
//! Pure: no I/O, no schema but the table's. Works on physical expressions, so that the filters of a
//! statement, of its subqueries and of its joins all go the same way. The scan checks every
//! predicate itself; a key only has to leave nothing out. What text may be asked is in [`super::substring`].

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, Column, InListExpr, Literal, NotExpr};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::column::Search;
use super::found::Found;
use super::settings::TextPushdown;
use super::{Table, substring};
use crate::mail::date::{shifted, utc_day};
use crate::mail::message::Timestamp;
use crate::mail::{SearchKey, Uid, UidSet};

/// A key, and how much it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The key.
    pub key: SearchKey,
    /// Whether it finds just the rows of the predicate, or others too.
    pub answer: Answer,
}

/// How a key relates to its predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It holds exactly where the predicate is true.
    Exact,
    /// It holds wherever the predicate is true, and elsewhere.
    Superset,
}

/// The folder that a key is for; keys of a join name messages by folder.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The folder's path.
    pub folder: &'a str,
}

/// The key for a predicate; nothing when it says nothing that a store could be asked.
pub fn search(
    table: &Table,
    predicate: &Arc<dyn PhysicalExpr>,
    place: Option<Place<'_>>,
    text: TextPushdown,
) -> Option<Pushed> {
    let search = |inner| search(table, inner, place, text);
    if let Some(binary) = predicate.downcast_ref::<BinaryExpr>() {
        match binary.op() {
            Operator::And => return both(search(binary.left()), search(binary.right())),
            Operator::Or => return either(search(binary.left())?, search(binary.right())?).into(),
            _ => {}
        }
    }
    if let Some(not) = predicate.downcast_ref::<NotExpr>() {
        let inner = search(not.arg())?;
        // The complement of a superset loses rows.
        return (inner.answer == Answer::Exact).then(|| Pushed { key: !inner.key, answer: Answer::Exact });
    }
    leaf(table, predicate, place).or_else(|| match text {
        TextPushdown::Off => None,
        TextPushdown::Trust => Some(Pushed { key: substring::search(table, predicate)?, answer: Answer::Superset }),
    })
}

/// The key for a predicate of one column, text aside.
fn leaf(table: &Table, predicate: &Arc<dyn PhysicalExpr>, place: Option<Place<'_>>) -> Option<Pushed> {
    if let Some(binary) = predicate.downcast_ref::<BinaryExpr>() {
        return compared(table, binary.left(), *binary.op(), binary.right());
    }
    if let Some(list) = predicate.downcast_ref::<InListExpr>() {
        return listed(table, list, place);
    }
    if let Some(found) = predicate.downcast_ref::<Found>() {
        return Some(exact(found.key()));
    }
    match searched(table, predicate)? {
        Search::Flag(flag) => Some(exact(SearchKey::Flag(flag))),
        Search::Here
        | Search::Account
        | Search::Folder
        | Search::Uid
        | Search::Size
        | Search::ReceivedAt
        | Search::Text(_) => None,
    }
}

/// The folders that a predicate names by `=` and `IN`; nothing when it leaves others possible.
pub fn folders(table: &Table, predicate: &Arc<dyn PhysicalExpr>) -> Option<BTreeSet<String>> {
    if let Some(binary) = predicate.downcast_ref::<BinaryExpr>() {
        let (left, right) = (binary.left(), binary.right());
        return match binary.op() {
            Operator::And => match (folders(table, left), folders(table, right)) {
                (Some(left), Some(right)) => Some(left.intersection(&right).cloned().collect()),
                (one, other) => one.or(other),
            },
            Operator::Or => Some(folders(table, left)?.union(&folders(table, right)?).cloned().collect()),
            Operator::Eq if searched(table, left) == Some(Search::Folder) => Some([text(&value(right)?)?].into()),
            Operator::Eq if searched(table, right) == Some(Search::Folder) => Some([text(&value(left)?)?].into()),
            _ => None,
        };
    }
    let list = predicate.downcast_ref::<InListExpr>()?;
    if list.negated() || searched(table, list.expr()) != Some(Search::Folder) {
        return None;
    }
    // An item that is no constant may be any folder; a null is none.
    let items = list.list().iter().map(value).collect::<Option<Vec<_>>>()?;
    Some(items.iter().filter_map(text).collect())
}

/// A key that no message satisfies.
pub fn nothing() -> SearchKey {
    !SearchKey::All
}

fn both(left: Option<Pushed>, right: Option<Pushed>) -> Option<Pushed> {
    match (left, right) {
        (Some(left), Some(right)) => {
            let answer = if left.answer == right.answer { left.answer } else { Answer::Superset };
            Some(Pushed { key: left.key.and(right.key), answer })
        }
        (one, other) => one.or(other).map(|pushed| Pushed { answer: Answer::Superset, ..pushed }),
    }
}

fn either(left: Pushed, right: Pushed) -> Pushed {
    let answer = if left.answer == right.answer { left.answer } else { Answer::Superset };
    Pushed { key: left.key.or(right.key), answer }
}

fn exact(key: SearchKey) -> Pushed {
    Pushed { key, answer: Answer::Exact }
}

fn compared(
    table: &Table,
    left: &Arc<dyn PhysicalExpr>,
    operator: Operator,
    right: &Arc<dyn PhysicalExpr>,
) -> Option<Pushed> {
    let (column, operator, value) = match (value(left), value(right)) {
        (None, Some(value)) => (left, operator, value),
        (Some(value), None) => (right, operator.swap()?, value),
        _ => return None,
    };
    if let Some((unit, argument)) = truncated(column) {
        let at = instant(&value)?;
        return (searched(table, argument)? == Search::ReceivedAt).then(|| truncated_at(operator, at, unit)).flatten();
    }
    match searched(table, column)? {
        Search::Uid => uids(operator, integer(&value)?).map(exact),
        Search::Size => sizes(operator, integer(&value)?).map(exact),
        Search::ReceivedAt => match value {
            ScalarValue::Date32(Some(days)) => {
                received(operator, utc_day(Timestamp(i64::from(days) * MICROSECONDS_PER_DAY))?)
            }
            value => received(operator, utc_day(instant(&value)?)?),
        },
        Search::Flag(flag) => match (operator, value) {
            (Operator::Eq | Operator::IsNotDistinctFrom, ScalarValue::Boolean(Some(is))) => {
                Some(exact(if is { SearchKey::Flag(flag) } else { !SearchKey::Flag(flag) }))
            }
            _ => None,
        },
        Search::Here | Search::Account | Search::Folder | Search::Text(_) => None,
    }
}

fn listed(table: &Table, list: &InListExpr, place: Option<Place<'_>>) -> Option<Pushed> {
    if let Some(row) = list.expr().downcast_ref::<ScalarFunctionExpr>() {
        return (row.name() == "struct" && !list.negated())
            .then(|| key_list(table, row.args(), list, place?))
            .flatten();
    }
    if searched(table, list.expr())? != Search::Uid {
        return None;
    }
    let numbers = list.list().iter().map(value).collect::<Option<Vec<_>>>()?;
    // A null among them makes NOT IN true of nothing, and IN true of no message more.
    let has_null = numbers.iter().any(ScalarValue::is_null);
    let set = UidSet::of(numbers.iter().filter_map(integer).filter_map(uid));
    let key = match (list.negated(), set) {
        (true, _) if has_null => nothing(),
        (true, Some(set)) => set.complement().map_or_else(nothing, SearchKey::Uid),
        (true, None) => SearchKey::All,
        (false, set) => set.map_or_else(nothing, SearchKey::Uid),
    };
    Some(Pushed { key, answer: if has_null { Answer::Superset } else { Answer::Exact } })
}

/// `(account, folder, uid) IN (…)`, as a join by several columns says it: the uids of one folder.
fn key_list(table: &Table, columns: &[Arc<dyn PhysicalExpr>], list: &InListExpr, place: Place<'_>) -> Option<Pushed> {
    let position = |wanted| columns.iter().position(|column| searched(table, column) == Some(wanted));
    let uid_position = position(Search::Uid)?;
    let fixed = [(position(Search::Account), place.account), (position(Search::Folder), place.folder)];
    let mut found = Vec::new();
    for item in list.list() {
        let ScalarValue::Struct(row) = value(item)? else { return None };
        let field = |position: usize| ScalarValue::try_from_array(row.column(position), 0).ok();
        let is_here = fixed.iter().all(|(position, expected)| {
            position.is_none_or(|position| {
                field(position).and_then(|value| text(&value)).is_none_or(|text| text == *expected)
            })
        });
        if is_here {
            found.push(integer(&field(uid_position)?));
        }
    }
    let set = UidSet::of(found.into_iter().flatten().filter_map(uid));
    Some(Pushed { key: set.map_or_else(nothing, SearchKey::Uid), answer: Answer::Superset })
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

/// LARGER and SMALLER are strict, and know no negative numbers.
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

/// Whole days, and in a zone that only the server knows, so a day is added on each side.
fn received(operator: Operator, day: NaiveDate) -> Option<Pushed> {
    let since = shifted(day, -1).map(SearchKey::Since);
    let before = shifted(day, 2).map(SearchKey::Before);
    let key = match operator {
        Operator::Eq => since?.and(before?),
        Operator::Gt | Operator::GtEq => since?,
        Operator::Lt | Operator::LtEq => before?,
        _ => return None,
    };
    Some(Pushed { key, answer: Answer::Superset })
}

/// `date_trunc(unit, received_at)`: the instant lies within the unit that begins there.
fn truncated_at(operator: Operator, at: Timestamp, unit_days: i64) -> Option<Pushed> {
    let end = Timestamp(at.0.checked_add(unit_days.checked_mul(MICROSECONDS_PER_DAY)?)?);
    let from = || received(Operator::GtEq, utc_day(at)?);
    let until = || received(Operator::Lt, utc_day(end)?);
    match operator {
        Operator::Eq => both(from(), until()),
        Operator::Gt | Operator::GtEq => from(),
        Operator::Lt | Operator::LtEq => until(),
        _ => None,
    }
}

/// The most days that a unit of `date_trunc` lasts, and what is truncated.
fn truncated(expression: &Arc<dyn PhysicalExpr>) -> Option<(i64, &Arc<dyn PhysicalExpr>)> {
    if let Some(cast) = expression.downcast_ref::<CastExpr>() {
        return matches!(cast.cast_type(), DataType::Timestamp(_, _)).then(|| truncated(cast.expr())).flatten();
    }
    let call = expression.downcast_ref::<ScalarFunctionExpr>().filter(|call| call.name() == "date_trunc")?;
    let [unit, argument] = call.args() else { return None };
    let days = match text(&value(unit)?)?.to_lowercase().as_str() {
        "microsecond" | "millisecond" | "second" | "minute" | "hour" | "day" => 1,
        "week" => 7,
        "month" => 31,
        "quarter" => 92,
        "year" => 366,
        _ => return None,
    };
    Some((days, argument))
}

/// How a store may be asked about a column; casts between integers, and of instants to days, change nothing here.
pub(super) fn searched(table: &Table, expression: &Arc<dyn PhysicalExpr>) -> Option<Search> {
    if let Some(cast) = expression.downcast_ref::<CastExpr>() {
        let inner = searched(table, cast.expr())?;
        let is_same = match inner {
            Search::Uid | Search::Size => cast.cast_type().is_integer(),
            Search::ReceivedAt => matches!(cast.cast_type(), DataType::Date32 | DataType::Timestamp(_, _)),
            Search::Account | Search::Folder | Search::Text(_) => cast.cast_type().is_string(),
            Search::Here | Search::Flag(_) => false,
        };
        return is_same.then_some(inner);
    }
    let name = expression.downcast_ref::<Column>()?.name();
    table.columns().find(|column| column.name == name).map(|column| column.search)
}

/// The value of an expression without columns; a subquery has one once it has run.
pub(super) fn value(expression: &Arc<dyn PhysicalExpr>) -> Option<ScalarValue> {
    if let Some(literal) = expression.downcast_ref::<Literal>() {
        return Some(literal.value().clone());
    }
    if !datafusion::physical_expr::utils::collect_columns(expression).is_empty() {
        return None;
    }
    match expression.evaluate(&RecordBatch::new_empty(Arc::new(Schema::empty()))).ok()? {
        ColumnarValue::Scalar(value) => Some(value),
        ColumnarValue::Array(_) => None,
    }
}

pub(super) fn text(value: &ScalarValue) -> Option<String> {
    value.try_as_str().flatten().map(str::to_owned)
}

fn integer(value: &ScalarValue) -> Option<i64> {
    match value.cast_to(&DataType::Int64).ok()? {
        ScalarValue::Int64(number) if value.data_type().is_integer() => number,
        _ => None,
    }
}

fn instant(value: &ScalarValue) -> Option<Timestamp> {
    let micros = DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
    match (value.data_type(), value.cast_to(&micros).ok()?) {
        (DataType::Timestamp(_, _), ScalarValue::TimestampMicrosecond(Some(micros), _)) => Some(Timestamp(micros)),
        _ => None,
    }
}

fn uid(number: i64) -> Option<Uid> {
    u32::try_from(number).ok().and_then(Uid::new)
}

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

#[cfg(test)]
mod tests {
    use datafusion::common::DFSchema;
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::table::find;

    fn physical(sql: &str) -> (&'static Table, Arc<dyn PhysicalExpr>) {
        let table = find("MessagesInFolder").unwrap();
        let schema = DFSchema::try_from(table.schema()).unwrap();
        let context = SessionContext::new();
        let expression = context.parse_sql_expr(sql, &schema).unwrap();
        (table, context.create_physical_expr(expression, &schema).unwrap())
    }

    /// The key of a predicate, with `~` before it when it is only a superset; `-` for none.
    fn key(sql: &str) -> String {
        let (table, predicate) = physical(sql);
        match search(table, &predicate, None, TextPushdown::Off) {
            None => "-".to_owned(),
            Some(Pushed { key, answer: Answer::Exact }) => key.to_string(),
            Some(Pushed { key, answer: Answer::Superset }) => format!("~{key}"),
        }
    }

    fn named(sql: &str) -> Option<Vec<String>> {
        let (table, predicate) = physical(sql);
        folders(table, &predicate).map(|folders| folders.into_iter().collect())
    }

    #[test]
    fn uids_become_sets() {
        assert_eq!(key("uid = 7"), "UID 7");
        assert_eq!(key("uid IN (3, 1, 2, 9, 10)"), "UID 1:3,9:10");
        assert_eq!(key("uid BETWEEN 5 AND 9"), "UID 5:9");
        assert_eq!(key("5 < uid"), "UID 6:*");
        assert_eq!(key("uid NOT IN (1, 2, 3, 4)"), "UID 5:*");
        assert_eq!(key("uid <> 3"), "UID 1:2,4:*");
    }

    #[test]
    fn numbers_that_no_uid_has_find_nothing_or_everything() {
        assert_eq!(key("uid = 0"), "NOT ALL");
        assert_eq!(key("uid < 1"), "NOT ALL");
        assert_eq!(key("uid >= -5"), "UID 1:*");
        assert_eq!(key("uid > 5000000000"), "NOT ALL");
        assert_eq!(key("uid <= 5000000000"), "UID 1:*");
        assert_eq!(key("uid NOT IN (1, NULL)"), "~NOT ALL");
    }

    #[test]
    fn flags_become_their_keys() {
        assert_eq!(key("seen"), "SEEN");
        assert_eq!(key("NOT seen AND flagged"), "UNSEEN FLAGGED");
        assert_eq!(key("draft = false OR deleted"), "OR UNDRAFT DELETED");
        assert_eq!(key("seen IS NOT DISTINCT FROM true"), "SEEN");
    }

    #[test]
    fn sizes_are_strict_on_the_wire() {
        assert_eq!(key("size > 100"), "LARGER 100");
        assert_eq!(key("size >= 100"), "LARGER 99");
        assert_eq!(key("size < 100"), "SMALLER 100");
        assert_eq!(key("size <= 100"), "SMALLER 101");
        assert_eq!(key("size = 100"), "LARGER 99 SMALLER 101");
        assert_eq!(key("size < -1"), "NOT ALL");
    }

    #[test]
    fn days_are_widened_on_each_side() {
        assert_eq!(key("received_at >= '2026-01-10T12:00:00Z'"), "~SINCE 9-Jan-2026");
        assert_eq!(key("received_at < '2026-01-10'"), "~BEFORE 12-Jan-2026");
        assert_eq!(key("received_at::date = '2026-01-10'"), "~SINCE 9-Jan-2026 BEFORE 12-Jan-2026");
        assert_eq!(key("date_trunc('month', received_at) = '2026-01-01'"), "~SINCE 31-Dec-2025 BEFORE 3-Feb-2026");
        assert_eq!(key("date >= '2026-01-10'"), "-");
    }

    #[test]
    fn only_what_is_exact_is_negated() {
        assert_eq!(key("NOT (uid = 1 AND seen)"), "NOT (UID 1 SEEN)");
        assert_eq!(key("NOT (seen AND subject LIKE '%a%')"), "-");
        for superset in ["seen AND subject LIKE '%a%'", "received_at < '2026-01-10'", "subject LIKE '%abc%'"] {
            let (table, superset) = physical(superset);
            assert!(search(table, &superset, None, TextPushdown::Trust).is_some());
            let not: Arc<dyn PhysicalExpr> = Arc::new(NotExpr::new(superset));
            assert_eq!(search(table, &not, None, TextPushdown::Trust), None);
        }
    }

    #[test]
    fn an_and_takes_what_there_is_and_an_or_needs_both() {
        assert_eq!(key("seen AND subject LIKE '%a%'"), "~SEEN");
        assert_eq!(key("seen OR subject LIKE '%a%'"), "-");
        assert_eq!(key("seen OR (flagged AND subject LIKE '%a%')"), "~OR SEEN FLAGGED");
    }

    #[test]
    fn text_is_not_pushed_unless_that_is_trusted() {
        for predicate in ["subject = 'a'", "subject NOT LIKE '%a%'", "from_address ILIKE 'a%'", "labels IS NULL"] {
            assert_eq!(key(predicate), "-", "{predicate}");
        }
    }

    #[test]
    fn folders_are_named_by_equality_alone() {
        let names = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(named("folder = 'A'"), names(&["A"]));
        assert_eq!(named("folder IN ('B', 'A', 'C', 'D') AND seen"), names(&["A", "B", "C", "D"]));
        assert_eq!(named("folder = 'A' AND folder IN ('B', 'C', 'D', 'E')"), names(&[]));
        assert_eq!(named("folder = 'A' OR seen"), None);
        assert_eq!(named("folder <> 'A'"), None);
        assert_eq!(named("folder LIKE 'A%'"), None);
        assert_eq!(named("folder IN ('A', 'B', 'C', subject)"), None);
        assert_eq!(named("folder IN ('A', 'B', 'C', NULL)"), names(&["A", "B", "C"]));
    }
}
