//! What family and friends write.
//!
//! Words only; [`super::talk`] says how they are posted.

use super::attachments::Enclosure::{Inline, Png};
use super::people::{ANDERS, BERIT, MARA, NOOR, SAM};
use super::talk::Begins::Days;
use super::talk::{Place, Talk, says, shows};

pub(super) const TALKS: &[Talk] = &[
    Talk {
        about: "Sunday soup",
        begins: Days(409),
        place: Place::Inbox,
        cc: &[&ANDERS],
        flagged: false,
        turns: &[
            says(
                &BERIT,
                "Dear children,\n\nthere is soup on Sunday at one. Bring bread and somebody nice, or only bread.",
            ),
            says(&MARA, "Bread it is. Rye?"),
            says(&BERIT, "Rye."),
        ],
    },
    Talk {
        about: "The boat needs paint",
        begins: Days(333),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            says(
                &ANDERS,
                "The boat is out of the water and looks like a potato. Two weekends, four hands. When can you?",
            ),
            says(&MARA, "The last two of the month. I choose the colour."),
            says(&ANDERS, "No orange."),
            says(&MARA, "A very small orange stripe."),
            shows(&ANDERS, "Fine. Here it is, stripe and all. It does look faster.", &[Inline("stripe.png", 220)]),
        ],
    },
    Talk {
        about: "Night ride on Friday?",
        begins: Days(268),
        place: Place::Inbox,
        cc: &[&SAM],
        flagged: false,
        turns: &[
            says(&NOOR, "Full moon on Friday, dry roads, thirty kilometres, cake at the turning point. Who is in?"),
            says(&SAM, "In! 🌕 I bring the cake."),
            says(&MARA, "In. I bring eleven lamps, in case ten of them fail."),
        ],
    },
    Talk {
        about: "Your book",
        begins: Days(201),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            says(
                &NOOR,
                "I still have your book about lighthouses. I am on page 212 and the keeper has just lost his hat.",
            ),
            says(&MARA, "Keep it until he finds it again."),
        ],
    },
    Talk {
        about: "Photographs from the island",
        begins: Days(139),
        place: Place::Inbox,
        cc: &[&BERIT],
        flagged: true,
        turns: &[
            shows(
                &ANDERS,
                "Finally sorted. Three are worth keeping, and in one of them nobody has closed their eyes.",
                &[Png("jetty.png", 400), Png("aunt-with-crab.png", 280), Png("all-eyes-open.png", 350)],
            ),
            says(&BERIT, "Oh, the crab! Please print that one for my kitchen, as large as it goes."),
            says(&MARA, "I will have it printed and framed. The crab deserves it."),
        ],
    },
    Talk {
        about: "Your spare room",
        begins: Days(84),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            says(&SAM, "I have a week of work near you next month. Is the room with the squeaking floor free?"),
            says(&MARA, "Free, and it squeaks in a new key. Stay as long as you like."),
            says(&SAM, "You are the best. 🎶"),
        ],
    },
    Talk {
        about: "Wool socks for lamps",
        begins: Days(27),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            says(&BERIT, "You said on the telephone that lamps need socks. I have knitted four. What size is a lamp?"),
            says(&MARA, "About the size of a pear. You are wonderful."),
            says(&BERIT, "Then I have knitted for apples. I will begin again."),
        ],
    },
    Talk {
        about: "Who feeds the cat next week?",
        begins: Days(9),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[says(&ANDERS, "We are away for six days. She eats little and judges much. Could you?")],
    },
];
