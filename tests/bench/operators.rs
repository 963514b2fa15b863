//! The operators of the engine over two million rows of Parquet, beside DataFusion's own wheel: whole processes, in turn.
//!
//! It tells what the release profile costs, which does not optimise every crate. What both print must have as many rows.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use super::options::Options;
use super::peers;

/// The statements, each by what it is about.
const STATEMENTS: [(&str, &str); 8] = [
    (
        "group by sender",
        "SELECT from_address, count(*) AS n, sum(size) AS s FROM mail GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
    ),
    ("group by month", "SELECT date_trunc('month', received_at) AS m, count(*) AS n FROM mail GROUP BY 1 ORDER BY 1"),
    ("ILIKE", "SELECT count(*) AS n FROM mail WHERE subject ILIKE '%invoice%'"),
    ("join on message ids", "SELECT count(*) AS n FROM mail a JOIN mail b ON a.in_reply_to = b.message_id"),
    (
        "window",
        "SELECT count(*) AS n FROM (SELECT row_number() OVER (PARTITION BY from_address ORDER BY received_at DESC) AS r FROM mail) AS t WHERE r = 1",
    ),
    ("regexp", "SELECT count(*) AS n FROM mail WHERE regexp_like(subject, 'number [0-9]*77 (Inv|lamp)')"),
    ("sort with limit", "SELECT uid, subject FROM mail ORDER BY received_at DESC, size, uid LIMIT 50"),
    ("count distinct", "SELECT count(DISTINCT from_address) AS a, count(DISTINCT subject) AS b FROM mail"),
];

/// Runs all of them.
pub fn run(options: &Options) -> ExitCode {
    let python = match peers::environment_of(&["datafusion==55.0.0", "pyarrow"]) {
        Ok(python) => python,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/peers/operators.py");
    let file = options.directory.join("mail.parquet");
    let wheel = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.arg(&script).args(arguments);
        command
    };
    assert!(wheel(&["make", file.to_str().unwrap()]).status().unwrap().success(), "the rows can be made");
    let home = tempfile::tempdir().unwrap();
    let program = std::env::var_os("MAILQL_BENCH_BINARY")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_mailql")), PathBuf::from);
    println!("| statement | wheel s | mailql s | × |\n| --- | ---: | ---: | ---: |");
    for (name, sql) in STATEMENTS {
        let own = sql
            .replace("FROM mail", &format!("FROM '{}'", file.display()))
            .replace("JOIN mail", &format!("JOIN '{}'", file.display()));
        let mailql = || {
            let mut command = Command::new(&program);
            command.env("HOME", home.path()).args(["demo", "--format", "csv", "-c", &own]);
            command
        };
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        let mut rows = (0, 0);
        // Once for all that is read the first time.
        for round in 0..=options.runs {
            let (time, count) = timed(wheel(&["run", file.to_str().unwrap(), sql]));
            rows.0 = count;
            theirs.extend((round > 0).then_some(time));
            let (time, count) = timed(mailql());
            // The header line.
            rows.1 = count - 1;
            ours.extend((round > 0).then_some(time));
        }
        assert_eq!(rows.0, rows.1, "{name}");
        let (theirs, ours) = (median(theirs), median(ours));
        println!("| {name} | {theirs:.3} | {ours:.3} | **{:.2}** |", ours / theirs);
    }
    ExitCode::SUCCESS
}

/// How long a process takes, and how many lines it prints.
fn timed(mut command: Command) -> (Duration, usize) {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap();
    let time = start.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (time, output.stdout.iter().filter(|octet| **octet == b'\n').count())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}
