//! What machines send: invoices, receipts, notices, invitations.
//!
//! Every month the same, with numbers that differ.

use chrono::{Datelike, Duration};

use super::attachments;
use super::encode;
use super::invitation::invitation;
use super::mime::{Entity, wrapped};
use super::people::{BANK, COURIER, EDITH, HOSTING, JONAS, PHONE, Person, RAVI, SOFIE, TRAINS};
use super::post::Post;

const STATIONS: [&str; 6] = ["Harbour Town", "Oakridge", "Bologna", "Köln", "Saltmarsh", "Upper Ferry"];

const MEETINGS: [(&Person, &str, &str, i64); 7] = [
    (&EDITH, "Catalogue, page by page", "The long table", 330),
    (&JONAS, "Freezer inspection", "Cellar", 290),
    (&SOFIE, "Books of the year", "Ledger & Pine, second floor", 180),
    (&JONAS, "Where does the lathe go?", "Store room", 40),
    (&EDITH, "Apollo: launch breakfast", "Workshop, bring a chair", 92),
    (&SOFIE, "Quarter in half an hour", "By telephone", 17),
    (&EDITH, "Catalogue: last look", "The long table", 2),
];

/// Posts 14 months of them.
pub(super) fn post(post: &mut Post) {
    for month in 0..14_i64 {
        let days = 424 - month * 30;
        invoice(post, &HOSTING, days - 2, "Pinehost", "web page and mail", 1_900);
        invoice(post, &PHONE, days - 6, "Larkphone", "two lines and a long call", 2_700 + cents_of(month));
        if month % 3 == 1 {
            invoice(post, &RAVI, days - 11, "Copperfold", "heat sinks, folded", 96_000);
        }
        if month % 2 == 0 {
            ticket(post, days - 14);
        }
        parcel(post, days - 17);
        if month % 2 == 1 {
            statement(post, days - 20);
        }
    }
    for (from, about, place, days) in MEETINGS {
        let sent = post.clock.office(days, &mut post.dice);
        let begins = sent + Duration::days(6);
        let seed = post.seed();
        let content = invitation(from, about, place, begins, &seed);
        let letter = post.letter(from, &format!("Invitation: {about}"), sent, content);
        let folder = post.kept(sent);
        post.deliver(&folder, if days > 20 { "RS" } else { "" }, &letter);
    }
}

fn cents_of(month: i64) -> u32 {
    u32::try_from(month * month * 7 % 311).unwrap_or(0)
}

fn invoice(post: &mut Post, from: &Person, days: i64, name: &str, what: &str, cents: u32) {
    let sent = post.clock.office(days, &mut post.dice);
    let number = format!("{}-{}", sent.format("%Y%m"), 1_000 + post.dice.below(9_000));
    let total = format!("{}.{:02}", cents / 100, cents % 100);
    let text = wrapped(&format!(
        "Dear customer,\n\nyour invoice {number} over {total} for {what} is attached. There is nothing to do, we collect it in ten days.\n\n{name}"
    ));
    let file = attachments::pdf(&[
        format!("{name} - invoice {number}"),
        format!("Lanternworks, {}", sent.format("%d %B %Y")),
        format!("{what}: {total}"),
    ]);
    let seed = post.seed();
    let parts = vec![
        Entity::text(&text),
        Entity::file(&format!("{}-invoice-{number}.pdf", name.to_lowercase()), "application/pdf", &file),
    ];
    let letter =
        post.letter(from, &format!("Your {name} invoice {number}"), sent, Entity::multipart("mixed", &seed, parts));
    post.deliver("Receipts", if days > 12 { "S" } else { "" }, &letter);
}

fn ticket(post: &mut Post, days: i64) {
    let bought = post.clock.any_day(days, &mut post.dice);
    let to = *post.dice.pick(&STATIONS);
    let code = post.seed();
    let text =
        format!("Harbour Town - {to}\nOne adult, one bicycle, one seat by the window.\n\nBooking {}\n", &code[..6]);
    let code_picture = attachments::png(64, post.dice.next());
    let parts = vec![Entity::text(&text), Entity::file("ticket.png", "image/png", &code_picture)];
    let seed = post.seed();
    let letter =
        post.letter(&TRAINS, &format!("Your ticket to {to}"), bought, Entity::multipart("mixed", &seed, parts));
    post.deliver("Receipts", "S", &letter);
}

fn parcel(post: &mut Post, days: i64) {
    let sent = post.clock.any_day(days, &mut post.dice);
    let number = 70_000_000 + post.dice.below(9_999_999);
    let (subject, text) = match sent.day() % 3 {
        0 => ("is waiting for you", "Nobody was in. Your parcel is with the baker next door, who says hello."),
        1 => ("is on its way", "It left our depot this morning and is in no hurry."),
        _ => ("was delivered", "It was handed to \"Jonas, tea in hand\"."),
    };
    let mut letter =
        post.letter(&COURIER, &format!("Parcel {number} {subject}"), sent, Entity::text(&format!("{text}\n")));
    letter.more = encode::field("Auto-Submitted", "auto-generated");
    let folder = post.kept(sent);
    post.deliver(&folder, "S", &letter);
}

fn statement(post: &mut Post, days: i64) {
    let sent = post.clock.office(days, &mut post.dice);
    let mut rows = String::from("day;text;amount\n");
    for day in 1..=20 + post.dice.below(8) {
        let amount = post.dice.below(90_000);
        rows += &format!("{day};transfer;{}.{:02}\n", amount / 100, amount % 100);
    }
    let text = "Dear customer,\n\nyour statement of the last two months is attached.\n\nTidewater Bank never asks for your password, not even nicely.\n";
    let seed = post.seed();
    let parts = vec![Entity::text(text), Entity::file("statement.csv", "text/csv; charset=us-ascii", rows.as_bytes())];
    let letter = post.letter(&BANK, "Your account statement is ready", sent, Entity::multipart("mixed", &seed, parts));
    post.deliver("Receipts", if days > 60 { "S" } else { "" }, &letter);
}
