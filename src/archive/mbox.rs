//! An mbox file, or a directory of them, as a store of mail.
//!
//! Never writes to them, nor beside them. Which files are folders is in `files`, how messages
//! are found in one in `scan`, what is kept of that in `index`.

mod content_length;
mod entry;
mod files;
mod following;
mod gmail_labels;
mod index;
mod kept;
mod line_date;
mod record;
mod scan;
mod separator;
pub(super) mod status;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream::BoxStream;

use self::entry::Indexed;
use self::files::Place;
use self::index::Index;
use super::reading::{self, Alive};
use super::{folder_named, is_wanted, lanes};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::snapshots::Snapshots;
use crate::mail::{Flag, Folder, FolderPattern, FolderScan, MailStore, Message, Meter, Statement, StatusItems};

/// Mail in mbox files: one folder per file.
#[derive(Debug)]
pub struct Mbox(Arc<Store>);

#[derive(Debug)]
struct Store {
    root: PathBuf,
    cache: Option<PathBuf>,
    /// The newest index of each file; whoever makes one holds its lock.
    indexes: Mutex<HashMap<PathBuf, Newest>>,
    places: Snapshots<Vec<Place>>,
    indexed: Snapshots<Indexed>,
}

type Newest = Arc<tokio::sync::Mutex<Option<Arc<Index>>>>;

impl Mbox {
    /// Takes a file or directory as mbox; `cache` is where indexes are kept.
    ///
    /// Nothing is read yet: what the file is shows when its folders are listed.
    ///
    /// # Errors
    /// When there is no path at all.
    pub fn open(path: PathBuf, cache: Option<PathBuf>) -> Result<Mbox> {
        if path.as_os_str().is_empty() {
            return Err(Error::new(ErrorKind::Config, "the path of an mbox is empty"));
        }
        Ok(Mbox(Arc::new(Store {
            root: path,
            cache,
            indexes: Mutex::default(),
            places: Snapshots::default(),
            indexed: Snapshots::default(),
        })))
    }
}

/// Whether there is an mbox file at a path, or in the directory there.
pub(super) fn is_at(path: &Path) -> bool {
    files::places(path).is_ok()
}

#[async_trait]
impl MailStore for Mbox {
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
                let indexed = self.0.indexed(statement, &place.path, meter).await?;
                fill_status(&mut folder, status, &indexed.index);
            }
            folders.push(folder);
        }
        Ok(folders)
    }

    fn read(&self, scan: FolderScan) -> BoxStream<'static, Result<Vec<Message>>> {
        let (store, statement) = (Arc::clone(&self.0), scan.statement.clone());
        let (path, meter) = (scan.folder.path.clone(), Arc::clone(&scan.meter));
        reading::stream(scan, async move { store.indexed(&statement, &path, &meter).await })
    }

    fn lanes(&self) -> usize {
        lanes()
    }
}

impl Store {
    /// The files that are folders, as they were when the statement first asked.
    async fn places(&self, statement: &Statement) -> Result<Arc<Vec<Place>>> {
        let root = self.root.clone();
        let look = reading::blocking(move || files::places(&root).map(Arc::new));
        self.places.of(statement, "", look).await
    }

    /// A file with its index, as it was when the statement first asked.
    async fn indexed(&self, statement: &Statement, path: &str, meter: &Arc<Meter>) -> Result<Arc<Indexed>> {
        let look = async {
            let places = self.places(statement).await?;
            let place = places.iter().find(|place| place.path == path);
            let file = place.map(|place| place.file.clone()).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the folder is no longer there").context("folder", path)
            })?;
            let index = self.index(&file, meter).await?;
            Ok(Arc::new(Indexed { path: file, index }))
        };
        self.indexed.of(statement, path, look).await
    }

    /// The index of a file as it is now; made by one reader while others wait.
    async fn index(&self, file: &Path, meter: &Arc<Meter>) -> Result<Arc<Index>> {
        let newest = self.newest(file);
        let mut newest = newest.lock().await;
        let alive = Alive::default();
        let (token, known, meter) = (alive.token(), newest.clone(), Arc::clone(meter));
        let (file, cache) = (file.to_owned(), self.cache.clone());
        let work = move || Index::current(&file, cache.as_deref(), known, &meter, &token);
        let index = reading::blocking(work).await?;
        *newest = Some(Arc::clone(&index));
        Ok(index)
    }

    fn newest(&self, file: &Path) -> Newest {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(indexes.entry(file.to_owned()).or_default())
    }
}

fn fill_status(folder: &mut Folder, status: StatusItems, index: &Index) {
    let messages = index.records.len() as u64;
    folder.messages = status.messages.then_some(messages);
    folder.unseen = if status.unseen { index.without(Flag::Seen) } else { None };
    folder.uid_next = status.uid_next.then_some(messages + 1);
    folder.uid_validity = status.uid_validity.then_some(index.uid_validity);
    folder.size = status.size.then(|| index.records.iter().map(|record| record.size).sum());
}
