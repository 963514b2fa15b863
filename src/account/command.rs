//! A command of the shell that tells a secret: the first line that it prints.
//!
//! Runs what the configuration names, and gives it an end; whose secret it is, others know.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::secret::Secret;
use crate::error::{Error, ErrorKind, Result};

/// Runs a command and gives the first line that it prints; `key` is what names it in the configuration.
///
/// The command is one of the platform's shell (`sh -c`, `cmd /C`) and has the standard input of this program. It may
/// take 60 s, since it may ask a person something.
///
/// # Errors
/// It fails, takes too long, or prints nothing on its first line.
pub(super) async fn first_line(key: &str, command: &str) -> Result<Secret> {
    said_by(key, command, WITHIN).await
}

async fn said_by(key: &str, command: &str, within: Duration) -> Result<Secret> {
    let failed = |what: String| {
        let error = Error::new(ErrorKind::Config, format!("the {key} {what}"));
        error.hint("run it in a shell: the first line that it prints is what is taken")
    };
    let ended = tokio::time::timeout(within, run(command)).await;
    let ended = ended.map_err(|_| failed(format!("did not end within {} s", within.as_secs())))?;
    let (status, output, complaint) = ended.map_err(|error| failed(format!("cannot be run: {error}")))?;
    let output = std::str::from_utf8(&output).map_err(|_| failed("prints no UTF-8".to_owned()))?;
    let secret = output.lines().next().unwrap_or_default();
    if !status.success() {
        return Err(failed(format!("failed ({status}){}", in_short(&complaint, secret))));
    }
    if secret.is_empty() {
        return Err(failed(format!("printed nothing on its first line{}", in_short(&complaint, secret))));
    }
    Ok(Secret::from(secret))
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

/// What a command complained of, on one line and without the secret, which some commands repeat.
fn in_short(complaint: &[u8], secret: &str) -> String {
    let text = String::from_utf8_lossy(complaint);
    let text = if secret.is_empty() { text.into_owned() } else { text.replace(secret, "…") };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
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
        first_line("password_command", command).await.map(|secret| secret.expose().to_owned())
    }

    #[tokio::test]
    async fn the_first_line_of_a_command_is_the_secret() {
        assert_eq!(said("printf ' p w \\r\\nuser: me\\n'").await.unwrap(), " p w ");
        assert_eq!(said("printf end").await.unwrap(), "end");
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
        let error = said_by("password_command", &command, Duration::from_millis(500)).await.unwrap_err();
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
}
