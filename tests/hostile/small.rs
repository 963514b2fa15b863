//! Small mail that means harm, one kind of it each, and what comes of it: the same in a Maildir, in an mbox, in `.eml` files, on Dovecot.
//!
//! The answers are in `small.txt`; `MAILQL_COMPLETE=1` writes them anew from the Maildir, to be read before they are
//! committed. More that is odd, but not as bad, is in `tests/mail/`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mailql::{AccountConfig, Engine, ImapAccount, Tls};

use crate::answer::cells;
use crate::server::dovecot::Dovecot;
use crate::{write_eml, write_maildir, write_mbox};

#[tokio::test(flavor = "multi_thread")]
async fn small_hostile_mail_gives_the_same_rows_everywhere() {
    let place = tempfile::tempdir().unwrap();
    let (maildir, file) = (place.path().join("mail"), place.path().join("mail.mbox"));
    let all = mails();
    let raws: Vec<&[u8]> = all.iter().map(|(_, raw)| raw.as_slice()).collect();
    write_maildir(&maildir, &raws);
    write_mbox(&file, &raws);
    let told = told(&Engine::builder().maildir("mail", &maildir).build().unwrap(), &all).await;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/small.txt");
    if std::env::var_os("MAILQL_COMPLETE").is_some() {
        fs::write(&golden, &told).unwrap();
    }
    let expected = fs::read_to_string(golden).unwrap();
    assert_eq!(differing(&told, &expected), "", "in a Maildir");
    let engine = Engine::builder().mbox("mail", &file).build().unwrap();
    assert_eq!(differing(&crate::small::told(&engine, &all).await, &expected), "", "in an mbox");
    write_eml(&place.path().join("saved"), &raws);
    let engine = Engine::builder().eml("mail", place.path().join("saved")).build().unwrap();
    assert_eq!(differing(&crate::small::told(&engine, &all).await, &expected), "", "in .eml files");
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_maildir(maildir, &raws));
    let account = ImapAccount::new("localhost", &user.name).password(user.password).tls(Tls::Implicit);
    let account = account.port(dovecot.tls_port()).ca_file(dovecot.ca_file());
    let engine = Engine::builder().account("mail", AccountConfig::Imap(account)).build().unwrap();
    let differing = differing(&crate::small::told(&engine, &all).await, &expected);
    let names: BTreeSet<&str> = differing.split("\n\n").filter_map(|told| told.lines().next()).collect();
    assert_eq!(names, ON_DOVECOT.iter().map(|(name, _)| *name).collect(), "on Dovecot:\n{differing}");
}

/// The mails that Dovecot tells otherwise than they are in files, and how.
const ON_DOVECOT: [(&str, &str); 1] = [("utf-16 of an odd length", "a NUL in text is served as the octet 80")];

/// What is told otherwise than expected.
fn differing(told: &str, expected: &str) -> String {
    assert_eq!(told.split("\n\n").count(), expected.split("\n\n").count());
    let both = told.split("\n\n").zip(expected.split("\n\n"));
    both.filter(|(told, expected)| told != expected).map(|(told, _)| told).collect::<Vec<_>>().join("\n\n")
}

async fn told(engine: &Engine, mails: &[(&str, Vec<u8>)]) -> String {
    let ask = async |sql: &str| cells(&engine.sql(sql).await.unwrap().collect().await.unwrap());
    let bodies = ask(
        "SELECT uid, subject, from_name, from_address, to_addresses, body_text, problems, size FROM MessageBody ORDER BY uid",
    )
    .await;
    let files = ask(
        "SELECT uid, part, name, media_type, charset, size, substr(text, 1, 200) FROM AttachmentContent ORDER BY uid, part",
    )
    .await;
    assert_eq!(bodies.len(), mails.len(), "each mail is a row");
    let mut told = String::new();
    for ((name, _), body) in mails.iter().zip(&bodies) {
        let uid = body[0].clone();
        writeln!(told, "{name}").unwrap();
        for (column, value) in
            ["subject", "from_name", "from_address", "to", "text", "problems", "size"].iter().zip(&body[1..])
        {
            if value != "NULL" {
                writeln!(told, "  {column}: {}", shown(value)).unwrap();
            }
        }
        for file in files.iter().filter(|file| file[0] == uid) {
            let values: Vec<String> = file[1..].iter().map(|value| shown(value)).collect();
            writeln!(told, "  file: {}", values.join(" | ")).unwrap();
        }
        told.push('\n');
    }
    told
}

/// As much of it as is looked at, with everything visible.
fn shown(value: &str) -> String {
    value.chars().take(300).flat_map(char::escape_debug).collect()
}

