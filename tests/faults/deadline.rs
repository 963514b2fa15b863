//! A statement that takes too long ends, whatever comes in meanwhile: `mailql.statement_timeout_seconds`.

use std::time::{Duration, Instant};

use mailql::{Engine, Error, ErrorKind};

use crate::server::scripted::{Action, Script};
use crate::{engine, rows, script};

/// Octets that come one by one, a while after each other, for longer than any test waits.
fn trickle() -> Vec<Action> {
    let octet = |_| [Action::send("x"), Action::Pause(Duration::from_millis(100))];
    [Action::send("* OK ")].into_iter().chain((0..600).flat_map(octet)).collect()
}

fn trickling(name: &'static str) -> Script {
    match name {
        "greeting" => script().on_greeting(|_| trickle()),
        name => script().on_command(move |command, _, _| (command.name == name).then(trickle)),
    }
}

fn is_over(what: &str, error: &Error, took: Duration) {
    assert_eq!(error.kind(), ErrorKind::Refused, "{what}: {error}");
    let said = error.to_string();
    assert!(said.contains("has run for 1 s, and mailql.statement_timeout_seconds is 1"), "{what}: {said}");
    assert!(error.way_out().unwrap().contains("SET mailql.statement_timeout_seconds"), "{what}");
    assert!((Duration::from_millis(900)..Duration::from_secs(8)).contains(&took), "{what}: {took:?}");
}

/// The error of a statement that may take a second, and how long it took.
async fn ended(engine: &Engine, what: &str, sql: &str) {
    rows(engine, "SET mailql.statement_timeout_seconds = 1").await.unwrap();
    let start = Instant::now();
    let error = rows(engine, sql).await.unwrap_err();
    is_over(what, &error, start.elapsed());
}

const SUBJECTS: &str = "SELECT subject FROM MessagesInFolder WHERE folder = 'INBOX'";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_stops_does_not_keep_a_statement() {
    for name in ["greeting", "AUTHENTICATE", "LIST", "EXAMINE", "UID FETCH"] {
        let server = trickling(name).start();
        let sql = if name == "LIST" { "SELECT folder FROM Folder" } else { SUBJECTS };
        ended(&engine(server.port()).await, name, sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_statement_ends() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let server = trickling("UID FETCH").start();
    let engine = engine(server.port()).await;
    let table = format!("CREATE EXTERNAL TABLE kept (subject TEXT) STORED AS CSV LOCATION '{}/'", file("kept"));
    std::fs::create_dir(file("kept")).unwrap();
    rows(&engine, &table).await.unwrap();
    for sql in [
        format!("EXPLAIN ANALYZE {SUBJECTS}"),
        format!("COPY ({SUBJECTS}) TO '{}'", file("out.csv")),
        format!("INSERT INTO kept {SUBJECTS}"),
        format!("CREATE TABLE mine AS {SUBJECTS}"),
        format!("SELECT count(*) FROM ({SUBJECTS}) a JOIN (VALUES ('first')) v(s) ON a.subject = v.s"),
        format!("{SUBJECTS} UNION ALL SELECT 'x'"),
        "SELECT count(*) FROM generate_series(1, 1000000) a CROSS JOIN generate_series(1, 1000000) b".to_owned(),
        "SELECT count(*) FROM generate_series(1, 300000) a JOIN generate_series(1, 300000) b ON a.value < b.value * 2"
            .to_owned(),
        "SELECT count(*) FROM generate_series(1, 100000000000)".to_owned(),
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r".to_owned(),
    ] {
        ended(&engine, &sql, &sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_quick_enough_or_has_no_limit_is_whole() {
    let server = script().start();
    let engine = engine(server.port()).await;
    for limit in [0, 30] {
        rows(&engine, &format!("SET mailql.statement_timeout_seconds = {limit}")).await.unwrap();
        assert_eq!(rows(&engine, SUBJECTS).await.unwrap().len(), 4);
        assert_eq!(rows(&engine, &format!("{SUBJECTS} ORDER BY uid LIMIT 1")).await.unwrap(), ["first"]);
        assert_eq!(rows(&engine, "VALUES (1), (2)").await.unwrap(), ["1", "2"]);
    }
    for wrong in ["-1", "604801", "x"] {
        let error = rows(&engine, &format!("SET mailql.statement_timeout_seconds = '{wrong}'")).await.unwrap_err();
        assert!(error.to_string().contains("statement_timeout_seconds cannot be"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_came_in_time_are_given_and_then_the_error() {
    use futures::StreamExt;
    // The first folder is read, the second never ends.
    let script = script().on_command(|command, _, context| {
        (command.name == "UID FETCH" && context.folder.as_deref() == Some("Archive")).then(trickle)
    });
    let server = script.start();
    let engine = engine(server.port()).await;
    rows(&engine, "SET mailql.statement_timeout_seconds = 2").await.unwrap();
    let frame = engine.sql("SELECT subject FROM MessagesInFolder ORDER BY uid").await.unwrap();
    drop(frame);
    let frame = engine.sql("SELECT subject FROM MessagesInFolder").await.unwrap();
    let mut stream = frame.execute_stream().await.unwrap();
    let (mut given, mut errors) = (0, 0);
    while let Some(batch) = stream.next().await {
        match batch {
            Ok(batch) => given += batch.num_rows(),
            Err(error) => {
                errors += 1;
                assert!(Error::from(error).to_string().contains("statement_timeout_seconds"));
            }
        }
    }
    assert!(given <= 4 && errors == 1, "{given} rows, {errors} errors");
}
