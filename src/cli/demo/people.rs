//! The cast: who writes and is written to in the sample mailbox.
//!
//! Nobody here exists; all domains are reserved for examples (RFC 2606).

use encoding_rs::{GB18030, ISO_2022_JP, KOI8_R, WINDOWS_1252};

use super::encode::{Charset, UTF_8};

/// Somebody with an address.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) address: &'static str,
    /// Minutes east of Greenwich.
    pub(super) zone: i32,
    /// The character set that their program prefers.
    pub(super) charset: Charset,
}

impl Person {
    const fn new(name: &'static str, address: &'static str, zone: i32) -> Self {
        Self { name, address, zone, charset: UTF_8 }
    }

    /// What they sign with.
    pub(super) fn first_name(&self) -> &'static str {
        let name = self.name.split_once(", ").map_or(self.name, |(_, first)| first);
        name.split(' ').next().unwrap_or(name)
    }

    /// The part of the address behind the `@`.
    pub(super) fn domain(&self) -> &'static str {
        self.address.rsplit('@').next().unwrap_or(self.address)
    }
}

const LATIN: Charset = Charset { label: "iso-8859-1", encoding: WINDOWS_1252 };
const RUSSIAN: Charset = Charset { label: "koi8-r", encoding: KOI8_R };
const JAPANESE: Charset = Charset { label: "iso-2022-jp", encoding: ISO_2022_JP };
const CHINESE: Charset = Charset { label: "gb18030", encoding: GB18030 };

/// Whose mailbox it is: she runs the workshop.
pub(super) const MARA: Person = Person::new("Mara Lindqvist", "mara@lanternworks.example", 60);

// The workshop.
pub(super) const PRIYA: Person = Person::new("Priya Nair", "priya@lanternworks.example", 60);
pub(super) const JONAS: Person = Person::new("Jonas Weber", "jonas@lanternworks.example", 60);
pub(super) const TOMAS: Person = Person::new("Tomás Ortega", "tomas@lanternworks.example", 60);
pub(super) const EDITH: Person = Person::new("Edith Park", "edith@lanternworks.example", 0);

// Who sells the lamps.
pub(super) const HELEN: Person = Person::new("Helen Ashworth", "helen@harbourcycles.example", 0);
pub(super) const JURGEN: Person =
    Person { name: "Jürgen Groß", address: "j.gross@radhaus-koeln.example", zone: 60, charset: LATIN };
pub(super) const MARCO: Person = Person::new("Marco Bellini", "marco@bellini-bici.example", 60);
pub(super) const CHEN: Person = Person::new("Chen, David", "david.chen@citylights.example", 480);
pub(super) const SATO: Person =
    Person { name: "佐藤 健", address: "sato@nishi-cycle.example", zone: 540, charset: JAPANESE };
pub(super) const YUKI: Person = Person::new("Yuki Tanaka", "yuki@nishi-cycle.example", 540);
pub(super) const OLGA: Person =
    Person { name: "Ольга Миронова", address: "olga@severvelo.example", zone: 180, charset: RUSSIAN };
pub(super) const AMINA: Person = Person::new("Amina Diallo", "amina@deuxroues.example", 60);

// Who the workshop buys from.
pub(super) const LI: Person =
    Person { name: "李娜", address: "li.na@brightlens.example", zone: 480, charset: CHINESE };
pub(super) const RAVI: Person = Person::new("Ravi Menon", "ravi@copperfold.example", 330);
pub(super) const SOFIE: Person = Person::new("Sofie Dahl", "sofie@ledgerpine.example", 60);
pub(super) const PELLE: Person = Person::new("Pelle Strand", "pelle@oldtannery.example", 60);
pub(super) const GRACE: Person = Person::new("Grace O'Neil", "grace@fieldtest.example.org", -300);

// Family and friends.
pub(super) const ANDERS: Person = Person::new("Anders Lindqvist", "anders@example.net", 60);
pub(super) const BERIT: Person = Person::new("Aunt Berit", "berit@example.org", 60);
pub(super) const NOOR: Person = Person::new("Noor Haddad", "noor@example.com", 120);
pub(super) const SAM: Person = Person::new("Sam 🚲 Whitaker", "sam.whitaker@example.com", 0);

// Those that nobody answers.
pub(super) const COURIER: Person = Person::new("Swiftleg Couriers", "no-reply@swiftleg.example", 0);
pub(super) const BANK: Person = Person::new("Tidewater Bank", "notices@tidewaterbank.example", 0);
pub(super) const HOSTING: Person = Person::new("Pinehost Billing", "billing@pinehost.example", 0);
pub(super) const PHONE: Person = Person::new("Larkphone", "invoices@larkphone.example", 60);
pub(super) const TRAINS: Person = Person::new("Northline Rail", "tickets@northline.example", 60);
pub(super) const DAEMON: Person = Person::new("Mail Delivery System", "mailer-daemon@lanternworks.example", 60);
