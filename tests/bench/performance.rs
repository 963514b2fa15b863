//! The benchmark: what people ask of a mailbox, as whole processes, beside the least that the line allows and beside others.
//!
//! It makes a corpus, gives it to a private Dovecot, puts a line of some length in front of it, and lets each contender do
//! each task in turn; what comes out is a Markdown table. Read on in `measure`; `docs/performance.md` says how to repeat it
//! and what is compared with what.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a benchmark that fails says enough")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for people")]
#![cfg_attr(not(unix), allow(dead_code, unused_imports))]

#[cfg(unix)]
mod contender;
#[cfg(unix)]
mod corpus;
#[allow(dead_code, reason = "the sample mailbox throws them, too")]
#[path = "../../src/cli/demo/dice.rs"]
mod dice;
#[cfg(unix)]
mod drain;
#[cfg(unix)]
mod measure;
#[cfg(unix)]
mod meter;
#[cfg(unix)]
mod operators;
#[cfg(unix)]
mod options;
#[cfg(unix)]
mod peers;
#[cfg(unix)]
mod scale;
#[cfg(unix)]
mod sending;
#[cfg(unix)]
#[path = "../server/mod.rs"]
mod server;
#[cfg(unix)]
mod shim;
#[cfg(unix)]
mod soak;
#[cfg(unix)]
mod table;
#[cfg(unix)]
mod task;

#[cfg(unix)]
use std::os::unix::process::CommandExt;
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::process::Command;
use std::process::ExitCode;

/// It is run again by itself in the parts that must be processes of their own.
#[cfg(unix)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((part, rest)) if part == drain::PART => drain::main(rest),
        Some((part, rest)) if part == meter::PART => meter::main(rest),
        Some((part, rest)) if part == sending::PART => sending::main(rest),
        Some((part, rest)) if part == shim::PART => shim::main(rest),
        _ if arguments.iter().any(|argument| argument == "--help") => {
            println!("{}", options::USAGE);
            ExitCode::SUCCESS
        }
        // Cargo says so; whoever runs all targets as tests does not want this.
        _ if arguments.iter().any(|argument| argument == "--bench") => match options::Options::parse(&arguments) {
            // Servers and programs make their files where the environment says so.
            Ok(options) if std::env::temp_dir() != options.directory => again(&options.directory, &arguments),
            Ok(options) if options.operators => operators::run(&options),
            Ok(options) if options.sending => sending::run(&options),
            Ok(options) if options.soak => soak::run(&options),
            Ok(options) if options.scale => scale::run(&options),
            Ok(options) => measure::run(&options),
            Err(message) => {
                eprintln!("{message}");
                ExitCode::from(2)
            }
        },
        _ => {
            eprintln!("nothing is measured without `--bench`: run `cargo bench`");
            ExitCode::SUCCESS
        }
    }
}

/// Becomes the same program, with another place for files.
#[cfg(unix)]
fn again(directory: &Path, arguments: &[String]) -> ExitCode {
    let mut program = Command::new(std::env::current_exe().unwrap());
    let error = program.args(arguments).arg("--directory").arg(directory).env("TMPDIR", directory).exec();
    eprintln!("cannot start again: {error}");
    ExitCode::FAILURE
}

/// The servers need Unix.
#[cfg(not(unix))]
fn main() -> ExitCode {
    ExitCode::SUCCESS
}
