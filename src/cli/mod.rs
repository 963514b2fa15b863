//! The program: what people type, and what they see.
//!
//! Only here is anything printed, are the environment and the terminal read, and does the process end. Start at
//! `args` for what can be typed, `session` for how a statement is run, `repl` for the prompt, `output` for the tables.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use self::approval::AtPrompt;
use self::args::{Args, Script, Task};
use self::output::{NeutralLog, Shape, Target, neutral_lines};
use self::session::{Ended, Session};
use self::signals::Signals;
use self::source::Source;
use crate::account::{AccountConfig, proofs};
use crate::error::{Error, ErrorKind, Result};
use crate::file;

mod approval;
mod args;
mod ask;
mod check;
mod complete;
pub mod demo;
mod highlight;
mod login;
mod meta;
mod output;
mod password;
mod places;
mod progress;
mod queries;
mod repl;
mod say;
mod session;
mod setup;
mod signals;
mod source;
mod transcript;

/// Does what the command line says, and gives the exit status: 0 done, 1 a statement or a check failed, 2 wrong usage.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    say::panics_in_one_line();
    let words: Vec<OsString> = arguments.into_iter().collect();
    let args = match args::read(words.clone()) {
        Ok(args) => args,
        Err(error) => {
            say::usage(&error, &words);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let transcript = args.transcript.as_deref().map(transcript::begin).transpose();
    match transcript {
        Ok(transcript) => start_tracing(args.verbose, transcript),
        Err(error) => {
            say::error(&error);
            return status_of(&error);
        }
    }
    let runtime = Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
    let outcome = runtime.map_err(|error| Error::io("cannot start", error)).and_then(|runtime| {
        let status = perform(&runtime, &args);
        // A token that is being renewed is written down first, or the sign-in would be lost.
        proofs::settle(RENEWING);
        // What was begun is tidied up (half files, say), but nothing keeps the program from ending.
        runtime.shutdown_timeout(TIDYING);
        status
    });
    outcome.unwrap_or_else(|error| {
        say::error(&error);
        status_of(&error)
    })
}

fn perform(runtime: &Runtime, args: &Args) -> Result<ExitCode> {
    match &args.task {
        Task::ConfigPath => {
            let path = places::config_file(args.config.as_deref());
            let path = path.ok_or_else(|| Error::new(ErrorKind::Config, "this system tells no home directory"))?;
            print(&format!("{}\n", path.display()))
        }
        Task::Accounts => {
            let source = Source::of(&args.task, args.config.as_deref())?;
            runtime.block_on(list_accounts(&source, args))
        }
        Task::Queries { name: None, .. } => {
            let (names, sentences) = queries::all().map(|query| (query.name, query.sentence())).unzip();
            runtime.block_on(print_listing(&batch_of(["query", "answers"], [names, sentences])?, args))
        }
        Task::Queries { name: Some(name), .. } => {
            let query = queries::Query::named(name)?;
            let signals = Signals::listen(runtime);
            let mut source = Source::of(&args.task, args.config.as_deref())?;
            if let Some(signal) = password::complete(runtime, &mut source, &signals)? {
                return Ok(ExitCode::from(signal.status()));
            }
            let mut session = session(&source, args, signals)?;
            session.hints = false;
            Ok(runtime.block_on(run_texts(&session, &[query.text.to_owned()])))
        }
        Task::Login { account, way } => {
            let signals = Signals::listen(runtime);
            runtime.block_on(login::login(account.as_deref(), args.config.as_deref(), *way, &signals))
        }
        Task::Logout(account) => runtime.block_on(login::logout(account.as_deref(), args.config.as_deref())),
        Task::Test(_) => {
            let signals = Signals::listen(runtime);
            let mut source = Source::of(&args.task, args.config.as_deref())?;
            if let Some(signal) = password::complete(runtime, &mut source, &signals)? {
                return Ok(ExitCode::from(signal.status()));
            }
            runtime.block_on(check::run(&source, &signals))
        }
        Task::Ask(_) | Task::Demo => {
            let texts = texts(&args.scripts)?;
            // Until here a signal ends the program as it ends any; from here on there is something to delete.
            let signals = Signals::listen(runtime);
            let mut source = Source::of(&args.task, args.config.as_deref())?;
            if let Some(signal) = password::complete(runtime, &mut source, &signals)? {
                return Ok(ExitCode::from(signal.status()));
            }
            let mut session = session(&source, args, signals)?;
            if let Some(texts) = texts {
                return Ok(runtime.block_on(run_texts(&session, &texts)));
            }
            session.limit = Some(repl::ROWS);
            session.engine = session.engine.asking(Arc::new(AtPrompt::new(session.signals.clone())));
            Ok(repl::run(runtime, session, &source))
        }
    }
}

fn session(source: &Source, args: &Args, signals: Signals) -> Result<Session> {
    let target = Target::of(args.output.as_deref(), args.shape)?;
    let shape = args.shape.unwrap_or(Shape::Table);
    let engine = source.engine()?;
    let account = source.account().to_owned();
    Ok(Session { engine, account, target, shape, expanded: false, timing: false, hints: true, limit: None, signals })
}

/// The statements to run; `None` when a person is to be asked for them.
fn texts(scripts: &[Script]) -> Result<Option<Vec<String>>> {
    if scripts.is_empty() && io::stdin().is_terminal() {
        return Ok(None);
    }
    if scripts.is_empty() {
        return piped().map(|text| Some(vec![text]));
    }
    let read = |script: &Script| match script {
        Script::Text(text) => Ok(text.clone()),
        Script::File(path) if path == Path::new("-") => piped(),
        Script::File(path) => script_file(path),
    };
    scripts.iter().map(read).collect::<Result<Vec<_>>>().map(Some)
}

fn piped() -> Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| Error::io("cannot read standard input", error))?;
    Ok(text)
}

