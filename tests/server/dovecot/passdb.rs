//! Who may sign in to Dovecot: with the password, with a token of the OpenID provider, or not at all.
//!
//! A token is shown to the provider at every sign-in, so what was revoked or has expired is refused at once.

use std::fs;
use std::path::Path;

use super::super::openid::{MAIL_SERVER, OpenId};

/// Somebody whom the server knows, and tells [`SWITCHED_OFF_REASON`] instead of letting them in.
pub const SWITCHED_OFF: &str = "off@example.com";

/// As the large providers say it, with the word that makes it an alert for people.
pub const SWITCHED_OFF_REASON: &str = "Your account is not enabled for IMAP use, ask your administrator";

/// The variable of the environment that holds the reason: in a configuration no value holds a space.
pub const REASON_VARIABLE: &str = "MAILQL_REASON";

/// The part of the configuration about sign-in; what it names is written into the directory.
pub fn write(directory: &Path, oauth: Option<&OpenId>, oauth_mechanisms: &str, password: &str) -> String {
    let mut text = format!("import_environment = TZ {REASON_VARIABLE}\n");
    if let Some(openid) = oauth {
        text += &format!("auth_mechanisms = plain {oauth_mechanisms}\n");
        // Whose the token is, and if it was not theirs, the mailbox that it opens as well.
        for attribute in ["username", "mailbox"] {
            let path = directory.join(format!("oauth2-{attribute}.conf"));
            fs::write(&path, introspection(openid, attribute)).unwrap();
            text += &passdb("oauth2", &path.display().to_string(), "mechanisms = xoauth2 oauthbearer");
        }
    }
    text += &passdb("static", &format!("password={password}"), "mechanisms = plain login");
    // It is told to who has shown the right password or token, and to nobody else.
    text + &format!(
        "\
passdb {{
  driver = static
  args = nopassword=yes nologin=yes reason=%{{env:{REASON_VARIABLE}}}
  username_filter = {SWITCHED_OFF}
  skip = unauthenticated
}}
"
    )
}

/// One that is asked unless another has let the user in, and whose yes is not the last word.
fn passdb(driver: &str, arguments: &str, mechanisms: &str) -> String {
    format!(
        "\
passdb {{
  driver = {driver}
  args = {arguments}
  {mechanisms}
  skip = authenticated
  result_success = continue-ok
}}
"
    )
}

fn introspection(openid: &OpenId, username_attribute: &str) -> String {
    format!(
        "\
introspection_mode = post
introspection_url = {}
client_id = {}
client_secret = {}
active_attribute = active
active_value = true
username_attribute = {username_attribute}
openid_configuration_url = {}
",
        openid.introspection_endpoint(),
        MAIL_SERVER.id,
        MAIL_SERVER.secret.unwrap_or_default(),
        openid.configuration_url(),
    )
}
