//! Signing in: from a connection to a session, in as few flights as the server allows; the rest may go compressed.
//!
//! Capabilities are forgotten after STARTTLS and after signing in, as what was said before may be another's word.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::capability::Capabilities;
use super::command::{self, Command};
use super::quirk::Family;
use super::refusal::{beginning, farewell, kind, lifted, words};
use super::response::Response;
use super::session::{Event, Session};
use super::status::{Code, Condition, Status};
use super::transport::Transport;
use crate::account::sasl::Unopened;
use crate::account::{ImapAccount, Mask, Mechanism, Proof, Tls, sasl, trouble};
use crate::error::{Error, ErrorKind, Result};
use crate::mail::Budget;
use crate::net::connect::{Place, Service, dial, encrypt, is_near};
use crate::net::steps::{Step, Steps};

/// Opens a session.
///
/// # Errors
/// When the server cannot be reached, cannot be trusted, or does not let the user in.
pub async fn open(
    account: &ImapAccount,
    proof: &Proof,
    patience: Duration,
    budget: &Arc<Budget>,
    steps: &mut Steps<'_>,
) -> Result<Session, Unopened> {
    let mask = Mask::of(proof);
    // Careless servers repeat what they refuse.
    open_masked(account, proof, &mask, patience, budget, steps).await.map_err(|unopened| unopened.covered(&mask))
}

async fn open_masked(
    account: &ImapAccount,
    proof: &Proof,
    mask: &Mask,
    patience: Duration,
    budget: &Arc<Budget>,
    steps: &mut Steps<'_>,
) -> Result<Session, Unopened> {
    let (host, port) = (account.host.as_str(), account.port);
    let (stream, address) = dial(host, port, patience, steps).await?;
    let ca_file = account.ca_file.as_deref();
    let line = match account.tls {
        Tls::Implicit => encrypt(Box::new(stream), place(account), ca_file, patience, steps).await?,
        Tls::StartTls | Tls::None => Box::new(stream),
    };
    steps.begin(Step::Greeting);
    let mut transport = Transport::new(line, *account.limits, patience.min(GREETING));
    transport.set_budget(budget);
    let (mut session, greeting) = greeted(transport, account, mask).await?;
    steps.end(mask.cover(&words(&greeting)));
    let mut able = capabilities(&greeting);
    if account.tls == Tls::StartTls {
        session = start_tls(session, &greeting, able, account, patience, steps).await?;
        able = Capabilities::default();
    }
    steps.begin(Step::Capabilities);
    session.set_patience(patience);
    if able.is_empty() {
        able = ask_capabilities(&mut session).await?;
    }
    steps.end(mask.cover(&able.to_string()));
    session.family = Family::of(&greeting.text, "", &able);
    session.capabilities = session.family.usable(able);
    steps.begin(Step::SignIn);
    let mut who = String::new();
    let mut able = Capabilities::default();
    if greeting.condition != Condition::PreAuth {
        able = prove(&mut session, account, proof, &mut who).await?;
    }
    if able.is_empty() {
        able = ask_capabilities(&mut session).await?;
    }
    session.let_in();
    session.family = Family::of(&greeting.text, &who, &able);
    session.capabilities = session.family.usable(able);
    steps.end(format!("{} ({})", account.user, session.family.name));
    Ok(compress(session, account.compress, address, steps).await?)
}

/// Goes on compressed where that is wanted and possible, else as it is.
///
/// It costs a round trip: nothing may be sent before the answer (RFC 4978 §3), for it would be in one form or the other.
async fn compress(session: Session, wanted: Option<bool>, address: IpAddr, steps: &mut Steps<'_>) -> Result<Session> {
    steps.begin(Step::Compression);
    let (session, told) = if wanted == Some(false) {
        (session, "none, as the account says".to_owned())
    } else if wanted.is_none() && is_near(address) {
        (session, format!("none, as {address} is near"))
    } else if !session.capabilities.has("COMPRESS=DEFLATE") {
        (session, "none, as the server does not offer it".to_owned())
    } else {
        let (session, answer) = session.compressed().await?;
        let told = match answer.condition {
            Condition::Ok => "DEFLATE".to_owned(),
            // TLS may do it already. Whatever the reason is, it is none to read no mail.
            _ => format!("none, as the server refused it: {}", words(&answer)),
        };
        (session, told)
    };
    steps.end(session.mask.cover(&told));
    Ok(session)
}

