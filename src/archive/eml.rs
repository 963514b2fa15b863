//! An `.eml` file, or a directory of them, as a store of mail.
//!
//! Never writes to them, nor beside them. Which directories are folders is in `places`, which messages are in one and what
//! numbers they get in `listing`, what a file tells in `entry`.

mod entry;
mod listing;
mod places;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;

use self::listing::Listing;
use self::places::Place;
use super::reading::{self, Alive, Snapshot};
use super::uid_list::UidList;
use super::{counts, folder_named, is_wanted, lanes};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::snapshots::Snapshots;
use crate::mail::{Flag, Folder, FolderPattern, FolderScan, MailStore, Message, Meter, Statement, StatusItems};

/// Mail in files of one message each: one folder per directory that holds some.
#[derive(Debug)]
pub struct Eml(Arc<Store>);

#[derive(Debug)]
struct Store {
    root: PathBuf,
    cache: Option<PathBuf>,
    uid_lists: Mutex<HashMap<PathBuf, Arc<Mutex<UidList>>>>,
    places: Snapshots<Vec<Place>>,
    listings: Snapshots<Listing>,
}

impl Eml {
    /// Takes a file or directory as `.eml`; `cache` is where the uids of messages are kept.
    ///
    /// Nothing is read yet: what there is shows when its folders are listed.
    ///
    /// # Errors
    /// When there is no path at all.
    pub fn open(path: PathBuf, cache: Option<PathBuf>) -> Result<Eml> {
        if path.as_os_str().is_empty() {
            return Err(Error::new(ErrorKind::Config, "the path of .eml files is empty"));
        }
        Ok(Eml(Arc::new(Store {
            root: path,
            cache,
            uid_lists: Mutex::default(),
            places: Snapshots::default(),
            listings: Snapshots::default(),
        })))
    }
}

#[async_trait]
impl MailStore for Eml {
    async fn folders(
        &self,
        pattern: &FolderPattern,
        status: StatusItems,
        statement: &Statement,
        meter: &Arc<Meter>,
    ) -> Result<Vec<Folder>> {
        let places = self.0.places(statement).await?;
        let mut folders = Vec::new();
        for place in places.iter().filter(|place| is_wanted(pattern, &place.path)) {
            let mut folder = folder_named(&place.path);
            if !status.is_empty() {
                let listing = self.0.listing(statement, &place.path).await?;
                fill_status(&mut folder, status, listing, meter).await?;
            }
            folders.push(folder);
        }
        Ok(folders)
    }

    fn read(&self, scan: FolderScan) -> BoxStream<'static, Result<Vec<Message>>> {
        let (store, statement, path) = (Arc::clone(&self.0), scan.statement.clone(), scan.folder.path.clone());
        reading::stream(scan, async move { store.listing(&statement, &path).await })
    }

    fn lanes(&self) -> usize {
        lanes()
    }
}

impl Store {
    /// The directories that are folders, as they were when the statement first asked.
    async fn places(&self, statement: &Statement) -> Result<Arc<Vec<Place>>> {
        let root = self.root.clone();
        let look = reading::blocking(move || places::places(&root).map(Arc::new));
        self.places.of(statement, "", look).await
    }

    /// The files of a folder, as they were when the statement first asked.
    async fn listing(&self, statement: &Statement, path: &str) -> Result<Arc<Listing>> {
        let list = async {
            let places = self.places(statement).await?;
            let place = places.iter().find(|place| place.path == path).cloned().ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the folder is no longer there").context("folder", path)
            })?;
            let uids = self.uid_list(&place.root());
            reading::blocking(move || Listing::of(&place, &uids).map(Arc::new)).await
        };
        self.listings.of(statement, path, list).await
    }

    fn uid_list(&self, root: &Path) -> Arc<Mutex<UidList>> {
        let mut lists = self.uid_lists.lock().unwrap_or_else(PoisonError::into_inner);
        let list = lists
            .entry(root.to_owned())
            .or_insert_with(|| Arc::new(Mutex::new(UidList::of(root, "eml-uids", self.cache.as_deref()))));
        Arc::clone(list)
    }
}

async fn fill_status(
    folder: &mut Folder,
    status: StatusItems,
    listing: Arc<Listing>,
    meter: &Arc<Meter>,
) -> Result<()> {
    folder.messages = status.messages.then_some(listing.len() as u64);
    folder.uid_next = status.uid_next.then(|| listing.uid_next());
    folder.uid_validity = status.uid_validity.then(|| listing.uid_validity());
    let alive = Alive::default();
    if status.unseen {
        let (listing, meter, token) = (Arc::clone(&listing), Arc::clone(meter), alive.token());
        let count = move || counts::without(Flag::Seen, listing.as_ref(), &meter, &token);
        folder.unseen = reading::blocking(count).await?;
    }
    if status.size {
        let (meter, token) = (Arc::clone(meter), alive.token());
        folder.size = reading::blocking(move || counts::size(listing.as_ref(), &meter, &token)).await?;
    }
    Ok(())
}
