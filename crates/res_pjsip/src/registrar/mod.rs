//! REGISTER (RFC 3261, 10.3; RFC 3327 for Path): the registrar in one shard.
//!
//! A REGISTER changes the contacts of one AOR at once; its 200 leaves when the change is in the
//! store. Meanwhile the request is [held](crate::held::HeldRequest), and the shard goes on.

mod bindings;
#[cfg(test)]
mod bindings_tests;
mod path;
mod read;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use store::WriteError;

pub use path::PathModule;

use crate::config::Aor;
use crate::core::Core;
use crate::distributor::{Request, note_refusal};
use crate::held::HeldRequest;
use crate::location::{Contact, Location};
use crate::output::Output;
use crate::shard::{Answer, ShardModule};
use bindings::Wish;
use read::{PATH, Unserved};

/// The name by which shards know this module.
pub(crate) const NAME: &str = "res_pjsip_registrar";

/// Seconds until a REGISTER is tried again that the disk was too slow for.
const RETRY_AFTER: u32 = 10;

/// Sends a message to this module in the shard of a number, from any thread.
pub(crate) type Post = Arc<dyn Fn(u16, Box<dyn Any + Send>) + Send + Sync>;

/// What a REGISTER promised is in the store, or is not.
struct Stored {
    request: HeldRequest,
    aor: Arc<Aor>,
    path: String,
    result: Result<(), WriteError>,
}

/// Serves REGISTER in one shard.
pub(crate) struct Registrar {
    location: Arc<Location>,
    post: Post,
}

impl Registrar {
    /// The registrar of a location service.
    pub(crate) fn new(location: Arc<Location>, post: Post) -> Self {
        Self { location, post }
    }

    fn register(&self, core: &Core, request: &Request<'_>) -> Result<(), Unserved> {
        if request.in_dialog() {
            return Err(Unserved::new(481, "no such dialog"));
        }
        let config = core.snapshot().config.clone();
        let aor = read::aor(&config, request)?;
        if aor.max_contacts == 0 {
            return Err(Unserved::new(403, format!("AOR '{}' has max_contacts=0", aor.id)));
        }
        let registration = read::registration(core, request, &aor, self.location.now())?;
        let held = HeldRequest::new(request);
        let (post, shard, path) = (self.post.clone(), core.id(), registration.path.clone());
        let plan = |current: &[_]| bindings::register(&aor, current, &registration);
        let wanted = aor.clone();
        let done = move |result| post(shard, Box::new(Stored { request: held, aor: wanted, path, result }));
        self.location.register(&aor.id, plan, done).map_err(|refused| {
            let status = match refused {
                bindings::Refused::TooMany { .. } => 403,
                bindings::Refused::OutOfOrder { .. } => 500,
            };
            Unserved::new(status, format!("AOR '{}': {refused}", aor.id))
        })?;
        if registration.wish != Wish::Query {
            core.stats().registrations.add();
        }
        Ok(())
    }

    /// The answer to a REGISTER whose outcome is known.
    fn conclude(&self, core: &mut Core, stored: &Stored, request: &Request<'_>, out: &mut Output) {
        match &stored.result {
            Ok(()) => self.accept(core, stored, request, out),
            Err(error) => {
                let status = if *error == WriteError::QueueFull { 503 } else { 500 };
                note_refusal(
                    request,
                    Some(&request.endpoint),
                    &format!("it cannot be stored: {error}"),
                    status,
                );
                core.refuse(request, status, out, |w| {
                    if status == 503 {
                        w.header("Retry-After", RETRY_AFTER.to_string());
                    }
                });
            }
        }
    }

    fn accept(&self, core: &mut Core, stored: &Stored, request: &Request<'_>, out: &mut Output) {
        let now = self.location.now();
        let contacts = self.location.contacts_of(&stored.aor.id);
        let contacts = contacts.iter().map(|it| &it.contact).filter(|contact| !contact.has_expired(now));
        let lines: Vec<_> = contacts.map(|contact| contact_line(contact, now)).collect();
        let expires = request.message.expires().ok().flatten().map(|asked| match asked {
            0 => 0,
            asked => asked.min(stored.aor.maximum_expiration).max(stored.aor.minimum_expiration),
        });
        let tag = core.new_tag();
        core.respond(request, 200, Some(&tag), out, |w| {
            w.header("Date", date(now));
            for line in &lines {
                w.header("Contact", line);
            }
            if let Some(expires) = expires {
                w.header("Expires", expires.to_string());
            }
            if !stored.path.is_empty() {
                w.header("Supported", PATH).header("Path", &stored.path);
            }
        });
    }
}

/// A contact as its phone wrote it, with the time that it has left.
fn contact_line(contact: &Contact, now: u64) -> String {
    let uri = sip::UriRef::parse(contact.uri.as_bytes())
        .map_or(Cow::Borrowed(&*contact.uri), |uri| Cow::Owned(sip::restore_uri(&uri).into_owned()));
    match contact.expires_at {
        None => format!("<{uri}>"),
        Some(end) => format!("<{uri}>;expires={}", end.saturating_sub(now)),
    }
}

/// The form of RFC 3261, 20.17.
fn date(now: u64) -> String {
    let time = i64::try_from(now).ok().and_then(|now| Timestamp::from_second(now).ok()).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

impl ShardModule for Registrar {
    fn name(&self) -> &'static str {
        NAME
    }

    fn methods(&self) -> &'static [&'static str] {
        &["REGISTER"]
    }

    fn request(&mut self, core: &mut Core, request: &Request<'_>, out: &mut Output) {
        if let Err(Unserved { status, why }) = self.register(core, request) {
            note_refusal(request, Some(&request.endpoint), &why, status);
            core.refuse(request, status, out, |_| {});
        }
    }

    fn message(&mut self, core: &mut Core, message: Box<dyn Any + Send>, out: &mut Output) {
        if let Ok(stored) = message.downcast::<Stored>() {
            stored.request.with(|request| self.conclude(core, &stored, request, out));
        }
    }

    // It sends no requests, and contacts expire elsewhere (see `qualify`).
    fn answer(&mut self, _: &mut Core, _: u64, _: Answer, _: &mut Output) {}
    fn timer(&mut self, _: &mut Core, _: u64, _: &mut Output) {}
    fn work(&mut self, _: &mut Core, _: usize, _: &mut Output) -> bool {
        false
    }
}
