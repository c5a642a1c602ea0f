//! `pjsip reload`, `pjsip show|list …`, `pjsip set logger`, `pjsip show stats`, `pjsip show subscriptions`.

use std::net::IpAddr;
use std::sync::Arc;

use cli::{Cli, CommandGuard, Invocation, Outcome, command};
use dialplan::Hints;
use res_pjsip::config::PjsipConfig;
use res_pjsip::show::{self, Like, Live, Objects};
use res_pjsip::{Pjsip, TraceFilter};
use res_pjsip_pubsub::{PubSubService, SubscriptionInfo, list_subscriptions, show_subscriptions};

use super::{no_arguments, print};
use crate::server::Server;

/// The commands of `res_pjsip`.
pub(crate) fn register(server: &Arc<Server>, pjsip: &Arc<Pjsip>) -> Vec<CommandGuard> {
    let cli = &server.cli;
    let mut guards = Vec::new();
    for objects in Objects::ALL {
        guards.extend(listings(server, pjsip, objects));
    }
    let (settings, logger, stats, everything) = (pjsip.clone(), pjsip.clone(), pjsip.clone(), server.clone());
    let reloaded = server.clone();
    guards.push(cli.register(command(
        "pjsip reload",
        "Read pjsip.conf again",
        "Usage: pjsip reload\n       Reads pjsip.conf and acl.conf again, all of it or nothing: a file with an error\n       \
         changes nothing. Subscriptions stay, but those whose endpoint may not subscribe any more.\n",
        move |cx| match no_arguments(cx) {
            Ok(()) => reload(cx, &reloaded),
            Err(outcome) => outcome,
        },
    )));
    guards.push(cli.register(command(
        "pjsip show settings",
        "Show the options of [global] and [system], and the limits of connections",
        "Usage: pjsip show settings\n",
        move |cx| {
            let config = settings.snapshot().config.clone();
            print(cx, &(show::settings(&config) + &show::connection_settings(&config)))
        },
    )));
    let identifiers = pjsip.clone();
    guards.push(cli.register(command(
        "pjsip show identifiers",
        "Show who tells whose requests are, in order",
        "Usage: pjsip show identifiers\n       The endpoint identifiers in the order in which they are asked.\n",
        move |cx| {
            let snapshot = identifiers.snapshot();
            let names = snapshot.identifiers.names().map(|name| format!("{name:<20}\n"));
            let text = format!("{:<20}\n{}", "Identifier Names:", names.collect::<String>());
            print(cx, &text)
        },
    )));
    guards.push(cli.register(command(
        "pjsip set logger {on|off|host}",
        "Show SIP packets on the console",
        "Usage: pjsip set logger on|off\n       pjsip set logger host ADDRESS [ADDRESS...]\n       \
         Shows all SIP packets, none, or those from and to the addresses.\n",
        move |cx| set_logger(cx, &logger),
    )));
    guards.push(cli.register(command(
        "pjsip show stats",
        "Show counters of packets and subscriptions",
        "Usage: pjsip show stats\n       Shows what has been received, sent, dropped, refused and counted.\n",
        move |cx| {
            let mut counters = stats.stats();
            counters.extend(everything.pubsub.get().map(|pubsub| pubsub.stats()).unwrap_or_default());
            let lines = counters.iter().map(|(name, value)| format!("  {name:<40}: {value}\n"));
            print(cx, &lines.collect::<String>())
        },
    )));
    guards.push(qualify(cli, pjsip));
    guards
}

/// `pjsip qualify ENDPOINT`.
fn qualify(cli: &Cli, pjsip: &Arc<Pjsip>) -> CommandGuard {
    let (pjsip, names) = (pjsip.clone(), pjsip.clone());
    let run = move |cx: &mut Invocation<'_>| {
        let args = cx.arg_strs();
        let [name] = args[..] else { return Outcome::ShowUsage };
        let config = pjsip.snapshot().config.clone();
        let Some(endpoint) = config.endpoints.get(name) else {
            return fail(cx, &format!("Unable to retrieve endpoint {name}"));
        };
        if endpoint.aors.is_empty() {
            return fail(cx, &format!("Endpoint {name} has no AORs"));
        }
        let mut text = String::new();
        for aor in endpoint.aors.iter().filter(|aor| config.aors.contains_key(*aor)) {
            pjsip.qualify(aor);
            text += &format!("Qualifying AOR '{aor}' on endpoint '{name}'\n");
        }
        print(cx, &text)
    };
    let usage = "Usage: pjsip qualify ENDPOINT\n       Asks all contacts of an endpoint now whether they \
                 are there.\n";
    let complete = move |args: &[String], _: &str| match args {
        [] => names.snapshot().config.endpoints.keys().map(|name| name.to_string()).collect(),
        _ => Vec::new(),
    };
    cli.register(command("pjsip qualify", "Ask an endpoint's contacts", usage, run).completing(complete))
}

