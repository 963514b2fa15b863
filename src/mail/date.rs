//! Dates of header fields (RFC 5322 §3.3, with its obsolete forms).
//!
//! A date that no calendar has is no date. Zones that nobody defined count as UTC, as the RFC says.

mod words;
mod written;

use chrono::{DateTime, Days, NaiveDate};

use self::written::Written;
use super::encoded_word;
use super::message::Timestamp;

/// Reads a date as mail writes it, or as RFC 3339 writes it; nothing when it is neither.
pub fn parse(text: &str) -> Option<Timestamp> {
    regular(text).or_else(|| parse_any(text).map(|(instant, _)| instant))
}

/// Whether a date has a zone that is known; where it has none, it was read as UTC.
pub fn has_zone(text: &str) -> bool {
    regular(text).is_some() || parse_any(text).is_none_or(|(_, has_zone)| has_zone)
}

/// Reads a date in any of its forms, and says whether its zone is known.
fn parse_any(text: &str) -> Option<(Timestamp, bool)> {
    let text = encoded_word::decoded(text.into());
    let Written { seconds, has_zone } = written::read(&without_comments(&text))?;
    Some((Timestamp(seconds.checked_mul(MICROSECONDS)?), has_zone))
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
                assert_eq!(Some((quick, true)), parse_any(&text), "{text:?}");
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
    fn months_are_read_in_other_languages() {
        for (text, wanted) in [
            ("jue, 30 ene 2007 13:55:12 +0100", "2007-01-30T12:55:12+00:00"),
            ("lun, 30 abr 2007 13:55:12 +0100", "2007-04-30T12:55:12+00:00"),
            ("mar, 02 ene 2007 13:55:12 +0100", "2007-01-02T12:55:12+00:00"),
            ("mar 2 ene 2007 13:55:12 +0100", "2007-01-02T12:55:12+00:00"),
            ("Seg, 03 set 2007 10:00:00 -0300", "2007-09-03T13:00:00+00:00"),
            ("Seg, 05 fev 2007 10:00:00 -0300", "2007-02-05T13:00:00+00:00"),
            ("Seg, 01 out 2007 10:00:00 -0300", "2007-10-01T13:00:00+00:00"),
            ("lun, 01 gen 2007 10:00:00 +0100", "2007-01-01T09:00:00+00:00"),
            ("lun, 02 lug 2007 10:00:00 +0100", "2007-07-02T09:00:00+00:00"),
            ("lun., 05 févr. 2007 10:00:00 +0100", "2007-02-05T09:00:00+00:00"),
            ("01 août 2007 10:00:00 +0100", "2007-08-01T09:00:00+00:00"),
            ("Do, 9. Mai 2024 10:00:00 +0200", "2024-05-09T08:00:00+00:00"),
            ("пн, 05 янв 2026 10:00:00 +0300", "2026-01-05T07:00:00+00:00"),
            ("9 de enero de 2025 10:00:00 +0000", "2025-01-09T10:00:00+00:00"),
            ("=?utf-8?Q?lun=2C_05_f=C3=A9v_2007_10=3A00=3A00_+0100?=", "2007-02-05T09:00:00+00:00"),
        ] {
            assert_eq!(utc(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["pon, 05 lis 2007 10:00:00 +0100", "lun, 05 jui 2007 10:00:00 +0100", "5 xyz 2007 10:00 +0000"] {
            assert_eq!(utc(text), None, "{text}");
        }
    }

    #[test]
    fn clocks_and_zones_are_read_as_they_are_written() {
        for (text, wanted) in [
            ("Sun, 19 May 2024 15.59.09 +0200", "2024-05-19T13:59:09+00:00"),
            ("Sun, 19 May 2024 3:59:09 PM +0200", "2024-05-19T13:59:09+00:00"),
            ("Sun, 19 May 2024 12:05 a.m. +0000", "2024-05-19T00:05:00+00:00"),
            ("Sun, 19 May 2024 12:05 pm +0000", "2024-05-19T12:05:00+00:00"),
            ("May 19, 2024 3:59:09 PM +0200", "2024-05-19T13:59:09+00:00"),
            ("Mon, 05 Jan 2026 10:00:00 GMT+0100", "2026-01-05T09:00:00+00:00"),
            ("Mon, 05 Jan 2026 10:00:00 GMT+01:00", "2026-01-05T09:00:00+00:00"),
            ("Mon, 05 Jan 2026 10:00:00 UTC+2", "2026-01-05T08:00:00+00:00"),
            ("Mon, 05 Jan 2026 10:00:00 GMT-5", "2026-01-05T15:00:00+00:00"),
            ("Thu, 9 Apr 2026 06:39:52 +200", "2026-04-09T04:39:52+00:00"),
            ("Thu, 9 Apr 2026 06:39:52 +2:00", "2026-04-09T04:39:52+00:00"),
            ("Thu, 9 Apr 2026 06:39:52 +5", "2026-04-09T01:39:52+00:00"),
            ("Thu, 9 Apr 2026 06:39:52 +0530 IST", "2026-04-09T01:09:52+00:00"),
            ("Thu, 9 Apr 2026 06:39:52 CEST", "2026-04-09T04:39:52+00:00"),
            ("Thu Apr  9 06:39:52 PDT 2026", "2026-04-09T13:39:52+00:00"),
            ("Thu, 2026 Apr 9 06:39:52 +0000", "2026-04-09T06:39:52+00:00"),
            ("09-Apr-2026 06:39:52 +0000", "2026-04-09T06:39:52+00:00"),
            ("Thursday, April 9th, 2026 at 06:39 +0000", "2026-04-09T06:39:00+00:00"),
            ("2026/04/09 06:39:52.123 +0200", "2026-04-09T04:39:52+00:00"),
            ("2026-04-09 06:39:52,5+02:00", "2026-04-09T04:39:52+00:00"),
        ] {
            assert_eq!(utc(text).as_deref(), Some(wanted), "{text}");
            assert!(has_zone(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_as_a_whole_is_no_date() {
        for text in [
            "Apr/2026 06:39:52 +0000",
            "9 Apr 0026 06:39:52 +0000",
            "01/02/2025 10:00:00 +0000",
            "01.02.2025 10:00:00",
            "Thu, 9 Apr 2026",
            "Thu, 9 Apr 2026 06 +0000",
            "Thu, 9 Apr 2026 06:39:52 +0000 and more",
            "Thu, 9 Apr 2026 06:39:52 +20000",
            "Thu, 9 Apr 2026 06:39:52 +2000",
            "Thu, 9 Apr 2026 06:39:52 -24:00",
            "Thu, 9 Apr 2026 13:00 am +0000",
            "Thu, 9 Apr 2026 06:39:52 EST+0200",
            "9 Apr 9 2026 06:39:52",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }

    #[test]
    fn a_zone_that_is_missing_or_not_known_is_told() {
        for text in ["Thu, 9 Apr 2026 06:39:52", "Thu, 9 Apr 2026 06:39:52 IST", "Thu, 9 Apr 2026 06:39:52 K"] {
            assert_eq!(utc(text).as_deref(), Some("2026-04-09T06:39:52+00:00"), "{text}");
            assert!(!has_zone(text), "{text}");
        }
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
