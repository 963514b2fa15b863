//! One person's or one script's conversation with the engine: statements in, answers delivered.
//!
//! It holds what can be switched (format, timing, row limit) and knows how to stop; it reads no input.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as Sql;
use futures::{FutureExt, StreamExt};

use super::output::{self, Delivered, Shape, Target};
use super::progress::{Counts, Progress, label, most};
use super::say;
use super::signals::{Signal, Signals};
use crate::engine::export;
use crate::engine::sending::Tally;
use crate::engine::sending::node::SendNode;
use crate::engine::sending::plan::not_begun;
use crate::engine::{Engine, Omissions};
use crate::error::{Error, ErrorKind, Result};

/// The engine and what the person set.
pub(crate) struct Session {
    pub(crate) engine: Engine,
    /// The account that is asked when a statement names none.
    pub(crate) account: String,
    pub(crate) target: Target,
    /// What `\o` alone goes back to.
    pub(crate) shape: Shape,
    pub(crate) expanded: bool,
    pub(crate) timing: bool,
    /// Whether the statements are a person's own, to whom a hint may be useful.
    pub(crate) hints: bool,
    /// Rows that a plain query shows at the prompt; 0 is all. `None` where there is no prompt.
    pub(crate) limit: Option<usize>,
    /// What can stop a statement.
    pub(crate) signals: Signals,
}

/// Why running statements ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All were run.
    Done,
    /// The reader of standard output left.
    ReaderGone,
    /// A signal came; what ran was dropped.
    Stopped(Signal),
}

impl Session {
    /// Runs a text of statements, one after the other, until one fails.
    ///
    /// # Errors
    /// A statement cannot be parsed, planned or executed, or its answer cannot be delivered.
    pub(crate) async fn run(&self, text: &str) -> Result<Ended> {
        let statements = self.engine.parse(text)?;
        let several = statements.len() > 1;
        for (position, statement) in statements.into_iter().enumerate() {
            let sendings = self.engine.sendings();
            let (running, before, told) = (sendings.running(), sendings.tally(), self.engine.omissions());
            let asked = async {
                let asked = AssertUnwindSafe(self.ask(statement)).catch_unwind().await;
                // A panic is a failed statement; the hook has said where it was.
                let asked = asked.unwrap_or_else(|_| {
                    Err(Error::new(ErrorKind::Query, "the statement was stopped by an internal error"))
                });
                if asked.is_err() {
                    sendings.stop();
                }
                // Rows may be enough, or a reader gone, before all mails are.
                sendings.finished(running).await;
                asked
            };
            let asked = tokio::select! {
                asked = asked => asked,
                signal = self.signals.came() => {
                    self.stop_sending(signal, running).await;
                    return Ok(Ended::Stopped(signal));
                }
            };
            say_omissions(told, self.engine.omissions());
            let asked = said_of_mail(asked, before, sendings.tally());
            match asked {
                Ok(Some(Delivered::ReaderGone)) => return Ok(Ended::ReaderGone),
                Ok(_) => {}
                Err(error) if several => return Err(error.context("statement", (position + 1).to_string())),
                Err(error) => return Err(error),
            }
        }
        Ok(Ended::Done)
    }

    /// Lets a mail that is on its way arrive, or nobody would know what became of it; another signal leaves it.
    async fn stop_sending(&self, signal: Signal, before: usize) {
        let sendings = self.engine.sendings();
        let is_sending = sendings.running() > before;
        sendings.stop();
        if !is_sending {
            return;
        }
        if tokio::time::timeout(AT_ONCE, sendings.finished(before)).await.is_ok() {
            say::note(STOPPED);
            return;
        }
        say::note("finishing the mail that is on its way; Ctrl-C again leaves it");
        self.signals.forget_interrupt();
        let again = async {
            match signal {
                Signal::Interrupt => drop(self.signals.came().await),
                Signal::Terminate => tokio::time::sleep(BEFORE_THE_END).await,
            }
        };
        tokio::select! {
            () = sendings.finished(before) => say::note(STOPPED),
            () = again => say::note("left; what became of that mail is not known yet"),
        }
    }

    /// The answer to a question of the program's own, all of it; for listings, never for mail.
    pub(crate) async fn collect(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        Ok(self.engine.sql(sql).await?.collect().await?)
    }

    /// Shows rows that the program itself made.
    pub(crate) fn show(&self, batch: &RecordBatch) -> Result<()> {
        output::print_batch(batch, self.expanded)
    }

