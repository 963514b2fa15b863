//! One mail: header fields as servers and lists leave them, text of any length, now and then a file.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, FixedOffset};

use super::Kind;
use super::words::{self, PEOPLE, SITES, SUBJECTS, WORDS};
use crate::dice::Dice;

/// A mail as a file has it on Unix, and what is known of it.
pub struct Letter {
    pub text: String,
    /// As a Maildir names them.
    pub flags: String,
    /// In seconds since 1970; ascends within a folder.
    pub received: u64,
    /// What its Date header says, in seconds since 1970.
    pub sent: u64,
    pub fields: usize,
    pub is_invoice: bool,
    pub attachments: usize,
    /// The numbers of the parts that are PDFs.
    pub pdfs: Vec<usize>,
}

impl Letter {
    /// The mail of a number in a folder.
    pub fn new(kind: Kind, folder: u64, number: u32) -> Self {
        let mut dice = Dice::new((folder << 40) + (u64::from(number) << 4) + kind as u64);
        let received = FIRST + u64::from(number) * 217 + u64::from(dice.below(200));
        let mut letter = Self {
            text: String::new(),
            flags: flags(&mut dice),
            received,
            // Clocks are slow, and mails are late now and then.
            sent: received - u64::from(if dice.once_in(50) { dice.below(200_000) } else { dice.below(90) }),
            fields: 0,
            is_invoice: dice.once_in(100),
            attachments: 0,
            pdfs: Vec::new(),
        };
        letter.header(kind, folder, number, &mut dice);
        letter.content(kind, &mut dice);
        letter
    }

    /// How large it is on the wire.
    pub fn octets(&self) -> u64 {
        (self.text.len() + memchr::memchr_iter(b'\n', self.text.as_bytes()).count()) as u64
    }

    fn field(&mut self, name: &str, value: &str) {
        writeln!(self.text, "{name}: {value}").unwrap();
        self.fields += 1;
    }

    fn header(&mut self, kind: Kind, folder: u64, number: u32, dice: &mut Dice) {
        let site = *dice.pick(&SITES);
        let (name, local) = *dice.pick(&PEOPLE);
        let zone = i32::try_from(dice.below(24)).unwrap() - 11;
        let date = date(self.sent, zone);
        let arrival = date_of_arrival(self.received);
        let is_list = kind != Kind::Tiny && dice.once_in(3);
        if kind != Kind::Tiny {
            self.field("Return-Path", &format!("<bounce-{number}@{site}>"));
            self.field("Delivered-To", "me@example.com");
            for hop in 0..2 + dice.below(4) {
                let (queue, host) = (words::hexadecimal(dice, 12), *dice.pick(&SITES));
                let address = format!("10.{}.{}.{}", hop, dice.below(256), dice.below(256));
                self.field("Received", &format!(
                    "from out{hop}.{host} (out{hop}.{host} [{address}])\n\tby mx{hop}.example.com (Postfix) with ESMTPS id {queue}\n\tfor <me@example.com>; {arrival}"
                ));
            }
            if !dice.once_in(4) {
                let (hash, signature) = (words::base64_text(dice, 43), words::folded(&words::base64_text(dice, 342)));
                self.field("DKIM-Signature", &format!(
                    "v=1; a=rsa-sha256; c=relaxed/relaxed; d={site};\n\ts=s{}; t={}; h=from:to:subject:date:message-id:mime-version:content-type;\n\tbh={hash}=;\n\tb={signature}==",
                    dice.below(100), self.sent
                ));
                self.field("Authentication-Results", &format!(
                    "mx.example.com;\n\tdkim=pass header.d={site} header.s=s1;\n\tspf=pass (mx.example.com: domain of bounce-{number}@{site} is permitted)\n\tsmtp.mailfrom=bounce-{number}@{site}"
                ));
            }
        }
        self.field("Date", &date);
        let name = words::written(dice, name, false);
        self.field("From", &format!("{name} <{local}@{site}>"));
        self.field("To", "Me <me@example.com>");
        if dice.once_in(5) {
            let others: Vec<String> =
                (0..1 + dice.below(6)).map(|_| format!("{}@{}", dice.pick(&PEOPLE).1, dice.pick(&SITES))).collect();
            self.field("Cc", &others.join(",\n\t"));
        }
        let subject = self.subject(number, dice);
        self.field("Subject", &subject);
        self.field("Message-ID", &format!("<{folder}.{number}.{}@{site}>", words::hexadecimal(dice, 16)));
        if dice.below(10) < 4 {
            let ids: Vec<String> = (0..1 + dice.below(8) * dice.below(4))
                .map(|_| format!("<{}.{}@{}>", dice.below(1_000_000), words::hexadecimal(dice, 12), dice.pick(&SITES)))
                .collect();
            self.field("In-Reply-To", &ids[ids.len() - 1]);
            self.field("References", &ids.join("\n\t"));
        }
        if is_list {
            self.field("List-Id", &format!("News of {site} <news.{site}>"));
            self.field(
                "List-Unsubscribe",
                &format!(
                    "<https://{site}/leave/{}>,\n\t<mailto:leave@{site}?subject=leave>",
                    words::hexadecimal(dice, 32)
                ),
            );
            self.field("Precedence", "bulk");
        }
        if kind != Kind::Tiny && dice.once_in(2) {
            self.field("X-Mailer", "Post 4.2");
            self.field("X-Spam-Status", &format!(
                "No, score=-{}.{} required=5.0 tests=DKIM_SIGNED,DKIM_VALID,\n\tHTML_MESSAGE,SPF_PASS autolearn=ham",
                dice.below(5), dice.below(10)
            ));
        }
    }

