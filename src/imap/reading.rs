//! Reading a folder: sends what its steps need, takes what comes, and hands over what is done.
//!
//! It may lose or give up its session at any time and goes on with another one where it was. What is asked is decided in
//! [`super::flight`] and [`super::job`]; what it holds on to in between, in [`super::backlog`].

use std::sync::Arc;
use std::time::Duration;

use super::backlog::{Backlog, Next, renumbered};
use super::command::{self, Command, Messages, SearchResult, WireName};
use super::flight::{self, Way};
use super::folders;
use super::job::{Job, Kind};
use super::left_out::LeftOut;
use super::outlet::Outlet;
use super::pool::{Lease, Pool};
use super::quirk::Family;
use super::refusal::{refused, words};
use super::response::Response;
use super::resume::Resume;
use super::searching;
use super::session::Event;
use super::status::{Code, Condition, Status};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::snapshots::Snapshots;
use crate::mail::store::StatementKey;
use crate::mail::{Fetch, FolderPattern, FolderScan, StatusItems, UidSet, UidValidity};

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
    /// How often it was looked for after it could not be opened, and was there.
    looked_up: u32,
    pool: Arc<Pool>,
    folders: Arc<Snapshots<Opened>>,
    outlet: Outlet,
    backlog: Backlog,
    resume: Resume,
    /// Whether the folder was open before.
    has_opened: bool,
    /// Messages that were handed over.
    given: u64,
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
    ///
    /// Without a name by which the server lists it, the folder is taken to be there.
    pub fn new(
        scan: FolderScan,
        listed: Option<WireName>,
        pool: Arc<Pool>,
        folders: Arc<Snapshots<Opened>>,
        left_out: Arc<LeftOut>,
        outlet: Outlet,
    ) -> Self {
        let backlog = Backlog::new(&scan, left_out);
        let name = listed.unwrap_or_else(|| WireName::of(&scan.folder.path));
        let resume = Resume::of(&scan.statement, &scan.meter, &pool.server());
        Self { scan, name, looked_up: 0, pool, folders, outlet, backlog, resume, has_opened: false, given: 0 }
    }

    /// Reads; what goes wrong is handed over too, as the last thing.
    pub async fn run(mut self) {
        let path = self.scan.folder.path.clone();
        loop {
            match self.with_session().await {
                Ok(Ended::GaveUp) => {}
                Ok(Ended::Done) => return,
                Err(error) => match self.resume.after(error, self.backlog.progress()).await {
                    Ok(()) => self.backlog.interrupt(),
                    Err(error) => {
                        let error = if self.given == 0 {
                            error
                        } else {
                            error.context("messages read before", self.given.to_string())
                        };
                        return self.outlet.send(Err(error.context("folder", path))).await;
                    }
                },
            }
        }
    }

    /// Reads as long as the session may be kept.
    async fn with_session(&mut self) -> Result<Ended> {
        // Nobody waits for more: nobody else should wait for the session.
        if self.backlog.is_by_demand() {
            self.outlet.asked().await;
        } else {
            self.outlet.has_room().await;
        }
        let mut lease = self.pool.lease(&self.scan.statement, Some(&self.name)).await?;
        self.resume.begun();
        self.scan.meter.connections.add(lease.number);
        if let Some(search) = self.scan.key.server_search() {
            searching::check(search, &lease.capabilities)?;
        }
        self.backlog.begin(lease.family, &lease.capabilities);
        let ended = self.converse(&mut lease).await;
        self.resume.count(lease.take_counts());
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
                if let Some(ended) = self.take(lease, event, &statement).await? {
                    return Ok(ended);
                }
                tokio::task::consume_budget().await;
                self.resume.count(lease.take_counts());
            }
            // What came before the session was lost may be all there is.
            self.backlog.settle(&self.scan, lease.is_idle())?;
            while let Some(chunk) = self.backlog.ready(&self.scan, self.outlet.is_asked())? {
                if self.must_give_up().await {
                    self.backlog.put_back(chunk);
                    self.backlog.interrupt();
                    return Ok(Ended::GaveUp);
                }
                self.given += chunk.len() as u64;
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
        self.backlog.pay(self.scan.statement.budget())?;
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
        for command in &commands {
            meter.asked.note(command.to_string());
        }
        lease.send(commands).await
    }

    fn commands(&self, job: &Job, lease: &Lease) -> Vec<Command> {
        let able = &lease.capabilities;
        match &job.kind {
            Kind::Examine => vec![command::examine(&self.name)],
            Kind::Search => vec![command::search(&self.backlog.key_of(job), SearchResult::Uids, able)],
            Kind::Listing => {
                let all = command::search(&self.backlog.listing_key(job), SearchResult::Uids, able);
                vec![command::examine(&self.name), all]
            }
            Kind::SearchSaved => vec![command::search(&self.backlog.key_of(job), SearchResult::Saved, able)],
            Kind::Sweep(items) => self.sweeping(&flight::asked(items, lease.family), lease),
            Kind::Items(_) | Kind::Contents(_) | Kind::PartHeaders | Kind::Encodings | Kind::Whole(_) => {
                job.commands(lease.family, able)
            }
        }
    }

    /// The commands that read every message that is wanted, before it is known which they are.
    fn sweeping(&self, items: &Fetch, lease: &Lease) -> Vec<Command> {
        let able = &lease.capabilities;
        match self.backlog.way() {
            Way::Everything => vec![command::fetch(&Messages::All, items, able)],
            Way::Uids(uids) => {
                let fetches =
                    command::cut(uids).into_iter().map(|set| command::fetch(&Messages::Uids(set), items, able));
                flight::counted(uids, lease.family, able).into_iter().chain(fetches).collect()
            }
            Way::Search(_) => vec![command::fetch(&Messages::Saved, items, able)],
        }
    }

    /// Takes what the server said; how it ended with the session, where it is to be asked something else than it was.
    async fn take(&mut self, lease: &mut Lease, event: Event, statement: &StatementKey) -> Result<Option<Ended>> {
        let (command, status) = match event {
            Event::Untagged(response) => {
                self.hear(response);
                return Ok(None);
            }
            Event::Done(command, status) => (command, status),
        };
        let refusal = self.check(&command, &status, lease.family).err();
        if refusal.as_ref().is_some_and(|error| self.is_of_messages(&command, &status, error)) {
            self.backlog.refused(words(&status));
        } else if let Some(error) = refusal {
            // After a refusal, the rest of its flight is heard to its end.
            while !lease.is_idle() && lease.next().await.is_ok() {
                self.resume.count(lease.take_counts());
            }
            let may_be_none = matches!(error.kind(), ErrorKind::Server | ErrorKind::NotFound);
            if command.verb() == "EXAMINE" && may_be_none && !lease.is_idle() {
                // Dovecot ends the session when somebody renames the folder in that moment.
                return Err(Error::new(ErrorKind::Unreachable, error.to_string()).hint("ask again"));
            }
            let is_presumed = command.verb() == "EXAMINE" && may_be_none && self.looked_up < LOOKS && lease.is_idle();
            if is_presumed {
                return Ok(Some(self.looked_up(lease).await?));
            }
            let may_be_read = error.kind() == ErrorKind::Server && status.code != Some(Code::Limit) && lease.is_idle();
            let is_read = command.verb() == "UID SEARCH" && may_be_read && self.backlog.do_without_search();
            return if is_read { Ok(Some(Ended::GaveUp)) } else { Err(error) };
        }
        if command.verb() == "EXAMINE" {
            self.backlog.listing_begins();
        }
        if let Some(job) = self.backlog.landed(&status)? {
            if job.kind == Kind::Examine {
                self.examined(status).await?;
                lease.open = Some((self.name.clone(), statement.clone()));
            }
            self.backlog.land(job, &self.scan)?;
        }
        Ok(None)
    }

    /// Whether a refusal may be about single messages: those that did not come are asked for again, each by itself. That
    /// messages cannot be counted is no reason not to read them.
    fn is_of_messages(&self, command: &Command, status: &Status, error: &Error) -> bool {
        let is_bug = matches!(&status.code, Some(Code::Other(name)) if name == "SERVERBUG");
        let is_plain = (error.kind() == ErrorKind::Server || is_bug) && status.code != Some(Code::Limit);
        match command.verb() {
            "UID FETCH" => is_plain && status.condition == Condition::No,
            "UID SEARCH" => is_plain && self.backlog.is_sweeping(),
            _ => false,
        }
    }

    fn check(&self, command: &Command, status: &Status, family: &Family) -> Result<()> {
        // Some servers refuse to fetch from a folder without messages.
        let is_empty = self.backlog.examining.exists == Some(0);
        let asked = self.scan.key.server_search().filter(|_| command.verb() == "UID SEARCH");
        let is_fine = status.condition == Condition::Ok || is_empty && command.verb() != "EXAMINE" && asked.is_none();
        match asked {
            _ if is_fine => Ok(()),
            Some(search) => Err(searching::refused(search, command, status, family)),
            None => Err(refused(command, status, family)),
        }
    }

    /// The folder could not be opened: is there one, and is this its name?
    async fn looked_up(&mut self, lease: &mut Lease) -> Result<Ended> {
        self.backlog.interrupt();
        let path = &self.scan.folder.path;
        let pattern = FolderPattern::Named(vec![path.clone()]);
        let listing = folders::list(lease, &pattern, StatusItems::default(), &self.resume).await?;
        self.looked_up += 1;
        let folder = listing.folder(path).filter(|folder| folder.selectable || !self.has_opened);
        let (Some(folder), Some(name)) = (folder, listing.name(path)) else {
            if self.has_opened {
                let error = Error::new(ErrorKind::NotFound, format!("the folder '{path}' is gone while it was read"));
                return Err(error.hint("ask again"));
            }
            return Err(Error::new(ErrorKind::NotFound, format!("there is no folder '{path}'")));
        };
        if !folder.selectable {
            return Ok(Ended::Done);
        }
        // Why it was refused is told in the end. Dovecot lists a folder for a moment after it was renamed.
        tokio::time::sleep(SETTLING * (self.looked_up - 1)).await;
        self.name = name.clone();
        Ok(Ended::GaveUp)
    }

    fn hear(&mut self, response: Response) {
        match response {
            Response::Fetch(row) => self.backlog.row(*row, &self.scan.meter),
            Response::Search(uids) => {
                let count = uids.len() as u64;
                self.backlog.searched(UidSet::of(uids), Some(count));
            }
            Response::ESearch(found) => self.backlog.searched(found.all, found.count),
            Response::Exists(exists) => self.backlog.examining.exists = Some(exists),
            Response::Expunge(_) => self.backlog.gone(1),
            Response::Vanished { earlier: false, uids } => self.backlog.gone(uids.count()),
            Response::Status(status) => self.backlog.examining.hear(&status),
            _ => {}
        }
    }

    /// The folder is open: is it still the same?
    async fn examined(&mut self, status: Status) -> Result<()> {
        self.backlog.examining.hear(&status);
        if self.backlog.examining.exists.is_none() {
            return Err(Error::new(ErrorKind::Server, "the server opened the folder without saying what is in it"));
        }
        let found = self.backlog.examining.opened();
        let keep = async { Ok(Arc::new(found)) };
        let first = self.folders.of(&self.scan.statement, &self.scan.folder.path, keep).await?;
        if first.uid_validity != found.uid_validity {
            return Err(renumbered());
        }
        self.backlog.opened(*first, &self.scan);
        self.has_opened = true;
        Ok(())
    }
}

/// How often a folder that cannot be opened is looked for: others may just rename it, and back.
const LOOKS: u32 = 5;
/// How much longer each time it is waited then.
const SETTLING: Duration = Duration::from_millis(20);
/// How long a reader may take for a chunk before he counts as one who does not read.
const GRACE: Duration = Duration::from_millis(250);
