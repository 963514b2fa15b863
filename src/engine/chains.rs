//! Long runs of operators, planned as calls with their operands side by side instead of as deep trees.
//!
//! A planner of binary operators for DataFusion. Runs of up to [`LONG`] operands stay as they are. In longer ones, equalities
//! of one expression with constants become `IN (…)`, and the rest a [`Chain`]. Group of AND that DataFusion itself must see
//! (of joins and of subqueries) stay outside.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, TableReference};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::type_coercion::binary::{BinaryTypeCoercer, comparison_coercion};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use crate::table::chain::{Chain, Links};

/// The planner.
#[derive(Debug)]
pub struct Chains;

impl ExprPlanner for Chains {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let Some(operator) = operator(&raw.op) else { return Ok(PlannerResult::Original(raw)) };
        if matches!(operator, Operator::And | Operator::Or) {
            if parts(operator, [&raw.left, &raw.right]) <= LONG {
                return Ok(PlannerResult::Original(raw));
            }
            let mut terms = Vec::new();
            take_parts(operator, [raw.left, raw.right], &mut terms);
            let together = if operator == Operator::And { all(terms, schema) } else { any(terms, schema) };
            return Ok(PlannerResult::Planned(together));
        }
        // Where one side is a list, this is another operator, and another planner's.
        let is_concat = operator == Operator::StringConcat;
        if is_concat && !(is_concatenation(&raw.left) && is_text(&raw.right.get_type(schema)?)) {
            return Ok(PlannerResult::Original(raw));
        }
        Ok(if steps(&raw.left) >= LONG {
            PlannerResult::Planned(fold(raw.left, operator, raw.right))
        } else if is_concat {
            // The planner of lists would ask for the type of all that is before it, each time.
            let (left, right) = (Box::new(raw.left), Box::new(raw.right));
            PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(left, operator, right)))
        } else {
            PlannerResult::Original(raw)
        })
    }
}

/// Operators that may be many in a row.
fn operator(operator: &BinaryOperator) -> Option<Operator> {
    Some(match operator {
        BinaryOperator::And => Operator::And,
        BinaryOperator::Or => Operator::Or,
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Modulo => Operator::Modulo,
        BinaryOperator::StringConcat => Operator::StringConcat,
        BinaryOperator::BitwiseAnd => Operator::BitwiseAnd,
        BinaryOperator::BitwiseOr => Operator::BitwiseOr,
        _ => return None,
    })
}

fn is_step(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Plus
            | Operator::Minus
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo
            | Operator::StringConcat
            | Operator::BitwiseAnd
            | Operator::BitwiseOr
    )
}

