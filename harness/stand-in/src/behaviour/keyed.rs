//! State by key, bounded: where there are too many keys, the idlest go.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Keys kept at most. A hostile client can make up as many as it likes.
pub(crate) const MAX_KEYS: usize = 10_000;

/// What state is kept under. Of words that somebody sent there is only the digest: it has one size, and shows no
/// secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The one key of what is not told apart.
    pub(crate) const ALL: Self = Self([0; 32]);

    /// The key of some words, in order; none is another word than an empty one.
    pub(crate) fn of(words: &[Option<&str>]) -> Self {
        let mut digest = Sha256::new();
        for word in words {
            let length = word.map_or(u64::MAX, |word| word.len() as u64);
            digest.update(length.to_be_bytes());
            digest.update(word.unwrap_or_default());
        }
        Self(digest.finalize().into())
    }
}

/// State by key, the idlest first to go.
#[derive(Clone, Debug)]
pub(crate) struct Keyed<S> {
    states: HashMap<Key, (u64, S)>,
    /// When each was last used, as a running number.
    order: BTreeMap<u64, Key>,
    next: u64,
}

impl<S> Default for Keyed<S> {
    fn default() -> Self {
        Self { states: HashMap::new(), order: BTreeMap::new(), next: 0 }
    }
}

impl<S> Keyed<S> {
    /// The state of a key, which is not thereby used.
    pub(crate) fn get(&self, key: Key) -> Option<&S> {
        self.states.get(&key).map(|(_, state)| state)
    }

    /// The same, to be changed.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut S> {
        self.states.get_mut(&key).map(|(_, state)| state)
    }

    /// Uses a key. Where it is new and there are too many, the idlest of those that may go goes.
    pub(crate) fn touch(
        &mut self,
        key: Key,
        may_go: impl Fn(&S) -> bool,
        make: impl FnOnce() -> S,
    ) -> &mut S {
        if self.is_full() && !self.states.contains_key(&key) {
            self.pop_idlest(may_go);
        }
        let number = self.next;
        self.next += 1;
        let (last, state) = self.states.entry(key).or_insert_with(|| (number, make()));
        self.order.remove(last);
        *last = number;
        self.order.insert(number, key);
        state
    }

    /// Whether a further key costs an old one.
    pub(crate) fn is_full(&self) -> bool {
        self.states.len() >= MAX_KEYS
    }

    /// Forgets a key.
    pub(crate) fn remove(&mut self, key: Key) -> Option<S> {
        let (last, state) = self.states.remove(&key)?;
        self.order.remove(&last);
        Some(state)
    }

    /// Forgets the idlest key of those that may go.
    pub(crate) fn pop_idlest(&mut self, may_go: impl Fn(&S) -> bool) -> Option<S> {
        let idlest = self.order.values().find(|key| self.get(**key).is_some_and(&may_go)).copied()?;
        self.remove(idlest)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.states.len(), self.order.len());
        self.states.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_idlest_goes_and_what_may_not_go_stays() {
        let mut keyed = Keyed::default();
        let key = |number: usize| Key::of(&[Some(&number.to_string())]);
        let may_go = |state: &usize| *state != 1;
        for number in 0..MAX_KEYS {
            keyed.touch(key(number), may_go, || number);
        }
        keyed.touch(key(0), may_go, || 77);
        for number in MAX_KEYS..MAX_KEYS + 3 {
            keyed.touch(key(number), may_go, || number);
        }
        assert_eq!(keyed.len(), MAX_KEYS);
        let kept: Vec<_> = (0..6).filter(|number| keyed.get(key(*number)).is_some()).collect();
        assert_eq!(kept, [0, 1, 5], "0 was used again, and 1 may not go");
        assert_eq!(keyed.remove(key(0)), Some(0), "it was known, so nothing was made");
        assert_eq!(keyed.remove(key(0)), None);
        assert_eq!(keyed.len(), MAX_KEYS - 1);
    }

    #[test]
    fn words_do_not_run_into_each_other() {
        let all = [
            Key::of(&[Some("ab"), Some("c")]),
            Key::of(&[Some("a"), Some("bc")]),
            Key::of(&[Some("abc")]),
            Key::of(&[None, Some("abc")]),
            Key::of(&[Some(""), Some("abc")]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[index + 1..].contains(one), "{index}");
        }
    }
}
