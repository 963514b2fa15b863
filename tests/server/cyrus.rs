//! Cyrus, a real IMAP server that was written without a look at Dovecot.
//!
//! It is Debian's program, unpacked by `tests/run` and not installed, as Debian does not let it stand beside Dovecot. Run by
//! root, it becomes the user `dovecot` of that package; run by anybody else, it is that one user. Anybody signs in, and who
//! has not been there before has no mail.

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
use super::dovecot::{PACKAGE_USER, id};
use super::started::{DEADLINE, free_port, started};
use super::watched::Watched;

mod filling;

pub use filling::Letter;

/// A running server; it ends when this is dropped, or with the test program.
pub struct Cyrus {
    watched: Watched,
    imap: u16,
    imaps: u16,
    /// The user and group that it is, if they are others than those who run the test.
    owner: Option<(u32, u32)>,
    users: AtomicUsize,
}

/// Somebody with mail.
pub struct User {
    pub name: String,
    pub password: &'static str,
}

impl Cyrus {
    /// The one that all tests of a program share; they do not meet, as each has a [`User`] of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cyrus> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(""))
    }

    /// One for a test alone, with more lines of configuration; it waits until it may be used.
    pub fn start(more: &str) -> Self {
        started("cyrus", "what tests/run unpacks, and the user of dovecot-core", || {
            let cyrus = Self::launch(more);
            cyrus.wait().map(|()| cyrus)
        })
    }

    /// The port where a conversation begins in plain text; STARTTLS is offered, and a login before it is allowed.
    pub fn port(&self) -> u16 {
        self.imap
    }

    /// The port where a conversation begins with TLS.
    pub fn tls_port(&self) -> u16 {
        self.imaps
    }

    /// The certificate of the authority that signed its own, as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.directory().join("ca.pem")
    }

    /// Where all its files are.
    pub fn directory(&self) -> &Path {
        self.watched.directory()
    }

    /// A new user with these folders and this mail, each folder's in this order.
    pub fn user_with(&self, folders: &[&str], letters: &[Letter]) -> User {
        let name = format!("user{}", self.users.fetch_add(1, Ordering::Relaxed) + 1);
        filling::fill(self, &name, PASSWORD, folders, letters);
        User { name, password: PASSWORD }
    }

    /// Runs one of its programs, and gives what that says.
    fn run(&self, name: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(self.directory().join("bin").join(name));
        command.env("LD_LIBRARY_PATH", self.directory().join("lib"));
        command.arg("-C").arg(self.directory().join("imapd.conf"));
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{name} {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Gives a file to the user that it is.
    fn give(&self, path: &Path) {
        if let Some((user, group)) = self.owner {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    fn launch(more: &str) -> Self {
        let watched = Watched::new(&["sh", "-c", START]);
        let directory = watched.directory();
        copy(directory);
        let authority = Authority::new();
        authority.write(directory);
        authority.issue(Certificate::Good).write(directory);
        let [imap, imaps] = [(); 2].map(|()| free_port());
        let is_root = fs::metadata(directory).unwrap().uid() == 0;
        let number = |option: &str| id(&[option, PACKAGE_USER]).parse::<u32>().unwrap();
        let owner = is_root.then(|| (number("-u"), number("-g")));
        let user = if is_root { PACKAGE_USER.to_owned() } else { id(&["-un"]) };
        fs::write(directory.join("imapd.conf"), configuration(directory, &user) + more).unwrap();
        fs::write(directory.join("cyrus.conf"), services(directory, imap, imaps)).unwrap();
        for own in ["state", "mail"] {
            fs::create_dir(directory.join(own)).unwrap();
        }
        let mut cyrus = Self { watched, imap, imaps, owner, users: AtomicUsize::new(0) };
        for own in ["state", "mail", "server.key"] {
            cyrus.give(&cyrus.directory().join(own));
        }
        cyrus.watched.start();
        cyrus
    }

    /// Waits for its greeting on both ports; the error is what it said.
    fn wait(&self) -> Result<(), String> {
        let start = Instant::now();
        let mut stream = loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, self.imap)) {
                Ok(stream) => break stream,
                Err(error) => {
                    let said = self.watched.text("output");
                    if !said.is_empty() || start.elapsed() > DEADLINE {
                        return Err(format!("{error}\n{said}"));
                    }
                }
            }
            sleep(Duration::from_millis(5));
        };
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut greeting = String::new();
        let _ = BufReader::new(&mut stream).read_line(&mut greeting);
        // A greeting alone could be that of another. It writes down whom it talks with.
        let talks = fs::read_dir(self.directory().join("state/proc")).is_ok_and(|mut talks| talks.next().is_some());
        let other = TcpStream::connect((Ipv4Addr::LOCALHOST, self.imaps));
        if talks && greeting.starts_with("* OK") && other.is_ok() {
            return Ok(());
        }
        Err(format!("{greeting:?}, whom it talks with: {talks}, with TLS: {other:?}\n{}", self.watched.text("output")))
    }
}

/// Copies its programs and their libraries from where `tests/run` put them: the user that it is may not get there.
fn copy(directory: &Path) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let unpacked = target.join("cyrus");
    assert!(unpacked.join("release").is_file(), "Cyrus is not unpacked in {}: run tests/run", unpacked.display());
    for part in ["bin", "lib"] {
        fs::create_dir(directory.join(part)).unwrap();
        for entry in fs::read_dir(unpacked.join(part)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), directory.join(part).join(entry.file_name())).unwrap();
        }
    }
}

fn configuration(directory: &Path, user: &str) -> String {
    let directory = directory.to_str().unwrap();
    format!(
        "\
# Nothing outside of this directory.
configdirectory: {directory}/state
partition-default: {directory}/mail
defaultpartition: default
cyrus_user: {user}
servername: localhost

# Anybody may be anybody, and have folders.
sasl_pwcheck_method: alwaystrue
sasl_mech_list: PLAIN
allowplaintext: yes

# What is not ASCII in a header is kept as it is.
munge8bit: no

# Names as people know them, and as other servers have them.
unixhierarchysep: yes
altnamespace: yes

tls_server_cert: {directory}/server.pem
tls_server_key: {directory}/server.key
"
    )
}

fn services(directory: &Path, imap: u16, imaps: u16) -> String {
    let directory = directory.to_str().unwrap();
    let program = |name: &str| format!("{directory}/bin/{name} -C {directory}/imapd.conf");
    let (imapd, recover) = (program("imapd"), program("ctl_cyrusdb"));
    format!(
        r#"START {{
  recover cmd="{recover} -r"
}}
SERVICES {{
  imap cmd="{imapd} -U 30" listen="127.0.0.1:{imap}" prefork=1
  imaps cmd="{imapd} -U 30 -s" listen="127.0.0.1:{imaps}" prefork=1
}}
EVENTS {{
}}
"#
    )
}

/// How it is started in its directory.
const START: &str =
    r#"LD_LIBRARY_PATH=$PWD/lib exec bin/master -D -C "$PWD/imapd.conf" -M "$PWD/cyrus.conf" -p "$PWD/pid""#;

/// Anybody's; it takes any other, too.
const PASSWORD: &str = "secret";
