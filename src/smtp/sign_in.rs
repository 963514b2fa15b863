//! The way in: from the name of a server to a session in which it knows who asks (RFC 6409 §3.1, RFC 4954).
//!
//! Never without TLS where the account says TLS; what a server said before it counts for nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::command::Command;
use super::extensions::Extensions;
use super::reply::Reply;
use super::session::Session;
use crate::account::sasl::Unopened;
use crate::account::{ImapAccount, Mask, Mechanism, Proof, Proofs, Secret, SmtpServer, Tls, sasl, trouble};
use crate::error::{Error, ErrorKind, Result};
use crate::net::connect::{Place, Service, dial, encrypt};
use crate::net::steps::{ANEW, Step, Steps};

/// Opens a session at the server where an account hands mail in; a token that is refused is renewed, once.
///
/// # Errors
/// When the server cannot be reached, cannot be trusted, or does not let the user in.
pub async fn open(
    account: &ImapAccount,
    server: &SmtpServer,
    proofs: &Proofs,
    proof: &Proof,
    patience: Duration,
    steps: &mut Steps<'_>,
) -> Result<Session> {
    let way = Way { account, server, patience };
    match way.open(proof, steps).await {
        // Another token may do.
        Err(Unopened::Unproved(error)) if matches!(proof, Proof::Token(_)) => {
            match proofs.of(account, Some(proof)).await? {
                renewed if renewed != *proof => {
                    steps.end(ANEW);
                    Ok(way.open(&renewed, steps).await?)
                }
                _ => Err(error),
            }
        }
        opened => Ok(opened?),
    }
}

/// Who wants in, and where.
#[derive(Clone, Copy)]
struct Way<'a> {
    account: &'a ImapAccount,
    server: &'a SmtpServer,
    patience: Duration,
}

impl Way<'_> {
    async fn open(self, proof: &Proof, steps: &mut Steps<'_>) -> Result<Session, Unopened> {
        let mask = Mask::of(proof);
        // Careless servers repeat what they refuse.
        self.open_masked(proof, &mask, steps).await.map_err(|unopened| unopened.covered(&mask))
    }

    async fn open_masked(self, proof: &Proof, mask: &Mask, steps: &mut Steps<'_>) -> Result<Session, Unopened> {
        let SmtpServer { host, port, tls } = self.server;
        let ca_file = self.account.ca_file.as_deref();
        let place = Place { host, port: *port, service: Service::Smtp };
        let (stream, _) = dial(host, *port, self.patience, steps).await?;
        let line = match tls {
            Tls::Implicit => encrypt(Box::new(stream), place, ca_file, self.patience, steps).await?,
            Tls::StartTls | Tls::None => Box::new(stream),
        };
        steps.begin(Step::Greeting);
        let mut session = Session::new(line, mask.clone(), self.patience.min(GREETING));
        steps.end(mask.cover(&self.greeted(&mut session).await?.words()));
        session.set_patience(self.patience);
        if *tls == Tls::StartTls {
            steps.begin(Step::Tls);
            let line = self.start_tls(session).await?;
            let line = encrypt(line, place, ca_file, self.patience, steps).await?;
            session = Session::new(line, mask.clone(), self.patience);
        }
        steps.begin(Step::Capabilities);
        session.extensions = Extensions::of(&session.ask(&Command::Ehlo(OWN)).await?);
        steps.end(mask.cover(&session.extensions.to_string()));
        steps.begin(Step::SignIn);
        let mechanism = self.mechanism(&session.extensions, proof)?;
        self.prove(&mut session, mechanism, proof).await?;
        steps.end(format!("{}, by {mechanism}", self.account.user));
        Ok(session)
    }

    /// Hears who answers.
    async fn greeted(self, session: &mut Session) -> Result<Reply> {
        let place = format!("{} on port {}", self.server.host, self.server.port);
        let reply = session.greeting().await.map_err(|error| {
            let message = format!("{place} does not greet as a server does that takes mail: {error}");
            Error::new(ErrorKind::Server, message).hint(match self.server.tls {
                Tls::Implicit => SMTP_PORTS,
                Tls::StartTls | Tls::None => {
                    "a port that expects TLS at once, as 465 does, says nothing without: smtp = { host = \"…\", tls = \"implicit\" }"
                }
            })
        })?;
        if reply.code == 220 {
            return Ok(reply);
        }
        Err(Error::new(ErrorKind::Server, format!("the server does not want to talk: {}", reply.words()))
            .hint("it may be busy, or take no mail from where this computer is; try again in a while"))
    }

    /// Begins TLS, and forgets what was said before (RFC 3207 §4.2).
    async fn start_tls(self, mut session: Session) -> Result<Box<dyn crate::net::Line>> {
        let able = Extensions::of(&session.ask(&Command::Ehlo(OWN)).await?);
        if !able.has("STARTTLS") {
            return Err(no_tls("the server does not offer STARTTLS".to_owned()));
        }
        let reply = session.say(&Command::StartTls).await?;
        if reply.code != 220 {
            return Err(no_tls(format!("the server does not begin TLS: {}", reply.words())));
        }
        session.into_line().map(|(line, _)| line)
    }

    /// The best way to prove who asks, of those that the server offers.
    fn mechanism(self, able: &Extensions, proof: &Proof) -> Result<Mechanism> {
        // LOGIN has no word for another's mailbox; what is handed in is the user's own anyway.
        let best = Mechanism::best(proof, |name| able.has_mechanism(name));
        best.ok_or_else(|| {
            let server = |message: &str| Error::new(ErrorKind::Server, message);
            let takes_tokens = able.has_mechanism("XOAUTH2") || able.has_mechanism("OAUTHBEARER");
            match (proof, able.has("AUTH")) {
                (_, false) => server("the server lets nobody sign in on this connection").hint(match self.server.tls {
                    Tls::None => "it may want TLS first: tls = \"implicit\" or \"starttls\"",
                    Tls::Implicit | Tls::StartTls => {
                        "see whether it is the server for mail of users: port 465 or 587; 25 is for other servers"
                    }
                }),
                (Proof::Password(_), true) if takes_tokens => server("the server takes no password")
                    .hint("it takes a token of OAuth2: mailql login leads through that"),
                (Proof::Password(_), true) => server("the server takes no password in a way that is known here")
                    .hint("it may want TLS first, or another way to sign in; whoever runs it can say"),
                (Proof::Token(_), true) => server("the server takes no token (neither OAUTHBEARER nor XOAUTH2)")
                    .hint("it may want a password: use password_command instead of credential or token_command"),
            }
        })
    }

    /// Proves who asks: at once where that fits, else step by step.
    async fn prove(self, session: &mut Session, mechanism: Mechanism, proof: &Proof) -> Result<(), Unopened> {
        let responses = mechanism.responses(self.account.identity_at(self.server), proof);
        let in_one = match responses.as_slice() {
            [only] if only.expose().len() <= INITIAL => Some(only.clone()),
            _ => None,
        };
        let mut exchange = Exchange { mechanism, responses, challenge: None };
        let mut reply = exchange.run(session, in_one.clone()).await?;
        if in_one.is_some() && matches!(reply.code, 500..=504 | 555) {
            // It does not take the response with the command, whatever it promised.
            reply = exchange.run(session, None).await?;
        }
        if reply.code == 235 {
            return Ok(());
        }
        let error = self.not_let_in(proof, &reply, exchange.challenge.as_deref());
        // With 5.7.139, Microsoft says that sending is switched off.
        let is_proof = reply.code == 535 && !reply.words().contains("5.7.139");
        Err(if is_proof { Unopened::Unproved(error) } else { Unopened::Failed(error) })
    }

    fn not_let_in(self, proof: &Proof, reply: &Reply, challenge: Option<&str>) -> Error {
        let why = challenge.and_then(sasl::refusal).map(|why| format!("; {why}")).unwrap_or_default();
        let said = format!("{}{why}", reply.words());
        let hint = trouble::hint(&said, proof).unwrap_or(match (reply.code, proof) {
            (400..=499, _) => "it may work again in a while",
            (_, Proof::Password(_)) => {
                "check user and password; many providers want an app password, or that sending by SMTP is switched on"
            }
            (_, Proof::Token(_)) => {
                "sign in again (mailql login), as the user of the account, with a scope that allows sending"
            }
        });
        let message = format!("{} did not let {} in: {said}", self.server.host, self.account.user);
        Error::new(ErrorKind::Server, message).hint(hint)
    }
}

