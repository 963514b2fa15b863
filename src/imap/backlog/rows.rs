//! What a row brings: to a message that a job is about, or of one that nobody knew.
//!
//! Whatever a server adds, repeats or leaves out, a message comes once, and with what there is of it.

use super::{Backlog, HELD};
use crate::imap::flight::Step;
use crate::imap::job::{self, Job, Kind, Taken};
use crate::imap::row::Row;
use crate::mail::{Message, Meter, Uid};

impl Backlog {
    /// Takes what a row says.
    pub fn row(&mut self, mut row: Row, meter: &Meter) {
        // What comes before the folder is open is about another one.
        let Some(first) = self.flying.front_mut().filter(|job| job.kind != Kind::Examine) else { return };
        let Some(uid) = row.uid else {
            first.has_nameless |= job::answers(&first.kind, &row);
            return;
        };
        for position in 0..self.flying.len() {
            let job = &mut self.flying[position];
            let step = job.step;
            match job.take(uid, &mut row, self.is_exact) {
                Taken::Not => continue,
                Taken::InPart => {}
                Taken::Whole(message) => {
                    let is_first = !self.steps[..step].iter().any(|step| *step != Step::Sieve);
                    meter.messages.add(usize::from(is_first));
                    let kind = job.kind.clone();
                    meter.bodies.add(usize::from(kind.has_content()));
                    self.arrive_from(&kind, step, *message);
                }
                Taken::Unclear(message, why) => {
                    let kind = job.kind.clone();
                    let (is_again, is_alone) = (job.is_again, job.is_alone);
                    self.ask_otherwise(&Job { is_again, is_alone, ..Job::new(step, kind) }, *message, why);
                }
            }
            return;
        }
        self.swept(uid, row, meter);
    }

    /// Takes a row about a message that nobody knew.
    fn swept(&mut self, uid: Uid, mut row: Row, meter: &Meter) {
        let Some(opened) = self.opened else { return };
        let sweep = self.flying.iter().find(|job| matches!(job.kind, Kind::Sweep(_)));
        let Some(kind) = sweep.map(|job| job.kind.clone()) else { return };
        if let Some(message) = self.in_part.get_mut(&uid).filter(|_| row.broken.is_none()) {
            job::fill(message, &kind, &mut row, self.is_exact);
            if job::missing(message, &kind).is_none()
                && let Some(message) = self.in_part.remove(&uid)
            {
                self.arrive(0, message);
            }
            return;
        }
        let is_found = !self.is_found || self.found.as_ref().is_some_and(|found| found.contains(uid));
        if !self.way.may_have(uid) || !is_found || !job::answers(&kind, &row) {
            return;
        }
        // Who had the message before he said which uid comes next does not know what comes next.
        let was_there = self.examining.opened().uid_next == opened.uid_next
            && self.census.as_ref().is_some_and(|census| census.had(row.sequence));
        if opened.uid_next.is_some_and(|next| u64::from(uid.number()) >= next) && !was_there {
            return self.census.iter_mut().for_each(|census| census.other(uid));
        }
        if !self.seen.insert(uid) {
            // What is left out came all the same.
            self.came += u64::from(self.leaves_out.as_ref().is_some_and(|uids| uids.contains(uid)));
            return;
        }
        self.came += 1;
        meter.messages.add(1);
        let mut message = Message::new(uid, opened.uid_validity);
        if let Some(broken) = row.broken {
            let why = format!("its answer makes no sense: {}", broken.0);
            return self.ask_otherwise(&Job::new(0, kind), message, why);
        }
        job::fill(&mut message, &kind, &mut row, self.is_exact);
        meter.bodies.add(usize::from(kind.has_content()));
        if job::missing(&message, &kind).is_none() || job::is_too_large(&message) {
            self.arrive(0, message);
        } else if self.in_part.len() < HELD {
            self.in_part.insert(uid, message);
        } else {
            self.later.push(uid);
        }
    }
}
