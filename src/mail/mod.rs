//! What mail is: messages, their headers and parts, and the two seams: to where mail is kept, and the way out.
//!
//! Pure but for the seam's signatures: nothing here opens a file, a connection or a terminal, and
//! nothing knows SQL. Start at [`store`] (what a backend must do), then [`message`];
//! [`draft`] and [`outbox`] are for sending.

pub mod address;
pub mod body;
pub mod budget;
pub mod charset;
pub mod content;
pub mod date;
pub mod draft;
pub mod encoded_word;
pub mod fetch;
pub mod flag;
pub mod folder;
pub mod header;
pub mod html;
pub mod mailbox;
pub mod message;
pub mod mutf7;
pub mod outbox;
pub mod parameter;
pub mod part;
pub mod search;
pub mod search_text;
pub mod server_search;
pub mod snapshots;
pub mod store;
pub mod structure;
pub mod transfer;
pub mod uid;

pub use budget::Budget;
pub use draft::{Draft, Enclosure, Priority};
pub use fetch::{Fetch, HeaderFetch};
pub use flag::{Flag, Flags};
pub use folder::{Folder, FolderPattern, Role, StatusItems};
pub use header::Header;
pub use mailbox::Mailbox;
pub use message::Message;
pub use outbox::{Filing, Outbox, Outcome, Outgoing};
pub use part::{Part, PartNumber};
pub use search::SearchKey;
pub use search_text::{SearchText, TextField};
pub use server_search::ServerSearch;
pub use store::{FolderScan, MailStore, Meter, Sieve, Statement, Terms};
pub use uid::{Uid, UidSet, UidValidity};
