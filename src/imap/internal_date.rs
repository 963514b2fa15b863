//! When a server received a message, as it writes it: `" 1-Jan-2024 10:00:00 +0100"` (RFC 9051 `date-time`).

use chrono::{DateTime, NaiveDate, Utc};

use super::token::number;
use crate::mail::message::Timestamp;

/// The instant; nothing when it is not written so, or when no calendar has it.
pub fn parse(text: &[u8]) -> Option<Timestamp> {
    let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let [day, month, year] = numbers(words.next()?, b'-', month)?;
    let [hour, minute, second] = numbers(words.next()?, b':', small)?;
    let zone = zone(words.next()?)?;
    let day = NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day)?;
    // A second that was put in between counts as the one before.
    let seconds = day.and_hms_opt(hour, minute, second.min(59))?.and_utc().timestamp() - zone;
    (words.next().is_none() && second <= 60).then_some(Timestamp(seconds * MICROSECONDS))
}

/// The instant as a server is told it, to the second.
pub fn written(at: DateTime<Utc>) -> String {
    at.format("%d-%b-%Y %H:%M:%S +0000").to_string()
}

/// Three numbers, the one in the middle in its own way.
fn numbers(word: &[u8], between: u8, middle: impl Fn(&[u8]) -> Option<u32>) -> Option<[u32; 3]> {
    let mut parts = word.split(|octet| *octet == between);
    let numbers = [small(parts.next()?)?, middle(parts.next()?)?, small(parts.next()?)?];
    parts.next().is_none().then_some(numbers)
}

fn month(name: &[u8]) -> Option<u32> {
    (1..).zip(MONTHS).find(|(_, month)| month.eq_ignore_ascii_case(name)).map(|(number, _)| number)
}

fn small(digits: &[u8]) -> Option<u32> {
    number(digits).and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= 9999)
}

/// The seconds that a zone is before UTC.
fn zone(word: &[u8]) -> Option<i64> {
    let (sign, digits) = match word {
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let zone = i64::from(small(digits).filter(|zone| digits.len() == 4 && zone / 100 < 24 && zone % 100 < 60)?);
    Some(sign * (zone / 100 * 60 + zone % 100) * 60)
}

const MICROSECONDS: i64 = 1_000_000;
const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        parse(text.as_bytes()).map(|instant| instant.0 / MICROSECONDS)
    }

    #[test]
    fn days_have_two_digits_or_one() {
        for text in ["01-Jan-2024 10:00:00 +0100", " 1-jan-2024 09:00:00 +0000", "1-Jan-2024  05:30:00 -0330"] {
            assert_eq!(seconds(text), Some(1_704_099_600), "{text}");
        }
        assert_eq!(seconds("31-Dec-2016 23:59:60 +0000"), Some(1_483_228_799));
        assert_eq!(seconds("01-Jan-1901 00:00:00 +0000"), Some(-2_177_452_800));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let at = DateTime::from_timestamp(1_704_099_600, 999_000_000).unwrap();
        assert_eq!(written(at), "01-Jan-2024 09:00:00 +0000");
        assert_eq!(seconds(&written(at)), Some(1_704_099_600));
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in [
            "",
            "yesterday",
            "31-Feb-2024 10:00:00 +0000",
            "01-Jan-2024",
            "01-Jan-2024 10:00:00",
            "01-Jan-2024 25:00:00 +0000",
            "01-Jan-2024 10:00:61 +0000",
            "01-Jan-2024 10:00:00 +9999",
            "01-Jan-2024 10:00:00 GMT",
            "01-Jan-99999 10:00:00 +0000",
            "01-Jan-2024 10:00:00 +0000 x",
            "1-2-2024 10:00:00 +0000",
            "-1-Jan-2024 10:00:00 +0000",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
