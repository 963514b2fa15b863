//! Newsletters and a mailing list, with the fields of RFC 2369 and RFC 2919.
//!
//! None of them exists; their links lead to reserved names.

use super::encode::{self, UTF_8};
use super::mime::{Entity, wrapped};
use super::people::{MARA, Person};
use super::post::Post;
use super::talk::page;

/// A newsletter: who sends it, every how many days, and what about.
struct Newsletter {
    from: Person,
    list: &'static str,
    every: i64,
    subject: fn(u32, &str) -> String,
    stories: &'static [(&'static str, &'static str)],
}

const NEWSLETTERS: &[Newsletter] = &[
    Newsletter {
        from: Person { name: "The Slow Pedal", address: "hello@slowpedal.example", zone: 0, charset: UTF_8 },
        list: "The Slow Pedal <weekly.slowpedal.example>",
        every: 18,
        subject: |number, story| format!("Slow Pedal #{number}: {story}"),
        stories: &[
            ("a ferry that waits for cyclists", "It leaves at nine, or whenever the last bicycle is aboard."),
            ("seven kinds of headwind", "The sixth has no name yet. Suggestions are welcome."),
            ("how to pack a tent badly", "We tried every way, so that you need not."),
            ("the bell that nobody hears", "A workshop test of forty bells, one of them painted shut."),
            ("riding home from work, the long way", "Eleven readers and their detours."),
            ("a café on every hill", "The map is finished. So are our legs."),
        ],
    },
    Newsletter {
        from: Person { name: "Parts Bin", address: "editor@partsbin.example", zone: 60, charset: UTF_8 },
        list: "Parts Bin Weekly <partsbin.partsbin.example>",
        every: 26,
        subject: |number, story| format!("Parts Bin {number} – {story}"),
        stories: &[
            ("springs, again", "Three new makers, one old problem: where did it jump to?"),
            ("the price of copper", "It is up. Copper always is."),
            ("connectors that last", "We pulled each of them 10,000 times. Our arms are fine."),
            ("LEDs by colour, honestly", "What \"warm white\" means, measured in a dark cellar."),
        ],
    },
    Newsletter {
        from: Person { name: "Harbour Town Council", address: "news@harbourtown.example", zone: 0, charset: UTF_8 },
        list: "Town news <news.harbourtown.example>",
        every: 30,
        subject: |_, story| format!("Your town this month: {story}"),
        stories: &[
            ("new cycle path along the quay", "The gulls have objected. The path opens on Saturday."),
            ("street lamps go amber", "Bats prefer it, and so do most of the letters we received."),
            ("library open until nine", "Bring a coat; the heating has opinions of its own."),
        ],
    },
    Newsletter {
        from: Person { name: "Small Kitchen", address: "ladle@smallkitchen.example", zone: 120, charset: UTF_8 },
        list: "Recipes from a small kitchen <recipes.smallkitchen.example>",
        every: 52,
        subject: |_, story| format!("🍲 {story}"),
        stories: &[
            ("Soup for a wet Tuesday", "Leeks, potatoes, patience."),
            ("Crêpes without a scale", "One cup, one cup, one egg, one song."),
            ("Beans that cook themselves", "Put them in the oven before work. Go to work."),
            ("Plum cake, the third attempt", "The first two are not discussed here."),
        ],
    },
];

/// People of the mailing list.
const TINKERERS: [Person; 4] = [
    Person { name: "Ada Quist", address: "ada.quist@example.com", zone: 60, charset: UTF_8 },
    Person { name: "Bo Lam", address: "bo@tinker.example", zone: 480, charset: UTF_8 },
    Person { name: "Carla Reyes", address: "carla.reyes@example.org", zone: -360, charset: UTF_8 },
    Person { name: "Dov \"Spokes\" Adler", address: "dov@example.net", zone: 120, charset: UTF_8 },
];

/// Threads of the mailing list: the subject, and what is said in turn.
const THREADS: &[(&str, i64, &[&str])] = &[
    (
        "Hum at 20 km/h",
        377,
        &[
            "My hub dynamo hums at exactly 20 km/h, and only there. Has anybody met this?",
            "Mine too. It is a bracket that sings along. Touch each one while riding, carefully.",
            "It was the mudguard. It has been singing for years and I thought it was me.",
        ],
    ),
    (
        "Standing light without a capacitor?",
        255,
        &[
            "Can a lamp shine at a red traffic light without a big capacitor?",
            "With a small battery, yes. Then it is a battery lamp with a hobby.",
            "I used a flywheel. It works. Do not do it.",
            "Please post a picture of the flywheel.",
        ],
    ),
    (
        "Cable through the steerer",
        143,
        &[
            "How do you lead the cable through the steerer so that it does not chafe?",
            "A bit of old inner tube around it, as with everything.",
            "+1 for inner tube. Half of my kitchen is inner tube.",
        ],
    ),
    (
        "A meeting in the barn",
        58,
        &[
            "Shall we meet again? I can offer a barn, a workbench and forty chairs.",
            "Yes! I will bring the flywheel.",
            "Then I will bring goggles.",
        ],
    ),
    (
        "Which lux meter?",
        8,
        &["Which lux meter do you trust below 50 euros?", "The one I returned was fine, I only dropped it."],
    ),
];

