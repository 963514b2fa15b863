//! Statements that are long: they run, or are refused with a sentence; none ends the process.
//!
//! Each runs in a process of its own, so that the end of one is seen: in the program, and in a program that embeds the
//! engine, whose threads have small stacks.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::prelude::SessionContext;
use mailql::Engine;

mod program;

use program::{Home, stderr};

/// What a statement answers: its first value, or what the refusal says.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Is(&'static str),
    /// Something, whatever it is.
    Any,
    Refused(&'static str),
}

use Answer::{Any, Is, Refused};

/// Twenty mails, with the uids 1 to 20 and the subjects `hello a1` to `hello a20`.
fn write_mails(path: &Path) {
    let mut text = String::new();
    for number in 1..=20 {
        write!(
            text,
            "From a@example.org Thu Jan  1 00:00:00 2026\nFrom: a{number}@example.org\nSubject: hello a{number}\n\
             Date: Thu, 01 Jan 2026 00:00:{number:02} +0000\nMessage-ID: <{number}@example.org>\n\nbody\n\n"
        )
        .unwrap();
    }
    fs::write(path, text).unwrap();
}

fn joined(count: usize, between: &str, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(between)
}

fn counted(condition: &str) -> String {
    format!("SELECT count(*) FROM MessagesInFolder WHERE {condition}")
}

/// Every kind of statement that can be long.
fn cases() -> Vec<(&'static str, String, Answer)> {
    let of_first = |expression: &str| format!("SELECT {expression} FROM MessagesInFolder WHERE uid = 3");
    let mut cases = of_conditions();
    cases.extend(of_steps());
    cases.extend([
        (
            "CASE",
            of_first(&format!("CASE {} END", joined(10_000, " ", |n| format!("WHEN uid = {} THEN 'x{n}'", n + 1)))),
            Is("x2"),
        ),
        ("arguments", of_first(&format!("length(concat({}))", joined(5_000, ", ", |_| "subject".into()))), Is("40000")),
        ("columns", of_first(&joined(3_000, ", ", |n| format!("uid + {n} AS c{n}"))), Is("3")),
        (
            "VALUES",
            format!("SELECT sum(a) FROM (VALUES {}) v(a, b)", joined(20_000, ", ", |n| format!("({n}, 'x')"))),
            Is("199990000"),
        ),
        (
            "ORDER BY",
            format!("SELECT uid FROM MessagesInFolder ORDER BY {}", joined(500, ", ", |n| format!("uid + {n}"))),
            Is("1"),
        ),
        (
            "GROUP BY",
            format!("SELECT count(*) FROM MessagesInFolder GROUP BY {}", joined(300, ", ", |n| format!("uid + {n}"))),
            Is("1"),
        ),
        ("UNION ALL", joined(100, " UNION ALL ", |n| format!("SELECT {n}")), Any),
        ("UNION", joined(100, " UNION ", |_| "SELECT 1".into()), Is("1")),
        ("INTERSECT", joined(60, " INTERSECT ", |_| "SELECT 1".into()), Is("1")),
        ("EXCEPT", joined(60, " EXCEPT ", |n| format!("SELECT {n}")), Is("0")),
        (
            "too many UNION ALL",
            joined(3_000, " UNION ALL ", |n| format!("SELECT {n}")),
            Refused("queries between UNION"),
        ),
        ("too many UNION", joined(20_000, " UNION ", |n| format!("SELECT {n}")), Refused("queries between UNION")),
        (
            "too many INTERSECT",
            joined(20_000, " INTERSECT ", |n| format!("SELECT {n}")),
            Refused("queries between UNION"),
        ),
        ("too many EXCEPT", joined(20_000, " EXCEPT ", |n| format!("SELECT {n}")), Refused("queries between UNION")),
        (
            "too many JOIN",
            format!(
                "SELECT count(*) FROM Folder f {}",
                joined(500, " ", |n| format!("JOIN Folder f{n} USING (folder)"))
            ),
            Refused("tables in one FROM"),
        ),
        (
            "too many CROSS JOIN",
            format!("SELECT 1 FROM Folder f {}", joined(20_000, " ", |n| format!("CROSS JOIN Folder f{n}"))),
            Refused("tables in one FROM"),
        ),
        (
            "too many tables",
            format!("SELECT 1 FROM {}", joined(20_000, ", ", |n| format!("Folder f{n}"))),
            Refused("tables in one FROM"),
        ),
        (
            "WITH",
            format!("WITH {} SELECT * FROM c9", joined(2_000, ", ", |n| format!("c{n} AS (SELECT {n} AS a)"))),
            Is("9"),
        ),
        (
            "WITH over WITH",
            format!(
                "WITH c AS (SELECT 1 AS a), {} SELECT * FROM c49",
                joined(50, ", ", |n| format!(
                    "c{n} AS (SELECT a FROM {})",
                    if n == 0 { "c".into() } else { format!("c{}", n - 1) }
                ))
            ),
            Is("1"),
        ),
        (
            "too many WITH over WITH",
            format!(
                "WITH c AS (SELECT 1 AS a), {} SELECT * FROM c599",
                joined(2_000, ", ", |n| format!(
                    "c{n} AS (SELECT a FROM {})",
                    if n == 0 { "c".into() } else { format!("c{}", n - 1) }
                ))
            ),
            Refused("queries and joins deep"),
        ),
        (
            "queries as columns",
            format!("SELECT {}", joined(2_000, ", ", |n| format!("(SELECT count(*) FROM Folder) AS c{n}"))),
            Refused("queries and joins deep"),
        ),
        (
            "windows",
            of_first(&joined(260, ", ", |n| format!("sum(uid) OVER (ORDER BY uid + {n})"))),
            Refused("queries and joins deep"),
        ),
    ]);
    cases.extend(of_nesting());
    cases
}

