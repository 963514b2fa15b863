//! Signing in where mail is handed in with OAuth2: tokens of a real provider, which end while mail is still to be sent.

use std::fs;

use crate::place::{Place, Wants, field, rows};
use crate::program::Home;
use crate::program::until;
use crate::server::dovecot::{self, Dovecot};
use crate::server::openid::{OpenId, Options, SECRET_IN_FORM};
use crate::server::postfix::{self, Postfix};
use crate::server::started::free_port;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_both_ways_in_by_both_mechanisms() {
    let openid = OpenId::start(&Options::default());
    for mechanism in ["xoauth2", "oauthbearer"] {
        let place = place(&openid, mechanism, "");
        for port in [place.postfix.tls_port(), place.dovecot.submission_tls_port()] {
            configure(&place, &openid, port);
            let engine = place.engine().await;
            let sql =
                format!("SELECT status, smtp_code FROM SendEmail('user2@example.com', 'by {mechanism} at {port}')");
            let sent = rows(&engine, &sql).await;
            let sent = sent.unwrap_or_else(|error| panic!("{error}\n{}\n{}", place.postfix.log(), place.dovecot.log()));
            assert_eq!(sent, [["sent", "250"]], "{mechanism}");
        }
        assert_eq!(place.inbox(&place.people[1]).len(), 2, "{mechanism}");
        let log = place.postfix.log().to_lowercase();
        assert!(log.contains(&format!("sasl_method={mechanism}, sasl_username=user1@example.com")), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_between_mails_is_renewed_and_nothing_goes_twice() {
    let openid = OpenId::start(&Options::default());
    // Whoever is silent for so long, or has had so many mails taken, is sent away: both happen between mails.
    let more = "smtpd_timeout = 1s\nsmtpd_per_record_deadline = no";
    let place = place(&openid, "xoauth2", more);
    configure(&place, &openid, place.postfix.tls_port());
    let engine = place.engine().await;
    rows(&engine, "SET mailql.send_per_minute = 30").await.unwrap();
    let sql = "SELECT status FROM SendEmail((SELECT 'user2@example.com' AS to, 'mail ' || value AS subject
               FROM generate_series(1, 4)))";
    let sending = tokio::spawn(async move { rows(&engine, sql).await });
    // After the first, the token is good no more, and the server has ended the connection before the next.
    until("the first mail", || place.postfix.log().contains(" status=sent "));
    openid.expire_access_tokens();
    let sent = sending.await.unwrap().unwrap_or_else(|error| panic!("{error}\n{}", place.postfix.log()));
    assert_eq!(sent, [["sent"], ["sent"], ["sent"], ["sent"]]);
    let mut subjects: Vec<String> = place.inbox(&place.people[1]).iter().map(|mail| field(mail, "Subject")).collect();
    subjects.sort();
    assert_eq!(subjects, ["mail 1", "mail 2", "mail 3", "mail 4"], "{}", place.postfix.log());
    let log = place.postfix.log();
    assert!(log.contains("timeout after "), "the server ended connections: {log}");
    assert!(log.contains("authentication failed"), "the old token was shown and refused: {log}");
    let asked = openid.counted("client_credentials");
    assert_eq!(asked, 2, "one token, and another when it ended");
}

/// Servers that take tokens, and hand mail on to each other.
fn place(openid: &OpenId, mechanisms: &str, more: &str) -> Place {
    let relay = Some(free_port());
    let options = dovecot::Options {
        oauth: Some(openid),
        oauth_mechanisms: mechanisms,
        lmtp: true,
        relay,
        ..dovecot::Options::default()
    };
    let dovecot = Dovecot::start(&options);
    let postfix = Postfix::start(&dovecot, &postfix::Options { relay, more, ..postfix::Options::default() });
    let people = (0..2).map(|_| dovecot.user()).collect();
    openid.delegate(SECRET_IN_FORM.id, "user1@example.com");
    let place = Place { postfix, dovecot, people, home: Home::new() };
    place.configure(Wants::default().tls, "");
    place
}

/// The account `me` signs in with a token of the application itself, and hands mail in at a port.
fn configure(place: &Place, openid: &OpenId, port: u16) {
    let secret = SECRET_IN_FORM.secret.unwrap();
    let text = format!(
        "[credentials.corp]\ngrant = 'client_credentials'\nclient_id = '{}'\nclient_secret = '{secret}'\n\
         token_endpoint = '{}'\nscopes = ['imap', 'smtp']\nstore = 'file'\n\
         [accounts.me]\nimap = {{ host = 'localhost', port = {} }}\nsmtp = {{ host = 'localhost', port = {port}, tls = 'implicit' }}\n\
         user = 'user1@example.com'\ncredential = 'corp'\nsent_copy = false\nca_file = 'ca.pem'\n",
        SECRET_IN_FORM.id,
        openid.token_endpoint(),
        place.dovecot.tls_port()
    );
    fs::write(place.home.path("config/mailql/config.toml"), text).unwrap();
}