/// Hears who answers.
async fn greeted(mut transport: Transport, account: &ImapAccount, mask: &Mask) -> Result<(Session, Status)> {
    let silent = match account.tls {
        Tls::Implicit => IMAP_PORTS,
        Tls::StartTls | Tls::None => {
            "a port that expects TLS at once, as 993 does, says nothing without: tls = \"implicit\", or imaps:// in a URL"
        }
    };
    let place = format!("{} on port {}", account.host, account.port);
    let frame = transport.frame().await.map_err(|error| match error.kind() {
        // It is the statement that may not have more.
        ErrorKind::Refused => error,
        kind => Error::new(kind, format!("{place} does not greet as an IMAP server does: {error}")).hint(silent),
    })?;
    let mut session = Session::new(transport);
    session.mask = mask.clone();
    tracing::trace!(session = session.number, "S: {}", mask.shown(&frame.octets));
    match Response::parse(&frame) {
        Ok(Response::Status(status)) => match status.condition {
            Condition::Ok | Condition::PreAuth => Ok((session, status)),
            Condition::Bye | Condition::No | Condition::Bad => Err(does_not_talk(&status)),
        },
        _ => {
            let said = String::from_utf8_lossy(&frame.octets);
            let said = beginning(said.lines().next().unwrap_or_default());
            Err(Error::new(ErrorKind::Server, format!("{place} does not greet as an IMAP server does: {said}"))
                .hint(IMAP_PORTS))
        }
    }
}

fn does_not_talk(status: &Status) -> Error {
    let message = format!("the server does not want to talk: {}", words(status));
    match kind(status) {
        ErrorKind::Throttled => {
            let family = Family::of(&status.text, "", &Capabilities::default());
            Error::new(ErrorKind::Throttled, message).hint(lifted(status, family))
        }
        kind => Error::new(farewell(kind), message)
            .hint("it may be busy, or have too many connections from here; try again in a while"),
    }
}

async fn start_tls(
    mut session: Session,
    greeting: &Status,
    mut able: Capabilities,
    account: &ImapAccount,
    patience: Duration,
    steps: &mut Steps<'_>,
) -> Result<Session> {
    let refused = |message: &str| {
        Err(Error::new(ErrorKind::Server, message)
            .hint("no password was sent; it may want TLS at once (tls = \"implicit\"), or somebody is in between"))
    };
    steps.begin(Step::Tls);
    if greeting.condition == Condition::PreAuth {
        return refused("the server lets people in before TLS began");
    }
    if able.is_empty() {
        able = ask_capabilities(&mut session).await?;
    }
    if !able.has("STARTTLS") {
        return refused("the server does not offer STARTTLS");
    }
    session.ask(command::start_tls(), |_| {}).await?;
    let mask = session.mask.clone();
    let transport = session.into_transport();
    let budget = Arc::clone(transport.budget());
    let line = transport.into_line()?;
    let line = encrypt(line, place(account), account.ca_file.as_deref(), patience, steps).await?;
    let mut session = Session::new(Transport::new(line, *account.limits, patience));
    session.set_budget(&budget);
    session.mask = mask;
    Ok(session)
}

