//! What is going on right now.
//!
//! Words only; [`super::talk`] says how they are posted.

use super::attachments::Enclosure::{Csv, Inline, Pdf};
use super::people::{EDITH, HELEN, JONAS, LI, MARA, NOOR, PRIYA, SATO, SOFIE, TOMAS};
use super::talk::Begins::{Days, Minutes};
use super::talk::{Place, Talk, says, shows};

pub(super) const TALKS: &[Talk] = &[
    Talk {
        about: "Green",
        begins: Days(6),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            shows(
                &TOMAS,
                "Seven greens, from moss to traffic light. Number four is called \"wet fern\". I am not sure who names these.",
                &[Inline("seven-greens.png", 200)],
            ),
            says(&MARA, "Number four. And please find out who names them, I have a sofa to describe."),
            says(&TOMAS, "Number four is ordered. The name-giver is called Lotte and would like to see the sofa."),
        ],
    },
    Talk {
        about: "Invoice 2391 is overdue",
        begins: Days(5),
        place: Place::Inbox,
        cc: &[],
        flagged: true,
        turns: &[
            shows(
                &SOFIE,
                "Hello Mara,\n\ninvoice 2391 (Radhaus Köln, 1,890.00) is now three weeks late. Shall I remind them, or will you?",
                &[Pdf("Invoice 2391.pdf", &["Lanternworks - invoice 2391", "60 lamps at 31.50", "Total 1,890.00"])],
            ),
            says(&MARA, "I will call Jürgen. He always pays; he only forgets where he put the paper."),
            says(&SOFIE, "Thank you. If it is the paper: a copy of the invoice is above."),
        ],
    },
    Talk {
        about: "見積もりのお願い",
        begins: Days(3),
        place: Place::Japan,
        cc: &[],
        flagged: false,
        turns: &[says(
            &SATO,
            "リンドクヴィスト様\n\n次の展示会のために、アポロを五十個注文したいです。見積もりをお願いいたします。",
        )],
    },
    Talk {
        about: "Lenses, batch 9: shipped",
        begins: Minutes(2_680),
        place: Place::Inbox,
        cc: &[&PRIYA],
        flagged: false,
        turns: &[
            shows(
                &LI,
                "您好！ Batch 9 has left today, 1,200 pieces, resin on every label as promised. 祝好",
                &[Csv("packing-list.csv", 40)],
            ),
            says(&MARA, "谢谢! That is the nicest mail of the week."),
        ],
    },
    Talk {
        about: "Window display",
        begins: Minutes(1_490),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            says(
                &HELEN,
                "We would like to fill our whole window with Apollos, switched on, for two weeks. How many may we borrow?",
            ),
            says(&MARA, "As many as the window holds. Send me its width and I will count."),
            says(&HELEN, "Three metres and ten. The neighbours have been warned."),
        ],
    },
    Talk {
        about: "Kettle",
        begins: Minutes(410),
        place: Place::Inbox,
        cc: &[&PRIYA, &TOMAS, &EDITH],
        flagged: false,
        turns: &[
            says(
                &JONAS,
                "The kettle has died. I have looked inside. There will be no tea until somebody buys a new one, and no more heat sinks from me until there is tea.",
            ),
            says(&PRIYA, "Bought one. It whistles."),
        ],
    },
    Talk {
        about: "Ride tonight?",
        begins: Minutes(96),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[says(&NOOR, "The rain stops at six, says the radio. Bridge at half past?")],
    },
    Talk {
        about: "Draft of the new catalogue",
        begins: Minutes(38),
        place: Place::Inbox,
        cc: &[],
        flagged: true,
        turns: &[shows(
            &EDITH,
            "Sixteen pages, and Apollo on the cover. Please tell me by tomorrow noon what has to change; the printer is waiting.",
            &[Pdf("Catalogue draft.pdf", &["Lanternworks", "Catalogue", "Apollo - sees you home"])],
        )],
    },
    Talk {
        about: "You left your lamp on 💡",
        begins: Minutes(5),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[says(
            &PRIYA,
            "The one on your desk. I can see it from the bridge, so at least we know how far it shines.",
        )],
    },
];
