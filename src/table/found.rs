//! A condition that holds for the messages that a server found: their uids in one folder.
//!
//! Evaluates like `uid IN (…)`, but keeps ranges as ranges; makes nothing and asks nobody.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::cast::as_int64_array;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

use super::pushdown;
use crate::mail::{SearchKey, Uid, UidSet};

/// Whether a uid is among those found.
#[derive(Debug, Clone)]
pub struct Found {
    uid: Arc<dyn PhysicalExpr>,
    uids: Arc<Option<UidSet>>,
}

impl Found {
    /// The condition for a column of uids; without a set, nothing was found.
    pub fn new(uid: Arc<dyn PhysicalExpr>, uids: Arc<Option<UidSet>>) -> Self {
        Self { uid, uids }
    }

    /// The same as a search key.
    pub fn key(&self) -> SearchKey {
        self.uids.as_ref().clone().map_or_else(pushdown::nothing, SearchKey::Uid)
    }

    fn has(&self, number: i64) -> bool {
        let uid = u32::try_from(number).ok().and_then(Uid::new);
        self.uids.as_ref().as_ref().zip(uid).is_some_and(|(uids, uid)| uids.contains(uid))
    }
}

impl PhysicalExpr for Found {
    fn data_type(&self, _schema: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.uid.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let uids = self.uid.evaluate(batch)?.into_array(batch.num_rows())?;
        let found: BooleanArray = as_int64_array(&uids)?.iter().map(|uid| uid.map(|uid| self.has(uid))).collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.uid]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let uid = children.pop().unwrap_or_else(|| Arc::clone(&self.uid));
        Ok(Arc::new(Self { uid, uids: Arc::clone(&self.uids) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uids.as_ref() {
            Some(uids) => write!(f, "{} IN ({uids})", self.uid),
            None => write!(f, "{} IN ()", self.uid),
        }
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.uid.eq(&other.uid) && self.uids == other.uids
    }
}

impl Eq for Found {}

impl Hash for Found {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uid.hash(state);
        self.uids.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Int64Array;
    use datafusion::physical_expr::expressions::{Column, NotExpr};

    use super::*;
    use crate::table::find;
    use crate::table::pushdown::{Answer, Pushed, search};
    use crate::table::settings::TextPushdown;

    fn found(uids: &str) -> Arc<dyn PhysicalExpr> {
        Arc::new(Found::new(Arc::new(Column::new("uid", 0)), Arc::new(UidSet::parse(uids))))
    }

    #[test]
    fn it_holds_for_what_was_found_and_is_unknown_of_null() {
        let numbers = [Some(3), Some(7), None, Some(-1), Some(0), Some(1 << 40)];
        let uids = Int64Array::from(numbers.to_vec());
        let batch = RecordBatch::try_from_iter([("uid", Arc::new(uids) as _)]).unwrap();
        let holds = |uids: &str| {
            let array = found(uids).evaluate(&batch).unwrap().into_array(numbers.len()).unwrap();
            array.as_any().downcast_ref::<BooleanArray>().unwrap().iter().collect::<Vec<_>>()
        };
        let [yes, no] = [Some(true), Some(false)];
        assert_eq!(holds("1:5,9"), [yes, no, None, no, no, no]);
        assert_eq!(holds("1:*"), [yes, yes, None, no, no, no]);
        assert_eq!(holds(""), [no, no, None, no, no, no]);
    }

    #[test]
    fn a_store_is_asked_for_just_that_and_for_its_complement() {
        let table = find("MessagesInFolder").unwrap();
        let key = |condition| match search(table, &condition, None, TextPushdown::Off) {
            Some(Pushed { key, answer: Answer::Exact }) => key.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(key(found("1:5,9")), "UID 1:5,9");
        assert_eq!(key(found("")), "NOT ALL");
        assert_eq!(key(Arc::new(NotExpr::new(found("1:5,9")))), "NOT UID 1:5,9");
        assert_eq!(key(Arc::new(NotExpr::new(found("")))), "ALL");
    }
}
