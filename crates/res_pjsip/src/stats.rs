//! Counters of a shard, read by `pjsip show stats`.

use std::sync::atomic::{AtomicU64, Ordering};

/// Declares a struct of [`Counter`]s, each with the words by which an operator sees it.
#[macro_export]
macro_rules! counters {
    ($(#[doc = $about:literal])+ $type:ident, $($(#[doc = $doc:literal])+ $name:ident => $text:literal,)+) => {
        $(#[doc = $about])+
        #[derive(Debug, Default)]
        pub struct $type {
            $($(#[doc = $doc])+ pub $name: $crate::Counter,)+
        }

        impl $type {
            /// Name (as shown to an operator) and value of each counter.
            pub fn values(&self) -> Vec<(&'static str, u64)> {
                vec![$(($text, self.$name.get()),)+]
            }
        }
    };
}

counters! {
    /// Counters of one shard. Only the shard writes, so counting costs next to nothing.
    Stats,
    /// Datagrams read.
    received => "Packets received",
    /// Datagrams written.
    sent => "Packets sent",
    /// Packets handed to the shard that owns them.
    handed_over => "Packets handed to another shard",
    /// Packets for another shard that were dropped because its queue was full.
    handover_dropped => "Packets dropped, shard busy",
    /// Datagrams that the system refused to send (unreachable, no buffer).
    send_errors => "Packets that could not be sent",
    /// Keep-alive packets (CRLF, blanks).
    keep_alives => "Keep-alive packets",
    /// Packets that came before all modules were loaded.
    before_boot => "Dropped: not fully booted",
    /// Datagrams that are no SIP message.
    garbage => "Dropped: not a SIP message",
    /// Messages whose headers do not allow an answer.
    unanswerable => "Dropped: no answer possible",
    /// Responses that belong to no transaction of ours.
    stray_responses => "Dropped: response to nothing",
    /// ACK requests outside any INVITE.
    stray_acks => "Dropped: ACK to nothing",
    /// Requests handled.
    requests => "Requests",
    /// Copies of requests that were answered before.
    retransmissions_in => "Requests seen again",
    /// Requests of nobody we know.
    unidentified => "Requests without endpoint",
    /// Requests answered by an error.
    refused => "Requests refused",
    /// REGISTERs that changed contacts.
    registrations => "Registrations",
    /// Final responses to our requests.
    responses => "Responses",
    /// Copies of our requests.
    retransmissions_out => "Requests sent again",
    /// Our requests that nobody answered.
    timeouts => "Requests never answered",
}

/// A number of things that happened, or that there are. One thread writes, any may read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn add(&self) {
        self.add_many(1);
    }

    /// Takes one away.
    pub fn subtract(&self) {
        self.0.store(self.0.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
    }

    /// Adds `count`.
    pub fn add_many(&self, count: u64) {
        // One writer: a plain load and store is enough, and cheaper than a locked add.
        self.0.store(self.0.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }

    /// The value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