/// Proves who asks, and says who we are on the way; gives the capabilities that come with the answer.
async fn prove(
    session: &mut Session,
    account: &ImapAccount,
    proof: &Proof,
    who: &mut String,
) -> Result<Capabilities, Unopened> {
    let command = proving(&session.capabilities, account, proof, session.capabilities.has("SASL-IR"))?;
    let introduction = session.capabilities.has("ID").then(command::id);
    let (mut able, mut challenge) = (Capabilities::default(), None);
    let mut status = converse(session, introduction, &command, who, &mut able, &mut challenge).await?;
    let is_understood = status.condition != Condition::Bad || kind(&status) != ErrorKind::Server;
    if !is_understood && session.capabilities.has("SASL-IR") && session.is_idle() {
        // Some servers promise to take the response with the command, and do not understand it then.
        let stepwise = proving(&session.capabilities, account, proof, false)?;
        if stepwise != command {
            status = converse(session, None, &stepwise, who, &mut able, &mut challenge).await?;
        }
    }
    if status.condition != Condition::Ok {
        let error = not_let_in(account, proof, &status, session.family, challenge.as_deref());
        // Other codes say that it is not the proof: nobody is let in now, or not to this.
        let is_proof = matches!(status.code, None | Some(Code::AuthenticationFailed | Code::Expired))
            && error.kind() == ErrorKind::Server;
        return Err(if is_proof { Unopened::Unproved(error) } else { Unopened::Failed(error) });
    }
    Ok(if able.is_empty() { capabilities(&status) } else { able })
}

/// The command that proves who asks, by the best way that the server offers.
fn proving(able: &Capabilities, account: &ImapAccount, proof: &Proof, in_one: bool) -> Result<Command> {
    let best = Mechanism::best(proof, |name| able.has(&format!("AUTH={name}")));
    let authenticate = |mechanism| Ok(command::authenticate(mechanism, account.identity(), proof, in_one));
    match (proof, best) {
        (_, Some(mechanism)) if mechanism != Mechanism::Login => authenticate(mechanism),
        (Proof::Password(_), _) if account.mailbox.is_some() => {
            Err(Error::new(ErrorKind::Server, "the server has no way to open another's mailbox with a password")
                .hint("sign in as the mailbox itself, or with a token: see docs/accounts.md"))
        }
        (Proof::Password(password), _) if !able.has("LOGINDISABLED") => Ok(command::login(&account.user, password)),
        (Proof::Password(_), Some(mechanism)) => authenticate(mechanism),
        (Proof::Password(_), None) => Err(no_password_here(able, account)),
        (Proof::Token(_), _) => {
            let error = Error::new(ErrorKind::Server, "the server takes no token (neither OAUTHBEARER nor XOAUTH2)");
            Err(error.hint("it may want a password: use password_command instead of credential or token_command"))
        }
    }
}

fn no_password_here(able: &Capabilities, account: &ImapAccount) -> Error {
    let takes_tokens = able.has("AUTH=XOAUTH2") || able.has("AUTH=OAUTHBEARER");
    let hint = match account.tls {
        Tls::None => "it may want TLS first: tls = \"implicit\" or \"starttls\"",
        Tls::Implicit | Tls::StartTls if takes_tokens => "it takes a token of OAuth2: mailql login leads through that",
        Tls::Implicit | Tls::StartTls => "see whether the settings of the account allow IMAP and offer app passwords",
    };
    Error::new(ErrorKind::Server, "the server takes no password on this connection").hint(hint)
}

/// Sends a command that proves who asks, and hears what comes until it is answered.
async fn converse(
    session: &mut Session,
    introduction: Option<Command>,
    proof: &Command,
    who: &mut String,
    able: &mut Capabilities,
    challenge: &mut Option<String>,
) -> Result<Status> {
    session.send(introduction.into_iter().chain([proof.clone()]).collect::<Vec<_>>()).await?;
    loop {
        match session.next().await? {
            Event::Untagged(Response::Id(pairs)) => {
                *who = pairs
                    .iter()
                    .map(|(name, value)| format!("{name} {}", value.as_deref().unwrap_or_default()))
                    .collect::<Vec<_>>()
                    .join(", ");
            }
            Event::Untagged(Response::Capability(names)) => *able = Capabilities::of(names),
            Event::Untagged(Response::Continue(text)) => *challenge = Some(text),
            Event::Untagged(_) => {}
            // Who does not say who he is may still be right.
            Event::Done(command, _) if command != *proof => {}
            Event::Done(_, status) => return Ok(status),
        }
    }
}

