//! A real OpenID provider: sign-in, consent, tokens, and what revokes them.
//!
//! The program is `openid/provider.mjs` over the npm package `oidc-provider`, which `tests/run` installs. Any name signs in
//! with the password [`PASSWORD`]; what was consented to is forgotten with the provider.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

use serde_json::{Value, json};

use super::http;
use super::started::{DEADLINE, started};
use super::watched::Watched;

/// A client that the provider knows.
#[derive(Debug)]
pub struct Client {
    pub id: &'static str,
    pub secret: Option<&'static str>,
    /// How it must show the secret at the token endpoint (OpenID Connect Core, section 9); no other way is taken.
    method: &'static str,
}

/// A program on somebody's machine: it has no secret and must use PKCE.
pub const PUBLIC: Client = Client { id: "mailql-public", secret: None, method: "none" };

/// One with a secret, which it must send in the form. It may ask for tokens of its own (client credentials).
pub const SECRET_IN_FORM: Client = Client { id: "mailql-form", secret: Some(SECRET), method: "client_secret_post" };

/// The same, with the secret in the header `Authorization`.
pub const SECRET_IN_HEADER: Client =
    Client { id: "mailql-header", secret: Some(SECRET), method: "client_secret_basic" };

/// The mail server, which may only ask about tokens.
pub const MAIL_SERVER: Client = Client { id: "mail-server", secret: Some("known-to-dovecot"), method: "introspection" };

/// Anybody's.
pub const PASSWORD: &str = "secret";

/// What a test wants otherwise.
pub struct Options {
    /// For how long an access token is good; whole seconds.
    pub lifetime: Duration,
    /// For how long the code of a device may be entered.
    pub device_lifetime: Duration,
    /// How long a device should wait between two questions.
    pub interval: Duration,
    /// Whether an ID token has the address of who signed in; else only the userinfo endpoint tells it.
    pub id_token_tells: bool,
    /// Whether a refresh token is replaced whenever it is used. If the replaced one comes again, all tokens are revoked.
    pub rotate: bool,
}

impl Default for Options {
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self {
            lifetime: hour,
            device_lifetime: hour,
            interval: Duration::from_secs(1),
            id_token_tells: true,
            rotate: true,
        }
    }
}

/// What the token endpoint may do instead of answering.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// An empty answer with this status.
    Status(u16),
    /// A page for people, with status 200.
    Html,
    /// What it should answer, but so much later.
    Slow(Duration),
    /// An error of RFC 6749, section 5.2: code and description.
    Error(&'static str, &'static str),
}

/// A running provider; it ends when this is dropped, or with the test program.
pub struct OpenId {
    watched: Watched,
    port: u16,
}

impl OpenId {
    /// One for a test alone; it waits until it may be used.
    pub fn start(options: &Options) -> Self {
        started("the OpenID provider", "Node 18 or later, and what tests/run installs", || Self::launch(options))
    }

    /// The error is its log.
    fn launch(options: &Options) -> Result<Self, String> {
        let known = [PUBLIC, SECRET_IN_FORM, SECRET_IN_HEADER, MAIL_SERVER];
        let clients = known.map(|client| json!({"id": client.id, "secret": client.secret, "method": client.method}));
        let options = json!({
            "clients": clients,
            "lifetime": options.lifetime.as_secs(),
            "device_lifetime": options.device_lifetime.as_secs(),
            "interval": options.interval.as_secs(),
            "id_token_tells": options.id_token_tells,
            "rotate": options.rotate,
        });
        let mut watched = Watched::new(&["node", "provider.mjs", &options.to_string()]);
        for (name, text) in SCRIPTS {
            fs::write(watched.directory().join(name), text).unwrap();
        }
        std::os::unix::fs::symlink(modules(), watched.directory().join("node_modules")).unwrap();
        watched.start();
        let start = Instant::now();
        loop {
            let log = watched.text("output");
            let said = log.split_once("listening on port ").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((port, _)) = said {
                return Ok(Self { port: port.parse().unwrap(), watched });
            }
            if log.contains("Error") || log.contains("setsid: ") || start.elapsed() > DEADLINE {
                return Err(log);
            }
            sleep(Duration::from_millis(5));
        }
    }

    /// Who it says it is; without a slash at the end.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where its own description is (OpenID Connect Discovery 1.0).
    pub fn configuration_url(&self) -> String {
        self.issuer() + "/.well-known/openid-configuration"
    }

    pub fn authorization_endpoint(&self) -> String {
        self.issuer() + "/auth"
    }

