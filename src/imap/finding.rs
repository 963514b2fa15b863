//! Finding: which messages there are, or how many, by the server's word alone and without reading any.
//!
//! It never says why that cannot be had; then the folder is read, and that tells.

use std::sync::Arc;

use super::backlog::Examining;
use super::command::{self, Command, SearchResult, WireName};
use super::flight;
use super::pool::Pool;
use super::reading::Opened;
use super::refusal::{accepted, kind};
use super::response::Response;
use super::resume::Resume;
use super::session::Event;
use super::status::{Code, Condition};
use crate::error::{ErrorKind, Result};
use crate::mail::snapshots::Snapshots;
use crate::mail::store::{Found, OrderBy, Unreadable, Wanted};
use crate::mail::{FolderScan, SearchKey, Uid, UidSet};

/// What is known of the messages for which the key of a scan holds; nothing when only reading can tell.
///
/// # Errors
/// When there is no connection to the server, or it is lost.
pub async fn find(
    scan: &FolderScan,
    wanted: Wanted,
    name: &WireName,
    pool: &Arc<Pool>,
    folders: &Snapshots<Opened>,
) -> Result<Option<Found>> {
    // A message that cannot be delivered is found all the same, and must not be counted then.
    if scan.statement.terms().unreadable == Unreadable::Skip {
        return Ok(None);
    }
    let mut resume = Resume::of(&scan.statement, &scan.meter, &pool.server());
    loop {
        match find_once(scan, wanted, name, pool, folders, &resume).await {
            Ok(found) => return Ok(found),
            Err(error) => resume.after(error, 0).await?,
        }
    }
}

async fn find_once(
    scan: &FolderScan,
    wanted: Wanted,
    name: &WireName,
    pool: &Arc<Pool>,
    folders: &Snapshots<Opened>,
    resume: &Resume,
) -> Result<Option<Found>> {
    let mut lease = pool.lease(&scan.statement, Some(name)).await?;
    resume.begun();
    let able = &lease.capabilities;
    let Some(key) = flight::exactly(&scan.key, lease.family) else { return Ok(None) };
    let is_whole = key == SearchKey::All && wanted == Wanted::Number;
    let search = match wanted {
        Wanted::Number if is_whole => None,
        Wanted::Number if able.has("ESEARCH") => Some(command::search(&key, SearchResult::Number, able)),
        Wanted::Uids if able.has("ESEARCH") => Some(command::search(&key, SearchResult::Uids, able)),
        // Dovecot gives a part of what is sorted, too, and says so of searches only.
        Wanted::First(order, rows) if able.has("ESORT") && (able.has("CONTEXT=SORT") || able.has("CONTEXT=SEARCH")) => {
            // Sizes that are estimated are the same in the answer, but need not be what was sorted by.
            if order.by == OrderBy::Size && !lease.family.has_exact_sizes() {
                return Ok(None);
            }
            Some(command::sort(&key, order, rows))
        }
        _ => return Ok(None),
    };
    let commands: Vec<Command> = [command::examine(name)].into_iter().chain(search).collect();
    let meter = &scan.meter;
    meter.connections.add(lease.number);
    meter.round_trips.add(1);
    meter.commands.add(commands.len());
    for command in &commands {
        meter.asked.note(command.to_string());
    }
    lease.open = None;
    lease.send(commands).await?;
    let (mut examining, mut found, mut refusal) = (Examining::default(), None, None);
    let (mut is_open, mut is_certain) = (false, true);
    while !lease.is_idle() {
        let event = lease.next().await;
        resume.count(lease.take_counts());
        match event? {
            Event::Untagged(Response::Exists(exists)) => {
                // One that came meanwhile may be among what is found.
                is_certain &= !is_open;
                examining.exists = Some(exists);
            }
            Event::Untagged(Response::ESearch(search)) => found = Some(search),
            // What is gone may have been found; and who answers as if asked otherwise is understood by reading.
            Event::Untagged(Response::Search(_) | Response::Expunge(_) | Response::Vanished { earlier: false, .. }) => {
                is_certain = false;
            }
            Event::Untagged(Response::Status(status)) => examining.hear(&status),
            Event::Untagged(_) => {}
            Event::Done(command, status) => {
                examining.hear(&status);
                is_open = true;
                // Reading would be refused just so.
                if matches!(kind(&status), ErrorKind::Throttled | ErrorKind::Unavailable) {
                    refusal = refusal.or(accepted(&command, status.clone(), lease.family).err());
                }
                is_certain &=
                    status.condition == Condition::Ok && !matches!(status.code, Some(Code::MessageLimit { .. }));
            }
        }
    }
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    if !is_certain {
        return Ok(None);
    }
    let own = examining.opened();
    let first = folders.of(&scan.statement, &scan.folder.path, async { Ok(Arc::new(own)) }).await?;
    // What came since the statement first looked is none of its messages.
    if *first != own {
        return Ok(None);
    }
    lease.open = Some((name.clone(), scan.statement.key()));
    Ok(match wanted {
        Wanted::Number if is_whole => examining.exists.map(|exists| Found::Number(exists.into())),
        Wanted::Number => found.and_then(|found| found.count).map(Found::Number),
        // Some servers say nothing when they find nothing.
        Wanted::Uids => Some(uids(own, found.unwrap_or_default().all)),
        Wanted::First(..) => found.and_then(|found| foremost(own, found.all)),
    })
}

/// What was found, if nothing of it came after the folder was opened: others would be in its place.
fn foremost(opened: Opened, found: Option<UidSet>) -> Option<Found> {
    let count = |found: &Option<UidSet>| found.as_ref().map_or(0, UidSet::count);
    let all = count(&found);
    Some(uids(opened, found)).filter(|known| matches!(known, Found::Uids(_, known) if count(known) == all))
}

/// What was found, without what came after the folder was opened.
fn uids(opened: Opened, found: Option<UidSet>) -> Found {
    let last = opened.uid_next.and_then(|next| u32::try_from(next - 1).ok()).map_or(Some(Uid::MAX), Uid::new);
    let there = last.and_then(|last| UidSet::range(Uid::MIN, last));
    Found::Uids(opened.uid_validity, there.and_then(|there| there.intersection(&found?)))
}
