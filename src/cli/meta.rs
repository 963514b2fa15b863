//! The commands of the prompt that are not SQL: one table, of which help and completion are made.
//!
//! It changes what the session shows and lists what is there; running statements is `session`'s.

use super::output::{Shape, Target};
use super::queries::nearest;
use super::session::Session;
use super::{batch_of, say};
use crate::engine::{self, export::Format};
use crate::error::{Error, ErrorKind, Result};

/// One command, as `\?` shows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    /// With its backslash.
    pub(crate) name: &'static str,
    /// What may follow; empty when nothing may.
    pub(crate) argument: &'static str,
    sentence: &'static str,
    action: Action,
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Describe,
    Tables,
    Accounts,
    Functions,
    Folders,
    Expanded,
    Timing,
    Format,
    Limit,
    Output,
    Include,
    Edit,
    Help,
    Quit,
}

/// Every command, in the order of `\?`.
pub(crate) const COMMANDS: [Command; 14] = [
    command("\\d", "[TABLE]", "the columns of a table, or all tables", Action::Describe),
    command("\\dt", "", "all tables", Action::Tables),
    command("\\dn", "", "all accounts: each is a schema", Action::Accounts),
    command("\\df", "[PART]", "functions, or those with that in their name", Action::Functions),
    command("\\folders", "[ACCOUNT]", "the folders of an account", Action::Folders),
    command("\\x", "", "one line per column, or one per row", Action::Expanded),
    command("\\timing", "", "the time of each statement, or no longer", Action::Timing),
    command("\\format", "[NAME]", "table, csv, tsv, json, ndjson or md", Action::Format),
    command("\\limit", "[N]", "rows that a plain query shows; 0 is all", Action::Limit),
    command("\\o", "[FILE|DIR/]", "answers into a file, or one file per row; back without", Action::Output),
    command("\\i", "FILE", "run the statements of a file", Action::Include),
    command("\\e", "", "edit the last statement in $VISUAL or $EDITOR, and run it", Action::Edit),
    command("\\?", "", "this help", Action::Help),
    command("\\q", "", "leave (as Ctrl-D does)", Action::Quit),
];

/// What the prompt does after a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Asks again.
    Prompt,
    /// Runs these statements.
    Run(String),
    /// Opens the editor with the last statement.
    Edit,
    /// Leaves.
    Quit,
}

/// Does what a line says that begins with a backslash.
///
/// # Errors
/// There is no such command, or it cannot do its work.
pub(crate) async fn perform(session: &mut Session, line: &str) -> Result<Next> {
    let line = line.trim().trim_end_matches(';').trim_end();
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = unquoted(argument.trim());
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return Err(unknown(name));
    };
    if command.argument.is_empty() && !argument.is_empty() {
        return Err(
            Error::new(ErrorKind::Config, format!("{name} takes nothing after it")).hint("\\? lists the commands")
        );
    }
    match command.action {
        Action::Describe if argument.is_empty() => list_tables(session).await?,
        Action::Describe => describe(session, argument).await?,
        Action::Tables => list_tables(session).await?,
        Action::Accounts => list_accounts(session)?,
        Action::Functions => list_functions(session, argument)?,
        Action::Folders => return Ok(Next::Run(folders_of(argument))),
        Action::Expanded => {
            session.expanded = !session.expanded;
            say::note(if session.expanded { "one line per column" } else { "one line per row" });
        }
        Action::Timing => {
            session.timing = !session.timing;
            say::note(if session.timing { "timing is on" } else { "timing is off" });
        }
        Action::Format => set_format(session, argument)?,
        Action::Limit => set_limit(session, argument)?,
        Action::Output => set_output(session, argument)?,
        Action::Include if argument.is_empty() => {
            return Err(Error::new(ErrorKind::Config, "\\i needs the name of a file").hint("\\i report.sql"));
        }
        Action::Include => return super::script_file(&at_home(argument)).map(Next::Run),
        Action::Edit => return Ok(Next::Edit),
        Action::Help => help(session)?,
        Action::Quit => return Ok(Next::Quit),
    }
    Ok(Next::Prompt)
}

const fn command(name: &'static str, argument: &'static str, sentence: &'static str, action: Action) -> Command {
    Command { name, argument, sentence, action }
}