fn links(expression: &Expr) -> Option<&Links> {
    match expression {
        Expr::ScalarFunction(call) => call.func.inner().downcast_ref::<Chain>().map(Chain::links),
        _ => None,
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether an expression is known to be a concatenation of texts, without asking for its type: that takes as long as it is.
fn is_concatenation(expression: &Expr) -> bool {
    match expression {
        Expr::BinaryExpr(binary) => binary.op == Operator::StringConcat,
        other => {
            matches!(links(other), Some(Links::Fold(operators)) if operators.last() == Some(&Operator::StringConcat))
        }
    }
}

/// How many parts there are between which the operator stands, counted no further than is of interest.
fn parts(operator: Operator, sides: [&Expr; 2]) -> usize {
    let (mut parts, mut open) = (0, Vec::from(sides));
    while let Some(expression) = open.pop() {
        match expression {
            Expr::BinaryExpr(binary) if binary.op == operator => open.extend([binary.left.as_ref(), &binary.right]),
            _ => parts += 1,
        }
        if parts > LONG {
            break;
        }
    }
    parts
}

/// The parts themselves, in order.
fn take_parts(operator: Operator, sides: [Expr; 2], parts: &mut Vec<Expr>) {
    let [left, right] = sides;
    let mut open = vec![right, left];
    while let Some(expression) = open.pop() {
        match expression {
            Expr::BinaryExpr(binary) if binary.op == operator => open.extend([*binary.right, *binary.left]),
            part => parts.push(part),
        }
    }
}

/// How many steps there are from the left in an expression, counted no further than is of interest.
fn steps(mut expression: &Expr) -> usize {
    let mut steps = 0;
    while let Expr::BinaryExpr(binary) = expression
        && is_step(binary.op)
        && steps < LONG
    {
        steps += 1;
        expression = &binary.left;
    }
    steps
}

/// An expression and one step more, side by side.
fn fold(left: Expr, operator: Operator, right: Expr) -> Expr {
    let (mut operators, mut operands) = (vec![operator], vec![right]);
    let mut first = left;
    loop {
        match first {
            Expr::BinaryExpr(binary) if is_step(binary.op) => {
                operators.push(binary.op);
                operands.push(*binary.right);
                first = *binary.left;
            }
            other => {
                first = other;
                break;
            }
        }
    }
    operators.reverse();
    operands.reverse();
    let before = match links(&first) {
        Some(Links::Fold(before)) => Some(before.clone()),
        _ => None,
    };
    let (all_operators, all_operands) = match (before, first) {
        (Some(mut before), Expr::ScalarFunction(call)) => {
            before.extend(operators);
            let mut args = call.args;
            args.extend(operands);
            (before, args)
        }
        (_, first) => (operators, std::iter::once(first).chain(operands).collect()),
    };
    Chain::call(Links::Fold(all_operators), all_operands)
}

/// That any of these is true.
fn any(parts: Vec<Expr>, schema: &DFSchema) -> Expr {
    let mut terms = Group::new(Operator::Or);
    for part in parts {
        terms.add(part, schema);
    }
    terms.together()
}

/// That all of these are true. Those of one table stay together, so that they can be checked where it is read; those of
/// several may be what a join is by, and those with subqueries become joins: DataFusion looks for both among the parts.
fn all(parts: Vec<Expr>, schema: &DFSchema) -> Expr {
    let (mut apart, mut groups): (Vec<Expr>, Vec<(Place, Group)>) = (Vec::new(), Vec::new());
    for part in parts {
        let place = match &part {
            Expr::ScalarFunction(call) if links(&part) == Some(&Links::All) => call.args.first().map(place),
            part => Some(place(part)),
        };
        match place {
            Some(Place::Several) if links(&part) != Some(&Links::All) && apart.len() < LONG / 2 => apart.push(part),
            Some(place) if place != Place::Apart => match groups.iter_mut().find(|(known, _)| *known == place) {
                Some((_, terms)) => terms.add(part, schema),
                None => {
                    let mut terms = Group::new(Operator::And);
                    terms.add(part, schema);
                    groups.push((place, terms));
                }
            },
            _ => apart.push(part),
        }
    }
    let groups = groups.into_iter().map(|(_, terms)| terms.together());
    // There is one at least: there were more parts than a few.
    apart.into_iter().chain(groups).reduce(Expr::and).unwrap_or_else(|| datafusion::logical_expr::lit(true))
}

/// The tables that a term is about.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    None,
    One(TableReference),
    Several,
    /// It has subqueries, or is in one and names what is outside.
    Apart,
}

fn place(term: &Expr) -> Place {
    let is_apart = |part: &Expr| {
        let is_subquery = matches!(part, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_));
        Ok(is_subquery || matches!(part, Expr::SetComparison(_) | Expr::OuterReferenceColumn(..)))
    };
    if term.exists(is_apart).unwrap_or(true) {
        return Place::Apart;
    }
    let mut place = Place::None;
    for column in term.column_refs() {
        let Some(relation) = &column.relation else { return Place::Several };
        match &place {
            Place::One(known) if known != relation => return Place::Several,
            Place::One(_) => {}
            _ => place = Place::One(relation.clone()),
        }
    }
    place
}

/// The terms of a chain of AND or OR, the lists among them first.
struct Group {
    operator: Operator,
    terms: Vec<Expr>,
    /// How many of the first are lists of constants.
    lists: usize,
}

impl Group {
    fn new(operator: Operator) -> Self {
        Self { operator, terms: Vec::new(), lists: 0 }
    }

    /// `=` and `IN` between OR, `<>` and `NOT IN` between AND.
    fn is_negated(&self) -> bool {
        self.operator == Operator::And
    }