/// The commands of `res_pjsip_pubsub`.
pub(crate) fn register_subscriptions(cli: &Cli, pubsub: &Arc<PubSubService>) -> Vec<CommandGuard> {
    type Render = fn(&[SubscriptionInfo], &dyn Fn(&str) -> bool) -> String;
    let one = |verb: &str, summary: &str, render: Render| {
        let pubsub = pubsub.clone();
        let usage = format!(
            "Usage: pjsip {verb} subscriptions {{inbound|outbound}} [like REGEX]\n       \
             The subscriptions of phones to us (inbound) or of us to others (outbound); with like,\n       \
             those whose lines the pattern matches.\n"
        );
        cli.register(command(
            format!("pjsip {verb} subscriptions {{inbound|outbound}}"),
            summary,
            usage,
            move |cx| {
                let args = cx.arg_strs();
                let (list, pattern) = match args[..] {
                    ["inbound"] => (pubsub.list(), None),
                    ["inbound", "like", pattern] => (pubsub.list(), Some(pattern)),
                    // We subscribe to nobody.
                    ["outbound"] => (Vec::new(), None),
                    ["outbound", "like", pattern] => (Vec::new(), Some(pattern)),
                    _ => return Outcome::ShowUsage,
                };
                match like(pattern) {
                    Ok(like) => print(cx, &render(&list, &|block| like.matches(block))),
                    Err(error) => fail(cx, &error),
                }
            },
        ))
    };
    vec![
        one("show", "Show subscriptions", |list, like| show_subscriptions(list, like)),
        one("list", "Show subscriptions, a line each", |list, like| list_subscriptions(list, like)),
    ]
}

/// `show X`, `show Xs`, `list Xs` of one type of object.
fn listings(server: &Arc<Server>, pjsip: &Arc<Pjsip>, objects: Objects) -> Vec<CommandGuard> {
    let cli = &server.cli;
    type Many = fn(Objects, &PjsipConfig, &dyn show::Runtime, &Like) -> String;
    let many = |verb: &str, render: Many| {
        let running = Running { pjsip: pjsip.clone(), hints: server.hints.clone() };
        let words = format!("pjsip {verb} {}", objects.plural());
        let usage =
            format!("Usage: {words} [like REGEX]\n       With like, those whose name the pattern matches.\n");
        let summary = format!("{verb} all {}", objects.plural());
        cli.register(
            command(words, capital(&summary), usage, move |cx| {
                let args = cx.arg_strs();
                let pattern = match args[..] {
                    [] => None,
                    ["like", pattern] => Some(pattern),
                    _ => return Outcome::ShowUsage,
                };
                match like(pattern) {
                    Ok(like) => print(cx, &running.show(|config, live| render(objects, config, live, &like))),
                    Err(error) => fail(cx, &error),
                }
            })
            .completing(|args, _| if args.is_empty() { vec!["like".to_owned()] } else { Vec::new() }),
        )
    };
    let running = || Running { pjsip: pjsip.clone(), hints: server.hints.clone() };
    let (one, names) = (running(), running());
    let words = format!("pjsip show {}", objects.singular());
    let usage = format!("Usage: {words} NAME\n");
    let summary = format!("Show one {} with all its options", objects.singular());
    let single = command(words, summary, usage, move |cx| match cx.arg_strs()[..] {
        [id] => match one.show(|config, live| show::one(objects, config, live, id)) {
            Ok(text) => print(cx, &text),
            Err(unknown) => {
                cx.print(&unknown);
                Outcome::Failure
            }
        },
        _ => Outcome::ShowUsage,
    })
    .completing(move |args, _| match args {
        [] => names.show(|config, live| objects.ids(config, live)),
        _ => Vec::new(),
    });
    vec![many("show", show::all), many("list", show::list), cli.register(single)]
}

/// What listings are made of.
struct Running {
    pjsip: Arc<Pjsip>,
    hints: Arc<Hints>,
}

impl Running {
    fn show<T>(&self, text: impl FnOnce(&PjsipConfig, &Live<'_>) -> T) -> T {
        let state = |endpoint: &str| self.hints.device_state(&format!("PJSIP/{endpoint}")).text();
        let live = Live { location: self.pjsip.location(), endpoint_state: &state };
        text(&self.pjsip.snapshot().config, &live)
    }
}

fn reload(cx: &mut Invocation<'_>, server: &Server) -> Outcome {
    let (text, well) = server.reload_module("res_pjsip");
    cx.print(&text);
    if !well {
        return Outcome::Failure;
    }
    for remark in server.pjsip_remarks.get().iter().flat_map(|remarks| remarks.iter()) {
        cx.print(&format!("{}\n", crate::report::text(remark)));
    }
    if let Some(report) = server.pjsip.get().and_then(|pjsip| pjsip.last_reload()) {
        let lines = report.kept.iter().map(|kept| format!("{kept}\n"));
        cx.print(&format!("{}\n{}", report.changes, lines.collect::<String>()));
    }
    Outcome::Success
}

fn set_logger(cx: &mut Invocation<'_>, pjsip: &Pjsip) -> Outcome {
    let args = cx.arg_strs();
    match args[..] {
        ["on"] => {
            pjsip.set_trace(TraceFilter::All);
            print(cx, "PJSIP Logging enabled\n")
        }
        ["off"] => {
            pjsip.set_trace(TraceFilter::Off);
            print(cx, "PJSIP Logging disabled\n")
        }
        ["host", ref hosts @ ..] if !hosts.is_empty() => {
            let mut addresses = Vec::new();
            for host in hosts {
                match host.parse::<IpAddr>() {
                    Ok(address) => addresses.push(address),
                    Err(_) => return fail(cx, &format!("'{host}' is not an IP address")),
                }
            }
            let names = hosts.join(", ");
            pjsip.set_trace(TraceFilter::Hosts(addresses));
            print(cx, &format!("PJSIP Logging Enabled for host: {names}\n"))
        }
        _ => Outcome::ShowUsage,
    }
}

fn like(pattern: Option<&str>) -> Result<Like, String> {
    match pattern {
        None => Ok(Like::all()),
        Some(pattern) => {
            Like::new(pattern).map_err(|error| format!("'{pattern}' is no regular expression: {error}"))
        }
    }
}

fn fail(cx: &mut Invocation<'_>, message: &str) -> Outcome {
    cx.print(&format!("{message}\n"));
    Outcome::Failure
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