/// The text of a file of statements, without the mark that some editors put first.
fn script_file(path: &Path) -> Result<String> {
    let text = file::read_named(path);
    let text = text.map_err(|error| Error::io(format!("cannot read {}", path.display()), error))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

async fn run_texts(session: &Session, texts: &[String]) -> ExitCode {
    let failed = |error: &Error| {
        say::error(error);
        status_of(error)
    };
    if !matches!(session.target, Target::Screen(_))
        && let Err(error) = one_answer(session, texts)
    {
        return failed(&error);
    }
    for text in texts {
        match session.run(text).await {
            Ok(Ended::Done) => {}
            Ok(Ended::ReaderGone) => return ExitCode::SUCCESS,
            Ok(Ended::Stopped(signal)) => return ExitCode::from(signal.status()),
            Err(error) => return failed(&error),
        }
    }
    ExitCode::SUCCESS
}

/// A file holds one answer: another would replace it.
fn one_answer(session: &Session, texts: &[String]) -> Result<()> {
    let mut answers = 0;
    for text in texts {
        answers += session.engine.parse(text)?.iter().filter(|statement| session::answers(statement)).count();
    }
    if answers == 1 {
        return Ok(());
    }
    let message = match answers {
        0 => "no statement answers with rows that -o could write".to_owned(),
        _ => format!("-o takes one answer, and {answers} statements give one"),
    };
    Err(Error::new(ErrorKind::Config, message).hint("give one query, or use COPY (SELECT …) TO 'file' for each"))
}

/// Lists what is configured, without opening any of it.
async fn list_accounts(source: &Source, args: &Args) -> Result<ExitCode> {
    let accounts = &source.config().accounts;
    let is_default = |name: &str| name.eq_ignore_ascii_case(source.account());
    let described = accounts.values().map(AccountConfig::describe).collect::<Vec<_>>();
    let names = accounts.keys().map(String::as_str).collect();
    let marks = accounts.keys().map(|name| if is_default(name) { "default" } else { "" }).collect();
    let columns = [names, described.iter().map(String::as_str).collect(), marks];
    print_listing(&batch_of(["account", "backend", "is"], columns)?, args).await
}

/// Delivers a listing of the program's own as an answer is delivered.
async fn print_listing(batch: &RecordBatch, args: &Args) -> Result<ExitCode> {
    let target = Target::of(args.output.as_deref(), args.shape)?;
    let rows = futures::stream::iter([Ok(batch.clone())]);
    let stream = Box::pin(RecordBatchStreamAdapter::new(batch.schema(), rows));
    output::deliver(stream, &target, false, None, None).await?;
    Ok(ExitCode::SUCCESS)
}

/// Rows of text that the program itself made.
fn batch_of<const N: usize>(names: [&str; N], columns: [Vec<&str>; N]) -> Result<RecordBatch> {
    let columns = columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef);
    let batch = RecordBatch::try_from_iter(names.into_iter().zip(columns));
    batch.map_err(|error| Error::from(datafusion::error::DataFusionError::from(error)))
}

fn print(text: &str) -> Result<ExitCode> {
    use std::io::Write;
    let mut out = io::stdout();
    // A script wants the path of the configuration as it is.
    let text = if out.is_terminal() { neutral_lines(text).into() } else { Cow::Borrowed(text) };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("cannot write", error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn status_of(error: &Error) -> ExitCode {
    match error.kind() {
        ErrorKind::Config => ExitCode::from(2),
        ErrorKind::NotFound
        | ErrorKind::Query
        | ErrorKind::Io
        | ErrorKind::Mail
        | ErrorKind::Server
        | ErrorKind::Unreachable
        | ErrorKind::Unavailable
        | ErrorKind::Throttled
        | ErrorKind::Refused => ExitCode::FAILURE,
    }
}

/// Logs go to standard error, when they are asked for, and to the transcript of a check.
fn start_tracing(verbose: bool, transcript: Option<File>) {
    let filter = std::env::var("MAILQL_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = filter.or_else(|| verbose.then(|| "mailql=debug".to_owned()));
    let said = filter.map(|filter| {
        let layer = fmt::layer().with_writer(|| NeutralLog(io::stderr())).with_target(false).with_ansi(false).compact();
        layer.with_filter(EnvFilter::new(filter))
    });
    let written = transcript.map(|file| {
        let layer = fmt::layer().with_writer(Mutex::new(NeutralLog(file))).with_target(false).with_ansi(false);
        layer.with_filter(EnvFilter::new(transcript::FILTER))
    });
    if said.is_some() || written.is_some() {
        drop(tracing_subscriber::registry().with(said).with(written).try_init());
    }
}

/// How long the end of the program waits for a provider that is replacing a token.
const RENEWING: Duration = Duration::from_secs(10);
/// How long the end of the program waits for what was begun.
const TIDYING: Duration = Duration::from_secs(1);
/// Plans are trees, and deep ones are walked deep.
const STACK: usize = 8 * 1024 * 1024;
