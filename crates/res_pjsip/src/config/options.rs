//! The options of one object: what the file set, with the table's defaults behind it.

use std::sync::Arc;

use super::table::{ObjectType, OptionSpec, Shown};
use super::value::Value;

/// Every option of one object, by name, with its value.
///
/// Only what the file sets is stored; the rest comes from the table of the object's type.
#[derive(Clone, Debug)]
pub struct Options {
    object_type: &'static ObjectType,
    /// Sorted by position in the table.
    set: Vec<(usize, Value)>,
    /// Options that the table does not name but the type keeps.
    free: Vec<(Arc<str>, Arc<str>)>,
}

impl Options {
    /// An object of this type with all defaults.
    pub fn new(object_type: &'static ObjectType) -> Self {
        Self { object_type, set: Vec::new(), free: Vec::new() }
    }

    /// Sets the option at `position` of the table; an accumulating option gets `value` added.
    pub(crate) fn add(&mut self, position: usize, value: Value) {
        let accumulates = self.spec(position).is_some_and(|spec| spec.accumulates);
        match self.set.binary_search_by_key(&position, |(at, _)| *at) {
            Err(at) => self.set.insert(at, (position, value)),
            Ok(at) => {
                if let Some((_, old)) = self.set.get_mut(at) {
                    if accumulates { old.extend(value) } else { *old = value }
                }
            }
        }
    }

    /// Keeps an option that the table does not name.
    pub(crate) fn add_free(&mut self, name: Arc<str>, value: Arc<str>) {
        self.free.push((name, value));
    }

    /// Replaces the value of `name`, where an object shows something else than what was written.
    pub(crate) fn replace(&mut self, name: &str, value: Value) {
        if let Some(position) = self.object_type.position(name) {
            self.set.retain(|(at, _)| *at != position);
            self.add(position, value);
        }
    }

    /// The type of the object.
    pub fn object_type(&self) -> &'static ObjectType {
        self.object_type
    }

    /// The value of `name`; `None` when the type has no such option.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let position = self.object_type.position(name);
        debug_assert!(position.is_some(), "type={} has no option {name}", self.object_type.name);
        self.value_at(position?)
    }

    /// Whether the file sets `name`.
    pub fn is_set(&self, name: &str) -> bool {
        self.object_type.position(name).is_some_and(|position| self.set_at(position).is_some())
    }

    /// Yes or no; no when `name` is no such option.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Flag(true)))
    }

    /// A number that is not negative; 0 when `name` is no such option.
    pub fn number(&self, name: &str) -> u32 {
        match self.value(name) {
            Some(Value::Number(number)) => u32::try_from(*number).unwrap_or_default(),
            _ => 0,
        }
    }

    /// A number that may be negative; 0 when `name` is no such option.
    pub fn integer(&self, name: &str) -> i64 {
        match self.value(name) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    /// A number with a fraction; 0 when `name` is no such option.
    pub fn decimal(&self, name: &str) -> f64 {
        match self.value(name) {
            Some(Value::Decimal(number)) => *number,
            _ => 0.0,
        }
    }

    /// A text; empty when `name` is no such option.
    pub fn text(&self, name: &str) -> Arc<str> {
        match self.value(name) {
            Some(Value::Text(text)) => text.clone(),
            _ => Arc::from(""),
        }
    }

    /// A text, if it is not empty.
    pub fn some_text(&self, name: &str) -> Option<Arc<str>> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// The items of a list; none when `name` is no such option.
    pub fn list(&self, name: &str) -> Vec<Arc<str>> {
        match self.value(name) {
            Some(Value::List(items)) => items.clone(),
            _ => Vec::new(),
        }
    }

    /// Options that the table does not name, in the order written.
    pub fn free(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.free
    }

    /// The names of the options that have another value in `other`, an object of the same type.
    pub fn differing(&self, other: &Self) -> Vec<&'static str> {
        let names = self.object_type.options.iter().map(|spec| spec.name);
        names.filter(|name| self.value(name) != other.value(name)).collect()
    }

    /// Names and values as `pjsip show …` lists them: sorted by name.
    pub fn shown(&self) -> Vec<(&str, String)> {
        let named = self.object_type.options.iter().enumerate().filter_map(|(position, spec)| {
            let value = self.value_at(position)?;
            let listed = match spec.shown {
                Shown::Always => true,
                Shown::WhenSet => !value.is_empty(),
                Shown::Never => false,
            };
            listed.then(|| (spec.name, spec.kind.show(value)))
        });
        let free = self.free.iter().map(|(name, value)| (&**name, value.to_string()));
        let mut shown: Vec<_> = named.chain(free).collect();
        shown.sort_by_key(|(name, _)| *name);
        shown
    }

    fn value_at(&self, position: usize) -> Option<&Value> {
        self.set_at(position).or_else(|| self.object_type.defaults().get(position))
    }

    fn set_at(&self, position: usize) -> Option<&Value> {
        let at = self.set.binary_search_by_key(&position, |(at, _)| *at).ok()?;
        self.set.get(at).map(|(_, value)| value)
    }

    fn spec(&self, position: usize) -> Option<&'static OptionSpec> {
        self.object_type.options.get(position)
    }
}

impl PartialEq for Options {
    fn eq(&self, other: &Self) -> bool {
        self.object_type.name == other.object_type.name && self.set == other.set && self.free == other.free
    }
}
