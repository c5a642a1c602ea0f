//! An event package of its own: `Event: x-notice`, whose resources are boards, whose data are texts,
//! and whose body is `text/plain`. `notice set lobby Fire drill at ten` puts a text on a board, and
//! every phone that has subscribed to `sip:lobby@…` gets it. Boards are there without being made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use module_api::{
    Body, BodyContext, BodyGenerator, CliCommand, EventPackage, Fail, Host, Inputs, Payload, Registrar,
    ResourceQuery, declare_module,
};

const KIND: &str = "x-notice";
const TOPIC: &str = "notices";

/// What the package, the generator and the command share. No static: it goes with the module.
#[derive(Clone)]
struct Boards {
    host: Host,
    notices: Arc<Mutex<HashMap<String, Payload>>>,
}

impl EventPackage for Boards {
    fn event(&self) -> &str {
        "x-notice"
    }
    fn default_media_type(&self) -> &str {
        "text/plain"
    }
    fn data_kind(&self) -> &str {
        KIND
    }
    fn topic(&self) -> &str {
        TOPIC
    }
    fn resolve(&self, query: &ResourceQuery<'_>) -> Result<String, u16> {
        // A phone may ask for any name: what is kept is only what the operator has set.
        if query.resource.is_empty() { Err(404) } else { Ok(query.resource.as_str().to_owned()) }
    }
    fn current(&self, key: &str) -> Result<Payload, Fail> {
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(notices.get(key).cloned().unwrap_or(Payload { kind: KIND.into(), ..Default::default() }))
    }
}

impl BodyGenerator for Boards {
    fn media_type(&self) -> &str {
        "text/plain"
    }
    fn data_kind(&self) -> &str {
        KIND
    }
    fn inputs(&self) -> Inputs {
        Inputs::NONE
    }
    fn generate(&self, cx: &BodyContext<'_>, body: &mut Body) -> Result<(), Fail> {
        body.raw().extend_from_slice(&cx.data.bytes);
        Ok(())
    }
}

impl CliCommand for Boards {
    fn words(&self) -> &str {
        "notice set"
    }
    fn summary(&self) -> &str {
        "Put a notice on a board"
    }
    fn usage(&self) -> &str {
        "Usage: notice set BOARD TEXT...\n"
    }
    fn run(&self, args: &[&str]) -> Result<String, String> {
        let [board, text @ ..] = args else { return Err(String::new()) };
        let notice = {
            let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
            // Grows with every change, also over a reload of this module, which forgets the notices.
            let seq = notices.get(*board).map_or(0, |old| old.seq + 1).max(self.host.now_ms());
            let bytes = text.join(" ").into_bytes().into();
            let notice = Payload { kind: KIND.into(), seq, bytes, ..Default::default() };
            notices.insert((*board).to_owned(), notice.clone());
            notice
        };
        self.host.publish(TOPIC, board, &notice);
        Ok(format!("Notice on {board}\n"))
    }
}

fn load(host: Host, registrar: &mut Registrar) -> Result<(), String> {
    let boards = Boards { host, notices: Arc::default() };
    registrar.package(boards.clone());
    registrar.generator(boards.clone());
    registrar.command(boards);
    Ok(())
}

declare_module! { name: "res_notice_board", description: "Notice boards", requires: ["res_pjsip_pubsub"], priority: 65, support: Extended, load: load }
