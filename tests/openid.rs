//! The parts that tests of OAuth2 rely on: the provider's pages in a real browser, its tokens, and the servers that take them.
//!
//! In [`inner_text`], the browser is the judge of HTML.

#![allow(clippy::unwrap_used, clippy::pedantic, reason = "a test that fails says enough")]
#![cfg(unix)]

mod chance;
mod inner_text;
mod server;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::{Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use server::browser::{Browser, decline, decline_code, enter_code, sign_in};
use server::conversation::{Conversation, initial_response};
use server::dovecot::passdb::{SWITCHED_OFF, SWITCHED_OFF_REASON};
use server::dovecot::{Dovecot, Options};
use server::http::{self, Answer};
use server::listener;
use server::openid::{self, Client, OpenId, PASSWORD, PUBLIC, SECRET_IN_FORM, SECRET_IN_HEADER, Trouble};
use server::started::{DEADLINE, free_port, started};
use sha2::{Digest, Sha256};

#[test]
fn who_signs_in_gets_a_token_that_opens_their_mailbox_and_no_other() {
    let (openid, dovecot) = shared();
    let [user, other] = [dovecot.user(), dovecot.user()];
    for client in [PUBLIC, SECRET_IN_FORM] {
        let tokens = signed_in(openid, &client, &user.name);
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(email(&tokens), user.name);
        for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
            let mut mine = imap(dovecot);
            assert!(mine.authenticate(mechanism, &user.name, token).starts_with("t1 OK "), "{mechanism}");
            assert!(mine.imap("SELECT INBOX").contains("\r\n* 0 EXISTS\r\n"));
            let refused = imap(dovecot).authenticate(mechanism, &other.name, token);
            assert!(refused.contains(REFUSED), "{refused}");
            assert!(refused.contains(r#""openid-configuration":"http"#), "{refused}");
        }
    }
}

#[test]
fn an_expired_token_is_refused() {
    let lifetime = Duration::from_secs(2);
    let openid = OpenId::start(&openid::Options { lifetime, ..openid::Options::default() });
    let dovecot = Dovecot::start(&Options { oauth: Some(&openid), ..Options::default() });
    openid.delegate(SECRET_IN_FORM.id, "shared@example.com");
    let shared = dovecot.user_named("shared@example.com", |_| ());
    let signs_in = |token: &str| imap(&dovecot).authenticate("XOAUTH2", &shared.name, token);
    let (start, token) = (Instant::now(), own_token(&openid, &SECRET_IN_FORM));
    let expires = start + lifetime + Duration::from_secs(1);
    assert!(signs_in(&token).starts_with("t1 OK "));
    thread::sleep(expires.saturating_duration_since(Instant::now()));
    assert!(signs_in(&token).contains(REFUSED));
    let token = own_token(&openid, &SECRET_IN_FORM);
    assert!(signs_in(&token).starts_with("t1 OK "));
    openid.expire_access_tokens();
    assert!(signs_in(&token).contains(REFUSED));
}

#[test]
fn a_refresh_token_is_good_for_once() {
    let (openid, dovecot) = shared();
    let user = dovecot.user();
    let tokens = signed_in(openid, &PUBLIC, &user.name);
    let refresh = |tokens: &Value| {
        let token = tokens["refresh_token"].as_str().unwrap();
        ask_token(openid, &PUBLIC, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    let asked = openid.counted("refresh_token");
    let fresh = refresh(&tokens).json();
    assert_ne!(fresh["refresh_token"], tokens["refresh_token"]);
    let signs_in = || {
        let token = fresh["access_token"].as_str().unwrap();
        imap(dovecot).authenticate("XOAUTH2", &user.name, token)
    };
    assert!(signs_in().starts_with("t1 OK "));
    assert_eq!(refresh(&tokens).json()["error"], "invalid_grant");
    assert!(signs_in().contains(REFUSED), "who uses a token twice may be a thief: all of them are revoked");
    assert_eq!(refresh(&fresh).json()["error"], "invalid_grant");
    assert!(openid.counted("refresh_token") >= asked + 3);
}

#[test]
fn a_refresh_token_may_be_good_for_ever() {
    let openid = OpenId::start(&openid::Options { rotate: false, ..openid::Options::default() });
    let tokens = signed_in(&openid, &PUBLIC, "who@example.com");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    for _ in 0..2 {
        let fresh = ask_token(&openid, &PUBLIC, &refresh).json();
        assert_eq!(fresh["refresh_token"], tokens["refresh_token"]);
        assert_ne!(fresh["access_token"], tokens["access_token"]);
    }
}

#[test]
fn a_device_gets_its_tokens_when_its_code_was_entered() {
    let (openid, dovecot) = shared();
    let (user, browser) = (dovecot.user(), Browser::start());
    for entered_by_hand in [true, false] {
        let (device, code) = device_code(openid);
        assert_eq!(code().json()["error"], "authorization_pending");
        let uri = if entered_by_hand { "verification_uri" } else { "verification_uri_complete" };
        let [uri, user_code] = [uri, "user_code"].map(|name| device[name].as_str().unwrap());
        enter_code(&browser, uri, user_code, &user.name, PASSWORD);
        browser.wait_for_title("Done");
        let tokens = code().json();
        let answer = imap(dovecot).authenticate("OAUTHBEARER", &user.name, tokens["access_token"].as_str().unwrap());
        assert!(answer.starts_with("t1 OK "), "{answer}");
        assert!(tokens["refresh_token"].is_string());
    }
    let (device, code) = device_code(openid);
    assert_eq!(device["interval"], 1);
    decline_code(&browser, device["verification_uri"].as_str().unwrap(), device["user_code"].as_str().unwrap());
    assert_eq!(code().json()["error"], "access_denied");
}

#[test]
fn a_client_has_tokens_of_its_own_when_it_shows_its_secret_as_it_must() {
    let (openid, dovecot) = shared();
    for (client, mailbox) in [(SECRET_IN_FORM, "a@example.com"), (SECRET_IN_HEADER, "b@example.com")] {
        openid.delegate(client.id, mailbox);
        dovecot.user_named(mailbox, |_| ());
        let token = own_token(openid, &client);
        let answer = imap(dovecot).authenticate("XOAUTH2", mailbox, &token);
        assert!(answer.starts_with("t1 OK "), "{answer}");
        let answer = imap(dovecot).authenticate("XOAUTH2", "user1@example.com", &token);
        assert!(answer.contains(REFUSED), "{answer}");
    }
    for (client, as_that) in [(SECRET_IN_FORM, SECRET_IN_HEADER), (SECRET_IN_HEADER, SECRET_IN_FORM)] {
        let answer = ask_token_as(openid, &client, &as_that, &[("grant_type", "client_credentials")]);
        assert_eq!(answer.json()["error"], "invalid_client");
    }
}

#[test]
fn a_delegate_opens_a_shared_mailbox_and_their_own() {
    let (openid, dovecot) = shared();
    let (user, shared) = (dovecot.user(), dovecot.user_named("team@example.com", |_| ()));
    let token = signed_in(openid, &PUBLIC, &user.name)["access_token"].as_str().unwrap().to_owned();
    let opens = |name: &str| imap(dovecot).authenticate("OAUTHBEARER", name, &token);
    assert!(opens(&shared.name).contains(REFUSED));
    openid.delegate(&user.name, &shared.name);
    assert!(opens(&shared.name).starts_with("t1 OK "));
    assert!(opens(&user.name).starts_with("t1 OK "));
}

#[test]
fn a_revoked_token_is_refused() {
    let (openid, dovecot) = shared();
    let user = dovecot.user();
    let tokens = signed_in(openid, &PUBLIC, &user.name);
    let token = tokens["access_token"].as_str().unwrap();
    let signs_in = |token: &str| imap(dovecot).authenticate("XOAUTH2", &user.name, token);
    assert!(signs_in(token).starts_with("t1 OK "));
    let form = [("client_id", PUBLIC.id), ("token", token)];
    assert_eq!(http::post_form(&openid.revocation_endpoint(), &form, "").status, 200);
    assert!(signs_in(token).contains(REFUSED));
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let fresh = ask_token(openid, &PUBLIC, &refresh).json();
    assert!(signs_in(fresh["access_token"].as_str().unwrap()).starts_with("t1 OK "));
    openid.revoke(&user.name);
    assert!(signs_in(fresh["access_token"].as_str().unwrap()).contains(REFUSED));
}

#[test]
fn who_declines_or_does_not_know_the_password_gives_no_code() {
    let (openid, _) = shared();
    let (browser, redirect) = (Browser::start(), Redirect::listen("127.0.0.1"));
    let url = authorization(openid, &PUBLIC, &redirect);
    sign_in(&browser, &url, "who@example.com", "wrong");
    assert!(browser.text().contains("wrong user or password"), "{}", browser.text());
    decline(&browser, &url, "who@example.com", PASSWORD);
    let answer = redirect.answer();
    assert!(answer.contains(&("error".to_owned(), "access_denied".to_owned())), "{answer:?}");
    assert!(!answer.iter().any(|(name, _)| name == "code"));
    let without_pkce = url.split("&code_challenge=").next().unwrap();
    assert!(http::get(without_pkce).body.contains("error=invalid_request"));
}

#[test]
fn the_token_endpoint_fails_as_it_is_told_and_says_what_it_was_asked() {
    let openid = OpenId::start(&openid::Options::default());
    let ask = || ask_token(&openid, &SECRET_IN_FORM, &[("grant_type", "client_credentials"), ("scope", "imap")]);
    openid.fail_with(&Trouble::Status(500));
    assert_eq!([ask().status, ask().status], [500; 2]);
    openid.fail_with(&Trouble::Html);
    assert!(ask().body.starts_with("<!DOCTYPE html>"));
    openid.fail_with(&Trouble::Error("invalid_grant", "AADSTS50173: the grant expired"));
    assert_eq!(ask().json()["error_description"], "AADSTS50173: the grant expired");
    openid.fail_times(1, &Trouble::Status(503));
    assert_eq!([ask().status, ask().status], [503, 200]);
    openid.fail_with(&Trouble::Slow(Duration::from_millis(300)));
    let start = Instant::now();
    assert_eq!(ask().status, 200);
    assert!(start.elapsed() >= Duration::from_millis(300));
    openid.recover();
    assert_eq!(openid.counted("client_credentials"), 7);
    let request = &openid.requests()[0];
    assert_eq!(request["client"], "client_secret_post");
    assert_eq!(request["parameters"]["client_secret"], "…");
}

#[test]
fn mail_is_submitted_with_a_password_or_a_token() {
    let (take, taken) = mpsc::channel();
    let openid = OpenId::start(&openid::Options::default());
    let relay = Some(listener::smtp(move |mail| take.send(mail).unwrap()));
    let dovecot = Dovecot::start(&Options { oauth: Some(&openid), relay, ..Options::default() });
    let user = dovecot.user();
    openid.delegate(SECRET_IN_FORM.id, &user.name);
    let token = own_token(&openid, &SECRET_IN_FORM);
    for (mechanism, secret) in [("PLAIN", PASSWORD), ("XOAUTH2", &token), ("OAUTHBEARER", &token)] {
        let said = format!("AUTH {mechanism} {}", initial_response(mechanism, &user.name, secret));
        let client = dovecot.authority().client();
        let mut plain = Conversation::plain(dovecot.submission_port());
        let mut tls = Conversation::tls(dovecot.submission_tls_port(), client.clone()).unwrap();
        let mut upgraded = Conversation::plain(dovecot.submission_port());
        assert!(upgraded.smtp("STARTTLS").starts_with("220 "));
        let mut upgraded = upgraded.upgraded(client);
        for answers in [submit(&mut plain, &said), submit(&mut tls, &said), submit(&mut upgraded, &said)] {
            assert_eq!(answers, ["250", "235", "250", "250", "354", "250"], "{mechanism}\n{}", dovecot.log());
            assert!(taken.recv().unwrap().contains("Subject: hello\r\n"));
        }
    }
    let mut other = Conversation::plain(dovecot.submission_port());
    assert!(other.smtp("EHLO localhost").contains("AUTH PLAIN XOAUTH2 OAUTHBEARER\r\n"));
    let challenge = other.smtp(&format!("AUTH XOAUTH2 {}", initial_response("XOAUTH2", "other@example.com", &token)));
    assert!(challenge.starts_with("334 "), "{challenge}");
    assert!(other.smtp("").starts_with("535 "));
}

#[test]
fn a_server_may_take_one_mechanism_and_switch_a_user_off() {
    let openid = OpenId::start(&openid::Options::default());
    let options = Options { oauth: Some(&openid), oauth_mechanisms: "oauthbearer", ..Options::default() };
    let dovecot = Dovecot::start(&options);
    openid.delegate(SECRET_IN_FORM.id, SWITCHED_OFF);
    let token = own_token(&openid, &SECRET_IN_FORM);
    let capability = imap(&dovecot).imap("CAPABILITY");
    assert!(capability.contains(" AUTH=PLAIN AUTH=OAUTHBEARER") && !capability.contains("XOAUTH2"), "{capability}");
    for (mechanism, secret) in [("PLAIN", PASSWORD), ("OAUTHBEARER", &token)] {
        let answer = imap(&dovecot).authenticate(mechanism, SWITCHED_OFF, secret);
        assert_eq!(answer, format!("t1 NO [CONTACTADMIN] {SWITCHED_OFF_REASON}\r\n"));
    }
    let answer = imap(&dovecot).authenticate("PLAIN", SWITCHED_OFF, "wrong");
    assert_eq!(answer, "t1 NO [AUTHENTICATIONFAILED] Authentication failed.\r\n");
}

#[test]
fn nothing_is_left_of_a_browser() {
    let browser = Browser::start();
    browser.visit("about:blank");
    let directory = browser.directory().to_owned();
    let processes = || {
        let output = Command::new("ps").args(["-eo", "pid,args"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().filter(|line| line.contains(directory.to_str().unwrap())).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!processes().is_empty());
    browser.screenshot(&directory.join("blank.png"));
    drop(browser);
    assert!(!directory.exists());
    let start = Instant::now();
    while !processes().is_empty() {
        assert!(start.elapsed() < DEADLINE, "{:?}", processes());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_browser_whose_port_is_taken_is_started_at_another() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut asked = 0;
    let browser = Browser::start_at(|| {
        asked += 1;
        if asked == 1 { port } else { free_port() }
    });
    browser.visit("about:blank");
    assert_eq!(asked, 2);
}

#[test]
fn a_server_that_does_not_start_is_tried_again_and_the_last_error_says_what_it_needs() {
    let mut tries = 0;
    let number = started("a number", "three tries", || {
        tries += 1;
        if tries < 3 { Err("not yet".to_owned()) } else { Ok(42) }
    });
    assert_eq!((number, tries), (42, 3));
    for (log, tries) in [
        ("Address already in use", "after 5 of 5 tries"),
        ("setsid: no such file", "after 1 of 5 tries"),
        ("fatal: bad parameter", "after 1 of 5 tries"),
        ("Fatal: Address already in use", "after 5 of 5 tries"),
    ] {
        let failed = std::panic::catch_unwind(|| started::<()>("a thing", "the package thing", || Err(log.to_owned())));
        let said = *failed.unwrap_err().downcast::<String>().unwrap();
        for part in ["a thing does not start", tries, "It needs the package thing", log] {
            assert!(said.contains(part), "{said}");
        }
    }
}

#[test]
fn no_port_is_given_twice_or_where_somebody_listens() {
    let ports: std::collections::BTreeSet<u16> = (0..50).map(|_| free_port()).collect();
    assert_eq!(ports.len(), 50);
    let next = ports.last().unwrap() + 1;
    // Somebody else's, who does not ask: it is passed over.
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, next));
    assert!((0..50).all(|_| free_port() != next), "{other:?}");
    for port in ports {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_err(), "another program is not given it either");
    }
}

fn imap(dovecot: &Dovecot) -> Conversation<TcpStream> {
    Conversation::plain(dovecot.port())
}

/// Submits a mail; the codes of all replies.
fn submit(conversation: &mut Conversation<impl Read + Write>, sign_in: &str) -> Vec<String> {
    let (from, to) = ("MAIL FROM:<me@example.com>", "RCPT TO:<you@example.com>");
    let commands = ["EHLO localhost", sign_in, from, to, "DATA", "Subject: hello\r\n\r\nhello\r\n."];
    commands.map(|command| conversation.smtp(command)[..3].to_owned()).to_vec()
}

/// A provider and a mail server that do not care who else is there.
fn shared() -> (&'static OpenId, &'static Dovecot) {
    static SHARED: OnceLock<(&OpenId, Dovecot)> = OnceLock::new();
    let (openid, dovecot) = SHARED.get_or_init(|| {
        let openid: &OpenId = Box::leak(Box::new(OpenId::start(&openid::Options::default())));
        (openid, Dovecot::start(&Options { oauth: Some(openid), ..Options::default() }))
    });
    (openid, dovecot)
}

/// The tokens that somebody gets through a new browser.
fn signed_in(openid: &OpenId, client: &Client, user: &str) -> Value {
    // Both names of the loopback interface are in use.
    let host = if client.secret.is_some() { "localhost" } else { "127.0.0.1" };
    let (browser, redirect) = (Browser::start(), Redirect::listen(host));
    sign_in(&browser, &authorization(openid, client, &redirect), user, PASSWORD);
    let answer = redirect.answer();
    let code = &answer.iter().find(|(name, _)| name == "code").unwrap_or_else(|| panic!("{answer:?}")).1;
    let grant = [("grant_type", "authorization_code"), ("code", code)];
    let proof = [("redirect_uri", &*redirect.uri), ("code_verifier", VERIFIER)];
    let answer = ask_token(openid, client, &[grant, proof].concat());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn authorization(openid: &OpenId, client: &Client, redirect: &Redirect) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    let parameters = http::form(&[
        ("response_type", "code"),
        ("client_id", client.id),
        ("redirect_uri", &redirect.uri),
        ("scope", SCOPE),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("prompt", "select_account"),
    ]);
    format!("{}?{parameters}", openid.authorization_endpoint())
}

/// The codes of a new device, and how it asks for its tokens.
fn device_code(openid: &OpenId) -> (Value, impl Fn() -> Answer) {
    let form = [("client_id", PUBLIC.id), ("scope", SCOPE)];
    let device = http::post_form(&openid.device_authorization_endpoint(), &form, "").json();
    let code = device["device_code"].as_str().unwrap().to_owned();
    let grant_type = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    (device, move || ask_token(openid, &PUBLIC, &[grant_type, ("device_code", &code)]))
}

/// A token that is nobody's but the client's.
fn own_token(openid: &OpenId, client: &Client) -> String {
    let answer = ask_token(openid, client, &[("grant_type", "client_credentials"), ("scope", "imap")]);
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

fn ask_token(openid: &OpenId, client: &Client, form: &[(&str, &str)]) -> Answer {
    ask_token_as(openid, client, client, form)
}

/// Asks for a token; the client shows its secret as another one does.
fn ask_token_as(openid: &OpenId, client: &Client, like: &Client, form: &[(&str, &str)]) -> Answer {
    let mut form = form.to_vec();
    let mut header = String::new();
    match client.secret {
        Some(secret) if like.id == SECRET_IN_HEADER.id => {
            let [id, secret] = [client.id, secret].map(|text| http::form(&[(text, "")]).replace('=', ""));
            header = format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{id}:{secret}")));
        }
        Some(secret) => form.extend([("client_id", client.id), ("client_secret", secret)]),
        None => form.push(("client_id", client.id)),
    }
    http::post_form(&openid.token_endpoint(), &form, &header)
}

/// Whose an ID token is.
fn email(tokens: &Value) -> String {
    let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    claims["email"].as_str().unwrap().to_owned()
}

/// Where a browser is sent to after sign-in.
struct Redirect {
    uri: String,
    answers: mpsc::Receiver<Vec<(String, String)>>,
}

impl Redirect {
    fn listen(host: &str) -> Self {
        let (send, answers) = mpsc::channel();
        let send = Mutex::new(send);
        let port = listener::listen(move |mut stream| {
            let mut line = String::new();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
            // Browsers connect before they know why, and ask for an icon.
            if let Some(target) = line.strip_prefix("GET /?").and_then(|rest| rest.split(' ').next()) {
                let query = url::form_urlencoded::parse(target.as_bytes()).into_owned().collect();
                send.lock().unwrap().send(query).unwrap();
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone");
        });
        Self { uri: format!("http://{host}:{port}/"), answers }
    }

    fn answer(&self) -> Vec<(String, String)> {
        self.answers.recv_timeout(DEADLINE).unwrap()
    }
}

const SCOPE: &str = "openid email offline_access imap";

/// What only the client knows until it asks for tokens (RFC 7636).
const VERIFIER: &str = "a-verifier-has-at-least-43-letters-of-which-none-is-odd";

const REFUSED: &str = "NO [AUTHENTICATIONFAILED]";
