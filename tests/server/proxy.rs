//! A line of some length in front of a plaintext port: it delays, counts and writes down what is said.
//!
//! Octets go through as they are; it can cut the line, but puts in nothing. It reads IMAP in the clear: what goes on
//! under TLS or compressed is counted, not understood. Read on in `recording`, which understands and counts.

pub mod lying;
mod recording;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use recording::Recording;

use lying::Lie;
pub use recording::Counts;

/// A line that is still to be laid.
pub struct Route {
    port: u16,
    delay: Duration,
    cut_after: Option<u64>,
    cuts: usize,
    lie: Option<Lie>,
}

impl Route {
    /// Does something to what the server says, once.
    pub fn lie(self, lie: Lie) -> Self {
        Self { lie: Some(lie), ..self }
    }

    /// Takes every octet this long to arrive, in either direction. However long, nothing waits for anything else.
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Ends each connection once this many octets of the server have arrived on it.
    pub fn cut_after(self, octets: u64) -> Self {
        Self { cut_after: Some(octets), ..self }
    }

    /// Cuts only so many times; connections after that last.
    pub fn cuts(self, cuts: usize) -> Self {
        Self { cuts, ..self }
    }

    /// Lays it from a free port.
    pub fn start(self) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let line = Arc::new(Line { route: self, state: Mutex::default() });
        let acceptor = thread::spawn({
            let line = line.clone();
            move || accept(&listener, &line)
        });
        Proxy { address, line, acceptor: Some(acceptor) }
    }
}

/// A line that works until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A line to a port on 127.0.0.1, without delay and cuts.
    pub fn before(port: u16) -> Route {
        Route { port, delay: Duration::ZERO, cut_after: None, cuts: usize::MAX, lie: None }
    }

    /// Its own port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What was said, fit to be compared: tags are A1, A2 … in each connection, literals are `{n}` without their
    /// octets, names and passwords are `***`.
    pub fn transcript(&self) -> String {
        self.line.state().recording.transcript()
    }

    /// Whether it has lied.
    pub fn has_lied(&self) -> bool {
        self.line.state().has_lied
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        self.line.state().recording.counts()
    }

    /// Counts and writes down anew from here, tags too; connections stay open.
    pub fn forget(&self) {
        self.line.state().recording.forget();
    }
}

/// Closes the port and every connection.
impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.state().ended = true;
        // Wakes the acceptor, which then sees that it is over.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for socket in self.line.state().sockets.iter().filter_map(Weak::upgrade) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

struct Line {
    route: Route,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    recording: Recording,
    cuts: usize,
    /// Responses that came, on all connections; and whether the lie was told.
    responses: usize,
    has_lied: bool,
    sockets: Vec<Weak<TcpStream>>,
    ended: bool,
}

impl Line {
    /// Must not be held while octets are sent.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Octets on their way, none for the end of them, with the flight that they belong to or may answer.
struct Parcel {
    due: Instant,
    flight: u64,
    octets: Vec<u8>,
}

fn accept(listener: &TcpListener, line: &Arc<Line>) {
    for client in listener.incoming().filter_map(Result::ok) {
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, line.route.port));
        let mut state = line.state();
        if state.ended {
            return;
        }
        // Without a server the client's connection ends at once.
        let Ok(server) = server else { continue };
        let (client, server) = (Arc::new(client), Arc::new(server));
        for socket in [&client, &server] {
            let _ = socket.set_nodelay(true);
            state.sockets.push(Arc::downgrade(socket));
        }
        let number = state.recording.open();
        drop(state);
        let (to_server, for_server) = mpsc::channel();
        let (to_client, for_client) = mpsc::channel();
        let end = |from: &Arc<TcpStream>| End { line: line.clone(), number, socket: from.clone() };
        let (hears_client, hears_server) = (end(&client), end(&server));
        let (tells_client, tells_server) = (end(&client), end(&server));
        thread::spawn(move || hears_client.hear(&to_server, Recording::heard_client));
        thread::spawn(move || tells_server.tell_server(&for_server));
        thread::spawn(move || hears_server.hear(&to_client, |recording, number, _| recording.reached(number)));
        thread::spawn(move || tells_client.tell_client(&for_client, &server));
    }
}

