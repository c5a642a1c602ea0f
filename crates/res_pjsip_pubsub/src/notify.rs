//! NOTIFY: sending the newest state, and what its answer means (RFC 6665 4.2.2).
//!
//! A subscription has at most one NOTIFY in flight. What changes meanwhile marks it dirty; when the
//! answer comes, the newest state goes out.

use std::io::Write;

use res_pjsip::config::Global;
use res_pjsip::{Answer, Core, Output};
use sip::Millis;

use crate::body::NoBody;
use crate::module::{PubSub, TimerKind};
use crate::service::NotifyAnswer;
use crate::subscription::{Reason, Subscription};

/// Answers that mean that the phone knows nothing of the subscription (RFC 6665 4.2.2, RFC 5057).
fn ends_subscription(status: u16) -> bool {
    matches!(status, 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604)
}

/// Longest Retry-After that is waited for; a phone that asks for more is notified by its refresh.
const MAX_RETRY_AFTER: u32 = 3600;

impl PubSub {
    /// Makes sure that the phone hears of the newest state: at the next turn of the queue, or when
    /// the NOTIFY in flight is answered.
    pub(crate) fn mark_dirty(&mut self, index: u32) {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        subscription.dirty = true;
        if !subscription.is_busy() && !subscription.queued && !subscription.ended {
            subscription.queued = true;
            self.queue.push_back((index, subscription.generation));
        }
    }

    /// Ends a subscription with a last NOTIFY.
    pub(crate) fn end(&mut self, core: &mut Core, index: u32, reason: Reason, out: &mut Output) {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        if subscription.ending.is_some() {
            return;
        }
        subscription.ending = Some(reason);
        subscription.dirty = true;
        if !subscription.is_busy() {
            self.notify(core, index, out);
        }
    }

    /// Sends the newest state now, if there is a way to the phone. Only called when no NOTIFY is in
    /// flight.
    pub(crate) fn notify(&mut self, core: &mut Core, index: u32, out: &mut Output) {
        if !self.has_way(core, index) {
            return;
        }
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        let Some(resource) = self.resources.get(subscription.resource) else { return };
        let body = match self.bodies.make(&self.registry, subscription, &resource.payload) {
            Ok(body) => Some(body),
            Err(why) => {
                self.stats.bodies_failed.add();
                log_no_body(subscription, &why);
                subscription.waiting = why == NoBody::NoGenerator;
                // The first and the last NOTIFY go out whatever happens, at worst without a body.
                if subscription.ending.is_none() && subscription.version > 0 {
                    subscription.dirty = false;
                    return;
                }
                None
            }
        };
        let global = core.snapshot().config.global.clone();
        let headers =
            Headers { allow_events: self.registry.allow_events(), global: &global, now: core.now() };
        let (peer, token) = (subscription.peer, super::module::token(index, subscription.generation));
        let sent = core.send_request(peer, token, out, |bytes, branch| {
            write_notify(bytes, branch, subscription, &headers, body)
        });
        match sent {
            Ok(()) => {
                self.stats.notifies.add();
                subscription.notified_at = core.now();
                subscription.answer = NotifyAnswer::None;
                subscription.in_flight = true;
                subscription.dirty = false;
                subscription.version = subscription.version.wrapping_add(1);
                subscription.ended = subscription.ending.is_some();
            }
            Err(error) => {
                tracing::warn!("No NOTIFY for '{}' could be written: {error}", subscription.texts.resource());
                self.remove(index);
            }
        }
    }

