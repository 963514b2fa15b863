//! Invitations to meetings (RFC 5545, RFC 6047).
//!
//! One meeting each, without time zones: all times are in UTC.

use chrono::{DateTime, Duration, Utc};

use super::mime::Entity;
use super::people::{MARA, Person};

/// A text part that says when, and the invitation for calendars beside it.
pub(super) fn invitation(from: &Person, about: &str, place: &str, begins: DateTime<Utc>, seed: &str) -> Entity {
    let ends = begins + Duration::minutes(45);
    let form = "%Y%m%dT%H%M%SZ";
    let calendar = [
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Lanternworks//Sample//EN".to_owned(),
        "METHOD:REQUEST".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{seed}@{}", from.domain()),
        format!("DTSTAMP:{}", begins.format(form)),
        format!("DTSTART:{}", begins.format(form)),
        format!("DTEND:{}", ends.format(form)),
        format!("SUMMARY:{about}"),
        format!("LOCATION:{place}"),
        format!("ORGANIZER:mailto:{}", from.address),
        format!("ATTENDEE;RSVP=TRUE:mailto:{}", MARA.address),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ]
    .join("\r\n")
        + "\r\n";
    let text = format!(
        "{about}\n\nWhen:  {}\nWhere: {place}\n\nPlease say whether you can make it.\n",
        begins.format("%A, %d %B, %H:%M UTC")
    );
    let both =
        vec![Entity::text(&text), Entity::encoded("text/calendar; charset=utf-8; method=REQUEST", calendar.as_bytes())];
    Entity::multipart(
        "mixed",
        seed,
        vec![
            Entity::multipart("alternative", seed, both),
            Entity::file("invite.ics", "application/ics", calendar.as_bytes()),
        ],
    )
}
