//! Reading a folder: sends what its steps need, takes what comes, and hands over what is done.
//!
//! It may lose or give up its session at any time and goes on with another one where it was. What is asked is decided in
//! [`super::flight`] and [`super::job`]; what it holds on to in between, in [`super::backlog`].

use std::sync::Arc;
use std::time::Duration;

use super::backlog::{Backlog, Next};
use super::command::{self, Command, Messages, SearchResult, WireName};
use super::flight::Way;
use super::job::{Job, Kind};
use super::outlet::Outlet;
use super::pool::{Lease, Pool};
use super::response::Response;
use super::session::{Event, refused};
use super::status::{Condition, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::snapshots::Snapshots;
use crate::mail::store::StatementKey;
use crate::mail::{FolderScan, UidSet, UidValidity};

/// A folder as a statement first found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Whether its uids still mean the same.
    pub uid_validity: UidValidity,
    /// Messages from here on came later, and are none of the statement's.
    pub uid_next: Option<u64>,
}

/// Reads a folder to its end, or as far as somebody wants.
pub struct Reading {
    scan: FolderScan,
    name: WireName,
    pool: Arc<Pool>,
    folders: Arc<Snapshots<Opened>>,
    outlet: Outlet,
    backlog: Backlog,
}

/// How it ended with a session.
enum Ended {
    /// Everything is read.
    Done,
    /// Somebody else needs it more.
    GaveUp,
}

impl Reading {
    /// A reading that has not begun.
    pub fn new(
        scan: FolderScan,
        name: WireName,
        pool: Arc<Pool>,
        folders: Arc<Snapshots<Opened>>,
        outlet: Outlet,
    ) -> Self {
        let backlog = Backlog::new(&scan);
        Self { scan, name, pool, folders, outlet, backlog }
    }

    /// Reads; what goes wrong is handed over too, as the last thing.
    pub async fn run(mut self) {
        let path = self.scan.folder.path.clone();
        loop {
            match self.with_session().await {
                Ok(Ended::GaveUp) => {}
                Ok(Ended::Done) => {
                    return;
                }
                Err(error) => return self.outlet.send(Err(error.context("folder", path))).await,
            }
        }
    }

    /// Reads as long as the session may be kept.
    async fn with_session(&mut self) -> Result<Ended> {
        // Nobody waits for more: nobody else should wait for the session.
        if self.backlog.is_by_demand() {
            self.outlet.asked().await;
        }
        let terms = self.scan.statement.terms();
        let mut lease = self.pool.lease(terms, Some(&self.name)).await?;
        self.scan.meter.connections.add(lease.number);
        self.backlog.begin(lease.family, &lease.capabilities);
        let ended = self.converse(&mut lease).await;
        let counts = lease.take_counts();
        self.scan.meter.bytes.add(counts.received);
        self.scan.meter.bytes_sent.add(counts.sent);
        ended
    }

    async fn converse(&mut self, lease: &mut Lease) -> Result<Ended> {
        let statement = self.scan.statement.key();
        let is_open = matches!(&lease.open, Some((name, of)) if *name == self.name && of.is(&self.scan.statement));
        if !is_open || !self.backlog.knows_folder() {
            lease.open = None;
            self.backlog.open();
        }
        loop {
            self.launch(lease).await?;
            if !lease.is_idle() {
                let event = lease.next().await?;
                self.take(lease, event, &statement).await?;
                tokio::task::consume_budget().await;
            }
            self.backlog.settle(&self.scan, false)?;
            while let Some(chunk) = self.backlog.ready(&self.scan, self.outlet.is_asked())? {
                if self.must_give_up().await {
                    self.backlog.put_back(chunk);
                    self.backlog.interrupt();
                    return Ok(Ended::GaveUp);
                }
                self.outlet.send(Ok(chunk)).await;
            }
            if lease.is_idle() {
                match self.backlog.next() {
                    Next::Work => {}
                    Next::Nothing => return Ok(Ended::Done),
                    Next::OnDemand if self.outlet.is_asked() => {}
                    Next::OnDemand => return Ok(Ended::GaveUp),
                }
            }
        }
    }

