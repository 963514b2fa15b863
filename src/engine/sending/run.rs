//! The work of one call: read everything, check everything, ask for leave, then send mail after mail.
//!
//! What is said to a server, and what is written down of it, is the outbox's. Nothing here sends a mail twice: a mail is
//! handed over once, and what becomes of it is its rows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};
use datafusion::physical_plan::{ExecutionPlan, collect, execute_stream};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::approval::{Mail, Request};
use super::attached::Attached;
use super::copies::Filer;
use super::letters::{Letter, letters};
use super::once::Ended;
use super::{Sendings, Way};
use crate::engine::export;
use crate::error::{Error, ErrorKind, Result};
use crate::mail::outbox::{Delivery, Outcome, Sending, Status, Stop};
use crate::mail::{Draft, Enclosure, Outgoing};
use crate::smtp;
use crate::table::receipt::Receipt;

/// A call that is to run.
pub(super) struct Run {
    pub(super) account: String,
    pub(super) sendings: Arc<Sendings>,
    pub(super) mails: Arc<dyn ExecutionPlan>,
    pub(super) attached: Option<Arc<dyn ExecutionPlan>>,
    pub(super) context: Arc<TaskContext>,
    /// Whether mail may be sent without asking.
    pub(super) allowed: bool,
    pub(super) patience: Duration,
    pub(super) per_minute: Option<u32>,
    /// What ends it.
    pub(super) stop: Stop,
    pub(super) counted: Counted,
}

/// What is counted of a call.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    mails: Count,
    mails_done: Count,
}

impl Counted {
    pub(super) fn new(metrics: &ExecutionPlanMetricsSet) -> Self {
        let count = |name| MetricBuilder::new(metrics).global_counter(name);
        Self { mails: count("mails"), mails_done: count("mails_done") }
    }
}

/// Something that is sending, until it is dropped.
struct Running(Arc<Sendings>);

impl Running {
    fn new(sendings: &Arc<Sendings>) -> Self {
        sendings.running.send_modify(|running| *running += 1);
        Self(Arc::clone(sendings))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running -= 1);
    }
}