fn unknown(name: &str) -> Error {
    let hint = match nearest(name, COMMANDS.iter().map(|command| command.name)) {
        Some(nearest) => format!("did you mean {nearest}? \\? lists the commands"),
        None => "\\? lists the commands".to_owned(),
    };
    Error::new(ErrorKind::Config, format!("there is no command {name}")).hint(hint)
}

fn help(session: &Session) -> Result<()> {
    let usages = COMMANDS.iter().map(|command| format!("{} {}", command.name, command.argument).trim_end().to_owned());
    let usages = usages.collect::<Vec<_>>();
    let sentences = COMMANDS.iter().map(|command| command.sentence).collect();
    session.show(&batch_of(["command", "what it does"], [usages.iter().map(String::as_str).collect(), sentences])?)?;
    say::note("a statement ends with ; on any line; Tab completes, Ctrl-C stops, Ctrl-D leaves");
    Ok(())
}

async fn list_tables(session: &Session) -> Result<()> {
    let described = engine::described();
    let mut rows: Vec<_> = described.iter().map(|table| (table.name.to_owned(), table.doc.to_owned())).collect();
    let sql = "SELECT table_schema, table_name, table_type FROM information_schema.tables \
               WHERE table_schema <> 'information_schema' ORDER BY 1, 2";
    for batch in session.collect(sql).await? {
        let [schemas, names, types] = [text_column(&batch, 0)?, text_column(&batch, 1)?, text_column(&batch, 2)?];
        for ((schema, name), kind) in schemas.into_iter().zip(names).zip(types) {
            if !described.iter().any(|table| is_same_name(table.name, &name)) {
                let name = if schema == session.account { name } else { format!("{schema}.{name}") };
                rows.push((name, kind.to_lowercase()));
            }
        }
    }
    let (names, docs) = rows.iter().map(|(name, doc)| (name.as_str(), first_line(doc))).unzip();
    session.show(&batch_of(["table", "what it holds"], [names, docs])?)
}

async fn describe(session: &Session, name: &str) -> Result<()> {
    let bare = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
    if let Some(table) = engine::described().into_iter().find(|table| is_same_name(table.name, bare)) {
        let kinds: Vec<_> = table.columns.iter().map(|(_, kind, _)| type_name(kind)).collect();
        let names = table.columns.iter().map(|(name, _, _)| *name).collect();
        let types = kinds.iter().map(String::as_str).collect();
        let docs = table.columns.iter().map(|(_, _, doc)| first_line(doc)).collect();
        session.show(&batch_of(["column", "type", "meaning"], [names, types, docs])?)?;
        say::note(&format!("{}: {}", table.name, first_line(table.doc)));
        return Ok(());
    }
    let frame = session.engine.context().table(name).await?;
    let columns = frame.schema().fields().iter();
    let columns = columns.map(|field| (field.name().as_str(), type_name(field.data_type()))).collect::<Vec<_>>();
    let (names, types) = columns.iter().map(|(name, kind)| (*name, kind.as_str())).unzip();
    session.show(&batch_of(["column", "type"], [names, types])?)
}

fn list_accounts(session: &Session) -> Result<()> {
    let accounts = session.engine.accounts();
    let described = accounts.iter().map(engine::Account::describe).collect::<Vec<_>>();
    let names = accounts.iter().map(|account| account.name.as_str()).collect();
    session.show(&batch_of(["account", "backend"], [names, described.iter().map(String::as_str).collect()])?)
}

fn list_functions(session: &Session, part: &str) -> Result<()> {
    let functions = functions(session);
    let part = part.to_lowercase();
    let found = functions.iter().filter(|(name, _)| name.to_lowercase().contains(&part));
    let (names, kinds) = found.map(|(name, kind)| (name.as_str(), *kind)).unzip();
    session.show(&batch_of(["function", "kind"], [names, kinds])?)
}

/// Every function that a statement may call, in order.
pub(crate) fn functions(session: &Session) -> Vec<(String, &'static str)> {
    let state = session.engine.context().state();
    let scalar = state.scalar_functions().keys().map(|name| (name.clone(), "scalar"));
    let aggregate = state.aggregate_functions().keys().map(|name| (name.clone(), "aggregate"));
    let window = state.window_functions().keys().map(|name| (name.clone(), "window"));
    let table = state.table_functions().keys().map(|name| (name.clone(), "table"));
    // It is planned as a relation, and so no function that the session would know.
    let table = table.chain([(engine::sending::SEND_EMAIL.to_owned(), "table")]);
    let mut functions = scalar.chain(aggregate).chain(window).chain(table).collect::<Vec<_>>();
    functions.sort_unstable();
    functions.dedup_by(|one, other| one.0 == other.0);
    functions
}

