//! Predicates to search keys: what a store may be asked so that no row of the answer is lost.
//!
//! Pure: no I/O, no schema but the table's. Works on physical expressions, so that the filters of a
//! statement, of its subqueries and of its joins all go the same way. The scan checks every
//! predicate itself; a key only has to leave nothing out. What text may be asked is in [`super::substring`],
//! dates are in [`super::received_at`], numbers in [`super::numbers`].

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, Column, InListExpr, LikeExpr, Literal, NotExpr};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::chain::{Links, chain};
use super::column::Search;
use super::found::Found;
use super::numbers::{self, integer, uid};
use super::settings::TextPushdown;
use super::{Table, received_at, substring};
use crate::mail::{SearchKey, UidSet};

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
        if let Some((inner, truth)) = truth(table, binary) {
            return told(search(inner)?, truth);
        }
    }
    if let Some(not) = predicate.downcast_ref::<NotExpr>() {
        return contrary(search(not.arg())?);
    }
    match chain(predicate) {
        Some((Links::All, operands)) => return all(operands.iter().map(search)),
        Some((Links::Any, operands)) => return any(operands.iter().map(search).collect::<Option<_>>()?),
        Some((Links::Fold(_), _)) | None => {}
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
    if let Some(like) = predicate.downcast_ref::<LikeExpr>() {
        return received_at::begins(table, like).map(superset);
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
    match chain(predicate) {
        Some((Links::All, operands)) => {
            let named = operands.iter().filter_map(|operand| folders(table, operand));
            return named.reduce(|left, right| left.intersection(&right).cloned().collect());
        }
        Some((Links::Any, operands)) => {
            let named = operands.iter().map(|operand| folders(table, operand));
            return named.collect::<Option<Vec<_>>>().map(|named| named.into_iter().flatten().collect());
        }
        Some((Links::Fold(_), _)) | None => {}
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

/// What holds just where the other does not; the complement of a superset loses rows.
fn contrary(pushed: Pushed) -> Option<Pushed> {
    (pushed.answer == Answer::Exact).then(|| exact(!pushed.key))
}

/// What holds where the other has that truth value.
fn told(pushed: Pushed, truth: Truth) -> Option<Pushed> {
    match truth {
        Truth::True => Some(pushed),
        Truth::False => contrary(pushed),
        _ if pushed.answer != Answer::Exact => None,
        Truth::NotTrue => Some(exact(SearchKey::NotTrue(Box::new(pushed.key)))),
        Truth::NotFalse => Some(exact(SearchKey::NotTrue(Box::new(!pushed.key)))),
    }
}

fn either(left: Pushed, right: Pushed) -> Pushed {
    let answer = if left.answer == right.answer { left.answer } else { Answer::Superset };
    Pushed { key: left.key.or(right.key), answer }
}

/// What holds where all of these do; a key may say less, so that it is no longer than a server takes.
fn all(mut pushed: impl Iterator<Item = Option<Pushed>>) -> Option<Pushed> {
    let asked = pushed.by_ref().take(MOST_KEYS).reduce(both).flatten();
    let is_all = pushed.next().is_none();
    asked.map(|asked| if is_all { asked } else { superset(asked.key) })
}

/// What holds where any of these does; grouped so that the key is as flat as it can be.
fn any(mut pushed: Vec<Pushed>) -> Option<Pushed> {
    // Sets of uids become one set.
    if pushed.iter().filter(|one| !matches!(one.key, SearchKey::Uid(_))).count() > MOST_KEYS {
        return None;
    }
    while pushed.len() > 1 {
        let mut pairs = Vec::with_capacity(pushed.len().div_ceil(2));
        let mut all = pushed.into_iter();
        while let Some(left) = all.next() {
            pairs.push(match all.next() {
                Some(right) => either(left, right),
                None => left,
            });
        }
        pushed = pairs;
    }
    pushed.pop()
}

pub(super) fn exact(key: SearchKey) -> Pushed {
    Pushed { key, answer: Answer::Exact }
}

pub(super) fn superset(key: SearchKey) -> Pushed {
    Pushed { key, answer: Answer::Superset }
}

/// What a condition says of another one (`… IS NOT TRUE`, `… = false`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    True,
    False,
    /// False or unknown.
    NotTrue,
    /// True or unknown.
    NotFalse,
}

/// A condition that only says of another one whether it is true: of which one, and what.
///
/// More than that it is true can be asked only of columns whose keys say what is unknown, too, or that are always known.
fn truth<'a>(table: &Table, predicate: &'a BinaryExpr) -> Option<(&'a Arc<dyn PhysicalExpr>, Truth)> {
    let truth = |side| match value(side)? {
        ScalarValue::Boolean(is) => is,
        _ => None,
    };
    let (inner, is) = match (truth(predicate.left()), truth(predicate.right())) {
        (None, Some(is)) => (predicate.left(), is),
        (Some(is), None) => (predicate.right(), is),
        _ => return None,
    };
    let is_told = || {
        let named = |name: &str| table.columns().find(|column| column.name == name).map(|column| column.search);
        let mut searches = collect_columns(inner).into_iter().map(|column| named(column.name()));
        searches.all(|search| matches!(search, Some(Search::Flag(_) | Search::Uid)))
    };
    let truth = match (predicate.op(), is) {
        (Operator::Eq | Operator::IsNotDistinctFrom, true) | (Operator::NotEq, false) => Truth::True,
        (Operator::Eq | Operator::IsNotDistinctFrom, false) | (Operator::NotEq, true) => Truth::False,
        (Operator::IsDistinctFrom, true) => Truth::NotTrue,
        (Operator::IsDistinctFrom, false) => Truth::NotFalse,
        _ => return None,
    };
    (truth == Truth::True || is_told()).then_some((inner, truth))
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
    if let Some(key) = received_at::compared(table, column, operator, &value) {
        return Some(superset(key));
    }
    numbers::compared(table, column, operator, &value).map(exact)
}

fn listed(table: &Table, list: &InListExpr, place: Option<Place<'_>>) -> Option<Pushed> {
    let call = list.expr().downcast_ref::<ScalarFunctionExpr>();
    if let Some(row) = call.filter(|call| call.name() == "struct") {
        return key_list(table, row.args(), list, place?).filter(|_| !list.negated());
    }
    if let Some(key) = received_at::listed(table, list) {
        return Some(superset(key));
    }
    numbers::listed(table, list)
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

/// How a store may be asked about a column; casts between integers and between texts change nothing.
pub(super) fn searched(table: &Table, expression: &Arc<dyn PhysicalExpr>) -> Option<Search> {
    if let Some(cast) = expression.downcast_ref::<CastExpr>() {
        let inner = searched(table, cast.expr())?;
        let is_same = match inner {
            Search::Uid | Search::Size => cast.cast_type().is_integer(),
            Search::Account | Search::Folder | Search::Text(_) => cast.cast_type().is_string(),
            Search::Here | Search::Flag(_) | Search::ReceivedAt => false,
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
    if !collect_columns(expression).is_empty() {
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

/// How many keys of a chain a server is asked for: it does not take a command of any length.
const MOST_KEYS: usize = 200;

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
        assert_eq!(key("seen = true AND flagged <> true"), "SEEN UNFLAGGED");
        assert_eq!(key("seen IS DISTINCT FROM true"), "UNSEEN");
        assert_eq!(key("seen IS DISTINCT FROM false"), "SEEN");
        assert_eq!(key("seen = NULL"), "-");
    }

    #[test]
    fn what_is_unknown_is_not_true() {
        assert_eq!(key("(uid = 5 OR seen) IS NOT DISTINCT FROM true"), "OR UID 5 SEEN");
        assert_eq!(key("(uid = 5 OR seen) IS DISTINCT FROM true"), "NOT OR UID 5 SEEN");
        assert_eq!(key("(uid = 5 AND seen) = false"), "NOT (UID 5 SEEN)");
        assert_eq!(key("(size > 5) = true"), "LARGER 5");
        assert_eq!(key("(received_at >= '2026-01-10') IS NOT DISTINCT FROM true"), "~SINCE 9-Jan-2026");
        for predicate in [
            "(size > 5) IS DISTINCT FROM true",
            "(size > 5) = false",
            "(received_at >= '2026-01-10') IS DISTINCT FROM true",
            "(seen AND subject LIKE '%a%') IS DISTINCT FROM true",
            "(uid IN (1, NULL)) IS DISTINCT FROM true",
            "(seen OR NULL) IS DISTINCT FROM false",
        ] {
            assert_eq!(key(predicate), "-", "{predicate}");
        }
    }

    #[test]
    fn sizes_are_strict_on_the_wire() {
        assert_eq!(key("size > 100"), "LARGER 100");
        assert_eq!(key("size >= 100"), "LARGER 99");
        assert_eq!(key("size < 100"), "SMALLER 100");
        assert_eq!(key("size <= 100"), "SMALLER 101");
        assert_eq!(key("size = 100"), "LARGER 99 SMALLER 101");
        assert_eq!(key("size < -1"), "NOT ALL");
        assert_eq!(key("size IN (5, 7, NULL)"), "~OR (LARGER 4 SMALLER 6) (LARGER 6 SMALLER 8)");
        assert_eq!(key("size IN (30, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)"), "~LARGER 0 SMALLER 31");
        assert_eq!(key("size NOT IN (5, 7)"), "-");
        assert_eq!(key("size IN (NULL)"), "-");
    }

    #[test]
    fn a_fraction_makes_no_difference_to_whole_numbers() {
        assert_eq!(key("size > 1e6"), "LARGER 1000000");
        assert_eq!(key("size > 1000.5"), "LARGER 1000");
        assert_eq!(key("size >= 1000.5"), "LARGER 1000");
        assert_eq!(key("size < 1000.5"), "SMALLER 1001");
        assert_eq!(key("size <= 1000.5"), "SMALLER 1001");
        assert_eq!(key("1000.5 > size"), "SMALLER 1001");
        assert_eq!(key("uid = 5.0"), "UID 5");
        for predicate in ["uid = 5.5", "uid <> 5.5", "uid > 1e30", "uid > CAST('NaN' AS DOUBLE)"] {
            assert_eq!(key(predicate), "-", "{predicate}");
        }
    }

    #[test]
    fn days_are_widened_on_each_side() {
        assert_eq!(key("received_at >= '2026-01-10T12:00:00Z'"), "~SINCE 9-Jan-2026");
        assert_eq!(key("received_at < '2026-01-10'"), "~BEFORE 12-Jan-2026");
        assert_eq!(key("received_at::date = '2026-01-10'"), "~SINCE 9-Jan-2026 BEFORE 12-Jan-2026");
        assert_eq!(key("date_trunc('month', received_at) = '2026-01-01'"), "~SINCE 31-Dec-2025 BEFORE 2-Feb-2026");
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
