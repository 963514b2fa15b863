//! Dates in any form that programs write (RFC 5322 §3.3 and §4.3, RFC 3339, `asctime`, and what comes near).
//!
//! A text is a date only if all of it is understood: a day, a month by its name, a year and a time of day. Where the order
//! of numbers leaves two days (`01/02/2025`), it is none.

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use super::words;

/// An instant as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// Seconds since 1970, in UTC.
    pub(super) seconds: i64,
    /// Whether the zone is known; UTC was taken else (RFC 5322 §4.3).
    pub(super) has_zone: bool,
}

/// Reads a text without comments.
pub(super) fn read(text: &str) -> Option<Written> {
    // No date is longer, and words would be looked up for nothing.
    if text.len() > LONGEST {
        return None;
    }
    let items = items(text);
    let mut cursor = Cursor { items: &items };
    cursor.weekday();
    let (day, time, zone) = cursor.instant()?;
    cursor.items.is_empty().then_some(())?;
    let ahead = TimeDelta::minutes(zone.unwrap_or_default().into());
    let seconds = day.and_time(time).checked_sub_signed(ahead)?.and_utc().timestamp();
    Some(Written { seconds, has_zone: zone.is_some() })
}

const LONGEST: usize = 200;

/// A piece of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item<'a> {
    Digits(&'a str),
    Letters(&'a str),
    Mark(char),
}

/// The pieces of a text; blanks only separate them.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let class = class_of(first);
        let end = match class {
            Class::Digit | Class::Letter | Class::Blank => {
                rest.find(|letter| class_of(letter) != class).unwrap_or(rest.len())
            }
            Class::Mark => first.len_utf8(),
        };
        match class {
            Class::Digit => items.push(Item::Digits(&rest[..end])),
            Class::Letter => items.push(Item::Letters(&rest[..end])),
            Class::Mark => items.push(Item::Mark(first)),
            Class::Blank => {}
        }
        rest = &rest[end..];
    }
    items
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    Letter,
    Blank,
    Mark,
}

fn class_of(letter: char) -> Class {
    match letter {
        '0'..='9' => Class::Digit,
        _ if letter.is_alphabetic() => Class::Letter,
        _ if letter.is_whitespace() => Class::Blank,
        _ => Class::Mark,
    }
}

struct Cursor<'a> {
    items: &'a [Item<'a>],
}

impl<'a> Cursor<'a> {
    /// Passes over the name of a day, which is often wrong and never needed.
    fn weekday(&mut self) {
        let end = match self.items {
            [Item::Letters(_), Item::Mark('.'), Item::Mark(','), ..] => 3,
            [Item::Letters(_), Item::Mark(','), ..] => 2,
            [Item::Letters(word), Item::Mark('.'), ..] if month(word).is_none() => 2,
            // In Spanish, `mar` is also the short name of a day.
            [Item::Letters(_), Item::Letters(_), ..] => 1,
            [Item::Letters(_), Item::Digits(_), Item::Letters(word), ..] if month(word).is_some() => 1,
            // `пон 5 янв` and the like are above; a word before a number is a month, or a day that stands alone.
            [Item::Letters(word), Item::Digits(_), ..] if month(word).is_none() => 1,
            _ => 0,
        };
        self.items = &self.items[end..];
    }

    /// Reads a day and what follows it.
    fn instant(&mut self) -> Option<(NaiveDate, NaiveTime, Option<i32>)> {
        match self.items {
            // `Jan 9 10:12:00 2025`, with a zone before or after the year.
            [Item::Letters(word), Item::Digits(day), Item::Digits(_), Item::Mark(':'), ..] => {
                self.items = &self.items[2..];
                let time = self.time()?;
                let zone = self.zone()?;
                let year = self.digits().and_then(year)?;
                let zone = if zone.is_some() { zone } else { self.zone()? };
                Some((NaiveDate::from_ymd_opt(year, month(word)?, number(day)?)?, time, zone))
            }
            _ => {
                let day = self.day()?;
                self.skip(&[',']);
                if let [Item::Letters(word), Item::Digits(_), ..] = self.items
                    && BEFORE_TIME.iter().any(|known| word.eq_ignore_ascii_case(known))
                {
                    self.items = &self.items[1..];
                }
                let time = self.time()?;
                Some((day, time, self.zone()?))
            }
        }
    }

