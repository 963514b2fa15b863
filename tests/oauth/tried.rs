//! What `mailql login` says works was tried; and whoever signs in is the account's user.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::place::{COUNT, Place, three_mails};
use crate::program::{Home, stderr};
use crate::server::dovecot::{Dovecot, Options};
use crate::server::listener;
use crate::server::openid::{self, OpenId, PASSWORD, PUBLIC};
use crate::server::scripted::{Script, Scripted};
use crate::terminal::Terminal;

#[test]
fn both_servers_are_tried_before_it_is_said_that_it_works() {
    let openid = OpenId::start(&openid::Options::default());
    // Nothing is handed on, for nothing is sent.
    let dovecot =
        Dovecot::start(&Options { oauth: Some(&openid), relay: Some(listener::closed()), ..Options::default() });
    let user = dovecot.user_with(|maildir| three_mails(maildir, ""));
    let place = Place { openid, dovecot, user, home: Home::new() };
    let smtp = format!("smtp = {{ host = 'localhost', port = {} }}", place.dovecot.submission_tls_port());
    place.configure(&place.credential(&PUBLIC), &smtp);
    let ended = place.agree();
    let (told, said) = (String::from_utf8(ended.stdout.clone()).unwrap(), stderr(&ended));
    assert!(ended.status.success(), "{told}{said}");
    assert_eq!(told.lines().filter(|line| line.starts_with("sign-in")).count(), 2, "{told}");
    let places = [place.dovecot.tls_port(), place.dovecot.submission_tls_port()];
    let lines = [format!("\nIMAP, localhost:{}\n", places[0]), format!("\nSMTP, localhost:{}\n", places[1])];
    assert!(lines.iter().all(|line| format!("\n{told}").contains(line)), "{told}");
    assert!(told.contains("\nok "), "{told}");
    assert!(said.contains("Signed in to work; it is kept in a file that only you can read."), "{said}");
    assert!(said.contains("\nhint: see what it has"), "{said}");

    // A server that takes no mail from anybody is told in its own words, whatever the other one does.
    let refusing = listener::refusing_smtp(
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
    );
    let smtp = format!("smtp = {{ host = '127.0.0.1', port = {refusing}, tls = 'none' }}");
    place.configure(&place.credential(&PUBLIC), &smtp);
    let ended = place.agree();
    let (told, said) = (String::from_utf8(ended.stdout.clone()).unwrap(), stderr(&ended));
    assert_eq!(ended.status.code(), Some(1), "{told}{said}");
    assert!(told.contains("\nfolders ") && !told.contains("\nok "), "the first server is fine: {told}");
    assert!(
        said.contains("SmtpClientAuthentication is disabled") && said.contains("\nhint: handing in mail"),
        "{said}"
    );
    assert!(said.contains("work does not work; what the provider gave is kept in a file"), "{said}");
    assert!(said.contains("hint: mailql test work tries again") && !said.contains("Signed in"), "{said}");
    assert_eq!(place.count(), Ok(3), "it can be read, with what was kept");
}

#[test]
fn a_server_that_cannot_be_reached_is_an_error_and_what_was_given_is_kept() {
    let place = Place::new();
    place.configure(&place.credential(&PUBLIC), "");
    let config = place.home.path("config/mailql/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let port = format!("port = {}", place.dovecot.tls_port());
    fs::write(&config, text.replace(&port, &format!("port = {}", listener::closed()))).unwrap();
    let ended = place.agree();
    let said = stderr(&ended);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("error: ") && said.contains("nobody answers") && !said.contains("Signed in"), "{said}");
    assert!(said.contains("what the provider gave is kept"), "{said}");
    fs::write(&config, text).unwrap();
    assert_eq!(place.count(), Ok(3));
}

#[test]
fn a_password_that_is_refused_is_not_kept_and_does_not_take_the_place_of_a_good_one() {
    let dovecot = Dovecot::shared();
    let user = dovecot.user_with(|maildir| three_mails(maildir, ""));
    let mut home = Home::new();
    fs::create_dir_all(home.path("config/mailql")).unwrap();
    let config = format!(
        "[accounts.work]\nimap = {{ host = 'localhost', port = {} }}\nuser = '{}'\npassword = 'file'\nca_file = '{}'\n",
        dovecot.tls_port(),
        user.name,
        dovecot.ca_file().display()
    );
    fs::write(home.path("config/mailql/config.toml"), config).unwrap();
    for (typed, status, kept, said) in [
        ("wrong", "status 1", false, "The password is not kept."),
        (PASSWORD, "status 0", true, "Signed in to work; it is kept in a file"),
        ("wrong", "status 1", true, "The password is not kept."),
    ] {
        let mut terminal = Terminal::at(home, "login work");
        terminal.answers(&format!("Password of {}@localhost:", user.name), typed);
        terminal.until("the end", |screen| screen.contains(status));
        assert!(terminal.text().contains(said), "{}", terminal.text());
        home = std::mem::replace(&mut terminal.home, Home::new());
        let output = home.run(&["work", "--format", "csv", "-c", COUNT]);
        assert_eq!(output.status.success(), kept, "{}", stderr(&output));
    }
}

#[test]
fn who_signed_in_is_asked_of_the_provider_where_its_tokens_do_not_tell() {
    let options = openid::Options { id_token_tells: false, ..openid::Options::default() };
    let place = Place::with(&options);
    place.configure(&place.credential(&PUBLIC), "");
    let ended = place.agree_as("you@example.com");
    let said = stderr(&ended);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("you@example.com signed in, but the account is"), "{said}");
    assert_eq!((place.kept().as_str(), ended.stdout.as_slice()), ("", &b""[..]), "nothing is kept or tried");
    place.sign_in();
    assert_eq!(place.count(), Ok(3));
}

