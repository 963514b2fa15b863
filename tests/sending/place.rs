//! Where these tests take place: a server that takes mail, one that has it, some people with accounts on both, and a home.

use std::fs;
use std::path::Path;

use mailql::{Config, Engine, Error};

use crate::answer;
use crate::program::{Home, stderr};
use crate::server::dovecot::{self, Dovecot, User};
use crate::server::postfix::{self, Postfix};

pub struct Place {
    pub postfix: Postfix,
    pub dovecot: Dovecot,
    /// `user1@example.com` is the account `me`, the next are `bob`, `carol`, `dave`; the others have none.
    pub people: Vec<User>,
    pub home: Home,
}

/// What a test wants otherwise.
pub struct Wants<'a> {
    pub people: usize,
    /// How mail is handed in: `implicit`, `starttls` or `none`.
    pub tls: &'a str,
    /// Whether mailboxes have a folder for sent mail.
    pub has_sent: bool,
    pub postfix: postfix::Options<'a>,
    /// More lines for the account `me`.
    pub account: &'a str,
}

impl Default for Wants<'_> {
    fn default() -> Self {
        // What is sent arrives as it is; by itself, it would take Bcc away.
        let postfix = postfix::Options { more: "message_drop_headers =", ..postfix::Options::default() };
        Self { people: 4, tls: "implicit", has_sent: true, postfix, account: "" }
    }
}

impl Place {
    pub fn new() -> Self {
        Self::with(&Wants::default())
    }

    pub fn with(wants: &Wants) -> Self {
        let more = if wants.has_sent { FOLDER } else { "" };
        let dovecot = Dovecot::start(&dovecot::Options { lmtp: true, more, ..dovecot::Options::default() });
        let postfix = Postfix::start(&dovecot, &wants.postfix);
        let people = (0..wants.people).map(|_| dovecot.user()).collect();
        let place = Self { postfix, dovecot, people, home: Home::new() };
        place.configure(wants.tls, wants.account);
        place
    }

    /// Writes the configuration; each signs in with a password.
    pub fn configure(&self, tls: &str, account: &str) {
        // One file for both: each server has its own authority.
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        let trusted = read(&self.dovecot.ca_file()) + &read(&self.postfix.ca_file());
        fs::create_dir_all(self.home.path("config/mailql")).unwrap();
        fs::write(self.home.path("config/mailql/ca.pem"), trusted).unwrap();
        let (imap, port) =
            (self.dovecot.tls_port(), if tls == "implicit" { self.postfix.tls_port() } else { self.postfix.port() });
        let mut text = "default = 'me'\n".to_owned();
        for (name, user) in ACCOUNTS.iter().zip(&self.people) {
            let user = &user.name;
            text += &format!(
                "[accounts.{name}]\nimap = {{ host = 'localhost', port = {imap} }}\nsmtp = {{ host = 'localhost', port = {port}, tls = '{tls}' }}\n\
                 user = '{user}'\nca_file = 'ca.pem'\n{}\n",
                if *name == "me" && account.contains("token_command") {
                    account.to_owned()
                } else {
                    format!("password_command = 'echo secret'\n{}", if *name == "me" { account } else { "" })
                }
            );
        }
        fs::write(self.home.path("config/mailql/config.toml"), text).unwrap();
    }

    /// An engine over the accounts, which may send.
    pub async fn engine(&self) -> Engine {
        let file = self.home.path("config/mailql/config.toml");
        let config = Config::read(&file, None).unwrap();
        let engine = Engine::open(config.with_state(self.home.path("state/mailql"))).unwrap();
        rows(&engine, "SET mailql.allow_send = true").await.unwrap();
        engine
    }

    /// The rows of an answer as the program writes them, each cell by itself; what it said is of no interest.
    pub fn csv(&self, sql: &str) -> Vec<Vec<String>> {
        let output = self.home.run(&["--format", "csv", "-c", sql]);
        assert!(!output.stdout.is_empty(), "{sql}: {}", stderr(&output));
        table(&output.stdout)
    }

    /// Every mail in somebody's inbox, as it is on the disk, when none is on its way any more.
    pub fn inbox(&self, user: &User) -> Vec<String> {
        self.postfix.delivered();
        let files =
            ["new", "cur"].iter().flat_map(|name| fs::read_dir(user.maildir().join(name)).into_iter().flatten());
        files.map(|file| String::from_utf8_lossy(&fs::read(file.unwrap().path()).unwrap()).into_owned()).collect()
    }
}

pub async fn rows(engine: &Engine, sql: &str) -> Result<Vec<Vec<String>>, Error> {
    let batches = engine.sql(sql).await?.collect().await?;
    Ok(answer::cells(&batches))
}

/// Rows of CSV, without the names of the columns.
pub fn table(csv: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_reader(csv);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The value of a header field that a mail has once, unfolded.
pub fn field(mail: &str, name: &str) -> String {
    let fields = fields(mail);
    let mut all = fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let value = all.next().unwrap_or_else(|| panic!("no {name}: {mail}")).1.clone();
    assert!(all.next().is_none(), "{name} is there twice: {mail}");
    value
}

/// All header fields of a mail, unfolded.
pub fn fields(mail: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in mail.lines().take_while(|line| !line.is_empty()) {
        match line.split_once(':') {
            _ if line.starts_with([' ', '\t']) => fields.last_mut().unwrap().1 += line,
            Some((name, value)) => fields.push((name.to_owned(), value.trim().to_owned())),
            None => panic!("no field: {line}"),
        }
    }
    fields
}

pub const ACCOUNTS: [&str; 4] = ["me", "bob", "carol", "dave"];

const FOLDER: &str = "namespace inbox {\n  mailbox Sent {\n    special_use = \\Sent\n    auto = create\n  }\n}\n";
