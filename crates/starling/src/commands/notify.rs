//! `pjsip send notify TYPE endpoint|uri PEER...`.

use std::sync::{Arc, Mutex};

use cli::{CommandGuard, Invocation, Outcome, command};
use res_pjsip::Pjsip;
use res_pjsip::config::PjsipConfig;
use res_pjsip::location::Contact;
use res_pjsip::notify::{Notify, NotifyModule, Template, Templates};
use sip::UriRef;

use crate::server::{Server, lock};

type Kinds = Arc<Mutex<Arc<Templates>>>;

/// Registers the command.
pub(crate) fn register(server: &Arc<Server>, templates: &Kinds) -> CommandGuard {
    let (run, names) = (server.clone(), server.clone());
    let (kinds, known) = (templates.clone(), templates.clone());
    server.cli.register(
        command(
            "pjsip send notify",
            "Send a NOTIFY of pjsip_notify.conf to phones",
            "Usage: pjsip send notify TYPE endpoint ENDPOINT [ENDPOINT...]\n       \
             pjsip send notify TYPE uri URI [URI...]\n       \
             Sends the NOTIFY of the section TYPE of pjsip_notify.conf to all contacts of endpoints, or to\n       \
             URIs. What they answer is in the log.\n",
            move |cx| send(cx, &run, &kinds),
        )
        .completing(move |args, _| match args {
            [] => lock(&known).keys().map(ToString::to_string).collect(),
            [_] => vec!["endpoint".to_owned(), "uri".to_owned()],
            [_, how, ..] if how == "endpoint" => names.pjsip.get().map_or_else(Vec::new, |pjsip| {
                pjsip.snapshot().config.endpoints.keys().map(ToString::to_string).collect()
            }),
            _ => Vec::new(),
        }),
    )
}

fn send(cx: &mut Invocation<'_>, server: &Server, kinds: &Kinds) -> Outcome {
    let args: Vec<_> = cx.args.iter().map(String::as_str).collect();
    let (kind, how, peers) = match args[..] {
        [kind, how @ ("endpoint" | "uri"), ref peers @ ..] if !peers.is_empty() => (kind, how, peers),
        [_, "channel", ..] => {
            cx.print("This server has no channels\n");
            return Outcome::Failure;
        }
        _ => return Outcome::ShowUsage,
    };
    let Some(template) = lock(kinds).get(kind).cloned() else {
        cx.print(&format!("pjsip_notify.conf has no type '{kind}'\n"));
        return Outcome::Failure;
    };
    let Some(pjsip) = server.pjsip.get() else { return Outcome::Failure };
    let mut well = true;
    for peer in peers {
        let config = pjsip.snapshot().config.clone();
        let result = match how {
            "endpoint" => to_endpoint(&pjsip, &config, &template, peer),
            _ => to_uri(&config, &template, peer).map(|notify| vec![notify]),
        };
        match result {
            Ok(notifies) => {
                cx.print(&format!("Sending NOTIFY of type '{kind}' to '{peer}'\n"));
                dispatch(&pjsip, notifies);
            }
            Err(error) => {
                cx.print(&format!("{error}\n"));
                well = false;
            }
        }
    }
    if well { Outcome::Success } else { Outcome::Failure }
}

/// A NOTIFY to each contact of an endpoint.
fn to_endpoint(
    pjsip: &Pjsip,
    config: &PjsipConfig,
    template: &Arc<Template>,
    id: &str,
) -> Result<Vec<Notify>, String> {
    let endpoint = config.endpoints.get(id).ok_or_else(|| format!("There is no endpoint '{id}'"))?;
    let notify = |contact: &Contact| Notify {
        template: template.clone(),
        endpoint: endpoint.clone(),
        from_user: endpoint.id.clone(),
        uri: (&*contact.uri).into(),
        flow: contact.flow,
    };
    let bindings = endpoint.aors.iter().map(|aor| pjsip.location().contacts_of(aor));
    let notifies: Vec<_> =
        bindings.flat_map(|all| all.iter().map(|it| notify(&it.contact)).collect::<Vec<_>>()).collect();
    if notifies.is_empty() {
        return Err(format!("Endpoint '{id}' has no contact"));
    }
    Ok(notifies)
}

/// A NOTIFY to a bare URI, by the options of `default_outbound_endpoint`.
fn to_uri(config: &PjsipConfig, template: &Arc<Template>, uri: &str) -> Result<Notify, String> {
    let global = &config.global;
    let endpoint = config.endpoints.get(&global.default_outbound_endpoint).ok_or_else(|| {
        format!("There is no endpoint '{}' (default_outbound_endpoint)", global.default_outbound_endpoint)
    })?;
    let bare = uri.strip_prefix('<').and_then(|uri| uri.strip_suffix('>')).unwrap_or(uri);
    match UriRef::parse(bare.as_bytes()) {
        Ok(parsed) if parsed.is_sip() => {}
        _ => return Err(format!("'{uri}' is not a SIP URI")),
    }
    let from_user = global.default_from_user.clone();
    Ok(Notify {
        template: template.clone(),
        endpoint: endpoint.clone(),
        from_user,
        uri: bare.into(),
        flow: None,
    })
}

/// Spreads NOTIFYs over the shards.
fn dispatch(pjsip: &Pjsip, notifies: Vec<Notify>) {
    for (at, notify) in notifies.into_iter().enumerate() {
        let shard = (at % pjsip.shard_count()) as u16;
        pjsip.send_to_shard(shard, NotifyModule::NAME, Box::new(notify));
    }
}
