//! Predicates on the instant of arrival to search keys, in the forms in which people write dates.
//!
//! Pure. Servers know whole days only, each in its own zone, so a key finds a superset: a day more on each side. Called by
//! [`super::pushdown`] for one condition.

use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, InListExpr, LikeExpr};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};

use super::Table;
use super::column::Search;
use super::pushdown::{searched, text, value};
use crate::mail::SearchKey;
use crate::mail::date::{shifted, utc_day};
use crate::mail::message::Timestamp;

/// What the value of an expression says of the instant: it lies between `value + early` and `value + late`.
#[derive(Debug, Clone, Copy, Default)]
struct View {
    /// In microseconds.
    early: i64,
    /// In microseconds.
    late: i64,
}

/// Days that an instant may lie in, the first and the last.
type Days = (Option<NaiveDate>, Option<NaiveDate>);

/// The key for a comparison with a value.
pub fn compared(
    table: &Table,
    expression: &Arc<dyn PhysicalExpr>,
    operator: Operator,
    value: &ScalarValue,
) -> Option<SearchKey> {
    let (first, last) = days(table, expression, value)?;
    match operator {
        Operator::Eq | Operator::IsNotDistinctFrom => key((first, last)),
        Operator::Gt | Operator::GtEq if !is_textual(expression) => key((first, None)),
        Operator::Lt | Operator::LtEq if !is_textual(expression) => key((None, last)),
        _ => None,
    }
}

/// The key for a list of values.
pub fn listed(table: &Table, list: &InListExpr) -> Option<SearchKey> {
    let values = list.list().iter().map(value).collect::<Option<Vec<_>>>().filter(|_| !list.negated())?;
    // A null is equal to nothing.
    let values = values.iter().filter(|value| !value.is_null());
    let all = values.map(|value| days(table, list.expr(), value)).collect::<Option<Vec<Days>>>()?;
    let all = merged(all)?;
    if let [(first, _), .., (_, last)] = all.as_slice()
        && all.len() > MOST_ITEMS
    {
        return key((Some(*first), Some(*last)));
    }
    let keys = all.into_iter().map(|(first, last)| key((Some(first), Some(last))));
    keys.collect::<Option<Vec<_>>>()?.into_iter().reduce(SearchKey::or)
}

