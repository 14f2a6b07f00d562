//! Chance that can be played again: everything random in these tests comes from one printed seed.

/// SplitMix64: small, and good enough to choose moments.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of their own for one part, so that what one part throws changes nothing for the others.
    pub(crate) fn apart(&self, part: u64) -> Self {
        let mut other = Self(self.0 ^ part.wrapping_mul(0xA076_1D64_78BD_642F));
        Self(other.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to one less than the limit.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_seed_is_played_again() {
        let throws = |seed| {
            let mut dice = Dice::new(seed).apart(3);
            (0..20).map(|_| dice.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        assert_ne!(Dice::new(7).apart(1).below(1 << 60), Dice::new(7).apart(2).below(1 << 60));
    }
}
