//! Dates of header fields (RFC 5322 §3.3, with its obsolete forms).
//!
//! A date that no calendar has is no date. Zones that nobody defined count as UTC, as the RFC says.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime};
use mail_parser::DateTime as MailDate;

use super::message::Timestamp;

/// Reads a date as mail writes it, or as RFC 3339 writes it; nothing when it is neither.
pub fn parse(text: &str) -> Option<Timestamp> {
    regular(text).or_else(|| parse_any(text))
}

/// Reads a date in any of its forms.
fn parse_any(text: &str) -> Option<Timestamp> {
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

/// Reads a date as nearly all mail writes it: `Mon, 6 Jan 2025 10:00:05 +0100`, with or without a comment at the end.
///
/// Nothing that it reads means anything else in [`parse_any`], which is slower.
fn regular(text: &str) -> Option<Timestamp> {
    let octets = text.as_bytes();
    let octets = match octets {
        [first, second, third, b',', b' ', rest @ ..]
            if [first, second, third].iter().all(|letter| letter.is_ascii_alphabetic()) =>
        {
            rest
        }
        _ => octets,
    };
    let (day, rest) = match octets {
        [tens, ones, b' ', rest @ ..] => (number(&[*tens, *ones])?, rest),
        [ones, b' ', rest @ ..] => (number(&[*ones])?, rest),
        _ => return None,
    };
    let (date, rest) = rest.split_at_checked(9)?;
    let [m, o, n, b' ', year @ .., b' '] = date else { return None };
    let month = MONTHS.iter().position(|month| month.as_bytes() == [*m, *o, *n])?;
    let (time, rest) = rest.split_at_checked(8)?;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = *time else { return None };
    let (zone, rest) = rest.split_at_checked(6)?;
    let [b' ', sign @ (b'+' | b'-'), z1, z2, z3, z4] = *zone else { return None };
    let is_comment = |rest: &[u8]| {
        rest.strip_prefix(b" (")
            .and_then(|rest| rest.strip_suffix(b")"))
            .is_some_and(|inner| inner.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b' '))
    };
    if !rest.is_empty() && !is_comment(rest) {
        return None;
    }
    let year = i32::try_from(number(year)?).ok().filter(|year| *year >= 1900)?;
    let day = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()? + 1, day)?;
    let instant = day.and_hms_opt(number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?)?;
    let (hours, minutes) = (number(&[z1, z2])?, number(&[z3, z4])?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let ahead = i64::from(hours * 3600 + minutes * 60) * if sign == b'-' { -1 } else { 1 };
    Some(Timestamp((instant.and_utc().timestamp() - ahead) * MICROSECONDS))
}

/// The number that digits are.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
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
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

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
    fn what_is_read_quickly_is_read_as_ever() {
        let pieces: [&[&str]; 12] = [
            &["Mon, ", "", "Xyz, ", "Mo, ", "Mon,", "Monday, "],
            &["6", "06", "31", "29", "0", "006", "32"],
            &[" ", "  ", "-"],
            &["Jan", "Feb", "jan", "Jun", "Dec", "Foo", "June"],
            &[" "],
            &["2025", "1900", "1899", "25", "2024", "9999", "0001"],
            &[" "],
            &["10:00:05", "23:59:59", "24:00:00", "23:59:60", "1:02:03", "10:00", "00:00:00"],
            &[" "],
            &["+0100", "-0000", "+0000", "-1200", "+1459", "+1500", "+9999", "GMT", "+01:00", "+0160"],
            &["", " (CET)", " (CET", " x", " (a (b) c)", "\r\n"],
            &["", " "],
        ];
        let mut state = 1_u64;
        let mut number = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut regular_ones = 0;
        for _ in 0..200_000 {
            let text: String =
                pieces.iter().map(|choice| choice[if number(4) > 0 { 0 } else { number(choice.len()) }]).collect();
            if let Some(quick) = regular(&text) {
                regular_ones += 1;
                assert_eq!(Some(quick), parse_any(&text), "{text:?}");
            }
        }
        assert!(regular_ones > 1_000, "{regular_ones}");
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
