//! SQL in, batches out: a DataFusion session in which accounts are schemas.
//!
//! Wires accounts to stores and stores to tables, and executes statements. Prints nothing, and reads
//! no environment. Next: [`catalog`] for names, [`rules`] for what is added to the planner.

mod balance;
pub mod catalog;
mod chains;
pub mod check;
mod deadline;
mod depth;
pub mod export;
mod html_links;
mod length;
mod mailbox;
pub mod octets;
pub mod rules;
pub mod searches;
pub mod sending;
pub mod sent_email;
mod stack;
pub mod statement;

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ExtensionOptions;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;

use self::catalog::MailCatalog;
use self::sending::Sendings;
use self::sending::approval::Approval;
use self::sending::call::SendPlanner;
use self::sending::plan::SendQueryPlanner;
use crate::account::{AccountConfig, Config, ImapAccount, Proofs};
use crate::error::{Error, ErrorKind, Result};
use crate::smtp::Journal;
use crate::table::provider::Statements;
use crate::table::settings::Settings;
use crate::table::{TABLES, Table, receipt, search_function};

/// A session over some accounts.
///
/// Cheap to clone; clones share the session.
///
/// ```no_run
/// # async fn run() -> mailql::Result<()> {
/// let engine = mailql::Engine::builder().mbox("archive", "All mail.mbox").build()?;
/// let unread = engine.sql("SELECT subject FROM MessagesInFolder WHERE NOT seen").await?;
/// println!("{}", unread.count().await?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Engine {
    context: SessionContext,
    accounts: Arc<[Account]>,
    proofs: Arc<Proofs>,
    sendings: Arc<Sendings>,
}

/// An account of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name, which is the name of its schema.
    pub name: String,
    /// Where its mail is.
    pub config: AccountConfig,
}

impl Account {
    /// Where its mail is, in a few words.
    pub fn describe(&self) -> String {
        self.config.describe()
    }
}

/// Makes an [`Engine`] out of accounts given in code.
#[derive(Debug, Clone, Default)]
pub struct EngineBuilder {
    config: Config,
}

impl Engine {
    /// Opens a session over the accounts of a configuration; no mail is read yet.
    ///
    /// # Errors
    /// When a setting does not exist or cannot have its value.
    pub fn open(config: Config) -> Result<Self> {
        let mut session = SessionConfig::new()
            .with_information_schema(true)
            .with_create_default_catalog_and_schema(false)
            .with_default_catalog_and_schema(catalog::NAME, catalog::default_schema(&config))
            // One hash table per join, so that scans see the other side's keys as a plain list.
            .with_repartition_joins(false)
            .with_round_robin_repartition(false);
        let options = session.options_mut();
        options.sql_parser.default_null_ordering = "nulls_last".to_owned();
        // Bodies have lines, and what was exported as CSV is read back.
        options.catalog.newlines_in_values = true;
        options.optimizer.hash_join_inlist_pushdown_max_size = 16 * 1024 * 1024;
        options.optimizer.hash_join_inlist_pushdown_max_distinct_values = 100_000;
        options.execution.sort_pushdown_buffer_capacity = 8 * 1024 * 1024;
        let state = SessionStateBuilder::new().with_config(session).with_default_features().build();
        let context = SessionContext::new_with_state(state);
        let proofs = Arc::new(config.proofs());
        let sendings = register_with(&context, &config, &proofs)?;
        let context = context.enable_url_table();
        let account = |(name, config)| Account { name, config };
        Ok(Self { context, accounts: config.accounts.into_iter().map(account).collect(), proofs, sendings })
    }

    /// Begins a session over accounts that are given in code.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// Plans one statement; it runs when the data frame is collected, streamed or shown.
    ///
    /// # Errors
    /// When the text is not exactly one statement, or cannot be planned.
    pub async fn sql(&self, text: &str) -> Result<DataFrame> {
        let mut statements = self.parse(text)?.into_iter();
        match (statements.next(), statements.next()) {
            (Some(statement), None) => self.plan(statement).await,
            (None, _) => Err(Error::new(ErrorKind::Query, "there is no statement")),
            (Some(_), Some(_)) => Err(Error::new(ErrorKind::Query, "there is more than one statement")
                .hint("Engine::parse takes several apart, Engine::plan plans each")),
        }
    }

    /// Takes a text apart into its statements.
    ///
    /// # Errors
    /// When it is no SQL.
    pub fn parse(&self, text: &str) -> Result<Vec<Statement>> {
        statement::parse(&self.context, text)
    }

    /// Plans one parsed statement, as [`Engine::sql`] does.
    ///
    /// # Errors
    /// When it cannot be planned.
    pub async fn plan(&self, statement: Statement) -> Result<DataFrame> {
        statement::plan(&self.context, statement).await
    }

    /// Says who is asked before mail is sent; without anybody, none is, unless the setting `mailql.allow_send` is on.
    #[must_use]
    pub fn asking(self, approval: Arc<dyn Approval>) -> Self {
        self.sendings.ask(approval);
        self
    }

    /// All sending of the session: to stop it, and to wait for its end.
    ///
    /// A statement that was begun goes on sending when its stream is dropped.
    pub fn sendings(&self) -> &Sendings {
        &self.sendings
    }

    /// What the answers of the session so far do not have.
    pub fn omissions(&self) -> Omissions {
        let statements = self.context.state_ref().read().config().get_extension::<Statements>();
        let left_out = statements.map_or(0, |statements| statements.notices.unreadable.count());
        Omissions { left_out: usize::try_from(left_out).unwrap_or(usize::MAX) }
    }

    /// The session, for everything else that DataFusion can do.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The accounts, by name.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }
}

