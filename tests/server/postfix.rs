//! Postfix, a real server that takes mail from its users and delivers it to those of a [`Dovecot`].
//!
//! It is Debian's program with none of Debian's configuration: own directories, own ports, no name looked up, and no way
//! to any other computer. Who signs in, and with what, Dovecot decides. It has to be started by root.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::certificate::{Authority, Certificate};
use super::dovecot::{DOMAIN, Dovecot};
use super::started::{DEADLINE, free_port, started};
use super::watched::Watched;

/// A running server; it ends when this is dropped, or with the test program.
pub struct Postfix {
    watched: Watched,
    ports: Ports,
    authority: Authority,
}

/// What a test wants otherwise.
pub struct Options<'a> {
    /// What it shows to clients by TLS.
    pub certificate: Certificate,
    /// How many octets a mail may have.
    pub message_size_limit: u64,
    /// Who gets mail beside `user1@example.com`, `user2@example.com` and so on, who all do.
    pub recipients: &'a [&'a str],
    /// The port where mail is taken without a sign-in; without it, any that is free.
    ///
    /// A Dovecot that is to hand mail on to it must know the port first: one of [`free_port`].
    pub relay: Option<u16>,
    /// More lines of configuration (`main.cf`), which win over the ones before.
    pub more: &'a str,
}

/// Where it listens.
#[derive(Clone, Copy)]
struct Ports {
    submission: u16,
    submissions: u16,
    relay: u16,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { certificate: Certificate::Good, message_size_limit: 10_240_000, recipients: &[], relay: None, more: "" }
    }
}

impl Postfix {
    /// One that delivers to a Dovecot with the option `lmtp`; it waits until it may be used.
    pub fn start(dovecot: &Dovecot, options: &Options) -> Self {
        assert!(dovecot.auth_socket().exists(), "Dovecot is to be started with the option lmtp");
        let needs = "the package postfix with its users, and to be started by root";
        started("postfix", needs, || {
            let postfix = Self::launch(dovecot, options);
            postfix.wait().map(|()| postfix)
        })
    }

    /// The port where a conversation begins in plain text; STARTTLS is offered, and a sign-in before it is allowed.
    pub fn port(&self) -> u16 {
        self.ports.submission
    }

    /// The port where a conversation begins with TLS.
    pub fn tls_port(&self) -> u16 {
        self.ports.submissions
    }

    /// The port where mail is taken from anybody on this computer.
    pub fn relay_port(&self) -> u16 {
        self.ports.relay
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

    /// Waits until no mail is on its way any more: each is delivered, or was sent back.
    pub fn delivered(&self) {
        let (start, mut empty) = (Instant::now(), 0);
        // A mail may go back while the queues are looked at, from where it was not yet to where it is not any more.
        while empty < 2 {
            let is_empty = !["maildrop", "incoming", "active", "deferred"].iter().any(|queue| self.holds(queue));
            empty = if is_empty { empty + 1 } else { 0 };
            assert!(start.elapsed() < DEADLINE, "mail is left in the queue:\n{}", self.log());
            sleep(Duration::from_millis(5));
        }
    }

    /// Whether there is mail in a queue. One that is deferred is in a directory named after it.
    fn holds(&self, queue: &str) -> bool {
        fn any(path: &Path) -> bool {
            // What is gone meanwhile is not there.
            let mut entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.any(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()) || any(&entry.path()))
        }
        any(&self.directory().join("spool").join(queue))
    }

    fn launch(dovecot: &Dovecot, options: &Options) -> Self {
        let mut watched = Watched::new(&["sh", "-c", START, MASTER]);
        let directory = watched.directory();
        assert!(
            fs::metadata(directory).unwrap().uid() == 0,
            "only root can start Postfix, whose processes are several users: run these tests as root, as in a container"
        );
        assert!(Path::new(MASTER).exists(), "no {MASTER}: is postfix installed?");
        let authority = Authority::new();
        authority.write(directory);
        authority.issue(options.certificate).write(directory);
        let [submission, submissions, relay] = [(); 3].map(|()| free_port());
        let ports = Ports { submission, submissions, relay: options.relay.unwrap_or(relay) };
        furnish(directory);
        fs::write(directory.join("conf/main.cf"), main(directory, dovecot, options)).unwrap();
        fs::write(directory.join("conf/master.cf"), master(ports)).unwrap();
        fs::write(directory.join("conf/recipients"), recipients(options.recipients)).unwrap();
        watched.start();
        Self { watched, ports, authority }
    }

