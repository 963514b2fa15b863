//! Orders that shops send by mail, and their confirmations.
//!
//! Many, and all alike: the daily bread of the mailbox.

use super::attachments;
use super::mime::{Entity, wrapped};
use super::people::{AMINA, CHEN, HELEN, JURGEN, MARA, MARCO, Person, YUKI};
use super::post::Post;

const SHOPS: [&Person; 6] = [&HELEN, &JURGEN, &MARCO, &CHEN, &YUKI, &AMINA];

const LAMPS: [(&str, u32); 6] = [
    ("front lamps, classic", 3150),
    ("rear lamps, small", 1420),
    ("Apollo front lamps", 4900),
    ("dynamo lamps", 3875),
    ("brackets, short", 360),
    ("spare lenses", 290),
];

const REASONS: [&str; 8] = [
    "The shelf is empty again.",
    "A school nearby has discovered us.",
    "The days are getting shorter.",
    "Somebody bought all of them at once, on a Tuesday.",
    "We are opening a second door next month.",
    "The window looks sad without them.",
    "Two of our mechanics took the last ones home.",
    "The club rides at night now.",
];

const THANKS: [&str; 6] = [
    "All there, all shining. Thank you!",
    "The box arrived a day early. How do you do that?",
    "Received, counted, put on the shelf.",
    "Thank you, and greetings to whoever draws the little lamp on the box.",
    "Arrived. One bracket was missing; it was at the bottom of the box all along.",
    "Here they are. The courier was wet, the lamps were not.",
];

/// Posts an order every few weeks: the order, the confirmation, and mostly a word of thanks.
pub(super) fn post(post: &mut Post) {
    let mut number = 4_101;
    for position in 0..23_u8 {
        let shop = SHOPS[usize::from(position) % SHOPS.len()];
        let days = 422 - i64::from(position) * 18;
        order(post, shop, days, number);
        number += 7 + post.dice.below(9);
    }
}

fn order(post: &mut Post, shop: &Person, days: i64, number: u32) {
    let pieces = 10 * (1 + post.dice.below(12));
    let (lamp, price) = *post.dice.pick(&LAMPS);
    let subject = format!("Order {number}: {pieces} {lamp}");
    let place = |post: &Post, moment| match shop.domain() {
        "radhaus-koeln.example" => "Kunden/Köln".to_owned(),
        "nishi-cycle.example" => "日本".to_owned(),
        _ => post.kept(moment),
    };

    let asked = post.clock.office(days, &mut post.dice);
    let reason = *post.dice.pick(&REASONS);
    let text = format!(
        "Hello Mara,\n\nplease send us {pieces} {lamp}. {reason}\n\nOur number for it is {number}.\n\n{}",
        shop.first_name()
    );
    let letter = post.letter(shop, &subject, asked, Entity::text_in("plain", &wrapped(&text), shop.charset));
    let is_open = days < 20;
    let folder = place(post, asked);
    let asked = post.deliver(&folder, if is_open { "FS" } else { "RS" }, &letter);
    if is_open {
        return;
    }

    let confirmed = post.clock.answer(asked, &mut post.dice);
    let total = pieces * price;
    let slip = attachments::pdf(&[
        format!("Lanternworks - confirmation of order {number}"),
        format!("{pieces} {lamp} at {}.{:02}", price / 100, price % 100),
        format!("Total {}.{:02}", total / 100, total % 100),
    ]);
    let text = format!(
        "Hello {},\n\n{pieces} {lamp}: packed, and on their way tomorrow.\n\nMara\n\n{} wrote:\n> please send us {pieces} {lamp}.\n",
        shop.first_name(),
        shop.name
    );
    let seed = post.seed();
    let parts = vec![Entity::text(&text), Entity::file(&format!("Order {number}.pdf"), "application/pdf", &slip)];
    let mut answer = post.letter(&MARA, &format!("Re: {subject}"), confirmed, Entity::multipart("mixed", &seed, parts));
    answer.to = vec![shop];
    answer.ancestors = vec![letter.id.clone()];
    let confirmed = post.deliver("Sent", "S", &answer);

    if !post.dice.once_in(4) {
        let thanked = post.clock.answer(confirmed, &mut post.dice);
        let text = format!("{}\n\n{}\n", post.dice.pick(&THANKS), shop.first_name());
        let mut thanks = post.letter(shop, &format!("Re: {subject}"), thanked, Entity::text(&text));
        thanks.ancestors = vec![letter.id, answer.id];
        let folder = place(post, thanked);
        post.deliver(&folder, "S", &thanks);
    }
}
