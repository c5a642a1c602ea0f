//! OPTIONS (RFC 3261 section 11): what this server can do.
//!
//! Answered 200 when the Request-URI has no user, or its user is an extension in the endpoint's
//! `context`; 404 otherwise, as Asterisk does.

use std::any::Any;

use crate::core::Core;
use crate::distributor::Request;
use crate::output::Output;
use crate::shard::{Answer, ShardModule};

/// Serves OPTIONS in one shard.
#[derive(Debug, Default)]
pub struct OptionsModule;

impl ShardModule for OptionsModule {
    fn name(&self) -> &'static str {
        "options"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["OPTIONS"]
    }

    fn request(&mut self, core: &mut Core, request: &Request<'_>, out: &mut Output) {
        if request.in_dialog() {
            return core.refuse(request, 481, out, |_| {});
        }
        let user = request.uri.user_unescaped();
        let extensions = core.snapshot().extensions.as_ref();
        if !user.is_empty() && !extensions.is_some_and(|e| e.exists(&request.endpoint.context, &user)) {
            return core.refuse(request, 404, out, |_| {});
        }
        let tag = core.new_tag();
        let (allow, supported) = (core.allow().to_owned(), core.option_tags().join(", "));
        core.respond(request, 200, Some(&tag), out, |w| {
            w.header("Allow", allow);
            if !supported.is_empty() {
                w.header("Supported", supported);
            }
            w.header("Accept-Encoding", "identity").header("Accept-Language", "en");
        });
    }

    // It sends nothing, waits for nothing and is told nothing.
    fn answer(&mut self, _: &mut Core, _: u64, _: Answer, _: &mut Output) {}
    fn timer(&mut self, _: &mut Core, _: u64, _: &mut Output) {}
    fn message(&mut self, _: &mut Core, _: Box<dyn Any + Send>, _: &mut Output) {}
    fn work(&mut self, _: &mut Core, _: usize, _: &mut Output) -> bool {
        false
    }
}
