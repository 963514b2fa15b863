//! Names: accounts are schemas of the catalog `mail`, and each has all tables.
//!
//! The only place that knows which backend serves which account.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::error::Result;

use super::sending::{self, Sendings, Way};
use super::sent_email::sent_email;
use crate::account::{AccountConfig, Config, Proofs};
use crate::archive::{Eml, Maildir, Mbox};
use crate::error::{Error, ErrorKind};
use crate::imap::Imap;
use crate::imap::filing::SentCopies;
use crate::mail::{Filing, MailStore, Mailbox, Outbox};
use crate::smtp::{Directory, Journal, Smtp};
use crate::table::provider::MailTable;
use crate::table::receipt::SENT_EMAIL;
use crate::table::scan::Source;
use crate::table::{self, TABLES};

/// The name of the catalog.
pub const NAME: &str = "mail";
/// The schema that reads all accounts at once.
pub const ALL_ACCOUNTS: &str = "accounts";

/// The schema that names without one belong to: the default account's, else the first one's.
pub fn default_schema(config: &Config) -> String {
    let first = || config.accounts.keys().next().cloned();
    let named = config
        .default
        .as_ref()
        .and_then(|default| config.accounts.keys().find(|name| name.eq_ignore_ascii_case(default)));
    named.cloned().or_else(first).unwrap_or_else(|| ALL_ACCOUNTS.to_owned())
}

/// The accounts.
#[derive(Debug)]
pub struct MailCatalog {
    schemas: RwLock<BTreeMap<String, Arc<dyn SchemaProvider>>>,
}

impl MailCatalog {
    /// The accounts of a configuration; no mail is read yet.
    ///
    /// # Errors
    /// When an account cannot be opened as what it is said to be.
    pub fn new(config: &Config, proofs: &Arc<Proofs>, journal: &Arc<Journal>) -> Result<Self, Error> {
        let open = |(name, account): (&String, &AccountConfig)| {
            Ok(Source::new(name.as_str(), store(name, account, config, proofs)?))
        };
        let sources = config.accounts.iter().map(open).collect::<Result<Vec<Source>, Error>>()?;
        let mut schemas: BTreeMap<String, Arc<dyn SchemaProvider>> = BTreeMap::new();
        for source in &sources {
            let sent = sent_email(Arc::clone(journal), Some(Arc::clone(&source.account)))?;
            schemas.insert(source.account.to_string(), Arc::new(AccountSchema::new(&[source.clone()].into(), sent)));
        }
        let sent = sent_email(Arc::clone(journal), None)?;
        schemas.insert(ALL_ACCOUNTS.to_owned(), Arc::new(AccountSchema::new(&sources.into(), sent)));
        Ok(Self { schemas: RwLock::new(schemas) })
    }
}

impl CatalogProvider for MailCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.schemas.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Finds an account by its name, in any case.
    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let schemas = self.schemas.read().unwrap_or_else(PoisonError::into_inner);
        schemas.iter().find(|(account, _)| account.eq_ignore_ascii_case(name)).map(|(_, schema)| Arc::clone(schema))
    }

    fn register_schema(&self, name: &str, schema: Arc<dyn SchemaProvider>) -> Result<Option<Arc<dyn SchemaProvider>>> {
        if self.schema(name).is_some() {
            return Err(
                Error::new(ErrorKind::Refused, format!("there is an account or schema '{name}' already")).into()
            );
        }
        let mut schemas = self.schemas.write().unwrap_or_else(PoisonError::into_inner);
        Ok(schemas.insert(name.to_owned(), schema))
    }
}

/// The tables of one account, or of all; users may add views and tables of their own.
#[derive(Debug)]
struct AccountSchema {
    tables: Vec<Arc<MailTable>>,
    sent: Arc<dyn TableProvider>,
    added: RwLock<BTreeMap<String, Arc<dyn TableProvider>>>,
}

impl AccountSchema {
    fn new(sources: &Arc<[Source]>, sent: Arc<dyn TableProvider>) -> Self {
        let tables = TABLES.into_iter().map(|table| Arc::new(MailTable::new(table, Arc::clone(sources)))).collect();
        Self { tables, sent, added: RwLock::default() }
    }
}

