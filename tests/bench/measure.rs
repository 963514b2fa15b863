//! Lets all contenders do all tasks in turn, and keeps what it cost them.
//!
//! Before a task is timed, everybody does it once through a line that counts octets, and the answer is checked: a wrong
//! answer is no answer, however fast. That run warms caches, too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use tempfile::TempDir;

use super::contender::{self, Account, Contender, Place};
use super::corpus::{self, Inbox, Kind};
use super::drain::{NOWHERE, THEN};
use super::meter::Cost;
use super::options::Options;
use super::peers::Peers;
use super::server::dovecot::{self, Dovecot, User};
use super::shim::Shim;
use super::table::{self, Row};
use super::task::{Expected, TASKS, Task};

/// Measures all that is wanted and prints the table; it fails when mailql or the limit does.
pub fn run(options: &Options) -> ExitCode {
    eprintln!("mailql is {}", contender::program().display());
    let directory = tempfile::tempdir().unwrap();
    let peers = Peers::find(options);
    let dovecot = Dovecot::start(&dovecot::Options::default());
    table::head(options, &peers);
    let mut failed = false;
    for &size in &options.sizes {
        let (inbox, user) = mailbox(&dovecot, Kind::of(size), size, options.keep.as_deref());
        let set = Set { dovecot: &dovecot, user: &user, inbox: &inbox, options, peers: &peers, directory: &directory };
        for task in TASKS.iter().filter(|task| is_wanted(task, size, options)) {
            match set.measure(task) {
                Ok(rows) => rows.iter().for_each(|row| table::row(row, options)),
                Err(said) => {
                    eprintln!("{} of {size}: {said}", task.name);
                    failed = true;
                }
            }
        }
    }
    table::foot(TASKS.iter().filter(|task| options.sizes.iter().any(|&size| is_wanted(task, size, options))), &peers);
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn is_wanted(task: &Task, size: u32, options: &Options) -> bool {
    if options.tasks.is_empty() {
        return !task.is_heavy || Kind::of(size) == Kind::Long;
    }
    options.tasks.iter().any(|wanted| wanted == task.name || wanted == task.number())
}

/// A user with a corpus, made or found, whose server has seen all of it.
pub fn mailbox(dovecot: &Dovecot, kind: Kind, messages: u32, keep: Option<&Path>) -> (Inbox, User) {
    eprintln!("making {messages} messages");
    let mut inbox = None;
    let user = dovecot.user_with(|maildir| {
        let Some(keep) = keep else {
            inbox = Some(corpus::make(kind, messages, Some(maildir)));
            return;
        };
        let kept = keep.join(format!("{kind:?}-{messages}"));
        let is_there = kept.join("complete").exists();
        if !is_there {
            let _ = fs::remove_dir_all(&kept);
        }
        let made = corpus::make(kind, messages, (!is_there).then(|| kept.join("Maildir")).as_deref());
        fs::write(kept.join("complete"), "").unwrap();
        fs::remove_dir(maildir).unwrap();
        std::os::unix::fs::symlink(kept.join("Maildir"), maildir).unwrap();
        inbox = Some(made);
    });
    let inbox = inbox.unwrap();
    eprintln!("warming the server");
    let account = Account { port: dovecot.port(), user: &user.name, password: user.password, inbox: &inbox };
    // What is asked for once is in the server's cache from then on, and what it is asked for again it keeps.
    for pause in [Duration::ZERO, SETTLED] {
        std::thread::sleep(pause);
        contender::limit(&WARMING, &account, NOWHERE).measure(Path::new("/dev/null")).unwrap();
    }
    (inbox, user)
}

/// One inbox and all who ask it.
struct Set<'a> {
    dovecot: &'a Dovecot,
    user: &'a User,
    inbox: &'a Inbox,
    options: &'a Options,
    peers: &'a Peers,
    directory: &'a TempDir,
}

