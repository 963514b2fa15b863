//! How time and memory grow with the mailbox: T2 alone, from a thousand messages to a million.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use super::contender::{self, Account, Place};
use super::corpus::Kind;
use super::measure::mailbox;
use super::options::Options;
use super::server::dovecot::{self, Dovecot};
use super::table::{Median, grouped, line};
use super::task::{TASKS, Task};

/// Prints a table with a row for each size.
pub fn run(options: &Options) -> ExitCode {
    let directory = tempfile::tempdir().unwrap();
    let task = TASKS.iter().find(|task| task.name == "T2").expect("it is there");
    println!(
        "{}",
        line(["messages", "limit s", "mailql s", "×", "CPU s", "µs per message", "peak MB"].map(str::to_owned))
    );
    println!("{}", line(["---:"; 7].map(str::to_owned)));
    for &size in &options.sizes {
        // One server for each, so that none has a worse time for the mail of the others.
        // A million messages need more memory than it allows itself.
        let dovecot =
            Dovecot::start(&dovecot::Options { more: "default_vsz_limit = 4 G", ..dovecot::Options::default() });
        let (inbox, user) = mailbox(&dovecot, Kind::Tiny, size, options.keep.as_deref());
        let account = Account { port: dovecot.port(), user: &user.name, password: user.password, inbox: &inbox };
        let place = Place::within(directory.path());
        if let Err(said) = check(task, &account, &place, directory.path()) {
            eprintln!("{size}: {said}");
            return ExitCode::FAILURE;
        }
        let (mut least, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..options.runs {
            let limit = contender::limit(task, &account, super::drain::NOWHERE);
            for (invocation, costs) in [(limit, &mut least), (contender::mailql(task, &account, &place), &mut costs)] {
                match invocation.measure(Path::new("/dev/null")) {
                    Ok(cost) => costs.push(cost),
                    Err(said) => {
                        eprintln!("{size}: {said}");
                        return ExitCode::FAILURE;
                    }
                }
            }
        }
        let limit = Median::of(&least, |cost| cost.wall.as_secs_f64());
        let wall = Median::of(&costs, |cost| cost.wall.as_secs_f64());
        println!(
            "{}",
            line([
                grouped(size.into()),
                limit.text(),
                wall.text(),
                format!("**{:.2}**", wall.median / limit.median),
                format!("{:.3}", Median::of(&costs, |cost| cost.cpu.as_secs_f64()).median),
                format!("{:.2}", wall.median * 1e6 / f64::from(size)),
                format!("{:.0}", Median::of(&costs, |cost| cost.peak as f64 / 1e6).median),
            ])
        );
    }
    ExitCode::SUCCESS
}

/// Does it once, and looks whether every message has its row.
fn check(task: &Task, account: &Account, place: &Place, directory: &Path) -> Result<(), String> {
    let output = directory.join("output");
    contender::mailql(task, account, place).measure(&output)?;
    let rows = BufReader::new(File::open(&output).unwrap()).lines().count().saturating_sub(1);
    if rows == account.inbox.messages as usize { Ok(()) } else { Err(format!("mailql finds {rows} rows")) }
}
