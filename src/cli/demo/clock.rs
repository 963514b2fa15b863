//! When mail is written: moments in the past, at hours when people write.
//!
//! Every moment is before today. It does not read the time itself.

use chrono::{DateTime, Datelike, Duration, NaiveTime, Timelike, Utc, Weekday};

use super::dice::Dice;

/// Hours at which office mail is written, in UTC; busy ones several times.
const HOURS: [u32; 18] = [7, 8, 8, 9, 9, 9, 9, 10, 10, 11, 12, 13, 13, 14, 14, 15, 16, 18];

/// Minutes until people answer.
const DELAYS: [u32; 12] = [9, 16, 31, 52, 78, 125, 190, 310, 840, 1_290, 1_700, 2_900];

/// The moment from which the mailbox is seen.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) today: DateTime<Utc>,
}

impl Clock {
    /// So many minutes ago, whatever day it was.
    pub(super) fn minutes_ago(self, minutes: i64) -> DateTime<Utc> {
        self.today - Duration::minutes(minutes)
    }

    /// About so many days ago (not fewer), on a working day, at a working hour.
    pub(super) fn office(self, days: i64, dice: &mut Dice) -> DateTime<Utc> {
        let day = on_weekday(self.today - Duration::days(days), -1);
        self.past(at(day, *dice.pick(&HOURS), dice))
    }

    /// About so many days ago, on any day, at any hour of the waking day.
    pub(super) fn any_day(self, days: i64, dice: &mut Dice) -> DateTime<Utc> {
        let hour = 6 + dice.below(16);
        self.past(at(self.today - Duration::days(days), hour, dice))
    }

    /// When somebody answers what was written at `earlier`: later, at a working hour, and in the past.
    pub(super) fn answer(self, earlier: DateTime<Utc>, dice: &mut Dice) -> DateTime<Utc> {
        let minutes = *dice.pick(&DELAYS) + dice.below(14);
        let mut answer = earlier + Duration::minutes(i64::from(minutes)) + Duration::seconds(i64::from(dice.below(60)));
        if answer.hour() > 19 {
            answer = at(answer + Duration::days(1), 7, dice);
        } else if answer.hour() < 6 {
            answer = at(answer, 7, dice);
        }
        let answer = on_weekday(answer, 1);
        if answer > self.minutes_ago(4) { earlier + (self.today - earlier) / 3 } else { answer }
    }

    /// The moment itself, or one a day or more before when it would not be past yet.
    fn past(self, mut moment: DateTime<Utc>) -> DateTime<Utc> {
        while moment > self.minutes_ago(10) {
            moment -= Duration::days(1);
        }
        moment
    }
}

/// The same hour on the nearest working day in one direction.
fn on_weekday(mut day: DateTime<Utc>, step: i64) -> DateTime<Utc> {
    while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
        day += Duration::days(step);
    }
    day
}

/// Some minute of an hour of a day.
fn at(day: DateTime<Utc>, hour: u32, dice: &mut Dice) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(hour, dice.below(60), dice.below(60)).unwrap_or_default();
    day.date_naive().and_time(time).and_utc()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn office_mail_is_written_on_working_days_and_answers_come_later() {
        let clock = Clock { today: Utc.with_ymd_and_hms(2026, 6, 14, 3, 0, 0).unwrap() };
        let mut dice = Dice::new(1);
        for days in 0..400 {
            let asked = clock.office(days, &mut dice);
            assert!(asked < clock.today);
            assert!(days < 1 || !matches!(asked.weekday(), Weekday::Sat | Weekday::Sun), "{asked}");
            let answered = clock.answer(asked, &mut dice);
            assert!(asked < answered && answered < clock.today, "{asked} {answered}");
        }
    }
}
