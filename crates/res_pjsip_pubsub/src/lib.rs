//! Subscriptions and NOTIFY: RFC 6665 for the event packages that modules bring.
