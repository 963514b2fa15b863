//! The table `SentEmail`: what the journal says of mail that was sent from here.
//!
//! It reads the journal when it is polled, and no server.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::{Error, ErrorKind};
use crate::mail::Outcome;
use crate::smtp::Journal;
use crate::table::receipt::{self, Receipt};

/// The table over a journal; of one account, if one is given.
///
/// # Errors
/// Only when DataFusion finds something wrong with its schema.
pub fn sent_email(journal: Arc<Journal>, account: Option<Arc<str>>) -> Result<Arc<dyn TableProvider>> {
    let schema = receipt::sent_email_schema();
    let rows = Arc::new(Sent { journal, account, schema: Arc::clone(&schema) });
    Ok(Arc::new(StreamingTable::try_new(schema, vec![rows])?))
}

#[derive(Debug)]
struct Sent {
    journal: Arc<Journal>,
    account: Option<Arc<str>>,
    schema: SchemaRef,
}

impl PartitionStream for Sent {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (journal, account, schema) = (Arc::clone(&self.journal), self.account.clone(), Arc::clone(&self.schema));
        let rows_at_once = context.session_config().batch_size().max(1);
        let rows = stream::once(async move {
            let receipts = read(journal, account.as_deref()).await?;
            let batches: Vec<Result<RecordBatch>> =
                receipts.chunks(rows_at_once).map(|receipts| receipt::batch(&schema, receipts)).collect();
            Ok::<_, DataFusionError>(stream::iter(batches))
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows.try_flatten().boxed()))
    }
}

async fn read(journal: Arc<Journal>, account: Option<&str>) -> Result<Vec<Receipt>, Error> {
    let sent = tokio::task::spawn_blocking(move || journal.read()).await;
    let sent = sent.map_err(|broken| Error::new(ErrorKind::Io, broken.to_string()))??;
    let is_wanted = |of: &str| account.is_none_or(|wanted| wanted == of);
    let receipt = |sent: crate::smtp::Sent| Receipt {
        account: sent.account.as_str().into(),
        outcome: Outcome {
            message_id: sent.message_id,
            recipient: sent.recipient,
            status: sent.status,
            code: sent.code,
            response: sent.response,
            at: sent.at,
        },
        key: sent.key,
        sender: sent.sender,
        subject: sent.subject,
        size: i64::try_from(sent.size).ok(),
    };
    Ok(sent.into_iter().filter(|sent| is_wanted(&sent.account)).map(receipt).collect())
}
