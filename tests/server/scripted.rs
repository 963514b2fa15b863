//! An IMAP server on loopback that does what no good server does: hangs, drops, lies, injects.
//!
//! Left alone it plays a small mailbox that can only be read; a [`Script`] says where it leaves that path. It is no
//! proof that a real server agrees. Read on in `connection`, which speaks, and `mailbox`, which knows the good answers.

mod command;
mod connection;
mod mailbox;
mod messages;
mod wire;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio_rustls::rustls::ServerConfig;

use super::transcript::Transcript;
use connection::Connection;

pub use command::Command;
pub use mailbox::{Folder, Message};

/// What a server does instead of answering, or besides.
#[derive(Debug, Clone)]
pub enum Action {
    /// Sends these octets as they are.
    Send(Vec<u8>),
    /// Sends these octets past compression.
    SendRaw(Vec<u8>),
    /// Gives the answer of a good server.
    Answer,
    /// Gives what a good server answers to another command of the mailbox, but for how it ended.
    AnswerTo(String),
    /// Gives the answer of a good server with its responses changed, which come one by one.
    AnswerChanged(fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>),
    /// Sends that many octets of a good server's answer.
    AnswerFirst(usize),
    /// Ends the connection, without BYE and without the end of TLS.
    Close,
    /// Breaks the connection with RST.
    Reset,
    /// Reads on and says nothing until the test ends.
    Stall,
    /// Waits.
    Pause(Duration),
}

impl Action {
    /// Sends a text as it is.
    pub fn send(text: impl Into<Vec<u8>>) -> Self {
        Self::Send(text.into())
    }

    /// Ends the command with a status, such as `NO [UNAVAILABLE] not now`.
    pub fn tagged(command: &Command, status: &str) -> Self {
        Self::Send(command.tagged(status))
    }
}

/// Where a conversation stands.
#[derive(Debug, Clone)]
pub struct Context {
    /// Which connection it is; the first is 1.
    pub connection: usize,
    /// The folder that is open.
    pub folder: Option<String>,
    /// Whether it goes on under TLS.
    pub tls: bool,
}

type Hook = dyn Fn(&Command, usize, &Context) -> Option<Vec<Action>> + Send + Sync;
type Greeting = dyn Fn(&Context) -> Vec<Action> + Send + Sync;

/// What a server plays.
pub struct Script {
    capabilities: String,
    folders: Vec<Folder>,
    hook: Box<Hook>,
    greeting: Box<Greeting>,
    security: Security,
    behind_starttls: Option<Vec<u8>>,
}

enum Security {
    None,
    Implicit(Arc<ServerConfig>),
    StartTls(Arc<ServerConfig>),
}

impl Script {
    /// A good server with three mails in `INBOX` and an empty `Archive`.
    pub fn new() -> Self {
        Self {
            capabilities: CAPABILITIES.to_owned(),
            folders: mailbox::small(),
            hook: Box::new(|_, _, _| None),
            greeting: Box::new(|_| vec![Action::Answer]),
            security: Security::None,
            behind_starttls: None,
        }
    }

    /// Tells these capabilities; what it can do stays the same, but for COMPRESS=DEFLATE, which must be told. STARTTLS is
    /// added where it is to be had.
    pub fn capabilities(self, capabilities: &str) -> Self {
        Self { capabilities: capabilities.to_owned(), ..self }
    }

    /// Has these folders.
    pub fn folders(self, folders: Vec<Folder>) -> Self {
        Self { folders, ..self }
    }

    /// Has one folder, `INBOX`, with these messages.
    pub fn messages(self, messages: Vec<Message>) -> Self {
        self.folders(vec![Folder::new("INBOX", messages)])
    }

    /// Does what `hook` says when it says something.
    ///
    /// It is asked at each command, with how many of that name there were by now on all connections: the first is 1.
    pub fn on_command(
        self,
        hook: impl Fn(&Command, usize, &Context) -> Option<Vec<Action>> + Send + Sync + 'static,
    ) -> Self {
        Self { hook: Box::new(hook), ..self }
    }