    async fn ask(&self, statement: Statement) -> Result<Option<Delivered>> {
        let start = Instant::now();
        let answers = answers(&statement);
        let names_folder = names_folder(&statement);
        let limit = self.limit.filter(|limit| *limit > 0);
        let cap = limit.filter(|_| is_plain(&statement) && self.target == Target::Screen(Shape::Table));
        let Some(Started { plan, stream, cap, meant }) = self.start(statement, cap).await? else {
            if self.timing {
                say::note(&time(start.elapsed(), None, &Counts::default()));
            }
            return Ok(None);
        };
        let progress = Progress::watch(Arc::clone(&plan));
        let delivered = if answers || matches!(self.target, Target::Screen(_)) {
            let stream = match self.target.format() {
                Some(format) => export::guarded(stream, format, self.csv_formulas()),
                None => stream,
            };
            Some(output::deliver(stream, &self.target, self.expanded, cap, progress).await?)
        } else {
            drain(stream).await?;
            drop(progress);
            None
        };
        if let Some(delivered) = delivered {
            self.say_delivered(delivered);
        }
        if !matches!(meant, LogicalPlan::Explain(_)) && not_begun(&meant, plan.as_ref()) > 0 {
            say::note("not sent: nothing of the statement needs the rows of SendEmail");
        }
        if self.timing {
            let rows = delivered.and_then(Delivered::rows);
            say::note(&time(start.elapsed(), rows, &Counts::of(plan.as_ref())));
        }
        let folders = most(plan.as_ref(), "folders");
        if folders > 1 && !names_folder && self.hints {
            say::hint(&match label(plan.as_ref(), "folder_of_all") {
                Some(all) => {
                    let all = all.replace('\'', "''");
                    format!(
                        "{folders} folders were read, and labels repeat mail in several; WHERE folder = '{all}' has each once"
                    )
                }
                None => format!("{folders} folders were read; WHERE folder = '…' reads one"),
            });
        }
        Ok(delivered)
    }

    fn csv_formulas(&self) -> export::CsvFormulas {
        export::csv_formulas(self.engine.context().state_ref().read().config().options())
    }