fn of_conditions() -> Vec<(&'static str, String, Answer)> {
    vec![
        ("OR of uids", counted(&joined(10_000, " OR ", |n| format!("uid = {}", n + 11))), Is("10")),
        ("OR of uids in brackets", counted(&joined(10_000, " OR ", |n| format!("(uid = {})", n + 11))), Is("10")),
        ("OR of uids, constants first", counted(&joined(10_000, " OR ", |n| format!("{} = uid", n + 11))), Is("10")),
        ("OR of lists", counted(&joined(5_000, " OR ", |n| format!("uid IN ({}, {})", n + 11, n + 12))), Is("10")),
        ("OR of LIKE", counted(&joined(10_000, " OR ", |n| format!("subject LIKE '%a{}%'", n + 15))), Is("6")),
        ("OR of pairs", counted(&joined(5_000, " OR ", |n| format!("uid = {n} AND subject = 'hello a{n}'"))), Is("20")),
        (
            "OR of two columns",
            counted(&joined(5_000, " OR ", |n| format!("uid = {} OR subject = 'hello a{n}'", n + 11))),
            Is("20"),
        ),
        ("NOT of OR", counted(&format!("NOT ({})", joined(5_000, " OR ", |n| format!("uid = {}", n + 11)))), Is("10")),
        ("AND of uids", counted(&joined(10_000, " AND ", |n| format!("uid <> {}", n + 11))), Is("10")),
        ("AND of LIKE", counted(&joined(10_000, " AND ", |n| format!("subject NOT LIKE '%a{}'", n + 11))), Is("10")),
        ("AND of BETWEEN", counted(&joined(5_000, " AND ", |n| format!("uid BETWEEN 3 AND {}", n + 12))), Is("10")),
        ("IN", counted(&format!("uid IN ({})", joined(100_000, ", ", |n| (n + 11).to_string()))), Is("10")),
        (
            "OR of queries",
            counted(&joined(20, " OR ", |n| format!("uid IN (SELECT uid FROM MessagesInFolder WHERE uid = {n})"))),
            Is("19"),
        ),
        ("too many OR", counted(&joined(30_000, " OR ", |n| format!("uid = {n}"))), Refused("ANDs and ORs")),
        ("too many AND", counted(&joined(200_000, " AND ", |_| "true".into())), Refused("ANDs and ORs")),
        (
            "too many OR in brackets",
            counted(&format!(
                "({}) OR {}",
                joined(15_000, " OR ", |_| "seen".into()),
                joined(15_000, " OR ", |_| "seen".into())
            )),
            Refused("ANDs and ORs"),
        ),
        (
            "OR that ends wrongly",
            counted(&format!("{} OR )", joined(19_000, " OR ", |n| format!("uid = {n}")))),
            Refused("no SQL"),
        ),
        (
            "OR in a copy",
            format!(
                "COPY (SELECT uid FROM MessagesInFolder WHERE {}) TO 'out.csv'",
                joined(9_000, " OR ", |n| format!("uid = {}", n + 11))
            ),
            Is("10"),
        ),
        (
            "OR that is explained",
            format!("EXPLAIN {}", counted(&joined(9_000, " OR ", |n| format!("uid = {}", n + 11)))),
            Any,
        ),
        (
            "OR that is analysed",
            format!("EXPLAIN ANALYZE {}", counted(&joined(9_000, " OR ", |n| format!("subject LIKE '%{n}%'")))),
            Any,
        ),
        (
            "OR in HAVING",
            format!(
                "SELECT uid FROM MessagesInFolder GROUP BY uid HAVING {} ORDER BY uid",
                joined(4_000, " OR ", |n| format!("count(*) = {n} AND uid = {}", n + 2))
            ),
            Is("3"),
        ),
        (
            "AND over VALUES",
            format!(
                "SELECT count(*) FROM (VALUES (1), (2), (3)) v(a) WHERE {}",
                joined(9_000, " AND ", |n| format!("a + {n} > {n} + 1"))
            ),
            Is("2"),
        ),
    ]
}

