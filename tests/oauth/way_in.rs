//! The ways in: a browser here, a browser elsewhere, an address that is pasted, no person at all.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::place::{COUNT, Place, login};
use crate::program::{Home, stderr};
use crate::server::browser::{Browser, decline, decline_code, enter_code, sign_in};
use crate::server::dovecot::{Dovecot, Options};
use crate::server::http;
use crate::server::openid::{self, PASSWORD, PUBLIC, SECRET_IN_FORM, SECRET_IN_HEADER};
use crate::server::started::free_port;
use crate::terminal::Terminal;

#[test]
fn from_an_empty_home_to_rows_in_a_terminal() {
    let place = Place::new();
    let home = Home::new();
    let terminal = Terminal::trusting(home, &place.dovecot.ca_file(), "login --no-browser");
    let says = |question: &str, answer: &str| terminal.answers(question, answer);
    says("Mail address:", &place.user.name);
    says("Number [1]:", "10");
    says("Name of the account in SQL [example]:", "work");
    says("IMAP server [imap.example.com]:", "localhost");
    says("Its port (993 is TLS, 143 STARTTLS) [993]:", &place.dovecot.tls_port().to_string());
    says("SMTP server, or - for none [smtp.example.com]:", "-");
    says("Number [1]:", "1");
    let issuer = "Address of the provider (its issuer), or - to give its endpoints one by one:";
    says(issuer, "http://login.example.org");
    terminal.until("the complaint", |screen| screen.contains("is no https:// address"));
    says(issuer, &place.openid.issuer());
    says("Scopes, with blanks between them [openid email offline_access]:", "");
    says("Client id:", PUBLIC.id);
    says("Client secret (not shown; Enter if there is none):", "");
    terminal.until("the address", |_| terminal.text().contains("Paste that address"));
    let text = terminal.text();
    let address = text.split_whitespace().find(|word| word.contains("redirect_uri=")).unwrap();
    let browser = Browser::start();
    sign_in(&browser, address, &place.user.name, PASSWORD);
    terminal.until("the end", |screen| screen.contains("status 0"));
    assert!(
        terminal.text().contains("Signed in to work; it is kept in a file that only you can read."),
        "{}",
        terminal.text()
    );
    assert!(browser.text().contains("You are signed in"), "{}", browser.text());
    browser.screenshot(&screenshot("succeeded"));
    // Whom to trust is the one thing that it did not ask for: servers of the world are known.
    let config = terminal.home.path("config/mailql/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}ca_file = '{}'\n", place.dovecot.ca_file().display())).unwrap();
    let count = || terminal.home.stdout(&["--format", "csv", "-c", COUNT]);
    assert_eq!(count(), "count(*)\n3\n");
    place.openid.expire_access_tokens();
    assert_eq!(count(), "count(*)\n3\n", "a new token is got where the old one is refused");
    assert_eq!(count(), "count(*)\n3\n");
    for endpoint in ["device_authorization_endpoint", "revocation_endpoint", "userinfo_endpoint"] {
        assert!(text.contains(endpoint), "what the provider publishes is written down: {text}");
    }
    assert_eq!(place.openid.grant_types(), ["authorization_code", "refresh_token"]);
}

