//! Other programs that do the same tasks, as far as they are at hand.
//!
//! The Python libraries are installed into an environment of their own below `target/`; of Debian's packages it is only said
//! how to install them. What a peer does not do is empty in the table, and why one is missing stands under it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::contender::{Account, Place, at_home};
use super::meter::Invocation;
use super::options::Options;
use super::task::Task;

/// Those that are at hand, and why others are not.
pub struct Peers {
    python: Option<PathBuf>,
    versions: Vec<String>,
    missing: Vec<(String, String)>,
}

impl Peers {
    /// Looks for those that are wanted, and installs what it may.
    pub fn find(options: &Options) -> Self {
        let mut peers = Self { python: None, versions: Vec::new(), missing: Vec::new() };
        let is_library = |name: &&String| LIBRARIES.iter().any(|(library, _)| library == name);
        if options.peers.iter().any(|name| is_library(&name)) {
            match environment() {
                Ok(python) => {
                    peers.versions.extend(LIBRARIES.map(|(_, package)| package.replace("==", " ")));
                    peers.python = Some(python);
                }
                Err(reason) => {
                    let missing = options.peers.iter().filter(is_library);
                    peers.missing.extend(missing.map(|name| (name.clone(), reason.clone())));
                }
            }
        }
        for name in options.peers.iter().filter(|name| !is_library(name)) {
            match version(name) {
                Ok(version) => peers.versions.push(version),
                Err(reason) => peers.missing.push((name.clone(), reason)),
            }
        }
        peers
    }

    /// Their names with their versions.
    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// Those that are wanted and not there, each with the reason.
    pub fn missing(&self) -> impl Iterator<Item = (&str, &str)> {
        self.missing.iter().map(|(name, reason)| (name.as_str(), reason.as_str()))
    }

    /// How a peer does a task; nothing if it does not, or is not there.
    pub fn invocation(&self, name: &str, task: &Task, account: &Account, place: &Place) -> Option<Invocation> {
        if self.missing.iter().any(|(missing, _)| missing == name) {
            return None;
        }
        // Of several ways to do a task in SQL, the first is as good as any to compare with.
        if task.name.starts_with("T3-") {
            return None;
        }
        match name {
            "curl" => curl(task, account, place),
            "mbsync" => (task.name == "T8").then(|| mbsync(account, place)),
            _ => {
                let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/bench/peers/with_{name}.py"));
                let port = account.port.to_string();
                let invocation = at_home(self.python.as_ref()?, place).env("PYTHONDONTWRITEBYTECODE", "1").arg(script);
                Some(invocation.args([task.name, &port, account.user, account.password]).arg(place.saved()))
            }
        }
    }
}

/// A Python with the libraries in it; the error says why there is none.
fn environment() -> Result<PathBuf, String> {
    environment_of(&LIBRARIES.map(|(_, package)| package))
}

/// The same with other packages.
pub fn environment_of(packages: &[&str]) -> Result<PathBuf, String> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench").join(packages.join("-"));
    let python = directory.join("bin/python");
    if directory.join("complete").exists() {
        return Ok(python);
    }
    eprintln!("installing {}", packages.join(" and "));
    let _ = fs::remove_dir_all(&directory);
    run(
        Command::new("python3").args(["-m", "venv"]).arg(&directory),
        "python3 makes no environment (apt-get install python3-venv)",
    )?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages), "pip could not install it")?;
    fs::write(directory.join("complete"), "").unwrap();
    Ok(python)
}

fn run(command: &mut Command, otherwise: &str) -> Result<String, String> {
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{otherwise}: {}", said.lines().last().unwrap_or_default()))
        }
        Err(_) => Err(otherwise.to_owned()),
    }
}

/// A program's own name and version; the error says how to come by it.
fn version(name: &str) -> Result<String, String> {
    let package = if name == "mbsync" { "isync" } else { name };
    let said = run(Command::new(name).arg("--version"), &format!("not installed (apt-get install {package})"))?;
    Ok(said.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

/// What curl can ask: one command of IMAP, whose answer it prints as it is.
fn curl(task: &Task, account: &Account, place: &Place) -> Option<Invocation> {
    let command = match task.name {
        "T1" => "LIST \"\" * RETURN (STATUS (MESSAGES UNSEEN))",
        "T7" => "STATUS INBOX (MESSAGES)",
        _ => return None,
    };
    let url = format!("imap://127.0.0.1:{}/", account.port);
    let user = format!("{}:{}", account.user, account.password);
    Some(at_home("curl", place).args([
        "--silent",
        // Otherwise it shows of the answer only what is named like the command.
        "--verbose",
        "--stderr",
        "-",
        "--user",
        &user,
        "--request",
        command,
        &url,
    ]))
}

/// mbsync into a new Maildir; without COMPRESS, which it would use by itself and which costs it four times as long here.
fn mbsync(account: &Account, place: &Place) -> Invocation {
    let Account { port, user, password, .. } = account;
    let saved = place.saved();
    let configuration = format!(
        "\
FSync no

IMAPAccount bench
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN
DisableExtension COMPRESS=DEFLATE

IMAPStore far
Account bench

MaildirStore near
Path {saved}/
Inbox {saved}/INBOX

Channel bench
Far :far:
Near :near:
Patterns INBOX
Sync Pull
Create Near
SyncState *
",
        saved = saved.display()
    );
    let file = place.home().join("mbsyncrc");
    fs::write(&file, configuration).unwrap();
    at_home("mbsync", place).args(["--quiet", "--config"]).arg(file).arg("bench")
}

/// What they are called here, and what is installed.
const LIBRARIES: [(&str, &str); 2] = [("imapclient", "IMAPClient==4.1.0"), ("imap_tools", "imap-tools==1.16.0")];