/// One end of a connection.
struct End {
    line: Arc<Line>,
    number: usize,
    socket: Arc<TcpStream>,
}

impl End {
    /// Puts on the way what comes in here; `flight` notes it and gives its flight.
    fn hear(&self, way: &Sender<Parcel>, flight: fn(&mut Recording, usize, &[u8]) -> u64) {
        let mut octets = [0; 16 * 1024];
        loop {
            let count = (&*self.socket).read(&mut octets).unwrap_or(0);
            let octets = octets[..count].to_vec();
            let flight = flight(&mut self.line.state().recording, self.number, &octets);
            let parcel = Parcel { due: Instant::now() + self.line.route.delay, flight, octets };
            if way.send(parcel).is_err() || count == 0 {
                return;
            }
        }
    }

    fn tell_server(&self, way: &Receiver<Parcel>) {
        for parcel in way {
            wait(&parcel);
            self.line.state().recording.told_server(self.number, parcel.flight);
            if !self.tell(&parcel.octets) {
                return;
            }
        }
    }

    fn tell_client(&self, way: &Receiver<Parcel>, server: &TcpStream) {
        if let Some(lie) = &self.line.route.lie {
            return self.lie_to_client(way, server, lie);
        }
        let mut left = self.line.route.cut_after.unwrap_or(u64::MAX);
        for parcel in way {
            wait(&parcel);
            let mut state = self.line.state();
            let may_cut = state.cuts < self.line.route.cuts;
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(parcel.octets.len());
            let octets = if may_cut { &parcel.octets[..count] } else { &parcel.octets };
            left = left.saturating_sub(count as u64);
            let cut = may_cut && left == 0;
            state.cuts += usize::from(cut);
            state.recording.told_client(self.number, parcel.flight, octets);
            if cut || octets.is_empty() {
                state.recording.ended(self.number);
            }
            drop(state);
            let goes_on = self.tell(octets);
            if cut {
                let _ = self.socket.shutdown(Shutdown::Both);
                let _ = server.shutdown(Shutdown::Both);
            }
            if cut || !goes_on {
                return;
            }
        }
    }

    /// Hands over responses one by one, one of them changed.
    fn lie_to_client(&self, way: &Receiver<Parcel>, server: &TcpStream, lie: &Lie) {
        let mut waiting = Vec::new();
        let mut held = None;
        for parcel in way {
            waiting.extend_from_slice(&parcel.octets);
            let (responses, whole) = super::responses::cut(&waiting);
            waiting.drain(..whole);
            let mut told = Vec::new();
            for response in responses {
                let mut state = self.line.state();
                state.responses += 1;
                let is_time = !state.has_lied && lie.is_time(state.responses, &response);
                state.has_lied |= is_time;
                drop(state);
                if !is_time {
                    told.extend(response);
                    told.extend(held.take().unwrap_or_default());
                    continue;
                }
                match lie.told(response) {
                    lying::Told::Octets(octets) => told.extend(octets),
                    lying::Told::Later(response) => held = Some(response),
                    lying::Told::Nothing => {
                        self.tell(&told);
                        // Whoever waits for more waits in vain.
                        way.iter().for_each(drop);
                        return;
                    }
                    lying::Told::End => {
                        self.tell(&told);
                        let _ = self.socket.shutdown(Shutdown::Both);
                        let _ = server.shutdown(Shutdown::Both);
                        return;
                    }
                }
            }
            let is_over = parcel.octets.is_empty();
            if !told.is_empty() && !self.tell(&told) || is_over {
                let _ = self.socket.shutdown(Shutdown::Write);
                return;
            }
        }
    }

    /// Hands over octets, or the end of them; false if no more can be.
    fn tell(&self, octets: &[u8]) -> bool {
        if octets.is_empty() {
            let _ = self.socket.shutdown(Shutdown::Write);
            return false;
        }
        (&*self.socket).write_all(octets).is_ok()
    }
}

fn wait(parcel: &Parcel) {
    thread::sleep(parcel.due.saturating_duration_since(Instant::now()));
}