    /// Waits for its greeting; the error is its log.
    fn wait(&self) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let log = self.log();
            // It says so once it listens on every port. A greeting alone could be that of another.
            if log.contains(": daemon started ") {
                break;
            }
            if log.contains("fatal: ") || log.contains("setsid: ") || start.elapsed() > DEADLINE {
                return Err(log);
            }
            sleep(Duration::from_millis(5));
        }
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports.submission));
        let stream = stream.map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut greeting = String::new();
        let read = BufReader::new(stream).read_line(&mut greeting);
        if read.is_ok() && greeting.starts_with("220 ") { Ok(()) } else { Err(self.log()) }
    }
}

/// Makes the directories that it expects, each its owner's.
fn furnish(directory: &Path) {
    let postfix = number("passwd", "postfix");
    let postdrop = number("group", "postdrop");
    let make = |path: &str, owner: u32, group: Option<u32>, mode: u32| {
        let path = directory.join(path);
        fs::create_dir_all(&path).unwrap();
        chown(&path, Some(owner), group).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    make("conf", 0, None, 0o755);
    make("spool", 0, None, 0o755);
    make("spool/pid", 0, None, 0o755);
    make("spool/public", postfix, Some(postdrop), 0o710);
    make("spool/maildrop", postfix, Some(postdrop), 0o730);
    for queue in QUEUES {
        make(&format!("spool/{queue}"), postfix, None, 0o700);
    }
    make("data", postfix, None, 0o700);
}

/// The number of a user or group of the package.
fn number(database: &str, name: &str) -> u32 {
    let output = Command::new("getent").args([database, name]).output().unwrap();
    assert!(output.status.success(), "no {name}: is postfix installed?");
    String::from_utf8(output.stdout).unwrap().split(':').nth(2).unwrap().parse().unwrap()
}

/// The addresses that mail is taken for, as a table.
fn recipients(others: &[&str]) -> String {
    let domain = DOMAIN.replace('.', "\\.");
    let mut table = format!("/^user[0-9]+@{domain}$/ there\n");
    for other in others {
        table += &format!("/^{}$/ there\n", other.replace('.', "\\.").replace('+', "\\+"));
    }
    table
}

fn main(directory: &Path, dovecot: &Dovecot, options: &Options) -> String {
    let (lmtp, socket) = (dovecot.lmtp_port(), dovecot.auth_socket());
    let (directory, socket) = (directory.to_str().unwrap(), socket.to_str().unwrap());
    let Options { message_size_limit, more, .. } = options;
    format!(
        "\
# Nothing outside of this directory.
compatibility_level = 3.6
queue_directory = {directory}/spool
data_directory = {directory}/data
maillog_file = {directory}/log
maillog_file_prefixes = {directory}

# Nothing outside of this computer, and no question to it.
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
myhostname = localhost
smtpd_peername_lookup = no
disable_dns_lookups = yes
default_transport = error:5.4.4 no mail leaves this computer
relay_transport = $default_transport
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
biff = no

virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_maps = regexp:{directory}/conf/recipients
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
message_size_limit = {message_size_limit}
virtual_mailbox_limit = 0
mailbox_size_limit = 0

smtpd_sasl_type = dovecot
smtpd_sasl_path = {socket}
smtpd_sasl_security_options = noanonymous
smtpd_tls_security_level = may
smtpd_tls_cert_file = {directory}/server.pem
smtpd_tls_key_file = {directory}/server.key
smtpd_tls_auth_only = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =

# Nobody is made to wait.
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000
smtpd_client_connection_count_limit = 0
in_flow_delay = 0
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
maximal_queue_lifetime = 1m
bounce_queue_lifetime = 1m
# A user's mails arrive in the order in which they were taken.
lmtp_destination_concurrency_limit = 1
lmtp_destination_recipient_limit = 50
{more}
"
    )
}

fn master(ports: Ports) -> String {
    let Ports { submission, submissions, relay } = ports;
    format!(
        "\
127.0.0.1:{submission} inet n - n - - smtpd {SIGN_IN}
127.0.0.1:{submissions} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes {SIGN_IN}
127.0.0.1:{relay} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"
    )
}

/// Who hands mail in has to sign in.
const SIGN_IN: &str = "-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject";

/// Directories of its queue that are its own alone.
const QUEUES: [&str; 11] =
    ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"];

/// It needs the whole path of its configuration. What is wrong it tells nobody: of the configuration, another of its
/// programs does; if that finds nothing, somebody has one of the ports.
const START: &str = r#""$0" -c "$PWD/conf" -d || {
    postqueue -c "$PWD/conf" -p && echo "presumably: Address already in use"
    echo "fatal: it ended"
}"#;

/// Its first process. The program `postfix`, which starts it otherwise, looks after the one of the system.
const MASTER: &str = "/usr/lib/postfix/sbin/master";