/// Days in order, those together that follow each other; nothing when some have no end.
fn merged(all: Vec<Days>) -> Option<Vec<(NaiveDate, NaiveDate)>> {
    let mut all = all.into_iter().map(|(first, last)| first.zip(last)).collect::<Option<Vec<_>>>()?;
    all.sort_unstable();
    let mut merged: Vec<(NaiveDate, NaiveDate)> = Vec::with_capacity(all.len());
    for (first, last) in all {
        match merged.last_mut() {
            Some(before) if shifted(before.1, 1).is_none_or(|next| first <= next) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    Some(merged)
}

/// The key for a date as text that begins somehow: `received_at::text LIKE '2026-01%'`.
pub fn begins(table: &Table, like: &LikeExpr) -> Option<SearchKey> {
    let (view, known) = textual(table, like.expr()).filter(|_| !like.negated())?;
    let pattern = text(&value(like.pattern())?)?;
    let end = pattern.find(['%', '_', '\\']).unwrap_or(pattern.len());
    key(period(&pattern[..end], known, view)?)
}

/// The days in which the instant may lie when an expression has this value.
fn days(table: &Table, expression: &Arc<dyn PhysicalExpr>, value: &ScalarValue) -> Option<Days> {
    if let Some((view, known)) = textual(table, expression) {
        return period(&text(value)?, known, view);
    }
    let view = view(table, expression)?;
    let at = match value {
        ScalarValue::Date32(Some(days)) => i64::from(*days).checked_mul(DAY)?,
        value => instant(value)?,
    };
    Some((day(at, view.early), day(at, view.late)))
}

/// The key for days: one more on each side, as each may be another one where the server is.
fn key((first, last): Days) -> Option<SearchKey> {
    let since = first.and_then(|day| shifted(day, -1)).map(SearchKey::Since);
    let before = last.and_then(|day| shifted(day, 2)).map(SearchKey::Before);
    match (since, before) {
        (Some(since), Some(before)) => Some(since.and(before)),
        (one, other) => one.or(other),
    }
}

fn day(at: i64, distance: i64) -> Option<NaiveDate> {
    utc_day(Timestamp(at.checked_add(distance)?))
}

/// What the value of an expression says of the instant; nothing when it says nothing that is known here.
fn view(table: &Table, expression: &Arc<dyn PhysicalExpr>) -> Option<View> {
    if let Some(cast) = expression.downcast_ref::<CastExpr>() {
        let inner = view(table, cast.expr())?;
        return match cast.cast_type() {
            DataType::Timestamp(_, zone) => {
                // On the way through another zone, the clock that is meant may be another one, too.
                let slack = if zone.as_deref().is_none_or(|zone| UTC.contains(&zone)) { 0 } else { DAY };
                inner.with(-slack, slack)
            }
            DataType::Date32 => inner.with(0, DAY - 1),
            _ => None,
        };
    }
    if let Some(sum) = expression.downcast_ref::<BinaryExpr>() {
        let (shortest, longest) = interval(&value(sum.right())?)?;
        let inner = view(table, sum.left())?;
        return match sum.op() {
            Operator::Plus => inner.with(longest.checked_neg()?, shortest.checked_neg()?),
            Operator::Minus => inner.with(shortest, longest),
            _ => None,
        };
    }
    if let Some(call) = expression.downcast_ref::<ScalarFunctionExpr>() {
        return match (call.name(), call.args()) {
            ("to_date", [argument]) => view(table, argument)?.with(0, DAY - 1),
            ("date_trunc", [unit, argument]) => {
                view(table, argument)?.with(0, unit_days(&text(&value(unit)?)?)?.checked_mul(DAY)? - 1)
            }
            ("date_bin", [stride, argument, ..]) => {
                let (_, longest) = interval(&value(stride)?)?;
                view(table, argument)?.with(0, longest.checked_sub(1)?)
            }
            _ => None,
        };
    }
    (searched(table, expression)? == Search::ReceivedAt).then(View::default)
}

impl View {
    fn with(self, early: i64, late: i64) -> Option<Self> {
        Some(Self { early: self.early.checked_add(early)?, late: self.late.checked_add(late)? })
    }
}

/// What a text that shows a date says of the instant, and how many letters of `2026-01-10` it begins with.
fn textual(table: &Table, expression: &Arc<dyn PhysicalExpr>) -> Option<(View, usize)> {
    if let Some(cast) = expression.downcast_ref::<CastExpr>() {
        let day = || Some((view(table, cast.expr())?, LETTERS_OF_DAY));
        return textual(table, cast.expr()).or_else(day).filter(|_| cast.cast_type().is_string());
    }
    let call = expression.downcast_ref::<ScalarFunctionExpr>().filter(|call| call.name() == "to_char")?;
    let [argument, format] = call.args() else { return None };
    let format = text(&value(format)?)?;
    let known =
        [("%Y-%m-%d", LETTERS_OF_DAY), ("%F", LETTERS_OF_DAY), ("%Y-%m", LETTERS_OF_MONTH), ("%Y", LETTERS_OF_YEAR)];
    let (_, letters) = known.into_iter().find(|(beginning, _)| format.starts_with(beginning))?;
    Some((view(table, argument)?, letters))
}

/// Whether an expression is text, which follows another order.
fn is_textual(expression: &Arc<dyn PhysicalExpr>) -> bool {
    expression.downcast_ref::<CastExpr>().is_some_and(|cast| cast.cast_type().is_string())
        || expression.downcast_ref::<ScalarFunctionExpr>().is_some_and(|call| call.name() == "to_char")
}

/// The days that a text names by the beginning of a date, of which so many letters are known to be one.
fn period(text: &str, known: usize, view: View) -> Option<Days> {
    let part = |letters: usize| text.get(..letters).filter(|_| letters <= known);
    let date = |text: String| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
    let (begin, days) = if let Some(day) = part(LETTERS_OF_DAY) {
        (date(day.to_owned())?, 1)
    } else if let Some(month) = part(LETTERS_OF_MONTH) {
        (date(format!("{month}-01"))?, 31)
    } else {
        (date(format!("{}-01-01", part(LETTERS_OF_YEAR)?))?, 366)
    };
    let at = begin.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros();
    Some((day(at, view.early), day(at, view.late.checked_add(days * DAY - 1)?)))
}

/// The most days that a unit of `date_trunc` lasts.
fn unit_days(unit: &str) -> Option<i64> {
    Some(match unit.to_lowercase().as_str() {
        "microsecond" | "millisecond" | "second" | "minute" | "hour" | "day" => 1,
        "week" => 7,
        "month" => 31,
        "quarter" => 92,
        "year" => 366,
        _ => return None,
    })
}

/// How long an interval is, at least and at most, in microseconds.
fn interval(value: &ScalarValue) -> Option<(i64, i64)> {
    let DataType::Interval(_) = value.data_type() else { return None };
    let exact = value.cast_to(&DataType::Interval(IntervalUnit::MonthDayNano)).ok()?;
    let ScalarValue::IntervalMonthDayNano(Some(interval)) = exact else { return None };
    let months = |days: i64| i64::from(interval.months) * days * DAY;
    let days = i64::from(interval.days).checked_mul(DAY)?;
    // What is cut off of a microsecond counts on either side.
    let (floor, ceiling) =
        (interval.nanoseconds.div_euclid(1000), -interval.nanoseconds.checked_neg()?.div_euclid(1000));
    let (one, other) = (days.checked_add(months(28))?, days.checked_add(months(31))?);
    Some((one.min(other).checked_add(floor)?, one.max(other).checked_add(ceiling)?))
}

fn instant(value: &ScalarValue) -> Option<i64> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    match (value.data_type(), value.cast_to(&micros).ok()?) {
        (DataType::Timestamp(_, _), ScalarValue::TimestampMicrosecond(micros, _)) => micros,
        _ => None,
    }
}

/// A day in microseconds.
const DAY: i64 = 86_400_000_000;

/// Zones in which a day is the day that is meant here.
const UTC: [&str; 4] = ["UTC", "+00:00", "Z", "Etc/UTC"];

/// How many values a list may have to be asked for one by one; of longer ones, only from where to where they reach.
const MOST_ITEMS: usize = 10;

const LETTERS_OF_YEAR: usize = 4;
const LETTERS_OF_MONTH: usize = 7;
const LETTERS_OF_DAY: usize = 10;

#[cfg(test)]
mod tests {
    use datafusion::common::DFSchema;
    use datafusion::prelude::SessionContext;

    use crate::table::find;
    use crate::table::pushdown::{Answer, search};
    use crate::table::settings::TextPushdown;

    fn check(predicates: &[(&str, &str)]) {
        let table = find("MessagesInFolder").unwrap();
        let schema = DFSchema::try_from(table.schema()).unwrap();
        let context = SessionContext::new();
        for (predicate, expected) in predicates {
            let expression = context.parse_sql_expr(predicate, &schema).unwrap();
            let physical = context.create_physical_expr(expression, &schema).unwrap();
            let key = search(table, &physical, None, TextPushdown::Off).map_or("-".to_owned(), |pushed| {
                assert_eq!(pushed.answer, Answer::Superset, "{predicate}");
                pushed.key.to_string()
            });
            assert_eq!(key, *expected, "{predicate}");
        }
    }

    #[test]
    fn days_are_those_of_the_instant_and_one_more_on_each_side() {
        check(&[
            ("received_at::date BETWEEN '2026-01-10' AND '2026-01-12'", "SINCE 9-Jan-2026 BEFORE 14-Jan-2026"),
            ("received_at::date > '2026-01-10'", "SINCE 9-Jan-2026"),
            ("received_at::date < '2026-01-10'", "BEFORE 12-Jan-2026"),
            ("to_date(received_at) = '2026-01-10'", "SINCE 9-Jan-2026 BEFORE 12-Jan-2026"),
            ("received_at::timestamp >= '2026-01-10'", "SINCE 9-Jan-2026"),
            ("received_at = '2026-01-10T23:30:00-05:00'", "SINCE 10-Jan-2026 BEFORE 13-Jan-2026"),
            ("received_at::date <> '2026-01-10'", "-"),
            ("received_at IS NULL", "-"),
            ("received_at = NULL", "-"),
            ("received_at > date", "-"),
            ("date::date = '2026-01-10'", "-"),
        ]);
    }

    #[test]
    fn the_clock_of_another_zone_may_show_another_day() {
        check(&[
            ("(received_at AT TIME ZONE 'Europe/Berlin')::date = '2026-01-10'", "SINCE 8-Jan-2026 BEFORE 13-Jan-2026"),
            ("(received_at AT TIME ZONE '+14:00')::timestamp >= '2026-01-10'", "SINCE 8-Jan-2026"),
        ]);
    }

    #[test]
    fn lists_are_asked_day_by_day_or_from_the_first_to_the_last() {
        let days: Vec<String> = (10..25).rev().map(|day| format!("'2026-01-{day}'")).collect();
        let months = |day| (1..13).map(|month| format!("'2026-{month:02}-{day}'")).collect::<Vec<_>>();
        check(&[
            (
                "received_at::date IN ('2026-01-10', '2026-03-12', NULL)",
                "OR (SINCE 9-Jan-2026 BEFORE 12-Jan-2026) (SINCE 11-Mar-2026 BEFORE 14-Mar-2026)",
            ),
            (
                "date_trunc('month', received_at) IN ('2026-01-01', '2026-03-01')",
                "OR (SINCE 31-Dec-2025 BEFORE 2-Feb-2026) (SINCE 28-Feb-2026 BEFORE 2-Apr-2026)",
            ),
            (&format!("received_at::date IN ({})", months("02").join(", ")), "SINCE 1-Jan-2026 BEFORE 4-Dec-2026"),
            (&format!("received_at::date IN ({})", days.join(", ")), "SINCE 9-Jan-2026 BEFORE 26-Jan-2026"),
            ("received_at::date NOT IN ('2026-01-10', '2026-03-12')", "-"),
            ("received_at::date IN ('2026-01-10', date::date)", "-"),
            ("received_at IN (NULL)", "-"),
        ]);
    }

    #[test]
    fn units_and_bins_last_as_long_as_they_may() {
        check(&[
            ("date_trunc('day', received_at) = '2026-01-10'", "SINCE 9-Jan-2026 BEFORE 12-Jan-2026"),
            ("date_trunc('week', received_at) <= '2026-01-05'", "BEFORE 13-Jan-2026"),
            ("date_trunc('month', received_at)::date = '2026-02-01'", "SINCE 31-Jan-2026 BEFORE 6-Mar-2026"),
            ("date_trunc('century', received_at) = '2026-01-01'", "-"),
            ("date_bin(INTERVAL '1 hour', received_at) = '2026-01-10T23:00:00'", "SINCE 9-Jan-2026 BEFORE 12-Jan-2026"),
            (
                "date_bin(INTERVAL '7 days', received_at, TIMESTAMP '2026-01-01') = '2026-01-08'",
                "SINCE 7-Jan-2026 BEFORE 16-Jan-2026",
            ),
            ("date_bin(INTERVAL '1 month', received_at) >= '2026-01-01'", "SINCE 31-Dec-2025"),
        ]);
    }

    #[test]
    fn what_is_added_is_taken_off_again() {
        check(&[
            ("received_at + INTERVAL '7 days' > '2026-01-10'", "SINCE 2-Jan-2026"),
            ("received_at - INTERVAL '7 days' > '2026-01-10'", "SINCE 16-Jan-2026"),
            ("received_at + INTERVAL '1 month' < '2026-03-01'", "BEFORE 3-Feb-2026"),
            ("received_at + INTERVAL '1 month' > '2026-03-01'", "SINCE 28-Jan-2026"),
            ("received_at - INTERVAL '-1 month' > '2026-03-01'", "SINCE 28-Jan-2026"),
            ("received_at - date < INTERVAL '7 days'", "-"),
        ]);
    }

    #[test]
    fn a_date_as_text_names_a_day_a_month_or_a_year() {
        check(&[
            ("to_char(received_at, '%Y') = '2026'", "SINCE 31-Dec-2025 BEFORE 3-Jan-2027"),
            ("to_char(received_at, '%Y-%m') = '2026-02'", "SINCE 31-Jan-2026 BEFORE 5-Mar-2026"),
            ("to_char(received_at, '%F') = '2026-01-10'", "SINCE 9-Jan-2026 BEFORE 12-Jan-2026"),
            ("to_char(received_at, '%Y-%m-%d %H') = '2026-01-10 12'", "SINCE 9-Jan-2026 BEFORE 12-Jan-2026"),
            ("to_char(received_at, '%Y%m') = '202601'", "SINCE 31-Dec-2025 BEFORE 3-Jan-2027"),
            (
                "to_char(received_at, '%Y-%m') IN ('2026-01', '2026-03')",
                "OR (SINCE 31-Dec-2025 BEFORE 2-Feb-2026) (SINCE 28-Feb-2026 BEFORE 2-Apr-2026)",
            ),
            ("CAST(received_at AS VARCHAR) LIKE '2026-01-10%'", "SINCE 9-Jan-2026 BEFORE 12-Jan-2026"),
            ("received_at::date::text LIKE '2026-01-1_'", "SINCE 31-Dec-2025 BEFORE 3-Feb-2026"),
            ("CAST(received_at AS VARCHAR) LIKE '2026%'", "SINCE 31-Dec-2025 BEFORE 3-Jan-2027"),
            ("CAST(received_at AS VARCHAR) LIKE '%01-10%'", "-"),
            ("CAST(received_at AS VARCHAR) NOT LIKE '2026%'", "-"),
            ("to_char(received_at, '%d.%m.%Y') = '10.01.2026'", "-"),
            ("to_char(received_at, '%Y-%m') >= '2026-02'", "-"),
            ("to_char(received_at, '%Y-%m') = 'x'", "-"),
        ]);
    }
}
