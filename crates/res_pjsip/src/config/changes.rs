//! What a new configuration changes, object by object.
//!
//! Objects that are the same in both are taken over from the old one, so that whoever holds an
//! object sees by its address that nothing changed.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::{Global, PjsipConfig};

/// An object: its type as in `type=`, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectId {
    /// `endpoint`, `aor`, …
    pub object_type: &'static str,
    /// The section's name; empty for `global`.
    pub id: Arc<str>,
}

/// The differences between two configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Objects that are new.
    pub added: Vec<ObjectId>,
    /// Objects with an option that has another value.
    pub changed: Vec<ObjectId>,
    /// Objects that are gone.
    pub removed: Vec<ObjectId>,
}

impl Changes {
    /// The names of the objects of one type that are new, changed or gone.
    pub fn ids_of<'a>(&'a self, object_type: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
        let all = self.added.iter().chain(&self.changed).chain(&self.removed);
        all.filter(move |object| object.object_type == object_type).map(|object| &object.id)
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    pub(crate) fn add(&mut self, object_type: &'static str, id: &Arc<str>) {
        self.added.push(ObjectId { object_type, id: id.clone() });
    }

    pub(crate) fn change(&mut self, object_type: &'static str, id: &Arc<str>) {
        self.changed.push(ObjectId { object_type, id: id.clone() });
    }

    pub(crate) fn remove(&mut self, object_type: &'static str, id: &Arc<str>) {
        self.removed.push(ObjectId { object_type, id: id.clone() });
    }

    fn map<T: PartialEq>(
        &mut self,
        object_type: &'static str,
        new: &mut BTreeMap<Arc<str>, Arc<T>>,
        old: &BTreeMap<Arc<str>, Arc<T>>,
    ) {
        for (id, object) in new.iter_mut() {
            match old.get(id) {
                None => self.add(object_type, id),
                Some(before) if before == object => *object = before.clone(),
                Some(_) => self.change(object_type, id),
            }
        }
        for id in old.keys().filter(|id| !new.contains_key(*id)) {
            self.remove(object_type, id);
        }
    }

    /// As [`map`](Self::map), for objects in a list. Of several with one name the first is compared
    /// with the first, and so on.
    fn list<T: PartialEq>(
        &mut self,
        object_type: &'static str,
        new: &mut [Arc<T>],
        old: &[Arc<T>],
        id: impl Fn(&T) -> &Arc<str>,
    ) {
        let mut before: HashMap<&str, VecDeque<&Arc<T>>> = HashMap::new();
        for object in old {
            before.entry(id(object)).or_default().push_back(object);
        }
        for object in new {
            match before.get_mut(&**id(object)).and_then(VecDeque::pop_front) {
                None => self.add(object_type, id(object)),
                Some(before) if before == object => *object = before.clone(),
                Some(_) => self.change(object_type, id(object)),
            }
        }
        for object in old {
            if before.get_mut(&**id(object)).and_then(VecDeque::pop_front).is_some() {
                self.remove(object_type, id(object));
            }
        }
    }

    fn global(&mut self, new: &mut Arc<Global>, old: &Arc<Global>) {
        if new == old {
            *new = old.clone();
        } else {
            self.change("global", &Arc::from(""));
        }
    }
}

impl fmt::Display for Changes {
    /// `2 endpoints added, 1 aor changed`; `nothing changed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (objects, what) in
            [(&self.added, "added"), (&self.changed, "changed"), (&self.removed, "removed")]
        {
            let mut by_type: BTreeMap<&str, usize> = BTreeMap::new();
            for object in objects {
                *by_type.entry(object.object_type).or_default() += 1;
            }
            parts.extend(by_type.into_iter().map(|(object_type, count)| {
                format!("{count} {object_type}{} {what}", if count == 1 { "" } else { "s" })
            }));
        }
        f.write_str(if parts.is_empty() { "nothing changed" } else { "" })?;
        f.write_str(&parts.join(", "))
    }
}

impl PjsipConfig {
    /// Takes over from `old` what is the same; gives the differences. `type=system` and
    /// `type=transport` are left alone: what becomes of them depends on more than the file.
    pub fn take_over(&mut self, old: &Self) -> Changes {
        let mut changes = Changes::default();
        changes.global(&mut self.global, &old.global);
        changes.map("endpoint", &mut self.endpoints, &old.endpoints);
        changes.map("aor", &mut self.aors, &old.aors);
        changes.map("auth", &mut self.auths, &old.auths);
        changes.list("identify", &mut self.identifies, &old.identifies, |it| &it.id);
        changes.list("domain_alias", &mut self.domain_aliases, &old.domain_aliases, |it| &it.id);
        changes.list("acl", &mut self.acls, &old.acls, |it| &it.id);
        changes.list("resource_list", &mut self.resource_lists, &old.resource_lists, |it| &it.id);
        let publications = (&mut self.inbound_publications, &old.inbound_publications);
        changes.list("inbound-publication", publications.0, publications.1, |it| &it.id);
        for (object_type, new, old) in [
            ("outbound-publish", &mut self.outbound_publishes, &old.outbound_publishes),
            ("asterisk-publication", &mut self.asterisk_publications, &old.asterisk_publications),
            ("registration", &mut self.registrations, &old.registrations),
            ("phoneprov", &mut self.phoneprovs, &old.phoneprovs),
        ] {
            changes.list(object_type, new, old, |it| &it.id);
        }
        self.index();
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::parse;
    use super::*;

    const OLD: &str = "[same]\ntype=endpoint\n[other]\ntype=endpoint\ncontext=a\n[gone]\ntype=endpoint\n\
                       [same]\ntype=aor\n[one]\ntype=identify\nendpoint=same\nmatch=192.0.2.1\n\
                       [acl]\ntype=acl\ndeny=192.0.2.9\n[acl]\ntype=acl\ndeny=192.0.2.8\n";

    #[test]
    fn what_is_the_same_is_the_same_object() {
        let (old, _) = parse(OLD);
        let (mut new, _) = parse(OLD);
        assert!(new.take_over(&old).is_empty());
        assert!(Arc::ptr_eq(&new.endpoints["same"], &old.endpoints["same"]));
        assert!(Arc::ptr_eq(&new.identifies[0], &old.identifies[0]));
        assert!(Arc::ptr_eq(&new.global, &old.global));
        let found = new.index.names.alone("same").expect("it is there");
        assert!(Arc::ptr_eq(found, &old.endpoints["same"]), "requests find the same object");
    }

    #[test]
    fn differences_are_told_by_type_and_name() {
        let (old, _) = parse(OLD);
        let text = OLD
            .replace("context=a", "context=b")
            .replace("[gone]", "[new]")
            .replace("deny=192.0.2.8", "deny=192.0.2.7");
        let (mut new, _) = parse(&text);
        let changes = new.take_over(&old);
        let names = |objects: &[ObjectId]| {
            objects.iter().map(|it| format!("{} {}", it.object_type, it.id)).collect::<Vec<_>>()
        };
        assert_eq!(names(&changes.added), ["endpoint new"]);
        assert_eq!(names(&changes.changed), ["endpoint other", "acl acl"]);
        assert_eq!(names(&changes.removed), ["endpoint gone"]);
        assert_eq!(changes.ids_of("endpoint").map(|id| &**id).collect::<Vec<_>>(), ["new", "other", "gone"]);
        assert_eq!(
            changes.to_string(),
            "1 endpoint added, 1 acl changed, 1 endpoint changed, 1 endpoint removed"
        );
        assert_eq!(Changes::default().to_string(), "nothing changed");
    }
}
