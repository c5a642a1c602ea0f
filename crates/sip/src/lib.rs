//! SIP without I/O: messages, headers, URIs, transactions, dialogs, timers.
