//! SIP without I/O: messages, headers, URIs, transactions, dialogs, timers.

mod address;
mod convert;
mod date;
mod event;
mod grammar;
mod media;
mod message;
mod name;
mod param;
mod reason;
mod refuse;
mod response;
mod scan;
mod start_line;
mod stream;
mod uri;
mod uri_equality;
mod via;
mod writer;

pub use address::NameAddrRef;
pub use event::EventRef;
pub use grammar::{SyntaxError, unfold};
pub use media::{AcceptRef, MediaRef};
pub use message::{CSeq, HeaderError, RawMessage, RequestLine};
pub use name::HeaderName;
pub use param::{Param, Params};
pub use reason::reason_phrase;
pub use refuse::Refusal;
pub use response::{ResponseHead, response};
pub use scan::{MAX_LINE, MAX_LINES, MAX_MESSAGE, ScanError, Scanner};
pub use stream::{StreamDecoder, StreamEvent};
pub use uri::{Scheme, UriRef};
pub use via::{MAGIC_COOKIE, ViaRef};
pub use writer::{WriteError, Writer};
