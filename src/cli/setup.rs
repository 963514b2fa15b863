//! A new account, asked for question by question, and written into the configuration.
//!
//! It proposes what is known of the provider; nobody signs in here, and no password is written down.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::ask::{Answer, Person, say as ask_say};
use super::output::neutral;
use super::{places, say};
use crate::account::config::RESERVED;
use crate::account::oauth::discovery;
use crate::account::provider::PROVIDERS;
use crate::account::{AccountConfig, Config, Keep, Provider};
use crate::error::{Error, ErrorKind, Result};
use crate::file::read_to_string;

/// Asks for an account and writes it into the configuration; gives its name, or that of the one that has the address.
///
/// # Errors
/// There is nobody to answer, or the configuration cannot be written.
pub(crate) async fn described(
    person: &Person<'_>,
    file: Option<&Path>,
    known: &Config,
    address: Option<&str>,
) -> Answer<String> {
    let address = match address {
        Some(address) => address.to_owned(),
        None => person.line("Mail address", None).await?,
    };
    let is_its = |account: &AccountConfig| matches!(account, AccountConfig::Imap(account) if account.user == address);
    if let Some((name, _)) = known.accounts.iter().find(|(_, account)| is_its(account)) {
        return Ok(name.clone());
    }
    let provider = provider(person, &address).await?;
    let mut lines = Lines::default();
    let mut credential = None;
    let name = account_name(person, known, &address, provider).await?;
    match provider {
        Some(provider) => lines.add("provider", provider.name),
        None => servers(person, &address, &mut lines).await?,
    }
    lines.add("user", &address);
    if by_oauth(person, provider).await? {
        let there = credentials(file);
        let own = free(&name, |name| !there.iter().any(|known| known.eq_ignore_ascii_case(name)));
        match registration(person, &own, provider, &there).await? {
            Registration::There(other) => lines.add("credential", &other),
            Registration::New(written) => {
                lines.add("credential", &own);
                credential = Some((own, written));
            }
        }
    } else {
        if let Some(way) = provider.and_then(|provider| provider.app_password) {
            ask_say(&format!("\nHow to get an app password:\n  {way}\n"))?;
        }
        let place = match known.proofs().usual_place().await? {
            Keep::Keyring => "keyring",
            Keep::File => "file",
        };
        lines.add("password", place);
    }
    if let Some(note) = provider.and_then(|provider| provider.note) {
        ask_say(&format!("\nGood to know: {note}\n"))?;
    }
    let account = format!("\n[accounts.{}]\n{}", key(&name), lines.text());
    let text = match credential {
        Some((own, written)) => format!("\n[credentials.{}]\n{}{account}", key(&own), written.text()),
        None => account,
    };
    let path = written(file, &text)?;
    ask_say(&format!("\nThe account {} is written into {}.\n", neutral(&name), neutral(&path.to_string_lossy())))?;
    Ok(name)
}

/// Lines of the configuration.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, key: &str, value: &str) {
        self.0.push(format!("{key} = {}\n", quoted(value)));
    }

    fn text(&self) -> String {
        self.0.concat()
    }
}

/// A text in quotes; those of JSON are among those of TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A key, in quotes where it needs them.
fn key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

