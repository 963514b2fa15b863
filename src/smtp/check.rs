//! A check of the server that takes an account's mail: every step into it, told as it is taken. Nothing is sent.

use std::time::Duration;

use super::sign_in;
use crate::account::{ImapAccount, Proof, Proofs, SmtpServer};
use crate::error::Result;
use crate::net::steps::Steps;

/// Goes every step to a session, and ends it.
///
/// # Errors
/// When a step cannot be taken; it is still begun then.
pub async fn check(
    account: &ImapAccount,
    server: &SmtpServer,
    proofs: &Proofs,
    proof: &Proof,
    patience: Duration,
    steps: &mut Steps<'_>,
) -> Result<()> {
    sign_in::open(account, server, proofs, proof, patience, steps).await?.quit().await;
    Ok(())
}
