//! Where the password of a live account comes from, and fetching it.
//!
//! Runs a command when the configuration says so; reads neither environment nor terminal itself.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Where a password comes from.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Password {
    /// It is known.
    Given(Secret),
    /// A command tells it, on the first line of what it prints.
    Command(String),
    /// Nobody said; the account cannot be used like that.
    Missing,
}

impl Password {
    /// Fetches the password; a command is run anew at each call, for up to 60 s, since it may ask a person something.
    ///
    /// The command is one of the platform's shell (`sh -c`, `cmd /C`) and has the standard input of this program.
    ///
    /// # Errors
    /// There is none, or the command fails, takes too long, or prints nothing on its first line.
    pub async fn read(&self) -> Result<Secret> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::Command(command) => said_by(command, WITHIN).await,
            Self::Missing => Err(Error::new(ErrorKind::Config, "no password is known for this account")
                .hint("give it a password_command; mailql asks only for the account that it is started with")),
        }
    }
}

impl fmt::Debug for Password {
    /// A command may have a secret in it, so that it is not shown either.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given(…)",
            Self::Command(_) => "Command(…)",
            Self::Missing => "Missing",
        })
    }
}

async fn said_by(command: &str, within: Duration) -> Result<Secret> {
    let failed = |what: String| {
        let error = Error::new(ErrorKind::Config, format!("the password command {what}"));
        error.hint("run the password_command in a shell: the first line that it prints is the password")
    };
    let ended = tokio::time::timeout(within, run(command)).await;
    let ended = ended.map_err(|_| failed(format!("did not end within {} s", within.as_secs())))?;
    let (status, output, complaint) = ended.map_err(|error| failed(format!("cannot be run: {error}")))?;
    let output = std::str::from_utf8(&output).map_err(|_| failed("prints no UTF-8".to_owned()))?;
    let password = output.lines().next().unwrap_or_default();
    if !status.success() {
        return Err(failed(format!("failed ({status}){}", in_short(&complaint, password))));
    }
    if password.is_empty() {
        return Err(failed(format!("printed no password{}", in_short(&complaint, password))));
    }
    Ok(Secret::from(password))
}

type Ended = (std::process::ExitStatus, Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

/// Runs a command to its end; dropped, the command is killed.
async fn run(command: &str) -> std::io::Result<Ended> {
    let mut shell = shell(command);
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let (output, complaint) = tokio::join!(beginning(child.stdout.take()), beginning(child.stderr.take()));
    Ok((child.wait().await?, output?, complaint?))
}

#[cfg(not(windows))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    // As it stands: cmd has quotes of its own.
    shell.arg("/C").raw_arg(command);
    shell
}

/// What comes out of a pipe, up to a length; a command that says more is left talking to nobody.
async fn beginning(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // As long as it can get, so that growing leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
    if let Some(pipe) = pipe {
        let mut pipe = pipe.take(LENGTH as u64);
        while bytes.len() < LENGTH && pipe.read_buf(&mut *bytes).await? > 0 {}
    }
    Ok(bytes)
}

/// What a command complained of, on one line and without the password, which some commands repeat.
fn in_short(complaint: &[u8], password: &str) -> String {
    let text = String::from_utf8_lossy(complaint).split_whitespace().collect::<Vec<_>>().join(" ");
    let text = if password.is_empty() { text } else { text.replace(password, "…") };
    match text.char_indices().nth(SHOWN) {
        _ if text.is_empty() => text,
        Some((end, _)) => format!(": {}…", &text[..end]),
        None => format!(": {text}"),
    }
}

/// How long a command may take.
const WITHIN: Duration = Duration::from_mins(1);
/// Bytes of a command's output that are read.
const LENGTH: usize = 16 * 1024;
/// Characters of a command's complaint that are shown.
const SHOWN: usize = 300;

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn said(command: &str) -> Result<String> {
        Password::Command(command.to_owned()).read().await.map(|secret| secret.expose().to_owned())
    }

    #[tokio::test]
    async fn the_first_line_of_a_command_is_the_password() {
        assert_eq!(said("printf ' p w \\r\\nuser: me\\n'").await.unwrap(), " p w ");
        assert_eq!(said("printf end").await.unwrap(), "end");
        assert_eq!(Password::Given("known".into()).read().await.unwrap().expose(), "known");
    }

    #[tokio::test]
    async fn a_command_that_fails_says_why_but_not_the_password() {
        let error = said("echo hunter2; echo is locked: hunter2 >&2; exit 3").await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("is locked") && shown.contains('3') && !shown.contains("hunter2"), "{shown}");
        for nothing in ["true", "echo; echo hunter2", "printf '\\377\\n'", "mailql-no-such-program", "yes"] {
            assert_eq!(said(nothing).await.unwrap_err().kind(), ErrorKind::Config, "{nothing}");
        }
        let long = said("yes word | head -c 5000 >&2; exit 1").await.unwrap_err().to_string();
        assert!(long.len() < 500, "{long}");
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("pid");
        let command = format!("echo $$ > '{}'; exec sleep 600", file.display());
        let error = said_by(&command, Duration::from_millis(500)).await.unwrap_err();
        assert!(error.to_string().contains("did not end"), "{error}");
        let process = std::fs::read_to_string(file).unwrap();
        let is_there =
            || std::process::Command::new("kill").args(["-0", process.trim()]).output().unwrap().status.success();
        let start = std::time::Instant::now();
        while is_there() {
            assert!(start.elapsed() < Duration::from_secs(20), "{process} is still there");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn an_account_without_a_password_says_what_to_do() {
        let error = Password::Missing.read().await.unwrap_err();
        assert!(error.way_out().unwrap().contains("password_command"));
        assert_eq!(format!("{:?}", Password::Command("echo hunter2".to_owned())), "Command(…)");
    }
}
