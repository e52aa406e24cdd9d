//! Single changes to files and to their names, whole or torn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::chance::Chance;

/// Disks write whole sectors.
const SECTOR: usize = 512;

/// A change to what is in a file.
#[derive(Clone, Copy)]
pub(super) enum Edit<'a> {
    /// At this offset.
    Write(usize, &'a [u8]),
    /// Or lengthened by zeros, to this length.
    Truncate(usize),
}

/// A change to which file a name stands for; files go by number.
pub(super) enum Naming<'a> {
    Add(&'a Path, usize),
    Remove(&'a Path),
    Move(&'a Path, &'a Path),
}

impl Edit<'_> {
    pub(super) fn apply(self, file: &mut Vec<u8>) {
        match self {
            Self::Truncate(length) => file.resize(length, 0),
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if file.len() < end {
                    file.resize(end, 0);
                }
                if let Some(place) = file.get_mut(offset..end) {
                    place.copy_from_slice(bytes);
                }
            }
        }
    }

    /// Applies about half of it, sector by sector of the file.
    pub(super) fn tear(self, file: &mut Vec<u8>, chance: &mut Chance) {
        let Self::Write(mut offset, mut bytes) = self else {
            if chance.percent(50) {
                self.apply(file);
            }
            return;
        };
        while !bytes.is_empty() {
            let length = (SECTOR - offset % SECTOR).min(bytes.len());
            let (sector, rest) = bytes.split_at(length);
            if chance.percent(50) {
                Edit::Write(offset, sector).apply(file);
            }
            (offset, bytes) = (offset + length, rest);
        }
    }
}

impl Naming<'_> {
    /// Whether a sync of `folder` covers it.
    pub(super) fn within(&self, folder: &Path) -> bool {
        let (Self::Add(name, _) | Self::Remove(name) | Self::Move(_, name)) = self;
        name.parent() == Some(folder)
    }

    pub(super) fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match *self {
            Self::Add(name, number) => {
                names.insert(name.to_owned(), number);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
            Self::Move(from, to) => {
                if let Some(number) = names.remove(from) {
                    names.insert(to.to_owned(), number);
                }
            }
        }
    }
}
