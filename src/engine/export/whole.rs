//! Files that `COPY … TO` and `INSERT INTO` an external table write: all of a statement appear, or none.
//!
//! DataFusion finishes the files of a statement that has failed, so that a short one would stand under its name. Here every
//! file of a statement is written aside, as the object store does anyway, and published when the whole statement has ended
//! well. What is written by the program itself (`-o`) is in [`super`].

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::file_format::csv::CsvSink;
use datafusion::datasource::file_format::json::JsonSink;
use datafusion::datasource::file_format::parquet::ParquetSink;
use datafusion::datasource::physical_plan::FileSink;
use datafusion::datasource::sink::DataSinkExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result as StoreResult, UploadPart,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, PlanProperties};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use url::Url;

use crate::error::{Error, ErrorKind};

/// Has every statement that writes files publish them together.
#[derive(Debug)]
pub struct PublishTogether;

impl PhysicalOptimizerRule for PublishTogether {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            if !node.is::<DataSinkExec>() {
                return Ok(Transformed::no(node));
            }
            Ok(Transformed::yes(Arc::new(PublishExec { writer: node }) as Arc<dyn ExecutionPlan>))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "mail_publish_together"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Runs the node that writes, and publishes its files when it has ended well.
#[derive(Debug)]
struct PublishExec {
    writer: Arc<dyn ExecutionPlan>,
}

impl DisplayAs for PublishExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Publish: all files of the statement, or none")
    }
}

impl ExecutionPlan for PublishExec {
    fn name(&self) -> &'static str {
        "Publish"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.writer.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.writer]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match <[_; 1]>::try_from(children) {
            Ok([writer]) => Ok(Arc::new(Self { writer })),
            Err(_) => Err(DataFusionError::Internal("what publishes files has one input".to_owned())),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let staged = Arc::new(Staged::default());
        let mut runtime = context.runtime_env().as_ref().clone();
        let registry = Staging { inner: Arc::clone(&runtime.object_store_registry), staged: Arc::clone(&staged) };
        runtime.object_store_registry = Arc::new(registry);
        let context = TaskContext::new(
            context.task_id(),
            context.session_id(),
            context.session_config().clone(),
            context.scalar_functions().clone(),
            context.higher_order_functions().clone(),
            context.aggregate_functions().clone(),
            context.window_functions().clone(),
            Arc::new(runtime),
        );
        let written = self.writer.execute(partition, Arc::new(context))?;
        let schema = written.schema();
        let targets = targets(self.writer.as_ref());
        let published = stream::once(async move {
            // The rows may come from mail that is sent for them, so a place that takes no file is refused before.
            look_at(targets).await?;
            let batches: Vec<_> = match written.try_collect().await {
                Ok(batches) => batches,
                // DataFusion calls what a store refuses a mistake of its own.
                Err(error) => return Err(staged.refusal().map_or(error, DataFusionError::from)),
            };
            staged.publish()?;
            Ok::<_, DataFusionError>(stream::iter(batches.into_iter().map(Ok)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, published.try_flatten().boxed())))
    }
}

/// The files of a statement that are written and not published.
#[derive(Debug, Default)]
struct Staged {
    files: Mutex<Vec<StagedFile>>,
    /// Why a file may not be written.
    refused: Mutex<Option<Error>>,
}

/// A file that is written aside.
#[derive(Debug)]
struct StagedFile {
    aside: PathBuf,
    place: PathBuf,
    /// Whether all of it is written.
    is_whole: bool,
}

impl Staged {
    fn files(&self) -> MutexGuard<'_, Vec<StagedFile>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusal(&self) -> Option<Error> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes that a file is whole. None of them is held open, however many there are.
    fn keep(&self, aside: &std::path::Path) {
        self.files().iter_mut().filter(|file| file.aside == aside).for_each(|file| file.is_whole = true);
    }

    /// Gives every file its name; one that replaces another takes over its permissions.
    fn publish(&self) -> Result<(), Error> {
        let mut files = self.files();
        for file in files.iter().filter(|file| file.is_whole) {
            let failed = |error| Error::io("cannot publish", error).context("file", file.place.display().to_string());
            if let Ok(replaced) = std::fs::metadata(&file.place) {
                std::fs::set_permissions(&file.aside, replaced.permissions()).map_err(failed)?;
            }
            std::fs::rename(&file.aside, &file.place).map_err(failed)?;
        }
        files.clear();
        Ok(())
    }
}

impl Drop for Staged {
    /// Removes what was not published, also where an upload was not complete.
    fn drop(&mut self) {
        for file in self.files().iter() {
            let mut part = file.aside.clone().into_os_string();
            part.push("#1");
            // It is not there when it was not begun, or is complete.
            let _ = std::fs::remove_file(&file.aside);
            let _ = std::fs::remove_file(part);
        }
    }
}

