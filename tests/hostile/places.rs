//! What is no regular file, where one is expected: it is no mail, and nobody waits for it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crate::program::{DEADLINE, Home, stderr};
use crate::{write_maildir, write_mbox};

const MAIL: &[u8] = b"From: a@example.org\nSubject: mail\n\ntext\n";

#[test]
fn what_is_no_regular_file_in_a_maildir_is_no_mail() {
    let home = Home::new();
    let (mail, outside) = (home.path("mail"), home.path("outside"));
    write_maildir(&mail, &[MAIL]);
    write_maildir(&mail.join(".Lists"), &[MAIL]);
    fs::write(&outside, MAIL).unwrap();
    let mut sockets = Vec::new();
    for (place, part) in ["cur", "new", ".Lists/cur", ".Lists/new"].iter().enumerate() {
        let directory = mail.join(part);
        fs::create_dir_all(&directory).unwrap();
        let at = |name: &str| directory.join(format!("{name}{place}.x:2,S"));
        pipe(&at("pipe"));
        sockets.push(UnixListener::bind(at("socket")).unwrap());
        fs::create_dir(at("directory")).unwrap();
        symlink("/dev/zero", at("to-device")).unwrap();
        symlink(at("pipe"), at("to-pipe")).unwrap();
        symlink(home.path("nothing"), at("to-nothing")).unwrap();
        symlink(at("to-itself"), at("to-itself")).unwrap();
        // A link to a file is as good as one.
        symlink(&outside, at("to-file")).unwrap();
    }
    for name in ["dovecot-keywords", "dovecot-uidlist", "subscriptions", ".Lists/dovecot-keywords", "loose.mbox"] {
        pipe(&mail.join(name));
    }
    let statements = [
        ("SELECT count(*) AS n FROM MessagesInFolder", "n\n6\n"),
        ("SELECT count(*) AS n FROM MessageBody WHERE body_text LIKE 'text%' AND subject = 'mail'", "n\n6\n"),
        ("SELECT sum(size) AS n FROM MessagesInFolder", "n\n264\n"),
        ("SELECT count(received_at) AS n FROM MessagesInFolder", "n\n6\n"),
        ("SELECT sum(messages) AS n, sum(unseen) AS u, sum(size) AS s FROM Folder", "n,u,s\n6,2,264\n"),
        ("SELECT folder, subscribed FROM Folder ORDER BY folder", "folder,subscribed\nINBOX,\nLists,\n"),
    ];
    for (sql, expected) in statements {
        let output = run(&home, &["./mail", "--format", "csv", "-c", sql], &[]);
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{sql}: {}", stderr(&output));
    }
    let logged = stderr(&run(&home, &["./mail", "-v", "-c", statements[0].0], &[]));
    assert!(logged.contains("pipe0.x:2,S is no regular file, and so no mail"), "{logged}");
}

#[test]
fn what_is_no_regular_file_is_no_eml_file() {
    let home = Home::new();
    let saved = home.path("saved");
    crate::write_eml(&saved, &[MAIL]);
    pipe(&saved.join("pipe.eml"));
    symlink("/dev/zero", saved.join("device.eml")).unwrap();
    symlink("0000.eml", saved.join("link.eml")).unwrap();
    symlink("nothing", saved.join("nowhere.eml")).unwrap();
    fs::create_dir(saved.join("directory.eml")).unwrap();
    let count = "SELECT count(*) AS n FROM MessageBody";
    assert_eq!(home.stdout(&["./saved", "--format", "csv", "-c", count]), "n\n2\n");
    for (path, said) in [("./saved/pipe.eml", "a named pipe"), ("./saved/device.eml", "a device")] {
        let output = home.run(&[path, "-c", count]);
        assert_eq!(output.status.code(), Some(1), "{path}");
        assert!(stderr(&output).contains(said), "{path}: {}", stderr(&output));
    }
}

