//! Runs a program from start to exit and says what it cost.
//!
//! It is a process of its own for each run, since the system tells the peak memory of all children together.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// The name of this part on the command line.
pub const PART: &str = "meter";

/// A program with its arguments and what it finds in its environment.
#[derive(Clone, Debug)]
pub struct Invocation {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

impl Invocation {
    /// A program without arguments.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self { program: program.as_ref().to_owned(), arguments: Vec::new(), environment: Vec::new() }
    }

    /// One more argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// A variable of the environment.
    pub fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name, value.as_ref().to_owned()));
        self
    }

    /// Runs it, its standard output going to `output`; the error is what it said.
    pub fn measure(&self, output: &Path) -> Result<Cost, String> {
        let mut meter = Command::new(std::env::current_exe().unwrap());
        meter.arg(PART).arg(output).arg(&self.program).args(&self.arguments).stdin(Stdio::null());
        meter.env_remove("MAILQL_CONFIG").env_remove("MAILQL_LOG");
        for (name, value) in &self.environment {
            meter.env(name, value);
        }
        let run = meter.output().unwrap();
        if !run.status.success() {
            let said = String::from_utf8_lossy(&run.stderr);
            return Err(format!("{} failed:\n{}", self.program.to_string_lossy(), said.trim_end()));
        }
        let said = String::from_utf8_lossy(&run.stdout);
        let numbers: Vec<u64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
        Ok(Cost {
            wall: Duration::from_micros(numbers[0]),
            cpu: Duration::from_micros(numbers[1]),
            peak: numbers[2] * 1024,
        })
    }
}

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From start to exit.
    pub wall: Duration,
    /// Of the program, in its own code and in the system's for it.
    pub cpu: Duration,
    /// The most memory that it held at a time, in octets.
    pub peak: u64,
}

/// Runs `OUTPUT PROGRAM [ARGUMENT]...` and prints microseconds of time, of processor, and KiB of memory.
pub fn main(arguments: &[String]) -> ExitCode {
    let [output, program, arguments @ ..] = arguments else { return ExitCode::from(2) };
    let output = File::options().create(true).write(true).truncate(true).open(output).unwrap();
    let start = Instant::now();
    let mut child = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(output).spawn().unwrap();
    let status = child.wait().unwrap();
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    println!("{} {cpu} {}", wall.as_micros(), usage.max_rss());
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
