//! Registrations and subscriptions with passwords (MD5), beside Kamailio doing the same.
//!
//! In every round each server is started anew, one after the other, and the same phones register,
//! refresh, subscribe and renew. First requests are challenged; later ones bring their Authorization at
//! once, counting the nonce. That both did the same is looked at: every phone registered, challenged
//! once, told of its state after every SUBSCRIBE, and its lamp is right.

use std::time::Duration;

use bench::{
    Counts, DeviceState, Fleet, Interrupt, Kamailio, Lamp, Machine, Office, Package, Registrants, Server,
    Spread, Usage, Watch, dropped_datagrams, password,
};
use sip::digest::Algorithm;

/// How long phones may take to subscribe.
const PATIENCE: Duration = Duration::from_secs(60);
/// Listening after the last renewal, until its NOTIFYs have come.
const QUIET: Duration = Duration::from_secs(1);
/// REGISTERs on their way at a time: they fit into a receive buffer of the system's usual size, which is
/// what Kamailio has. SUBSCRIBEs are as many.
const WINDOW: usize = 64;
const SOCKETS: usize = 16;
/// Phones that watch the same extension.
const TEAM: usize = 10;
const DEVICE: &str = "Custom:lamp1";
const KINDS: [&str; 4] =
    ["first REGISTERs", "refreshing REGISTERs", "first SUBSCRIBEs", "renewing SUBSCRIBEs"];

type Failure = Box<dyn std::error::Error>;

/// What is to be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) phones: usize,
    /// Starts of each server.
    pub(crate) rounds: u32,
    /// Refreshes after a first request, in every round.
    pub(crate) refreshes: u32,
    pub(crate) threads: usize,
}

/// What a server did.
#[derive(Debug, Default)]
struct Peer {
    version: String,
    /// For each of [`KINDS`]: the time and the server's CPU time that all phones took, again and again.
    passes: [Vec<(Duration, Duration)>; KINDS.len()],
    challenged: u64,
    resent: u64,
    notifies: u64,
    /// Datagrams that found the server's receive buffer full.
    lost: u64,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Results {
    plan: Plan,
    machine: Machine,
    peers: Vec<Peer>,
    /// Why there is no Kamailio among them.
    alone: Option<String>,
    pub(crate) faults: Vec<String>,
}

enum Running {
    Starling(Server),
    Kamailio(Kamailio),
}

impl Running {
    fn address(&self) -> std::net::SocketAddr {
        match self {
            Self::Starling(server) => server.address(),
            Self::Kamailio(server) => server.address(),
        }
    }

    fn cpu(&self) -> std::io::Result<Duration> {
        match self {
            Self::Starling(server) => Ok(Usage::of(server.pid())?.cpu),
            Self::Kamailio(server) => server.cpu(),
        }
    }
}

/// Runs it all.
pub(crate) fn measure(plan: Plan, interrupt: &Interrupt) -> Result<Results, Failure> {
    let phones: Vec<String> = (0..plan.phones).map(|number| format!("p{number}")).collect();
    let extensions: Vec<String> = (0..plan.phones.div_ceil(TEAM)).map(|n| (1000 + n).to_string()).collect();
    let office = Office {
        extensions: extensions.iter().map(|extension| (extension.clone(), DEVICE.into())).collect(),
        endpoints: phones.clone(),
        login: Some(Algorithm::Md5),
        register: Some(0),
    };
    let watch = |(number, user): (usize, &String)| Watch {
        user: user.clone(),
        extension: extensions.get(number / TEAM).cloned().unwrap_or_default(),
        package: Package::Presence,
        password: Some(password(user)),
    };
    let watches: Vec<Watch> = phones.iter().enumerate().map(watch).collect();
    let installed = Kamailio::installed();
    let mut peers = vec![Peer::default()];
    peers.extend(installed.iter().map(|version| Peer { version: version.clone(), ..Peer::default() }));
    for round in 1..=plan.rounds {
        for (which, peer) in peers.iter_mut().enumerate() {
            if interrupt.is_set() {
                return Err("interrupted".into());
            }
            let running = if which == 0 {
                let server = Server::start(&office)?;
                server.command(&format!("devstate change {DEVICE} {}", DeviceState::InUse.word()))?;
                peer.version = server.version()?;
                Running::Starling(server)
            } else {
                Running::Kamailio(Kamailio::start(&extensions)?)
            };
            eprintln!("Round {round}: {} phones with passwords at {} ...", plan.phones, peer.version);
            peer.measure(plan, &running, watches.clone())?;
            if let Running::Starling(server) = running {
                server.stop()?;
            }
        }
    }
    let faults = peers.iter().flat_map(|peer| peer.faults(plan)).collect();
    Ok(Results { plan, machine: Machine::this(), peers, alone: installed.err(), faults })
}

impl Peer {
    fn measure(&mut self, plan: Plan, server: &Running, watches: Vec<Watch>) -> Result<(), Failure> {
        let mut pass = |kind: usize, run: &mut dyn FnMut() -> std::io::Result<Duration>| {
            let before = server.cpu()?;
            let time = run()?;
            let cpu = server.cpu()?.saturating_sub(before);
            self.passes.get_mut(kind).into_iter().for_each(|passes| passes.push((time, cpu)));
            Ok::<_, Failure>(())
        };
        let mut phones = Registrants::new(server.address(), plan.phones)?.with_passwords().at_a_time(WINDOW);
        let fleet = Fleet::new(server.address(), watches, plan.threads, SOCKETS, Lamp::scan)?;
        for round in 0..=plan.refreshes {
            pass(usize::from(round > 0), &mut || phones.register())?;
        }
        for round in 0..=plan.refreshes {
            pass(2 + usize::from(round > 0), &mut || fleet.subscribe(PATIENCE))?;
        }
        fleet.listen(QUIET)?;
        let counts: Counts = fleet.counts()?;
        let unsettled = fleet.unsettled()?.0;
        let wrong = fleet.wrong(DeviceState::InUse.lamp(Package::Presence))?;
        if phones.refused > 0 || unsettled > 0 || wrong > 0 {
            let refused = phones.refused;
            return Err(format!(
                "{}: {refused} REGISTERs were refused, {unsettled} phones have no subscription, {wrong} lamps are wrong",
                self.version
            )
            .into());
        }
        self.challenged += phones.challenged + counts.challenged;
        self.resent += phones.resent + counts.resent;
        self.notifies += counts.notifies;
        self.lost += dropped_datagrams(&[server.address().port()])?;
        Ok(())
    }