fn of_steps() -> Vec<(&'static str, String, Answer)> {
    let of_first = |expression: &str| format!("SELECT {expression} FROM MessagesInFolder WHERE uid = 3");
    let cases = "CASE WHEN seen THEN 1 ELSE 2 END";
    vec![
        ("sum of numbers", format!("SELECT {}", joined(900, "+", |_| "1".into())), Is("900")),
        ("sum of columns", of_first(&joined(900, " + ", |_| "uid".into())), Is("2700")),
        ("differences", of_first(&joined(900, " - ", |_| "uid".into())), Is("-2694")),
        ("sums and products", of_first(&format!("1 {}", joined(300, " ", |_| "+ uid * 2 - 3".into()))), Is("901")),
        ("sum of fractions", format!("SELECT {}", joined(1_000, " + ", |_| "0.1".into())), Is("99.9999999999986")),
        (
            "sum of days",
            of_first(&format!(
                "CAST(DATE '2026-01-01' + {} AS text)",
                joined(300, " + ", |_| "INTERVAL '1 day'".into())
            )),
            Is("2026-10-28"),
        ),
        ("concatenation", of_first(&format!("length({})", joined(900, " || ", |_| "subject".into()))), Is("7200")),
        (
            "concatenation with null",
            of_first(&format!(
                "{} IS NULL",
                joined(500, " || ", |n| if n == 300 { "NULL".into() } else { "subject".into() })
            )),
            Is("true"),
        ),
        ("sum of CASE", of_first(&joined(300, " + ", |_| cases.into())), Is("600")),
        (
            "too many terms of a sum",
            format!("SELECT {}", joined(100_000, "+", |_| "1".into())),
            Refused("operators in one expression"),
        ),
        ("too many CASE", of_first(&joined(10_000, " + ", |_| cases.into())), Refused("operators in one expression")),
        (
            "too many BETWEEN",
            of_first(&format!("uid {}", joined(9_000, " ", |_| "BETWEEN 1 AND 2".into()))),
            Refused("operators in one expression"),
        ),
        (
            "too many IS DISTINCT FROM",
            of_first(&format!("uid {}", joined(9_000, " ", |_| "IS DISTINCT FROM true".into()))),
            Refused("operators in one expression"),
        ),
        (
            "too many WITHIN GROUP",
            of_first(&joined(9_000, " + ", |_| "percentile_cont(0.5) WITHIN GROUP (ORDER BY uid)".into())),
            Refused("operators in one expression"),
        ),
    ]
}

