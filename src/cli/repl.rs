//! The prompt: reads statements and commands, runs them, and comes back whatever happened.
//!
//! It knows lines, history and keys; what a statement does is `session`'s, what a command does is `meta`'s.

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, CompletionType, Config, Context, Editor, Helper};
use tokio::runtime::Runtime;

use super::complete::{Completion, Names, open_quote};
use super::highlight::{coloured, is_blank, is_complete};
use super::meta::{self, Next};
use super::output::{self, neutral, without_unseen};
use super::session::{Ended, Session};
use super::signals::{Signal, Signals};
use super::source::Source;
use super::{RENEWING, places, say};
use crate::account::proofs;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};

/// Rows that a plain query shows unless the person says otherwise.
pub(crate) const ROWS: usize = 40;

/// Asks for statements until the person leaves.
pub(crate) fn run(runtime: &Runtime, session: Session, source: &Source) -> ExitCode {
    let busy = Arc::new(AtomicBool::new(false));
    end_when_told(runtime, source, session.signals.clone(), Arc::clone(&busy));
    match Repl::new(runtime, session, busy) {
        Ok(mut repl) => repl.run(),
        Err(error) => {
            say::error(&error);
            ExitCode::FAILURE
        }
    }
}

struct Repl<'r> {
    runtime: &'r Runtime,
    session: Session,
    editor: Editor<Line, DefaultHistory>,
    history: Option<PathBuf>,
    busy: Arc<AtomicBool>,
    /// What `\e` begins with.
    last: String,
}

/// What came of one round.
enum Round {
    Again,
    Leave(ExitCode),
}

impl<'r> Repl<'r> {
    fn new(runtime: &'r Runtime, session: Session, busy: Arc<AtomicBool>) -> Result<Self> {
        let failed = |error: ReadlineError| Error::new(ErrorKind::Io, format!("cannot use this terminal: {error}"));
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .completion_prompt_limit(200)
            .history_ignore_space(true)
            // Without colours, the editor would draw the line as it is.
            .color_mode(ColorMode::Forced)
            .auto_add_history(false)
            .build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        let completion = Completion::new(Names::of(&session), folders_in_time(runtime, session.engine.clone()));
        editor.set_helper(Some(Line { completion, before: String::new(), colour: output::has_colour() }));
        let history = places::history_file();
        if let Some(file) = &history
            && let Err(error) = editor.load_history(file)
        {
            tracing::debug!("no history from {}: {error}", file.display());
        }
        Ok(Self { runtime, session, editor, history, busy, last: String::new() })
    }

    fn run(&mut self) -> ExitCode {
        say::note(&format!("mailql {}: \\? helps, \\q leaves, a statement ends with ;", env!("CARGO_PKG_VERSION")));
        loop {
            let text = match self.read() {
                Ok(Some(text)) => text,
                Ok(None) => continue,
                Err(ReadlineError::Eof) => return ExitCode::SUCCESS,
                Err(error) => {
                    say::error(&Error::new(ErrorKind::Io, format!("cannot read from this terminal: {error}")));
                    return ExitCode::FAILURE;
                }
            };
            if let Round::Leave(status) = self.round(&text) {
                return status;
            }
        }
    }

    /// One whole input: a command line, or lines up to a `;`. `None` when there is nothing to do.
    fn read(&mut self) -> Result<Option<String>, ReadlineError> {
        let account = neutral(&self.session.account);
        let mut text = String::new();
        loop {
            let mark = match open_quote(&text) {
                Some((quote, _)) => quote,
                None if text.is_empty() => '=',
                None => '-',
            };
            if let Some(line) = self.editor.helper_mut() {
                line.before.clone_from(&text);
            }
            match self.editor.readline(&format!("{account}{mark}> ")) {
                Ok(line) => text.push_str(&line),
                Err(ReadlineError::Interrupted) => return Ok(None),
                // The end of input in the middle of a statement leaves it, as Ctrl-C does, and then the program.
                Err(error) => return Err(error),
            }
            if text.trim().is_empty() {
                return Ok(None);
            }
            if text.trim_start().starts_with('\\') || is_complete(&text) {
                self.remember(text.trim_end());
                return Ok(if is_blank(&text) { None } else { Some(text) });
            }
            text.push('\n');
        }
    }

    fn remember(&mut self, text: &str) {
        let added = self.editor.add_history_entry(text);
        if let (Ok(true), Some(file)) = (added, &self.history)
            && let Err(error) = self.editor.append_history(file)
        {
            tracing::debug!("cannot keep the history in {}: {error}", file.display());
        }
    }