    fn subject(&self, number: u32, dice: &mut Dice) -> String {
        let reply = if dice.once_in(3) { "Re: " } else { "" };
        if self.is_invoice {
            return words::written(dice, &format!("{reply}Your invoice {number} für März"), true);
        }
        let more: Vec<&str> = (0..dice.below(6)).map(|_| *dice.pick(&WORDS)).collect();
        let subject = format!("{reply}{} {}", dice.pick(&SUBJECTS), more.join(" "));
        words::written(dice, subject.trim_end(), false)
    }

    fn content(&mut self, kind: Kind, dice: &mut Dice) {
        self.field("MIME-Version", "1.0");
        let (attached, both, length) = match kind {
            Kind::Long => (dice.below(100) < 13, dice.once_in(2), 300 << dice.below(5)),
            Kind::Short => (dice.below(100) < 5, dice.below(10) < 4, 150 << dice.below(5)),
            Kind::Tiny => (false, false, 60 << dice.below(4)),
        };
        let boundary = format!("=_{}", words::hexadecimal(dice, 24));
        let mut body = String::new();
        if attached {
            self.field("Content-Type", &format!("multipart/mixed; boundary=\"{boundary}\""));
            writeln!(body, "\n--{boundary}").unwrap();
            text(&mut body, dice, both, length);
            for part in 2..3 + usize::from(dice.once_in(8)) {
                writeln!(body, "\n--{boundary}").unwrap();
                if attachment(&mut body, dice) {
                    self.pdfs.push(part);
                }
                self.attachments += 1;
            }
            writeln!(body, "\n--{boundary}--").unwrap();
        } else {
            // The fields of the one entity are the last ones of the header.
            text(&mut body, dice, both, length);
            self.fields += body.lines().take_while(|line| !line.is_empty()).count();
        }
        self.text.push_str(&body);
    }
}

/// The newest message has them rarely, as it has been read by nobody; here all are alike.
fn flags(dice: &mut Dice) -> String {
    let odds = [('F', 20), ('R', 5), ('S', 0), ('T', 200)];
    odds.iter()
        .filter(|(flag, odds)| if *flag == 'S' { !dice.once_in(5) } else { dice.once_in(*odds) })
        .map(|(flag, _)| flag)
        .collect()
}

/// Text, alone or with the same as HTML.
fn text(body: &mut String, dice: &mut Dice, both: bool, length: u32) {
    let plain = words::paragraphs(dice, length as usize);
    if !both {
        plain_part(body, &plain, dice);
        return;
    }
    let boundary = format!("=_alt{}", words::hexadecimal(dice, 20));
    writeln!(body, "Content-Type: multipart/alternative; boundary=\"{boundary}\"\n\n--{boundary}").unwrap();
    plain_part(body, &plain, dice);
    writeln!(
        body,
        "\n--{boundary}\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n"
    )
    .unwrap();
    body.push_str("<html><body style=3D\"font-family: sans-serif; color: #222222\">\n");
    for paragraph in plain.split("\n\n") {
        writeln!(body, "<p style=3D\"margin: 0 0 12px 0; line-height: 1.4\">{paragraph}</p>").unwrap();
    }
    writeln!(body, "</body></html>\n--{boundary}--").unwrap();
}

fn plain_part(body: &mut String, plain: &str, dice: &mut Dice) {
    if dice.once_in(5) {
        writeln!(body, "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n").unwrap();
        words::lines(body, &BASE64.encode(plain.replace(" the ", " für ")));
    } else {
        writeln!(body, "Content-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n\n{plain}")
            .unwrap();
    }
}

/// A file; says whether it is a PDF.
fn attachment(body: &mut String, dice: &mut Dice) -> bool {
    let (media_type, ending) = *dice.pick(&[
        ("application/pdf", "pdf"),
        ("application/pdf", "pdf"),
        ("image/png", "png"),
        ("text/plain", "txt"),
        ("application/zip", "zip"),
    ]);
    let name = format!("{}-{}.{ending}", dice.pick(&WORDS), dice.below(10_000));
    writeln!(
        body,
        "Content-Type: {media_type}; name=\"{name}\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"{name}\"\n"
    )
    .unwrap();
    let size = if dice.once_in(100) { 256 << 10 } else { (4 << 10) << dice.below(4) };
    let size = size - dice.below(size / 2);
    let mut content = if ending == "pdf" { b"%PDF-1.7\n".to_vec() } else { Vec::new() };
    while content.len() < size as usize {
        let octets = dice.next().to_le_bytes();
        // A text has no octets that are none.
        content.extend(if ending == "txt" { octets.map(|octet| b'a' + octet % 26) } else { octets });
    }
    words::lines(body, &BASE64.encode(content));
    ending == "pdf"
}

fn date(seconds: u64, zone: i32) -> String {
    let zone = FixedOffset::east_opt(zone * 3600).unwrap();
    let date = DateTime::from_timestamp(seconds.try_into().unwrap(), 0).unwrap();
    date.with_timezone(&zone).format("%a, %d %b %Y %H:%M:%S %z").to_string()
}

fn date_of_arrival(seconds: u64) -> String {
    date(seconds, 0)
}

/// 1 January 2024.
const FIRST: u64 = 1_704_067_200;
