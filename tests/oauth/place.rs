//! Where these tests take place: a provider, a mail server that trusts it, and somebody with mail and an empty home.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::program::{Home, stderr};
use crate::server::browser::{Browser, sign_in};
use crate::server::dovecot::{Dovecot, Options, User};
use crate::server::openid::{self, Client, OpenId, PASSWORD, PUBLIC};

pub struct Place {
    pub openid: OpenId,
    pub dovecot: Dovecot,
    pub user: User,
    pub home: Home,
}

impl Place {
    pub fn new() -> Self {
        Self::with(&openid::Options::default())
    }

    pub fn with(options: &openid::Options) -> Self {
        let openid = OpenId::start(options);
        let dovecot = Dovecot::start(&Options { oauth: Some(&openid), ..Options::default() });
        let user = dovecot.user_with(|maildir| three_mails(maildir, ""));
        Self { openid, dovecot, user, home: Home::new() }
    }

    /// Writes a configuration with the account `work`, which signs in by `credential`.
    pub fn configure(&self, credential: &str, account: &str) {
        let (user, port, ca) = (&self.user.name, self.dovecot.tls_port(), self.dovecot.ca_file());
        let text = format!(
            "[credentials.corp]\n{credential}\n[accounts.work]\nimap = {{ host = 'localhost', port = {port}, tls = 'implicit' }}\n\
             user = '{user}'\ncredential = 'corp'\nca_file = '{}'\n{account}\n",
            ca.display()
        );
        fs::create_dir_all(self.home.path("config/mailql")).unwrap();
        fs::write(self.home.path("config/mailql/config.toml"), text).unwrap();
    }

    /// A credential with all endpoints of the provider, kept in a file: a test has no keyring.
    pub fn credential(&self, client: &Client) -> String {
        let openid = &self.openid;
        let secret = client.secret.map(|secret| format!("client_secret = '{secret}'\n")).unwrap_or_default();
        format!(
            "client_id = '{}'\n{secret}authorization_endpoint = '{}'\ntoken_endpoint = '{}'\n\
             device_authorization_endpoint = '{}'\nrevocation_endpoint = '{}'\n\
             scopes = ['openid', 'email', 'offline_access', 'imap', 'smtp']\nstore = 'file'\n",
            client.id,
            openid.authorization_endpoint(),
            openid.token_endpoint(),
            openid.device_authorization_endpoint(),
            openid.revocation_endpoint()
        )
    }

    /// Somebody who is signed in, without a secret of the client.
    pub fn signed_in(options: &openid::Options) -> Self {
        let place = Self::with(options);
        place.configure(&place.credential(&PUBLIC), "");
        place.sign_in();
        place
    }

    pub fn sign_in(&self) {
        let ended = self.agree();
        assert!(ended.status.success(), "{}", stderr(&ended));
    }

    /// Signs in at the provider, whatever the mail server makes of it; gives what was said.
    pub fn agree(&self) -> Output {
        self.agree_as(&self.user.name)
    }

    /// The same as another.
    pub fn agree_as(&self, user: &str) -> Output {
        let browser = Browser::start();
        self.login(&["login", "work", "--no-browser"], |address| sign_in(&browser, address, user, PASSWORD))
    }

    /// Begins to sign in, has somebody follow the address that is shown, and gives what was said in all.
    pub fn login(&self, arguments: &[&str], follow: impl FnOnce(&str)) -> Output {
        let mut command = self.home.command(arguments);
        login(&mut command, follow)
    }

    /// How many messages the account has, or what is wrong.
    pub fn count(&self) -> Result<u32, String> {
        let output = self.home.run(&["work", "--format", "csv", "-c", COUNT]);
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap().lines().nth(1).unwrap().parse().unwrap()),
            false => Err(stderr(&output)),
        }
    }

    /// The file that tokens are kept in.
    pub fn kept(&self) -> String {
        let directory = self.home.path("state/mailql/tokens");
        let mut kept = fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap().path());
        let kept = kept.find(|path| path.extension().is_some_and(|ending| ending == "json"));
        kept.map(|path| fs::read_to_string(path).unwrap()).unwrap_or_default()
    }
}

pub fn login(command: &mut Command, follow: impl FnOnce(&str)) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let mut follow = Some(follow);
    while let Some(Ok(line)) = lines.next() {
        if line.starts_with("  http")
            && let Some(follow) = follow.take()
        {
            follow(line.trim());
        }
        said += &line;
        said.push('\n');
    }
    let output = child.wait_with_output().unwrap();
    Output { stderr: said.into_bytes(), ..output }
}

/// Three mails in a folder; no name is the inbox.
pub fn three_mails(maildir: &Path, folder: &str) {
    let directory = if folder.is_empty() { maildir.to_owned() } else { maildir.join(format!(".{folder}")) };
    for sub in ["cur", "new", "tmp"] {
        fs::create_dir_all(directory.join(sub)).unwrap();
    }
    for number in 1..=3 {
        let mail = format!("From: a@example.org\r\nSubject: {folder} {number}\r\n\r\nText.\r\n");
        fs::write(directory.join(format!("cur/{number}.x.y:2,")), mail).unwrap();
    }
}

pub const COUNT: &str = "SELECT count(*) FROM MessagesInFolder";
