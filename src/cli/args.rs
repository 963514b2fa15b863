//! The command line, in two steps: what was typed, then what it means.
//!
//! It reads arguments only: no file is opened here and nothing is printed. `run` does what comes out.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::login::Way;
use super::output::Shape;
use crate::error::{Error, ErrorKind, Result};

/// What is to be done, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) task: Task,
    /// What `-c` and `-f` gave, in the order typed; none means the prompt, or what is piped in.
    pub(crate) scripts: Vec<Script>,
    pub(crate) output: Option<PathBuf>,
    pub(crate) shape: Option<Shape>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) verbose: bool,
    /// Where the conversation of a check is written.
    pub(crate) transcript: Option<PathBuf>,
}

/// What the words of the command line ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Ask an account: of that name, at that path, or the default one.
    Ask(Option<String>),
    /// The same, of the sample mailbox.
    Demo,
    /// List the ready-made queries, or run one.
    Queries { name: Option<String>, account: Option<String> },
    /// Check an account: of that name, at that path, or the default one.
    Test(Option<String>),
    /// Sign in to an account: of that name, or one that is asked for.
    Login { account: Option<String>, way: Way },
    /// Sign out of an account: of that name, or the default one.
    Logout(Option<String>),
    /// List the accounts.
    Accounts,
    /// Say where the configuration is.
    ConfigPath,
}

/// Statements, and where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Script {
    Text(String),
    /// A file; `-` is what is piped in.
    File(PathBuf),
}

/// Reads the command line.
///
/// # Errors
/// Clap's: a usage error, or the help and the version that were asked for.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let mut command = Typed::command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    let typed = Typed::from_arg_matches(&matches)?;
    let places = |name: &str| matches.indices_of(name).into_iter().flatten().collect::<Vec<_>>();
    let mut scripts = Vec::new();
    scripts.extend(places("command").into_iter().zip(typed.command.iter().cloned().map(Script::Text)));
    scripts.extend(places("file").into_iter().zip(typed.file.iter().cloned().map(Script::File)));
    scripts.sort_by_key(|(place, _)| *place);
    let meant = (|| {
        let shape = typed.format.as_deref().map(Shape::named).transpose()?;
        let task = task(&typed.words, Way { device: typed.device, no_browser: typed.no_browser })?;
        if typed.transcript.is_some() && !matches!(task, Task::Test(_)) {
            return Err(Error::new(ErrorKind::Config, "--transcript belongs to test")
                .hint("mailql test [ACCOUNT] --transcript FILE"));
        }
        Ok(Args {
            task,
            scripts: scripts.into_iter().map(|(_, script)| script).collect(),
            output: typed.output.clone(),
            shape,
            config: typed.config.clone(),
            verbose: typed.verbose,
            transcript: typed.transcript.clone(),
        })
    })();
    meant.map_err(|error: Error| {
        let hint = error.way_out().map(|hint| format!("\n\nhint: {hint}")).unwrap_or_default();
        command.error(clap::error::ErrorKind::ValueValidation, format!("{error}{hint}"))
    })
}

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "mailql", version, about = "SQL over mail: ask a mailbox as if it were a database", after_help = EXAMPLES)]
struct Typed {
    /// An account of the configuration, a URL (`imaps://USER@HOST`) or a path (Maildir, mbox or .eml file,
    /// directory of them); or a command: `demo`, `queries [NAME] [ACCOUNT]`, `login [ACCOUNT]`, `logout [ACCOUNT]`,
    /// `test [ACCOUNT]`, `accounts`, `config path`
    #[arg(value_name = "ACCOUNT|URL|PATH|COMMAND")]
    words: Vec<String>,

    /// Run these statements and leave (may be repeated)
    #[arg(short = 'c', long, value_name = "SQL")]
    command: Vec<String>,

    /// Run the statements of a file and leave (may be repeated; `-` is standard input)
    #[arg(short = 'f', long, value_name = "FILE")]
    file: Vec<PathBuf>,

    /// Write the answer to a file (format by its ending), or, ending in `/`, save one file per row
    #[arg(short = 'o', long, value_name = "FILE|DIR/")]
    output: Option<PathBuf>,

    /// table, csv, tsv, json, ndjson, md or parquet
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,

    /// The configuration file, else the one that `MAILQL_CONFIG` names
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// login: sign in in a browser on another device, by a code
    #[arg(long)]
    device: bool,

    /// login: show the address only, open no browser
    #[arg(long)]
    no_browser: bool,

    /// test: write what was said on both sides to a new file, without secrets
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,

    /// Say what is done, on standard error (`MAILQL_LOG` says how much)
    #[arg(short = 'v', long)]
    verbose: bool,
}

