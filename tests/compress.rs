//! A connection that is compressed, with a real server: the same answers out of far fewer octets, and no more commands.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod answer;
mod server;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use datafusion::physical_plan::{ExecutionPlan, collect};
use mailql::{Engine, Error, ImapAccount, Tls};
use server::dovecot::{Dovecot, User};
use server::proxy::{Counts, Proxy};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_the_same_in_several_times_fewer_octets() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 3_000));
    for (sql, rows, times) in [
        ("SELECT uid, subject, from_address, date, size, flags FROM MessagesInFolder WHERE folder = 'INBOX'", 3_000, 5),
        ("SELECT uid, name, raw_value FROM MessageHeaders WHERE folder = 'INBOX'", 18_000, 4),
        ("SELECT uid, part, name, size FROM MessageAttachments WHERE folder = 'INBOX'", 3_000, 5),
        ("SELECT uid, raw FROM MessageBody WHERE folder = 'INBOX'", 3_000, 3),
    ] {
        for tls in [Tls::None, Tls::StartTls, Tls::Implicit] {
            let (expected, plain) = asked(dovecot, &user, tls, None, sql).await;
            let (found, compressed) = asked(dovecot, &user, tls, Some(true), sql).await;
            assert_eq!(expected.len(), rows, "{tls:?}, {sql}");
            assert_eq!(found, expected, "{tls:?}, {sql}");
            let (before, after) = (plain.from_server, compressed.from_server);
            assert!(after * times < before, "{tls:?}, {sql}: {before} octets became {after}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_is_what_was_on_the_line() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 500));
    for compress in [false, true] {
        let proxy = Proxy::before(dovecot.port()).start();
        let engine = engine(dovecot, &user, Tls::None, Some(compress), proxy.port());
        let frame = engine.sql("SELECT uid, subject FROM MessagesInFolder WHERE folder = 'INBOX'").await.unwrap();
        let (context, plan) = (frame.task_ctx(), frame.create_physical_plan().await.unwrap());
        assert_eq!(answer::rows(&collect(plan.clone(), context.into()).await.unwrap()).len(), 500);
        let counted = ["bytes_received", "bytes_sent"].map(|name| metric(plan.as_ref(), name) as u64);
        let counts = proxy.counts();
        assert_eq!(counted, [counts.from_server, counts.from_client], "compressed: {compress}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_connection_is_used_again_and_several_at_once() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 400));
    let proxy = Proxy::before(dovecot.port()).start();
    let engine = engine(dovecot, &user, Tls::None, Some(true), proxy.port());
    let sql = "SELECT subject, body_text FROM MessageBody WHERE subject LIKE '%7%'";
    let first = rows(&engine, sql).await.unwrap();
    assert_eq!(first.len(), 76);
    let connections = proxy.counts().connections;
    for _ in 0..5 {
        assert_eq!(rows(&engine, sql).await.unwrap(), first);
        assert_eq!(rows(&engine, "SELECT uid FROM MessagesInFolder LIMIT 3").await.unwrap().len(), 3);
    }
    assert_eq!(proxy.counts().connections, connections, "idle ones are as good as before");
    let several = futures::future::join_all((0..4).map(|_| rows(&engine, sql))).await;
    assert!(several.into_iter().all(|rows| rows.unwrap() == first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_connection_that_is_cut_is_an_error_or_replaced() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 200));
    let sql = "SELECT uid, subject, body_text FROM MessageBody WHERE folder = 'INBOX'";
    for tls in [Tls::None, Tls::Implicit] {
        let (expected, counts) = asked(dovecot, &user, tls, Some(true), sql).await;
        assert_eq!(expected.len(), 200);
        let (mut failed, mut resumed) = (0, 0);
        let step = counts.from_server / 40;
        for cut in (1..counts.from_server + 2 * step).step_by(step as usize) {
            let proxy = Proxy::before(port(dovecot, tls)).cut_after(cut).start();
            let engine_of = |port| engine(dovecot, &user, tls, Some(true), port);
            let engine = engine_of(proxy.port());
            rows(&engine, "SET mailql.retries = 0").await.unwrap();
            match rows(&engine, sql).await {
                Ok(rows) => assert_eq!(rows, expected, "{tls:?} cut after {cut}"),
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    failed += 1;
                }
            }
            let once = Proxy::before(port(dovecot, tls)).cut_after(cut).cuts(1).start();
            if let Ok(rows) = rows(&engine_of(once.port()), sql).await {
                assert_eq!(rows, expected, "{tls:?} cut once after {cut}");
                resumed += 1;
            }
        }
        assert!((36..42).contains(&failed), "{tls:?}: {failed} of 42 failed");
        // The others were cut before anybody was signed in.
        assert!(resumed >= 38, "{tls:?}: {resumed} of 42 went on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compressing_costs_one_round_trip() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| write_many(maildir, 10));
    let mut flights = Vec::new();
    for compress in [false, true] {
        let proxy = Proxy::before(dovecot.port()).delay(Duration::from_millis(20)).start();
        let engine = engine(dovecot, &user, Tls::None, Some(compress), proxy.port());
        let sql = "SELECT subject, body_text FROM MessageBody WHERE folder = 'INBOX' AND subject LIKE '%invoice%'";
        assert_eq!(rows(&engine, sql).await.unwrap().len(), 1);
        flights.push(proxy.counts().flights);
    }
    assert_eq!(flights[0] + 1, flights[1]);
}

/// The rows of a statement on a connection of its own, and what passed for them.
async fn asked(dovecot: &Dovecot, user: &User, tls: Tls, compress: Option<bool>, sql: &str) -> (Vec<String>, Counts) {
    let proxy = Proxy::before(port(dovecot, tls)).start();
    let engine = engine(dovecot, user, tls, compress, proxy.port());
    let rows = rows(&engine, sql).await.unwrap();
    (rows, proxy.counts())
}

async fn rows(engine: &Engine, sql: &str) -> Result<Vec<String>, Error> {
    Ok(answer::rows(&engine.sql(sql).await?.collect().await?))
}

fn engine(dovecot: &Dovecot, user: &User, tls: Tls, compress: Option<bool>, port: u16) -> Engine {
    let account = ImapAccount::new("127.0.0.1", &user.name).password(user.password).tls(tls).port(port);
    let account = account.ca_file(dovecot.ca_file());
    let account = match compress {
        Some(compress) => account.compress(compress),
        None => account,
    };
    Engine::builder().imap("mail", account).build().unwrap()
}

fn port(dovecot: &Dovecot, tls: Tls) -> u16 {
    match tls {
        Tls::Implicit => dovecot.tls_port(),
        Tls::StartTls | Tls::None => dovecot.port(),
    }
}

/// What the scans of a plan counted under a name.
fn metric(plan: &dyn ExecutionPlan, name: &str) -> usize {
    let own = plan.metrics().and_then(|metrics| metrics.sum_by_name(name)).map_or(0, |value| value.as_usize());
    own + plan.children().into_iter().map(|child| metric(child.as_ref(), name)).sum::<usize>()
}

/// Mails with six fields, a text of some 2,000 octets, no two alike, and an attachment.
fn write_many(maildir: &Path, count: usize) {
    for inner in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(inner)).unwrap();
    }
    for number in 0..count {
        let what = if number % 100 == 7 { "invoice" } else { "note" };
        let mut raw = format!(
            "From: Person {number} <p{number}@example.org>\nSubject: {what} {number}\nMessage-ID: <{number}@example.org>\n\
             Date: Wed, 1 Jan 2025 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n"
        );
        for line in 0..40 {
            writeln!(raw, "{} is line {line} of the {what} {number}.", (number * 7919 + line * 104_729) % 1_000_003)
                .unwrap();
        }
        write!(raw, "--b\nContent-Type: application/pdf; name={number}.pdf\n\n{}\n--b--\n", "QUJD".repeat(20)).unwrap();
        fs::write(maildir.join("cur").join(format!("{}.M{number:06}P1.x:2,S", 1_735_689_600 + number)), raw).unwrap();
    }
}
