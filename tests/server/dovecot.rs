//! Dovecot, a real IMAP server, and if wanted one for submission, and one that Postfix delivers to.
//!
//! It is Debian's program with none of Debian's configuration: own directories, own ports, own users. Run by root, its
//! mail processes are the user `dovecot` of the package; run by anybody else, all of it is that one user.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::certificate::{Authority, Certificate};
use super::openid::OpenId;
use super::started::{DEADLINE, free_port, started};
use super::watched::Watched;

pub mod passdb;

/// A running server; it ends when this is dropped, or with the test program.
pub struct Dovecot {
    watched: Watched,
    ports: Ports,
    authority: Authority,
    /// The user and group who own mail, if they are others than those who run the test.
    owner: Option<(u32, u32)>,
    users: AtomicUsize,
}

/// What a test wants otherwise.
pub struct Options<'a> {
    /// What stands between the names of a folder and of the folder within: `/` or `.`.
    pub separator: char,
    /// What it shows to clients by TLS.
    pub certificate: Certificate,
    /// Who gives the tokens that it takes; without it, there are only passwords.
    pub oauth: Option<&'a OpenId>,
    /// How it takes them: `xoauth2`, `oauthbearer`, or both.
    pub oauth_mechanisms: &'a str,
    /// The port of the SMTP server that it hands mail to; without it, it takes none.
    ///
    /// Where nobody listens, it ends every conversation after the sign-in.
    pub relay: Option<u16>,
    /// Whether a [`Postfix`](super::postfix::Postfix) may deliver mail to it, and ask it who signs in.
    pub lmtp: bool,
    /// Whether it finds text by an index of words, and in no other way.
    pub is_indexed: bool,
    /// More lines of configuration, which win over the ones before.
    pub more: &'a str,
}

/// Where it listens.
#[derive(Clone, Copy)]
struct Ports {
    imap: u16,
    imaps: u16,
    submission: u16,
    submissions: u16,
    lmtp: u16,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            separator: '/',
            certificate: Certificate::Good,
            oauth: None,
            oauth_mechanisms: "xoauth2 oauthbearer",
            relay: None,
            lmtp: false,
            is_indexed: false,
            more: "",
        }
    }
}

impl Dovecot {
    /// The one that all tests of a program share; they do not meet, as each has a [`User`] of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Dovecot> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&Options::default()))
    }

    /// The same with an index of words: text within one is not found.
    pub fn indexed() -> &'static Self {
        static SHARED: OnceLock<Dovecot> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&Options { is_indexed: true, ..Options::default() }))
    }

    /// One for a test alone; it waits until it may be used.
    pub fn start(options: &Options) -> Self {
        let needs =
            "the packages dovecot-imapd, dovecot-submissiond, dovecot-lmtpd and dovecot-lucene, and their users";
        started("dovecot", needs, || {
            let dovecot = Self::launch(options);
            dovecot.wait().map(|()| dovecot)
        })
    }

    /// The port where a conversation begins in plain text; STARTTLS is offered, and a login before it is allowed.
    pub fn port(&self) -> u16 {
        self.ports.imap
    }

    /// The port where a conversation begins with TLS.
    pub fn tls_port(&self) -> u16 {
        self.ports.imaps
    }

    /// The same as [`Dovecot::port`] for submission, if there is a relay.
    pub fn submission_port(&self) -> u16 {
        self.ports.submission
    }

    /// The same as [`Dovecot::tls_port`] for submission, if there is a relay.
    pub fn submission_tls_port(&self) -> u16 {
        self.ports.submissions
    }

    /// The port where mail is delivered to its users (RFC 2033), if it may be.
    pub fn lmtp_port(&self) -> u16 {
        self.ports.lmtp
    }

    /// The socket where others ask it who signs in, if they may.
    pub fn auth_socket(&self) -> PathBuf {
        self.directory().join("run").join(AUTH_SOCKET)
    }

    /// Who signed its certificate, unless that is a wrong one.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The certificate of that authority, as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.directory().join("ca.pem")
    }

    /// Where all its files are.
    pub fn directory(&self) -> &Path {
        self.watched.directory()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.watched.text("output") + &self.watched.text("log")
    }

    /// A new user, without mail.
    pub fn user(&self) -> User {
        self.user_with(|_| ())
    }

    /// A new user, whose Maildir++ is filled first.
    pub fn user_with(&self, fill: impl FnOnce(&Path)) -> User {
        let name = format!("user{}@{DOMAIN}", self.users.fetch_add(1, Ordering::Relaxed) + 1);
        self.user_named(&name, fill)
    }

    /// A user of this name, whose Maildir++ is filled first.
    pub fn user_named(&self, name: &str, fill: impl FnOnce(&Path)) -> User {
        let maildir = self.directory().join("mail").join(name).join("Maildir");
        fs::create_dir_all(&maildir).unwrap();
        fill(&maildir);
        let user = User { name: name.to_owned(), password: PASSWORD, maildir, owner: self.owner };
        user.ready();
        user
    }

    fn launch(options: &Options) -> Self {
        let reason = format!("{}={}", passdb::REASON_VARIABLE, passdb::SWITCHED_OFF_REASON);
        let mut watched = Watched::new(&["env", &reason, "dovecot", "-F", "-c", "dovecot.conf"]);
        let directory = watched.directory();
        let is_root = fs::metadata(directory).unwrap().uid() == 0;
        let number = |option: &str| id(&[option, PACKAGE_USER]).parse::<u32>().unwrap();
        let owner = is_root.then(|| (number("-u"), number("-g")));
        let authority = Authority::new();
        authority.write(directory);
        authority.issue(options.certificate).write(directory);
        let [imap, imaps, submission, submissions, lmtp] = [(); 5].map(|()| free_port());
        let ports = Ports { imap, imaps, submission, submissions, lmtp };
        let text = configuration(directory, is_root, ports, options);
        fs::write(directory.join("dovecot.conf"), text).unwrap();
        watched.start();
        Self { watched, ports, authority, owner, users: AtomicUsize::new(0) }
    }

    /// Waits for its greeting; the error is its log.
    fn wait(&self) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let log = self.log();
            // It says so once it listens on every port. A greeting alone could be that of another.
            if log.contains(" starting up for imap") {
                break;
            }
            if log.contains("Fatal: ") || log.contains("setsid: ") || start.elapsed() > DEADLINE {
                return Err(log);
            }
            sleep(Duration::from_millis(5));
        }
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports.imap)).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut greeting = String::new();
        let read = BufReader::new(stream).read_line(&mut greeting);
        if read.is_ok() && greeting.starts_with("* OK") { Ok(()) } else { Err(self.log()) }
    }
}

