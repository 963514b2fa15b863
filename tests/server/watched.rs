//! A server that ends with the test program, in whatever way that ends.
//!
//! The shell script `watch` beside this file does the work; here is the test program's end of it. It knows no mail.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

/// A program with a directory of its own; both are gone when this is dropped.
pub struct Watched {
    directory: PathBuf,
    watcher: Child,
}

impl Watched {
    /// Makes the directory; nothing runs before [`Watched::start`].
    pub fn new(program: &[&str]) -> Self {
        let mut watcher = Command::new("sh")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/watch"))
            .args(program)
            .env("TZ", "UTC")
            .env("TMPDIR", env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(watcher.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let directory = PathBuf::from(line.trim_end());
        assert!(directory.is_dir(), "the watcher made no directory");
        Self { directory, watcher }
    }

    /// Runs the program in its directory.
    pub fn start(&mut self) {
        self.watcher.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What a file of the directory says; nothing if it is not there.
    pub fn text(&self, name: &str) -> String {
        let octets = fs::read(self.directory.join(name)).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        // Its own failure is no reason to panic while a test may be panicking.
        let _ = self.watcher.wait();
    }
}