impl Set<'_> {
    fn account(&self, port: u16) -> Account<'_> {
        Account { port, user: &self.user.name, password: self.user.password, inbox: self.inbox }
    }

    /// A row for each round-trip time.
    fn measure(&self, task: &'static Task) -> Result<Vec<Row>, String> {
        let mut contenders = vec![Contender::Limit, Contender::Mailql];
        contenders.extend(self.options.peers.iter().map(|name| Contender::Peer(name.clone())));
        let place = Place::within(self.directory.path());
        let mut octets = BTreeMap::new();
        let mut shim = Shim::start(self.dovecot.port(), Duration::ZERO);
        let mut able = Vec::new();
        for contender in contenders {
            match self.check(&contender, task, &place, shim.port()) {
                Ok(true) => able.push(contender.clone()),
                Ok(false) => {}
                Err(said) if matches!(contender, Contender::Peer(_)) => eprintln!("{} left out: {said}", task.name),
                Err(said) => return Err(said),
            }
            octets.insert(table::name(&contender).to_owned(), shim.octets());
        }
        drop(shim);
        let mut rows = Vec::new();
        for &round_trip in &self.options.round_trips {
            eprintln!("{} of {}, {} ms", task.name, self.inbox.messages, round_trip.as_millis());
            // Without a length there is no line.
            let shim = (!round_trip.is_zero()).then(|| Shim::start(self.dovecot.port(), round_trip));
            let port = shim.as_ref().map_or(self.dovecot.port(), Shim::port);
            let costs = self.in_turn(&able, task, &place, port)?;
            rows.push(Row { size: self.inbox.messages, task, round_trip, costs, octets: octets.clone() });
        }
        Ok(rows)
    }

    /// Does a task once and checks the answer; false if this one does not do it.
    fn check(&self, contender: &Contender, task: &Task, place: &Place, port: u16) -> Result<bool, String> {
        let account = self.account(port);
        place.clear();
        let output = self.directory.path().join("output");
        let invocation = if *contender == Contender::Limit {
            Some(contender::limit(task, &account, output.to_str().unwrap()))
        } else {
            contender.invocation(task, &account, place, self.peers)
        };
        let Some(invocation) = invocation else { return Ok(false) };
        let standard_output = if *contender == Contender::Limit { Path::new("/dev/null") } else { &output };
        invocation.measure(standard_output)?;
        let said = fs::read(&output).unwrap();
        fs::remove_file(&output).unwrap();
        let right = match table::name(contender) {
            table::LIMIT => equal(answers(&said, b"* "), (task.answers)(self.inbox)),
            // It shows what the server says, after this sign.
            "curl" => equal(answers(&said, b"< * "), (task.answers)(self.inbox)),
            _ => is_right(&(task.expected)(self.inbox), &String::from_utf8_lossy(&said), place),
        };
        right.map(|()| true).map_err(|wrong| format!("{} answers wrongly: {wrong}", table::name(contender)))
    }

    /// All do it, and again, so that whatever else goes on meets them all.
    fn in_turn(
        &self,
        contenders: &[Contender],
        task: &Task,
        place: &Place,
        port: u16,
    ) -> Result<BTreeMap<String, Vec<Cost>>, String> {
        let mut costs: BTreeMap<String, Vec<Cost>> = BTreeMap::new();
        for _ in 0..self.options.runs {
            for contender in contenders {
                let costs = costs.entry(table::name(contender).to_owned()).or_default();
                let used: Duration = costs.iter().map(|cost| cost.wall).sum();
                if matches!(contender, Contender::Peer(_)) && used > self.options.patience {
                    continue;
                }
                place.clear();
                let invocation = contender.invocation(task, &self.account(port), place, self.peers);
                costs.push(invocation.expect("it did so before").measure(Path::new("/dev/null"))?);
            }
        }
        place.clear();
        Ok(costs)
    }
}

/// How many lines carry what was asked for, or a row of it.
fn answers(said: &[u8], sign: &[u8]) -> usize {
    let is_answer = |line: &&[u8]| {
        let mut words = line.split(|octet| *octet == b' ');
        let first = words.next().unwrap_or_default();
        matches!(first, b"LIST" | b"STATUS") || words.next() == Some(b"FETCH")
    };
    said.split(|octet| *octet == b'\n').filter_map(|line| line.strip_prefix(sign)).filter(is_answer).count()
}

fn is_right(expected: &Expected, csv: &str, place: &Place) -> Result<(), String> {
    match expected {
        Expected::Rows(rows) => equal(csv.lines().count(), rows + 1),
        Expected::Line(begins) => match csv.lines().last() {
            Some(line) if line.starts_with(begins) => Ok(()),
            line => Err(format!("{line:?} instead of {begins}")),
        },
        Expected::Messages(messages, octets) => {
            let parquet = place.saved().join("saved.parquet");
            if !parquet.exists() {
                // Whoever saves messages as they are may save them with line ends of this system.
                let files = files(&place.saved());
                let saved: u64 = files.iter().sum();
                let enough = saved >= octets / 100 * 95 && (files.len() == 1 || files.len() >= *messages as usize);
                return if enough { Ok(()) } else { Err(format!("{} files, {saved} octets", files.len())) };
            }
            let sql = format!("SELECT count(*), sum(length(encode(raw, 'hex')) / 2) FROM '{}'", parquet.display());
            let answer = Command::new(contender::program())
                .args(["demo", "--format", "csv", "-c", &sql])
                .env("HOME", place.home())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(if answer.status.success() { &answer.stdout } else { &answer.stderr });
            equal(said.lines().last().unwrap_or_default().to_owned(), format!("{messages},{octets}"))
        }
        Expected::Files(count) => equal(files(&place.saved()).len(), *count),
    }
}

/// The sizes of all files of mail; what a program notes for itself begins with a dot.
fn files(directory: &Path) -> Vec<u64> {
    let mut sizes = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            sizes.extend(files(&entry.path()));
        } else if !entry.file_name().to_string_lossy().starts_with('.') {
            sizes.push(entry.metadata().unwrap().len());
        }
    }
    sizes
}

fn equal<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found:?} instead of {expected:?}")) }
}

/// A Maildir that changed within the last seconds is looked through again by the server, each time.
const SETTLED: Duration = Duration::from_secs(5);

/// All that any task asks for and a server may keep ready.
const WARMING: Task = Task {
    name: "warming",
    wants: "all that is cached",
    sql: &[],
    output: super::task::Output::Csv,
    commands: |_| {
        let all = "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS \
                   (SUBJECT FROM TO CC DATE MESSAGE-ID IN-REPLY-TO REFERENCES)])";
        let sorted = "UID SORT RETURN (PARTIAL 1:10) (REVERSE DATE) US-ASCII ALL";
        let found = "UID SEARCH RETURN (COUNT) SUBJECT \"invoice\"";
        let folders = "LIST \"\" \"*\" RETURN (STATUS (MESSAGES UNSEEN SIZE))";
        ["EXAMINE INBOX", all, THEN, sorted, THEN, found, THEN, folders].map(str::to_owned).to_vec()
    },
    answers: |_| 0,
    expected: |_| Expected::Rows(0),
    is_heavy: false,
};
