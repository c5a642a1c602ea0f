//! From sections to objects.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use conf::{Config, Diagnostic, Pos, Section, Severity};

use super::aor::{AOR, Aor};
use super::auth::{AUTH, Auth};
use super::draft::Draft;
use super::endpoint::{ENDPOINT, Endpoint};
use super::global::{GLOBAL, Global};
use super::identify_section::{IDENTIFY, Identify};
use super::other::{
    ACL, ASTERISK_PUBLICATION, AclSection, DOMAIN_ALIAS, DomainAlias, INBOUND_PUBLICATION,
    InboundPublication, OUTBOUND_PUBLISH, PHONEPROV, PlainObject, REGISTRATION,
};
use super::report::Report;
use super::resource_list::{RESOURCE_LIST, ResourceList};
use super::system::{SYSTEM, System};
use super::table::ObjectType;
use super::transport::{TRANSPORT, Transport};
use super::{Context, PjsipConfig};

/// Every object type that `pjsip.conf` may hold.
static OBJECT_TYPES: [&ObjectType; 14] = [
    &GLOBAL,
    &SYSTEM,
    &TRANSPORT,
    &ENDPOINT,
    &AOR,
    &AUTH,
    &IDENTIFY,
    &DOMAIN_ALIAS,
    &ACL,
    &RESOURCE_LIST,
    &INBOUND_PUBLICATION,
    &OUTBOUND_PUBLISH,
    &ASTERISK_PUBLICATION,
    &REGISTRATION,
];

/// Every object type with its table, for documentation and completion.
pub fn object_types() -> impl Iterator<Item = &'static ObjectType> {
    OBJECT_TYPES.into_iter().chain([&PHONEPROV])
}

/// Reads `file`; see [`PjsipConfig::parse_with`].
pub(crate) fn load(file: &Config, context: &Context<'_>) -> (PjsipConfig, Vec<Diagnostic>) {
    let mut report = Report::default();
    let claimed = claim(file, &mut report);
    let mut config = PjsipConfig::empty(context.product);
    // An auth takes its defaults from the global object, which may stand below it.
    let (settings, objects): (Vec<_>, Vec<_>) =
        claimed.into_iter().partition(|(_, claimed)| matches!(claimed.name, "global" | "system"));
    for (section, object_type) in settings.into_iter().chain(objects) {
        let mut draft = Draft::read(section, object_type, &mut report);
        config.add(object_type, &mut draft, context);
    }
    check_references(&config, &mut report);
    config.index();
    report.diagnostics.sort_by_key(|said| said.pos.as_ref().map(|pos| position_in(file, pos)));
    (config, report.diagnostics)
}

impl PjsipConfig {
    /// Adds the object of `draft`, unless it is refused.
    fn add(&mut self, object_type: &ObjectType, draft: &mut Draft<'_>, context: &Context<'_>) {
        match object_type.name {
            "global" => {
                let global = Global::build(draft, context.product);
                keep(draft, global, |global| self.global = global);
            }
            "system" => {
                let system = System::build(draft);
                keep(draft, system, |system| self.system = system);
            }
            "transport" => {
                let transport = Transport::build(draft);
                if let Some(other) =
                    self.transports.iter().find(|other| other.takes_the_socket_of(&transport))
                {
                    draft.refuse("bind", &format!("is where transport '{}' listens", other.id));
                }
                keep(draft, transport, |transport| self.transports.push(transport));
            }
            "endpoint" => {
                let endpoint = Endpoint::build(draft, context.acls);
                keep(draft, endpoint, |endpoint| insert(&mut self.endpoints, &endpoint.id, &endpoint));
            }
            "aor" => {
                let aor = Aor::build(draft);
                keep(draft, aor, |aor| insert(&mut self.aors, &aor.id, &aor));
            }
            "auth" => {
                let auth = Auth::build(draft, &self.global);
                keep(draft, auth, |auth| insert(&mut self.auths, &auth.id, &auth));
            }
            "identify" => {
                let identify = Identify::build(draft);
                keep(draft, identify, |identify| self.identifies.push(identify));
            }
            "domain_alias" => {
                let alias = DomainAlias::build(draft);
                keep(draft, alias, |alias| self.domain_aliases.push(alias));
            }
            // Refused lines have made it deny everyone: it must not be missing.
            "acl" => self.acls.push(Arc::new(AclSection::build(draft, context.acls))),
            "resource_list" => {
                let list = ResourceList::build(draft);
                keep(draft, list, |list| self.resource_lists.push(list));
            }
            "inbound-publication" => {
                let publication = InboundPublication::build(draft);
                keep(draft, publication, |it| self.inbound_publications.push(it));
            }
            name => {
                let required: &[&str] = match name {
                    "outbound-publish" => &["server_uri", "event"],
                    "registration" => &["server_uri", "client_uri"],
                    _ => &[],
                };
                let object = PlainObject::build(draft, required);
                let all = match name {
                    "outbound-publish" => &mut self.outbound_publishes,
                    "asterisk-publication" => &mut self.asterisk_publications,
                    "registration" => &mut self.registrations,
                    _ => &mut self.phoneprovs,
                };
                keep(draft, object, |object| all.push(object));
            }
        }
    }
}