    /// Whether the reader does not take what is ready, and somebody else waits for the session.
    async fn must_give_up(&self) -> bool {
        let (outlet, pool) = (&self.outlet, &self.pool);
        let nobody_takes = async {
            tokio::time::sleep(GRACE).await;
            pool.is_wanted().await;
        };
        tokio::select! {
            biased;
            () = outlet.has_room() => false,
            () = nobody_takes => true,
        }
    }

    /// Sends what can be sent now.
    async fn launch(&mut self, lease: &mut Lease) -> Result<()> {
        let mut commands: Vec<Command> = Vec::new();
        while let Some(mut job) = self.backlog.next_job(self.outlet.is_asked()) {
            let sent = self.commands(&job, lease);
            job.commands = sent.len();
            if sent.is_empty() {
                self.backlog.land(job, &self.scan)?;
                continue;
            }
            commands.extend(sent);
            self.backlog.fly(job);
        }
        if commands.is_empty() {
            return Ok(());
        }
        let meter = &self.scan.meter;
        meter.round_trips.add(usize::from(lease.is_idle()));
        meter.commands.add(commands.len());
        commands.iter().for_each(|command| meter.asked.note(command.to_string()));
        lease.send(commands).await
    }

    fn commands(&self, job: &Job, lease: &Lease) -> Vec<Command> {
        let able = &lease.capabilities;
        match &job.kind {
            Kind::Examine => vec![command::examine(&self.name)],
            Kind::Search => vec![command::search(&self.backlog.way().key(), SearchResult::Uids, able)],
            Kind::SearchSaved => vec![command::search(&self.backlog.way().key(), SearchResult::Saved, able)],
            Kind::Sweep(items) => match self.backlog.way() {
                Way::Everything => vec![command::fetch(&Messages::All, items, able)],
                Way::Uids(uids) => command::cut(uids)
                    .into_iter()
                    .map(|set| command::fetch(&Messages::Uids(set), items, able))
                    .collect(),
                Way::Search(_) => vec![command::fetch(&Messages::Saved, items, able)],
            },
            Kind::Items(_) | Kind::Contents(_) | Kind::Whole(_) => job.commands(able),
        }
    }

    async fn take(&mut self, lease: &mut Lease, event: Event, statement: &StatementKey) -> Result<()> {
        match event {
            Event::Untagged(response) => self.hear(response),
            Event::Done(command, status) => {
                self.check(lease, &command, &status).await?;
                let Some(job) = self.backlog.landed(&status)? else { return Ok(()) };
                if job.kind == Kind::Examine {
                    lease.open = Some((self.name.clone(), statement.clone()));
                    self.examined(status).await?;
                }
                self.backlog.land(job, &self.scan)?;
            }
        }
        Ok(())
    }

    /// An answer that was no refusal; after a refusal, the rest of its flight is heard to its end.
    async fn check(&mut self, lease: &mut Lease, command: &Command, status: &Status) -> Result<()> {
        // Some servers refuse to fetch from a folder without messages.
        let is_empty = self.backlog.examining.exists == Some(0);
        if status.condition == Condition::Ok || is_empty && command.verb() != "EXAMINE" {
            return Ok(());
        }
        let error = refused(command, status);
        while !lease.is_idle() && lease.next().await.is_ok() {}
        Err(error)
    }

    fn hear(&mut self, response: Response) {
        match response {
            Response::Fetch(row) => self.backlog.row(*row, &self.scan.meter),
            Response::Search(uids) => self.backlog.found(UidSet::of(uids)),
            Response::ESearch(found) => self.backlog.found(found.all),
            Response::Exists(exists) => self.backlog.examining.exists = Some(exists),
            Response::Status(status) => self.backlog.examining.hear(&status),
            _ => {}
        }
    }

    /// The folder is open: is it still the same?
    async fn examined(&mut self, status: Status) -> Result<()> {
        self.backlog.examining.hear(&status);
        let found = self.backlog.examining.opened();
        let keep = async { Ok(Arc::new(found)) };
        let first = self.folders.of(&self.scan.statement, &self.scan.folder.path, keep).await?;
        if first.uid_validity != found.uid_validity {
            return Err(Error::new(ErrorKind::Mail, "the folder was renumbered while it was read")
                .hint("ask again; the new numbers hold then"));
        }
        self.backlog.opened(*first);
        Ok(())
    }
}

/// How long a reader may take for a chunk before he counts as one who does not read.
const GRACE: Duration = Duration::from_millis(250);
