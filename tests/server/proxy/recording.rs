//! What was said over a line, made fit to be compared, and how much it was.
//!
//! It does no input or output. All is told as the client sees it: lines of a server stand where they arrive.

use std::collections::BTreeMap;

use crate::server::transcript::{Lines, Said, Transcript};

/// How much was said.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were opened.
    pub connections: usize,
    /// How often a client spoke after it could have heard an answer to what it had said, over all connections.
    ///
    /// What it says before the first answer to a flight arrives belongs to that flight, however long it takes to say
    /// it, and also if late answers to earlier flights arrive meanwhile. So this is how often it paid the way to the
    /// server and back. Without a delay an answer can overtake the rest of a flight; 20 ms make it certain.
    pub flights: u64,
    /// Octets that came from clients.
    pub from_client: u64,
    /// Octets that reached clients.
    pub from_server: u64,
}

/// All connections of a line.
#[derive(Default)]
pub struct Recording {
    counts: Counts,
    transcript: Transcript,
    opened: usize,
    connections: BTreeMap<usize, Connection>,
}

struct Connection {
    /// The flight that is being said; 0 before the first.
    flight: u64,
    /// The last flight of which the server has heard something.
    reached: u64,
    /// The last flight to which the client may have heard an answer; 0 is the greeting.
    answered: u64,
    client: Lines,
    server: Lines,
    /// The tags that the client used, in order; its `n`th is shown as `An`.
    tags: Vec<String>,
    next: Next,
}

/// What a line of the client will be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Command,
    /// A command, or the reply to a challenge of AUTHENTICATE, if there is one.
    CommandOrReply,
    /// A reply to a challenge.
    Reply,
    /// The rest of a command behind a literal, and whether it is kept secret.
    Rest {
        secret: bool,
    },
}

impl Recording {
    /// Begins a connection, and gives its number.
    pub fn open(&mut self) -> usize {
        self.counts.connections += 1;
        self.opened += 1;
        let connection = Connection {
            flight: 0,
            reached: 0,
            answered: 0,
            client: Lines::of_client(0),
            server: Lines::of_server(0),
            tags: Vec::new(),
            next: Next::Command,
        };
        self.connections.insert(self.opened, connection);
        self.opened
    }

    /// Notes octets that came from the client, and gives the flight they belong to.
    pub fn heard_client(&mut self, number: usize, octets: &[u8]) -> u64 {
        let Some(connection) = self.connections.get_mut(&number) else { return 0 };
        if !octets.is_empty() && connection.answered == connection.flight {
            connection.flight += 1;
            self.counts.flights += 1;
        }
        self.counts.from_client += octets.len() as u64;
        for said in connection.client.take(octets) {
            self.transcript.add(number, 'C', &connection.shown_of_client(&said));
        }
        connection.flight
    }

    /// Notes that a flight has reached the server.
    pub fn told_server(&mut self, number: usize, flight: u64) {
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.reached = flight;
        }
    }

    /// Gives the flight that the server may answer with what it says now.
    pub fn reached(&self, number: usize) -> u64 {
        self.connections.get(&number).map_or(0, |connection| connection.reached)
    }

    /// Notes octets that reach the client, which may answer a flight.
    pub fn told_client(&mut self, number: usize, flight: u64, octets: &[u8]) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        if !octets.is_empty() {
            connection.answered = flight;
        }
        self.counts.from_server += octets.len() as u64;
        for said in connection.server.take(octets) {
            self.transcript.add(number, 'S', &connection.shown_of_server(&said.text));
        }
    }

    /// Notes that the client hears no more.
    pub fn ended(&mut self, number: usize) {
        let unfinished = self.connections.get_mut(&number).and_then(|connection| connection.server.unfinished());
        if let Some(text) = unfinished {
            self.transcript.add(number, 'S', &text);
        }
    }

    /// What was said until now.
    pub fn transcript(&self) -> String {
        self.transcript.to_string()
    }

    /// How much was said until now.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Begins anew; connections go on.
    pub fn forget(&mut self) {
        self.counts = Counts::default();
        self.transcript = Transcript::default();
        for connection in self.connections.values_mut() {
            connection.tags.clear();
        }
    }
}

impl Connection {
    fn shown_of_client(&mut self, said: &Said) -> String {
        let Said { text, goes_on } = said;
        let is_reply = match self.next {
            Next::Rest { secret } => {
                self.next = if *goes_on { self.next } else { Next::Command };
                return format!("…{}", if secret { HIDDEN } else { text });
            }
            Next::Reply => true,
            Next::Command | Next::CommandOrReply => false,
        };
        if is_reply {
            self.next = Next::CommandOrReply;
            return HIDDEN.to_owned();
        }
        // A reply that nobody announced has no spaces in it.
        let Some((tag, command)) = text.split_once(' ') else {
            return if text.eq_ignore_ascii_case("DONE") { text.clone() } else { HIDDEN.to_owned() };
        };
        self.tags.push(tag.to_owned());
        let tag = format!("A{}", self.tags.len());
        let mut words = command.split(' ');
        let name = words.next().unwrap_or_default();
        let (shown, secret) = match name.to_ascii_uppercase().as_str() {
            "LOGIN" => (format!("{name} {HIDDEN}"), true),
            "AUTHENTICATE" => {
                let mechanism = words.next().unwrap_or_default();
                let has_initial_response = words.next().is_some();
                self.next = if has_initial_response { Next::CommandOrReply } else { Next::Reply };
                let response = if has_initial_response { format!(" {HIDDEN}") } else { String::new() };
                return format!("{tag} {name} {mechanism}{response}");
            }
            _ => (command.to_owned(), false),
        };
        self.next = if *goes_on { Next::Rest { secret } } else { Next::Command };
        format!("{tag} {shown}")
    }

    fn shown_of_server(&mut self, text: &str) -> String {
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        if first == "+" && self.next == Next::CommandOrReply {
            self.next = Next::Reply;
        }
        if let Some(shown) = self.shown_tag(first) {
            if self.tags.last().is_some_and(|last| last == first) {
                // An answer in place of `+`: what was announced will not be sent.
                self.client.expect_no_literal();
                self.next = Next::Command;
            }
            return format!("{shown} {rest}");
        }
        // The answer to a search names its command (RFC 4466 section 2.6.2).
        let named = text.split_once("(TAG \"").and_then(|(before, after)| Some((before, after.split_once("\")")?)));
        match named.and_then(|(before, (tag, after))| Some((before, self.shown_tag(tag)?, after))) {
            Some((before, shown, after)) => format!("{before}(TAG \"{shown}\"){after}"),
            None => text.to_owned(),
        }
    }

    fn shown_tag(&self, tag: &str) -> Option<String> {
        let position = self.tags.iter().rposition(|known| known == tag)?;
        Some(format!("A{}", position + 1))
    }
}

const HIDDEN: &str = "***";
