//! A text that nobody may see by accident: a password.
//!
//! It is overwritten in memory when it is dropped, and no error, log or debug output shows it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A text that is shown only to who asks for it by [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_but_not_shown() {
        assert_eq!(Secret::from("hunter2"), Secret::from("hunter2".to_owned()));
        assert_ne!(Secret::from("hunter2"), Secret::from("hunter3"));
        assert_eq!(format!("{:?}", Some(Secret::from("hunter2"))), "Some(Secret(…))");
    }

    /// Looks at the place in memory where it was.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_secret_is_overwritten_when_it_is_dropped() {
        use std::os::unix::fs::FileExt;

        let memory = std::fs::File::open("/proc/self/mem").unwrap();
        let there = |at: u64| {
            let mut octets = vec![0; LENGTH];
            memory.read_exact_at(&mut octets, at).unwrap();
            octets.windows(PATTERN.len()).filter(|octets| *octets == PATTERN.as_bytes()).count()
        };
        let secret = Secret::from(PATTERN.repeat(LENGTH / PATTERN.len()));
        let copy = secret.clone();
        let places = [&secret, &copy].map(|secret| secret.expose().as_ptr() as u64);
        assert_eq!(places.map(there), [LENGTH / PATTERN.len(); 2]);
        drop((secret, copy));
        assert_eq!(places.map(there), [0; 2]);
    }

    #[cfg(target_os = "linux")]
    const PATTERN: &str = "open sesame 0815";
    /// Not so much that the system takes the memory back at once.
    #[cfg(target_os = "linux")]
    const LENGTH: usize = 32 << 10;
}
