//! Names that mean harm: of files, which are saved; of folders, which are shown, asked for and opened.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use mailql::{AccountConfig, Engine, ImapAccount, Tls};

use crate::answer;
use crate::program::{Home, names};
use crate::server::scripted::{Action, Folder, Message, Script};
use crate::{write_maildir, write_mbox};

/// A name as a mail gives it (RFC 2231, in percents), and the file that it is saved as.
const FILES: [(&str, &str); 40] = [
    ("../../outside", "__.._outside"),
    ("../../../../../../../../tmp/outside", "__.._.._.._.._.._.._.._tmp_outside"),
    ("/tmp/outside", "_tmp_outside"),
    ("..%5C..%5Coutside", "__. (2)._outside"),
    ("C:%5CWindows%5Coutside.dll", "C__Windows_outside.dll"),
    ("%5C%5Chost%5Cshare%5Cx", "__host_share_x"),
    ("a%2Fb", "a_b"),
    ("a%00b.pdf", "a_b.pdf"),
    ("a%0D%0Ab.pdf", "a__b.pdf"),
    ("a%1B[2Jb", "a_[2Jb"),
    ("a%C2%9Bb", "a_b (2)"),
    ("a%E2%80%AEfdp.exe", "a_fdp.exe"),
    ("a%E2%80%8Bb", "a_b (3)"),
    (".", "_"),
    ("..", "_ (2)"),
    ("...", "_ (3)"),
    (".bashrc", "_bashrc"),
    (".ssh/authorized_keys", "_ssh_authorized_keys"),
    ("~", "_~"),
    ("~root", "_~root"),
    ("-rf", "_-rf"),
    ("%20-rf", "_-rf (2)"),
    ("+x", "_+x"),
    ("=ls", "_=ls"),
    ("@arguments", "_@arguments"),
    ("$(reboot)", "$(reboot)"),
    ("CON", "_CON"),
    ("nul.txt", "_nul.txt"),
    ("COM1", "_COM1"),
    ("com9.tar.gz", "_com9.tar.gz"),
    ("LPT%C2%B9.x", "_LPT¹.x"),
    ("aux .txt", "_aux .txt"),
    ("CONIN$", "_CONIN$"),
    ("COM10", "COM10"),
    ("a.txt:stream", "a.txt_stream"),
    ("trailing...", "trailing"),
    ("trailing   ", "trailing (2)"),
    ("a.pdf . . .", "a.pdf"),
    ("same.txt", "same.txt"),
    ("SAME.TXT", "SAME (2).TXT"),
];

