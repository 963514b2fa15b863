//! What `mailql test` says of each trouble: what it is, in a sentence, and what to do.

use std::fs;

use crate::place::{Place, three_mails};
use crate::program::{Home, stderr};
use crate::server::certificate::Certificate;
use crate::server::dovecot::passdb::SWITCHED_OFF;
use crate::server::dovecot::{Dovecot, Options};
use crate::server::openid::{self, OpenId, PUBLIC, SECRET_IN_FORM};

#[test]
fn an_account_without_trouble_is_told_step_by_step() {
    let place = Place::signed_in(&openid::Options::default());
    let told = tested(&place);
    assert!(told.contains("\nok ") && told.contains("token ") && !told.contains("error"), "{told}");
    assert!(told.contains("good until") || told.contains("valid until"), "{told}");
    let kept: serde_json::Value = serde_json::from_str(&place.kept()).unwrap();
    assert!(!told.contains(kept["access_token"].as_str().unwrap()));
}

#[test]
fn a_wrong_client_secret_is_named() {
    let place = Place::new();
    place.configure(&place.credential(&SECRET_IN_FORM), "");
    place.sign_in();
    place.openid.expire_access_tokens();
    change(&place, SECRET_IN_FORM.secret.unwrap(), "another");
    let told = tested(&place);
    assert!(told.contains("error: the client secret is wrong") && told.contains("hint: make a new secret"), "{told}");
    assert!(!told.contains("another"), "{told}");
}

#[test]
fn a_revoked_sign_in_is_named() {
    let place = Place::signed_in(&openid::Options::default());
    place.openid.revoke(&place.user.name);
    let told = tested(&place);
    assert!(
        told.contains("error: the sign-in has ended") && told.contains("hint: sign in again with mailql login"),
        "{told}"
    );
}

#[test]
fn imap_that_is_switched_off_for_the_user_is_named() {
    let openid = OpenId::start(&openid::Options::default());
    let dovecot = Dovecot::start(&Options { oauth: Some(&openid), ..Options::default() });
    let user = dovecot.user_named(SWITCHED_OFF, |maildir| three_mails(maildir, ""));
    let place = Place { openid, dovecot, user, home: Home::new() };
    place.configure(&place.credential(&PUBLIC), "");
    let ended = place.agree();
    assert_eq!(ended.status.code(), Some(1));
    assert!(stderr(&ended).contains("\nhint: IMAP is switched off"), "{}", stderr(&ended));
    assert!(
        stderr(&ended).contains("work does not work; what the provider gave is kept in a file"),
        "{}",
        stderr(&ended)
    );
    let told = tested(&place);
    assert!(told.contains("sign-in") && told.contains("IMAP") && told.contains("\nhint: "), "{told}");
    let hint = told.lines().find(|line| line.starts_with("hint: ")).unwrap();
    assert!(hint.contains("IMAP"), "{told}");
    assert_eq!(place.openid.counted("refresh_token"), 0, "a new token would not help");
}

#[test]
fn a_wrong_way_of_encryption_is_named() {
    let place = Place::signed_in(&openid::Options::default());
    let (tls, plain) = (place.dovecot.tls_port(), place.dovecot.port());
    change(&place, &format!("port = {tls}, tls = 'implicit'"), &format!("port = {plain}, tls = 'implicit'"));
    let told = tested(&place);
    assert!(told.contains("does not speak TLS") && told.contains("starttls"), "{told}");
    change(&place, &format!("port = {plain}, tls = 'implicit'"), &format!("port = {tls}, tls = 'starttls'"));
    let told = tested(&place);
    assert!(told.contains("error: ") && told.contains("tls = \"implicit\""), "{told}");
}

#[test]
fn a_certificate_that_nobody_knows_is_named() {
    let openid = OpenId::start(&openid::Options::default());
    for (certificate, said) in
        [(Certificate::SelfSigned, "self-signed"), (Certificate::OtherAuthority, "nobody here knows")]
    {
        let dovecot = Dovecot::start(&Options { oauth: Some(&openid), certificate, ..Options::default() });
        let user = dovecot.user();
        let place = Place { openid: OpenId::start(&openid::Options::default()), dovecot, user, home: Home::new() };
        place.configure(&place.credential(&PUBLIC), "");
        let ended = place.agree();
        assert!(ended.status.code() == Some(1) && stderr(&ended).contains(said), "{}", stderr(&ended));
        let told = tested(&place);
        assert!(told.contains(said) && told.contains("\nhint: "), "{told}");
    }
}

fn tested(place: &Place) -> String {
    let output = place.home.run(&["test", "work"]);
    String::from_utf8(output.stdout.clone()).unwrap() + &stderr(&output)
}

/// Changes the configuration.
fn change(place: &Place, from: &str, to: &str) {
    let config = place.home.path("config/mailql/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(config, text.replace(from, to)).unwrap();
}