    /// A day with the name of its month, or with its year first.
    fn day(&mut self) -> Option<NaiveDate> {
        let (year, month, day);
        match self.items {
            [Item::Letters(word), Item::Digits(number_of_day), rest @ ..] => {
                (month, day) = (self::month(word)?, number(number_of_day)?);
                self.items = rest;
                self.ordinal();
                self.skip(&[',']);
                year = self::year(self.digits()?)?;
            }
            [Item::Letters(word), Item::Mark('.'), Item::Digits(number_of_day), rest @ ..] => {
                (month, day) = (self::month(word)?, number(number_of_day)?);
                self.items = rest;
                self.skip(&[',']);
                year = self::year(self.digits()?)?;
            }
            [Item::Digits(first), rest @ ..] if first.len() == 4 => {
                year = self::year(first)?;
                self.items = rest;
                self.skip(&['-', '/', '.']);
                month = self.month()?;
                self.skip(&['-', '/', '.']);
                day = number(self.digits()?)?;
            }
            [Item::Digits(first), rest @ ..] => {
                day = number(first).filter(|_| first.len() <= 2)?;
                self.items = rest;
                self.ordinal();
                self.skip(&['-', '/', '.']);
                self.link();
                let Some(Item::Letters(word)) = self.items.first() else { return None };
                month = self::month(word)?;
                self.items = &self.items[1..];
                self.skip(&['.']);
                self.skip(&['-', '/', ',']);
                self.link();
                year = self::year(self.digits()?)?;
            }
            _ => return None,
        }
        NaiveDate::from_ymd_opt(year, month, day)
    }

    /// The month of a date that begins with its year: a name, or a number of two digits.
    fn month(&mut self) -> Option<u32> {
        let (found, rest) = match self.items {
            [Item::Letters(word), Item::Mark('.'), rest @ ..] | [Item::Letters(word), rest @ ..] => {
                (self::month(word)?, rest)
            }
            [Item::Digits(digits), rest @ ..] => (number(digits)?, rest),
            _ => return None,
        };
        self.items = rest;
        Some(found)
    }

    /// A time of day: `10:12`, `10:12:05`, `10.12.05`, with a fraction, with `am` or `pm`.
    fn time(&mut self) -> Option<NaiveTime> {
        let hours = self.two_digits()?;
        let mark = self.skip(&[':', '.'])?;
        let minutes = self.two_digits()?;
        let mut seconds = 0;
        if self.skip(&[mark]).is_some() {
            seconds = self.two_digits()?;
            if self.skip(&['.', ',']).is_some() {
                self.digits()?;
            }
        }
        let hours = self.half_of_day(hours)?;
        // A leap second is the last second of its minute here, as elsewhere.
        NaiveTime::from_hms_opt(hours, minutes, if seconds == 60 { 59 } else { seconds })
    }

    /// The hours by `am` and `pm`, if they are there.
    fn half_of_day(&mut self, hours: u32) -> Option<u32> {
        let (half, rest) = match self.items {
            [Item::Letters(half), rest @ ..] if half.len() == 2 => ((*half).to_owned(), rest),
            [Item::Letters(half), Item::Mark('.'), Item::Letters(m), Item::Mark('.'), rest @ ..] => {
                (format!("{half}{m}"), rest)
            }
            _ => return Some(hours),
        };
        let is_afternoon = match half.to_ascii_lowercase().as_str() {
            "am" => false,
            "pm" => true,
            _ => return Some(hours),
        };
        self.items = rest;
        match (hours, is_afternoon) {
            (0 | 13.., false) => None,
            (12, false) => Some(0),
            (1..=11, true) => Some(hours + 12),
            (hours, _) => Some(hours),
        }
    }