/// A provider of the test's own, which gives a token by a code, and the account of `me@example.org`.
fn by_code(id_token: Option<Value>, told: Option<(&'static str, String)>, is_published: bool) -> (Home, Scripted) {
    let port = std::sync::Arc::new(std::sync::OnceLock::<u16>::new());
    let own = std::sync::Arc::clone(&port);
    let provider = listener::http(move |request| {
        let issuer = format!("http://127.0.0.1:{}", own.get().unwrap());
        let body = match request.split(' ').nth(1).unwrap() {
            "/device" => {
                json!({"device_code": "d", "user_code": "U", "verification_uri": "http://x/", "expires_in": "600", "interval": "1"})
            }
            "/token" => {
                let claims = id_token.as_ref().map(|claims| {
                    let mut claims = claims.clone();
                    claims["iss"] = json!(issuer);
                    format!("e30.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()))
                });
                json!({"access_token": "t0k3n", "refresh_token": "r", "expires_in": 3600, "token_type": "Bearer", "id_token": claims})
            }
            "/.well-known/openid-configuration" if is_published => json!({
                "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"),
                "token_endpoint": format!("{issuer}/token"), "userinfo_endpoint": format!("{issuer}/me"),
            }),
            "/me" => {
                assert!(request.to_ascii_lowercase().contains("authorization: bearer t0k3n\r\n"), "{request}");
                let (status, body) = told.clone().unwrap();
                return (status, body);
            }
            _ => return ("404 Not Found", "{}".to_owned()),
        };
        ("200 OK", body.to_string())
    });
    port.set(provider).unwrap();
    let server = Script::new().capabilities("IMAP4rev1 AUTH=XOAUTH2 SASL-IR").start();
    let home = Home::new();
    fs::create_dir_all(home.path("config/mailql")).unwrap();
    let userinfo =
        if is_published { String::new() } else { format!("userinfo_endpoint = 'http://127.0.0.1:{provider}/me'\n") };
    let config = format!(
        "[credentials.corp]\nclient_id = 'x'\ngrant = 'device_code'\nstore = 'file'\n{userinfo}\
         token_endpoint = 'http://127.0.0.1:{provider}/token'\ndevice_authorization_endpoint = 'http://127.0.0.1:{provider}/device'\n\
         [accounts.work]\nimap = {{ host = '127.0.0.1', port = {}, tls = 'none' }}\nuser = 'me@example.org'\ncredential = 'corp'\n",
        server.port()
    );
    fs::write(home.path("config/mailql/config.toml"), config).unwrap();
    (home, server)
}

#[test]
fn what_the_provider_tells_of_who_signed_in_is_compared_however_it_tells_it() {
    let json = |value: Value| Some(("200 OK", value.to_string()));
    let signed = |value: Value| Some(("200 OK", format!("e30.{}.s", URL_SAFE_NO_PAD.encode(value.to_string()))));
    let me = json!({"sub": "1", "email": "Me@example.org"});
    let you = json!({"sub": "1", "email": "you@example.org"});
    let another = "you@example.org signed in, but the account is me@example.org's";
    for is_published in [true, false] {
        for (id_token, told, expected) in [
            (None, json(me.clone()), Ok(())),
            (None, json(you.clone()), Err(another)),
            (None, signed(you.clone()), Err(another)),
            (Some(json!({"sub": "1"})), json(me.clone()), Ok(())),
            (Some(json!({"sub": "1", "preferred_username": "you"})), json(you.clone()), Err(another)),
            (
                Some(json!({"sub": "1"})),
                json(json!({"sub": "1", "preferred_username": "you@example.org"})),
                Err(another),
            ),
            (Some(json!({"sub": "2"})), json(me.clone()), Err("of another user than its userinfo_endpoint tells")),
            // One that tells by its token is not asked; one that does not tell cannot be compared.
            (Some(json!({"email": "me@example.org"})), None, Ok(())),
            (Some(json!({"email": "you@example.org"})), None, Err(another)),
            (None, Some(("401 Unauthorized", "{}".to_owned())), Ok(())),
            (None, Some(("200 OK", "<html>".to_owned())), Ok(())),
            (None, json(json!({"sub": "1"})), Ok(())),
        ] {
            let case = format!("{id_token:?} {told:?} {is_published}");
            let (home, server) = by_code(id_token, told, is_published);
            let ended = home.run(&["login", "work"]);
            let said = stderr(&ended);
            match expected {
                Ok(()) => assert!(ended.status.success() && said.contains("Signed in to work"), "{case}: {said}"),
                Err(expected) => {
                    assert_eq!(ended.status.code(), Some(1), "{case}: {said}");
                    assert!(said.contains(expected) && !said.contains("Signed in"), "{case}: {said}");
                    let kept = fs::read_dir(home.path("state/mailql/tokens")).into_iter().flatten().flatten();
                    let is_kept = |name: std::ffi::OsString| name.to_string_lossy().ends_with(".json");
                    assert_eq!(kept.filter(|entry| is_kept(entry.file_name())).count(), 0, "{case}");
                    assert_eq!(server.accepted(), 0, "{case}: nothing is tried with another's token");
                }
            }
        }
    }
}
