//! A real terminal, which tmux gives; shared by the tests that sit at one.
#![allow(dead_code, reason = "each test program uses its part")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::program::{DEADLINE, Home, stderr};

/// The program in a real terminal of 100 columns; dropped, it and what runs in it are gone.
pub struct Terminal {
    pub home: Home,
}

impl Terminal {
    pub fn start() -> Self {
        let terminal = Self::with("demo");
        terminal.until("the first prompt", |screen| screen.trim_end().ends_with("demo=>"));
        terminal
    }

    pub fn with(arguments: &str) -> Self {
        Self::at(Home::new(), arguments)
    }

    /// The same, in a home that is there already.
    pub fn at(home: Home, arguments: &str) -> Self {
        Self::running(home, &format!("'{}' {arguments}", env!("CARGO_BIN_EXE_mailql")))
    }

    /// The same, and the certificates of a file are those of the system.
    pub fn trusting(home: Home, certificates: &Path, arguments: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_mailql");
        Self::running(home, &format!("SSL_CERT_FILE='{}' '{program}' {arguments}", certificates.display()))
    }

    /// The same, and every octet that goes to the terminal is kept: see [`Terminal::drawn`].
    pub fn recorded(home: Home, arguments: &str) -> Self {
        let program = format!("'{}' {arguments}", env!("CARGO_BIN_EXE_mailql"));
        fs::write(home.path("recorded.sh"), program).unwrap();
        Self::running(home, "SHELL=/bin/sh script -q -f -e -c 'sh recorded.sh' drawn")
    }

    fn running(home: Home, program: &str) -> Self {
        let terminal = Self { home };
        let environment = terminal.home.environment().into_iter().map(|(name, value)| format!("{name}='{value}'"));
        let environment = environment.collect::<Vec<_>>().join(" ");
        let command = format!(
            "cd '{}'; env -u MAILQL_CONFIG -u MAILQL_PASSWORD -u MAILQL_TOKEN {environment} EDITOR=./editor LC_ALL=C.UTF-8 \
             env {program}; echo \"status $?\"; read -r _",
            terminal.home.0.path().display()
        );
        terminal.tmux(&["new-session", "-d", "-x", "100", "-y", "50", &command]);
        terminal
    }

    /// Every octet that went to the terminal by now.
    pub fn drawn(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.home.path("drawn")).unwrap_or_default()).into_owned()
    }

    /// Types on, after the program, until it is seen.
    pub fn echoes(&self, screen: &str) -> bool {
        let is_seen = screen.contains("seen");
        if !is_seen {
            self.types("seen ");
        }
        is_seen
    }

    pub fn tmux(&self, arguments: &[&str]) -> String {
        let socket = self.home.path("tmux");
        let mut command = Command::new("tmux");
        command.env_remove("TMUX").env("LC_ALL", "C.UTF-8").arg("-u").arg("-S").arg(socket).args(["-f", "/dev/null"]);
        let output = command.args(arguments).output().expect("tmux is needed by these tests");
        assert!(output.status.success(), "tmux {arguments:?}: {}", stderr(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn types(&self, text: &str) {
        // A semicolon at the end would end tmux's own command.
        let text = text.strip_suffix(';').map_or(text.to_owned(), |text| format!("{text}\\;"));
        self.tmux(&["send-keys", "-l", "--", &text]);
    }

    pub fn presses(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Types a line and waits for the next prompt below what it caused; gives that.
    pub fn says(&self, line: &str) -> String {
        self.tmux(&["send-keys", "-R"]);
        self.tmux(&["clear-history"]);
        self.types(line);
        self.presses("Enter");
        let is_back = |screen: &str| screen.trim_end().lines().count() > 1 && screen.trim_end().ends_with("demo=>");
        self.until(line, is_back)
    }

    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-2000"])
    }

    /// Waits for a question, and answers it.
    pub fn answers(&self, question: &str, answer: &str) {
        self.until(question, |screen| screen.replace('\n', "").trim_end().ends_with(question));
        self.types(answer);
        self.presses("Enter");
    }

    /// What is on the screen, with lines that the terminal broke put together again.
    pub fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J", "-S", "-2000"])
    }

    pub fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        let start = Instant::now();
        while !is_so(&screen) {
            assert!(start.elapsed() < DEADLINE, "waited for: {what}\n{screen}");
            screen = self.screen();
        }
        screen
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let socket = self.home.path("tmux");
        drop(Command::new("tmux").env_remove("TMUX").arg("-S").arg(socket).arg("kill-server").output());
    }
}
