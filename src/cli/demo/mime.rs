//! Puts a mail together: header fields, parts, attachments (RFC 5322, RFC 2045).
//!
//! Only what the sample mailbox needs, and always well formed. See [`super::encode`] for encodings.

use chrono::{DateTime, FixedOffset, Utc};

use super::encode::{self, Charset};
use super::people::Person;

/// A part of a mail, its header fields ready to write.
pub(super) struct Entity {
    fields: String,
    body: Vec<u8>,
}

impl Entity {
    /// Plain text in UTF-8, or in ASCII when it is that.
    pub(super) fn text(text: &str) -> Self {
        Self::text_in("plain", text, encode::UTF_8)
    }

    /// A page in UTF-8, or in ASCII when it is that.
    pub(super) fn html(html: &str) -> Self {
        Self::text_in("html", html, encode::UTF_8)
    }

    /// Text of a kind in a character set; in the transfer encoding that suits it.
    pub(super) fn text_in(subtype: &str, text: &str, charset: Charset) -> Self {
        let octets = charset.encoding.encode(text).0;
        let many_letters_beyond = octets.iter().filter(|octet| !octet.is_ascii()).count() * 4 > octets.len();
        if octets.is_ascii() {
            let label = if text.is_ascii() { "us-ascii" } else { charset.label };
            let kind = format!("text/{subtype}; charset={label}");
            Self { fields: encode::field("Content-Type", &kind), body: octets.into_owned() }
        } else if many_letters_beyond {
            Self::encoded(&format!("text/{subtype}; charset={}", charset.label), &octets)
        } else {
            let fields = encode::field("Content-Type", &format!("text/{subtype}; charset={}", charset.label))
                + &encode::field("Content-Transfer-Encoding", "quoted-printable");
            Self { fields, body: encode::quoted_printable(&octets).into_bytes() }
        }
    }

    /// Anything, in base64.
    pub(super) fn encoded(media_type: &str, octets: &[u8]) -> Self {
        let fields = encode::field("Content-Type", media_type) + &encode::field("Content-Transfer-Encoding", "base64");
        Self { fields, body: encode::base64_lines(octets) }
    }

    /// An attached file.
    pub(super) fn file(name: &str, media_type: &str, octets: &[u8]) -> Self {
        let mut entity = Self::encoded(media_type, octets);
        let disposition = format!("attachment; {}", encode::file_name("filename", name));
        entity.fields += &encode::field("Content-Disposition", &disposition);
        entity
    }

    /// A picture that a page shows by its Content-ID.
    pub(super) fn inline(name: &str, media_type: &str, content_id: &str, octets: &[u8]) -> Self {
        let mut entity = Self::encoded(media_type, octets);
        let disposition = format!("inline; {}", encode::file_name("filename", name));
        entity.fields += &encode::field("Content-Disposition", &disposition);
        entity.fields += &encode::field("Content-ID", &format!("<{content_id}>"));
        entity
    }

    /// A body that is written as it is.
    pub(super) fn plain_body(media_type: &str, body: Vec<u8>) -> Self {
        Self { fields: encode::field("Content-Type", media_type), body }
    }

    /// Several parts as one; the boundary is made from `seed`, which no part may contain.
    pub(super) fn multipart(subtype: &str, seed: &str, parts: Vec<Entity>) -> Self {
        let boundary = format!("=_{}_{seed}", subtype.get(..3).unwrap_or("mix"));
        let kind = subtype.split(';').next().unwrap_or(subtype);
        let parameters = subtype.strip_prefix(kind).unwrap_or_default();
        let fields = encode::field("Content-Type", &format!("multipart/{kind}; boundary=\"{boundary}\"{parameters}"));
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(format!("--{boundary}\n{}\n", part.fields).as_bytes());
            body.extend_from_slice(&part.body);
            if !part.body.ends_with(b"\n") {
                body.push(b'\n');
            }
        }
        body.extend_from_slice(format!("--{boundary}--\n").as_bytes());
        Self { fields, body }
    }
}

/// A mail before it is written.
pub(super) struct Letter<'a> {
    pub(super) from: &'a Person,
    pub(super) to: Vec<&'a Person>,
    pub(super) cc: Vec<&'a Person>,
    pub(super) subject: String,
    pub(super) sent: DateTime<Utc>,
    /// Its Message-ID, without angle brackets.
    pub(super) id: String,
    /// What it answers, the beginning of the thread first.
    pub(super) ancestors: Vec<String>,
    /// More header fields, ready to write.
    pub(super) more: String,
    pub(super) content: Entity,
}

impl Letter<'_> {
    /// The mail as a file has it on Unix.
    pub(super) fn write(&self) -> Vec<u8> {
        let zone = FixedOffset::east_opt(self.from.zone * 60);
        let date = match zone {
            Some(zone) => self.sent.with_timezone(&zone).format("%a, %d %b %Y %H:%M:%S %z").to_string(),
            None => self.sent.to_rfc2822(),
        };
        let mut mail = encode::field("Return-Path", &format!("<{}>", self.from.address));
        mail += &encode::field("Date", &date);
        mail += &encode::field("From", &addresses(&[self.from]));
        mail += &encode::field("To", &addresses(&self.to));
        if !self.cc.is_empty() {
            mail += &encode::field("Cc", &addresses(&self.cc));
        }
        mail += &encode::field("Subject", &encode::words(&self.subject, self.from.charset));
        mail += &encode::field("Message-ID", &format!("<{}>", self.id));
        if let Some(parent) = self.ancestors.last() {
            mail += &encode::field("In-Reply-To", &format!("<{parent}>"));
            let chain: Vec<_> = self.ancestors.iter().map(|id| format!("<{id}>")).collect();
            mail += &encode::field("References", &chain.join(" "));
        }
        mail += &self.more;
        mail += "MIME-Version: 1.0\n";
        mail += &self.content.fields;
        mail.push('\n');
        let mut mail = mail.into_bytes();
        mail.extend_from_slice(&self.content.body);
        mail
    }
}

/// A list of addresses; names are quoted or encoded as they need it.
pub(super) fn addresses(people: &[&Person]) -> String {
    let addresses = people.iter().map(|person| {
        let special = |letter: char| letter.is_ascii() && !letter.is_ascii_alphanumeric() && letter != ' ';
        let name = if person.name.is_ascii() && person.name.contains(special) {
            format!("\"{}\"", person.name.replace('"', "\\\""))
        } else {
            encode::words(person.name, person.charset)
        };
        format!("{name} <{}>", person.address)
    });
    addresses.collect::<Vec<_>>().join(", ")
}

/// Text in lines of at most 72 columns, as people's programs wrap it.
pub(super) fn wrapped(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len() + 16);
    for line in text.lines() {
        let mut column = 0;
        for word in line.split(' ') {
            let width = word.chars().count();
            if column > 0 && column + 1 + width > 72 {
                wrapped.push('\n');
                column = 0;
            } else if column > 0 {
                wrapped.push(' ');
                column += 1;
            }
            wrapped.push_str(word);
            column += width;
        }
        wrapped.push('\n');
    }
    wrapped
}