impl Run {
    /// Sends the mails, and says what became of them. From now on it counts as running, and can be stopped.
    pub(super) fn begin(self) -> BoxFuture<'static, Ended> {
        let running = Running::new(&self.sendings);
        let ended = async move {
            let receipts = self.receipts().await;
            drop(running);
            receipts.map(Arc::from).map_err(|error| Arc::new(error.into()))
        };
        ended.boxed()
    }

    async fn receipts(self) -> Result<Vec<Receipt>> {
        let sendings = Arc::clone(&self.sendings);
        let Some(way) = sendings.way(&self.account) else {
            return Err(Error::new(ErrorKind::Config, format!("the account {} has no way out for mail", self.account)));
        };
        let made = async {
            let mut attached = self.read_attached().await?;
            let rows = collect(Arc::clone(&self.mails), Arc::clone(&self.context)).await?;
            let letters = letters(&rows, &self.account, way.outbox.sender().as_ref())?;
            if letters.iter().any(|letter| letter.dry_run) {
                self.dry_runs()?;
            }
            for letter in &letters {
                // What cannot be written is found before the first is sent.
                smtp::compose(&Draft { attachments: Vec::new(), ..letter.draft.clone() })?;
                if let Some(attached) = &mut attached {
                    attached.file(letter.attach_as.1).await?;
                }
            }
            self.ask(way, &letters, attached.as_ref()).await?;
            Ok::<_, Error>((letters, attached))
        };
        let made = self.stop.unless(made).await;
        let (letters, attached) = made.map_err(|_| Error::new(ErrorKind::Query, "stopped; nothing was sent"))??;
        self.send(way, letters, attached).await
    }

    async fn read_attached(&self) -> Result<Option<Attached>> {
        let Some(plan) = &self.attached else { return Ok(None) };
        let rows = execute_stream(Arc::clone(plan), Arc::clone(&self.context))?;
        Attached::read(rows, export::csv_formulas(self.context.session_config().options())).await.map(Some)
    }

    /// Gets leave for those mails that leave the house.
    async fn ask(&self, way: &Way, letters: &[Letter], attached: Option<&Attached>) -> Result<()> {
        let leaves = |letter: &&Letter| !letter.dry_run && !is_skipped(letter, attached);
        let mail = |letter| mail_of(letter, attached.is_some());
        let mails: Vec<Mail<'_>> = letters.iter().filter(leaves).map(mail).collect();
        if self.allowed || mails.is_empty() {
            return Ok(());
        }
        let request = Request { account: &self.account, way: &way.outbox.describe(), mails: &mails };
        let asking = self.sendings.asking.lock().await;
        let is_allowed = self.sendings.approval().approve(&request).await?;
        drop(asking);
        if is_allowed {
            return Ok(());
        }
        let mails = if mails.len() == 1 { "1 mail".to_owned() } else { format!("{} mails", mails.len()) };
        Err(Error::new(ErrorKind::Refused, format!("sending is off: {mails} would go, and none has"))
            .hint("SET mailql.allow_send = true allows it; with dry_run => true, mails are only written into files"))
    }

    async fn send(&self, way: &Way, letters: Vec<Letter>, mut attached: Option<Attached>) -> Result<Vec<Receipt>> {
        self.counted.mails.add(letters.len());
        let delivery = Delivery { patience: self.patience, per_minute: self.per_minute, stop: self.stop.clone() };
        let mut sending = way.outbox.begin(delivery);
        let filer = way.filing.as_ref().map(|filing| Filer::new(filing, self.patience));
        let (mut receipts, mut handed_over, mut failed) = (Vec::<(usize, Receipt)>::new(), 0, None::<Error>);
        let all = letters.len();
        let mut letters = letters.into_iter().enumerate().peekable();
        let mut ready = ready(letters.peek(), attached.as_mut()).await;
        while let Some((mail, letter)) = letters.next() {
            if failed.is_none() && self.stop.is_wanted() {
                failed = Some(Error::new(ErrorKind::Query, "stopped"));
            }
            let prepared = match &failed {
                Some(error) => Err(Unsent::Failed(format!("not tried, as another failed: {error}"))),
                None => ready,
            };
            // The next one is made while a server looks at this one.
            let next = letters.peek().filter(|_| failed.is_none());
            let following = self::ready(next, attached.as_mut());
            let outcomes;
            (outcomes, ready) = tokio::join!(self.handed_over(sending.as_mut(), &letter, prepared.as_ref()), following);
            let outcomes = match outcomes {
                Ok(outcomes) => outcomes,
                Err(error) if handed_over == 0 => {
                    // Nothing was sent of which something is to be written.
                    drop(sending.end().await);
                    return Err(error);
                }
                Err(error) => {
                    let outcomes = not_sent(&letter.draft, &error.to_string());
                    self.missed(outcomes.len());
                    failed = Some(error);
                    outcomes
                }
            };
            let is_gone = |outcome: &&Outcome| {
                !letter.dry_run
                    && outcome.message_id == letter.draft.message_id
                    && matches!(outcome.status, Status::Sent | Status::Rejected | Status::Unknown)
            };
            if outcomes.iter().any(|outcome| is_gone(&outcome)) {
                handed_over += 1;
                self.sendings.count(|tally| tally.handed_over += 1);
            }
            let is_sent = |outcome: &Outcome| is_gone(&outcome) && outcome.status == Status::Sent;
            if let (Some(filer), Ok(outgoing)) = (&filer, &prepared)
                && outcomes.iter().any(is_sent)
            {
                filer.file(mail, outgoing.octets.clone(), letter.draft.date).await;
            }
            let size = prepared.ok().and_then(|outgoing| i64::try_from(outgoing.octets.len()).ok());
            receipts.extend(outcomes.into_iter().map(|outcome| (mail, self.receipt(&letter, outcome, size))));
            self.counted.mails_done.add(1);
        }
        let mut words = Vec::new();
        if let (Err(error), Some((last, _))) = (sending.end().await, receipts.last()) {
            words.push((*last, format!("this could not be written into the journal: {error}")));
        }
        if let Some(filer) = filer {
            words.extend(filer.end().await);
        }
        for (mail, words) in words {
            for (_, receipt) in receipts.iter_mut().filter(|(of, _)| *of == mail) {
                receipt.outcome.response = format!("{}; {words}", receipt.outcome.response);
            }
        }
        if self.stop.is_wanted() && handed_over < all {
            let message = format!("stopped, when {handed_over} of {all} mails had been handed over");
            return Err(Error::new(ErrorKind::Query, message).hint("SELECT * FROM SentEmail tells what was sent"));
        }
        Ok(receipts.into_iter().map(|(_, receipt)| receipt).collect())
    }

    /// What became of a mail, and what it means for those that follow.
    async fn handed_over(
        &self,
        sending: &mut dyn Sending,
        letter: &Letter,
        prepared: Result<&Outgoing, &Unsent>,
    ) -> Result<Vec<Outcome>> {
        let outcomes = match prepared {
            Err(Unsent::NothingToSend) => return Ok(not_sent(&letter.draft, NOTHING_TO_SEND)),
            Err(Unsent::Failed(reason)) => not_sent(&letter.draft, reason),
            Ok(outgoing) if letter.dry_run => match self.write_dry_run(outgoing).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(error) => not_sent(&letter.draft, &error.to_string()),
            },
            Ok(outgoing) => sending.send(outgoing).await?,
        };
        let count = |is_so: fn(Status) -> bool| outcomes.iter().filter(|outcome| is_so(outcome.status)).count();
        self.missed(count(|status| !matches!(status, Status::Sent | Status::Unknown)));
        let unknown = count(|status| status == Status::Unknown);
        self.sendings.count(|tally| tally.unknown += unknown);
        Ok(outcomes)
    }

    fn missed(&self, recipients: usize) {
        self.sendings.count(|tally| tally.missed += recipients);
    }

    fn dry_runs(&self) -> Result<&Path> {
        self.sendings.dry_runs.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::Config, "there is no directory for the mails of a dry run")
                .hint("EngineBuilder::state names one for what must last")
        })
    }

    async fn write_dry_run(&self, outgoing: &Outgoing) -> Result<Vec<Outcome>> {
        let directory = self.dry_runs()?;
        let path = smtp::write_draft(directory, outgoing).await?;
        let response = format!("written to {}", path.display());
        let outcome = |recipient: &String| Outcome {
            message_id: outgoing.message_id.clone(),
            recipient: recipient.clone(),
            status: Status::DryRun,
            code: None,
            response: response.clone(),
            at: Utc::now(),
        };
        Ok(outgoing.recipients.iter().map(outcome).collect())
    }

    fn receipt(&self, letter: &Letter, outcome: Outcome, size: Option<i64>) -> Receipt {
        Receipt {
            account: self.account.as_str().into(),
            outcome,
            key: letter.key.clone(),
            sender: letter.draft.from.address.clone(),
            subject: letter.draft.subject.clone(),
            size,
        }
    }
}

