//! The text of `pjsip show …` and `pjsip list …`.
//!
//! Pure functions of the configuration and of what a running server knows ([`Runtime`]). `list` has a
//! row for each object, `show` also rows for what belongs to it; a single object comes with all its
//! parameters. Objects are sorted by name, in byte order.
//!
//! ```
//! use res_pjsip::config::PjsipConfig;
//! use res_pjsip::show::{self, Idle, Like, Objects};
//!
//! let config = PjsipConfig::default();
//! let text = show::list(Objects::Endpoints, &config, &Idle, &Like::all());
//! assert_eq!(text, "No objects found.\n\n");
//! assert_eq!(
//!     show::one(Objects::Aors, &config, &Idle, "alice"),
//!     Err("Unable to find object alice.\n\n".to_owned())
//! );
//! ```

mod layout;
mod live;
mod object;
mod rows;
mod runtime;

use regex_lite::Regex;

use crate::config::PjsipConfig;
pub use crate::location::ContactStatus;
pub use live::Live;
use object::Object;
use rows::Rows;
pub use runtime::{Contact, Idle, Runtime};

/// What `like <regex>` lets through: everything, unless it is given.
#[derive(Clone, Debug)]
pub struct Like(Option<Regex>);

impl Like {
    /// Everything.
    pub fn all() -> Self {
        Self(None)
    }

    /// Objects in whose name `regex` is found.
    ///
    /// # Errors
    /// `regex` is no regular expression; the error says where.
    pub fn new(regex: &str) -> Result<Self, regex_lite::Error> {
        Regex::new(regex).map(|regex| Self(Some(regex)))
    }

    /// Whether an object of this name is let through.
    pub fn matches(&self, id: &str) -> bool {
        self.0.as_ref().is_none_or(|regex| regex.is_match(id))
    }
}

/// A kind of object that can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objects {
    /// Endpoints.
    Endpoints,
    /// Addresses of record.
    Aors,
    /// Credentials.
    Auths,
    /// Transports.
    Transports,
    /// Identifies.
    Identifies,
    /// Contacts.
    Contacts,
}

impl Objects {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Aors, Self::Auths, Self::Contacts, Self::Endpoints, Self::Identifies, Self::Transports];

    /// The word for many of them: `pjsip show endpoints`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Endpoints => "endpoints",
            Self::Aors => "aors",
            Self::Auths => "auths",
            Self::Transports => "transports",
            Self::Identifies => "identifies",
            Self::Contacts => "contacts",
        }
    }

    /// The word for one of them: `pjsip show endpoint alice`.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Identifies => "identify",
            other => other.plural().trim_end_matches('s'),
        }
    }

    /// The names of all objects of this kind, sorted: what a command line completes.
    pub fn ids(self, config: &PjsipConfig, runtime: &dyn Runtime) -> Vec<String> {
        let objects = Object::all(self, config, runtime);
        objects.iter().map(|object| object.id().to_owned()).collect()
    }
}

/// `pjsip list <plural> [like <regex>]`: one row an object.
pub fn list(objects: Objects, config: &PjsipConfig, runtime: &dyn Runtime, like: &Like) -> String {
    many(objects, config, runtime, like, false)
}

/// `pjsip show <plural> [like <regex>]`: each object with what belongs to it.
pub fn all(objects: Objects, config: &PjsipConfig, runtime: &dyn Runtime, like: &Like) -> String {
    many(objects, config, runtime, like, true)
}

/// `pjsip show <singular> <id>`: one object with what belongs to it and its parameters.
///
/// # Errors
///
/// There is none of that name: the text that says so.
pub fn one(
    objects: Objects,
    config: &PjsipConfig,
    runtime: &dyn Runtime,
    id: &str,
) -> Result<String, String> {
    let all = Object::all(objects, config, runtime);
    let Some(object) = all.iter().find(|object| object.id() == id) else {
        return Err(format!("Unable to find object {id}.\n\n"));
    };
    let mut rows = Rows::new(config, runtime);
    object.add_to(&mut rows, true);
    Ok(layout::single(&object::heads(objects, true), &rows.text, &object.parameters(runtime)))
}

/// `pjsip show settings`: the parameters of the global and the system object.
pub fn settings(config: &PjsipConfig) -> String {
    let global = layout::table(&config.global.options.shown());
    let system = layout::table(&config.system.options.shown());
    format!("\nGlobal Settings:\n\n{global}\nSystem Settings:\n\n{system}")
}

/// Limits of connections, for below the settings: options of `[system]` that Asterisk does not have.
pub fn connection_settings(config: &PjsipConfig) -> String {
    let names = [
        "connection_idle_timeout",
        "connection_message_timeout",
        "max_connections",
        "max_connections_per_address",
    ];
    let rows: Vec<_> =
        names.iter().map(|name| (*name, config.system.options.number(name).to_string())).collect();
    format!("\nConnection Settings:\n\n{}", layout::table(&rows))
}

fn many(
    objects: Objects,
    config: &PjsipConfig,
    runtime: &dyn Runtime,
    like: &Like,
    with_parts: bool,
) -> String {
    let mut wanted = Object::all(objects, config, runtime);
    wanted.retain(|object| like.matches(object.id()));
    let mut rows = Rows::new(config, runtime);
    for object in &wanted {
        object.add_to(&mut rows, with_parts);
    }
    layout::page(&object::heads(objects, with_parts), &rows.text, wanted.len())
}

#[cfg(test)]
mod tests;