#[test]
fn files_are_saved_in_their_directory_under_harmless_names() {
    let home = Home::new();
    let long = "x".repeat(5_000);
    let names_of = FILES.iter().map(|(name, _)| *name).chain([long.as_str()]);
    let mails: Vec<Vec<u8>> = names_of
        .map(|name| {
            let fields = "From: a@example.org\nSubject: x\nContent-Type: application/pdf";
            format!("{fields}\nContent-Disposition: attachment; filename*=utf-8''{name}\n\n{name:.100}\n").into_bytes()
        })
        .collect();
    let raws: Vec<&[u8]> = mails.iter().map(Vec::as_slice).collect();
    let (maildir, mbox) = (home.path("mail"), home.path("mail.mbox"));
    write_maildir(&maildir, &raws);
    write_mbox(&mbox, &raws);
    let before = names(home.0.path());
    for (place, account) in [("of-maildir", &maildir), ("of-mbox", &mbox)] {
        let directory = home.path("deep").join(place);
        fs::create_dir_all(&directory).unwrap();
        let sql = "SELECT name, content FROM AttachmentContent ORDER BY uid";
        home.stdout(&[account.to_str().unwrap(), "-o", &format!("{}/", directory.display()), "-c", sql]);
        let mut expected: Vec<String> = FILES.iter().map(|(_, file)| (*file).to_owned()).collect();
        expected.push("x".repeat(200));
        expected.sort();
        assert_eq!(names(&directory), expected, "{place}");
        for name in names(&directory) {
            let mode = fs::metadata(directory.join(&name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o111, 0, "{name} can be run");
        }
    }
    assert_eq!(names(&home.path("deep")), ["of-maildir", "of-mbox"], "nothing is beside them");
    let after: Vec<String> = names(home.0.path()).into_iter().filter(|name| name != "deep").collect();
    let added: Vec<&String> = after.iter().filter(|name| !before.contains(name)).collect();
    assert!(added.iter().all(|name| ["cache", "state", "config", "tmp"].contains(&name.as_str())), "{added:?}");
    assert_eq!(fs::read_to_string(home.path("deep/of-maildir/_CON")).unwrap(), "CON\r\n", "each has its own content");
}

/// Of a folder in files: letters that a terminal obeys, line ends, a command of IMAP, a way out of the directory.
const FOLDERS: [&str; 6] =
    ["a\u{1b}[2Jb", "a\r\nb", "a\nA1 DELETE x", "\u{202e}xobni", "\"quoted\" (x)", "'; DROP TABLE x; --"];

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_files_are_shown_harmless_and_found_by_their_names() {
    let home = Home::new();
    let raw = b"From: a@example.org\nSubject: within\n\ntext\n".as_slice();
    let (maildir, mboxes) = (home.path("mail"), home.path("boxes"));
    write_maildir(&maildir, &[raw]);
    fs::create_dir_all(&mboxes).unwrap();
    for folder in FOLDERS {
        write_maildir(&maildir.join(format!(".{folder}")), &[raw]);
        write_mbox(&mboxes.join(format!("{folder}.mbox")), &[raw]);
    }
    for account in [&maildir, &mboxes] {
        let shown = home.stdout(&[account.to_str().unwrap(), "--format", "table", "-c", "SELECT folder FROM Folder"]);
        let obeyed = shown.chars().find(|letter| letter.is_control() && *letter != '\n' || *letter == '\u{202e}');
        assert_eq!(obeyed, None, "{shown:?}");
        let builder = Engine::builder();
        let builder =
            if *account == maildir { builder.maildir("mail", account) } else { builder.mbox("mail", account) };
        let engine = builder.build().unwrap();
        for folder in FOLDERS {
            let sql = "SELECT subject FROM MessagesInFolder WHERE folder = $1";
            let frame =
                engine.sql(sql).await.unwrap().with_param_values(vec![datafusion::common::ScalarValue::from(folder)]);
            let rows = answer::rows(&frame.unwrap().collect().await.unwrap());
            assert_eq!(rows, ["within"], "{folder:?} of {}", account.display());
        }
    }
}

/// A server may give any name to a folder; asked for by that name, it hears one command and nothing of ours besides.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_a_server_whose_name_is_a_command_is_only_a_name() {
    for name in ["a\r\nX9 DELETE INBOX", "a\nb", "a\" (x", "a\\", "{5}", "a\u{1b}[2J", "a\0b"] {
        let wire = name.to_owned();
        let message = Message::new(1, "", "Subject: within\n\ntext\n");
        let server = Script::new()
            .folders(vec![Folder::new(name, vec![message])])
            .on_command(move |command, _, _| {
                let listed = format!("* LIST () \"/\" {{{}}}\r\n{wire}\r\n", wire.len());
                (command.name == "LIST").then(|| vec![Action::send(listed), Action::tagged(command, "OK listed")])
            })
            .start();
        let account = ImapAccount::new("127.0.0.1", "me").password("hunter2").tls(Tls::None).port(server.port());
        let engine = Engine::builder().account("mail", AccountConfig::Imap(account)).build().unwrap();
        let sql = "SELECT folder, subject FROM MessagesInFolder";
        let batches = engine.sql(sql).await.unwrap().collect().await;
        let rows = answer::cells(&batches.unwrap_or_else(|error| panic!("{name:?}: {error}\n{}", server.transcript())));
        assert_eq!(rows, [[name.to_owned(), "within".to_owned()]], "{name:?}\n{}", server.transcript());
        assert_eq!(server.not_reading(), Vec::<String>::new(), "{name:?}\n{}", server.transcript());
        let opened = server.count("EXAMINE");
        assert!(opened >= 1, "{name:?}\n{}", server.transcript());
    }
}