impl EngineBuilder {
    /// Adds an account over a Maildir.
    #[must_use]
    pub fn maildir(self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.account(name, AccountConfig::Maildir(path.into()))
    }

    /// Adds an account over an mbox file or a directory of them.
    #[must_use]
    pub fn mbox(self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.account(name, AccountConfig::Mbox(path.into()))
    }

    /// Adds an account over an `.eml` file or a directory of them.
    #[must_use]
    pub fn eml(self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.account(name, AccountConfig::Eml(path.into()))
    }

    /// Adds an account on an IMAP server.
    #[must_use]
    pub fn imap(self, name: impl Into<String>, account: ImapAccount) -> Self {
        self.account(name, AccountConfig::Imap(account))
    }

    /// Adds an account.
    #[must_use]
    pub fn account(mut self, name: impl Into<String>, account: AccountConfig) -> Self {
        self.config.accounts.insert(name.into(), account);
        self
    }

    /// Makes an account the default one; else it is the first by name.
    #[must_use]
    pub fn default_account(mut self, name: impl Into<String>) -> Self {
        self.config.default = Some(name.into());
        self
    }

    /// Keeps indexes of mail files in a directory; else they are kept in memory.
    #[must_use]
    pub fn cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.config.cache = Some(directory.into());
        self
    }

    /// Keeps tokens in a directory, where no keyring is; else they are kept in memory.
    #[must_use]
    pub fn state(mut self, directory: impl Into<PathBuf>) -> Self {
        self.config.state = Some(directory.into());
        self
    }

    /// Opens the session.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn build(self) -> Result<Engine> {
        Engine::open(self.config)
    }
}

/// Adds the accounts to a session that somebody else made.
///
/// It gets the catalog `mail`, the settings `mailql.*`, the functions `imap_search`, `gmail`, `html_links` and `SendEmail`, and the planner rules; its own catalogs, its
/// `datafusion.*` options and its default schema stay. All clones of the context share them.
///
/// # Errors
/// When a setting of the configuration does not exist or cannot have its value, or an account cannot have its name.
pub fn register(context: &SessionContext, config: &Config) -> Result<()> {
    register_with(context, config, &Arc::new(config.proofs())).map(drop)
}

/// What answers do not have: messages, counted once per scan of a statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Omissions {
    /// Messages that were left out, as their server cannot deliver them (`mailql.unreadable = 'skip'`).
    pub left_out: usize,
}

/// All sending of a session that accounts were [registered](register) in: to say who is asked, to stop it, and to wait for it.
pub fn sendings(context: &SessionContext) -> Option<Arc<Sendings>> {
    context.state().config().get_extension::<Sendings>()
}

fn register_with(context: &SessionContext, config: &Config, proofs: &Arc<Proofs>) -> Result<Arc<Sendings>> {
    config.check()?;
    let journal = Arc::new(config.state.as_ref().map_or_else(Journal::in_memory, Journal::kept_in));
    let accounts = MailCatalog::new(config, proofs, &journal)?;
    let sendings = Arc::new(catalog::sendings(config, proofs, &journal)?);
    let mut settings = Settings::default();
    for (name, value) in &config.settings {
        settings.set(name, value).map_err(Error::from)?;
    }
    let state = context.state();
    let mut session = state.config().clone().with_extension(Arc::new(Statements::default()));
    session.set_extension(Arc::clone(&sendings));
    session.options_mut().extensions.insert(settings);
    let logical = searches::first(state.optimizers());
    let physical = rules::physical(state.physical_optimizers());
    let sending = SendQueryPlanner { host: Arc::clone(state.query_planner()), sendings: Arc::clone(&sendings) };
    let mut relations = state.relation_planners().to_vec();
    relations.insert(0, Arc::new(SendPlanner(Arc::clone(&sendings))));
    let mut expressions = state.expr_planners().to_vec();
    expressions.insert(0, Arc::new(chains::Chains));
    let state = SessionStateBuilder::new_from_existing(state)
        .with_config(session)
        .with_query_planner(Arc::new(deadline::TimedQueryPlanner(Arc::new(sending))))
        .with_relation_planners(relations)
        .with_expr_planners(expressions)
        .with_optimizer_rules(logical)
        .with_physical_optimizer_rules(physical)
        .with_analyzer_rule(Arc::new(depth::Bounded))
        .with_analyzer_rule(Arc::new(rules::ReadOnly))
        .with_analyzer_rule(Arc::new(export::QuoteCopies))
        .build();
    *context.state_ref().write() = state;
    let functions = search_function::functions().into_iter().chain(octets::functions(context));
    for function in functions.chain([html_links::function(), mailbox::function()]) {
        context.register_udf(function);
    }
    context.register_catalog(catalog::NAME, Arc::new(accounts));
    Ok(sendings)
}

/// The tables of mail that every account has, as they are declared.
pub fn tables() -> &'static [&'static Table] {
    &TABLES
}

/// A table that every account has, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name, as displayed.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// Its columns: name, type, and what they are.
    pub columns: Vec<(&'static str, DataType, &'static str)>,
}

/// All tables that every account has: those of mail, and the journal.
pub fn described() -> Vec<Described> {
    let of_mail = TABLES.into_iter().map(|table| Described {
        name: table.name,
        doc: table.doc,
        columns: table.columns().map(|column| (column.name, column.data_type(), column.doc)).collect(),
    });
    let journal = Described {
        name: receipt::SENT_EMAIL,
        doc: receipt::SENT_EMAIL_DOC,
        columns: receipt::COLUMNS.iter().map(|column| (column.name, column.data_type(), column.doc)).collect(),
    };
    of_mail.chain([journal]).collect()
}
