//! Conversations: who says what to whom, and how that becomes mails that answer each other.
//!
//! The words are in the `talks_` files; here is only how they are posted.

use chrono::{DateTime, Utc};

use super::attachments::Enclosure;
use super::mime::{Entity, Letter, wrapped};
use super::people::{MARA, Person};
use super::post::Post;

/// A conversation between the owner and others.
pub(super) struct Talk {
    pub(super) about: &'static str,
    pub(super) begins: Begins,
    pub(super) place: Place,
    pub(super) cc: &'static [&'static Person],
    /// Whether the last word of the others is flagged.
    pub(super) flagged: bool,
    pub(super) turns: &'static [Turn],
}

/// When a conversation begins.
#[derive(Clone, Copy)]
pub(super) enum Begins {
    /// On a working day so many days ago.
    Days(i64),
    /// So many minutes ago.
    Minutes(i64),
}

/// Where the others' mails are kept.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// In the inbox, and later in the archive.
    Inbox,
    Apollo,
    Cologne,
    Japan,
}

/// One mail of a conversation.
pub(super) struct Turn {
    who: &'static Person,
    text: &'static str,
    with: &'static [Enclosure],
}

/// Somebody writes.
pub(super) const fn says(who: &'static Person, text: &'static str) -> Turn {
    Turn { who, text, with: &[] }
}

/// Somebody writes and attaches files.
pub(super) const fn shows(who: &'static Person, text: &'static str, with: &'static [Enclosure]) -> Turn {
    Turn { who, text, with }
}

/// Posts a conversation, each mail an answer to the one before.
pub(super) fn post(talk: &Talk, post: &mut Post) {
    let mut moment = match talk.begins {
        Begins::Days(days) => post.clock.office(days, &mut post.dice),
        Begins::Minutes(minutes) => post.clock.minutes_ago(minutes),
    };
    let mut ancestors = Vec::new();
    for (position, turn) in talk.turns.iter().enumerate() {
        if position > 0 {
            moment = post.clock.answer(moment, &mut post.dice);
        }
        let before = position.checked_sub(1).map(|before| &talk.turns[before]);
        let subject = if before.is_some() { format!("Re: {}", talk.about) } else { talk.about.to_owned() };
        let content = content(turn, before, moment, post);
        let mut letter = post.letter(turn.who, &subject, moment, content);
        address(&mut letter, talk, position);
        letter.ancestors.clone_from(&ancestors);
        let next = talk.turns.get(position + 1);
        moment = if is_owner(turn.who) {
            post.deliver("Sent", "S", &letter)
        } else {
            let folder = match talk.place {
                Place::Inbox => post.kept(moment),
                Place::Apollo => "Projects/Apollo".to_owned(),
                Place::Cologne => "Kunden/Köln".to_owned(),
                Place::Japan => "日本".to_owned(),
            };
            let flags = flags(talk, next, (post.clock.today - moment).num_hours());
            post.deliver(&folder, &flags, &letter)
        };
        ancestors.push(letter.id);
    }
}

fn is_owner(person: &Person) -> bool {
    person.address == MARA.address
}

/// The owner writes to who spoke last, or else to who will; all others write to the owner.
fn address(letter: &mut Letter<'_>, talk: &Talk, position: usize) {
    if is_owner(letter.from) {
        let (earlier, later) = talk.turns.split_at(position);
        let other = earlier.iter().rev().chain(later).find(|turn| !is_owner(turn.who));
        letter.to = other.map(|turn| turn.who).or(talk.cc.first().copied()).into_iter().collect();
    }
    let there = letter.to.first().map_or("", |person| person.address);
    let from = letter.from.address;
    letter.cc = talk.cc.iter().copied().filter(|person| person.address != from && person.address != there).collect();
}

fn flags(talk: &Talk, next: Option<&Turn>, hours: i64) -> String {
    let mut flags = String::new();
    if talk.flagged && next.is_none() {
        flags.push('F');
    }
    if next.is_some_and(|next| is_owner(next.who)) {
        flags.push('R');
    }
    if next.is_some() || hours > 30 {
        flags.push('S');
    }
    flags
}

/// What a turn says above what it answers, with its files.
fn content(turn: &Turn, before: Option<&Turn>, moment: DateTime<Utc>, post: &mut Post) -> Entity {
    let own = wrapped(&format!("{}\n\n{}", turn.text, turn.who.first_name()));
    let mut text = own.clone();
    if let Some(before) = before {
        text += &format!("\n{} wrote:\n", before.who.name);
        for line in wrapped(before.text).lines() {
            text += &format!("> {line}\n");
        }
    }
    let seed = post.seed();
    let shown = turn.with.iter().find_map(|file| match file {
        Enclosure::Inline(..) => Some(file.file(&mut post.dice)),
        Enclosure::Pdf(..) | Enclosure::Csv(..) | Enclosure::Png(..) => None,
    });
    let written = if let Some(picture) = shown {
        let id = format!("picture-{}@{}", moment.timestamp(), turn.who.domain());
        let page = page(&own, &format!("<p><img src=\"cid:{id}\" alt=\"{}\"></p>\n", picture.name));
        let related =
            vec![Entity::html(&page), Entity::inline(&picture.name, picture.media_type, &id, &picture.octets)];
        let both = vec![Entity::text(&text), Entity::multipart("related; type=\"text/html\"", &seed, related)];
        Entity::multipart("alternative", &seed, both)
    } else if turn.with.is_empty() && post.dice.once_in(3) {
        Entity::multipart("alternative", &seed, vec![Entity::text(&text), Entity::html(&page(&own, ""))])
    } else {
        Entity::text_in("plain", &text, turn.who.charset)
    };
    let mut parts = vec![written];
    for file in turn.with {
        if !matches!(file, Enclosure::Inline(..)) {
            let file = file.file(&mut post.dice);
            parts.push(Entity::file(&file.name, file.media_type, &file.octets));
        }
    }
    if parts.len() > 1 { Entity::multipart("mixed", &seed, parts) } else { parts.remove(0) }
}

/// Text as a page, with something below it.
pub(super) fn page(text: &str, below: &str) -> String {
    let text = text.trim_end().replace('&', "&amp;").replace('<', "&lt;").replace("\n\n", "</p>\n<p>");
    format!("<!DOCTYPE html>\n<html><body>\n<p>{text}</p>\n{below}</body></html>\n")
}