/// What is deep by itself.
fn of_nesting() -> Vec<(&'static str, String, Answer)> {
    let of_first = |expression: &str| format!("SELECT {expression} FROM MessagesInFolder WHERE uid = 3");
    let mut cases = vec![
        ("brackets", format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000)), Refused("recursion limit")),
        ("functions", format!("SELECT {}1{}", "abs(".repeat(10_000), ")".repeat(10_000)), Refused("recursion limit")),
        (
            "subqueries",
            format!("SELECT * FROM {}Folder{}", "(SELECT * FROM ".repeat(10_000), ")".repeat(10_000)),
            Refused("recursion limit"),
        ),
        ("names", of_first(&joined(10_000, ".", |_| "a".into())), Refused("recursion limit")),
        ("minus", format!("SELECT {} 1", "- ".repeat(10_000)), Refused("")),
        ("NOT", format!("SELECT {} true", "NOT ".repeat(10_000)), Refused("")),
    ];
    for (name, operand, operator) in [
        ("casts", "subject", "::text"),
        ("casts to and fro", "uid", "::text::int"),
        ("IS NULL", "subject", " IS NULL"),
        ("IS TRUE", "seen", " IS TRUE"),
        ("LIKE", "subject", " LIKE subject"),
        ("IN", "seen", " IN (true)"),
        ("=", "seen", " = true"),
        ("<", "seen", " < true"),
        ("AT TIME ZONE", "received_at", " AT TIME ZONE 'UTC'"),
        ("elements", "flags", "[1]"),
        ("COLLATE", "subject", " COLLATE \"x\""),
        ("shifts", "uid", " << 1"),
        ("regular expressions", "subject", " ~ 'x'"),
        ("arrows", "subject", " -> 'x'"),
    ] {
        for count in [80, 450, 50_000] {
            let expected = if count == 80 { Any } else { Refused("") };
            cases.push((name, of_first(&format!("{operand}{}", operator.repeat(count))), expected));
        }
    }
    cases
}

/// The first value, or the message of an error with its hint; nothing where the process ended otherwise.
type Outcome = Result<String, String>;

fn judge(wrong: &mut Vec<String>, name: &str, expected: Answer, outcome: &Outcome) {
    let is_right = match (expected, outcome) {
        (Is(value), Ok(found)) => found == value,
        // Some are no SQL, or have no meaning, however short they are.
        (Any, outcome) => !outcome.as_ref().is_err_and(|error| error.is_empty()),
        (Refused(words), Err(message)) => message.contains(words) && !message.is_empty() && message.len() < 2_000,
        _ => false,
    };
    if !is_right {
        let cut = |text: &String| text.chars().take(300).collect::<String>();
        let outcome = outcome.as_ref().map(cut).map_err(cut);
        wrong.push(format!("{name}: expected {expected:?}, and there was {outcome:?}"));
    }
}

