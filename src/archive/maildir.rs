//! A Maildir with its subfolders as a store of mail.
//!
//! Never renames, creates or deletes anything in it. Which directories are folders is in
//! `layout`, what file names tell in `names`, what numbers they get in `archive::uid_list`.

mod entry;
mod layout;
mod listing;
mod names;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;

use self::layout::Place;
use self::listing::Listing;
use super::reading::{self, Alive, Snapshot};
use super::uid_list::UidList;
use super::{counts, folder_named, is_wanted, lanes};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::snapshots::Snapshots;
use crate::mail::{Flag, Folder, FolderPattern, FolderScan, MailStore, Message, Meter, Statement, StatusItems};

/// A Maildir: a directory with `cur` and `new`, or one that holds such directories.
#[derive(Debug)]
pub struct Maildir(Arc<Store>);

#[derive(Debug)]
struct Store {
    root: PathBuf,
    cache: Option<PathBuf>,
    uid_lists: Mutex<HashMap<PathBuf, Arc<Mutex<UidList>>>>,
    places: Snapshots<Vec<Place>>,
    listings: Snapshots<Listing>,
}

impl Maildir {
    /// Takes a directory as a Maildir; `cache` is where the uids of its messages are kept.
    ///
    /// Nothing is read yet: that the directory is a Maildir shows when its folders are listed.
    ///
    /// # Errors
    /// When there is no path at all.
    pub fn open(root: PathBuf, cache: Option<PathBuf>) -> Result<Maildir> {
        if root.as_os_str().is_empty() {
            return Err(Error::new(ErrorKind::Config, "the path of a Maildir is empty"));
        }
        Ok(Maildir(Arc::new(Store {
            root,
            cache,
            uid_lists: Mutex::default(),
            places: Snapshots::default(),
            listings: Snapshots::default(),
        })))
    }
}

#[async_trait]
impl MailStore for Maildir {
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
            folder.subscribed = place.subscribed;
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
        let look = reading::blocking(move || layout::places(&root).map(Arc::new));
        self.places.of(statement, "", look).await
    }

    /// The names in a folder, as they were when the statement first asked.
    async fn listing(&self, statement: &Statement, path: &str) -> Result<Arc<Listing>> {
        let list = async {
            let places = self.places(statement).await?;
            let place = places.iter().find(|place| place.path == path);
            let directory = place.map(|place| place.directory.clone()).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the folder is no longer there").context("folder", path)
            })?;
            let uids = self.uid_list(&directory);
            reading::blocking(move || Listing::of(directory, &uids).map(Arc::new)).await
        };
        self.listings.of(statement, path, list).await
    }

    fn uid_list(&self, directory: &Path) -> Arc<Mutex<UidList>> {
        let mut lists = self.uid_lists.lock().unwrap_or_else(PoisonError::into_inner);
        let list = lists
            .entry(directory.to_owned())
            .or_insert_with(|| Arc::new(Mutex::new(UidList::of(directory, "uids", self.cache.as_deref()))));
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
    folder.unseen = status.unseen.then(|| listing.without(Flag::Seen));
    folder.uid_next = status.uid_next.then(|| listing.uid_next());
    folder.uid_validity = status.uid_validity.then(|| listing.uid_validity());
    if status.size {
        let (alive, meter) = (Alive::default(), Arc::clone(meter));
        let token = alive.token();
        folder.size = reading::blocking(move || counts::size(listing.as_ref(), &meter, &token)).await?;
    }
    Ok(())
}
