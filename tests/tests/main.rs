//! End-to-end tests, one file a subject.

mod lamps;
mod sipp;
mod baresip;
mod modules;
mod cli;