#[test]
fn a_password_is_typed_once_and_kept() {
    let place = Place::new();
    let terminal = Terminal::trusting(Home::new(), &place.dovecot.ca_file(), "login");
    let says = |question: &str, answer: &str| terminal.answers(question, answer);
    says("Mail address:", &place.user.name);
    says("Number [1]:", "10");
    says("Name of the account in SQL [example]:", "");
    says("IMAP server [imap.example.com]:", "localhost");
    says("Its port (993 is TLS, 143 STARTTLS) [993]:", "many");
    says("Its port (993 is TLS, 143 STARTTLS) [993]:", &place.dovecot.tls_port().to_string());
    says("SMTP server, or - for none [smtp.example.com]:", "-");
    says("Number [1]:", "2");
    says(&format!("Password of {}@localhost:", place.user.name), PASSWORD);
    let screen = terminal.until("the end", |screen| screen.contains("status 0"));
    assert!(
        screen.contains("Signed in to example; it is kept in a file") && !screen.contains(&format!("{PASSWORD}\n"))
    );
    let config = terminal.home.path("config/mailql/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    assert!(text.starts_with("[accounts.example]\n") && text.contains("password = \"file\"\n"), "{text}");
    fs::write(&config, format!("{text}ca_file = '{}'\n", place.dovecot.ca_file().display())).unwrap();
    assert_eq!(terminal.home.stdout(&["--format", "csv", "-c", COUNT]), "count(*)\n3\n");
    assert!(terminal.home.run(&["logout", "example"]).status.success());
    let error = stderr(&terminal.home.run(&["-c", COUNT]));
    assert!(error.contains("no password is kept") && error.contains("hint: mailql login"), "{error}");
}

#[test]
fn the_provider_is_asked_for_what_the_configuration_says() {
    let place = Place::new();
    let port = free_port();
    let more = format!("redirect_uri = 'http://localhost:{port}/'\nprompt = 'consent'\n");
    place.configure(&(place.credential(&SECRET_IN_FORM) + &more), "");
    place.sign_in();
    let requests = place.openid.requests();
    let asked = requests.iter().find(|request| request["endpoint"] == "auth").unwrap()["parameters"].clone();
    assert_eq!(asked["prompt"], "consent");
    assert_eq!(asked["scope"], "openid email offline_access imap smtp");
    assert_eq!(asked["redirect_uri"], format!("http://localhost:{port}/"));
    assert_eq!(
        (&asked["login_hint"], &asked["code_challenge_method"]),
        (&place.user.name.as_str().into(), &"S256".into())
    );
    assert_eq!(place.count(), Ok(3));
}

#[test]
fn a_client_shows_its_secret_as_the_provider_takes_it() {
    let place = Place::new();
    place.configure(&place.credential(&SECRET_IN_HEADER), "");
    place.sign_in();
    assert_eq!(place.count(), Ok(3));
    let ended = place.home.run(&["logout", "work"]);
    assert!(stderr(&ended).contains("took the sign-in back"), "{}", stderr(&ended));
    let browser = Browser::start();
    let mut command = place.home.command(&["login", "work", "--device"]);
    let enter = |address: &str, code: &str| enter_code(&browser, address, code, &place.user.name, PASSWORD);
    let said = by_code(&mut command, &enter);
    assert!(said.contains("Signed in to work"), "{said}");
    assert_eq!(place.count(), Ok(3));
}

#[test]
fn who_sits_at_another_computer_pastes_the_last_address() {
    let place = Place::new();
    place.configure(&place.credential(&PUBLIC), "");
    let home = Home::new();
    fs::create_dir_all(home.path("config/mailql")).unwrap();
    let config = "config/mailql/config.toml";
    fs::copy(place.home.path(config), home.path(config)).unwrap();
    let terminal = Terminal::at(home, "login work --no-browser");
    terminal.until("the question", |_| terminal.text().contains("Paste that address"));
    let text = terminal.text();
    let address = text.split_whitespace().find(|word| word.contains("redirect_uri=")).unwrap();
    let redirect = address.split("redirect_uri=").nth(1).unwrap().split('&').next().unwrap();
    // Nobody listens there: where the browser is, it cannot show the page.
    let elsewhere = format!("http%3A%2F%2Flocalhost%3A{}", free_port());
    let browser = Browser::start();
    sign_in(&browser, &address.replace(redirect, &elsewhere), &place.user.name, PASSWORD);
    let ended = browser.url();
    assert!(ended.contains("code="), "{ended}");
    // The provider wants the same address again, so a code for another is refused; that is told.
    terminal.types(&ended);
    terminal.presses("Enter");
    let screen = terminal.until("the end", |screen| screen.contains("status 1"));
    assert!(screen.contains("invalid_grant"), "{screen}");
}