#[test]
fn what_is_no_regular_file_is_no_mbox() {
    let home = Home::new();
    let boxes = home.path("boxes");
    fs::create_dir_all(&boxes).unwrap();
    write_mbox(&boxes.join("good.mbox"), &[MAIL]);
    pipe(&boxes.join("pipe.mbox"));
    pipe(&boxes.join("plain"));
    symlink("/dev/zero", boxes.join("device.mbox")).unwrap();
    symlink(boxes.join("good.mbox"), boxes.join("link.mbox")).unwrap();
    let sql = "SELECT folder, count(*) AS n FROM MessagesInFolder GROUP BY folder ORDER BY folder";
    let output = run(&home, &["./boxes", "--format", "csv", "-c", sql], &[]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "folder,n\ngood,1\nlink,1\n", "{}", stderr(&output));
    for (path, said) in [("./boxes/pipe.mbox", "a named pipe"), ("./boxes/device.mbox", "a device")] {
        refused(&run(&home, &[path, "-c", sql], &[]), said);
    }
}

#[test]
fn what_is_no_regular_file_is_no_file_of_the_program_either() {
    let home = Home::new();
    let mail = home.path("mail");
    write_maildir(&mail, &[MAIL]);
    let pipe = home.path("pipe");
    self::pipe(&pipe);
    let pipe = pipe.to_str().unwrap();
    refused(&run(&home, &["--config", pipe, "accounts"], &[]), "a named pipe");
    refused(&run(&home, &["--config", "/dev/zero", "accounts"], &[]), "a device");
    refused(&run(&home, &["./mail", "-f", pipe], &[]), "a named pipe");
    refused(&run(&home, &["./mail", "-f", "/dev/zero"], &[]), "a device");
    let url = format!("imaps://me@localhost:1?ca_file={pipe}");
    let output = run(&home, &[&url, "-c", "SELECT * FROM Folder"], &[("MAILQL_PASSWORD", "x")]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    // The cache is only a help.
    for entry in fs::read_dir(home.path("cache/mailql")).into_iter().flatten() {
        let path = entry.unwrap().path();
        fs::remove_file(&path).unwrap();
        self::pipe(&path);
    }
    let sql = "SELECT count(*) AS n FROM MessagesInFolder";
    let output = run(&home, &["./mail", "--format", "csv", "-c", sql], &[]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "n\n1\n", "{}", stderr(&output));
    for name in ["state/mailql/sent.ndjson", "state/mailql/history"] {
        fs::create_dir_all(home.path("state/mailql")).unwrap();
        self::pipe(&home.path(name));
    }
    refused(&run(&home, &["./mail", "-c", "SELECT * FROM SentEmail"], &[]), "a named pipe");
    fs::create_dir_all(home.path("config/mailql")).unwrap();
    let config = "[accounts.work]\nimap = { host = 'localhost', port = 1 }\nuser = 'me'\npassword = 'file'\n";
    fs::write(home.path("config/mailql/config.toml"), config).unwrap();
    fs::create_dir_all(home.path("state/mailql/tokens")).unwrap();
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(home.path("state/mailql/tokens"), mode(0o700)).unwrap();
    self::pipe(&home.path("state/mailql/tokens/me@localhost%3A1%20password.json"));
    refused(&run(&home, &["work", "-c", "SELECT * FROM Folder"], &[]), "a named pipe");
}

/// What the shell hands over is a pipe with a writer.
#[test]
fn statements_and_a_configuration_may_come_out_of_a_pipe_of_the_shell() {
    let home = Home::new();
    write_maildir(&home.path("mail"), &[MAIL]);
    let mut child =
        home.command(&["--config", "/dev/stdin", "--format", "csv", "-c", "SELECT subject FROM MessagesInFolder"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let config = format!("[accounts.a]\nmaildir = '{}'\n", home.path("mail").display());
    child.stdin.take().unwrap().write_all(config.as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"subject\nmail\n");
    let mut child = home.command(&["./mail", "--format", "csv", "-f", "/dev/fd/0"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"SELECT 42 AS n").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"n\n42\n");
}

fn refused(output: &Output, said: &str) {
    let error = stderr(output);
    assert!(matches!(output.status.code(), Some(1 | 2)) && error.contains(said), "{error}");
    assert!(error.contains("no regular file"), "{error}");
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs the program to its end, which must come.
fn run(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = home.command(arguments);
    command.envs(environment.iter().copied());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > DEADLINE {
            child.kill().unwrap();
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("{arguments:?} hangs: {said}");
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.wait_with_output().unwrap()
}
