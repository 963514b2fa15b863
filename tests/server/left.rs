//! What a server leaves behind when it ends, or when the test program that started it is killed: nothing.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use super::started::DEADLINE;

/// What there is of a server: its directory, and the processes of its group.
#[derive(Debug)]
pub struct Left {
    directory: PathBuf,
    group: String,
}

impl Left {
    /// Of the one that runs in this directory, where a file has the number of its first process.
    pub fn by(directory: &Path, file: &str) -> Self {
        let first = fs::read_to_string(directory.join(file)).unwrap();
        let group = Command::new("ps").args(["-o", "pgid=", "-p", first.trim()]).output().unwrap().stdout;
        let left = Self { directory: directory.to_owned(), group: String::from_utf8(group).unwrap().trim().to_owned() };
        assert!(left.processes().len() > 2, "its processes are not found: {left:?}");
        left
    }

    /// Waits until it is gone: who is killed may take a moment to die.
    pub fn vanishes(&self) {
        let start = Instant::now();
        while self.directory.exists() || !self.processes().is_empty() {
            assert!(start.elapsed() < DEADLINE, "{self:?}: {:?}", self.processes());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The living processes of its group, by their line in the process table.
    fn processes(&self) -> Vec<String> {
        let table = Command::new("ps").args(["-e", "-o", "pgid=,stat=,args="]).output().unwrap().stdout;
        let table = String::from_utf8_lossy(&table).into_owned();
        let lines = table.lines().filter(|line| {
            let mut fields = line.split_whitespace();
            fields.next() == Some(&self.group) && !fields.next().unwrap().starts_with('Z')
        });
        lines.map(str::to_owned).collect()
    }
}

/// Runs the ignored test `a_program_to_kill` of this test program, which starts a server and calls [`wait_to_be_killed`];
/// kills it, and waits until nothing of the server is left.
pub fn kill_a_program(file: &str) {
    let mut program = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "a_program_to_kill"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    let directory = lines.find_map(|line| line.strip_prefix(DIRECTORY).map(PathBuf::from)).unwrap();
    let left = Left::by(&directory, file);
    program.kill().unwrap();
    program.wait().unwrap();
    left.vanishes();
}

/// Tells where the server runs, and waits.
#[allow(clippy::print_stdout, reason = "the program that kills this one reads it")]
pub fn wait_to_be_killed(directory: &Path) {
    println!("{DIRECTORY}{}", directory.display());
    thread::sleep(Duration::from_secs(600));
}

const DIRECTORY: &str = "directory: ";
