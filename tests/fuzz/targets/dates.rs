//! Dates: what is read is in a calendar, and what programs write of an instant is read as that instant.

use chrono::{DateTime, Datelike, FixedOffset};
use mailql::mail::date;

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(read) = date::parse(&text) {
        let at = DateTime::from_timestamp_micros(read.0).expect("it is in a calendar");
        assert!((1600..=10_000).contains(&at.year()), "{text:?} is {at}");
        assert_eq!(date::parse(&at.to_rfc2822()), Some(read), "{text:?}");
        assert_eq!(date::parse(&at.format("%Y-%m-%dT%H:%M:%SZ").to_string()), Some(read), "{text:?}");
        // A part of it, or more than it, is another date or none, and nothing goes wrong.
        let _ = (date::has_zone(&text), date::parse(&format!("{text} 2001")));
    }
    if let [a, b, c, d, zone, form, ..] = data {
        instant(u32::from_le_bytes([*a, *b, *c, *d]), *zone, *form);
    }
}

/// An instant after 1970, in one of the ways to write it.
fn instant(seconds: u32, zone: u8, form: u8) {
    let ahead = (i32::from(zone) % 57 - 28) * 1800;
    let zone = FixedOffset::east_opt(ahead).expect("less than a day");
    let at = DateTime::from_timestamp(seconds.into(), 0).expect("it is in a calendar").with_timezone(&zone);
    let form = FORMS[usize::from(form) % FORMS.len()];
    let written = at.format(form).to_string();
    assert_eq!(date::parse(&written).map(|read| read.0), Some(at.timestamp_micros()), "{written:?}");
    assert!(date::has_zone(&written), "{written:?}");
}

const FORMS: [&str; 10] = [
    "%a, %d %b %Y %H:%M:%S %z",
    "%A, %e %B %Y %H:%M:%S %z (x (y) z)",
    "%e-%b-%Y %H:%M:%S %z",
    "%a %b %e %H:%M:%S %z %Y",
    "%a %b %e %H:%M:%S %Y %z",
    "%Y-%m-%dT%H:%M:%S%:z",
    "%Y-%m-%d %H:%M:%S.123 %z",
    "%B %e, %Y %I:%M:%S %p %z",
    "%a, %d %b %Y %H.%M.%S GMT%z",
    "=?utf-8?Q?%e_%b_%Y?= %H:%M:%S UTC%:z",
];
