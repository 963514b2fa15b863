//! Makes the physical plan of a statement that sends, and refuses those that must not.
//!
//! A statement without `SendEmail` is the host's planner's.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::OrderingRequirements;
use datafusion::physical_optimizer::output_requirements::OutputRequirementExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::{Distribution, ExecutionPlan};
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::Sendings;
use super::exec::SendExec;
use super::node::SendNode;
use crate::error::{Error, ErrorKind};

/// A planner that knows `SendEmail`, around the one that a session had.
#[derive(Debug)]
pub struct SendQueryPlanner {
    /// The one that the session had.
    pub host: Arc<dyn QueryPlanner + Send + Sync>,
    /// All sending of the session.
    pub sendings: Arc<Sendings>,
}

#[async_trait]
impl QueryPlanner for SendQueryPlanner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        if SendNode::calls(plan).is_empty() {
            return self.host.create_physical_plan(plan, session).await;
        }
        check(plan)?;
        let ours = SendExtensionPlanner(Arc::clone(&self.sendings));
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(ours)]);
        planner.create_physical_plan(plan, session).await
    }
}

struct SendExtensionPlanner(Arc<Sendings>);

#[async_trait]
impl ExtensionPlanner for SendExtensionPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<SendNode>() else { return Ok(None) };
        let Some((mails, attached)) = physical_inputs.split_first() else {
            return Err(internal("SendEmail has no input"));
        };
        let began = session.execution_props().query_execution_start_time;
        let once = self.0.begun.of(node.call, began);
        let attached = attached.first().map(|attached| with_order(Arc::clone(attached))).transpose()?;
        let exec = SendExec::new(node, once, Arc::clone(&self.0), with_order(Arc::clone(mails))?, attached);
        Ok(Some(Arc::new(exec)))
    }
}

/// The plan, with the order of its rows required where it is made: a column that only orders does not come up to where
/// it could be asked for, and the sort would be taken out.
fn with_order(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let order = plan
        .downcast_ref::<SortExec>()
        .map(|sort| (sort.expr().clone(), sort.fetch()))
        .or_else(|| plan.downcast_ref::<SortPreservingMergeExec>().map(|merge| (merge.expr().clone(), merge.fetch())));
    if let Some((order, fetch)) = order {
        let order = Some(OrderingRequirements::from(order));
        return Ok(Arc::new(OutputRequirementExec::new(plan, order, Distribution::SinglePartition, fetch)));
    }
    match (plan.children().as_slice(), plan.maintains_input_order().as_slice()) {
        ([input], [true]) => {
            let input = with_order(Arc::clone(input))?;
            replace_children_if_necessary(plan, vec![input])
        }
        _ => Ok(plan),
    }
}

/// Refuses what would send more often than it is written, or when nobody expects it.
///
/// # Errors
/// A call stands in a recursion, or under EXPLAIN ANALYZE.
pub fn check(plan: &LogicalPlan) -> Result<()> {
    let sends = |plan: &LogicalPlan| !SendNode::calls(plan).is_empty();
    plan.apply_with_subqueries(|node| {
        let refused = match node {
            LogicalPlan::RecursiveQuery(query) if sends(&query.static_term) || sends(&query.recursive_term) => Some((
                "a recursive query would send again in every round",
                "send after it: SendEmail((SELECT … FROM it))",
            )),
            LogicalPlan::Analyze(analyze) if sends(&analyze.input) => Some((
                "EXPLAIN ANALYZE runs the statement, and would send",
                "EXPLAIN shows what would be sent, and sends nothing",
            )),
            _ => None,
        };
        match refused {
            Some((why, hint)) => Err(Error::new(ErrorKind::Refused, why).hint(hint).into()),
            None => Ok(TreeNodeRecursion::Continue),
        }
    })?;
    Ok(())
}

/// Refuses a view that would send.
///
/// # Errors
/// A call stands in its plan.
pub fn check_view(plan: &LogicalPlan) -> Result<()> {
    if SendNode::calls(plan).is_empty() {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Refused, "a view with SendEmail would send whenever somebody reads it");
    Err(error.hint("keep the statement in a file, or PREPARE it").into())
}

/// The calls of a statement that its plan did not run, as nobody needed their rows.
pub fn not_begun(statement: &LogicalPlan, plan: &dyn ExecutionPlan) -> usize {
    let mut begun = Vec::new();
    let mut plans = vec![plan];
    while let Some(plan) = plans.pop() {
        if let Some(send) = plan.downcast_ref::<SendExec>()
            && send.has_begun()
        {
            begun.push(send.call());
        }
        plans.extend(plan.children().into_iter().map(AsRef::as_ref));
    }
    SendNode::calls(statement).iter().filter(|call| !begun.contains(call)).count()
}

pub(super) fn internal(message: &str) -> DataFusionError {
    DataFusionError::Internal(message.to_owned())
}