    /// Where it did less than it was asked for.
    fn faults(&self, plan: Plan) -> Vec<String> {
        let runs = plan.phones as u64 * u64::from(plan.rounds);
        [
            (self.challenged, 2 * runs, "requests were challenged"),
            (self.notifies, runs * u64::from(plan.refreshes + 1), "NOTIFYs came"),
        ]
        .into_iter()
        .filter(|(is, should, _)| is < should)
        .map(|(is, should, what)| format!("{}: only {is} of {should} {what}", self.version))
        .collect()
    }
}

/// The page; every number with its unit.
pub(crate) fn markdown(results: &Results) -> String {
    let Results { plan: Plan { phones, rounds, refreshes, threads }, machine, peers, alone, .. } = results;
    let row = |title: &str, of: &dyn Fn(&Peer) -> String| {
        let columns: String = peers.iter().map(|peer| format!(" {} |", of(peer))).collect();
        format!("| {title} |{columns}\n")
    };
    let spread =
        |passes: &[(Duration, Duration)], of: &dyn Fn(&(Duration, Duration)) -> f64, digits: usize| {
            Spread::of(passes.iter().map(of)).map_or("none".to_owned(), |Spread { median, min, max }| {
                format!("{median:.digits$} ({min:.digits$}–{max:.digits$})")
            })
        };
    let count = *phones as f64;
    let mut rows = row("", &|peer| peer.version.clone()) + &row("---", &|_| "---:".into());
    for (kind, name) in KINDS.into_iter().enumerate() {
        let of = |peer: &Peer, of: &dyn Fn(&(Duration, Duration)) -> f64, digits| {
            peer.passes.get(kind).map_or_else(String::new, |passes| spread(passes, of, digits))
        };
        rows +=
            &row(&format!("{name} per second"), &|peer| of(peer, &|pass| count / pass.0.as_secs_f64(), 0));
        rows += &row(&format!("server CPU for 1,000 {name}, ms"), &|peer| {
            of(peer, &|pass| pass.1.as_secs_f64() * 1e6 / count, 1)
        });
    }
    rows += &row("requests challenged", &|peer| peer.challenged.to_string());
    rows += &row("NOTIFYs", &|peer| peer.notifies.to_string());
    rows += &row("requests sent again", &|peer| peer.resent.to_string());
    rows += &row("datagrams lost at the server", &|peer| peer.lost.to_string());
    let other = match alone {
        Some(why) => format!("Kamailio is not measured: {why} (`tests/install-tools` installs it)"),
        None => format!("Kamailio keeps everything in memory, {} workers", Kamailio::workers()),
    };
    format!(
        "# {phones} phones with passwords (MD5) register and subscribe\n\n\
         - Machine: {machine}; server, phones and benchmark share it\n\
         - Versions: above the columns; starling-bench {}\n\
         - UDP over loopback, {rounds} rounds, each with {refreshes} refreshes; phones on {threads} thread(s); \
         median (smallest–largest)\n\
         - Starling's 200 to a REGISTER leaves when the contact is on the disk\n\
         - {other}\n\n{rows}",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let ms = Duration::from_millis;
        let peer = |version: &str, time| Peer {
            version: version.into(),
            passes: std::array::from_fn(|_| {
                vec![(ms(time), ms(30)), (ms(2 * time), ms(50)), (ms(time), ms(30))]
            }),
            challenged: 2000,
            resent: 1,
            notifies: 3000,
            lost: 0,
        };
        Results {
            plan: Plan { phones: 1000, rounds: 1, refreshes: 2, threads: 1 },
            machine: Machine { cores: 2, cpu: "Some CPU".into(), kernel: "6.1".into() },
            peers: vec![peer("Starling 0.1.0", 50), peer("Kamailio 5.6.3", 100)],
            alone: None,
            faults: Vec::new(),
        }
    }

    #[test]
    fn numbers_are_what_was_measured() {
        let page = markdown(&results());
        for line in [
            "|  | Starling 0.1.0 | Kamailio 5.6.3 |\n| --- | ---: | ---: |\n",
            "| first REGISTERs per second | 20000 (10000–20000) | 10000 (5000–10000) |",
            "| server CPU for 1,000 renewing SUBSCRIBEs, ms | 30.0 (30.0–50.0) | 30.0 (30.0–50.0) |",
            "| requests challenged | 2000 | 2000 |",
            "- Kamailio keeps everything in memory, ",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
        let page = markdown(&Results { alone: Some("it is not there".into()), ..results() });
        assert!(
            page.contains("- Kamailio is not measured: it is not there (`tests/install-tools`"),
            "{page}"
        );
    }

    #[test]
    fn who_did_less_is_a_fault() {
        let Results { plan, mut peers, .. } = results();
        let peer = &mut peers[1];
        assert!(peer.faults(plan).is_empty());
        peer.notifies -= 1;
        assert_eq!(peer.faults(plan), ["Kamailio 5.6.3: only 2999 of 3000 NOTIFYs came"]);
    }
}
