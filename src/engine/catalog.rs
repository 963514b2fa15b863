//! Names: accounts are schemas of the catalog `mail`, and each has all tables.
//!
//! The only place that knows which backend serves which account.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::error::Result;

use crate::account::{AccountConfig, Config, Proofs};
use crate::archive::{Maildir, Mbox};
use crate::error::{Error, ErrorKind};
use crate::imap::Imap;
use crate::mail::MailStore;
use crate::table::provider::MailTable;
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
    pub fn new(config: &Config, proofs: &Arc<Proofs>) -> Result<Self, Error> {
        let open = |(name, account): (&String, &AccountConfig)| {
            Ok(Source::new(name.as_str(), store(name, account, config, proofs)?))
        };
        let sources = config.accounts.iter().map(open).collect::<Result<Vec<Source>, Error>>()?;
        let mut schemas: BTreeMap<String, Arc<dyn SchemaProvider>> = BTreeMap::new();
        for source in &sources {
            schemas.insert(source.account.to_string(), Arc::new(AccountSchema::new(&[source.clone()].into())));
        }
        schemas.insert(ALL_ACCOUNTS.to_owned(), Arc::new(AccountSchema::new(&sources.into())));
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
    added: RwLock<BTreeMap<String, Arc<dyn TableProvider>>>,
}

impl AccountSchema {
    fn new(sources: &Arc<[Source]>) -> Self {
        let tables = TABLES.into_iter().map(|table| Arc::new(MailTable::new(table, Arc::clone(sources)))).collect();
        Self { tables, added: RwLock::default() }
    }
}

#[async_trait]
impl SchemaProvider for AccountSchema {
    fn table_names(&self) -> Vec<String> {
        let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
        self.tables.iter().map(|table| table.table().name.to_owned()).chain(added.keys().cloned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.added.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(Some(Arc::clone(table)));
        }
        let ours = self.tables.iter().find(|ours| table::normalised(ours.table().name) == table::normalised(name));
        Ok(ours.map(|table| Arc::clone(table) as Arc<dyn TableProvider>))
    }

    fn register_table(&self, name: String, table: Arc<dyn TableProvider>) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(ours) = table::find(&name) {
            let error = Error::new(ErrorKind::Refused, format!("'{name}' is the name of the table {}", ours.name));
            return Err(error.hint("choose another name").into());
        }
        Ok(self.added.write().unwrap_or_else(PoisonError::into_inner).insert(name, table))
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.added.write().unwrap_or_else(PoisonError::into_inner).remove(name))
    }

    fn table_exist(&self, name: &str) -> bool {
        table::find(name).is_some() || self.added.read().unwrap_or_else(PoisonError::into_inner).contains_key(name)
    }
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
    })
}
