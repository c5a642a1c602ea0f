//! A new configuration under live subscriptions.
//!
//! A subscription of an endpoint that did not change hears nothing. One whose endpoint may not
//! subscribe any more, or is gone, ends with `reason=rejected`; one whose context now means another
//! resource watches that, or ends with `reason=noresource`. When a transport is bound elsewhere its
//! phones learn the new address from the Contact of a NOTIFY (RFC 6665 4.4.1); when it closes its
//! subscriptions end with `reason=deactivated`, after which a phone subscribes again at once.

use std::net::SocketAddr;
use std::sync::Arc;

use res_pjsip::config::Endpoint;
use res_pjsip::{Core, Output, Snapshot};

use crate::module::PubSub;
use crate::subscribe::resolve;
use crate::subscription::{Reason, Subscription};

/// What becomes of a subscription.
enum Fate {
    Unchanged,
    /// The endpoint has other options; the flag says whether bodies may look different.
    Endpoint(Arc<Endpoint>, bool),
    End(Reason),
}

impl PubSub {
    /// The configuration has been replaced.
    pub(crate) fn reconfigure(&mut self, core: &mut Core, old: &Snapshot, out: &mut Output) {
        let new = core.snapshot().clone();
        if Arc::ptr_eq(&old.config, &new.config) {
            return;
        }
        let moved: Vec<bool> = transports(old, &new).map(|(old, new)| old != new).collect();
        let is_moved = |subscription: &Subscription| {
            moved.get(usize::from(subscription.peer.transport)).copied().unwrap_or_default()
        };
        let affected = self.subscriptions.iter().filter(|(_, s)| s.is_alive()).filter_map(|(index, s)| {
            let fate = fate(s, &new);
            let is_moved = is_moved(s);
            (is_moved || !matches!(fate, Fate::Unchanged)).then_some((index, fate, is_moved))
        });
        for (index, fate, is_moved) in affected.collect::<Vec<_>>() {
            match fate {
                Fate::Unchanged => {}
                Fate::Endpoint(endpoint, looks_different) => {
                    self.replace_endpoint(index, endpoint, looks_different);
                }
                Fate::End(reason) => self.end_later(index, reason),
            }
            if is_moved {
                self.follow_transport(core, &new, index, out);
            }
        }
    }

    fn replace_endpoint(&mut self, index: u32, endpoint: Arc<Endpoint>, looks_different: bool) {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        let elsewhere = subscription.endpoint.subscribe_context() != endpoint.subscribe_context();
        subscription.endpoint = endpoint;
        if looks_different {
            self.mark_dirty(index);
        }
        if elsewhere {
            self.find_again(index);
        }
    }

    /// Looks up in another context what the phone asked for.
    fn find_again(&mut self, index: u32) {
        let Some(subscription) = self.subscriptions.get(index) else { return };
        // Without its event package nothing can be looked up; the refresh will be refused.
        let Some(package) = self.registry.package(&subscription.event).cloned() else { return };
        let old = subscription.resource;
        let key = resolve(&*package, &subscription.endpoint, subscription.texts.resource());
        let watched = self.resources.get(old).map(|resource| resource.key.clone());
        match key {
            Ok(key) if watched.as_deref() == Some(&*key) => {}
            Ok(key) => {
                // First: the resource is forgotten with its last watcher.
                self.count_watcher(old, -1);
                if self.watch_instead(index, &*package, &key) {
                    self.mark_dirty(index);
                } else {
                    self.count_watcher(old, 1);
                    self.end_later(index, Reason::NoResource);
                }
            }
            Err(_) => self.end_later(index, Reason::NoResource),
        }
    }

    /// Ends a subscription when its turn in the queue comes.
    fn end_later(&mut self, index: u32, reason: Reason) {
        let Some(subscription) = self.subscriptions.get_mut(index) else { return };
        if subscription.ending.is_some() {
            return;
        }
        subscription.ending = Some(reason);
        let resource = subscription.resource;
        self.stats.ended_by_reload.add();
        if reason == Reason::NoResource {
            // The resource lives on, and `remove` takes it for gone.
            self.count_watcher(resource, -1);
        }
        self.mark_dirty(index);
    }

    /// The transport of a subscription has closed or listens elsewhere.
    fn follow_transport(&mut self, core: &mut Core, new: &Snapshot, index: u32, out: &mut Output) {
        let Some(subscription) = self.subscriptions.get_mut(index).filter(|s| s.is_alive()) else { return };
        let peer = subscription.peer;
        let is_open = new.transports.get(usize::from(peer.transport)).is_some_and(|it| it.open);
        if !is_open {
            // At once: the socket is there until this shard has written its packets.
            self.stats.ended_by_reload.add();
            return self.end(core, index, Reason::Deactivated, out);
        }
        let scheme = if subscription.dialog.contact().starts_with(b"<sips:") { "sips" } else { "sip" };
        let contact = core.contact(peer, scheme, subscription.endpoint.contact_user.as_deref());
        if subscription.dialog.relocate(&core.via(peer), &contact).is_ok() {
            self.mark_dirty(index);
        }
    }
}

fn fate(subscription: &Subscription, new: &Snapshot) -> Fate {
    let before = &subscription.endpoint;
    match new.config.endpoints.get(&before.id) {
        Some(endpoint) if Arc::ptr_eq(endpoint, before) => Fate::Unchanged,
        Some(endpoint) if endpoint.allow_subscribe => {
            let looks_different = endpoint.notify_early_inuse_ringing != before.notify_early_inuse_ringing;
            Fate::Endpoint(endpoint.clone(), looks_different)
        }
        _ => Fate::End(Reason::Rejected),
    }
}

/// Where each transport listened and listens.
fn transports<'a>(
    old: &'a Snapshot,
    new: &'a Snapshot,
) -> impl Iterator<Item = (Option<SocketAddr>, Option<SocketAddr>)> + 'a {
    let listens =
        |snapshot: &Snapshot, at: usize| snapshot.transports.get(at).filter(|it| it.open).map(|it| it.local);
    (0..new.transports.len()).map(move |at| (listens(old, at), listens(new, at)))
}
