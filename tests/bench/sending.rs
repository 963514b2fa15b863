//! How fast a mail merge goes out, beside a bare client that sends the same messages to the same server.
//!
//! The bare client has signed in, too, and knows the messages beforehand; it waits for the reply to every command, over one
//! connection. The messages are those of a dry run. What each handed in must arrive, or its time says nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::contender::{self, Place, at_home};
use super::meter::{Cost, Invocation};
use super::options::Options;
use super::server::conversation::{Conversation, initial_response};
use super::server::dovecot::{self, Dovecot, User};
use super::server::postfix::{self, Postfix};
use super::table::{Median, grouped, line};

/// The name of the bare client on the command line.
pub const PART: &str = "bare";

/// Prints a table with a row for each size.
pub fn run(options: &Options) -> ExitCode {
    eprintln!("mailql is {}", contender::program().display());
    println!("{}", line(HEAD.map(str::to_owned)));
    println!("{}", line(["---:"; HEAD.len()].map(str::to_owned)));
    for &size in &options.sizes {
        match measure(size as usize, options.runs) {
            Ok(row) => println!("{row}"),
            Err(said) => {
                eprintln!("{size}: {said}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Those who send, and what each needed, run by run.
#[derive(Default)]
struct Costs {
    bare: Vec<Cost>,
    mailql: Vec<Cost>,
    with_copies: Vec<Cost>,
}

/// A row of the table.
fn measure(mails: usize, runs: usize) -> Result<String, String> {
    let directory = tempfile::tempdir().unwrap();
    let dovecot = Dovecot::start(&dovecot::Options { lmtp: true, more: FOLDER, ..dovecot::Options::default() });
    let postfix = Postfix::start(&dovecot, &postfix::Options::default());
    let people: Vec<User> = (0..=PEOPLE).map(|_| dovecot.user()).collect();
    let place = Place::within(directory.path());
    let servers = Servers { dovecot, postfix, people };
    // The messages that the bare client sends.
    configure(&place, &servers, false);
    mailql(&place, mails, "dry_run => true").measure(Path::new("/dev/null"))?;
    let messages = directory.path().join("messages");
    fs::rename(place.home().join("state/mailql/dry-runs"), &messages).unwrap();
    let sizes = fs::read_dir(&messages).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    let octets: u64 = sizes.sum();
    let bare = Invocation::new(std::env::current_exe().unwrap()).args([PART, &servers.postfix.port().to_string()]);
    let bare = bare.arg(&servers.people[0].name).arg(servers.people[0].password).arg(&messages);
    let mut costs = Costs::default();
    for _ in 0..runs {
        costs.bare.push(servers.sends(&bare, mails)?);
        for (copies, costs) in [(false, &mut costs.mailql), (true, &mut costs.with_copies)] {
            place.clear();
            configure(&place, &servers, copies);
            costs.push(servers.sends(&mailql(&place, mails, "dry_run => false"), mails)?);
        }
    }
    let wall = |costs: &[Cost]| Median::of(costs, |cost| cost.wall.as_secs_f64());
    let peak = |costs: &[Cost]| format!("{:.0}", Median::of(costs, |cost| cost.peak as f64 / 1e6).median);
    let (bare, alone, copied) = (wall(&costs.bare), wall(&costs.mailql), wall(&costs.with_copies));
    Ok(line([
        grouped(mails as u64),
        format!("{:.1}", octets as f64 / mails as f64 / 1e3),
        bare.text(),
        alone.text(),
        format!("**{:.2}**", bare.median / alone.median),
        format!("{:.3}", Median::of(&costs.mailql, |cost| cost.cpu.as_secs_f64()).median),
        peak(&costs.mailql),
        copied.text(),
        format!("**{:.2}**", bare.median / copied.median),
        peak(&costs.with_copies),
    ]))
}

/// The servers, and who has a mailbox there; the first of them sends.
struct Servers {
    dovecot: Dovecot,
    postfix: Postfix,
    people: Vec<User>,
}

impl Servers {
    /// Runs somebody who sends so many mails, and looks whether all arrive, over one connection.
    fn sends(&self, who: &Invocation, mails: usize) -> Result<Cost, String> {
        let (before, connections) = (self.arrived(), self.connections());
        let cost = who.measure(Path::new("/dev/null"))?;
        self.postfix.delivered();
        match (self.arrived() - before, self.connections() - connections) {
            (arrived, 1) if arrived == mails => Ok(cost),
            (arrived, connections) => Err(format!("{arrived} mails arrived over {connections} connections")),
        }
    }

    fn arrived(&self) -> usize {
        let new = |user: &User| fs::read_dir(user.maildir().join("new")).map_or(0, Iterator::count);
        self.people[1..].iter().map(new).sum()
    }

    fn connections(&self) -> usize {
        self.postfix.log().matches(": connect from ").count()
    }
}

/// Writes the account of the sender.
fn configure(place: &Place, servers: &Servers, copies: bool) {
    let directory = place.home().join("config/mailql");
    fs::create_dir_all(&directory).unwrap();
    let text = format!(
        "[accounts.me]\nimap = {{ host = '127.0.0.1', port = {}, tls = 'none' }}\n\
         smtp = {{ host = '127.0.0.1', port = {}, tls = 'none' }}\nuser = '{}'\npassword_command = 'echo {}'\nsent_copy = {copies}\n",
        servers.dovecot.port(),
        servers.postfix.port(),
        servers.people[0].name,
        servers.people[0].password
    );
    fs::write(directory.join("config.toml"), text).unwrap();
}

/// The mail merge; each mail has a key.
fn mailql(place: &Place, mails: usize, more: &str) -> Invocation {
    let sql = format!(
        "SELECT status, count(*) FROM SendEmail((
           SELECT 'user' || (2 + value % {PEOPLE}) || '@example.com' AS to, 'Your invoice ' || value AS subject, 'run-' || value AS key,
                  'Dear customer ' || value || ',' || chr(10) || repeat('this is what we have to tell you about it.' || chr(10), 40) AS body
           FROM generate_series(1, {mails})), {more}) GROUP BY status"
    );
    at_home(contender::program(), place).args(["-c", "SET mailql.allow_send = true", "-c", &sql])
}

/// The bare client: `PORT USER PASSWORD DIRECTORY`.
pub fn main(arguments: &[String]) -> ExitCode {
    let [port, user, password, directory] = arguments else { return ExitCode::from(2) };
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let messages: Vec<(String, String)> = files.map(|file| message(&file)).collect();
    let mut server = Conversation::plain(port.parse().unwrap());
    let mut say = |line: &str, code: &str| {
        let reply = server.smtp(line);
        assert!(reply.starts_with(code), "{reply}");
    };
    say("EHLO localhost", "250");
    say(&format!("AUTH PLAIN {}", initial_response("PLAIN", user, password)), "235");
    for (recipient, content) in &messages {
        say(&format!("MAIL FROM:<{user}>"), "250");
        say(&format!("RCPT TO:<{recipient}>"), "250");
        say("DATA", "354");
        say(content, "250");
    }
    say("QUIT", "221");
    ExitCode::SUCCESS
}

/// Who a message is for, and what is said after DATA.
fn message(file: &PathBuf) -> (String, String) {
    let text = fs::read_to_string(file).unwrap();
    let recipient = text.lines().find_map(|line| line.strip_prefix("To: ")).expect("it has one").to_owned();
    (recipient, text.replace("\r\n.", "\r\n..") + ".")
}

/// Who gets mail.
const PEOPLE: usize = 20;

const HEAD: [&str; 10] =
    ["mails", "kB each", "bare s", "mailql s", "rate", "CPU s", "peak MB", "with copies s", "rate", "peak MB"];

const FOLDER: &str = "namespace inbox {\n  mailbox Sent {\n    special_use = \\Sent\n    auto = create\n  }\n}\n";
