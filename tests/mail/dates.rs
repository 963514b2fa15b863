//! Odd dates.

use super::Odd;

pub fn mails() -> Vec<Odd> {
    let date = |name: &'static str, why, field: &str| {
        let raw = format!(
            "From: ada@example.org\nTo: me@example.com\n{field}Message-ID: <{name}@example.org>\nSubject: date\n\ntext\n"
        );
        Odd::new(name, why, raw)
    };
    vec![
        date("no-date", "no Date", ""),
        date("empty-date", "an empty Date", "Date:\n"),
        date("date-words", "a Date that is none", "Date: last Tuesday, I think\n"),
        date("date-impossible", "day 45, hour 30", "Date: Fri, 45 Jan 2024 30:00:00 +0000\n"),
        date("date-february", "30 February", "Date: Fri, 30 Feb 2024 10:00:00 +0000\n"),
        date("date-no-weekday", "no weekday, no seconds", "Date: 9 Jan 2025 10:05 +0200\n"),
        date("date-wrong-weekday", "the wrong weekday", "Date: Sun, 9 Jan 2025 10:06:00 +0000\n"),
        date("date-zone-name", "an obsolete zone", "Date: Thu, 9 Jan 2025 10:07:00 EST\n"),
        date("date-gmt-comment", "a zone and its name as a comment", "Date: Thu, 9 Jan 2025 10:08:00 -0800 (PST)\n"),
        date("date-two-digits", "a year of two digits", "Date: Thu, 09 Jan 25 10:09:00 GMT\n"),
        date("date-nineties", "a year of two digits of the last century", "Date: Sat, 9 Jan 99 10:10:00 UT\n"),
        date("date-iso", "an ISO date", "Date: 2025-01-09T10:11:00Z\n"),
        date("date-no-zone", "no zone", "Date: Thu, 9 Jan 2025 10:12:00\n"),
        date("date-unknown-zone", "minus zero: the zone is not known", "Date: Thu, 9 Jan 2025 10:13:00 -0000\n"),
        date("date-huge-zone", "a zone of 99 hours", "Date: Thu, 9 Jan 2025 10:14:00 +9999\n"),
        date("date-future", "in the far future", "Date: Fri, 31 Dec 9999 23:59:59 +0000\n"),
        date("date-past", "before there was mail", "Date: Thu, 1 Jan 1601 00:00:00 +0000\n"),
        date("date-leap-second", "a leap second", "Date: Sat, 31 Dec 2016 23:59:60 +0000\n"),
        date(
            "date-folded",
            "folded, with comments in the middle",
            "Date: Thu, 9 (nine)\n Jan 2025 10 : 15 : 00 +0000\n",
        ),
        date("two-dates", "two Dates", "Date: Thu, 9 Jan 2025 10:16:00 +0000\nDate: Fri, 10 Jan 2025 10:16:00 +0000\n"),
    ]
}
