//! What every mailbox also has: a bounce, forwarded mail, drafts, rubbish.
//!
//! All of it well formed; broken mail is for tests.

use super::attachments;
use super::encode::{self, Charset};
use super::mime::{Entity, wrapped};
use super::people::{ANDERS, BERIT, DAEMON, EDITH, HELEN, JURGEN, MARA, MARCO, NOOR, PRIYA, Person, SATO, SOFIE, YUKI};
use super::post::Post;

const DRAFTS: [(&Person, &str, &str, i64); 5] = [
    (&NOOR, "Re: Ride tonight?", "Yes, but", 70),
    (&MARCO, "Which glue for the rims?", "Ciao Marco,\n\nthe secret is patience. The glue is", 9_000),
    (
        &HELEN,
        "Lamps that nobody returned",
        "Dear Helen,\n\nthis is awkward, but the eleven lamps of last summer",
        41_000,
    ),
    (&BERIT, "Thank you for the socks", "Dear Berit,\n\nthe lamps are warm and", 30_000),
    (&SATO, "アポロのお見積もり", "Dear Mr Sato,\n\nfifty Apollos would be", 2_900),
];

const RUBBISH: [(&Person, &str, &str); 13] = [
    (&EDITH, "Who took my pen?", "The blue one. It has sentimental ink."),
    (&EDITH, "Found it", "It was behind my ear. Please forget the mail before."),
    (&PRIYA, "Fire drill at three", "Take the stairs. Take your tea, too."),
    (&PRIYA, "Fire drill: thank you", "Four minutes, and nobody forgot the cat this time."),
    (&ANDERS, "Call me", "Nothing bad. Call me."),
    (&MARCO, "Sent to the wrong Mara", "Sorry, this was for the other Mara, the one with the goats."),
    (&SOFIE, "Out of office", "I am away until Monday and will not read this. Nor will I."),
    (&YUKI, "Typhoon: office closed tomorrow", "We are safe and at home. Orders go out on Thursday."),
    (&NOOR, "cake", "There is cake left. Was. There was cake left."),
    (&JURGEN, "Abwesend bis Montag", "Ich bin mit dem Rad unterwegs. Grüße aus dem Regen!"),
    (&HELEN, "Test", "Does the new mail program work? It does, doesn't it."),
    (&EDITH, "Lunch?", "Soup or bread or both?"),
    (&EDITH, "Lunch!", "It was both."),
];

/// Posts one or a few of each.
pub(super) fn post(post: &mut Post) {
    for (to, subject, text, minutes) in DRAFTS {
        let begun = post.clock.minutes_ago(minutes);
        let mut letter = post.letter(&MARA, subject, begun, Entity::text(&format!("{text}\n")));
        letter.to = vec![to];
        post.deliver("Drafts", "DS", &letter);
    }
    for (position, (from, subject, text)) in RUBBISH.into_iter().enumerate() {
        let days = 52 - i64::try_from(position).unwrap_or(0) * 4;
        let sent = post.clock.office(days, &mut post.dice);
        let text = wrapped(&format!("{text}\n\n{}", from.first_name()));
        let letter = post.letter(from, subject, sent, Entity::text_in("plain", &text, from.charset));
        post.deliver("Trash", if position % 5 == 4 { "ST" } else { "S" }, &letter);
    }
    bounce(post);
    forwarded(post);
    greetings(post);
}

/// A mail that could not be delivered, and the report of it (RFC 3464).
fn bounce(post: &mut Post) {
    let nobody = Person { name: "Old Harbour Shop", address: "shop@gone.example", zone: 0, charset: encode::UTF_8 };
    let sent = post.clock.office(47, &mut post.dice);
    let mut letter = post.letter(&MARA, "Are you still there?", sent, Entity::text("Hello,\n\nare you?\n\nMara\n"));
    letter.to = vec![&nobody];
    let sent = post.deliver("Sent", "S", &letter);
    let text = "I could not deliver your mail. I tried for a while. This was my last attempt.\n\n<shop@gone.example>: there is no such place\n";
    let status = "Reporting-MTA: dns; mail.lanternworks.example\n\nFinal-Recipient: rfc822; shop@gone.example\nAction: failed\nStatus: 5.1.2\nDiagnostic-Code: smtp; 550 5.1.2 there is no such place\n";
    let seed = post.seed();
    let parts = vec![
        Entity::text(text),
        Entity::plain_body("message/delivery-status", status.as_bytes().to_vec()),
        Entity::plain_body("message/rfc822", letter.write()),
    ];
    let moment = post.clock.answer(sent, &mut post.dice);
    let content = Entity::multipart("report; report-type=delivery-status", &seed, parts);
    let mut report = post.letter(&DAEMON, "Undelivered: Are you still there?", moment, content);
    report.more = encode::field("Auto-Submitted", "auto-replied");
    report.ancestors = vec![letter.id];
    let folder = post.kept(moment);
    post.deliver(&folder, "S", &report);
}

/// A mail that holds another one, attachment and all.
fn forwarded(post: &mut Post) {
    let asked = post.clock.office(34, &mut post.dice);
    let plan = attachments::pdf(&["Way to the fair".to_owned(), "Left, left, and then follow the bells".to_owned()]);
    let seed = post.seed();
    let parts = vec![
        Entity::text("The way to the fair is attached. Do not trust the signs.\n"),
        Entity::file("way.pdf", "application/pdf", &plan),
    ];
    let mut inner = post.letter(&MARCO, "The way to the fair", asked, Entity::multipart("mixed", &seed, parts));
    inner.to = vec![&EDITH];
    let sent = post.clock.answer(asked, &mut post.dice);
    let seed = post.seed();
    let parts = vec![
        Entity::text("This came for you, but to me.\n\nEdith\n"),
        Entity::plain_body("message/rfc822", inner.write()),
    ];
    let letter = post.letter(&EDITH, "Fwd: The way to the fair", sent, Entity::multipart("mixed", &seed, parts));
    post.deliver("INBOX", "S", &letter);
}

/// The same wish in the character sets that old programs still use.
fn greetings(post: &mut Post) {
    let wishes: [(&str, &str, &str, Charset, i64); 5] = [
        (
            "Zoë Núñez",
            "Frohe Grüße – „hell“ und klar",
            "Möge dein Licht nie flackern – auch nicht im Sturm.",
            Charset { label: "windows-1252", encoding: encoding_rs::WINDOWS_1252 },
            301,
        ),
        (
            "Мария Белова",
            "С новым годом!",
            "Пусть в новом году будет светло на всех дорогах.",
            Charset { label: "windows-1251", encoding: encoding_rs::WINDOWS_1251 },
            300,
        ),
        (
            "中村 光",
            "新年のご挨拶",
            "今年も明るい一年になりますように。",
            Charset { label: "shift_jis", encoding: encoding_rs::SHIFT_JIS },
            299,
        ),
        ("王明", "新年快乐", "祝你一路光明。", Charset { label: "gb18030", encoding: encoding_rs::GB18030 }, 299),
        (
            "김빛나",
            "새해 복 많이 받으세요",
            "올해도 밝은 길만 걸으세요.",
            Charset { label: "euc-kr", encoding: encoding_rs::EUC_KR },
            298,
        ),
    ];
    for (name, subject, text, charset, days) in wishes {
        let from = Person { name, address: "friend@faraway.example", zone: 0, charset };
        let sent = post.clock.office(days, &mut post.dice);
        let content = Entity::text_in("plain", &format!("{text}\n"), charset);
        let letter = post.letter(&from, subject, sent, content);
        let folder = post.kept(sent);
        post.deliver(&folder, "S", &letter);
    }
}
