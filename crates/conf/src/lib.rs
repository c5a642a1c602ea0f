//! The language of Asterisk's `.conf` files, with a file, line and column for every error.
//!
//! A [`Loader`] reads a file of the configuration directory, and what it includes, into a
//! [`Config`]: sections of entries, in the order in which they were read. The crate knows the
//! language only, not what any option means.
//!
//! ```
//! let config = conf::Loader::new("/etc/asterisk").parse(
//!     "pjsip.conf",
//!     "[phone](!)\n\
//!      type = endpoint\n\
//!      context = default ; where hints are looked up\n\
//!      [alice](phone)\n\
//!      context = office\n",
//! )?;
//! let alice = config.section("alice").expect("was just written");
//! assert_eq!(alice.value("type"), Some("endpoint"));
//! assert_eq!(alice.value("context"), Some("office"));
//! assert_eq!(alice.get("context").expect("was just written").pos.to_string(), "pjsip.conf:5:1");
//! # Ok::<(), conf::LoadError>(())
//! ```
//!
//! # The language
//!
//! | written | meaning |
//! | --- | --- |
//! | `; text`, `\;` | comment to the end of the line; a literal semicolon |
//! | `;-- text --;` | comment over any number of lines, nestable |
//! | `[name]` | the lines that follow belong to this section |
//! | `[name](!)` | a template: only there to be inherited from |
//! | `[name](a,b)` | starts with copies of all entries of the earlier sections `a`, then `b` |
//! | `[name](+)` | goes on with the first section of that name |
//! | `[name](+type=aor&TEMPLATES=include)` | the same, for the first one whose entries match |
//! | `name = value`, `name => value` | an entry; the same name may come again |
//! | `name += text` | appends to the last value of that name |
//! | `\[name = value` | the first character stands for itself |
//! | `#include f`, `#tryinclude f` | reads files: `f`, `"f"`, `<f>`, a glob; or reads them if there |
//! | `#exec command` | reads what a command prints, if [allowed](Loader::exec) |
//!
//! # Where this is stricter or kinder than Asterisk
//!
//! - Any error fails the load, also one in an included file; all errors are listed, not only the
//!   first. A reload can so keep what it has.
//! - Options after a blank, `[name] (!)`, are an error and not ignored. Other text after a header
//!   is ignored with a warning.
//! - Blanks around section names and in option lists, `( a , b )`, do not count.
//! - A file that includes itself is named as such.
//! - Each file starts anew: byte order mark, line numbers and block comments, in a glob too.

mod comment;
mod config;
mod diagnostic;
mod filter;
mod fingerprint;
mod loader;
mod parser;

pub use config::{Config, Entry, Section, parse_bool};
pub use diagnostic::{Diagnostic, LoadError, Pos, Severity};
pub use fingerprint::Fingerprint;
pub use loader::Loader;