/// The stores of a session, where files of the local file system are written aside.
#[derive(Debug)]
struct Staging {
    inner: Arc<dyn ObjectStoreRegistry>,
    staged: Arc<Staged>,
}

impl ObjectStoreRegistry for Staging {
    fn register_store(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        self.inner.register_store(url, store)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let store = self.inner.get_store(url)?;
        if url.scheme() != "file" {
            return Ok(store);
        }
        Ok(Arc::new(Aside { inner: store, staged: Arc::clone(&self.staged) }))
    }
}

/// A store that publishes nothing by itself.
#[derive(Debug)]
struct Aside {
    inner: Arc<dyn ObjectStore>,
    staged: Arc<Staged>,
}

impl Aside {
    /// Begins a file beside its place, where one may be.
    async fn begin(&self, location: &Path, options: PutMultipartOptions) -> StoreResult<Kept> {
        let place = LocalFileSystem::new().path_to_filesystem(location)?;
        // A link is followed, so that the file it names is replaced and not the link.
        let place = std::fs::canonicalize(&place).unwrap_or(place);
        let looked = {
            let place = place.clone();
            tokio::task::spawn_blocking(move || may_be_written(&place)).await.map_err(StoreError::from)?
        };
        if let Err(error) = looked {
            let source = error.to_string().into();
            self.staged.refused.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            return Err(StoreError::Generic { store: "file", source });
        }
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let aside = place.with_file_name(format!(".{name}.{}", uuid::Uuid::new_v4()));
        let location = Path::from_absolute_path(&aside)?;
        self.staged.files().push(StagedFile { aside: aside.clone(), place, is_whole: false });
        let upload = self.inner.put_multipart_opts(&location, options).await?;
        Ok(Kept { upload, aside, staged: Arc::clone(&self.staged) })
    }
}

/// The local files, or directories with a name of a file in them, that a node writes to, as far as the node tells.
fn targets(writer: &dyn ExecutionPlan) -> Vec<PathBuf> {
    let sink = writer.downcast_ref::<DataSinkExec>().map(|writer| writer.sink() as &dyn Any);
    let config = sink.and_then(|sink| {
        let csv = sink.downcast_ref::<CsvSink>().map(FileSink::config);
        let json = || sink.downcast_ref::<JsonSink>().map(FileSink::config);
        csv.or_else(json).or_else(|| sink.downcast_ref::<ParquetSink>().map(FileSink::config))
    });
    let local = config.iter().flat_map(|config| &config.table_paths).filter(|path| path.scheme() == "file");
    local
        .filter_map(|path| {
            let place = LocalFileSystem::new().path_to_filesystem(path.prefix()).ok()?;
            Some(if path.is_collection() { place.join("file") } else { place })
        })
        .collect()
}

async fn look_at(targets: Vec<PathBuf>) -> Result<()> {
    let look = move || targets.iter().try_for_each(|target| may_be_written(target));
    let looked = tokio::task::spawn_blocking(look).await;
    looked.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?.map_err(DataFusionError::from)
}

/// Whether a file may be written at a place, which the object store does not look at: it tries again for ever where a
/// directory does not take files, and would put a file in the place of a device.
fn may_be_written(place: &std::path::Path) -> Result<(), Error> {
    let refused = |error: Error| error.context("file", place.display().to_string());
    if let Ok(found) = std::fs::metadata(place)
        && !found.is_file()
    {
        let what = if found.is_dir() { "that is a directory" } else { "that is no regular file" };
        return Err(refused(Error::new(ErrorKind::Config, what).hint("name a file, or a new directory ending in /")));
    }
    let directory = place.parent().unwrap_or(place);
    std::fs::create_dir_all(directory)
        .and_then(|()| tempfile::Builder::new().prefix(".mailql").tempfile_in(directory))
        .map(drop)
        .map_err(|error| refused(Error::io("cannot write there", error).hint("name a file in another directory")))
}

impl fmt::Display for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Aside {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> StoreResult<PutResult> {
        let PutOptions { tags, attributes, extensions, .. } = options;
        let options = PutMultipartOptions { tags, attributes, extensions };
        let mut upload = self.begin(location, options).await?;
        upload.put_part(payload).await?;
        upload.complete().await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        Ok(Box::new(self.begin(location, options).await?))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> StoreResult<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, StoreResult<Path>>) -> BoxStream<'static, StoreResult<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> StoreResult<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

/// An upload of a file that is kept aside when it is complete.
#[derive(Debug)]
struct Kept {
    upload: Box<dyn MultipartUpload>,
    aside: PathBuf,
    staged: Arc<Staged>,
}

#[async_trait]
impl MultipartUpload for Kept {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> StoreResult<PutResult> {
        let complete = self.upload.complete().await?;
        self.staged.keep(&self.aside);
        Ok(complete)
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.upload.abort().await
    }
}
