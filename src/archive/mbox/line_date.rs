//! The date in a line that begins with `From `.
//!
//! Pure. Which lines are asked is in [`super::separator`].

use chrono::{NaiveDate, TimeDelta};
use smallvec::SmallVec;

use crate::mail::date;
use crate::mail::message::Timestamp;

/// When the message was received, as the line tells.
///
/// Read are the form of `asctime`, with a zone before or after the year or without one (UTC then),
/// and dates as mail writes them.
pub(super) fn of(line: &[u8]) -> Option<Timestamp> {
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    let time = words.iter().rposition(|word| clock(word.as_bytes()).is_some())?;
    let seconds = clock(words[time].as_bytes())?;
    let after = &words[time + 1..];
    let year = after.iter().find_map(|word| year(word.as_bytes()));
    let month = time.checked_sub(2).and_then(|at| month(words[at]));
    let (Some(year), Some(month)) = (year, month) else {
        // Not this form, then perhaps that of a Date field, which starts somewhere after the address.
        let first = time.saturating_sub(MOST_BEFORE_TIME).max(1);
        return (first..time).find_map(|start| date::parse(&words[start..].join(" ")));
    };
    let day = words[time - 1].parse().ok()?;
    let midnight = NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0)?;
    let zone = after.iter().find_map(|word| zone(word)).unwrap_or_default();
    let instant = midnight.checked_add_signed(TimeDelta::seconds(seconds - zone))?;
    Some(Timestamp(instant.and_utc().timestamp_micros()))
}

/// Whether the text ends with a date as `asctime` writes it, with a zone before or after the year or without one.
///
/// The host that UUCP adds may follow it.
pub(super) fn ends_as_asctime(text: &[u8]) -> bool {
    let mut words = last_words(text);
    if let [.., remote, from, _] = words.as_slice()
        && remote == b"remote"
        && from == b"from"
    {
        words.truncate(words.len() - 3);
    }
    let Some(time) = words.iter().rposition(|word| clock(word).is_some()) else { return false };
    let (before, after) = (&words[..time], &words[time + 1..]);
    let [.., weekday, month_name, day] = before else { return false };
    let is_month = std::str::from_utf8(month_name).is_ok_and(|name| month(name).is_some());
    let years = after.iter().filter(|word| year(word).is_some()).count();
    let are_zones = after.iter().all(|word| year(word).is_some() || is_zone(word));
    is_weekday(weekday) && is_month && is_day(day) && years == 1 && after.len() <= 3 && are_zones
}

/// Whether the text is something and a date as a Date field has it, with its weekday and seconds: `a@b Sat, 3 Jan 2026
/// 01:02:03 +0100`. People who write the day of the week leave the seconds out.
pub(super) fn ends_as_field(text: &[u8]) -> bool {
    let words = last_words(text);
    let Some(time) = words.iter().rposition(|word| clock(word).is_some()) else { return false };
    let [_, .., weekday, day, month_name, year_word] = &words[..time] else { return false };
    let is_month = std::str::from_utf8(month_name).is_ok_and(|name| month(name).is_some());
    let has_seconds = memchr::memchr_iter(b':', words[time]).count() == 2;
    let is_date = is_weekday(weekday) && is_day(day) && is_month && year(year_word).is_some();
    is_date && has_seconds && words[time + 1..].iter().all(|word| is_zone(word))
}

/// Whether the text ends with a date of any form: with a time and a year among its last words, and nothing but a zone
/// after them.
pub(super) fn ends_with_date(text: &[u8]) -> bool {
    let words = last_words(text);
    let time = words.iter().rposition(|word| word.len() >= 4 && clock(word).is_some());
    let year = words.iter().rposition(|word| year(word).is_some());
    let last = time.zip(year).map(|(time, year)| time.max(year));
    last.is_some_and(|last| words[last + 1..].iter().all(|word| is_zone(word)))
}

const LAST_WORDS: usize = 12;

/// The last words of a text, in their order: more than a date has.
fn last_words(text: &[u8]) -> SmallVec<[&[u8]; LAST_WORDS]> {
    let words = text.rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut last: SmallVec<[&[u8]; LAST_WORDS]> = words.take(LAST_WORDS).collect();
    last.reverse();
    last
}

fn is_day(word: &[u8]) -> bool {
    (1..=2).contains(&word.len()) && word.iter().all(u8::is_ascii_digit)
}