    /// The answer to a NOTIFY.
    pub(crate) fn notify_answered(&mut self, core: &mut Core, index: u32, answer: Answer, out: &mut Output) {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        subscription.in_flight = false;
        subscription.answer = match answer.status {
            _ if answer.undelivered => NotifyAnswer::Undelivered,
            _ if answer.timed_out => NotifyAnswer::TimedOut,
            status => NotifyAnswer::Status(status),
        };
        let accepted = (200..300).contains(&answer.status);
        let counter = if accepted { &self.stats.notifies_accepted } else { &self.stats.notifies_failed };
        counter.add();
        // Nobody there, or nobody who can: the next address may do better (RFC 3263 4.3).
        if (answer.timed_out || answer.status == 503)
            && let Some(next) = subscription.alternatives.pop()
        {
            self.stats.failed_over.add();
            self.set_flow(core, index, next);
            return self.notify(core, index, out);
        }
        if subscription.ended {
            return self.remove(index);
        }
        // Nobody answers by a connection: it leads nowhere, but the phone may come back by another.
        let reliable = core.snapshot().protocol(subscription.peer).is_reliable();
        if answer.undelivered || (answer.timed_out && reliable) {
            return self.undelivered(core, index, out);
        }
        if !accepted {
            let status = answer.status;
            let gone = answer.timed_out
                || (ends_subscription(status) && answer.retry_after.is_none())
                || status == 481;
            tracing::debug!(
                "NOTIFY to endpoint '{}' for '{}' answered {status}{}",
                subscription.endpoint.id,
                subscription.texts.resource(),
                if answer.timed_out { " (nobody answered)" } else { "" }
            );
            if gone {
                self.stats.ended_by_answer.add();
                return self.remove(index);
            }
            if let Some(seconds) = answer.retry_after {
                let at = core.now() + Millis::from(seconds.clamp(1, MAX_RETRY_AFTER)) * 1000;
                let token = super::module::timer_token(TimerKind::Retry, index, subscription.generation);
                core.arm(at, token);
                // An ending does not wait: the phone asked for time, not for eternity.
                if subscription.ending.is_none() {
                    subscription.dirty = false;
                    return;
                }
            }
        }
        if subscription.dirty && !subscription.locating {
            self.notify(core, index, out);
        }
    }
}

struct Headers<'a> {
    allow_events: &'a str,
    global: &'a Global,
    now: Millis,
}

/// Writes the whole request, headers in Asterisk's order.
fn write_notify(
    bytes: &mut Vec<u8>,
    branch: &[u8],
    subscription: &mut Subscription,
    headers: &Headers<'_>,
    body: Option<&[u8]>,
) -> std::io::Result<()> {
    subscription.dialog.write_request(bytes, "NOTIFY", branch);
    write!(bytes, "Event: {}\r\nSubscription-State: ", subscription.texts.event_header())?;
    match subscription.ending {
        Some(reason) => write!(bytes, "terminated;reason={}\r\n", reason.as_str())?,
        None => write!(bytes, "active;expires={}\r\n", subscription.seconds_left(headers.now))?,
    }
    if !headers.allow_events.is_empty() {
        write!(bytes, "Allow-Events: {}\r\n", headers.allow_events)?;
    }
    write!(bytes, "Max-Forwards: {}\r\n", headers.global.max_forwards)?;
    if !headers.global.user_agent.is_empty() {
        write!(bytes, "User-Agent: {}\r\n", headers.global.user_agent)?;
    }
    match body {
        Some(body) => {
            write!(
                bytes,
                "Content-Type: {}\r\nContent-Length: {:>5}\r\n\r\n",
                subscription.media_type,
                body.len()
            )?;
            bytes.extend_from_slice(body);
        }
        None => bytes.extend_from_slice(b"Content-Length:  0\r\n\r\n"),
    }
    Ok(())
}

fn log_no_body(subscription: &Subscription, why: &NoBody) {
    let (media_type, resource) = (&subscription.media_type, subscription.texts.resource());
    match why {
        NoBody::NoGenerator => tracing::debug!("No module makes {media_type}: '{resource}' waits for one"),
        NoBody::Failed(fail) => {
            tracing::error!("The body generator for {media_type} failed on '{resource}': {fail:?}")
        }
        NoBody::TooLong(length) => {
            tracing::error!("The {media_type} body of '{resource}' has {length} bytes and is not sent");
        }
    }
}
