//! What is said about Apollo, the new lamp.
//!
//! Words only; [`super::talk`] says how they are posted.

use super::attachments::Enclosure::{Csv, Inline, Pdf, Png};
use super::people::{EDITH, GRACE, JONAS, LI, MARA, PRIYA, RAVI, TOMAS};
use super::talk::Begins::Days;
use super::talk::{Place, Talk, says, shows};

pub(super) const TALKS: &[Talk] = &[
    Talk {
        about: "A name for the new lamp",
        begins: Days(418),
        place: Place::Apollo,
        cc: &[&JONAS, &TOMAS],
        flagged: false,
        turns: &[
            says(
                &PRIYA,
                "We cannot keep calling it \"the round one\". My list: Apollo, Comet, Firefly. I like Apollo because it sounds as if it comes back.",
            ),
            says(&MARA, "Apollo it is. Comet is taken by a tyre, and Firefly blinks."),
            says(&JONAS, "Good. I have already written it on the drawer, so please do not change your minds."),
        ],
    },
    Talk {
        about: "Apollo: first sketch of the housing",
        begins: Days(402),
        place: Place::Apollo,
        cc: &[&PRIYA],
        flagged: false,
        turns: &[
            shows(
                &TOMAS,
                "Here is the first sketch. The shell is one piece of aluminium, the lens screws in from the front.\n\nThe screw is the expensive part.",
                &[Png("housing-sketch.png", 260)],
            ),
            says(
                &MARA,
                "I like the shape very much. Could the lens snap in? Then anybody can change it at home without a tool.",
            ),
            says(&TOMAS, "Snap is possible if we make the rim half a millimetre thicker. I will draw it."),
            shows(&TOMAS, "Drawn, and printed. It snaps. It is loud, but it snaps.", &[Inline("snap-rim.png", 150)]),
        ],
    },
    Talk {
        about: "Copper heat sinks: price for 500?",
        begins: Days(371),
        place: Place::Apollo,
        cc: &[],
        flagged: false,
        turns: &[
            says(
                &MARA,
                "Hello Ravi,\n\nwhat would 500 folded heat sinks cost, 24 by 24 millimetres, 0.4 thick? And 2,000 of them?",
            ),
            shows(
                &RAVI,
                "Dear Mara,\n\n500 pieces: 1.92 each. 2,000 pieces: 1.31 each. Our quotation is attached and holds for thirty days.",
                &[Pdf(
                    "Quotation CF-2207.pdf",
                    &[
                        "Copperfold - quotation CF-2207",
                        "Heat sink 24 x 24 x 0.4, folded",
                        "500 pieces at 1.92",
                        "2,000 pieces at 1.31",
                        "Delivery: five weeks",
                    ],
                )],
            ),
            says(&MARA, "Thank you. We take 500 now; if the nights are dark enough we shall be back for the rest."),
        ],
    },
    Talk {
        about: "Apollo: the lens cracks in the cold",
        begins: Days(298),
        place: Place::Apollo,
        cc: &[&JONAS],
        flagged: true,
        turns: &[
            says(
                &PRIYA,
                "Three of ten lenses cracked at minus 18 degrees last night. All three sat in the same corner of the tray, so it may be the freezer and not the lens.",
            ),
            says(&MARA, "Could you turn the tray around and run it again? If the crack moves, we blame the freezer."),
            shows(
                &PRIYA,
                "The crack stayed with the lenses. I am sorry. The whole log is attached.",
                &[Csv("cold-test.csv", 5_400)],
            ),
            says(&MARA, "Then it is the lens. I will write to Li Na today."),
            says(&JONAS, "For the record: my freezer was innocent all along."),
        ],
    },
    Talk {
        about: "Cracked lenses, batch 7",
        begins: Days(296),
        place: Place::Apollo,
        cc: &[&PRIYA],
        flagged: false,
        turns: &[
            says(
                &MARA,
                "Dear Li Na,\n\nlenses of batch 7 crack at minus 18 degrees, three of ten. Batch 6 did not. Was anything changed?",
            ),
            says(
                &LI,
                "您好 Mara,\n\nwe changed the resin in batch 7 because the old one was sold out (旧树脂已停产). I am sorry that we did not tell you. 我们会免费更换 — we will replace all of it.",
            ),
            says(&MARA, "Thank you, that is very fair. Please write the resin on the label from now on."),
            says(&LI, "好的，谢谢！ It will be on every label. The new box leaves on Friday."),
        ],
    },
    Talk {
        about: "Field test, week one",
        begins: Days(214),
        place: Place::Apollo,
        cc: &[&PRIYA],
        flagged: false,
        turns: &[
            shows(
                &GRACE,
                "Twelve riders, 61 hours of light, one lamp lost in a lake. The rider is fine. The lamp still shines down there; we can see it from the pier.",
                &[Csv("field-test-week-1.csv", 7_200), Png("lake.png", 330)],
            ),
            says(&MARA, "I have never been so proud of a loss. How deep is it?"),
            says(
                &GRACE,
                "About two metres. It went out on the third evening. I shall put \"54 hours, submerged\" into the report.",
            ),
        ],
    },
    Talk {
        about: "Field test, final report",
        begins: Days(163),
        place: Place::Apollo,
        cc: &[&PRIYA, &JONAS],
        flagged: true,
        turns: &[
            shows(
                &GRACE,
                "The report is attached. In one sentence: bright, light, and the switch is hard to find with gloves on.",
                &[
                    Pdf(
                        "Apollo field test.pdf",
                        &[
                            "Apollo field test",
                            "12 riders, 412 hours",
                            "Switch: hard to find with gloves",
                            "Lens: no cracks",
                            "Verdict: build it",
                        ],
                    ),
                    Csv("all-rides.csv", 9_800),
                ],
            ),
            says(&MARA, "Thank you for all of it. We will make the switch taller and ask you again in half a year."),
        ],
    },
    Talk {
        about: "Taller switch",
        begins: Days(158),
        place: Place::Apollo,
        cc: &[],
        flagged: false,
        turns: &[
            says(&MARA, "Tomás, can the switch stand out by two millimetres more? Gloves."),
            says(
                &TOMAS,
                "By one and a half, then the cap still fits. I tried it with my ski mittens: found it eight times out of ten.",
            ),
            says(&MARA, "Sold."),
        ],
    },
    Talk {
        about: "Words for the box",
        begins: Days(96),
        place: Place::Apollo,
        cc: &[&PRIYA],
        flagged: false,
        turns: &[
            says(&EDITH, "The printer needs the text for the box. I have: \"Apollo. Sees you home.\" Too much?"),
            says(
                &MARA,
                "Not too much. Keep it. And please print the weight on the side, people ask about it more than about the light.",
            ),
            shows(
                &EDITH,
                "Here is the proof, with the weight.",
                &[Inline("box-proof.png", 300), Pdf("box-proof.pdf", &["Apollo", "Sees you home.", "118 g"])],
            ),
            says(&MARA, "Approved!"),
        ],
    },
    Talk {
        about: "Apollo: photographs for the shop page",
        begins: Days(61),
        place: Place::Apollo,
        cc: &[],
        flagged: false,
        turns: &[
            shows(
                &EDITH,
                "Two of about sixty. The second one has Jonas's thumb in it; I find that it helps.",
                &[Png("apollo-front.png", 390), Png("apollo-with-thumb.png", 360)],
            ),
            says(&MARA, "Both please. Tell the thumb it gets a credit."),
        ],
    },
    Talk {
        about: "Apollo: numbers of the first month",
        begins: Days(23),
        place: Place::Apollo,
        cc: &[&JONAS, &TOMAS, &EDITH],
        flagged: true,
        turns: &[
            shows(
                &PRIYA,
                "214 sold, 3 came back: one dead, one scratched, one with a note that said \"too bright, thank you\".",
                &[Csv("first-month.csv", 240)],
            ),
            says(&MARA, "I want that note on the wall."),
            says(&PRIYA, "It is on the wall already, next to the lamp from the lake."),
        ],
    },
    Talk {
        about: "Second run of Apollo: 500 or 1,000?",
        begins: Days(12),
        place: Place::Apollo,
        cc: &[&PRIYA],
        flagged: false,
        turns: &[says(
            &JONAS,
            "The line is free from the 20th. 500 fit into the store room as it is; 1,000 only if we give the old lathe away. Which one shall I plan?",
        )],
    },
];