fn keep<T>(draft: &mut Draft<'_>, object: T, add: impl FnOnce(Arc<T>)) {
    if !draft.is_refused() {
        draft.look_up_names();
        add(Arc::new(object));
    }
}

fn insert<T>(all: &mut BTreeMap<Arc<str>, Arc<T>>, id: &Arc<str>, object: &Arc<T>) {
    all.insert(id.clone(), object.clone());
}

/// Finds each section's type and refuses the second of a name within a type.
fn claim<'a>(file: &'a Config, report: &mut Report) -> Vec<(&'a Section, &'static ObjectType)> {
    let mut claimed = Vec::new();
    let mut first: HashMap<(&str, &str), &Pos> = HashMap::new();
    for section in file.sections() {
        let Some(object_type) = type_of(section, report) else {
            continue;
        };
        // There is one global and one system object, whatever its section is called.
        let name = match object_type.name {
            "global" | "system" => "",
            _ => &*section.name,
        };
        if let Some(earlier) = first.get(&(object_type.name, name)) {
            let of_this_name = if name.is_empty() { "" } else { " of this name" };
            let second = format!("a second type={}{of_this_name}", object_type.name);
            let (severity, verdict) = match object_type.name {
                // A request must pass every list, so that none may get lost.
                "acl" => (Severity::Warning, "both are in force"),
                _ => (Severity::Error, "refused"),
            };
            let what = format!("{second}, {verdict}; the first is at {earlier}");
            report.say(severity, &section.pos, &section.name, &what);
            if severity == Severity::Error {
                continue;
            }
        }
        first.entry((object_type.name, name)).or_insert(&section.pos);
        claimed.push((section, object_type));
    }
    claimed
}

/// The object type of a section, if it has one that is known.
fn type_of(section: &Section, report: &mut Report) -> Option<&'static ObjectType> {
    let Some(entry) = section.get("type") else {
        let implied =
            object_types().find(|it| matches!(it.name, "global" | "system") && *it.name == *section.name);
        if implied.is_none() {
            report.say(Severity::Warning, &section.pos, &section.name, "no type=, section ignored");
        }
        return implied;
    };
    let known = object_types().find(|it| *it.name == *entry.value);
    if known.is_none() {
        let what = format!("type={} is none that is loaded, section ignored", entry.value);
        report.say(Severity::Notice, &entry.pos, &section.name, &what);
    }
    known
}

/// Warns about names that no object has.
fn check_references(config: &PjsipConfig, report: &mut Report) {
    for reference in std::mem::take(&mut report.references) {
        let name = &*reference.name;
        let exists = match reference.object_type {
            "aor" => config.aors.contains_key(name),
            "auth" => config.auths.contains_key(name),
            "endpoint" => config.endpoints.contains_key(name),
            _ => config.transport(name).is_some(),
        };
        if !exists {
            let what = format!(
                "option '{}' names '{name}', but there is no type={} of that name",
                reference.option, reference.object_type
            );
            report.say(Severity::Warning, &reference.pos, &reference.section, &what);
        }
    }
}

/// Where `pos` is in the order of reading.
fn position_in(file: &Config, pos: &Pos) -> (usize, u32) {
    let at = file.files.iter().position(|path| path.ends_with(&*pos.file));
    (at.unwrap_or(usize::MAX), pos.line)
}