#[test]
fn another_device_signs_in_by_a_code() {
    let place = Place::new();
    place.configure(&place.credential(&PUBLIC), "");
    let browser = Browser::start();
    let device = |enter: &dyn Fn(&str, &str)| {
        let mut command = place.home.command(&["login", "work", "--device"]);
        by_code(&mut command, enter)
    };
    let said = device(&|address, code| enter_code(&browser, address, code, &place.user.name, PASSWORD));
    assert!(said.contains("Signed in to work"), "{said}");
    assert_eq!(place.count(), Ok(3));
    let said = device(&|address, code| decline_code(&browser, address, code));
    assert!(said.contains("error: the sign-in was declined"), "{said}");
}

#[test]
fn a_server_that_knows_no_rfc_is_told_as_it_was_before_there_was_one() {
    let openid = openid::OpenId::start(&openid::Options::default());
    let options = Options { oauth: Some(&openid), oauth_mechanisms: "xoauth2", ..Options::default() };
    let dovecot = Dovecot::start(&options);
    let user = dovecot.user_with(|maildir| crate::place::three_mails(maildir, ""));
    let place = Place { openid, dovecot, user, home: Home::new() };
    place.configure(&place.credential(&PUBLIC), "");
    place.sign_in();
    assert_eq!(place.count(), Ok(3));
    place.openid.revoke(&place.user.name);
    assert!(place.count().unwrap_err().contains("the sign-in has ended"));
}

#[test]
fn a_client_that_is_trusted_as_such_needs_nobody() {
    let place = Place::new();
    place.openid.delegate(SECRET_IN_FORM.id, &place.user.name);
    place.configure(&(place.credential(&SECRET_IN_FORM) + "grant = 'client_credentials'\n"), "");
    assert_eq!(place.count(), Ok(3));
    assert_eq!(place.count(), Ok(3));
    assert_eq!(place.openid.counted("client_credentials"), 1, "it is kept for the next time");
}

#[test]
fn a_shared_mailbox_is_opened_by_who_may() {
    let place = Place::new();
    let shared = place.dovecot.user_named("team@example.com", |maildir| crate::place::three_mails(maildir, "Shared"));
    place.configure(&place.credential(&PUBLIC), &format!("mailbox = '{}'", shared.name));
    assert_eq!(place.agree().status.code(), Some(1), "the server does not let the user into that mailbox");
    let refused = place.count().unwrap_err();
    assert!(refused.contains("did not let"), "{refused}");
    place.openid.delegate(&place.user.name, &shared.name);
    let folders =
        place.home.stdout(&["work", "--format", "csv", "-c", "SELECT folder FROM MessagesInFolder GROUP BY 1"]);
    assert_eq!(folders, "folder\nShared\n");
}

#[test]
fn who_declines_is_told_so_here_and_in_the_browser() {
    let place = Place::new();
    place.configure(&place.credential(&PUBLIC), "");
    let browser = Browser::start();
    let ended = place
        .login(&["login", "work", "--no-browser"], |address| decline(&browser, address, &place.user.name, PASSWORD));
    assert_eq!(ended.status.code(), Some(1));
    assert!(stderr(&ended).contains("error: the sign-in was declined"), "{}", stderr(&ended));
    assert!(browser.text().contains("You are not signed in"), "{}", browser.text());
    browser.screenshot(&screenshot("declined"));
    assert_eq!(place.kept(), "");
}

#[test]
fn another_user_than_the_accounts_is_not_taken() {
    let place = Place::new();
    place.configure(&place.credential(&PUBLIC), "");
    let browser = Browser::start();
    let ended = place
        .login(&["login", "work", "--no-browser"], |address| sign_in(&browser, address, "you@example.com", PASSWORD));
    assert!(stderr(&ended).contains("you@example.com signed in, but the account is"), "{}", stderr(&ended));
    assert!(browser.text().contains("you@example.com signed in, but"), "{}", browser.text());
    browser.screenshot(&screenshot("another-user"));
    assert_eq!(place.kept(), "");
}