/// Each with what it tries.
fn mails() -> Vec<(&'static str, Vec<u8>)> {
    let subject = |text: &str| mail(&format!("Subject: {text}\n"), "text");
    let from =
        |text: &str| format!("From: {text}\nDate: Mon, 6 Jan 2025 10:00:00 +0000\nSubject: x\n\ntext\n").into_bytes();
    let file = |disposition: &str| {
        mail(
            &format!("Subject: x\nContent-Type: application/pdf\nContent-Disposition: attachment; {disposition}\n"),
            "content",
        )
    };
    let text = |kind: &str, octets: &[u8]| {
        let mut raw = mail(
            &format!("Subject: x\nContent-Type: text/plain; charset={kind}\nContent-Transfer-Encoding: 8bit\n"),
            "",
        );
        raw.splice(raw.len() - 1.., octets.iter().copied().chain([b'\n']));
        raw
    };
    let parts = |parameters: &str, body: &str| {
        mail(&format!("Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; {parameters}\n"), body)
    };
    let pieces = |count: usize| (0..count).map(|number| format!(";\n filename*{number}=a")).collect::<String>();
    let long = "b".repeat(1_000);
    vec![
        ("an encoded word that ends within a letter", subject("=?utf-8?Q?caf=C3?= and no more")),
        ("a letter that begins in one word and ends in another character set", subject("=?utf-8?B?w6k=?= =?iso-8859-1?Q?=E9?= =?utf-8?Q?=C3?= =?utf-8?Q?=A9?=")),
        ("a word in a character set that nobody knows", subject("=?x-nobody?Q?caf=C3=A9?= after")),
        ("a word with blanks as they are", subject("=?utf-8?Q?a raw blank?= after")),
        ("a word within a word", subject("=?utf-8?Q?=3D=3Futf-8=3FQ=3Finner=3F=3D?= =?utf-8?Q?=?utf-8?Q?x?=?=")),
        ("a word without an end", subject("=?utf-8?Q?never ends")),
        ("base64 with pads in the wrong place, and none", subject("=?utf-8?B?YQ?= =?utf-8?B?Y=Q==?= =?utf-8?B?====?= =?utf-8?B?YWI?=")),
        ("line ends and another field in a word", subject("=?utf-8?Q?a=0D=0ABcc:_victim@example.org=0D=0A=0D=0Abody?=")),
        ("NUL in a word", subject("=?utf-8?Q?a=00b?=")),
        ("line ends and NUL in a name", from("=?utf-8?Q?Ada=0D=0ABcc:_x=00?= <ada@example.org>")),
        ("a name that is an address", from("\"boss@example.com\" <thief@example.org>")),
        ("a name of an address and an end of quotes", from("=?utf-8?Q?=22boss=22_=3Cboss@example.com=3E,?= <thief@example.org>")),
        ("text that turns its direction in a name", from("=?utf-8?B?4oCuZ3JvLmVscG1heGVAc3NvYg==?= <thief@example.org>")),
        ("a terminal's escapes in a name", from("=?utf-8?Q?=1B]0;title=07=1B[2J?= <ada@example.org>")),
        ("words of 64 character sets", subject(&(0..64).map(|number| format!("=?x-{number}?Q?a?= ")).collect::<String>())),
        ("a boundary that another begins with", parts("boundary=b", "--b\n\nfirst\n--bb\n\nnot a part\n--b\n\nsecond\n--b--")),
        ("a boundary that is the beginning of the one within", parts("boundary=b", "--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\ninner\n--bb--\n--b\n\nouter\n--b--")),
        ("a boundary of the part within that is the same", parts("boundary=b", "--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ninner\n--b--\n--b\n\nouter\n--b--")),
        ("a boundary with a blank at its end", parts("boundary=\"b \"", "--b \n\nwith\n--b\n\nwithout\n--b --\n")),
        ("a boundary of specials in quotes", parts("boundary=\"=_(a;b)/:?'+,\"", "--=_(a;b)/:?'+,\n\npart\n--=_(a;b)/:?'+,--")),
        ("a boundary that never closes", parts("boundary=b", "--b\n\nfirst\n--b\n\nsecond")),
        ("a boundary that closes at once", parts("boundary=b", "--b--\n\nafter it")),
        ("a boundary of 1,000 characters", parts(&format!("boundary={long}"), &format!("--{long}\n\npart\n--{long}--"))),
        ("a boundary with a line end in quotes", parts("boundary=\"a\n b\"", "--a b\n\npart\n--a b--")),
        ("two boundaries", parts("boundary=a; boundary=b", "--a\n\nof a\n--b\n\nof b\n--a--")),
        ("a boundary in pieces", parts("boundary*0=a; boundary*1=b", "--ab\n\npart\n--ab--")),
        ("a boundary line that does not begin a line", parts("boundary=b", "x--b\n\nno part\n--b\n\npart\n--b--")),
        ("a boundary that is only dashes", parts("boundary=\"--\"", "----\n\npart\n------\n")),
        ("pieces of a name with a gap", file("filename*0=a; filename*2=c; filename*3=d")),
        ("pieces of a name out of order", file("filename*2=c; filename*0=a; filename*1=b")),
        ("pieces of a name twice", file("filename*0=a; filename*0=x; filename*1=b; filename*1=y")),
        ("pieces of a name with and without percents", file("filename*0*=utf-8''%C3; filename*1*=%A9; filename*2=\"%41\"; filename*3*=%41")),
        ("a name in a character set that nobody knows", file("filename*=x-nobody''caf%C3%A9.pdf")),
        ("a name in 10,000 pieces", file(&format!("x=1{}", pieces(10_000)))),
        ("a piece with a number that no machine has", file("filename*99999999999999999999=a; filename=b")),
        ("percents that are none", file("filename*=utf-8''%zz%4%")),
        ("a name and an extended name that differ", file("filename=\"invoice.pdf\"; filename*=utf-8''virus.exe")),
        ("a name of encoded words in quotes", file("filename=\"=?utf-8?Q?=2E=2E=2Fpasswd?=\"")),
        ("a name with line ends and NUL", file("filename*=utf-8''a%0D%0A%00b%1B[2J.pdf")),
        ("a name that turns its direction", file("filename*=utf-8''a%E2%80%AEfdp.exe")),
        ("utf-7, which hides markup", text("utf-7", b"+ADw-script+AD4-")),
        ("utf-16 that is none", text("utf-16", b"plain ASCII")),
        ("utf-16 of an odd length", text("utf-16le", b"a\0b\0c")),
        ("iso-2022-jp that stays shifted", text("iso-2022-jp", b"\x1b$B%F%9%H")),
        ("iso-2022-jp with escapes that are none", text("iso-2022-jp", b"\x1b$Z\x1b(B a \x1b[31mred")),
        ("utf-8 that is overlong", text("utf-8", b"\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf")),
        ("utf-8 of surrogates", text("utf-8", b"\xed\xa0\x80\xed\xb0\x80")),
        ("gb18030 that breaks off", text("gb18030", b"a\x81\x30\x81")),
        ("a character set with quotes and a path", text("\"../../utf-8\"", b"caf\xc3\xa9")),
        ("text that says how the server answers", mail("Subject: x\n", "* 1 FETCH (UID 777 FLAGS (\\Deleted))\nA1 OK done\n* BYE gone\n)\nA2 OK done\n+ go on\n{5}\nabcde")),
        ("a subject that says how the server answers", subject("x) UID 777 FLAGS (\\Deleted) BODY[] {5} A3 OK done")),
        ("an encoded subject that ends its own literal", subject("=?utf-8?Q?x=0D=0A)=0D=0AA1_OK_done=0D=0A*_2_FETCH_(UID_777)=0D=0A?=")),
        ("a name of a file that ends a string", file("filename=\"a\\\" NIL NIL)) UID 777 (\\\\\"")),
        ("a name of a file that announces a literal", file("filename=\"a {4294967295}\"")),
        ("a Message-ID of another mail's", b"From: a@example.org\nDate: Mon, 6 Jan 2025 10:00:00 +0000\nMessage-ID: <x@y> <z@y>\nMessage-ID: <other@y>\nSubject: x\n\ntext\n".to_vec()),
        ("two of every field", b"From: a@example.org\nFrom: b@example.org\nSubject: one\nSubject: two\nTo: c@example.org\nTo: d@example.org\nDate: Mon, 6 Jan 2025 10:00:00 +0000\nDate: Tue, 7 Jan 2025 10:00:00 +0000\n\ntext\n".to_vec()),
        ("a transfer encoding that nobody knows", mail("Subject: x\nContent-Transfer-Encoding: x-zip\n", "text")),
        ("base64 of base64", mail("Subject: x\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n", "YUdWc2JHOD0=")),
        ("a line of uuencoded text that promises more than it has", mail("Subject: x\nContent-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n", "begin 644 /etc/passwd\n_\n_\nend")),
    ]
}

fn mail(fields: &str, body: &str) -> Vec<u8> {
    format!("From: a@example.org\nTo: me@example.com\nDate: Mon, 6 Jan 2025 10:00:00 +0000\n{fields}\n{body}\n")
        .into_bytes()
}