/// What the words mean; a path that reads like a command is written `./demo`.
fn task(words: &[String], way: Way) -> Result<Task> {
    let words = words.iter().map(String::as_str).collect::<Vec<_>>();
    let usage = |message: String, hint: &str| Err(Error::new(ErrorKind::Config, message).hint(hint));
    if way != Way::default() && words.first() != Some(&"login") {
        return usage("--device and --no-browser belong to login".to_owned(), "mailql login [ACCOUNT] --device");
    }
    match words.as_slice() {
        [] => Ok(Task::Ask(None)),
        ["login"] => Ok(Task::Login { account: None, way }),
        ["login", account] => Ok(Task::Login { account: Some((*account).to_owned()), way }),
        ["logout"] => Ok(Task::Logout(None)),
        ["logout", account] => Ok(Task::Logout(Some((*account).to_owned()))),
        ["demo"] => Ok(Task::Demo),
        ["accounts"] => Ok(Task::Accounts),
        ["test"] => Ok(Task::Test(None)),
        ["test", target] => Ok(Task::Test(Some((*target).to_owned()))),
        ["config", "path"] => Ok(Task::ConfigPath),
        ["config", ..] => usage("config can only tell its path".to_owned(), "mailql config path"),
        ["queries"] => Ok(Task::Queries { name: None, account: None }),
        ["queries", name, ..] if is_url(name) => {
            usage("queries takes a name first, then an account".to_owned(), "mailql queries NAME URL")
        }
        ["queries", name] => Ok(Task::Queries { name: Some((*name).to_owned()), account: None }),
        ["queries", name, account] => {
            Ok(Task::Queries { name: Some((*name).to_owned()), account: Some((*account).to_owned()) })
        }
        [target] => Ok(Task::Ask(Some((*target).to_owned()))),
        [first, second, ..] if COMMANDS.contains(second) && !COMMANDS.contains(first) => {
            usage(format!("{second} comes first: mailql {second} …"), "see mailql --help")
        }
        [first, rest @ ..] => {
            let rest = rest.iter().map(|word| without_secrets(word)).collect::<Vec<_>>().join(" ");
            let first = without_secrets(first);
            usage(format!("nothing is expected after {first}: {rest}"), "statements go after -c, in quotes")
        }
    }
}

fn is_url(word: &str) -> bool {
    word.contains("://")
}

/// A word to be repeated in an error; somebody may have written a password into a URL.
fn without_secrets(word: &str) -> String {
    match word.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…"),
        None => word.to_owned(),
    }
}

/// Words that are no account's name.
pub(crate) const COMMANDS: [&str; 7] = ["demo", "queries", "login", "logout", "test", "accounts", "config"];

const EXAMPLES: &str = "\
Examples:
  mailql demo                                     look around in a sample mailbox
  mailql demo -c \"SELECT folder, count(*) FROM MessagesInFolder GROUP BY 1\"
  mailql work                                     the prompt, on the account `work`
  mailql imaps://me@mail.example.org              the same, on a server
  mailql ~/Maildir -f report.sql --format csv     a script over mail files
  mailql ~/All.mbox -o mail.parquet -c \"SELECT * FROM MessagesInFolder\"
  mailql message.eml -c \"SELECT name, size FROM MessageAttachments\"
  mailql work -o files/ -c \"SELECT name, content FROM AttachmentContent WHERE folder = 'INBOX'\"
  mailql queries                                  ready-made questions
  mailql login                                    a new account, step by step; or sign in again: login work
  mailql test work                                why an account does not work, step by step
  echo \"SELECT 1\" | mailql demo

The password of a live account is told by its `password_command`, else by the variable MAILQL_PASSWORD, else asked for;
an account with a credential is signed in to once, by mailql login, or has its token from MAILQL_TOKEN.
Data goes to standard output, everything else to standard error.
Exit status: 0 done, 1 a statement or a check failed, 2 wrong usage.";

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Result<Args, clap::Error> {
        read(std::iter::once("mailql").chain(words.iter().copied()).map(OsString::from))
    }

    #[test]
    fn options_stand_before_or_after_the_target() {
        for words in [["demo", "-c", "SELECT 1"], ["-c", "SELECT 1", "demo"]] {
            let args = args(&words).unwrap();
            assert_eq!(args.task, Task::Demo);
            assert_eq!(args.scripts, [Script::Text("SELECT 1".to_owned())]);
        }
    }

    #[test]
    fn scripts_keep_the_order_in_which_they_were_typed() {
        let scripts = args(&["-c", "a", "-f", "b.sql", "work", "-c", "c"]).unwrap().scripts;
        let expected = [Script::Text("a".into()), Script::File("b.sql".into()), Script::Text("c".into())];
        assert_eq!(scripts, expected);
    }

    #[test]
    fn words_that_are_no_command_name_an_account() {
        assert_eq!(args(&["./demo"]).unwrap().task, Task::Ask(Some("./demo".to_owned())));
        assert_eq!(args(&[]).unwrap().task, Task::Ask(None));
        assert_eq!(args(&["test"]).unwrap().task, Task::Test(None));
        let transcript = args(&["test", "work", "--transcript", "t.log"]).unwrap().transcript;
        assert_eq!(transcript, Some(PathBuf::from("t.log")));
        assert_eq!(args(&["./test"]).unwrap().task, Task::Ask(Some("./test".to_owned())));
        assert_eq!(args(&["test", "./test"]).unwrap().task, Task::Test(Some("./test".to_owned())));
        let queries = Task::Queries { name: Some("largest".into()), account: Some("work".into()) };
        assert_eq!(args(&["queries", "largest", "work"]).unwrap().task, queries);
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        for words in [
            vec!["work", "demo"],
            vec!["a", "b"],
            vec!["work", "test"],
            vec!["test", "a", "b"],
            vec!["config"],
            vec!["--format", "xml"],
            vec!["--nonsense"],
            vec!["work", "--transcript", "t.log"],
        ] {
            assert_eq!(args(&words).unwrap_err().exit_code(), 2, "{words:?}");
        }
        assert_eq!(args(&["--help"]).unwrap_err().exit_code(), 0);
    }

    #[test]
    fn a_url_is_not_repeated() {
        let url = "imaps://me:hunter2@mail.example.org";
        for words in [vec![url, "more"], vec!["work", url], vec!["queries", url], vec!["queries", url, "largest"]] {
            let error = args(&words).unwrap_err();
            assert!(error.exit_code() == 2 && !error.to_string().contains("hunter2"), "{error}");
        }
        let queries = Task::Queries { name: Some("largest".into()), account: Some(url.into()) };
        assert_eq!(args(&["queries", "largest", url]).unwrap().task, queries);
    }
}