fn not_let_in(
    account: &ImapAccount,
    proof: &Proof,
    status: &Status,
    family: &Family,
    challenge: Option<&str>,
) -> Error {
    let why = challenge.and_then(sasl::refusal).map(|why| format!("; {why}")).unwrap_or_default();
    let said = format!("{}{why}", words(status));
    let message = format!("{} did not let {} in: {said}", account.host, account.user);
    let kind = kind(status);
    if kind == ErrorKind::Throttled {
        return Error::new(kind, message).hint(lifted(status, family));
    }
    let hint = match (&status.code, proof) {
        _ if kind == ErrorKind::Unavailable => "it may work again in a moment",
        (Some(Code::Limit), _) => "it may work again in a moment",
        (Some(Code::Expired), Proof::Password(_)) => "the password is too old for the server; set a new one there",
        (_, proof) => trouble::hint(&said, proof).unwrap_or(match proof {
            Proof::Password(_) => {
                "check user and password; many providers want an app password, made in the account's security settings"
            }
            Proof::Token(_) => {
                "sign in again (mailql login), as the user of the account; see whether its settings allow IMAP"
            }
        }),
    };
    Error::new(kind, message).hint(hint)
}

fn place(account: &ImapAccount) -> Place<'_> {
    Place { host: &account.host, port: account.port, service: Service::Imap }
}

async fn ask_capabilities(session: &mut Session) -> Result<Capabilities> {
    let mut able = Capabilities::default();
    let status = session
        .ask(command::capability(), |response| {
            if let Response::Capability(names) = response {
                able = Capabilities::of(names);
            }
        })
        .await?;
    Ok(if able.is_empty() { capabilities(&status) } else { able })
}

/// The capabilities that a status carries.
fn capabilities(status: &Status) -> Capabilities {
    match &status.code {
        Some(Code::Capability(names)) => Capabilities::of(names),
        _ => Capabilities::default(),
    }
}

const IMAP_PORTS: &str = "see whether it is the port of an IMAP server: 993 is usual with TLS, 143 with STARTTLS";