/// Posts every issue of the last 14 months, and the threads of the mailing list.
pub(super) fn post(post: &mut Post) {
    for newsletter in NEWSLETTERS {
        let issues = 420 / newsletter.every;
        for issue in 0..=issues {
            let days = (issues - issue) * newsletter.every + 1;
            let number = 100 + u32::try_from(issue).unwrap_or(0);
            newsletter_issue(post, newsletter, days, number);
        }
    }
    for (subject, days, turns) in THREADS {
        thread(post, subject, *days, turns);
    }
}

fn newsletter_issue(post: &mut Post, newsletter: &Newsletter, days: i64, number: u32) {
    let count = u32::try_from(newsletter.stories.len()).unwrap_or(1);
    let position = usize::try_from(number % count).unwrap_or(0);
    let (title, story) = newsletter.stories[position];
    let domain = newsletter.from.domain();
    let text = wrapped(&format!(
        "{title}\n\n{story}\n\nAlso in this issue: letters, a correction, and the weather.\n\nRead on: https://{domain}/issues/{number}"
    ));
    let html = page(&text, &format!("<p><a href=\"https://{domain}/unsubscribe\">Unsubscribe</a></p>\n"));
    let seed = post.seed();
    let content = Entity::multipart("alternative", &seed, vec![Entity::text(&text), Entity::html(&html)]);
    let sent = post.clock.any_day(days, &mut post.dice);
    let mut letter = post.letter(&newsletter.from, &(newsletter.subject)(number, title), sent, content);
    letter.more = encode::field("List-Id", newsletter.list)
        + &encode::field(
            "List-Unsubscribe",
            &format!("<mailto:unsubscribe@{domain}>, <https://{domain}/unsubscribe/{}>", &seed[..8]),
        )
        + &encode::field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
        + &encode::field("Precedence", "bulk");
    let flags = if post.dice.once_in(3) { "" } else { "S" };
    post.deliver("Newsletters", flags, &letter);
}

fn thread(post: &mut Post, subject: &str, days: i64, turns: &[&str]) {
    let list = Person { name: "Dynamo tinkerers", address: "dynamo@lists.tinker.example", zone: 0, charset: UTF_8 };
    let mut moment = post.clock.office(days, &mut post.dice);
    let mut ancestors = Vec::new();
    for (position, text) in turns.iter().enumerate() {
        let from = &TINKERERS[(position + subject.len()) % TINKERERS.len()];
        let answer = if position > 0 { "Re: " } else { "" };
        let footer = "_______________\nDynamo tinkerers, a list for people with warm soldering irons";
        let text = wrapped(&format!("{text}\n\n{}\n\n{footer}", from.first_name()));
        if position > 0 {
            moment = post.clock.answer(moment, &mut post.dice);
        }
        let mut letter = post.letter(from, &format!("{answer}[dynamo] {subject}"), moment, Entity::text(&text));
        letter.to = vec![&list];
        letter.cc = if position == 2 { vec![&MARA] } else { Vec::new() };
        letter.ancestors.clone_from(&ancestors);
        letter.more = encode::field("Sender", "<dynamo-bounces@lists.tinker.example>")
            + &encode::field("List-Id", "Dynamo tinkerers <dynamo.lists.tinker.example>")
            + &encode::field("List-Post", "<mailto:dynamo@lists.tinker.example>")
            + &encode::field("List-Unsubscribe", "<mailto:dynamo-leave@lists.tinker.example>")
            + &encode::field("Precedence", "list");
        let flags = if days > 30 { "S" } else { "" };
        if position == 2 {
            // The list and the copy to her: one mail, two folders.
            letter.id = format!("kept-twice.{}", letter.id);
            let folder = post.kept(moment);
            post.deliver(&folder, flags, &letter);
        }
        moment = post.deliver("Lists/Dynamo", flags, &letter);
        ancestors.push(letter.id);
    }
}
