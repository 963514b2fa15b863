//! All of the sample mailbox: what each source brings.
//!
//! It only calls; the words are in the modules it names.

use chrono::{DateTime, Utc};

use super::post::Post;
use super::{
    Mail, junk, newsletters, oddities, orders, receipts, talk, talks_apollo, talks_home, talks_recent, talks_shop,
};

/// The mails as seen at `today`, in no particular order.
pub(super) fn mails(today: DateTime<Utc>) -> Vec<Mail> {
    let mut post = Post::new(today);
    for talks in [talks_apollo::TALKS, talks_shop::TALKS, talks_home::TALKS, talks_recent::TALKS] {
        for conversation in talks {
            talk::post(conversation, &mut post);
        }
    }
    orders::post(&mut post);
    newsletters::post(&mut post);
    receipts::post(&mut post);
    junk::post(&mut post);
    oddities::post(&mut post);
    post.mails
}