/// A mail as somebody is asked about it.
fn mail_of(letter: &Letter, has_rows: bool) -> Mail<'_> {
    let given = letter.draft.attachments.iter().map(|given| given.name.clone());
    let files = letter.paths.iter().map(|path| path.display().to_string());
    let rows = has_rows.then(|| letter.attach_as.0.clone());
    Mail { draft: &letter.draft, attached: given.chain(files).chain(rows).collect() }
}

/// Whether a mail has nothing to tell.
fn is_skipped(letter: &Letter, attached: Option<&Attached>) -> bool {
    letter.skip_if_empty && attached.is_some_and(Attached::is_empty)
}

/// Why a mail is not handed over.
enum Unsent {
    /// It has nothing to tell.
    NothingToSend,
    /// Something went wrong.
    Failed(String),
}

/// A mail that is ready to go; without one, there is nothing.
async fn ready(letter: Option<&(usize, Letter)>, attached: Option<&mut Attached>) -> Result<Outgoing, Unsent> {
    match letter {
        Some((_, letter)) if !is_skipped(letter, attached.as_deref()) => {
            prepare(letter, attached).await.map_err(|error| Unsent::Failed(error.to_string()))
        }
        _ => Err(Unsent::NothingToSend),
    }
}

/// A mail as it goes out, with all that is attached.
async fn prepare(letter: &Letter, attached: Option<&mut Attached>) -> Result<Outgoing> {
    let mut draft = letter.draft.clone();
    for path in &letter.paths {
        let read = path.clone();
        let content = tokio::task::spawn_blocking(move || std::fs::read(read)).await;
        let content = content.unwrap_or_else(|broken| Err(std::io::Error::other(broken)));
        let content: Bytes =
            content.map_err(|error| Error::io(format!("cannot attach {}", path.display()), error))?.into();
        let name = path.file_name().map_or_else(|| "attachment".into(), |name| name.to_string_lossy().into_owned());
        draft.attachments.push(Enclosure { name, content });
    }
    if let Some(attached) = attached {
        let (name, form) = &letter.attach_as;
        draft.attachments.push(Enclosure { name: name.clone(), content: attached.file(*form).await? });
    }
    let octets = smtp::compose(&draft)?;
    Ok(Outgoing {
        recipients: draft.recipients(),
        message_id: draft.message_id,
        sender: draft.from.address,
        subject: draft.subject,
        octets,
        key: letter.key.clone(),
        on_rejected: letter.on_rejected,
    })
}

fn not_sent(draft: &Draft, reason: &str) -> Vec<Outcome> {
    let outcome = |recipient: String| Outcome {
        message_id: draft.message_id.clone(),
        recipient,
        status: Status::NotSent,
        code: None,
        response: reason.to_owned(),
        at: Utc::now(),
    };
    draft.recipients().into_iter().map(outcome).collect()
}

const NOTHING_TO_SEND: &str = "nothing to send: the attached query has no rows";