async fn provider(person: &Person<'_>, address: &str) -> Answer<Option<&'static Provider>> {
    if let Some(provider) = Provider::of_address(address) {
        ask_say(&format!("That is {}.\n", provider.title))?;
        return Ok(Some(provider));
    }
    let domain = address.rsplit_once('@').map_or("this account", |(_, domain)| domain);
    let question = format!("Who keeps the mail of {}?", neutral(domain));
    let titles: Vec<_> =
        PROVIDERS.iter().map(|provider| provider.title).chain(["somebody else, or an own server"]).collect();
    Ok(PROVIDERS.get(person.choice(&question, &titles).await?))
}

async fn account_name(
    person: &Person<'_>,
    known: &Config,
    address: &str,
    provider: Option<&Provider>,
) -> Answer<String> {
    let is_free = |name: &str| {
        !RESERVED.contains(&name.to_lowercase().as_str())
            && !known.accounts.keys().any(|known| known.eq_ignore_ascii_case(name))
    };
    let domain = address.rsplit_once('@').and_then(|(_, domain)| domain.split('.').next());
    let usual = free(provider.map(|provider| provider.name).or(domain).unwrap_or("mail"), is_free);
    loop {
        let name = person.line("Name of the account in SQL", Some(&usual)).await?;
        if is_free(&name) {
            return Ok(name);
        }
        ask_say(&format!("There is a {} already; choose another name.\n", neutral(&name)))?;
    }
}

/// A name, or the next one with a number that is free.
fn free(name: &str, is_free: impl Fn(&str) -> bool) -> String {
    let mut numbered = (2..).map(|number| format!("{name}{number}"));
    if is_free(name) { name.to_owned() } else { numbered.find(|name| is_free(name)).unwrap_or_default() }
}

async fn servers(person: &Person<'_>, address: &str, lines: &mut Lines) -> Answer<()> {
    let domain = address.rsplit_once('@').map(|(_, domain)| domain);
    for (key, kind, port, other) in [("imap", "IMAP", "993", "143"), ("smtp", "SMTP", "465", "587")] {
        let usual = domain.map(|domain| format!("{key}.{domain}"));
        let none = if key == "smtp" { ", or - for none" } else { "" };
        let host = person.line(&format!("{kind} server{none}"), usual.as_deref()).await?;
        if host == "-" && key == "smtp" {
            continue;
        }
        let port = loop {
            let port = person.line(&format!("Its port ({port} is TLS, {other} STARTTLS)"), Some(port)).await?;
            match port.parse::<u16>() {
                Ok(port) => break port,
                Err(_) => ask_say("It is a number up to 65535.\n")?,
            }
        };
        lines.0.push(format!("{key} = {{ host = {}, port = {port} }}\n", quoted(&host)));
    }
    Ok(())
}

/// Whether it is to be by OAuth2, where there is a choice.
async fn by_oauth(person: &Person<'_>, provider: Option<&Provider>) -> Answer<bool> {
    let (oauth, password) = (
        "OAuth2: sign in in the browser; it needs a client id, registered once by you or your company",
        provider.map_or("a password", |_| "an app password, made in the settings of the account"),
    );
    match provider {
        Some(Provider { oauth: None, .. }) => Ok(false),
        Some(Provider { app_password: None, .. }) => Ok(true),
        _ => Ok(person.choice("How do you sign in?", &[oauth, password]).await? == 0),
    }
}

/// A registration that one brings along.
enum Registration {
    /// The configuration has it already, under this name.
    There(String),
    New(Lines),
}

/// Asks for a registration; `there` are the names of those that the configuration has.
async fn registration(
    person: &Person<'_>,
    name: &str,
    provider: Option<&Provider>,
    there: &[String],
) -> Answer<Registration> {
    if !there.is_empty() {
        let choices = there.iter().map(|name| format!("the credential {name}")).chain(["a new one".to_owned()]);
        let choices: Vec<_> = choices.collect();
        let choices: Vec<_> = choices.iter().map(String::as_str).collect();
        if let Some(name) = there.get(person.choice("Which registration?", &choices).await?) {
            return Ok(Registration::There(name.clone()));
        }
    }
    let mut lines = Lines::default();
    let steps = provider.map_or(&[][..], |provider| provider.registration);
    if !steps.is_empty() {
        ask_say("\nmailql brings no client id of its own. Once, for you or for your company:\n")?;
        for (place, step) in steps.iter().enumerate() {
            ask_say(&format!("  {}. {step}\n", place + 1))?;
        }
        ask_say("\n")?;
    }
    if provider.is_none() {
        endpoints(person, &mut lines).await?;
    }
    lines.add("client_id", &person.line("Client id", None).await?);
    if let Some(secret) = person.secret("Client secret (not shown; Enter if there is none)").await? {
        lines.add("client_secret", secret.expose());
        ask_say(&format!(
            "It is written into the configuration, which only you can read then; client_secret_command under [credentials.{}] keeps it elsewhere.\n",
            neutral(name)
        ))?;
    }
    Ok(Registration::New(lines))
}

/// Asks for the endpoints of a provider that is not known: for where it publishes them, or for each.
async fn endpoints(person: &Person<'_>, lines: &mut Lines) -> Answer<()> {
    loop {
        let issuer =
            person.line("Address of the provider (its issuer), or - to give its endpoints one by one", None).await?;
        if issuer == "-" {
            lines.add("authorization_endpoint", &person.line("Authorization endpoint (https://…)", None).await?);
            lines.add("token_endpoint", &person.line("Token endpoint (https://…)", None).await?);
            break;
        }
        match person.waits(discovery::endpoints(&issuer, None)).await? {
            Ok(found) => {
                lines.add("authorization_endpoint", &found.authorization_endpoint);
                lines.add("token_endpoint", &found.token_endpoint);
                for (key, endpoint) in [
                    ("device_authorization_endpoint", found.device_authorization_endpoint),
                    ("revocation_endpoint", found.revocation_endpoint),
                    ("userinfo_endpoint", found.userinfo_endpoint),
                ] {
                    if let Some(endpoint) = endpoint {
                        lines.add(key, &endpoint);
                    }
                }
                break;
            }
            Err(error) => say::error(&error),
        }
    }
    let scopes = person.line("Scopes, with blanks between them", Some("openid email offline_access")).await?;
    let scopes = scopes.split_whitespace().map(quoted).collect::<Vec<_>>().join(", ");
    lines.0.push(format!("scopes = [{scopes}]\n"));
    Ok(())
}

/// The names of the credentials that the configuration has.
fn credentials(file: Option<&Path>) -> Vec<String> {
    let text = places::config_file(file).and_then(|path| read_to_string(&path).ok()).unwrap_or_default();
    let table = text.parse::<toml::Table>().unwrap_or_default();
    table.get("credentials").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys).cloned().collect()
}

/// Adds a text to the configuration, if the whole is one then; nobody else can read the file then.
fn written(file: Option<&Path>, text: &str) -> Result<std::path::PathBuf> {
    let path = places::config_file(file).ok_or_else(|| {
        Error::new(ErrorKind::Config, "this system tells no home directory").hint("name a file: --config FILE")
    })?;
    let failed = |error| Error::io(format!("cannot write {}", path.display()), error);
    let before = match read_to_string(&path) {
        Ok(before) => before,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let separated = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let all = format!("{before}{separated}{}", if before.is_empty() { text.trim_start() } else { text });
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    Config::parse(&all, &directory, etcetera::home_dir().ok().as_deref())?;
    if !directory.as_os_str().is_empty() {
        fs::create_dir_all(&directory).map_err(failed)?;
    }
    // A link stays one, and what it leads to is replaced.
    let target = path.canonicalize().unwrap_or_else(|_| path.clone());
    let beside = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut aside = tempfile::NamedTempFile::new_in(beside).map_err(failed)?;
    aside.write_all(all.as_bytes()).and_then(|()| aside.as_file().sync_all()).map_err(failed)?;
    aside.persist(&target).map_err(|error| failed(error.error))?;
    Ok(path)
}
