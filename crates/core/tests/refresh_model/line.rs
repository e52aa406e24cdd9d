//! Which tokens exist: the model's own record of every minting, kept beside the row and never forgotten.
//!
//! A token's bytes follow from session and generation, so a row that names a generation proves nothing about how many
//! tokens are about. Here each minting, the presented token and what it turned into, has a serial. The same minting
//! once more, after a crash forgot the first, is the same token by design and has the same serial; anything else that
//! leads to a second token is a fork.

use relatch_core::session::Generation;

/// Room for a generation more than any bound issues.
pub const ROOM: usize = 8;

/// Names one minting, in order; 0 is the token of login.
pub type Serial = u8;

/// Every minting that ever was.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Line {
    issued: u8,
    parents: [Serial; ROOM],
    generations: [u8; ROOM],
}

/// A fork: two tokens where there may be one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fork;

impl Line {
    /// Only the token of login.
    pub fn begin() -> Self {
        Self {
            issued: 1,
            parents: [0; ROOM],
            generations: [0; ROOM],
        }
    }

    /// Every serial.
    pub fn serials(&self) -> impl Iterator<Item = Serial> + use<> {
        0..self.issued
    }

    /// The generation that a token carries.
    pub fn generation(&self, serial: Serial) -> Generation {
        Generation(u32::from(self.generations[usize::from(serial)]))
    }

    /// The token of a generation, if it was ever minted.
    pub fn find(&self, generation: Generation) -> Option<Serial> {
        self.serials()
            .find(|serial| self.generation(*serial) == generation)
    }

    /// The newest generation ever issued, on whatever branch of history.
    pub fn furthest(&self) -> Option<Generation> {
        self.serials().map(|serial| self.generation(serial)).max()
    }

    /// Records that `parent` turned into a token of generation `to`: one token turns into one, which comes of no other
    /// and is newer.
    pub fn mint(&mut self, parent: Serial, to: Generation) -> Result<Serial, Fork> {
        let child = self.minted().find(|child| self.parent(*child) == parent);
        match (child, self.find(to)) {
            (Some(child), Some(found)) if child == found => Ok(child),
            (None, None) if to > self.generation(parent) => self.add(parent, to),
            _ => Err(Fork),
        }
    }

    fn add(&mut self, parent: Serial, to: Generation) -> Result<Serial, Fork> {
        let serial = self.issued;
        let place = usize::from(serial);
        let generation = u8::try_from(to.0).map_err(|_| Fork)?;
        *self.parents.get_mut(place).ok_or(Fork)? = parent;
        self.generations[place] = generation;
        self.issued += 1;
        Ok(serial)
    }

    fn minted(&self) -> impl Iterator<Item = Serial> + use<> {
        1..self.issued
    }

    fn parent(&self, serial: Serial) -> Serial {
        self.parents[usize::from(serial)]
    }
}

#[test]
fn a_minting_once_more_is_the_same_token_and_any_other_is_a_fork() {
    let mut line = Line::begin();
    assert_eq!(line.mint(0, Generation(1)), Ok(1));
    assert_eq!(line.mint(0, Generation(1)), Ok(1), "a crash forgot it");
    assert_eq!(line.mint(0, Generation(2)), Err(Fork), "a second successor");
    assert_eq!(line.mint(1, Generation(1)), Err(Fork), "itself");
    assert_eq!(line.mint(1, Generation(2)), Ok(2));
    assert_eq!(line.mint(2, Generation(2)), Err(Fork), "two ways to one");
    assert_eq!(line.furthest(), Some(Generation(2)));
}
