//! Registrations: how many a second, and what asking the contacts costs (`qualify_frequency`).

use std::time::Duration;

use bench::{Interrupt, Machine, Office, Registrants, Server, Usage};

/// What is to be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) phones: usize,
    /// `qualify_frequency` in seconds, and how long the asking is watched.
    pub(crate) frequency: u32,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Results {
    plan: Plan,
    machine: Machine,
    version: String,
    /// The first REGISTERs, then refreshes: time and CPU of the server.
    new: (Duration, Duration),
    refreshed: (Duration, Duration),
    resident: u64,
    /// CPU of the server while all contacts are asked once.
    qualified: Duration,
    asked: u64,
    resent: u64,
    pub(crate) faults: Vec<String>,
}

/// Runs it all.
pub(crate) fn measure(plan: Plan, interrupt: &Interrupt) -> Result<Results, Box<dyn std::error::Error>> {
    let office = |frequency| Office {
        endpoints: (0..plan.phones).map(|phone| format!("p{phone}")).collect(),
        register: Some(frequency),
        ..Office::default()
    };
    let mut faults = Vec::new();
    eprintln!("{} phones register ...", plan.phones);
    let server = Server::start(&office(0))?;
    let mut phones = Registrants::new(server.address(), plan.phones)?;
    let usage = |server: &Server| Usage::of(server.pid());
    let before = usage(&server)?;
    let new = phones.register()?;
    let between = usage(&server)?;
    let refreshed = phones.register()?;
    let after = usage(&server)?;
    let version = server.version()?;
    let (mut refused, mut resent) = (phones.refused, phones.resent);
    server.stop()?;
    if interrupt.is_set() {
        return Err("interrupted".into());
    }

    eprintln!("Their contacts are asked every {} s ...", plan.frequency);
    let server = Server::start(&office(plan.frequency))?;
    let mut phones = Registrants::new(server.address(), plan.phones)?;
    phones.register()?;
    // The questions that follow a REGISTER are over, the regular ones go on.
    let frequency = Duration::from_secs(plan.frequency.into());
    phones.answer_for(frequency / 2)?;
    let (start, asked) = (usage(&server)?, phones.asked);
    phones.answer_for(frequency)?;
    let qualified = usage(&server)?.cpu.saturating_sub(start.cpu);
    let asked = phones.asked - asked;
    let contacts = server.command("pjsip list contacts")?;
    let available = contacts.matches(" Avail ").count();
    if available != plan.phones {
        faults.push(format!("{available} of {} contacts are available", plan.phones));
    }
    refused += phones.refused;
    resent += phones.resent;
    server.stop()?;
    if refused > 0 {
        faults.push(format!("{refused} REGISTERs were refused"));
    }
    Ok(Results {
        machine: Machine::this(),
        version,
        new: (new, between.cpu.saturating_sub(before.cpu)),
        refreshed: (refreshed, after.cpu.saturating_sub(between.cpu)),
        resident: between.resident.saturating_sub(before.resident),
        qualified,
        asked,
        resent,
        plan,
        faults,
    })
}

/// The page; every number with its unit.
pub(crate) fn markdown(results: &Results) -> String {
    let Results { plan: Plan { phones, frequency }, machine, version, .. } = results;
    let rate = |time: Duration| *phones as f64 / time.as_secs_f64();
    let per_thousand = |cpu: Duration| cpu.as_secs_f64() * 1e6 / *phones as f64;
    let share = results.qualified.as_secs_f64() / f64::from(*frequency) * 100.0;
    let rows = [
        ("new registrations per second", format!("{:.0}", rate(results.new.0))),
        ("refreshes per second", format!("{:.0}", rate(results.refreshed.0))),
        ("server CPU per 1,000 new registrations, ms", format!("{:.1}", per_thousand(results.new.1))),
        ("server CPU per 1,000 refreshes, ms", format!("{:.1}", per_thousand(results.refreshed.1))),
        ("server memory per contact, bytes", format!("{:.0}", results.resident as f64 / *phones as f64)),
        ("REGISTERs sent again", results.resent.to_string()),
        ("OPTIONS answered while each contact was asked once", results.asked.to_string()),
        ("server CPU meanwhile, % of one core", format!("{share:.1}")),
    ];
    let rows: String = rows.iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
    format!(
        "# {phones} phones register, asked every {frequency} s\n\n\
         - Machine: {machine}; server, phones and benchmark share it\n\
         - Versions: {version}; starling-bench {}\n\
         - UDP over loopback, each 200 leaves when the contact is on the disk\n\n\
         | | |\n| --- | ---: |\n{rows}",
        env!("CARGO_PKG_VERSION")
    )
}
