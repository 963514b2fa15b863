//! Dates of header fields (RFC 5322 §3.3, with its obsolete forms).
//!
//! A date that no calendar has is no date. Zones that nobody defined count as UTC, as the RFC says.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime};
use mail_parser::DateTime as MailDate;

use super::message::Timestamp;

/// Reads a date as mail writes it, or as RFC 3339 writes it; nothing when it is neither.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = without_comments(text);
    let text = text.trim();
    // The weekday is often wrong and never needed.
    let date = text.split_once(',').map_or(text, |(_, date)| date).trim();
    let date = date.split_whitespace().collect::<Vec<_>>().join(" ");
    let seconds = DateTime::parse_from_rfc2822(&date).ok().map(|date| date.timestamp());
    let seconds = seconds.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|date| date.timestamp()));
    seconds.or_else(|| loose(&date)).and_then(|seconds| seconds.checked_mul(MICROSECONDS)).map(Timestamp)
}

/// The day, in UTC, of an instant; nothing outside the years that a calendar here has.
pub fn utc_day(timestamp: Timestamp) -> Option<NaiveDate> {
    DateTime::from_timestamp_micros(timestamp.0).map(|instant| instant.date_naive())
}

/// The day some days before or after.
pub fn shifted(day: NaiveDate, days: i64) -> Option<NaiveDate> {
    let distance = Days::new(days.unsigned_abs());
    if days < 0 { day.checked_sub_days(distance) } else { day.checked_add_days(distance) }
}

/// What other mailers write: no zone, a zone in words, `GMT+0200`.
fn loose(date: &str) -> Option<i64> {
    if let Some(parsed) = MailDate::parse_rfc822(date).filter(MailDate::is_valid) {
        let in_zone = NaiveDate::from_ymd_opt(parsed.year.into(), parsed.month.into(), parsed.day.into())?;
        return (in_zone.format("%Y").to_string().len() == 4).then(|| parsed.to_timestamp());
    }
    let forms =
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%a %b %d %H:%M:%S %Y"];
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(date, form).ok()).map(|date| date.and_utc().timestamp())
}

/// The text without what stands in parentheses (RFC 5322 §3.2.2).
fn without_comments(text: &str) -> String {
    let mut depth = 0_usize;
    let outside = |letter: &char| {
        match letter {
            '(' => depth += 1,
            ')' if depth > 0 => {
                depth -= 1;
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    text.chars().filter(outside).collect()
}

const MICROSECONDS: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<String> {
        parse(text).and_then(|date| DateTime::from_timestamp_micros(date.0)).map(|date| date.to_rfc3339())
    }

    #[test]
    fn dates_are_read_in_their_zone() {
        assert_eq!(utc("Fri, 2 Jan 2026 03:04:05 +0100 (CET)").as_deref(), Some("2026-01-02T02:04:05+00:00"));
        assert_eq!(utc("Mon, 2 Jan 2026 03:04 -0000").as_deref(), Some("2026-01-02T03:04:00+00:00"));
        assert_eq!(utc("2026-01-02T03:04:05Z").as_deref(), Some("2026-01-02T03:04:05+00:00"));
    }

    #[test]
    fn obsolete_forms_are_read() {
        assert_eq!(utc("5 Jan 24 10:00 EST").as_deref(), Some("2024-01-05T15:00:00+00:00"));
        assert_eq!(utc("Fri,  5  Jan 2024\r\n 10:00:00 GMT").as_deref(), Some("2024-01-05T10:00:00+00:00"));
        assert_eq!(utc("Fri Jan  5 10:00:00 2024").as_deref(), Some("2024-01-05T10:00:00+00:00"));
    }

    #[test]
    fn a_day_that_no_calendar_has_is_no_date() {
        for text in
            ["Fri, 45 Jan 2024 30:00", "30 Feb 2024 10:00:00 +0000", "yesterday", "", "(5 Jan 2024 10:00 +0000)"]
        {
            assert_eq!(utc(text), None, "{text}");
        }
    }
}
