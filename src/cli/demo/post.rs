//! Takes letters in and keeps them as finished mails in their folders.
//!
//! It gives out ids and the marks that delivery leaves; it writes no text. See [`super::talk`] and
//! [`super::receipts`] for that.

use chrono::{DateTime, Datelike, Duration, Utc};

use super::Mail;
use super::clock::Clock;
use super::dice::Dice;
use super::mime::{Entity, Letter};
use super::people::{MARA, Person};

/// Inbox mail older than this (in days) lies in the archive.
const ARCHIVED: i64 = 90;

/// Archived mail older than this (in days) lies in the folder of its year.
const BY_YEAR: i64 = 200;

/// The mailbox while it fills.
pub(super) struct Post {
    pub(super) clock: Clock,
    pub(super) dice: Dice,
    pub(super) mails: Vec<Mail>,
}

impl Post {
    pub(super) fn new(today: DateTime<Utc>) -> Self {
        Self { clock: Clock { today }, dice: Dice::new(0x1a47), mails: Vec::new() }
    }

    /// Some letters and digits that no other mail has.
    pub(super) fn seed(&mut self) -> String {
        format!("{:016x}", self.dice.next())
    }

    /// A letter to the owner of the mailbox, to be changed where it differs.
    pub(super) fn letter<'a>(
        &mut self,
        from: &'a Person,
        subject: &str,
        sent: DateTime<Utc>,
        content: Entity,
    ) -> Letter<'a> {
        let id = format!("{}@{}", self.seed(), from.domain());
        Letter {
            from,
            to: vec![&MARA],
            cc: Vec::new(),
            subject: subject.to_owned(),
            sent,
            id,
            ancestors: Vec::new(),
            more: String::new(),
            content,
        }
    }

    /// Where mail to the owner lies by now.
    pub(super) fn kept(&self, received: DateTime<Utc>) -> String {
        let days = (self.clock.today - received).num_days();
        if days < ARCHIVED {
            "INBOX".to_owned()
        } else if days < BY_YEAR {
            "Archive".to_owned()
        } else {
            format!("Archive/{}", received.year())
        }
    }

    /// Takes a letter in, and says when it was received.
    pub(super) fn deliver(&mut self, folder: &str, flags: &str, letter: &Letter<'_>) -> DateTime<Utc> {
        let own = letter.from.address == MARA.address;
        let received = if own { letter.sent } else { letter.sent + Duration::seconds(i64::from(self.dice.below(40))) };
        let raw = if own {
            letter.write()
        } else {
            let hop = format!(
                "Received: from mx.{} by mail.lanternworks.example\n with ESMTPS id {:08x}; {}\n",
                letter.from.domain(),
                self.dice.below(u32::MAX),
                received.format("%a, %d %b %Y %H:%M:%S +0000")
            );
            [hop.into_bytes(), letter.write()].concat()
        };
        self.mails.push(Mail { folder: folder.to_owned(), flags: flags.to_owned(), received, raw });
        received
    }
}
