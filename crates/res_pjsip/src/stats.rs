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
    /// Messages read.
    received => "Packets received",
    /// Messages written.
    sent => "Packets sent",
    /// Packets handed to the shard that owns them.
    handed_over => "Packets handed to another shard",
    /// Packets for another shard that were dropped because its queue was full.
    handover_dropped => "Packets dropped, shard busy",
    /// Datagrams that the system refused to send (unreachable, no buffer).
    send_errors => "Packets that could not be sent",
    /// Messages for connections that were gone or could not be opened.
    undelivered => "Packets without a connection",
    /// Keep-alive packets (CRLF, blanks, WebSocket pings).
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
    /// Requests that have proved whose they are.
    authenticated => "Requests authenticated",
    /// Requests that were asked for a password.
    challenged => "Requests challenged",
    /// Requests with credentials that were wrong.
    auth_failures => "Requests with wrong credentials",
    /// Requests of an endpoint whose access control lists refuse their source or Contact.
    denied => "Requests denied by an ACL",
    /// Hashes computed for all of these.
    hashes => "Hashes for authentication",
    /// Requests answered by an error.
    refused => "Requests refused",
    /// REGISTERs that changed contacts.
    registrations => "Registrations",
    /// Final responses to our requests.
    responses => "Responses",
    /// Our requests that were too long for UDP.
    switched_to_tcp => "Requests switched to TCP",
    /// Those of them that went by UDP after all.
    switched_back => "Requests switched back to UDP",
    /// Copies of our requests.
    retransmissions_out => "Requests sent again",
    /// Our requests that nobody answered.
    timeouts => "Requests never answered",
    /// Our requests that could not be delivered.
    transport_errors => "Requests without a way",
    /// Connections that there are.
    connections => "Connections",
    /// Connections accepted.
    connections_accepted => "Connections accepted",
    /// Connections that we opened.
    connections_opened => "Connections opened",
    /// Connections not accepted because there were too many.
    connections_refused => "Connections refused, too many",
    /// Connections that the system could not give us.
    accepts_failed => "Connections not accepted, system",
    /// Connections that could not be opened.
    connects_failed => "Connections that could not be opened",
    /// TLS or WebSocket handshakes that failed.
    handshakes_failed => "Handshakes failed",
    /// Connections closed without a complete message.
    connections_half_open => "Closed: no complete message",
    /// Connections closed after long silence.
    connections_idle => "Closed: silent",
    /// Connections closed because the peer did not read.
    connections_not_reading => "Closed: peer does not read",
    /// Connections closed because nothing more could be read from them.
    connections_broken => "Closed: no SIP stream",
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
