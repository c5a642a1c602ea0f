//! End-to-end tests, one file a subject.

mod baresip;
mod cli;
mod lamps;
mod modules;
mod sipp;
