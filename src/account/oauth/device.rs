//! A person agrees in a browser anywhere, by a short code (RFC 8628).
//!
//! It asks the provider at the pace that the provider wants; telling the person what to do is for others.

use oauth2::{AuthType, StandardDeviceAuthorizationResponse};

use super::{Granted, asking, client, granted, is_unknown, refused, scopes};
use crate::account::credential::Credential;
use crate::error::{Error, ErrorKind, Result};

/// A person is being asked.
pub struct DeviceSignIn {
    credential: Credential,
    /// How the client shows its secret.
    way: AuthType,
    begun: StandardDeviceAuthorizationResponse,
}

impl DeviceSignIn {
    /// Gets a code for the person.
    ///
    /// # Errors
    /// The provider refuses, cannot be reached, or has no such way.
    pub async fn begin(credential: &Credential) -> Result<Self> {
        let ask = async |way: AuthType| {
            let client = client(credential, way).await?;
            let request = client.exchange_device_code().map_err(|_| {
                Error::new(ErrorKind::Config, "a credential needs a device_authorization_endpoint here").hint(ELSEWHERE)
            })?;
            Ok::<_, Error>(request.add_scopes(scopes(credential)).request_async(&asking(credential)).await)
        };
        let mut way = AuthType::RequestBody;
        let mut begun = ask(way.clone()).await?;
        if is_unknown(credential, &begun) {
            way = AuthType::BasicAuth;
            begun = ask(way.clone()).await?;
        }
        let begun = begun.map_err(|error| refused(credential, error))?;
        Ok(Self { credential: credential.clone(), way, begun })
    }

    /// Where the person is to go.
    pub fn address(&self) -> &str {
        self.begun.verification_uri()
    }

    /// What is to be entered there.
    pub fn code(&self) -> &str {
        self.begun.user_code().secret()
    }

    /// How many minutes there are for it.
    pub fn minutes(&self) -> u64 {
        self.begun.expires_in().as_secs().div_ceil(60)
    }

    /// Waits until the person has agreed.
    ///
    /// # Errors
    /// The person declined, or took too long; or as [`super::refresh`].
    pub async fn finish(self) -> Result<Granted> {
        let client = client(&self.credential, self.way.clone()).await?;
        let request = client.exchange_device_access_token(&self.begun);
        let answer = request.request_async(&asking(&self.credential), tokio::time::sleep, None).await;
        answer.map_err(|error| refused(&self.credential, error)).and_then(|answer| granted(&answer))
    }
}

const ELSEWHERE: &str =
    "not every provider has one; without it, sign in in a browser on this computer, or paste its last address";