    fn round(&mut self, text: &str) -> Round {
        if !text.trim_start().starts_with('\\') {
            return self.run_statements(text);
        }
        let next = self.runtime.block_on(meta::perform(&mut self.session, text));
        let edited = match next {
            Ok(Next::Prompt) => return Round::Again,
            Ok(Next::Quit) => return Round::Leave(ExitCode::SUCCESS),
            Ok(Next::Run(text)) => Ok(text),
            Ok(Next::Edit) => edit(&self.last).inspect(|text| {
                say::note(text.trim_end());
                self.remember(text.trim_end());
            }),
            Err(error) => Err(error),
        };
        match edited {
            Ok(text) if is_blank(&text) => Round::Again,
            Ok(text) => self.run_statements(&text),
            Err(error) => {
                say::error(&error);
                Round::Again
            }
        }
    }

    fn run_statements(&mut self, text: &str) -> Round {
        text.trim_end().clone_into(&mut self.last);
        self.session.signals.forget_interrupt();
        self.busy.store(true, Ordering::SeqCst);
        let ended = self.runtime.block_on(self.session.run(text));
        self.busy.store(false, Ordering::SeqCst);
        if let Some(line) = self.editor.helper_mut() {
            line.completion.names = Names::of(&self.session);
        }
        match ended {
            Ok(Ended::Done) => Round::Again,
            Ok(Ended::ReaderGone) => Round::Leave(ExitCode::SUCCESS),
            Ok(Ended::Stopped(Signal::Interrupt)) => {
                say::note("cancelled");
                Round::Again
            }
            Ok(Ended::Stopped(signal @ Signal::Terminate)) => Round::Leave(ExitCode::from(signal.status())),
            Err(error) => {
                say::error(&error);
                Round::Again
            }
        }
    }
}

/// The line being typed: its colours and what Tab offers.
struct Line {
    completion: Completion,
    /// The lines of the statement above this one.
    before: String,
    colour: bool,
}

impl Completer for Line {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        Ok(self.completion.candidates(&self.before, line, position))
    }
}

impl Highlighter for Line {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        // What is pasted, or comes out of the history, may hold what a mail said.
        let line = without_unseen(line);
        // A statement pasted in pieces of megabytes is shown plain rather than late.
        let is_command = self.before.is_empty() && line.starts_with('\\');
        if !self.colour || is_command || self.before.len() + line.len() > COLOURED_BYTES {
            return Cow::Owned(line);
        }
        Cow::Owned(coloured(&self.before, &line))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

impl Hinter for Line {
    type Hint = String;
}

impl Validator for Line {}

impl Helper for Line {}

/// Lists the folders of the default account, and gives up when that takes long.
fn folders_in_time(runtime: &Runtime, engine: Engine) -> Box<dyn Fn() -> Option<Vec<String>>> {
    let handle = runtime.handle().clone();
    Box::new(move || {
        let asked = async {
            let answer = engine.sql("SELECT DISTINCT folder FROM Folder ORDER BY folder").await?;
            let batches = answer.collect().await?;
            batches.iter().map(|batch| meta::text_column(batch, 0)).collect::<Result<Vec<_>>>()
        };
        let answered = handle.block_on(async { tokio::time::timeout(FOLDERS_WITHIN, asked).await });
        answered.ok().and_then(Result::ok).map(|folders| folders.concat())
    })
}

/// At the prompt nothing awaits a signal, so that the end is made here; a running statement ends by itself.
#[expect(clippy::exit, reason = "the prompt blocks in a read that only the end of the process ends")]
fn end_when_told(runtime: &Runtime, source: &Source, signals: Signals, busy: Arc<AtomicBool>) {
    let sample = source.sample_on_disk();
    runtime.spawn(async move {
        signals.terminated().await;
        if !busy.load(Ordering::SeqCst) {
            sample.delete();
            proofs::settle(RENEWING);
            std::process::exit(i32::from(Signal::Terminate.status()));
        }
    });
}

/// The text as the person leaves it in an editor of their own.
fn edit(text: &str) -> Result<String> {
    let failed = |error| Error::io("cannot write the file to edit", error);
    let mut file = tempfile::Builder::new().prefix("mailql-").suffix(".sql").tempfile().map_err(failed)?;
    writeln!(file, "{text}").map_err(failed)?;
    // Closed while the editor has it: some systems lock open files, and editors replace them.
    let path = file.into_temp_path();
    let set = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    let editor = set.into_iter().find(|editor| !editor.trim().is_empty());
    let editor = editor.unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or(&editor);
    let status = Command::new(program).args(words).arg(&path as &Path).status();
    let status = status.map_err(|error| {
        Error::io(format!("cannot start the editor {program}"), error).hint("set VISUAL or EDITOR to one that is there")
    })?;
    if !status.success() {
        return Err(Error::new(ErrorKind::Refused, format!("{program} ended with {status}; nothing is run")));
    }
    std::fs::read_to_string(&path).map_err(|error| Error::io("cannot read what was edited", error))
}

/// How long Tab may wait for the names of folders.
const FOLDERS_WITHIN: Duration = Duration::from_millis(800);
/// A longer statement has no colours.
const COLOURED_BYTES: usize = 20_000;
