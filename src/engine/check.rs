//! A check of an account, step by step, for people who want to know why it does not work.
//!
//! On a server all steps are taken (see [`Imap::check`]); mail files have only the last. Reads no mail.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, catalog};
use crate::account::{AccountConfig, Config};
use crate::error::{Error, ErrorKind, Result};
use crate::imap::Imap;

use crate::mail::{FolderPattern, Meter, Statement, StatusItems};
use crate::net::steps::Steps;
use crate::table::settings::Settings;

pub use crate::net::steps::{Event, Step};

impl Engine {
    /// Goes every step to the folders of an account, anew, and tells each as it is taken.
    ///
    /// # Errors
    /// When there is no such account, or a step cannot be taken; the step that failed is told, too.
    pub async fn check(&self, account: &str, tell: impl FnMut(Event) + Send) -> Result<()> {
        let account = self
            .accounts()
            .iter()
            .find(|known| known.name.eq_ignore_ascii_case(account))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no account '{account}'")))?;
        match &account.config {
            AccountConfig::Imap(imap) => {
                let settings = self.context().state().config().options().extensions.get::<Settings>().cloned();
                let patience = Duration::from_secs(settings.unwrap_or_default().timeout_seconds);
                Imap::new(imap.clone(), Arc::clone(&self.proofs)).named(&account.name).check(patience, tell).await
            }
            AccountConfig::Maildir(_) | AccountConfig::Mbox(_) => {
                let mut steps = Steps::told_to(tell);
                steps.begin(Step::Folders);
                let listed = async {
                    let store = catalog::store(&account.name, &account.config, &Config::default(), &self.proofs)?;
                    let (status, meter) = (StatusItems::default(), Arc::new(Meter::default()));
                    store.folders(&FolderPattern::All, status, &Statement::default(), &meter).await
                };
                match listed.await {
                    Ok(folders) => steps.end_with_folders(folders.len()),
                    Err(error) => {
                        steps.fail();
                        return Err(error);
                    }
                }
                Ok(())
            }
        }
    }
}
