//! Configurations, and accounts as URLs: what can be said is understood, and no error repeats a secret.

use std::path::Path;

use mailql::{AccountConfig, Config, ImapAccount};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    file(&text);
    url(&text);
}

fn file(text: &str) {
    let home = Path::new("/home/me");
    let read = |text: &str| Config::parse(text, Path::new("/etc/mailql"), Some(home));
    match read(text) {
        Ok(config) => {
            assert_eq!(read(text).ok().as_ref(), Some(&config), "the same text says the same");
            config.check().expect("what was read was checked");
            for (name, account) in &config.accounts {
                assert!(!["accounts", "information_schema"].contains(&name.to_lowercase().as_str()), "{name}");
                match account {
                    AccountConfig::Maildir(path) | AccountConfig::Mbox(path) | AccountConfig::Eml(path) => {
                        assert!(path.is_absolute(), "{path:?}")
                    }
                    AccountConfig::Imap(account) => says_itself(account),
                }
            }
        }
        Err(error) => assert!(error.to_string().len() <= 4 * text.len() + 1_000, "{error}"),
    }
    // Whatever is wrong after a secret, the secret is not in the complaint.
    let with_secret = format!(
        "[credentials.c]\nclient_id = \"x\"\nclient_secret = \"{SECRET}\"\n{text}\n[accounts.sesame]\npassword = \"{SECRET}\""
    );
    if let Err(error) = read(&with_secret) {
        assert!(text.contains(SECRET) || !format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }
}

fn url(text: &str) {
    match ImapAccount::from_url(text) {
        Ok(account) => says_itself(&account),
        Err(error) => assert!(error.to_string().len() <= 4 * text.len() + 1_000, "{error}"),
    }
    if let Err(error) = ImapAccount::from_url(&format!("imaps://me:{SECRET}{text}")) {
        assert!(text.contains(SECRET) || !format!("{error} {error:?}").contains(SECRET), "{error:?}");
    }
}

/// As it describes itself, it is the same account.
fn says_itself(account: &ImapAccount) {
    let described = account.describe();
    let again = ImapAccount::from_url(&described).unwrap_or_else(|error| panic!("{described}: {error}"));
    assert_eq!(
        (&again.host, &again.user, again.port, again.tls),
        (&account.host, &account.user, account.port, account.tls)
    );
    assert_eq!(again.describe(), described);
}

const SECRET: &str = "open-sesame-0815";
