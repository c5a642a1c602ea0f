//! `res_pjsip_path` (RFC 3327): with it the option tag `path` is understood, so that AORs with
//! `support_path=yes` keep the Path of a REGISTER, and requests to their contacts go that way.

use std::any::Any;

use super::read::PATH;
use crate::core::Core;
use crate::distributor::Request;
use crate::output::Output;
use crate::shard::{Answer, ShardModule};

/// Makes `path` known in one shard; the registrar does the rest.
#[derive(Debug, Default)]
pub struct PathModule;

impl ShardModule for PathModule {
    fn name(&self) -> &'static str {
        "res_pjsip_path"
    }

    fn methods(&self) -> &'static [&'static str] {
        &[]
    }

    fn option_tags(&self) -> &'static [&'static str] {
        &[PATH]
    }

    // It serves no method, sends nothing and is told nothing.
    fn request(&mut self, _: &mut Core, _: &Request<'_>, _: &mut Output) {}
    fn answer(&mut self, _: &mut Core, _: u64, _: Answer, _: &mut Output) {}
    fn timer(&mut self, _: &mut Core, _: u64, _: &mut Output) {}
    fn message(&mut self, _: &mut Core, _: Box<dyn Any + Send>, _: &mut Output) {}
    fn work(&mut self, _: &mut Core, _: usize, _: &mut Output) -> bool {
        false
    }
}
