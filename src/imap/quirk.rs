//! What servers do otherwise than they say, as data: a family is recognised, and its facts hold.
//!
//! Pure. A fact is here only when something obeys it, with the reason why it is believed.

use std::fmt;

use super::capability::Capabilities;

/// What is known of servers of one make.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// By what it is recognised, any of them.
    pub signs: &'static [Sign],
    /// What it does otherwise, each with the reason why that is believed.
    pub facts: &'static [(Fact, &'static str)],
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fact::EstimatedSizes => f.write_str("sizes are not asked for"),
            Fact::TrueStructures => f.write_str("structures are believed without a look at the size"),
            Fact::FindsWords => f.write_str("text is not asked for, whatever text_pushdown says"),
            Fact::Connections(number) => write!(f, "{number} connections at most"),
            Fact::KeepsSent => f.write_str("no copy of sent mail is filed"),
            Fact::Ignored(name) => write!(f, "{name} is not used"),
            Fact::Lifts(_) => f.write_str("when it lets one in again is told"),
            Fact::Lost(words) => write!(f, "\"{words}\" means that the session is lost"),
        }
    }
}

/// By what a family is recognised.
#[derive(Debug, PartialEq, Eq)]
pub enum Sign {
    /// A word of the greeting, in lower case.
    Greeting(&'static str),
    /// The beginning of a capability, in upper case.
    Capability(&'static str),
    /// A word of what it calls itself (RFC 2971), in lower case.
    Id(&'static str),
}

/// Something that a server does otherwise than it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// Sizes are estimates, so LARGER and SMALLER may leave messages out.
    EstimatedSizes,
    /// What it tells of the structure of a message is made from the message.
    TrueStructures,
    /// Text is found as words, not wherever it stands, whatever the user hopes.
    FindsWords,
    /// More connections than this are refused, or will be.
    Connections(usize),
    /// A copy of what is sent through the server that belongs to it is among the mail already.
    KeepsSent,
    /// A capability that is better not used.
    Ignored(&'static str),
    /// When it lets somebody in again who asked for too much, for a person.
    Lifts(&'static str),
    /// Words with which it refuses a command although nothing is wrong with that: the session is good for nothing.
    Lost(&'static str),
}

impl Family {
    /// All that are known.
    pub fn all() -> &'static [Family] {
        &FAMILIES
    }

    /// The family that a server belongs to.
    pub fn of(greeting: &str, id: &str, capabilities: &Capabilities) -> &'static Family {
        let (greeting, id, able) = (greeting.to_lowercase(), id.to_lowercase(), capabilities.to_string());
        let shows = |sign: &Sign| match sign {
            Sign::Greeting(word) => greeting.contains(word),
            Sign::Capability(start) => able.split(' ').any(|capability| capability.starts_with(start)),
            Sign::Id(word) => id.contains(word),
        };
        FAMILIES.iter().find(|family| family.signs.iter().any(shows)).unwrap_or(&UNKNOWN)
    }

    /// Whether LARGER and SMALLER find every message that is.
    pub fn has_exact_sizes(&self) -> bool {
        !self.facts.iter().any(|(fact, _)| *fact == Fact::EstimatedSizes)
    }

    /// Whether the size of a message must be compared with its structure: some servers make one up.
    pub fn needs_checked_structures(&self) -> bool {
        self.has_exact_sizes() && !self.facts.iter().any(|(fact, _)| *fact == Fact::TrueStructures)
    }

    /// Whether a search for text can be trusted to find it wherever it stands.
    pub fn finds_substrings(&self) -> bool {
        !self.facts.iter().any(|(fact, _)| *fact == Fact::FindsWords)
    }

    /// Whether it keeps a copy of what is sent by itself, so that another would be one too many.
    pub fn keeps_sent(&self) -> bool {
        self.facts.iter().any(|(fact, _)| *fact == Fact::KeepsSent)
    }

    /// How many connections are safe.
    pub fn connections(&self) -> usize {
        let told = self.facts.iter().find_map(|(fact, _)| {
            let Fact::Connections(number) = fact else { return None };
            Some(*number)
        });
        told.unwrap_or(USUAL_CONNECTIONS)
    }

    /// When it lets somebody in again who asked for too much, where that is known.
    pub fn lifts(&self) -> Option<&'static str> {
        self.facts.iter().find_map(|(fact, _)| {
            let Fact::Lifts(when) = fact else { return None };
            Some(*when)
        })
    }

    /// Whether a refusal in these words says nothing of the command, but that the session is lost.
    pub fn is_lost(&self, refusal: &str) -> bool {
        let refusal = refusal.to_lowercase();
        self.facts.iter().any(|(fact, _)| matches!(fact, Fact::Lost(words) if refusal.contains(words)))
    }

    /// The capabilities that may be used.
    pub fn usable(&self, capabilities: Capabilities) -> Capabilities {
        let ignored = self.facts.iter().filter_map(|(fact, _)| {
            let Fact::Ignored(name) = fact else { return None };
            Some(*name)
        });
        capabilities.without(&ignored.collect::<Vec<_>>())
    }
}

/// What is safe with a server of which nothing is known.
const USUAL_CONNECTIONS: usize = 8;

const UNKNOWN: Family = Family { name: "unknown", signs: &[], facts: &[] };

/// The more particular first: some are built on others.
static FAMILIES: [Family; 14] = [
    Family {
        name: "gmail",
        signs: &[Sign::Capability("X-GM-EXT-1"), Sign::Greeting("gimap")],
        facts: &[
            (Fact::Connections(10), "15 for an account are widely reported, and a mail program has some of them"),
            (Fact::FindsWords, "its documentation lists substring search as what it does not do"),
            (
                Fact::Lifts(
                    "gmail lets 2,500 MB be read in a day, and lets you in again within 24 hours; what counts as much is SET mailql.max_download_mb",
                ),
                "the limits are in the documentation for administrators of Google Workspace",
            ),
            (
                Fact::KeepsSent,
                "what goes through its SMTP server is in Sent Mail at once; mail programs are told to keep none",
            ),
        ],
    },
    Family {
        name: "exchange",
        signs: &[Sign::Greeting("microsoft exchange"), Sign::Greeting("outlook.com")],
        facts: &[
            (
                Fact::EstimatedSizes,
                "RFC822.SIZE is estimated unless EnableExactRFC822Size is set, says its documentation",
            ),
            (Fact::Ignored("SEARCHRES"), "no documentation promises it, and an empty $ looks like an empty folder"),
            (
                Fact::Lost("authenticated but not connected"),
                "it says so to the first command after a sign-in whose mailbox is not there yet; another session works",
            ),
            (
                Fact::KeepsSent,
                "what a user hands in by SMTP is saved to Sent Items, and a copy beside it is a second one",
            ),
        ],
    },
    Family {
        name: "yahoo",
        signs: &[Sign::Capability("MESSAGELIMIT="), Sign::Greeting("yahoo"), Sign::Id("yahoo")],
        facts: &[
            (Fact::Connections(5), "more are throttled, users report"),
            (Fact::Ignored("SEARCHRES"), "a search answers for 1,000 messages at most (RFC 9738), and $ with it"),
        ],
    },
    Family {
        name: "icloud",
        signs: &[Sign::Capability("XAPPLEPUSHSERVICE"), Sign::Id("icloud"), Sign::Greeting("icloud")],
        facts: &[(
            Fact::Ignored("SEARCHRES"),
            "a search that finds nothing answers with nothing; $ was never seen tried",
        )],
    },
    Family { name: "fastmail", signs: &[Sign::Id("fastmail"), Sign::Greeting("fastmail")], facts: &[] },
    Family {
        name: "dovecot",
        signs: &[Sign::Greeting("dovecot"), Sign::Id("dovecot")],
        facts: &[
            (Fact::Connections(8), "mail_max_userip_connections is 10 unless somebody changed it"),
            (Fact::TrueStructures, "the mail of the tests has the same structure on it and in files"),
        ],
    },
    Family {
        name: "cyrus",
        // With `serverinfo: off` it says its name to nobody who has not signed in.
        signs: &[Sign::Greeting("cyrus"), Sign::Id("cyrus"), Sign::Capability("X-REPLICATION")],
        facts: &[(Fact::TrueStructures, "the mail of the tests has the same structure on it and in files")],
    },
    Family {
        name: "courier",
        signs: &[Sign::Greeting("courier"), Sign::Id("courier")],
        facts: &[(Fact::Connections(4), "MAXPERIP is 4 unless somebody changed it")],
    },
    Family { name: "stalwart", signs: &[Sign::Greeting("stalwart"), Sign::Id("stalwart")], facts: &[] },
    Family { name: "zoho", signs: &[Sign::Greeting("zoho"), Sign::Id("zoho")], facts: &[] },
    Family {
        name: "coremail",
        signs: &[Sign::Greeting("coremail"), Sign::Id("coremail")],
        facts: &[(Fact::Ignored("SASL-IR"), "it offers an initial response and refuses it (126.com, 163.com)")],
    },
    Family { name: "yandex", signs: &[Sign::Greeting("yandex"), Sign::Id("yandex")], facts: &[] },
    Family { name: "proton bridge", signs: &[Sign::Greeting("proton"), Sign::Id("proton")], facts: &[] },
    Family {
        name: "domino",
        signs: &[Sign::Greeting("domino"), Sign::Id("domino")],
        facts: &[(Fact::EstimatedSizes, "mail is kept in another form, and its size is reckoned")],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_shows_in_greeting_capabilities_or_name() {
        let family = |greeting, id, able: &str| Family::of(greeting, id, &Capabilities::of(able.split(' '))).name;
        assert_eq!(family("Dovecot (Debian) ready.", "", "IMAP4rev1"), "dovecot");
        assert_eq!(family("The Microsoft Exchange IMAP4 service is ready.", "", "IMAP4"), "exchange");
        assert_eq!(family("ready", "", "IMAP4rev1 X-GM-EXT-1"), "gmail");
        assert_eq!(family("ready", "", "IMAP4rev1 MESSAGELIMIT=1000"), "yahoo");
        assert_eq!(family("ready", "name Cyrus IMAPD", "IMAP4rev1"), "cyrus");
        assert_eq!(family("ready", "", "IMAP4rev1 SORT=UID X-REPLICATION"), "cyrus");
        assert_eq!(family("ready", "", "IMAP4rev1"), "unknown");
    }

    #[test]
    fn facts_are_obeyed() {
        let exchange = Family::of("The Microsoft Exchange IMAP4 service is ready.", "", &Capabilities::default());
        assert!(!exchange.has_exact_sizes() && UNKNOWN.has_exact_sizes());
        let gmail = Family::of("Gimap ready", "", &Capabilities::default());
        assert!(exchange.keeps_sent() && gmail.keeps_sent() && !UNKNOWN.keeps_sent());
        let usable = exchange.usable(Capabilities::of(["SEARCHRES", "ESEARCH"]));
        assert!(usable.has("ESEARCH") && !usable.has("SEARCHRES"));
        assert_eq!((exchange.connections(), Family::of("Courier", "", &usable).connections()), (8, 4));
    }
}