#[test]
fn an_answer_to_another_sign_in_is_not_taken() {
    let place = Place::new();
    place.configure(&place.credential(&PUBLIC), "");
    let (mut page, browser) = (String::new(), Browser::start());
    let ended = place.login(&["login", "work", "--no-browser"], |address| {
        let redirect = address.split("redirect_uri=").nth(1).unwrap().split('&').next().unwrap();
        let redirect = redirect.replace("%3A", ":").replace("%2F", "/");
        page = http::get(&format!("{redirect}/?code=stolen&state=guessed&error_description=<script>")).body;
        sign_in(&browser, address, &place.user.name, PASSWORD);
    });
    assert!(page.contains("You are not signed in") && page.contains("its state is another"), "{page}");
    assert!(!page.contains("<script>"), "{page}");
    assert!(ended.status.success(), "any page can lead a browser there; ours is waited for: {}", stderr(&ended));
    assert_eq!(place.openid.counted("authorization_code"), 1, "nobody was asked with the other");
}

#[test]
fn a_port_that_is_taken_and_a_browser_that_is_missing_are_told() {
    let place = Place::new();
    let port = free_port();
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    place.configure(&(place.credential(&PUBLIC) + &format!("redirect_port = {port}\n")), "");
    let ended = place.home.run(&["login", "work"]);
    assert!(stderr(&ended).contains(&format!("cannot listen on port {port}")), "{}", stderr(&ended));
    drop(taken);
    let browser = Browser::start();
    let mut without = place.home.command(&["login", "work"]);
    without.env("PATH", "/nowhere");
    let ended = login(&mut without, |address| sign_in(&browser, address, &place.user.name, PASSWORD));
    assert!(
        ended.status.success() && stderr(&ended).starts_with("Open this address in a browser"),
        "{}",
        stderr(&ended)
    );
}

#[test]
fn signing_out_forgets_here_and_at_the_provider() {
    let place = Place::signed_in(&openid::Options::default());
    assert_eq!(place.count(), Ok(3));
    let kept = place.kept();
    assert!(kept.contains("refresh_token"));
    let ended = place.home.run(&["logout", "work"]);
    assert!(
        stderr(&ended).contains("work is signed out") && stderr(&ended).contains("took the sign-in back"),
        "{}",
        stderr(&ended)
    );
    assert_eq!(place.kept(), "");
    let error = place.count().unwrap_err();
    assert!(error.contains("is not signed in") && error.contains("hint: mailql login"), "{error}");
    // Who had copied the file has nothing of it.
    let json: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let token = json["refresh_token"].as_str().unwrap();
    let form = [("client_id", PUBLIC.id), ("grant_type", "refresh_token"), ("refresh_token", token)];
    assert_eq!(http::post_form(&place.openid.token_endpoint(), &form, "").json()["error"], "invalid_grant");
    assert!(stderr(&place.home.run(&["logout", "work"])).contains("was not signed in"));
}

/// Begins to sign in by a code, has somebody enter it, and gives what was said in all.
pub fn by_code(command: &mut std::process::Command, enter: &dyn Fn(&str, &str)) -> String {
    use std::io::{BufRead, BufReader};
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let (mut said, mut address) = (String::new(), String::new());
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(rest) = line.strip_prefix("Open ") {
            address = rest.split(' ').next().unwrap().to_owned();
        } else if line.starts_with("  ") {
            enter(&address, line.trim());
        }
        said += &line;
        said.push('\n');
    }
    child.wait().unwrap();
    said
}

/// Where a picture of a page is left, for whoever wants to see what people see.
fn screenshot(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}.png"))
}
