//! Values under small numbers that are used again, with a generation to tell users apart.

use crate::module::GENERATION_MASK;

/// A table of `T`.
pub(crate) struct Table<T> {
    entries: Vec<Option<T>>,
    generations: Vec<u32>,
    free: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), generations: Vec::new(), free: Vec::new() }
    }
}

impl<T> Table<T> {
    /// Adds a value; gives its number and generation.
    pub(crate) fn insert(&mut self, value: T) -> (u32, u32) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.generations.push(0);
            self.entries.len() as u32 - 1
        });
        self.entries[index as usize] = Some(value);
        (index, self.generations[index as usize])
    }

    /// Removes a value; its number will be given out again with another generation.
    pub(crate) fn remove(&mut self, index: u32) {
        if let Some(entry) = self.entries.get_mut(index as usize)
            && entry.take().is_some()
        {
            let generation = &mut self.generations[index as usize];
            *generation = (*generation + 1) & GENERATION_MASK;
            self.free.push(index);
        }
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        self.entries.get(index as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.entries.get_mut(index as usize)?.as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.entries.iter().enumerate().filter_map(|(index, entry)| Some((index as u32, entry.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_used_again_has_another_generation() {
        let mut table = Table::default();
        let (first, old) = table.insert("a");
        table.insert("b");
        table.remove(first);
        assert!(table.get(first).is_none());
        let (again, new) = table.insert("c");
        assert_eq!(again, first);
        assert_ne!(new, old);
        assert_eq!(table.iter().map(|(_, v)| *v).collect::<String>(), "cb");
    }
}