/// Somebody with mail.
pub struct User {
    pub name: String,
    pub password: &'static str,
    maildir: PathBuf,
    owner: Option<(u32, u32)>,
}

impl User {
    /// Their Maildir++, whatever the separator is: the folder `Archive/2025` is the directory `.Archive.2025`.
    pub fn maildir(&self) -> &Path {
        &self.maildir
    }

    /// Gives what a test wrote into the Maildir to the user who serves it.
    pub fn ready(&self) {
        if let Some(owner) = self.owner {
            give(self.maildir.parent().unwrap(), owner);
        }
    }
}

fn give(path: &Path, owner: (u32, u32)) {
    chown(path, Some(owner.0), Some(owner.1)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), owner);
        }
    }
}

/// What the program `id` says.
pub fn id(arguments: &[&str]) -> String {
    let output = Command::new("id").args(arguments).output().unwrap();
    assert!(output.status.success(), "no user {PACKAGE_USER}: is dovecot-imapd installed?");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn configuration(directory: &Path, is_root: bool, ports: Ports, options: &Options) -> String {
    let Options { separator, oauth, oauth_mechanisms, more, .. } = options;
    let Ports { imap, imaps, .. } = ports;
    let passdbs = passdb::write(directory, *oauth, oauth_mechanisms, PASSWORD);
    let directory = directory.to_str().unwrap();
    // Whoever is not root can be nobody else, and can lock no process into a directory.
    let (user, group, login, locked) = if is_root {
        (PACKAGE_USER.to_owned(), PACKAGE_USER.to_owned(), "dovenull".to_owned(), "")
    } else {
        (id(&["-un"]), id(&["-gn"]), id(&["-un"]), "chroot =")
    };
    let submission = options.relay.map_or_else(String::new, |relay| submission(ports, relay, locked));
    let lmtp = if options.lmtp { lmtp(ports) } else { String::new() };
    let index = if options.is_indexed { INDEX } else { "" };
    format!(
        "\
# Nothing outside of this directory.
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
protocols = imap
listen = 127.0.0.1

default_internal_user = {user}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
service anvil {{
  {locked}
  # Who gave wrong passwords is not made to wait.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  {locked}
}}
service imap-login {{
  {locked}
  # One process for all logins starts sooner than one for each.
  service_count = 0
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}

ssl = yes
ssl_cert = <{directory}/server.pem
ssl_key = <{directory}/server.key
disable_plaintext_auth = no
auth_failure_delay = 0
{passdbs}userdb {{
  driver = static
  args = uid={user} gid={group} home={directory}/mail/%u allow_all_users=yes
}}

mail_location = maildir:~/Maildir
mail_fsync = never
mail_max_userip_connections = 100
# Without it, no name could hold what separates names on disk.
mail_plugins = listescape
{index}# Offers COMPRESS=DEFLATE.
protocol imap {{
  mail_plugins = $mail_plugins imap_zlib
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
}}
imap_id_log = *
{submission}{lmtp}
{more}
"
    )
}

/// The part of the configuration about submission.
fn submission(ports: Ports, relay: u16, locked: &str) -> String {
    let Ports { submission, submissions, .. } = ports;
    format!(
        "\
protocols = $protocols submission
service submission-login {{
  {locked}
  service_count = 0
  inet_listener submission {{
    port = {submission}
  }}
  inet_listener submissions {{
    port = {submissions}
    ssl = yes
  }}
}}
hostname = localhost
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
"
    )
}

/// The part of the configuration about mail that is delivered, and about who signs in to hand it in.
fn lmtp(ports: Ports) -> String {
    let Ports { lmtp, .. } = ports;
    format!(
        "\
protocols = $protocols lmtp
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
postmaster_address = postmaster@{DOMAIN}
auth_mechanisms = $auth_mechanisms login
service auth {{
  unix_listener {AUTH_SOCKET} {{
    mode = 0666
  }}
}}
"
    )
}

/// The part of the configuration about the index. It is of words, and used for every field; before each search it is
/// brought up to date, by another process than that of the session.
const INDEX: &str = "\
mail_plugins = $mail_plugins fts fts_lucene
plugin {
  fts = lucene
  fts_lucene = whitespace_chars=@.
  fts_enforced = yes
}
";

/// Whose users all are.
pub const DOMAIN: &str = "example.com";

/// In its directory for sockets.
const AUTH_SOCKET: &str = "auth-client";

/// Anybody's.
const PASSWORD: &str = "secret";

/// Whom Debian's package makes, and its group.
pub const PACKAGE_USER: &str = "dovecot";