/// The conversation of a mechanism.
struct Exchange {
    mechanism: Mechanism,
    responses: Vec<Secret>,
    /// The last challenge that was no question for a response.
    challenge: Option<String>,
}

impl Exchange {
    /// Gives every response when it is asked for, and the reply that ends it.
    async fn run(&mut self, session: &mut Session, in_one: Option<Secret>) -> Result<Reply> {
        let mut left = self.responses.iter().skip(usize::from(in_one.is_some()));
        let mut reply = session.say(&Command::Auth(self.mechanism, in_one)).await?;
        let mut acknowledged = false;
        while reply.code == 334 {
            let answer = match (left.next(), self.mechanism.acknowledgement()) {
                (Some(response), _) => Command::Response(response.clone()),
                (None, Some(acknowledgement)) if !acknowledged => {
                    acknowledged = true;
                    self.challenge = reply.lines.first().cloned();
                    Command::Response(acknowledgement.into())
                }
                _ => {
                    drop(session.say(&Command::Cancel).await);
                    return Err(Error::new(ErrorKind::Server, "the server asks for more than there is to say"));
                }
            };
            reply = session.say(&answer).await?;
        }
        Ok(reply)
    }
}

fn no_tls(message: String) -> Error {
    Error::new(ErrorKind::Server, message).hint(
        "no password was sent; it may want TLS at once (smtp = { host = \"…\", port = 465, tls = \"implicit\" }), or somebody is in between",
    )
}

/// Who is here, to a server that is about to be told by whom it may be known. The address that this computer really has is one
/// of its network at home or at work, means nothing to the server, and would stand in the Received of every mail for all its
/// recipients to read. Servers of providers do not look at it where users sign in; many programs say the same.
const OWN: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const SMTP_PORTS: &str =
    "see whether it is the port of a server that takes mail: 465 is usual with TLS, 587 with STARTTLS";

/// Octets of a response that fit on the line of AUTH, whatever the mechanism is called (RFC 4954 §4, RFC 5321 §4.5.3.1.4).
const INITIAL: usize = 490;

/// How long a server may take to greet; some let strangers wait on purpose.
const GREETING: Duration = Duration::from_secs(30);
