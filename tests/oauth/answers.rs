//! Answers of a provider that are not quite as the RFCs have them: what can be understood is taken, and no token that would
//! say more than a token is shown to a server.

use std::fs;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::place::COUNT;
use crate::program::{Home, stderr};
use crate::server::listener;
use crate::server::scripted::{Script, Scripted};

/// A provider that gives one answer, a mail server that takes any token, and somebody whose account is theirs.
struct Stage {
    home: Home,
    server: Scripted,
    asked: Arc<AtomicUsize>,
}

impl Stage {
    fn with(answer: Value) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (Arc::clone(&asked), answer.to_string());
        let provider = listener::http(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            ("200 OK", answer.clone())
        });
        let server = Script::new().capabilities("IMAP4rev1 AUTH=XOAUTH2 SASL-IR").start();
        let home = Home::new();
        fs::create_dir_all(home.path("config/mailql")).unwrap();
        let config = format!(
            "[credentials.corp]\nclient_id = 'x'\ngrant = 'client_credentials'\nstore = 'file'\n\
             token_endpoint = 'http://127.0.0.1:{provider}/token'\n\
             [accounts.work]\nimap = {{ host = '127.0.0.1', port = {}, tls = 'none' }}\nuser = 'me@example.org'\ncredential = 'corp'\n",
            server.port()
        );
        fs::write(home.path("config/mailql/config.toml"), config).unwrap();
        Self { home, server, asked }
    }

    fn count(&self) -> Output {
        self.home.command(&["-v", "work", "--format", "csv", "-c", COUNT]).output().unwrap()
    }
}

#[test]
fn what_can_be_understood_of_an_answer_is_taken() {
    for (more, asked_twice) in [
        (json!({"token_type": "Bearer", "expires_in": 3600}), 1),
        (json!({"token_type": "bearer", "expires_in": "3600"}), 1),
        (json!({"token_type": "BEARER", "expires_in": 3599.5}), 1),
        (json!({"token_type": "Bearer", "expires_in": "3599.0", "refresh_token": ""}), 1),
        (json!({"expires_in": 3.6e3, "scope": ["a", "b"], "id_token": null}), 1),
        (json!({"token_type": "", "expires_in": null, "scope": null, "refresh_token": null}), 1),
        (json!({"token_type": "Bearer", "expires_in": "never"}), 1),
        // It is over at once, so that the next one asks again.
        (json!({"token_type": "Bearer", "expires_in": "0"}), 2),
    ] {
        let mut answer = json!({"access_token": "t0k3n"});
        answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let stage = Stage::with(answer.clone());
        for _ in 0..2 {
            let output = stage.count();
            assert!(output.status.success(), "{answer}: {}", stderr(&output));
            assert_eq!(output.stdout, b"count(*)\n3\n", "{answer}");
        }
        assert_eq!(stage.asked.load(Ordering::SeqCst), asked_twice, "{answer}");
    }
}

#[test]
fn a_token_that_would_say_more_than_a_token_is_not_shown_to_anybody() {
    let cannot_be_used = "the provider's access_token cannot be used";
    for (answer, said) in [
        (json!({"access_token": "", "token_type": "Bearer"}), cannot_be_used),
        (json!({"access_token": " ", "token_type": "Bearer"}), cannot_be_used),
        (json!({"access_token": "s3cr3t\r\nA9 LOGOUT", "token_type": "Bearer"}), cannot_be_used),
        (json!({"access_token": "s3cr3t\n", "token_type": "Bearer"}), cannot_be_used),
        (json!({"access_token": "s3cr3t\u{1}auth=Bearer other", "token_type": "Bearer"}), cannot_be_used),
        (json!({"access_token": "s3cr3t\0", "token_type": "Bearer"}), cannot_be_used),
        (json!({"access_token": "s3cr3t\u{9b}", "token_type": "Bearer"}), cannot_be_used),
        (
            json!({"access_token": "t0k3n", "token_type": "Bearer", "refresh_token": "s3cr3t\r\n"}),
            "the provider's refresh_token cannot be used",
        ),
        (json!({"access_token": "s3cr3t", "token_type": "mac"}), "tokens of the type mac"),
        (json!({"access_token": "s3cr3t", "token_type": "DPoP"}), "tokens of the type dpop"),
        (json!({"access_token": 7, "token_type": "Bearer"}), "cannot be understood"),
        (json!({"token_type": "Bearer"}), "cannot be understood"),
    ] {
        let stage = Stage::with(answer.clone());
        let output = stage.count();
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{answer}: {error}");
        assert!(error.contains(said) && error.contains("\nhint: "), "{answer}: {error}");
        assert!(!error.contains("s3cr3t"), "{answer}: {error}");
        assert_eq!(stage.server.count("AUTHENTICATE"), 0, "{answer}");
    }
}

#[test]
fn a_token_from_elsewhere_is_held_to_the_same() {
    let stage = Stage::with(json!({}));
    for token in ["s3cr3t\nA9 LOGOUT", "s3cr3t\u{1}auth=Bearer other", " ", "s3cr3t s3cr3t"] {
        let mut command = stage.home.command(&["work", "-c", COUNT]);
        let output = command.env("MAILQL_TOKEN", token).output().unwrap();
        let error = stderr(&output);
        assert!(!output.status.success() && error.contains("the access token cannot be used"), "{error}");
        assert!(error.contains("MAILQL_TOKEN") && !error.contains("s3cr3t"), "{error}");
    }
    let mut command = stage.home.command(&["work", "--format", "csv", "-c", COUNT]);
    assert_eq!(command.env("MAILQL_TOKEN", "t0k3n").output().unwrap().stdout, b"count(*)\n3\n");
    assert_eq!(stage.server.count("AUTHENTICATE"), 1);
}
