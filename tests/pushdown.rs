//! Random predicates: what a statement gives must not depend on what was pushed to the store.
//!
//! Each seed makes a table, a predicate and a limit. `MAILQL_SEEDS=20000` makes each test try that many. A seed that failed
//! once is kept in [`FAILED`].

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod answer;
mod backend;
mod chance;
mod mail;
mod question;
#[cfg(unix)]
mod server;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

#[cfg(unix)]
use backend::{Server, session};
use backend::{eml, maildir, mbox};
use chance::Chance;
use mailql::Engine;
use question::{FAILED, Question};

#[tokio::test(flavor = "multi_thread")]
async fn pushed_is_not_pushed_on_a_maildir() {
    let (place, _) = maildir();
    pushed_is_not_pushed(|| Engine::builder().maildir("mail", place.path()).build().unwrap(), 500, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_is_not_pushed_on_a_directory_of_mbox_files() {
    let (place, _) = mbox();
    pushed_is_not_pushed(|| Engine::builder().mbox("mail", place.path()).build().unwrap(), 500, 1_000_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_is_not_pushed_on_a_directory_of_eml_files() {
    let (place, _) = eml();
    pushed_is_not_pushed(|| Engine::builder().eml("mail", place.path()).build().unwrap(), 500, 7_000_000).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn pushed_is_not_pushed_on_dovecot() {
    let account = Server::Dovecot.account();
    pushed_is_not_pushed(|| session(&account), 500, 4_000_000).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn pushed_is_not_pushed_on_dovecot_with_an_index() {
    let account = Server::Indexed.account();
    pushed_is_not_pushed(|| session(&account), 500, 5_000_000).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn pushed_is_not_pushed_on_cyrus() {
    let account = Server::Cyrus.account();
    pushed_is_not_pushed_but(&READ_OTHERWISE_BY_CYRUS, || session(&account), 500, 6_000_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_agree_on_every_predicate() {
    let (_maildir, maildir) = maildir();
    let (_mbox, mbox) = mbox();
    let others: Vec<(Engine, &[u32])> = vec![
        (mbox, &[]),
        #[cfg(unix)]
        (session(&Server::Dovecot.account()), &[]),
        #[cfg(unix)]
        (session(&Server::Cyrus.account()), &READ_OTHERWISE_BY_CYRUS),
    ];
    for seed in seeds(2_000_000, number(100)) {
        let question = Question::of(seed);
        let expected = rows(&maildir, &question.all()).await;
        for (other, odd) in &others {
            let found = rows(other, &question.all()).await;
            assert_eq!(without(odd, &found), without(odd, &expected), "seed {seed}: {}", question.all());
        }
    }
}

/// Mails of the inbox of which Cyrus gives other values than files, and than it gives when all of a mail is read: each is in
/// `tests/otherwise`, which says why.
#[cfg(unix)]
const READ_OTHERWISE_BY_CYRUS: [u32; 7] = [38, 125, 128, 136, 157, 171, 173];

/// The rows but those of some mails of the inbox.
fn without<'a>(odd: &[u32], rows: &'a [String]) -> Vec<&'a String> {
    let of =
        |row: &String, uid: &u32| row.starts_with(&format!("mail|INBOX|{uid}|")) || *row == format!("mail|INBOX|{uid}");
    rows.iter().filter(|row| !odd.iter().any(|uid| of(row, uid))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_gives_just_so_many_of_the_rows_and_in_one_folder_the_newest() {
    let (_place, mbox) = mbox();
    a_limit_gives_just_so_many(&mbox, 100).await;
    #[cfg(unix)]
    a_limit_gives_just_so_many(&session(&Server::Dovecot.account()), 100).await;
    #[cfg(unix)]
    a_limit_gives_just_so_many(&session(&Server::Cyrus.account()), 40).await;
}

async fn a_limit_gives_just_so_many(engine: &Engine, usual: u64) {
    for seed in seeds(3_000_000, number(usual)) {
        let mut chance = Chance::of(!seed);
        let mut question = Question::of(seed);
        let limit = [0, 1, 2, 3, 7, 50, 1000][chance.below(7)];
        let is_one_folder = question.table == "MessagesInFolder" && chance.once_in(2);
        if is_one_folder {
            question.predicate = format!("folder = 'INBOX' AND ({})", question.predicate);
        }
        let statement = format!("{} LIMIT {limit}", question.all());
        let all = rows(engine, &question.all()).await;
        let some = rows(engine, &statement).await;
        assert_eq!(some.len(), limit.min(all.len()), "seed {seed}: {statement}");
        let (all_rows, some_rows): (BTreeSet<_>, BTreeSet<_>) = (all.iter().collect(), some.iter().collect());
        assert!(some_rows.is_subset(&all_rows), "seed {seed}: {statement}");
        // With a subquery the limit may be above a join, which promises no order.
        if is_one_folder && !question.predicate.contains("SELECT") {
            let uids = |rows: &[String]| {
                let mut uids: Vec<u64> =
                    rows.iter().map(|row| row.split('|').nth(2).unwrap().parse().unwrap()).collect();
                uids.sort_unstable_by(|left, right| right.cmp(left));
                uids
            };
            assert_eq!(uids(&some), uids(&all)[..some.len()], "seed {seed}: {statement}");
        }
    }
}

async fn pushed_is_not_pushed(open: impl Fn() -> Engine, usual: u64, first: u64) {
    pushed_is_not_pushed_but(&[], open, usual, first).await;
}

/// The rows that a store chooses against those that are chosen from all of it, read beforehand; but for some mails.
#[allow(clippy::print_stdout, reason = "how much was tried, for those who let a test print")]
async fn pushed_is_not_pushed_but(odd: &'static [u32], open: impl Fn() -> Engine, usual: u64, first: u64) {
    let start = Instant::now();
    let model = Arc::new(Model::of(open()).await);
    let seeds: Vec<u64> = seeds(first, number(usual)).collect();
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| {
            let seeds = seeds.iter().copied().skip(lane).step_by(LANES).collect();
            tokio::spawn(compare(open(), Arc::clone(&model), odd, seeds))
        })
        .collect();
    let (mut answered, mut read, mut wrong) = (0, 0, Vec::new());
    for lane in lanes {
        let found = lane.await.unwrap();
        answered += found.answered;
        read += found.rows;
        wrong.extend(found.wrong);
    }
    let (tried, differences, seconds) = (seeds.len(), wrong.len(), start.elapsed().as_secs());
    println!("{tried} predicates, {answered} with rows, {read} rows, {differences} differences, {seconds} s");
    assert!(wrong.is_empty(), "{differences} of {tried}:\n{}", wrong.join("\n"));
    assert!(
        answered * 5 > tried * 2,
        "predicates that are true of nothing prove little: {answered} of {tried} had rows"
    );
}

/// So many sessions ask at once: one that waits for a server is no reason for others to wait.
const LANES: usize = 4;

/// What came of some seeds.
#[derive(Default)]
struct Found {
    answered: usize,
    rows: usize,
    wrong: Vec<String>,
}

async fn compare(pushed: Engine, model: Arc<Model>, odd: &[u32], seeds: Vec<u64>) -> Found {
    let mut found = Found::default();
    for seed in seeds {
        if let Err(wrong) = compare_one(&pushed, &model, odd, seed, &mut found).await {
            found.wrong.push(format!("seed {seed}: {wrong}"));
        }
    }
    found
}

async fn compare_one(pushed: &Engine, model: &Model, odd: &[u32], seed: u64, found: &mut Found) -> Result<(), String> {
    let mut question = Question::of(seed);
    if !odd.is_empty() {
        let odd = odd.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        question.predicate = format!("({}) AND NOT (folder = 'INBOX' AND uid IN ({odd}))", question.predicate);
    }
    let asked = question.all();
    let (with, expected) = (answer(pushed, &asked).await?, model.rows(&question).await?);
    found.answered += usize::from(!with.is_empty());
    found.rows += with.len();
    differ(&asked, &without(&[], &with), &without(&[], &expected))?;
    let count = format!("SELECT count(*) FROM {} WHERE {}", question.table, question.predicate);
    differ(&count, &without(&[], &answer(pushed, &count).await?), &[&with.len().to_string()])?;
    // What is not pushed is worth a look, too, but each look reads everything.
    if seed.is_multiple_of(16) {
        let plain = answer(&model.0, &asked).await?;
        differ(&format!("not pushed, {asked}"), &without(&[], &plain), &without(&[], &with))?;
    }
    Ok(())
}

/// The difference of two answers, if there is one.
fn differ(asked: &str, with: &[&String], expected: &[&String]) -> Result<(), String> {
    if with == expected {
        return Ok(());
    }
    let (lost, gained) = (missing(expected, with), missing(with, expected));
    Err(format!("{asked}\n  lost {lost:.300?}, gained {gained:.300?}"))
}

fn missing<'a>(of: &[&'a String], from: &[&String]) -> Vec<&'a String> {
    of.iter().copied().filter(|row| !from.contains(row)).collect()
}

/// A session that chooses nothing before it has read it, with tables in memory that hold all there is.
struct Model(Engine);

impl Model {
    async fn of(engine: Engine) -> Self {
        rows(&engine, "SET mailql.pushdown = false").await;
        for table in question::tables() {
            rows(&engine, &format!("CREATE TABLE {IN_MEMORY}{table} AS SELECT * FROM {table}")).await;
        }
        Self(engine)
    }

    async fn rows(&self, question: &Question) -> Result<Vec<String>, String> {
        let named = |statement: String, table: &str| {
            statement.replace(&format!(" FROM {table}"), &format!(" FROM {IN_MEMORY}{table}"))
        };
        answer(&self.0, &question::tables().into_iter().fold(question.all(), named)).await
    }
}

/// How the name of a table in memory begins.
const IN_MEMORY: &str = "in_memory_";

/// Those that failed once, and some more.
fn seeds(first: u64, number: u64) -> impl Iterator<Item = u64> {
    FAILED.into_iter().chain(first..first + number)
}

/// How many seeds are tried: so many, if nobody says how many.
fn number(usual: u64) -> u64 {
    std::env::var("MAILQL_SEEDS").map_or(usual, |number| number.parse().unwrap())
}

async fn rows(engine: &Engine, statement: &str) -> Vec<String> {
    answer(engine, statement).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn answer(engine: &Engine, statement: &str) -> Result<Vec<String>, String> {
    let batches = async { engine.sql(statement).await?.collect().await.map_err(mailql::Error::from) }.await;
    batches.map(|batches| answer::rows(&batches)).map_err(|error| format!("{statement}\n  {error}"))
}
