//! Random predicates: what a statement gives must not depend on what was pushed to the store.
//!
//! Each seed makes a table, a predicate and a limit. A seed that failed once is kept in [`FAILED`].

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

mod answer;
mod backend;
mod chance;
mod mail;
mod question;
#[cfg(unix)]
mod server;

use std::collections::BTreeSet;

use backend::mbox;
#[cfg(unix)]
use backend::{account, dovecot};
use chance::Chance;
use mailql::Engine;
use question::{FAILED, Question};

#[tokio::test(flavor = "multi_thread")]
async fn pushed_is_not_pushed_on_a_maildir() {
    let place = tempfile::tempdir().unwrap();
    mail::write_maildir(place.path());
    let pushed = Engine::builder().maildir("mail", place.path()).build().unwrap();
    let plain = Engine::builder().maildir("mail", place.path()).build().unwrap();
    pushed_is_not_pushed(&pushed, &plain, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_is_not_pushed_on_a_directory_of_mbox_files() {
    let (_place, pushed) = mbox();
    let (_other, plain) = mbox();
    pushed_is_not_pushed(&pushed, &plain, 1_000_000).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn pushed_is_not_pushed_on_dovecot() {
    let account = account();
    pushed_is_not_pushed(&dovecot(&account), &dovecot(&account), 4_000_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backends_agree_on_every_predicate() {
    let place = tempfile::tempdir().unwrap();
    mail::write_maildir(place.path());
    let maildir = Engine::builder().maildir("mail", place.path()).build().unwrap();
    let (_place, mbox) = mbox();
    let others = [
        mbox,
        #[cfg(unix)]
        dovecot(&account()),
    ];
    for seed in seeds(2_000_000, 100) {
        let question = Question::of(seed);
        let one = rows(&maildir, &question.all()).await;
        for other in &others {
            assert_eq!(one, rows(other, &question.all()).await, "seed {seed}: {}", question.all());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_gives_just_so_many_of_the_rows_and_in_one_folder_the_newest() {
    let (_place, mbox) = mbox();
    a_limit_gives_just_so_many(&mbox).await;
    #[cfg(unix)]
    a_limit_gives_just_so_many(&dovecot(&account())).await;
}

async fn a_limit_gives_just_so_many(engine: &Engine) {
    for seed in seeds(3_000_000, 100) {
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

/// The pushed way against the plain one: every row read in full, all checked at the end.
async fn pushed_is_not_pushed(pushed: &Engine, plain: &Engine, first: u64) {
    plain.sql("SET mailql.pushdown = false").await.unwrap().collect().await.unwrap();
    let mut answered = 0;
    for seed in seeds(first, 250) {
        let question = Question::of(seed);
        let (with, without) = (rows(pushed, &question.all()).await, rows(plain, &question.all()).await);
        assert_eq!(with, without, "seed {seed}: {}", question.all());
        answered += usize::from(!with.is_empty());
        let count = format!("SELECT count(*) FROM {} WHERE {}", question.table, question.predicate);
        assert_eq!(rows(pushed, &count).await, [without.len().to_string()], "seed {seed}: {count}");
    }
    assert!(answered > 100, "predicates that are true of nothing prove little: {answered} had rows");
}

/// Those that failed once, and some more.
fn seeds(first: u64, number: u64) -> impl Iterator<Item = u64> {
    FAILED.into_iter().chain(first..first + number)
}

async fn rows(engine: &Engine, statement: &str) -> Vec<String> {
    let batches = async { engine.sql(statement).await?.collect().await.map_err(mailql::Error::from) }.await;
    answer::rows(&batches.unwrap_or_else(|error| panic!("{error}: {statement}")))
}
