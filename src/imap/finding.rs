//! Finding: which messages there are, or how many, by the server's word alone and without reading any.
//!
//! It never says why that cannot be had; then the folder is read, and that tells.

use std::sync::Arc;

use super::backlog::Examining;
use super::command::{self, SearchResult, WireName};
use super::flight;
use super::pool::Pool;
use super::reading::Opened;
use super::response::Response;
use super::session::Event;
use super::status::{Code, Condition};
use crate::error::Result;
use crate::mail::snapshots::Snapshots;
use crate::mail::store::{Found, Wanted};
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
    let mut lease = pool.lease(scan.statement.terms(), Some(name)).await?;
    let able = &lease.capabilities;
    let Some(key) = flight::exactly(&scan.key, lease.family) else { return Ok(None) };
    let is_whole = key == SearchKey::All && wanted == Wanted::Number;
    if !is_whole && !able.has("ESEARCH") {
        return Ok(None);
    }
    let mut commands = vec![command::examine(name)];
    let result = match wanted {
        Wanted::Number => SearchResult::Number,
        Wanted::Uids => SearchResult::Uids,
    };
    commands.extend((!is_whole).then(|| command::search(&key, result, able)));
    let meter = &scan.meter;
    meter.connections.add(lease.number);
    meter.round_trips.add(1);
    meter.commands.add(commands.len());
    for command in &commands {
        meter.asked.note(command.to_string());
    }
    lease.open = None;
    lease.send(commands).await?;
    let (mut examining, mut found, mut is_certain) = (Examining::default(), None, true);
    while !lease.is_idle() {
        match lease.next().await? {
            Event::Untagged(Response::Exists(exists)) => examining.exists = Some(exists),
            Event::Untagged(Response::ESearch(search)) => found = Some(search),
            Event::Untagged(Response::Expunge(_) | Response::Vanished { earlier: false, .. }) => is_certain = false,
            Event::Untagged(Response::Status(status)) => examining.hear(&status),
            Event::Untagged(_) => {}
            Event::Done(_, status) => {
                examining.hear(&status);
                is_certain &=
                    status.condition == Condition::Ok && !matches!(status.code, Some(Code::MessageLimit { .. }));
            }
        }
    }
    let counts = lease.take_counts();
    meter.bytes.add(counts.received);
    meter.bytes_sent.add(counts.sent);
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
        Wanted::Uids => found.map(|found| {
            let last = own.uid_next.and_then(|next| u32::try_from(next - 1).ok()).map_or(Some(Uid::MAX), Uid::new);
            let there = last.and_then(|last| UidSet::range(Uid::MIN, last));
            Found::Uids(own.uid_validity, there.and_then(|there| there.intersection(&found.all?)))
        }),
    })
}