#[async_trait]
impl SchemaProvider for AccountSchema {
    fn table_names(&self) -> Vec<String> {
        let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
        let ours = self.tables.iter().map(|table| table.table().name).chain([SENT_EMAIL]).map(str::to_owned);
        ours.chain(added.keys().cloned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.added.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(Some(Arc::clone(table)));
        }
        if is_sent_email(name) {
            return Ok(Some(Arc::clone(&self.sent)));
        }
        let ours = self.tables.iter().find(|ours| table::normalised(ours.table().name) == table::normalised(name));
        Ok(ours.map(|table| Arc::clone(table) as Arc<dyn TableProvider>))
    }

    fn register_table(&self, name: String, table: Arc<dyn TableProvider>) -> Result<Option<Arc<dyn TableProvider>>> {
        let ours = table::find(&name).map(|table| table.name).or_else(|| is_sent_email(&name).then_some(SENT_EMAIL));
        if let Some(ours) = ours {
            let error = Error::new(ErrorKind::Refused, format!("'{name}' is the name of the table {ours}"));
            return Err(error.hint("choose another name").into());
        }
        if let Some(plan) = table.get_logical_plan() {
            sending::plan::check_view(&plan)?;
        }
        Ok(self.added.write().unwrap_or_else(PoisonError::into_inner).insert(name, table))
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.added.write().unwrap_or_else(PoisonError::into_inner).remove(name))
    }

    fn table_exist(&self, name: &str) -> bool {
        table::find(name).is_some()
            || is_sent_email(name)
            || self.added.read().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }
}

/// How the mail of all accounts gets out.
///
/// # Errors
/// When the address that one sends from is none.
pub(super) fn sendings(config: &Config, proofs: &Arc<Proofs>, journal: &Arc<Journal>) -> Result<Sendings, Error> {
    let way = |(name, account): (&String, &AccountConfig)| {
        let way = way(name, account, config, proofs, journal).map_err(|error| error.context("account", name))?;
        Ok((name.clone(), way))
    };
    let accounts = config.accounts.iter().map(way).collect::<Result<BTreeMap<_, _>, Error>>()?;
    Ok(Sendings::new(accounts, default_schema(config), config.state.as_ref().map(|state| state.join("dry-runs"))))
}

/// How an account's mail gets out; nothing when it does not.
fn way(
    name: &str,
    account: &AccountConfig,
    config: &Config,
    proofs: &Arc<Proofs>,
    journal: &Arc<Journal>,
) -> Result<Option<Way>, Error> {
    let mailbox = |from: &Option<String>| from.as_deref().map(Mailbox::parse).transpose();
    if let Some(outbox) = config.outbox(name) {
        let from = mailbox(&outbox.from)?;
        let outbox: Arc<dyn Outbox> =
            Arc::new(Directory::new(name, outbox.directory.clone(), from, Arc::clone(journal)));
        return Ok(Some(Way { outbox, filing: None }));
    }
    let AccountConfig::Imap(account) = account else { return Ok(None) };
    let Some(server) = account.smtp.clone() else { return Ok(None) };
    let from = mailbox(&account.from)?;
    let outbox = Smtp::new(name, account.clone(), server, from, Arc::clone(proofs), Arc::clone(journal));
    let filing = (account.sent_copy != Some(false))
        .then(|| Arc::new(SentCopies::new(account.clone(), Arc::clone(proofs))) as Arc<dyn Filing>);
    Ok(Some(Way { outbox: Arc::new(outbox), filing }))
}

fn is_sent_email(name: &str) -> bool {
    table::normalised(name) == table::normalised(SENT_EMAIL)
}

/// The place where an account's mail is.
///
/// # Errors
/// When it cannot be what it is said to be.
pub(super) fn store(
    name: &str,
    account: &AccountConfig,
    config: &Config,
    proofs: &Arc<Proofs>,
) -> Result<Arc<dyn MailStore>, Error> {
    Ok(match account {
        AccountConfig::Maildir(path) => Arc::new(Maildir::open(path.clone(), config.cache.clone())?),
        AccountConfig::Imap(account) => Arc::new(Imap::new(account.clone(), Arc::clone(proofs)).named(name)),
        AccountConfig::Mbox(path) => Arc::new(Mbox::open(path.clone(), config.cache.clone())?),
        AccountConfig::Eml(path) => Arc::new(Eml::open(path.clone(), config.cache.clone())?),
    })
}
