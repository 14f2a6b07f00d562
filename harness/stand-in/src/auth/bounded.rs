//! A map that never outgrows its bound: what is over goes first, and of that the oldest.
//!
//! Knows nothing of what it holds: whoever adds an entry says which of the others are over.

use indexmap::IndexMap;

/// Entries of each map at most. A run that lasts for days must not eat the machine; none needs as many at once.
const MAX_ENTRIES: usize = 100_000;

/// Entries by their names, in the order in which they were added.
#[derive(Clone, Debug)]
pub(super) struct Bounded<V> {
    entries: IndexMap<String, V>,
    max: usize,
}

impl<V> Default for Bounded<V> {
    fn default() -> Self {
        Self { entries: IndexMap::new(), max: MAX_ENTRIES }
    }
}

impl<V> Bounded<V> {
    pub(super) fn get(&self, name: &str) -> Option<&V> {
        self.entries.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.entries.get_mut(name)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<V> {
        self.entries.shift_remove(name)
    }

    /// Adds or replaces an entry. A full map first loses a quarter, so that making room costs little in the mean.
    pub(super) fn insert(&mut self, name: String, value: V, is_over: impl Fn(&V) -> bool) {
        if self.entries.len() >= self.max && !self.entries.contains_key(&name) {
            let mut surplus = (self.max / 4).max(1);
            self.entries.retain(|_, entry| {
                let goes = surplus > 0 && is_over(entry);
                surplus -= usize::from(goes);
                !goes
            });
            self.entries.drain(..surplus.min(self.entries.len()));
        }
        self.entries.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(over: &[usize]) -> Bounded<bool> {
        let mut map = Bounded { max: 8, ..Bounded::default() };
        for number in 0..8 {
            map.insert(number.to_string(), over.contains(&number), |is_over| *is_over);
        }
        map
    }

    fn names(map: &Bounded<bool>) -> String {
        map.entries.keys().map(String::as_str).collect()
    }

    #[test]
    fn what_is_over_goes_before_what_is_older() {
        let mut map = full(&[3, 5, 6]);
        map.insert("8".into(), false, |is_over| *is_over);
        assert_eq!(names(&map), "0124678");
        let mut map = full(&[6]);
        map.insert("8".into(), false, |is_over| *is_over);
        assert_eq!(names(&map), "1234578", "the one that is over, and then the oldest");
    }

    #[test]
    fn it_never_outgrows_its_bound() {
        let mut map = full(&[]);
        for number in 0..1_000 {
            map.insert(format!("n{number}"), number % 3 == 0, |is_over| *is_over);
            assert!(map.entries.len() <= 8);
        }
        let mut same = full(&[0]);
        same.insert("0".into(), true, |is_over| *is_over);
        assert_eq!(names(&same), "01234567", "what is replaced needs no room");
    }
}