    /// Minutes east of UTC; the inner option is none for a zone that is missing or has a name that is not known.
    ///
    /// Returns none if what stands there is no zone.
    #[expect(clippy::option_option, reason = "a zone that is not there is not one that is wrong")]
    fn zone(&mut self) -> Option<Option<i32>> {
        let mut found = None;
        let has_sign = |items: &[Item<'_>]| matches!(items, [Item::Mark('+' | '-'), Item::Digits(_), ..]);
        if let [Item::Letters(name), rest @ ..] = self.items {
            let is_name = name.len() <= 5 && name.bytes().all(|octet| octet.is_ascii_alphabetic());
            let name = name.to_ascii_uppercase();
            is_name.then_some(())?;
            self.items = rest;
            let is_utc = matches!(name.as_str(), "GMT" | "UTC" | "UT" | "Z");
            if has_sign(rest) {
                // `GMT+0200` is two hours east, as mailers write it.
                return if is_utc { self.distance().map(Some) } else { None };
            }
            return Some(words::zone(&name));
        }
        if has_sign(self.items) {
            found = Some(self.distance()?);
            // The name of the zone may follow without parentheses.
            if let [Item::Letters(name)] = self.items
                && name.len() <= 5
                && name.bytes().all(|octet| octet.is_ascii_uppercase())
            {
                self.items = &[];
            }
        }
        Some(found)
    }

    /// A sign and hours, with or without minutes: `+0200`, `+02:00`, `+200`, `+2:00`, `+2`.
    fn distance(&mut self) -> Option<i32> {
        let sign = if self.skip(&['+', '-'])? == '-' { -1 } else { 1 };
        let digits = self.digits()?;
        let (hours, minutes) = match digits.len() {
            1 | 2 => {
                let minutes = if self.skip(&[':']).is_some() { self.two_digits()? } else { 0 };
                (number(digits)?, minutes)
            }
            3 | 4 => {
                let (hours, minutes) = digits.split_at(digits.len() - 2);
                (number(hours)?, number(minutes)?)
            }
            _ => return None,
        };
        let distance = i32::try_from(hours * 60 + minutes).ok()?;
        // No zone is farther from UTC; what is, was meant otherwise.
        (minutes < 60 && hours <= 14).then_some(sign * distance)
    }

    /// Passes over the ending of `9th`.
    fn ordinal(&mut self) {
        if let [Item::Letters(ending), _, ..] = self.items
            && ["st", "nd", "rd", "th"].iter().any(|known| ending.eq_ignore_ascii_case(known))
        {
            self.items = &self.items[1..];
        }
    }

    /// Passes over the word between day, month and year in Spanish and Portuguese.
    fn link(&mut self) {
        if let [Item::Letters(word), _, ..] = self.items
            && ["de", "del", "of"].iter().any(|known| word.eq_ignore_ascii_case(known))
        {
            self.items = &self.items[1..];
        }
    }

    /// Passes over one of these marks.
    fn skip(&mut self, marks: &[char]) -> Option<char> {
        let [Item::Mark(mark), rest @ ..] = self.items else { return None };
        marks.contains(mark).then(|| {
            self.items = rest;
            *mark
        })
    }

    fn digits(&mut self) -> Option<&'a str> {
        let [Item::Digits(digits), rest @ ..] = self.items else { return None };
        self.items = rest;
        Some(digits)
    }

    fn two_digits(&mut self) -> Option<u32> {
        self.digits().filter(|digits| digits.len() <= 2).and_then(number)
    }
}

/// Words between a day and a time.
const BEFORE_TIME: [&str; 3] = ["at", "T", "um"];

fn number(digits: &str) -> Option<u32> {
    digits.parse().ok()
}

fn month(word: &str) -> Option<u32> {
    words::month(&word.to_lowercase())
}

/// A year of two, three or four digits (RFC 5322 §4.3).
fn year(digits: &str) -> Option<i32> {
    let number: i32 = digits.parse().ok()?;
    match digits.len() {
        2 if number < 50 => Some(number + 2000),
        2 | 3 => Some(number + 1900),
        4 if number >= EARLIEST_YEAR => Some(number),
        _ => None,
    }
}

/// No program meant an earlier one; clocks that were never set give 1601 and later.
const EARLIEST_YEAR: i32 = 1601;
