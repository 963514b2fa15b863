//! Threads, mailing lists and exports: several mails that belong together.

use super::{Odd, mail};

pub fn mails() -> Vec<Odd> {
    let turn = |name: &'static str, why, from: &str, minute: u32, fields: &str, body: &str| {
        let raw = format!(
            "From: {from}\nTo: team@example.org\nDate: Thu, 2 Jan 2025 09:{minute:02}:00 +0000\nMessage-ID: <{name}@example.org>\n{fields}\n{body}\n"
        );
        Odd::new(name, why, raw).within("Archive/2025")
    };
    vec![
        turn("thread-1", "the beginning of a thread", "Ada <ada@example.org>", 0, "Subject: Which lamp?\n", "Round or square?").flagged("S"),
        turn("thread-2", "an answer", "Bo <bo@example.net>", 10, "Subject: Re: Which lamp?\nIn-Reply-To: <thread-1@example.org>\nReferences: <thread-1@example.org>\n", "Round.").flagged("RS"),
        turn("thread-3", "an answer to the answer, the subject in another language", "Carla <carla@example.org>", 20, "Subject: AW: Which lamp?\nIn-Reply-To: <thread-2@example.org>\nReferences: <thread-1@example.org>\n <thread-2@example.org>\n", "Square.").flagged("S"),
        turn("thread-4", "the last word, flagged", "Ada <ada@example.org>", 30, "Subject: Re: AW: Which lamp?\nIn-Reply-To: <thread-3@example.org>\nReferences: <thread-1@example.org> <thread-2@example.org> <thread-3@example.org>\n", "Both, then.").flagged("FS"),
        turn("reply-only", "In-Reply-To and no References", "Bo <bo@example.net>", 40, "Subject: Re: Which lamp?\nIn-Reply-To: <thread-4@example.org>\n", "Fine."),
        turn("reply-prose", "In-Reply-To of the old kind, with words", "Bo <bo@example.net>", 41, "Subject: Re: old\nIn-Reply-To: Your message of \"Thu, 2 Jan 2025\" <thread-1@example.org>\n", "As you said."),
        turn("self-reference", "a mail that answers itself", "Ada <ada@example.org>", 42, "Subject: loop\nIn-Reply-To: <self-reference@example.org>\nReferences: <self-reference@example.org>\n", "Round and round."),
        turn("references-garbage", "References without an id", "Ada <ada@example.org>", 43, "Subject: nothing\nReferences: none, really\n", "text"),
        turn("invoice-january", "an ordinary invoice", "billing@example.com", 44, "Subject: Invoice for January\n", "The invoice of January is 12.50."),
        turn("twice", "the same mail as in the folder Lists", "Ada <ada@example.org>", 45, "Subject: Kept twice\n", "One mail, two folders."),
        turn("twice", "the same mail as in the folder Archive/2025", "Ada <ada@example.org>", 45, "Subject: Kept twice\n", "One mail, two folders.").within("Lists"),
        Odd::new("list", "a mailing list, with all of its fields", mail("list", "Subject: [lamps] Warm or cold?\nSender: lamps-bounces@lists.example.org\nList-Id: People who like lamps <lamps.lists.example.org>\nList-Post: <mailto:lamps@lists.example.org>\nList-Unsubscribe: <mailto:lamps-leave@lists.example.org>,\n <https://lists.example.org/leave>\nPrecedence: list\n", "Warm.")).within("Lists"),
        Odd::new("newsletter", "a newsletter: List-Id without a name, one click to leave", mail("newsletter", "Subject: Ten lamps you need\nList-Id: <news.example.com>\nList-Unsubscribe: <https://example.com/leave/1>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n", "You need none.")).within("Lists").flagged("S"),
    ]
}
