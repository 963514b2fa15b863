//! Statements: text to parsed statements to data frames.
//!
//! Where DataFusion's own statements do not know our names, they are rewritten here.

use datafusion::catalog::CatalogProvider;
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{self, Ident, ObjectName};
use datafusion::sql::sqlparser::dialect::dialect_from_str;

use super::balance::balance;
use super::sending::SEND_EMAIL;
use super::sending::call::USAGE;
use super::sending::plan::check_view;
use super::{deadline, depth, length, stack};
use crate::error::{Error, ErrorKind, Result};
use crate::table;

/// Takes a text apart into its statements, in the session's dialect.
///
/// # Errors
/// When it is no SQL.
pub fn parse(context: &SessionContext, text: &str) -> Result<Vec<Statement>> {
    let state = context.state();
    let options = &state.config().options().sql_parser;
    let Some(dialect) = dialect_from_str(options.dialect) else {
        return Err(Error::new(ErrorKind::Config, format!("there is no SQL dialect '{}'", options.dialect)));
    };
    length::check(dialect.as_ref(), text)?;
    // Each level takes a piece of the stack, and the stack has an end.
    let levels = options.recursion_limit.get().min(MOST_LEVELS);
    let parser = DFParserBuilder::new(text).with_dialect(dialect.as_ref()).with_recursion_limit(levels);
    stack::large(|| {
        let statements = parser.build().and_then(|mut parser| parser.parse_statements()).map_err(Error::from)?;
        let mut statements = Vec::from(statements);
        statements.iter_mut().for_each(balance);
        Ok(statements)
    })
}

/// Plans a statement; it runs when the data frame does.
///
/// # Errors
/// When it cannot be planned.
pub async fn plan(context: &SessionContext, statement: Statement) -> Result<DataFrame> {
    let limit = deadline::limit(context.state_ref().read().config().options());
    stack::large_async(deadline::within(limit, plan_here(context, statement))).await
}

async fn plan_here(context: &SessionContext, mut statement: Statement) -> Result<DataFrame> {
    if let Statement::Statement(inner) = &mut statement
        && let ast::Statement::ShowColumns { show_options, .. } = inner.as_mut()
        && let Some(name) = show_options.show_in.as_mut().and_then(|show_in| show_in.parent_name.as_mut())
    {
        *name = displayed(context, name);
    }
    let state = context.state();
    let plan = state.statement_to_plan(statement).await.map_err(|error| with_names(context, Error::from(error)))?;
    depth::check(&plan)?;
    if let LogicalPlan::Ddl(DdlStatement::CreateView(view)) = &plan {
        check_view(&view.input)?;
    }
    context.execute_logical_plan(plan).await.map_err(Error::from)
}

/// The name of a table as it is displayed, with its schema: SHOW COLUMNS compares letter by letter.
fn displayed(context: &SessionContext, name: &ObjectName) -> ObjectName {
    let parts: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
    let Some(table) = parts.last().and_then(|last| table::find(&last.value)) else { return name.clone() };
    let state = context.state();
    let options = &state.config().options().catalog;
    let schema = match parts.as_slice() {
        [.., schema, _] => schema.value.clone(),
        _ => options.default_schema.clone(),
    };
    let catalog = match parts.as_slice() {
        [catalog, _, _] => catalog.value.clone(),
        _ => options.default_catalog.clone(),
    };
    let names = context.catalog(&catalog).map(|catalog: std::sync::Arc<dyn CatalogProvider>| catalog.schema_names());
    let exact = names.into_iter().flatten().find(|known| known.eq_ignore_ascii_case(&schema)).unwrap_or(schema);
    let quoted = |text: String| Ident::with_quote('"', text);
    ObjectName::from(vec![quoted(catalog), quoted(exact), quoted(table.name.to_owned())])
}

/// An error about a table that is not there, with the names that there are.
fn with_names(context: &SessionContext, error: Error) -> Error {
    let message = error.to_string();
    let Some(name) = message.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) else {
        return error;
    };
    let parts: Vec<&str> = name.split('.').collect();
    let [catalog, schema, name] = parts.as_slice() else { return error };
    let Some(catalog) = context.catalog(catalog) else { return error };
    let Some(schema) = catalog.schema(schema) else {
        let accounts = catalog.schema_names().join(", ");
        return Error::new(ErrorKind::NotFound, format!("there is no account '{schema}'"))
            .hint(format!("there are: {accounts}"));
    };
    let names = schema.table_names();
    let likeness = |known: &&String| strsim::jaro_winkler(&table::normalised(known), &table::normalised(name));
    let nearest = names.iter().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
    if table::normalised(name) == table::normalised(SEND_EMAIL) {
        return Error::new(ErrorKind::Query, "SendEmail is a function, and needs its parentheses").hint(USAGE);
    }
    let error = Error::new(ErrorKind::NotFound, format!("there is no table '{name}'"));
    match nearest.filter(|nearest| likeness(nearest) > 0.7) {
        Some(nearest) => error.hint(format!("did you mean {nearest}?")),
        None => error.hint(format!("there are: {}", names.join(", "))),
    }
}

/// How deep brackets may be nested, whatever `datafusion.sql_parser.recursion_limit` is.
const MOST_LEVELS: usize = 500;