#[test]
fn no_statement_is_too_long_for_the_program() {
    let home = Home::new();
    write_mails(&home.path("box.mbox"));
    let mut wrong = Vec::new();
    for (name, sql, expected) in cases() {
        fs::write(home.path("long.sql"), sql).unwrap();
        let output = home.run(&["box.mbox", "--format", "csv", "-f", "long.sql"]);
        let outcome = match output.status.code() {
            Some(0) => {
                let text = String::from_utf8(output.stdout).unwrap();
                Ok(text.lines().nth(1).unwrap_or_default().split(',').next().unwrap_or_default().to_owned())
            }
            Some(1) => Err(stderr(&output)),
            _ => Err(String::new()),
        };
        judge(&mut wrong, name, expected, &outcome);
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_statement_is_too_long_for_the_stack_of_a_thread_that_embeds_the_engine() {
    let directory = tempfile::tempdir().unwrap();
    let (mails, statement) = (directory.path().join("box.mbox"), directory.path().join("long.sql"));
    write_mails(&mails);
    let mut wrong = Vec::new();
    for (name, sql, expected) in cases() {
        fs::write(&statement, sql).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "runs_one_statement_in_a_small_stack", "--nocapture"])
            .env("LONG_STATEMENT", &statement)
            .env("LONG_MAILS", &mails)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let outcome = match (text.split_once("<<ok "), text.split_once("<<error ")) {
            (Some((_, rest)), _) if output.status.success() => Ok(rest.split_once(">>").unwrap().0.to_owned()),
            (_, Some((_, rest))) if output.status.success() => Err(rest.split_once(">>").unwrap().0.to_owned()),
            _ => Err(String::new()),
        };
        judge(&mut wrong, name, expected, &outcome);
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Rows of a statement over twenty mails, as text.
async fn rows(engine: &Engine, sql: &str) -> Vec<String> {
    let batches = engine.sql(sql).await.unwrap().collect().await.unwrap();
    let row = |batch: &RecordBatch, row| {
        let values = batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap());
        values.collect::<Vec<_>>().join("|")
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |number| row(batch, number))).collect()
}

fn engine(directory: &tempfile::TempDir) -> Engine {
    write_mails(&directory.path().join("box.mbox"));
    Engine::builder().mbox("box", directory.path().join("box.mbox")).build().unwrap()
}

/// Values of all kinds, with nulls among them.
const VALUES: &str = "(VALUES (1, '1', true, 0.1), (2, NULL, false, 2.5), (NULL, 'x', NULL, NULL), (4, '4', true, -1e300)) v(n, t, b, f)";

