//! What is added to DataFusion's planner: a guard, a choice of join sides, and a refusal to write.
//!
//! Rules look at plans and change them; they read no mail.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::catalog::default_table_source::source_as_provider;
use datafusion::common::JoinType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, StatisticsArgs, StatisticsContext};

use super::export::PublishTogether;
use crate::error::{Error, ErrorKind};
use crate::table::provider::MailTable;
use crate::table::scan::MailScanExec;

/// A list of physical rules.
pub type PhysicalRules = Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>;

/// The rules of a session, with ours at their places among them.
pub fn physical(rules: &[Arc<dyn PhysicalOptimizerRule + Send + Sync>]) -> PhysicalRules {
    let mut ours: PhysicalRules = Vec::with_capacity(rules.len() + 1);
    for rule in rules {
        match rule.name() {
            "join_selection" => {
                ours.push(Arc::new(SmallSideFirst));
                ours.push(Arc::clone(rule));
            }
            "FilterPushdown(Post)" => {
                ours.push(Arc::new(FirstRows));
                ours.push(Arc::new(GuardedFilterPushdown(Arc::clone(rule))));
            }
            _ => ours.push(Arc::clone(rule)),
        }
    }
    ours.push(Arc::new(PublishTogether));
    ours
}

/// Keeps filters that joins and sorts make at run time off ambiguous ground, and those of aggregates off altogether.
///
/// DataFusion 55.2 hands such a filter down by column name and takes the first column of that name
/// (fixed for 56 by apache/datafusion#25259). Where a schema below has the same name twice, the kind
/// of filter that would pass it is turned off for the statement.
///
/// The filter of several extremes leaves out those that have no value yet (apache/datafusion#25147), and those of
/// anything but a column (#24816), and with them the rows that only these need. Of mail it would spare next to nothing:
/// by then the columns are read.
#[derive(Debug)]
struct GuardedFilterPushdown(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for GuardedFilterPushdown {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let mut guarded = config.clone();
        let optimizer = &mut guarded.optimizer;
        optimizer.enable_aggregate_dynamic_filter_pushdown = false;
        plan.apply(|node| {
            let node = node.as_ref();
            if let Some(join) = node.downcast_ref::<HashJoinExec>() {
                if has_ambiguous_names(join.right())? {
                    optimizer.enable_join_dynamic_filter_pushdown = false;
                }
            } else if let Some(sort) = node.downcast_ref::<SortExec>()
                && has_ambiguous_names(sort.input())?
            {
                optimizer.enable_topk_dynamic_filter_pushdown = false;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        self.0.optimize(plan, &guarded)
    }

    fn name(&self) -> &'static str {
        "FilterPushdown(Post)"
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn has_ambiguous_names(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    plan.exists(|node| {
        let schema = node.schema();
        let mut seen = HashSet::new();
        Ok(!schema.fields().iter().all(|field| seen.insert(field.name())))
    })
}

/// Puts a side without mail on the build side of a join when nobody knows how large it is.
///
/// Then the scan of mail sees its keys and reads only what matches; a CSV file has no statistics.
#[derive(Debug)]
struct SmallSideFirst;

impl PhysicalOptimizerRule for SmallSideFirst {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match node.downcast_ref::<HashJoinExec>() {
            Some(join) if is_mail_first(join)? => Ok(Transformed::yes(join.swap_inputs(*join.partition_mode())?)),
            _ => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "mail_small_side_first"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn is_mail_first(join: &HashJoinExec) -> Result<bool> {
    let gains = matches!(join.join_type(), JoinType::Inner | JoinType::LeftSemi);
    if !gains || join.null_aware || !has_mail(join.left())? || has_mail(join.right())? {
        return Ok(false);
    }
    let known = StatisticsContext::new().compute(join.right().as_ref(), &StatisticsArgs::new())?;
    Ok(known.num_rows == Precision::Absent)
}

fn has_mail(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    plan.exists(|node| Ok(node.is::<MailScanExec>()))
}

/// Tells a scan of mail that the sort above it wants so many rows only, and by which columns they are the first.
///
/// Before the rule that makes a filter of the sort: the scan finds the first rows with less.
#[derive(Debug)]
struct FirstRows;

impl PhysicalOptimizerRule for FirstRows {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some((sort, rows)) = node.downcast_ref::<SortExec>().and_then(|sort| Some((sort, sort.fetch()?)))
            else {
                return Ok(Transformed::no(node));
            };
            let key = |key: &PhysicalSortExpr| Some((key.expr.downcast_ref::<Column>()?.index(), key.options));
            let Some(keys) = sort.expr().iter().map(key).collect::<Option<Vec<_>>>() else {
                return Ok(Transformed::no(node));
            };
            match with_top(sort.input(), rows, &keys)? {
                Some(input) => Ok(Transformed::yes(replace_children_if_necessary(node, vec![input])?)),
                None => Ok(Transformed::no(node)),
            }
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "mail_first_rows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same plan over a scan that knows of the sort above, if there is nothing between them that matters to it.
fn with_top(
    plan: &Arc<dyn ExecutionPlan>,
    rows: usize,
    keys: &[(usize, SortOptions)],
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(scan) = plan.downcast_ref::<MailScanExec>() {
        return Ok(scan.with_top(rows, keys));
    }
    let below: Option<Vec<_>> = if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let column = |(place, options): &(usize, SortOptions)| {
            let column = projection.expr().get(*place)?.expr.downcast_ref::<Column>()?.index();
            Some((column, *options))
        };
        keys.iter().map(column).collect()
    } else if plan.is::<CooperativeExec>() || plan.is::<CoalescePartitionsExec>() && plan.fetch().is_none() {
        Some(keys.to_vec())
    } else {
        None
    };
    let (Some(keys), [input]) = (below, &plan.children()[..]) else { return Ok(None) };
    let Some(input) = with_top(input, rows, &keys)? else { return Ok(None) };
    replace_children_if_necessary(Arc::clone(plan), vec![input]).map(Some)
}

/// Refuses statements that would write to our tables, before anything is done.
#[derive(Debug)]
pub struct ReadOnly;

impl AnalyzerRule for ReadOnly {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::Dml(write) = node
                && let Ok(provider) = source_as_provider(&write.target)
                && let Some(table) = provider.downcast_ref::<MailTable>()
            {
                let what = write.op.name().to_uppercase();
                let error = Error::new(
                    ErrorKind::Refused,
                    format!("{what} on {} is refused: mailql only reads, so far", table.table().name),
                );
                return Err(error.hint("change mail with a mail program").into());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(plan)
    }

    fn name(&self) -> &'static str {
        "mail_read_only"
    }
}