fn folders_of(account: &str) -> String {
    let table = match account {
        "" => "Folder".to_owned(),
        account => format!("\"{}\".Folder", account.to_lowercase().replace('"', "\"\"")),
    };
    format!("SELECT folder, role, messages, unseen FROM {table} ORDER BY folder")
}

fn set_format(session: &mut Session, name: &str) -> Result<()> {
    if !name.is_empty() {
        let shape = Shape::named(name)?;
        if shape == Shape::Rows(Format::Parquet) {
            let error = Error::new(ErrorKind::Config, "parquet is not for a terminal");
            return Err(error.hint("\\o FILE.parquet writes the answers there"));
        }
        session.shape = shape;
        if matches!(session.target, Target::Screen(_)) {
            session.target = Target::Screen(shape);
        }
    }
    let name = match session.shape {
        Shape::Table => "table",
        Shape::Rows(shape) => Format::NAMES.iter().find(|(_, format)| *format == shape).map_or("", |(name, _)| name),
    };
    say::note(&format!("the format is {name}"));
    Ok(())
}

fn set_limit(session: &mut Session, number: &str) -> Result<()> {
    if !number.is_empty() {
        let limit = number.parse().map_err(|_| {
            Error::new(ErrorKind::Config, format!("{number} is no number of rows"))
                .hint("\\limit 100, or \\limit 0 for all")
        })?;
        session.limit = Some(limit);
    }
    match session.limit {
        None | Some(0) => say::note("all rows are shown"),
        Some(limit) => say::note(&format!("a plain query shows {limit} rows")),
    }
    Ok(())
}

fn set_output(session: &mut Session, path: &str) -> Result<()> {
    if path.is_empty() {
        session.target = Target::Screen(session.shape);
        say::note("answers go to the screen");
        return Ok(());
    }
    session.target = Target::of(Some(&at_home(path)), None)?;
    say::note(&format!("answers go to {path}, each in the place of the one before; \\o goes back"));
    Ok(())
}

/// A path as the shell would take it.
fn at_home(path: &str) -> std::path::PathBuf {
    match (path.strip_prefix("~/"), etcetera::home_dir()) {
        (Some(rest), Ok(home)) => home.join(rest),
        _ => path.into(),
    }
}

fn unquoted(argument: &str) -> &str {
    let inner = |quote: char| argument.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('\'').or_else(|| inner('"')).unwrap_or(argument)
}

/// Table names are the same in any case, with or without underscores.
fn is_same_name(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.to_lowercase().replace('_', "");
    plain(one) == plain(other)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// A type as SQL names it.
fn type_name(kind: &datafusion::arrow::datatypes::DataType) -> String {
    use datafusion::arrow::datatypes::DataType;
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytes".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Date32 => "date".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

/// A column of text of a listing.
pub(crate) fn text_column(batch: &datafusion::arrow::array::RecordBatch, column: usize) -> Result<Vec<String>> {
    use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default();
    let failed = |error| Error::from(datafusion::error::DataFusionError::from(error));
    let texts = ArrayFormatter::try_new(batch.column(column), &options).map_err(failed)?;
    (0..batch.num_rows()).map(|row| texts.value(row).try_to_string().map_err(failed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_hides_another() {
        let mut names = COMMANDS.map(|command| command.name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(names.iter().all(|name| name.starts_with('\\')));
    }

    #[test]
    fn a_mistyped_command_gets_the_nearest() {
        assert!(unknown("\\timng").way_out().unwrap().contains("\\timing"));
        assert!(unknown("\\floders").way_out().unwrap().contains("\\folders"));
        assert_eq!(unknown("\\zzzzzzz").way_out(), Some("\\? lists the commands"));
    }

    #[test]
    fn an_account_name_cannot_leave_its_quotes() {
        assert!(folders_of("a\".b; DROP").contains("FROM \"a\"\".b; drop\".Folder "));
    }
}
