//! What a server for sending answers, line by line.

use mailql::smtp::reply::Beginning;

pub fn check(data: &[u8]) {
    let mut beginning = Beginning::default();
    for line in data.split_inclusive(|octet| *octet == b'\n') {
        match beginning.take(line) {
            Err(_) => beginning = Beginning::default(),
            Ok(None) => {}
            Ok(Some(reply)) => {
                assert!((200..600).contains(&reply.code) && !reply.lines.is_empty());
                assert_eq!(reply.is_good(), reply.code < 400);
                if let Some(enhanced) = reply.enhanced {
                    assert_eq!(enhanced.0, reply.code / 100, "the class is that of the code");
                }
                let words = reply.words();
                assert!(words.starts_with(&reply.code.to_string()) && words.chars().count() <= 401);
                assert!(!words.chars().any(char::is_control), "{words:?} moves no cursor");
                let said: usize = reply.lines.iter().map(String::len).sum();
                assert!(said <= 3 * data.len(), "it says no more than came");
                // Written again, it is the same.
                let mut again = Beginning::default();
                for (position, text) in (1..).zip(&reply.lines) {
                    let dash = if position == reply.lines.len() { ' ' } else { '-' };
                    let enhanced = reply.enhanced.map(|code| format!("{code} ")).unwrap_or_default();
                    let taken = again.take(format!("{}{dash}{enhanced}{text}\r\n", reply.code).as_bytes());
                    match taken {
                        Ok(Some(same)) => assert_eq!(same, reply),
                        Ok(None) => assert_ne!(position, reply.lines.len()),
                        // What is no UTF-8 is longer when it is text.
                        Err(_) => assert!(said + 20 * reply.lines.len() > 64 << 10),
                    }
                }
            }
        }
    }
}