/// How long a server may take to greet.
const GREETING: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex, split};

    use super::*;
    use crate::account::Limits;
    use crate::net::steps;

    /// What is told of compression, and how often it was asked for.
    async fn compressed(able: &str, wanted: Option<bool>, address: &str) -> (String, usize) {
        let (client, server) = duplex(1000);
        let server = tokio::spawn(async move {
            let (read, mut write) = split(server);
            let mut lines = BufReader::new(read).lines();
            let mut asked = 0;
            while let Ok(Some(line)) = lines.next_line().await {
                assert_eq!(line, "A1 COMPRESS DEFLATE");
                write.write_all(b"A1 OK begin\r\n").await.unwrap();
                asked += 1;
            }
            asked
        });
        let mut session = Session::new(Transport::new(Box::new(client), Limits::default(), GREETING));
        session.capabilities = Capabilities::of(able.split(' '));
        let mut told = None;
        let mut steps = Steps::told_to(|event| {
            if let steps::Event::Over { told: what, .. } = event {
                told = what;
            }
        });
        drop(compress(session, wanted, address.parse().unwrap(), &mut steps).await.unwrap());
        drop(steps);
        (told.unwrap(), server.await.unwrap())
    }

    #[tokio::test]
    async fn a_far_server_that_can_is_compressed_unless_somebody_wants_it_otherwise() {
        let (able, unable) = ("IMAP4REV1 COMPRESS=DEFLATE", "IMAP4REV1 COMPRESS=LZ4");
        for (able, wanted, address, told) in [
            (able, None, "203.0.113.7", "DEFLATE"),
            (able, None, "2001:db8::7", "DEFLATE"),
            (able, Some(true), "127.0.0.1", "DEFLATE"),
            (able, Some(true), "203.0.113.7", "DEFLATE"),
            (able, None, "192.168.1.7", "none, as 192.168.1.7 is near"),
            (able, None, "::1", "none, as ::1 is near"),
            (able, Some(false), "203.0.113.7", "none, as the account says"),
            (unable, None, "203.0.113.7", "none, as the server does not offer it"),
            (unable, Some(true), "127.0.0.1", "none, as the server does not offer it"),
        ] {
            let expected = (told.to_owned(), usize::from(told == "DEFLATE"));
            assert_eq!(compressed(able, wanted, address).await, expected, "{able}, {wanted:?}, {address}");
        }
    }

    /// Proves by a token against a server that says these lines, each after one of ours; gives what it heard.
    async fn proved(able: &str, answers: &'static [&'static str]) -> (Result<Capabilities, Unopened>, Vec<String>) {
        let (client, server) = duplex(10_000);
        let server = tokio::spawn(async move {
            let (read, mut write) = split(server);
            let mut lines = BufReader::new(read).lines();
            let mut heard = Vec::new();
            for answer in answers {
                heard.push(lines.next_line().await.unwrap().unwrap());
                write.write_all(answer.as_bytes()).await.unwrap();
            }
            heard
        });
        let mut session = Session::new(Transport::new(Box::new(client), Limits::default(), GREETING));
        session.capabilities = Capabilities::of(able.split(' '));
        let account = ImapAccount::new("mail.example.org", "me");
        let proved = prove(&mut session, &account, &Proof::Token("t0k3n".into()), &mut String::new()).await;
        (proved, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_server_that_takes_no_first_response_after_all_is_told_step_by_step() {
        let answers = &["A1 BAD what is that\r\n", "+ \r\n", "A2 OK [CAPABILITY IMAP4rev1] in\r\n"];
        let (proved, heard) = proved("SASL-IR AUTH=XOAUTH2", answers).await;
        assert!(proved.unwrap().has("IMAP4REV1"));
        assert!(heard[0].starts_with("A1 AUTHENTICATE XOAUTH2 dXNlcj1tZQ"), "{heard:?}");
        assert_eq!(heard[1], "A2 AUTHENTICATE XOAUTH2");
        assert!(heard[2].starts_with("dXNlcj1tZQ"), "{heard:?}");
        // Who says no, means it: a second try might lock the account.
        let (proved, heard) = proved_once("A1 NO wrong\r\n").await;
        assert!(matches!(proved, Err(Unopened::Unproved(_))) && heard.len() == 1);
        let (proved, _) = proved_once("A1 NO [CONTACTADMIN] IMAP is off\r\n").await;
        assert!(matches!(proved, Err(Unopened::Failed(_))), "a new token would not help");
    }

    async fn proved_once(answer: &'static str) -> (Result<Capabilities, Unopened>, Vec<String>) {
        let answers: &'static [&'static str] = Box::leak(Box::new([answer]));
        proved("SASL-IR AUTH=OAUTHBEARER", answers).await
    }

    #[tokio::test]
    async fn why_a_token_is_refused_is_heard_before_the_refusal() {
        // {"status":"invalid_token","scope":"mail"}
        let challenge = "+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJtYWlsIn0=\r\n";
        let answers: &'static [&'static str] = Box::leak(Box::new([challenge, "A1 NO sorry\r\n"]));
        for (able, acknowledged) in [("SASL-IR AUTH=OAUTHBEARER", "AQ=="), ("SASL-IR AUTH=XOAUTH2", "")] {
            let (proved, heard) = proved(able, answers).await;
            let error = Error::from(proved.unwrap_err()).to_string();
            assert!(error.contains("sorry") && error.contains("not valid here") && error.contains("mail"), "{error}");
            assert_eq!(heard[1], acknowledged, "{able}");
        }
        let (proved, _) = proved("AUTH=PLAIN", &[]).await;
        assert!(Error::from(proved.unwrap_err()).to_string().contains("takes no token"));
    }
}
