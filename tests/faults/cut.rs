//! A line that is cut, at whatever octet.

use crate::server::proxy::Proxy;
use crate::{STATEMENTS, engine, rows, script};

#[tokio::test(flavor = "multi_thread")]
async fn statements_give_what_they_should_when_nothing_is_cut() {
    for (name, sql, expected) in STATEMENTS {
        let server = script().start();
        assert_eq!(rows(&engine(server.port()).await, sql).await.unwrap(), expected, "{name}");
        assert!(server.is_clean(), "{name}: {:?}", server.not_reading());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_anywhere_is_an_error_or_the_full_answer() {
    for few in [true, false] {
        for (place, (name, sql, expected)) in STATEMENTS.into_iter().enumerate() {
            let server = if few { script().capabilities("IMAP4rev1") } else { script() }.start();
            let whole = Proxy::before(server.port()).start();
            rows(&engine(whole.port()).await, sql).await.unwrap();
            let octets = whole.counts().from_server;
            let mut full = 0;
            for cut in (place as u64 % STEP..octets + STEP).step_by(STEP as usize) {
                let proxy = Proxy::before(server.port()).cut_after(cut).start();
                match rows(&engine(proxy.port()).await, sql).await {
                    Ok(rows) => {
                        assert_eq!(rows, expected, "{name} cut after {cut} octets:\n{}", proxy.transcript());
                        full += 1;
                    }
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
            assert!(full < 9, "{name}: {full} of {octets} octets were not needed");
            assert!(server.is_clean(), "{name}: {:?}", server.not_reading());
        }
    }
}

/// A prime, so that no regular line is cut at the same place only.
const STEP: u64 = 29;