fn is_weekday(word: &[u8]) -> bool {
    let word = word.strip_suffix(b",").unwrap_or(word);
    [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"].iter().any(|name| word.eq_ignore_ascii_case(*name))
}

/// Whether the word is a zone: `+0100`, `GMT`, `(CET)`.
fn is_zone(word: &[u8]) -> bool {
    let is_name = |word: &[u8]| (1..=5).contains(&word.len()) && word.iter().all(u8::is_ascii_uppercase);
    let inner = word.strip_prefix(b"(").and_then(|word| word.strip_suffix(b")"));
    std::str::from_utf8(word).is_ok_and(|word| zone(word).is_some()) || is_name(inner.unwrap_or(word))
}

/// Words of a date before its time, with some for who writes it otherwise: `Monday , 6 January 2025`.
const MOST_BEFORE_TIME: usize = 8;

/// Seconds of a time of day: `1:02` or `01:02:03`.
fn clock(word: &[u8]) -> Option<i64> {
    let word = std::str::from_utf8(word).ok()?;
    let mut fields = word.split(':');
    let mut next = |most: i64| -> Option<i64> {
        let field = fields.next()?;
        let number = field.parse().ok().filter(|number| *number <= most)?;
        ((1..=2).contains(&field.len()) && field.bytes().all(|octet| octet.is_ascii_digit())).then_some(number)
    };
    let (hours, minutes) = (next(23)?, next(59)?);
    let seconds = if word.len() > 5 || word.matches(':').count() > 1 { next(60)? } else { 0 };
    fields.next().is_none().then_some(hours * 3600 + minutes * 60 + seconds)
}

fn year(word: &[u8]) -> Option<i32> {
    let is_year = word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    is_year.then(|| std::str::from_utf8(word).ok()?.parse().ok()).flatten().filter(|year| (1900..=2199).contains(year))
}

fn month(word: &str) -> Option<u32> {
    let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let position = names.iter().position(|name| word.eq_ignore_ascii_case(name))?;
    u32::try_from(position + 1).ok()
}

/// Seconds east of UTC: `+0130`.
fn zone(word: &str) -> Option<i64> {
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let is_zone = digits.len() == 4 && digits.bytes().all(|octet| octet.is_ascii_digit());
    let number: i64 = digits.parse().ok().filter(|_| is_zone)?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> Option<String> {
        let date = chrono::DateTime::from_timestamp_micros(of(line.as_bytes())?.0)?;
        Some(date.format("%Y-%m-%d %H:%M:%S").to_string())
    }

    /// A date was looked for from each word on: a file of lines of thousands took twelve seconds for each MiB.
    #[test]
    fn a_date_is_looked_for_in_a_few_words() {
        let line = |words| format!("From a@b 3 Jan 2026 ({}) 01:02:03 +0000", vec!["a"; words].join(" "));
        assert_eq!(text(&line(5)).as_deref(), Some("2026-01-03 01:02:03"));
        assert_eq!(text(&line(MOST_BEFORE_TIME)), None);
    }

    #[test]
    fn every_usual_form_is_read() {
        for (line, wanted) in [
            ("From a@b Sat Jan  3 01:02:03 2026", "2026-01-03 01:02:03"),
            ("From a@b Sat Jan  3 01:02:03 2026\r\n", "2026-01-03 01:02:03"),
            ("From a@b Sat Jan  3 01:02:03 +0130 2026", "2026-01-02 23:32:03"),
            ("From a@b Sat Jan  3 01:02:03 2026 -0100", "2026-01-03 02:02:03"),
            ("From 1718@xxx Mon Jan 01 12:00:00 +0000 2024", "2024-01-01 12:00:00"),
            ("From a b c Sat Jan  3 01:02 2026", "2026-01-03 01:02:00"),
            ("From a@b Thu Jan  1 00:00:00 GMT 1970", "1970-01-01 00:00:00"),
            ("From - Sat, 3 Jan 2026 01:02:03 +0100", "2026-01-03 00:02:03"),
        ] {
            assert!(ends_with_date(line.as_bytes()), "{line}");
            assert_eq!(text(line).as_deref(), Some(wanted), "{line}");
        }
    }

    #[test]
    fn text_has_no_date_at_its_end() {
        for line in ["now on, we meet at 10:30.", "2026 on", "a@b", "10:61 2026", "a 1:2 2026", "3 June 2024 10:00 we"]
        {
            assert!(!ends_with_date(line.as_bytes()) && !ends_as_asctime(line.as_bytes()), "{line}");
        }
        assert_eq!(text("From a@b Sat Feb 31 01:02:03 2026"), None);
    }
}
