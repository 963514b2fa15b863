//! A check of an account, step by step, for people who want to know why it does not work.
//!
//! On a server all steps are taken (see [`Imap::check`]), then those to the server that takes the account's mail; mail files
//! have only the last. Reads no mail and sends none.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, catalog};
use crate::account::{AccountConfig, Config, ImapAccount, SmtpServer};
use crate::error::{Error, ErrorKind, Result};
use crate::imap::Imap;
use crate::mail::{FolderPattern, Meter, Statement, StatusItems};
use crate::net::steps::Steps;
use crate::smtp;
use crate::table::settings::Settings;

pub use crate::net::steps::{Event, Step};

impl Engine {
    /// Goes every step to the folders of an account, anew, and tells each as it is taken; then those to where it hands mail in,
    /// if it does, whatever came of the first.
    ///
    /// # Errors
    /// When there is no such account, or a step cannot be taken: the first of them. Each step that failed is told, too, and
    /// where there are two servers, why.
    pub async fn check(&self, account: &str, mut tell: impl FnMut(Event) + Send) -> Result<()> {
        let account = self
            .accounts()
            .iter()
            .find(|known| known.name.eq_ignore_ascii_case(account))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no account '{account}'")))?;
        match &account.config {
            AccountConfig::Imap(imap) => {
                let settings = self.context().state().config().options().extensions.get::<Settings>().cloned();
                let patience = Duration::from_secs(settings.unwrap_or_default().timeout_seconds);
                let store = Imap::new(imap.clone(), Arc::clone(&self.proofs)).named(&account.name);
                let Some(server) = &imap.smtp else { return store.check(patience, tell).await };
                tell(Event::Server(format!("IMAP, {}:{}", imap.host, imap.port)));
                let read = store.check(patience, &mut tell).await;
                tell_failure(&read, &mut tell);
                tell(Event::Server(format!("SMTP, {}:{}", server.host, server.port)));
                let handed_in = self.check_smtp(&store, imap, server, patience, &mut tell).await;
                tell_failure(&handed_in, &mut tell);
                read.and(handed_in)
            }
            AccountConfig::Maildir(_) | AccountConfig::Mbox(_) | AccountConfig::Eml(_) => {
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
    async fn check_smtp(
        &self,
        store: &Imap,
        account: &ImapAccount,
        server: &SmtpServer,
        patience: Duration,
        tell: impl FnMut(Event) + Send,
    ) -> Result<()> {
        let mut steps = Steps::told_to(tell);
        let walked = async {
            // The same as before, unless that let nobody in.
            let proof = store.proof(&mut steps).await?;
            smtp::check::check(account, server, &self.proofs, &proof, patience, &mut steps).await
        };
        let walked = walked.await.map_err(|error| store.named_in(error));
        steps.fail();
        walked
    }
}

fn tell_failure(walked: &Result<()>, tell: &mut (impl FnMut(Event) + Send)) {
    if let Err(error) = walked {
        tell(Event::Failed { message: error.to_string(), hint: error.way_out().map(str::to_owned) });
    }
}