    fn add(&mut self, part: Expr, schema: &DFSchema) {
        let whole = if self.is_negated() { Links::All } else { Links::Any };
        match part {
            Expr::ScalarFunction(ScalarFunction { func, args })
                if func.inner().downcast_ref::<Chain>().is_some_and(|chain| *chain.links() == whole) =>
            {
                if self.terms.is_empty() {
                    let is_list = |term: &Expr| matches!(term, Expr::InList(list) if list.negated == self.is_negated());
                    self.lists = args.iter().take(MOST_LISTS).take_while(|term| is_list(term)).count();
                    self.terms = args;
                } else {
                    for term in args {
                        self.add_term(term, schema);
                    }
                }
            }
            term => self.add_term(term, schema),
        }
    }

    fn add_term(&mut self, term: Expr, schema: &DFSchema) {
        let list = match Listed::of(term, self.is_negated(), schema) {
            Ok(list) => list,
            Err(other) => return self.terms.push(*other),
        };
        for known in &mut self.terms[..self.lists] {
            if let Expr::InList(InList { expr, list: items, .. }) = known
                && **expr == list.expression
                && matches!(items.first(), Some(Expr::Literal(first, _)) if first.data_type() == list.data_type)
            {
                items.extend(list.items);
                return;
            }
        }
        let term = Expr::InList(InList::new(Box::new(list.expression), list.items, self.is_negated()));
        if self.lists < MOST_LISTS {
            self.terms.insert(self.lists, term);
            self.lists += 1;
        } else {
            self.terms.push(term);
        }
    }

    fn together(mut self) -> Expr {
        match self.terms.len() {
            1 => self.terms.remove(0),
            _ => Chain::call(if self.is_negated() { Links::All } else { Links::Any }, self.terms),
        }
    }
}

/// A comparison with constants of one type.
struct Listed {
    expression: Expr,
    items: Vec<Expr>,
    data_type: DataType,
}

impl Listed {
    /// A term as such a comparison; or the term itself, where that would be another.
    fn of(term: Expr, is_negated: bool, schema: &DFSchema) -> Result<Self, Box<Expr>> {
        let equality = if is_negated { Operator::NotEq } else { Operator::Eq };
        let is_constant = |side: &Expr| matches!(side, Expr::Literal(..));
        let (expression, items) = match &term {
            Expr::BinaryExpr(binary) if binary.op == equality && is_constant(&binary.right) => {
                (&binary.left, std::slice::from_ref(binary.right.as_ref()))
            }
            Expr::BinaryExpr(binary) if binary.op == equality && is_constant(&binary.left) => {
                (&binary.right, std::slice::from_ref(binary.left.as_ref()))
            }
            Expr::InList(list) if list.negated == is_negated => (&list.expr, list.list.as_slice()),
            _ => return Err(Box::new(term)),
        };
        let Some(data_type) = common_type(expression, items, schema) else { return Err(Box::new(term)) };
        let (expression, items) = match term {
            Expr::BinaryExpr(binary) if is_constant(&binary.right) => (*binary.left, vec![*binary.right]),
            Expr::BinaryExpr(binary) => (*binary.right, vec![*binary.left]),
            Expr::InList(list) => (*list.expr, list.list),
            other => return Err(Box::new(other)),
        };
        Ok(Self { expression, items, data_type })
    }
}

/// The type of the constants, if it is one, none of them is null, and a list of them is compared as each alone.
fn common_type(expression: &Expr, items: &[Expr], schema: &DFSchema) -> Option<DataType> {
    // What differs from call to call is called as often as it was written.
    if matches!(expression, Expr::Literal(..)) || expression.is_volatile() {
        return None;
    }
    let mut types = items.iter().map(|item| match item {
        Expr::Literal(value, _) if !value.is_null() => Some(value.data_type()),
        _ => None,
    });
    let first = types.next()??;
    if !types.all(|other| other.as_ref() == Some(&first)) {
        return None;
    }
    let left = expression.get_type(schema).ok()?;
    let alone = BinaryTypeCoercer::new(&left, &Operator::Eq, &first).get_input_types().ok()?;
    let listed = comparison_coercion(&left, &first)?;
    (alone == (listed.clone(), listed)).then_some(first)
}

/// Runs of more operands than this are planned side by side.
const LONG: usize = 32;
/// Lists that are looked through for the one that a constant belongs to.
const MOST_LISTS: usize = 16;