    /// Plans a statement and starts it in a task of its own, so that it can be dropped whatever it is doing.
    async fn start(&self, statement: Statement, cap: Option<usize>) -> Result<Option<Started>> {
        let engine = self.engine.clone();
        let planned = SpawnedTask::spawn(async move {
            let frame = engine.plan(statement).await?;
            if frame.schema().fields().is_empty() {
                return Ok(None);
            }
            let meant = frame.logical_plan().clone();
            // Whoever sends wants to know of all.
            let cap = cap.filter(|_| SendNode::calls(&meant).is_empty());
            let frame = match cap {
                // One row more than is shown tells whether there are more.
                Some(cap) => frame.limit(0, Some(cap + 1))?,
                None => frame,
            };
            let context = Arc::new(frame.task_ctx());
            Ok::<_, Error>(Some((frame.create_physical_plan().await?, context, cap, meant)))
        });
        let planned = planned.join_unwind().await.map_err(|error| Error::new(ErrorKind::Query, error.to_string()))?;
        let Some((plan, context, cap, meant)) = planned? else { return Ok(None) };
        let mut rows = execute_stream(Arc::clone(&plan), context)?;
        let mut builder = RecordBatchReceiverStreamBuilder::new(rows.schema(), AHEAD);
        let sender = builder.tx();
        builder.spawn(async move {
            while let Some(batch) = rows.next().await {
                if sender.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        Ok(Some(Started { plan, stream: builder.build(), cap, meant }))
    }

    fn say_delivered(&self, delivered: Delivered) {
        match (delivered, &self.target) {
            (Delivered::Written(written), Target::File(path, _)) => {
                let rows = counted(written.rows, "row");
                say::note(&format!("{rows}, {} written to {}", bytes(written.bytes), path.display()));
            }
            (Delivered::Saved(saved), Target::Directory(path)) => {
                let files = counted(saved.files, "file");
                let skipped = match saved.skipped {
                    0 => String::new(),
                    skipped => format!("; {} without content skipped", counted(skipped, "row")),
                };
                say::note(&format!("{files}, {} saved in {}{skipped}", bytes(saved.bytes), path.display()));
            }
            _ => {}
        }
    }
}

/// A statement that was started.
struct Started {
    plan: Arc<dyn ExecutionPlan>,
    stream: SendableRecordBatchStream,
    /// Rows that are shown.
    cap: Option<usize>,
    /// What was asked, before anything was left out of it.
    meant: LogicalPlan,
}

/// Says what an answer does not have.
fn say_omissions(before: Omissions, after: Omissions) {
    let left_out = after.left_out - before.left_out;
    if left_out > 0 {
        let messages = counted(left_out, "message");
        say::note(&format!("{messages} left out that the server does not deliver (mailql.unreadable is skip)"));
    }
}

/// What is to be said of a statement whose mail did not get to everybody, or that failed when some had gone.
fn said_of_mail(asked: Result<Option<Delivered>>, before: Tally, after: Tally) -> Result<Option<Delivered>> {
    let (gone, missed) = (after.handed_over - before.handed_over, after.missed - before.missed);
    let unknown = after.unknown - before.unknown;
    match asked {
        Ok(_) if unknown > 0 => {
            let mut message = format!("it is not known whether mail reached {}", counted(unknown, "recipient"));
            if missed > 0 {
                message.push_str(", and it did not get out to ");
                message.push_str(&counted(missed, "recipient"));
            }
            let error = Error::new(ErrorKind::Server, message);
            Err(error.hint(
                "it may have arrived, so do not just send it again: SELECT * FROM SentEmail WHERE status = 'unknown' \
                 tells whom to ask; a mail with a key is never sent twice",
            ))
        }
        Ok(_) if missed > 0 => {
            let recipients = counted(missed, "recipient");
            let error = Error::new(ErrorKind::Server, format!("mail did not get out to {recipients}"));
            Err(error.hint("status and response say why; SELECT * FROM SentEmail WHERE status <> 'sent' does later"))
        }
        Err(error) if gone > 0 => {
            say::note(&format!(
                "{} had gone before that; SELECT * FROM SentEmail tells of them",
                counted(gone, "mail")
            ));
            Err(error)
        }
        asked => asked,
    }
}

/// What a statement cost: time, rows, and what was read for them.
fn time(elapsed: Duration, rows: Option<usize>, counts: &Counts) -> String {
    let mut parts = vec![format!("time: {:.3} s", elapsed.as_secs_f64())];
    parts.extend(rows.map(|rows| counted(rows, "row")));
    let received = counts.sum("bytes_received");
    if received > 0 {
        parts.push(format!("{} read", bytes(received as u64)));
    }
    let round_trips = counts.sum("round_trips");
    if round_trips > 0 {
        parts.push(counted(round_trips, "round trip"));
    }
    parts.join(", ")
}

/// Tells whether a statement answers with rows that somebody asked for.
pub(crate) fn answers(statement: &Statement) -> bool {
    match statement {
        Statement::Explain(_) => true,
        Statement::CopyTo(_) | Statement::CreateExternalTable(_) | Statement::Reset(_) => false,
        Statement::Statement(statement) => matches!(
            **statement,
            Sql::Query(_)
                | Sql::Explain { .. }
                | Sql::ExplainTable { .. }
                | Sql::ShowVariable { .. }
                | Sql::ShowVariables { .. }
                | Sql::ShowTables { .. }
                | Sql::ShowColumns { .. }
                | Sql::ShowFunctions { .. }
                | Sql::ShowCreate { .. }
                | Sql::ShowDatabases { .. }
                | Sql::ShowSchemas { .. }
                | Sql::Execute { .. }
        ),
    }
}

/// Tells whether a statement only asks: then the prompt may limit it.
fn is_plain(statement: &Statement) -> bool {
    matches!(statement, Statement::Statement(statement) if matches!(**statement, Sql::Query(_)))
}

/// Tells whether the person thought of folders.
fn names_folder(statement: &Statement) -> bool {
    let text = statement.to_string().to_ascii_lowercase();
    text.split(|character: char| !character.is_alphanumeric() && character != '_').any(|word| word == "folder")
}

async fn drain(mut stream: SendableRecordBatchStream) -> Result<()> {
    while let Some(batch) = stream.next().await {
        batch?;
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

const STOPPED: &str = "no more mail is sent; SELECT * FROM SentEmail tells what was";
/// How long what is stopped may take without a word.
const AT_ONCE: Duration = Duration::from_millis(200);
/// How long the end of the program waits for a mail on its way.
const BEFORE_THE_END: Duration = Duration::from_secs(10);
/// Batches that wait for the printer.
const AHEAD: usize = 2;