    /// Greets like this; [`Action::Answer`] is the usual greeting. After PREAUTH a client is signed in.
    pub fn on_greeting(self, greeting: impl Fn(&Context) -> Vec<Action> + Send + Sync + 'static) -> Self {
        Self { greeting: Box::new(greeting), ..self }
    }

    /// Speaks TLS from the start.
    pub fn implicit_tls(self, config: Arc<ServerConfig>) -> Self {
        Self { security: Security::Implicit(config), ..self }
    }

    /// Offers STARTTLS.
    pub fn starttls(self, config: Arc<ServerConfig>) -> Self {
        Self { security: Security::StartTls(config), ..self }
    }

    /// Offers STARTTLS, and sends these octets in the clear right behind its OK, in the same segment.
    ///
    /// Without [`Self::starttls`] there is no handshake: what a client sends next is noted and not answered.
    pub fn behind_starttls(self, octets: impl Into<Vec<u8>>) -> Self {
        Self { behind_starttls: Some(octets.into()), ..self }
    }

    /// Starts a server on a free port.
    pub fn start(mut self) -> Scripted {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let record = Record { folders: std::mem::take(&mut self.folders), ..Record::default() };
        let stage = Arc::new(Stage { script: self, record: Mutex::new(record) });
        let acceptor = thread::spawn({
            let stage = stage.clone();
            move || accept(&listener, &stage)
        });
        Scripted { address, stage, acceptor: Some(acceptor) }
    }
}

/// A server that plays a script until it is dropped.
pub struct Scripted {
    address: SocketAddr,
    stage: Arc<Stage>,
    acceptor: Option<JoinHandle<()>>,
}

impl Scripted {
    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was said: `C: ` and `S: ` lines by connection, literals with their first octets.
    pub fn transcript(&self) -> String {
        self.stage.record().transcript.to_string()
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.stage.record().accepted
    }

    /// How many connections are open now.
    pub fn open(&self) -> usize {
        self.stage.record().open
    }

    /// How many commands of a name there were, such as `UID FETCH`.
    pub fn count(&self, name: &str) -> usize {
        self.stage.record().counts.get(name).copied().unwrap_or(0)
    }

    /// Whether nothing but reading was asked.
    pub fn is_clean(&self) -> bool {
        self.not_reading().is_empty()
    }

    /// The commands that could have changed a mailbox, and those that are none.
    pub fn not_reading(&self) -> Vec<String> {
        self.stage.record().not_reading.clone()
    }

    /// Changes the folders from here on, also for sessions that are open.
    pub fn change(&self, change: impl FnOnce(&mut Vec<Folder>)) {
        change(&mut self.stage.record().folders);
    }
}

/// Closes the port and every connection. A connection that pauses ends later, by itself.
impl Drop for Scripted {
    fn drop(&mut self) {
        self.stage.record().ended = true;
        // Wakes the acceptor, which then sees that it is over.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for socket in self.stage.record().sockets.iter().filter_map(Weak::upgrade) {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// What all connections of a server share.
struct Stage {
    script: Script,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    folders: Vec<Folder>,
    transcript: Transcript,
    counts: BTreeMap<String, usize>,
    not_reading: Vec<String>,
    accepted: usize,
    open: usize,
    sockets: Vec<Weak<TcpStream>>,
    ended: bool,
}

impl Stage {
    /// Must not be held while something is sent or a hook is asked.
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, stage: &Arc<Stage>) {
    for socket in listener.incoming().filter_map(Result::ok) {
        let socket = Arc::new(socket);
        let mut record = stage.record();
        if record.ended {
            return;
        }
        record.accepted += 1;
        record.open += 1;
        record.sockets.push(Arc::downgrade(&socket));
        let number = record.accepted;
        drop(record);
        let connection = Connection::new(number, socket, stage.clone());
        thread::spawn(move || connection.run());
    }
}

/// What a good server of today can do, as far as it is played.
const CAPABILITIES: &str = "IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL+ ESEARCH SEARCHRES LIST-STATUS LIST-EXTENDED ID \
                            UIDPLUS CONDSTORE";
