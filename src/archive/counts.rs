//! What is counted of a folder by a look at each of its messages.

use super::entry::Stop;
use super::reading::{Snapshot, Token};
use crate::error::Result;
use crate::mail::{Flag, Meter};

/// The sum of the sizes of all messages; `None` if one of them is not known.
pub(super) fn size<S: Snapshot>(snapshot: &S, meter: &Meter, token: &Token) -> Result<Option<u64>> {
    let sizes = of_each(snapshot, meter, token, |entry| entry.size())?;
    Ok(sizes.into_iter().sum())
}

/// How many messages do not have the flag; `None` if that is not known of one of them.
pub(super) fn without<S: Snapshot>(flag: Flag, snapshot: &S, meter: &Meter, token: &Token) -> Result<Option<u64>> {
    let has = of_each(snapshot, meter, token, |entry| entry.has(flag))?;
    let lacks = has.into_iter().map(|has| has.map(|has| u64::from(!has)));
    Ok(lacks.sum())
}

/// What is said of each message that is still there.
fn of_each<S: Snapshot, T>(
    snapshot: &S,
    meter: &Meter,
    token: &Token,
    said: impl Fn(&mut dyn super::entry::Entry) -> std::result::Result<T, Stop>,
) -> Result<Vec<T>> {
    let mut chunk = snapshot.open(meter)?;
    let mut all = Vec::with_capacity(snapshot.len());
    for position in 0..snapshot.len() {
        token.check()?;
        match said(chunk.entry(position).as_mut()) {
            Ok(said) => all.push(said),
            Err(Stop::Gone) => {}
            Err(Stop::Failed(error)) => return Err(error),
        }
    }
    chunk.finish()?;
    Ok(all)
}
