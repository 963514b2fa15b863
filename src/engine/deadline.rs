//! The end of a statement that takes longer than `mailql.statement_timeout_seconds`, whatever comes in meanwhile.
//!
//! A node at the root of the plan, and over joins, only where the setting is on. It counts from the moment when the statement began to be
//! planned. What runs below it is dropped then, and sending is told to stop after the mail that is on its way.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::sending::exec::SendExec;
use super::stack;
use crate::error::{Error, ErrorKind};
use crate::table::settings::Settings;

/// How long a statement may take; nothing where there is no limit.
pub fn limit(options: &ConfigOptions) -> Option<Duration> {
    let seconds = options.extensions.get::<Settings>()?.statement_timeout_seconds;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Does what may take no longer than the limit.
///
/// # Errors
/// When it took longer.
pub async fn within<T>(
    limit: Option<Duration>,
    doing: impl Future<Output = crate::error::Result<T>>,
) -> crate::error::Result<T> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, doing).await.unwrap_or_else(|_| Err(over(limit))),
        None => doing.await,
    }
}

fn over(limit: Duration) -> Error {
    let seconds = limit.as_secs();
    let message = format!("the statement has run for {seconds} s, and mailql.statement_timeout_seconds is {seconds}");
    Error::new(ErrorKind::Refused, message).hint(HINT)
}

/// A planner that puts the end of its time over a plan, around the one that makes the plan.
#[derive(Debug)]
pub struct TimedQueryPlanner(pub Arc<dyn QueryPlanner + Send + Sync>);

#[async_trait]
impl QueryPlanner for TimedQueryPlanner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let began = session.execution_props().query_execution_start_time;
        let plan = stack::large_async(self.0.create_physical_plan(plan, session)).await?;
        let Some(limit) = limit(session.config().options()) else { return Ok(plan) };
        let gone = began.and_then(|began| (Utc::now() - began).to_std().ok()).unwrap_or_default();
        let Some(left) = limit.checked_sub(gone) else { return Err(over(limit).into()) };
        let deadline = Instant::now() + left;
        let timed = |plan| -> Arc<dyn ExecutionPlan> { Arc::new(DeadlineExec { plan, limit, deadline }) };
        // What makes many rows out of few may be busy with them for ever, and never come to the root.
        let watched = plan.transform_up(|node| {
            Ok(if multiplies(node.name()) { Transformed::yes(timed(node)) } else { Transformed::no(node) })
        });
        Ok(timed(watched.data()?))
    }
}

fn multiplies(node: &str) -> bool {
    node.contains("Join") || node == "UnnestExec" || node == "RecursiveQueryExec"
}

/// A plan, or a part of one, that may take so long.
#[derive(Debug)]
struct DeadlineExec {
    plan: Arc<dyn ExecutionPlan>,
    limit: Duration,
    deadline: Instant,
}

impl DisplayAs for DeadlineExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deadline: {} s", self.limit.as_secs())
    }
}

impl ExecutionPlan for DeadlineExec {
    fn name(&self) -> &'static str {
        "Deadline"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.plan]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        match children.into_iter().next() {
            Some(plan) => Ok(Arc::new(Self { plan, limit: self.limit, deadline: self.deadline })),
            None => Err(DataFusionError::Internal("a deadline has one input".to_owned())),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(Box::pin(Timed {
            schema: self.schema(),
            rows: Some(self.plan.execute(partition, context)?),
            plan: Arc::clone(&self.plan),
            limit: self.limit,
            end: Box::pin(sleep_until(self.deadline)),
        }))
    }

    fn fetch(&self) -> Option<usize> {
        self.plan.fetch()
    }
}

/// The rows of a partition, until the time is over.
struct Timed {
    schema: SchemaRef,
    rows: Option<SendableRecordBatchStream>,
    plan: Arc<dyn ExecutionPlan>,
    limit: Duration,
    end: Pin<Box<Sleep>>,
}

impl Stream for Timed {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(rows) = &mut this.rows else { return Poll::Ready(None) };
        let next = rows.as_mut().poll_next(context);
        // A timer is no help to what never pauses; the clock is.
        let is_over = this.end.as_mut().poll(context).is_ready() || this.end.deadline() <= Instant::now();
        match next {
            next if !is_over => next,
            // What has come to its end has been quick enough.
            Poll::Ready(None) => Poll::Ready(None),
            next => {
                this.rows = None;
                stop_sending(this.plan.as_ref());
                match next {
                    Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
                    _ => Poll::Ready(Some(Err(over(this.limit).into()))),
                }
            }
        }
    }
}

impl RecordBatchStream for Timed {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Sending goes on when nobody waits for it: it must be told.
fn stop_sending(plan: &dyn ExecutionPlan) {
    let mut plans = vec![plan];
    while let Some(plan) = plans.pop() {
        if let Some(send) = plan.downcast_ref::<SendExec>() {
            send.stop();
        }
        plans.extend(plan.children().into_iter().map(AsRef::as_ref));
    }
}

const HINT: &str = "read less of it (fewer columns, a predicate, LIMIT), or allow it more time: SET mailql.statement_timeout_seconds = …; 0 is no limit";
