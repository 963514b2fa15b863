//! Spam, harmless: it sells nothing and leads nowhere.
//!
//! One subject carries terminal escapes, for a reader that must not obey them.

use super::encode::{self, UTF_8};
use super::mime::Entity;
use super::people::Person;
use super::post::Post;
use super::talk::page;

const SPAM: [(&str, &str, &str); 22] = [
    (
        "Prince Lumo",
        "You have inherited a lighthouse",
        "Dear friend, my late uncle leaves you a lighthouse. Send only the stamps.",
    ),
    ("DEALS!!!", "1000% off LAMPS", "Everything must go. The shop, too."),
    ("Dr. Night", "Doctors hate this one bulb", "Sleep in four minutes with a bulb that is off."),
    ("Web Ranking", "Your page is on page two", "We looked for your page and gave up. So will your customers."),
    (
        "Security Team",
        "Your mailbox will be closed in 24 hour",
        "Dear user, confirm your mailbox or it will be very sad.",
    ),
    ("Crypto Candle", "Turn 10 into 10,000 by candlelight", "The coin that burns at both ends."),
    ("Fast Loans", "Pre-approved: 50.000", "No questions. We mean it, please ask no questions."),
    ("Lena", "hi", "I saw your profile on the lamp forum. Do you also like wires?"),
    (
        "\x1b",
        "\x1b[31mURGENT\x1b[0m \x1b]0;hello\x07 read me",
        "This subject would like to paint your terminal red. It should not be able to.",
    ),
    (
        "Parcel Service",
        "Your parcel could not be delivered (3)",
        "Pay 1.99 to release a parcel that you did not order.",
    ),
    ("Print Cheap", "10,000 flyers, printed yesterday", "Order today, regret tomorrow."),
    ("Gold Watch", "Re: Re: Fwd: your watch", "It tells the time twice a day."),
    ("Survey Corp", "You have been chosen!!", "Answer 300 questions and win a pencil."),
    ("Solar Roof", "Free roof*", "* roof not included."),
    ("Office Chairs", "Sit down before you read this", "Thank you for sitting. This was all."),
    ("Secret Shopper", "Get paid to buy lamps", "You buy lamps. From yourself. It is complicated."),
    ("Лампочка", "Только сегодня!", "Лампочки, которые никогда не гаснут. Почти."),
    ("Miracle Oil", "Chain oil that whispers", "It whispers. You would not like what it says."),
    ("Domain Notice", "Final notice: lanternworks.shop", "Somebody may want a name like yours. It is us."),
    (
        "Lottery Board",
        "WINNER No. 7-7-7",
        "You have won a lottery that you did not enter. Congratulations on your caution.",
    ),
    ("Fax Online", "You have received (1) fax", "It is the year of the fax again."),
    ("Typing Tutor", "Learn to tyep in ten days", "Satisfied custmoers everywhere."),
];

/// Posts them over the last two months; some with a page that shouts.
pub(super) fn post(post: &mut Post) {
    for (position, (name, subject, text)) in SPAM.into_iter().enumerate() {
        let from = Person { name, address: "offer@too-good.example", zone: 0, charset: UTF_8 };
        let days = i64::try_from(position).unwrap_or(0) * 5 / 2;
        let sent = post.clock.any_day(days, &mut post.dice);
        let content = if post.dice.once_in(2) {
            Entity::html(&page(text, "<h1 style=\"color:red\">ACT NOW</h1>\n"))
        } else {
            Entity::text(&format!("{text}\n"))
        };
        let mut letter = post.letter(&from, subject, sent, content);
        let score = 6 + post.dice.below(9);
        letter.more = encode::field("X-Spam-Flag", "YES") + &encode::field("X-Spam-Score", &format!("{score}.1"));
        post.deliver("Junk", "", &letter);
    }
}