    pub fn token_endpoint(&self) -> String {
        self.issuer() + "/token"
    }

    pub fn device_authorization_endpoint(&self) -> String {
        self.issuer() + "/device/auth"
    }

    pub fn revocation_endpoint(&self) -> String {
        self.issuer() + "/token/revocation"
    }

    pub fn introspection_endpoint(&self) -> String {
        self.issuer() + "/token/introspection"
    }

    /// Every request so far to an endpoint but introspection, oldest first: `endpoint` (`auth`, `token`, `device/auth`,
    /// `token/revocation`), `client` (how it showed its secret), and the `parameters`, secrets left out.
    pub fn requests(&self) -> Vec<Value> {
        self.control("requests", &json!({})).as_array().unwrap().clone()
    }

    /// Every code, verifier, token and client secret that passed so far.
    pub fn secrets(&self) -> Vec<String> {
        let secrets = self.control("secrets", &json!({}));
        secrets.as_array().unwrap().iter().map(|secret| secret.as_str().unwrap().to_owned()).collect()
    }

    /// The grant types that the token endpoint was asked for, oldest first; `device_code` without its namespace.
    pub fn grant_types(&self) -> Vec<String> {
        let requests = self.requests();
        let asked = requests.iter().filter(|request| request["endpoint"] == "token");
        let types = asked.map(|request| request["parameters"]["grant_type"].as_str().unwrap_or_default());
        types.map(|grant_type| grant_type.rsplit(':').next().unwrap().to_owned()).collect()
    }

    /// How often the token endpoint was asked for this grant type.
    pub fn counted(&self, grant_type: &str) -> usize {
        self.grant_types().iter().filter(|asked| *asked == grant_type).count()
    }

    /// Makes trouble at the token endpoint until [`OpenId::recover`].
    pub fn fail_with(&self, trouble: &Trouble) {
        self.fail_times(u32::MAX, trouble);
    }

    /// Makes trouble so many times.
    pub fn fail_times(&self, times: u32, trouble: &Trouble) {
        let mut wanted = match trouble {
            Trouble::Status(status) => json!({"status": status, "type": "text/plain", "body": ""}),
            Trouble::Html => {
                json!({"status": 200, "type": "text/html", "body": "<!DOCTYPE html><title>Proxy</title>Sign in here"})
            }
            Trouble::Slow(delay) => json!({"delay": delay.as_millis()}),
            Trouble::Error(error, description) => json!({
                "status": 400, "type": "application/json",
                "body": json!({"error": error, "error_description": description}).to_string(),
            }),
        };
        wanted["times"] = times.into();
        self.control("trouble", &wanted);
    }

    /// Makes no more trouble.
    pub fn recover(&self) {
        self.control("trouble", &json!({}));
    }

    /// Revokes every token of a user, and what they consented to.
    pub fn revoke(&self, user: &str) {
        self.control("revoke", &json!({"user": user}));
    }

    /// Lets all access tokens expire now; refresh tokens stay good.
    pub fn expire_access_tokens(&self) {
        self.control("expire", &json!({}));
    }

    /// Lets the tokens of a user, or those that a client has for itself, open another mailbox than their own too.
    pub fn delegate(&self, user_or_client: &str, mailbox: &str) {
        self.control("delegate", &json!({"user": user_or_client, "mailbox": mailbox}));
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.watched.text("output")
    }

    fn control(&self, command: &str, with: &Value) -> Value {
        let answer = http::post_json(&format!("{}/control/{command}", self.issuer()), with);
        assert_eq!(answer.status, 200, "{answer:?}\n{}", self.log());
        answer.json()
    }
}

/// Where `tests/run` installed what the provider is made of, for just this lock file.
fn modules() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let installed = target.join("openid");
    let lock = fs::read_to_string(installed.join("package-lock.json")).unwrap_or_default();
    assert!(lock == LOCK, "the OpenID provider is not installed in {}: run tests/run", installed.display());
    installed.join("node_modules")
}

const LOCK: &str = include_str!("openid/package-lock.json");

const SCRIPTS: [(&str, &str); 4] = [
    ("provider.mjs", include_str!("openid/provider.mjs")),
    ("control.mjs", include_str!("openid/control.mjs")),
    ("pages.mjs", include_str!("openid/pages.mjs")),
    ("store.mjs", include_str!("openid/store.mjs")),
];

/// Of those that have one. It holds what must be encoded before it is sent.
const SECRET: &str = "not so/secret+100%";