#[tokio::test(flavor = "multi_thread")]
async fn a_long_condition_means_what_a_short_one_means() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine(&directory);
    let mut compared = 0;
    for short in [
        vec!["n = 1", "n = NULL"],
        vec!["n = 1", "n = 4", "t = '4'"],
        vec!["n = 1", "NULL"],
        vec!["n = 1.0", "n = 2", "n = '4'"],
        vec!["t = '1'", "t = '4'", "t IS NULL"],
        vec!["1 = n", "n IN (2, NULL)"],
        vec!["n <> 1", "n <> NULL"],
        vec!["n <> 1", "t <> '4'", "n NOT IN (2, 3)"],
        vec!["n NOT IN (1, NULL)", "n <> 4"],
        vec!["b", "n > 1"],
        vec!["b IS NULL", "t LIKE '%x%'", "n = 2"],
        vec!["n = 1 AND b", "n = 2 OR b", "NOT b"],
        vec!["f = 0.1", "f = 2.5"],
        vec!["f < 1", "f <> 0.1"],
        vec!["n IN (SELECT 2)", "n = 4"],
        vec!["EXISTS (SELECT 1 FROM (VALUES (1)) w(m) WHERE w.m = v.n)", "n <> 2"],
    ] {
        for operator in [" OR ", " AND "] {
            let once = |terms: &[&str]| terms.iter().map(|term| format!("({term})")).collect::<Vec<_>>().join(operator);
            // A term more than once changes nothing.
            let many: Vec<&str> = short.iter().copied().cycle().take(100).collect();
            let backwards: Vec<&str> = short.iter().rev().copied().cycle().take(99).collect();
            for place in [
                "SELECT n, ({}) FROM {v}",
                "SELECT n, NOT ({}) FROM {v}",
                "SELECT n FROM {v} WHERE {}",
                "SELECT n FROM {v} WHERE NOT ({})",
            ] {
                let has_subquery = short.iter().any(|term| term.contains("SELECT"));
                if has_subquery && place.contains("({}) FROM") {
                    continue;
                }
                let sql =
                    |condition: &str| format!("{} ORDER BY n", place.replace("{v}", VALUES).replace("{}", condition));
                // Subqueries become joins, and there may not be many.
                let times = |terms: &[&str]| match has_subquery {
                    true => format!("{}{operator}{}", once(&short), once(&vec![short[1]; 60])),
                    false => once(terms),
                };
                let expected = rows(&engine, &sql(&once(&short))).await;
                assert_eq!(rows(&engine, &sql(&times(&many))).await, expected, "{place}, {operator}, {short:?}");
                assert_eq!(rows(&engine, &sql(&times(&backwards))).await, expected, "{place}, {operator}, {short:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_sum_is_what_it_is_step_by_step() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine(&directory);
    for steps in [
        "+ n",
        "- n",
        "+ f",
        "* f",
        "+ 0.1",
        "* 3",
        "% 7",
        "+ n * 3 - 2",
        "+ n + 3 - 2",
        "- f / 3 + n % 2",
        "+ CAST(n AS SMALLINT)",
        "| n",
        "& 6",
        "+ CAST(n AS DECIMAL(10, 2))",
    ] {
        let long = format!("n {}", steps.repeat(60));
        // Few at a time: each part of them is a subquery of its own.
        let mut stepwise = format!("SELECT n, f, n AS s FROM {VALUES}");
        for _ in 0..12 {
            stepwise = format!("SELECT n, f, s {} AS s FROM ({stepwise}) AS q", steps.repeat(5));
        }
        let long = rows(&engine, &format!("SELECT n, {long}, arrow_typeof({long}) FROM {VALUES} ORDER BY n")).await;
        let expected = rows(&engine, &format!("SELECT n, s, arrow_typeof(s) FROM ({stepwise}) AS q ORDER BY n")).await;
        assert_eq!(long, expected, "{steps}");
    }
    let long = format!("t {}", "|| '-' || t ".repeat(40));
    let found = rows(&engine, &format!("SELECT {long} FROM {VALUES} ORDER BY n")).await;
    assert_eq!(
        found,
        [
            format!("1{}", "-1".repeat(40)),
            String::new(),
            format!("4{}", "-4".repeat(40)),
            format!("x{}", "-x".repeat(40))
        ]
    );
    let lists = format!("SELECT array_length([0] {}) ", "|| [n, 1] || 2 ".repeat(20));
    assert_eq!(rows(&engine, &format!("{lists} FROM {VALUES} WHERE n = 1")).await, ["61"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_condition_chooses_what_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine(&directory);
    let explained = async |sql: String| {
        let batches = engine.sql(&format!("EXPLAIN {sql}")).await.unwrap().collect().await.unwrap();
        array_value_to_string(batches[0].column(1), 1).unwrap()
    };
    let likes = |column: &str| joined(50, " AND ", |n| format!("{column} NOT LIKE '%z{n}'"));
    let plan = explained(counted(&joined(10_000, " OR ", |n| format!("uid = {}", n + 11)))).await;
    assert!(plan.contains(" search=[UID 11:10010] "), "{plan:.300}");
    let plan = explained(counted(&joined(1_000, " AND ", |n| format!("uid <> {}", n + 11)))).await;
    assert!(plan.contains(" search=[UID 1:10,1011:*] "), "{plan:.300}");
    let plan = explained(counted(&joined(100, " OR ", |n| format!("uid = {} OR seen", n * 2 + 1)))).await;
    assert!(plan.contains(" search=[OR ") && plan.contains(" SEEN"), "{plan:.300}");
    let plan = explained(counted(&format!("{} AND folder = 'box' AND uid > 7 AND seen", likes("subject")))).await;
    assert!(plan.contains(" folders=[box] ") && plan.contains("UID 8:*") && plan.contains("SEEN"), "{plan:.300}");
    let plan = explained(counted(&joined(50, " OR ", |n| format!("folder = 'box{n}'")))).await;
    assert!(plan.contains(" folders=[box0, box1, "), "{plan:.300}");
    // What is read of each mail is decided by the cheap conditions.
    let sql = format!("SELECT count(*) FROM MessageBody WHERE {} AND {}", likes("body_text"), likes("subject"));
    let plan = explained(sql.clone()).await;
    let (first, rest) = plan.split_once(" fetch=[").unwrap().1.split_once(" rest=[").unwrap();
    assert!(!first.contains("BODY") && rest.contains("BODY"), "{first}, {rest:.100}");
    assert_eq!(rows(&engine, &sql).await, ["20"]);
    // A join stays one.
    let sql = format!(
        "SELECT count(*) FROM MessagesInFolder m, (VALUES ('hello a3'), ('hello a4')) v(s) WHERE {} AND m.subject = v.s AND m.uid < 100 + length(v.s) AND {}",
        likes("m.subject"),
        likes("v.s")
    );
    let plan = explained(sql.clone()).await;
    assert!(
        plan.contains("HashJoinExec") && !plan.contains("CrossJoin") && !plan.contains("NestedLoop"),
        "{plan:.500}"
    );
    assert_eq!(rows(&engine, &sql).await, ["2"]);
    // What differs from call to call is called each time.
    let plan =
        explained(format!("SELECT ({}) AS x FROM Folder", joined(50, " OR ", |_| "random() = 2.0".into()))).await;
    assert_eq!(plan.matches("random()").count(), 50, "{plan:.500}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_somebody_else_plans_long_conditions_as_well() {
    let directory = tempfile::tempdir().unwrap();
    write_mails(&directory.path().join("box.mbox"));
    let mut config = mailql::Config::default();
    config.accounts.insert("box".to_owned(), mailql::AccountConfig::Mbox(directory.path().join("box.mbox")));
    let context = SessionContext::new();
    mailql::register(&context, &config).unwrap();
    let of = |condition: String| format!("SELECT count(*) FROM mail.box.MessagesInFolder WHERE {condition}");
    for (sql, expected) in [
        (of(joined(400, " OR ", |n| format!("uid = {}", n + 11))), "10"),
        (of(joined(400, " OR ", |n| format!("subject LIKE '%a{}%'", n + 15))), "6"),
        (of(joined(400, " AND ", |n| format!("subject NOT LIKE '%a{}'", n + 11))), "10"),
        (of(format!("{} = 400", joined(400, " + ", |_| "1".into()))), "20"),
    ] {
        let task = tokio::spawn({
            let context = context.clone();
            async move { context.sql(&sql).await.unwrap().collect().await.unwrap() }
        });
        assert_eq!(array_value_to_string(task.await.unwrap()[0].column(0), 0).unwrap(), expected);
    }
    let deep = of(format!("subject{}", " IS NULL".repeat(150)));
    let error = mailql::Error::from(context.sql(&deep).await.unwrap().collect().await.unwrap_err());
    assert!(error.to_string().contains("levels deep"), "{error}");
}

/// What the test before starts again and again; nothing by itself.
#[test]
fn runs_one_statement_in_a_small_stack() {
    let Some(statement) = std::env::var_os("LONG_STATEMENT") else { return };
    let sql = fs::read_to_string(statement).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(2 << 20).build().unwrap();
    let outcome = runtime.block_on(async {
        let run = async move {
            let engine = Engine::builder().mbox("box", std::env::var("LONG_MAILS").unwrap()).build()?;
            // Dropped by somebody who does not plan it.
            drop(engine.parse(&sql)?);
            let batches = engine.sql(&sql).await?.collect().await?;
            let first = batches.iter().find(|batch| batch.num_rows() > 0);
            Ok::<_, mailql::Error>(
                first.map_or_else(String::new, |batch| array_value_to_string(batch.column(0), 0).unwrap()),
            )
        };
        tokio::spawn(run).await.unwrap()
    });
    match outcome {
        Ok(value) => println!("<<ok {value}>>"),
        Err(error) => println!("<<error {error}>>"),
    }
}
