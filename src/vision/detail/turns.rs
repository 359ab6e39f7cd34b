//! Which crop is looked at next: the one that was not looked at for longest.
//!
//! A crop for which there is no time keeps its place and holds up nobody: the next ones are asked for
//! behind it.
//!
//! Not here: whether there is time (`budget`).

/// When each crop was looked at last.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    looks: u64,
    /// By crop: the number of the last look at it, counted from 1 over all crops; 0: never.
    looked_at: Vec<u64>,
}

impl Turns {
    /// For the next picture: its crops in the order in which they are asked for. With another plan a
    /// crop inherits the place of the one that had its number.
    pub fn next(&mut self, crops: usize) -> Vec<usize> {
        self.looked_at.resize(crops, 0);
        let mut order: Vec<usize> = (0..crops).collect();
        order.sort_by_key(|crop| self.looked_at.get(*crop).copied());
        order
    }

    /// For the next picture: of so many crops these come first, in this order.
    pub fn put_first(&mut self, first: &[u16], crops: usize) {
        self.looks = crops as u64;
        self.looked_at = vec![self.looks; crops];
        for (place, crop) in (0..).zip(first) {
            if let Some(looked_at) = self.looked_at.get_mut(usize::from(*crop)) {
                *looked_at = place;
            }
        }
    }

    /// A crop was looked at.
    pub fn had(&mut self, crop: usize) {
        if let Some(looked_at) = self.looked_at.get_mut(crop) {
            self.looks += 1;
            *looked_at = self.looks;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is looked at with each picture, where there is time for `most` crops that are allowed.
    fn looked_at(turns: &mut Turns, most: usize, allowed: impl Fn(usize) -> bool) -> Vec<usize> {
        let order = turns.next(4);
        let had: Vec<usize> = order.into_iter().filter(|it| allowed(*it)).take(most).collect();
        for crop in &had {
            turns.had(*crop);
        }
        had
    }

    #[test]
    fn with_time_for_all_the_order_is_always_the_same() {
        let mut turns = Turns::default();
        for _ in 0..3 {
            assert_eq!(looked_at(&mut turns, 4, |_| true), [0, 1, 2, 3]);
        }
    }

    #[test]
    fn with_time_for_some_each_has_its_turn() {
        let mut turns = Turns::default();
        let got: Vec<_> = (0..4).map(|_| looked_at(&mut turns, 3, |_| true)).collect();
        assert_eq!(got, [[0, 1, 2], [3, 0, 1], [2, 3, 0], [1, 2, 3]]);
    }

    #[test]
    fn what_another_looked_at_comes_first_in_its_order_whatever_was_before() {
        let mut turns = Turns::default();
        assert_eq!(looked_at(&mut turns, 2, |_| true), [0, 1]);
        turns.put_first(&[3, 1], 4);
        assert_eq!(looked_at(&mut turns, 2, |_| true), [3, 1]);
        turns.put_first(&[2], 4);
        assert_eq!(looked_at(&mut turns, 1, |_| true), [2]);
    }

    #[test]
    fn one_that_is_not_allowed_holds_up_nobody_and_is_first_when_it_is() {
        let mut turns = Turns::default();
        let got: Vec<_> = (0..4).map(|_| looked_at(&mut turns, 1, |crop| crop != 1)).collect();
        assert_eq!(got, [[0], [2], [3], [0]]);
        assert_eq!(looked_at(&mut turns, 1, |_| true), [1]);
    }
}
