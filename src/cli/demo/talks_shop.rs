//! What shops, suppliers and neighbours write.
//!
//! Words only; [`super::talk`] says how they are posted.

use super::attachments::Enclosure::{Csv, Inline, Pdf, Png};
use super::people::{AMINA, CHEN, EDITH, HELEN, JONAS, JURGEN, MARA, MARCO, OLGA, PELLE, PRIYA, SATO, SOFIE, YUKI};
use super::talk::Begins::Days;
use super::talk::{Place, Talk, says, shows};

pub(super) const TALKS: &[Talk] = &[
    Talk {
        about: "Sechzig Rücklichter",
        begins: Days(388),
        place: Place::Cologne,
        cc: &[],
        flagged: false,
        turns: &[
            says(
                &JURGEN,
                "Liebe Mara,\n\nbald fährt in Köln wieder alles Rad. Können wir bis Ende des Monats 60 Rücklichter bekommen?\n\nViele Grüße",
            ),
            says(&MARA, "Lieber Jürgen,\n\nsechzig sind schon im Karton. Du bekommst sie nächste Woche."),
            says(&JURGEN, "Großartig, danke! Der Kaffee geht auf mich, wenn du das nächste Mal hier bist."),
        ],
    },
    Talk {
        about: "Invoice 2214: one lamp too many",
        begins: Days(341),
        place: Place::Inbox,
        cc: &[&SOFIE],
        flagged: false,
        turns: &[
            says(
                &HELEN,
                "Morning Mara,\n\ninvoice 2214 says 41 lamps, the box says 40, and I counted twice. Which of us is right?",
            ),
            says(&MARA, "The box is. Sofie sends you a corrected invoice today. Sorry for the bother!"),
            shows(
                &SOFIE,
                "Here is the corrected invoice, Helen.",
                &[Pdf(
                    "Invoice 2214 corrected.pdf",
                    &["Lanternworks - invoice 2214 (corrected)", "40 lamps at 31.50", "Total 1,260.00"],
                )],
            ),
            says(&HELEN, "Perfect, paid this minute."),
        ],
    },
    Talk {
        about: "Fiera di Bologna: share a stand?",
        begins: Days(327),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            says(
                &MARCO,
                "Ciao Mara,\n\na stand at the fair costs 4,200 for three days. If you take the left half, you get the wall with the electricity – I need none for saddles.",
            ),
            says(&MARA, "Ciao Marco, a deal that only a saddle maker can offer. I am in. What do I sign?"),
            shows(
                &MARCO,
                "Only this page. The drawing of the stand is attached too, you can see the sockets.",
                &[
                    Pdf("Stand 14B.pdf", &["Stand 14B", "Left: Lanternworks", "Right: Bellini", "Three days, 4,200"]),
                    Png("stand.png", 240),
                ],
            ),
            says(&MARA, "Signed, and posted to you. See you in Bologna!"),
        ],
    },
    Talk {
        about: "前照灯の注文について",
        begins: Days(283),
        place: Place::Japan,
        cc: &[&YUKI],
        flagged: false,
        turns: &[
            says(
                &SATO,
                "リンドクヴィスト様\n\nいつもお世話になっております。新しい自転車のために、前照灯を百二十個お願いしたいと思います。納期を教えてください。\n\nよろしくお願いいたします。",
            ),
            says(
                &MARA,
                "Dear Mr Sato,\n\nthank you very much for the order of 120 front lamps. We can ship on the first of next month.\n\n(Yuki, would you kindly translate if needed?)",
            ),
            says(
                &YUKI,
                "Dear Mara,\n\nno need, Mr Sato reads English very well, he is only shy to write it. The first is fine for us.",
            ),
            says(&SATO, "ありがとうございます。楽しみにしています。"),
        ],
    },
    Talk {
        about: "Фонари для зимы",
        begins: Days(262),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            says(
                &OLGA,
                "Здравствуйте, Мара!\n\nУ нас уже темнеет в четыре часа. Есть ли у вас фонари, которые работают при минус тридцати?\n\nС уважением",
            ),
            says(
                &MARA,
                "Dear Olga,\n\nour classic lamp works down to minus 25. Below that the battery wants to sleep; a wool sock over it helps, and I am not joking.",
            ),
            says(&OLGA, "Спасибо! Носок мы уже проверили, работает. Возьмём тридцать штук."),
        ],
    },
    Talk {
        about: "Rent from next year",
        begins: Days(231),
        place: Place::Inbox,
        cc: &[],
        flagged: true,
        turns: &[
            says(
                &PELLE,
                "Dear tenants of the Old Tannery,\n\nthe rent goes up by two per cent next year. In return the roof over your workshop will be dry.",
            ),
            says(&MARA, "Dear Pelle, for a dry roof I would have paid three. Please do not tell anybody."),
            says(&PELLE, "Your secret is safe, and the roofers come on Monday at seven. They are loud."),
        ],
    },
    Talk {
        about: "Books of the quarter",
        begins: Days(187),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            says(
                &SOFIE,
                "Hello Mara,\n\nfor the last quarter I still miss four receipts: the courier of the tenth, two trains, and something that you noted as \"springs, nice man\".",
            ),
            shows(
                &MARA,
                "Courier and trains are attached. The nice man gave me no receipt, only the springs.",
                &[
                    Pdf("courier-receipt.pdf", &["Swiftleg Couriers", "Seven parcels", "Total 84.20"]),
                    Csv("trains.csv", 12),
                ],
            ),
            says(&SOFIE, "Then he stays a gift. The quarter is closed, well done."),
        ],
    },
    Talk {
        about: "Distribution in the east: a proposal",
        begins: Days(149),
        place: Place::Inbox,
        cc: &[&EDITH],
        flagged: false,
        turns: &[
            shows(
                &CHEN,
                "Dear Mara,\n\nCity Lights has forty-one shops in six cities. Our proposal and the map are attached. The numbers are careful; the map is not.",
                &[
                    Pdf(
                        "Proposal City Lights.pdf",
                        &["City Lights and Lanternworks", "Forty-one shops, six cities", "First year: 2,400 lamps"],
                    ),
                    Png("map-of-shops.png", 420),
                ],
            ),
            says(
                &MARA,
                "Dear David,\n\nthis is more than we can build in a year with five people. Could we begin with one city?",
            ),
            says(&CHEN, "One city is a good beginning. Let it be the one with the most rain."),
            says(&MARA, "Agreed, and thank you for your patience with a small workshop."),
            says(&CHEN, "Small workshops answer their mail. I will send the contract after the holidays."),
        ],
    },
    Talk {
        about: "Lampes pour la fête du vélo",
        begins: Days(118),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[
            says(
                &AMINA,
                "Chère Mara,\n\nla fête du vélo commence dans six semaines. Est-ce que tu peux nous prêter vingt lampes pour la parade de nuit ? Elles reviendront, promis. 🚲✨",
            ),
            says(&MARA, "Chère Amina,\n\nbien sûr. Vingt lampes et une boîte de piles. Send a picture of the parade!"),
            shows(
                &AMINA,
                "Voilà la parade ! Nineteen lamps came back; one is on a goat, long story.",
                &[Inline("défilé de nuit.png", 340)],
            ),
        ],
    },
    Talk {
        about: "Ersatzteile und eine Frage",
        begins: Days(74),
        place: Place::Cologne,
        cc: &[],
        flagged: true,
        turns: &[
            shows(
                &JURGEN,
                "Liebe Mara,\n\nanbei die Liste der Ersatzteile. Und eine Frage: Gibt es die Lampe auch in Grün? Eine Kundin möchte sie passend zum Rahmen.",
                &[Csv("Stückliste Köln.csv", 60)],
            ),
            says(
                &MARA,
                "Lieber Jürgen,\n\nTeile: ja, alle. Grün: noch nicht, aber Tomás hat schon Farbe an den Fingern.",
            ),
            says(&JURGEN, "Dann warten wir gern. Schöne Grüße an den Maler!"),
        ],
    },
    Talk {
        about: "見本市の写真",
        begins: Days(52),
        place: Place::Japan,
        cc: &[],
        flagged: false,
        turns: &[
            shows(
                &YUKI,
                "Dear Mara,\n\nhere is a picture from the fair in Osaka: your lamp, on the table of honour, between two very old bells.",
                &[Png("見本市.png", 310)],
            ),
            says(&MARA, "Dear Yuki, it looks as if it had always stood there. Thank you!"),
            says(&YUKI, "The bells asked after the price. We sold six that afternoon."),
        ],
    },
    Talk {
        about: "Returned lamp, serial AP-0113",
        begins: Days(38),
        place: Place::Inbox,
        cc: &[&PRIYA],
        flagged: false,
        turns: &[
            says(
                &HELEN,
                "A customer brought AP-0113 back. It works, but only when it hangs upside down. We tried, it is true.",
            ),
            says(&MARA, "What a character. Please send it to Priya, she collects those. A new one leaves today."),
            says(&PRIYA, "A loose contact, as expected. I have fixed it, and I miss it a little."),
        ],
    },
    Talk {
        about: "Contract with City Lights",
        begins: Days(31),
        place: Place::Inbox,
        cc: &[&SOFIE],
        flagged: true,
        turns: &[shows(
            &CHEN,
            "Dear Mara,\n\nthe contract, as promised after the holidays. Please look at page 3, it is about the rain.",
            &[Pdf(
                "Contract City Lights.pdf",
                &["Contract", "1. One city", "2. 400 lamps", "3. In case of rain: more"],
            )],
        )],
    },
    Talk {
        about: "Could you quote 80 dynamo lamps?",
        begins: Days(19),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[says(
            &AMINA,
            "Chère Mara,\n\nla mairie veut équiper ses vélos : quatre-vingts lampes à dynamo. Could you send a quote before the end of the month?",
        )],
    },
    Talk {
        about: "Which glue for the rims?",
        begins: Days(15),
        place: Place::Inbox,
        cc: &[],
        flagged: false,
        turns: &[says(
            &MARCO,
            "Ciao Mara, you glue metal on rubber all day. Which glue? Mine smells of fish and lets go when it is hot.",
        )],
    },
    Talk {
        about: "Old lathe: is it for sale?",
        begins: Days(10),
        place: Place::Inbox,
        cc: &[&JONAS],
        flagged: true,
        turns: &[says(
            &PELLE,
            "Jonas says that the old lathe may have to go. The museum next door would take it, with a brass plate that has your name on it.",
        )],
    },
];
