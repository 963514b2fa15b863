//! The node that sends when it is polled: all of its input first, then every mail, then the rows.
//!
//! Copies of it share what came of it. Its work is `run`'s.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, OrderingRequirements, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::once::Once;
use super::run::{Counted, Run};
use super::{Sendings, plan};
use crate::mail::outbox::Stop;
use crate::table::receipt;
use crate::table::settings::Settings;

/// A call of `SendEmail`, ready to run.
#[derive(Debug, Clone)]
pub struct SendExec {
    /// Which written call it is.
    call: u64,
    account: String,
    /// What is known of it before it runs.
    described: String,
    sendings: Arc<Sendings>,
    once: Arc<Once>,
    mails: Arc<dyn ExecutionPlan>,
    attached: Option<Arc<dyn ExecutionPlan>>,
    /// The orders that the queries ask for, which must be theirs when they run.
    orders: Vec<Option<OrderingRequirements>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl SendExec {
    /// A call of this number and account over the plans of its mails and of what is attached.
    pub(super) fn new(
        node: &super::node::SendNode,
        once: Arc<Once>,
        sendings: Arc<Sendings>,
        mails: Arc<dyn ExecutionPlan>,
        attached: Option<Arc<dyn ExecutionPlan>>,
    ) -> Self {
        let schema: SchemaRef = Arc::new(receipt::outcome_schema());
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            call: node.call,
            account: node.account.clone(),
            described: node.describe(),
            sendings,
            once,
            orders: std::iter::once(&mails).chain(&attached).map(order_of).collect(),
            mails,
            attached,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// Which written call it is.
    pub fn call(&self) -> u64 {
        self.call
    }

    /// Whether it has run, or is running.
    pub fn has_begun(&self) -> bool {
        self.once.has_begun()
    }

    /// Stops it after the mail that is on its way.
    pub fn stop(&self) {
        self.once.stop();
    }

    /// The work, which nobody has begun yet.
    fn run(&self, context: Arc<TaskContext>) -> Run {
        let settings = context.session_config().options().extensions.get::<Settings>().cloned().unwrap_or_default();
        Run {
            account: self.account.clone(),
            sendings: Arc::clone(&self.sendings),
            mails: Arc::clone(&self.mails),
            attached: self.attached.clone(),
            context,
            allowed: settings.allow_send,
            patience: Duration::from_secs(settings.timeout_seconds),
            per_minute: (settings.send_per_minute > 0).then_some(settings.send_per_minute),
            stop: Stop::on(&self.sendings.stop).or_on(self.once.stopped()),
            counted: Counted::new(&self.metrics),
        }
    }
}

/// The order that a query gives its rows.
fn order_of(query: &Arc<dyn ExecutionPlan>) -> Option<OrderingRequirements> {
    query.output_ordering().cloned().map(OrderingRequirements::from)
}

impl DisplayAs for SendExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => write!(f, "SendEmail: {}", self.described),
            DisplayFormatType::TreeRender => f.write_str(&self.described),
        }
    }
}

impl ExecutionPlan for SendExec {
    fn name(&self) -> &'static str {
        "SendEmail"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        std::iter::once(&self.mails).chain(&self.attached).collect()
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        self.children().iter().map(|_| Distribution::SinglePartition).collect()
    }

    /// Mails go, and rows are attached, in the order of their queries.
    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        self.orders.clone()
    }

    /// Mails go in the order of their query, and what comes out are rows of recipients: no order above has anything to do
    /// with one below, and a sort must not be handed down.
    fn maintains_input_order(&self) -> Vec<bool> {
        self.children().iter().map(|_| false).collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        self.children().iter().map(|_| false).collect()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    /// The same call: what was sent stays sent.
    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let mut children = children.into_iter();
        match (children.next(), children.next()) {
            (Some(mails), attached) if attached.is_some() == self.attached.is_some() => {
                Ok(Arc::new(Self { mails, attached, ..self.as_ref().clone() }))
            }
            _ => Err(DataFusionError::Internal("a call of SendEmail has other inputs than it had".to_owned())),
        }
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return Err(plan::internal("SendEmail has one partition"));
        }
        let (once, run) = (Arc::clone(&self.once), self.run(Arc::clone(&context)));
        let schema = self.schema();
        let rows_at_once = context.session_config().batch_size().max(1);
        // Nothing begins before somebody polls.
        let rows = stream::once(async move {
            let ended = once.ended(|| run.begin()).await;
            let receipts = ended.map_err(DataFusionError::Shared)?;
            let batches: Vec<Result<RecordBatch>> =
                receipts.chunks(rows_at_once).map(|receipts| receipt::batch(&schema, receipts)).collect();
            Ok::<_, DataFusionError>(stream::iter(batches))
        });
        let schema: Arc<Schema> = self.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows.try_flatten().boxed())))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
