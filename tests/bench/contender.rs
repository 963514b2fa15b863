//! Who does the tasks: the drain, mailql and the peers, each as a command that a person could type.

use std::fs;
use std::path::{Path, PathBuf};

use super::corpus::Inbox;
use super::drain;
use super::meter::Invocation;
use super::peers::Peers;
use super::task::{Output, Task};

/// One who does tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contender {
    /// The least that the line and the server allow.
    Limit,
    Mailql,
    /// Another program, by its name in the table.
    Peer(String),
}

/// Where the mail is, and who asks.
pub struct Account<'a> {
    pub port: u16,
    pub user: &'a str,
    pub password: &'a str,
    pub inbox: &'a Inbox,
}

/// Where a contender has its home and puts what it saves; empty before every run.
pub struct Place(PathBuf);

impl Place {
    /// A place in a directory that is there.
    pub fn within(directory: &Path) -> Self {
        let place = Self(directory.join("place"));
        place.clear();
        place
    }

    /// What an earlier run left is gone.
    pub fn clear(&self) {
        let _ = fs::remove_dir_all(&self.0);
        fs::create_dir_all(self.home()).unwrap();
        fs::create_dir_all(self.saved()).unwrap();
    }

    /// The home of the user.
    pub fn home(&self) -> PathBuf {
        self.0.join("home")
    }

    /// Where files are saved.
    pub fn saved(&self) -> PathBuf {
        self.0.join("saved")
    }
}

impl Contender {
    /// How it does a task; nothing if it does not.
    pub fn invocation(&self, task: &Task, account: &Account, place: &Place, peers: &Peers) -> Option<Invocation> {
        match self {
            Self::Limit => {
                let saved = place.saved().join("octets");
                let file = if task.output == Output::File { saved.to_str()? } else { drain::NOWHERE };
                Some(limit(task, account, file))
            }
            Self::Mailql => Some(mailql(task, account, place)),
            Self::Peer(name) => peers.invocation(name, task, account, place),
        }
    }
}

/// The drain, which writes what it gets to a file or nowhere.
pub fn limit(task: &Task, account: &Account, file: &str) -> Invocation {
    let invocation = Invocation::new(std::env::current_exe().unwrap());
    let port = account.port.to_string();
    let invocation = invocation.args([drain::PART, &port, account.user, account.password, file]);
    invocation.args((task.commands)(account.inbox))
}

/// mailql, with the account as a URL and no configuration.
pub fn mailql(task: &Task, account: &Account, place: &Place) -> Invocation {
    let mut invocation = at_home(program(), place).env("MAILQL_PASSWORD", account.password).arg(format!(
        "imap://{}@127.0.0.1:{}",
        account.user.replace('@', "%40"),
        account.port
    ));
    for statement in task.sql {
        invocation = invocation.args(["-c", statement]);
    }
    match task.output {
        Output::Csv => invocation.args(["--format", "csv"]),
        Output::File => invocation.arg("-o").arg(place.saved().join("saved.parquet")),
        Output::Directory => invocation.arg("-o").arg(place.saved().join("")),
    }
}

/// A program of a user whose home is empty.
pub fn at_home(program: impl AsRef<std::ffi::OsStr>, place: &Place) -> Invocation {
    let home = place.home();
    Invocation::new(program)
        .env("HOME", &home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CACHE_HOME", home.join("cache"))
}

/// The one that was built for this, or the one that is named.
pub fn program() -> PathBuf {
    std::env::var_os("MAILQL_BENCH_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_mailql").into(), PathBuf::from)
}
