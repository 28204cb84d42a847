//! A few things in a row, in place.

use std::fmt;

#[derive(Clone, Copy)]
pub struct List<T, const MOST: usize> {
    items: [Option<T>; MOST],
}

pub fn list<T: Copy, const COUNT: usize, const MOST: usize>(items: [T; COUNT]) -> List<T, MOST> {
    let mut list = List::default();
    items.into_iter().for_each(|item| list.push(item));
    list
}

impl<T: Copy, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        List::EMPTY
    }
}

impl<T: Copy, const MOST: usize> List<T, MOST> {
    pub const EMPTY: Self = List {
        items: [None; MOST],
    };

    pub fn len(&self) -> usize {
        self.items.iter().flatten().count()
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().flatten()
    }

    pub fn push(&mut self, item: T) {
        self.insert(self.len(), item);
    }

    /// Where there is no room left, the last is lost.
    pub fn insert(&mut self, place: usize, item: T) {
        let place = place.min(MOST - 1);
        self.items[place..].rotate_right(1);
        self.items[place] = Some(item);
    }

    pub fn remove(&mut self, place: usize) {
        self.items[place] = None;
        self.items[place..].rotate_left(1);
    }
}

impl<T, const MOST: usize> std::ops::Index<usize> for List<T, MOST> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        self.items[place].as_ref().expect("an item")
    }
}

impl<T, const MOST: usize> std::ops::IndexMut<usize> for List<T, MOST> {
    fn index_mut(&mut self, place: usize) -> &mut T {
        self.items[place].as_mut().expect("an item")
    }
}

impl<T: Copy + PartialEq, const MOST: usize> PartialEq for List<T, MOST> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Copy + fmt::Debug, const MOST: usize> fmt::Debug for List<T, MOST> {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        // As it is written in kept.rs.
        formatter.write_str("list(")?;
        formatter.debug_list().entries(self.iter()).finish()?;
        formatter.write_str(")")
    }
}
