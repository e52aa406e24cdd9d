//! The disk that a power cut leaves: what was synced for certain, and of the rest what luck has it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::change::{Edit, Naming};
use super::event::{Deed, Event};
use crate::chance::Chance;

/// What becomes of changes that no sync covered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Luck {
    /// None of them is there.
    Guaranteed,
    /// Each file has its oldest ones, up to a random one.
    Prefix,
    /// Each sector of each change is there or not, by itself.
    Torn,
}

/// The files after a power cut at place `cut` of the trace.
pub(crate) fn disk(
    events: &[Event],
    cut: usize,
    luck: Luck,
    chance: &mut Chance,
) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut disk = Disk::default();
    for event in events.iter().take_while(|event| event.start < cut) {
        disk.follow(event, cut);
    }
    disk.settle(luck, chance)
}

#[derive(Default)]
struct Disk<'a> {
    /// Files by number, for a name may move or be used again.
    files: Vec<Contents<'a>>,
    /// The names as the running system sees them.
    seen: BTreeMap<&'a Path, usize>,
    /// The names that are on disk.
    names: BTreeMap<PathBuf, usize>,
    renamings: Vec<Change<Naming<'a>>>,
}

#[derive(Default)]
struct Contents<'a> {
    synced: Vec<u8>,
    changes: Vec<Change<Edit<'a>>>,
}

struct Change<T> {
    end: usize,
    what: T,
}

impl<'a> Disk<'a> {
    fn follow(&mut self, event: &'a Event, cut: usize) {
        let end = event.end;
        match &event.deed {
            Deed::Open { file, truncate } => {
                self.open(file, end);
                if *truncate {
                    self.edit(file, end, Edit::Truncate(0));
                }
            }
            Deed::Write {
                file,
                offset,
                bytes,
            } => {
                self.edit(file, end, Edit::Write(*offset, bytes));
            }
            Deed::Truncate { file, length } => self.edit(file, end, Edit::Truncate(*length)),
            Deed::Sync { file } if end < cut => self.sync(file, event.start),
            Deed::Unlink { file } => {
                self.seen.remove(file.as_path());
                self.rename(end, Naming::Remove(file));
            }
            Deed::Rename { from, to } => {
                if let Some(number) = self.seen.remove(from.as_path()) {
                    self.seen.insert(to, number);
                }
                self.rename(end, Naming::Move(from, to));
            }
            Deed::Link { from, to } => {
                if let Some(number) = self.seen.get(from.as_path()).copied() {
                    self.seen.insert(to, number);
                    self.rename(end, Naming::Add(to, number));
                }
            }
            Deed::Sync { .. } | Deed::Answer { .. } => {}
        }
    }

    fn open(&mut self, file: &'a Path, end: usize) {
        if !self.seen.contains_key(file) {
            let number = self.files.len();
            self.files.push(Contents::default());
            self.seen.insert(file, number);
            self.rename(end, Naming::Add(file, number));
        }
    }

    fn edit(&mut self, file: &Path, end: usize, what: Edit<'a>) {
        let number = self.seen.get(file).copied();
        if let Some(contents) = number.and_then(|number| self.files.get_mut(number)) {
            contents.changes.push(Change { end, what });
        }
    }

    fn rename(&mut self, end: usize, what: Naming<'a>) {
        self.renamings.push(Change { end, what });
    }

    /// A sync that started at `start` has ended: what had ended before is on disk.
    fn sync(&mut self, file: &Path, start: usize) {
        let number = self.seen.get(file).copied();
        if let Some(contents) = number.and_then(|number| self.files.get_mut(number)) {
            contents.sync(start);
            return;
        }
        let renamings = std::mem::take(&mut self.renamings);
        for naming in renamings {
            if naming.end < start && naming.what.within(file) {
                naming.what.apply(&mut self.names);
            } else {
                self.renamings.push(naming);
            }
        }
    }

    fn settle(mut self, luck: Luck, chance: &mut Chance) -> BTreeMap<PathBuf, Vec<u8>> {
        let lucky = match luck {
            Luck::Guaranteed => 0,
            // A journal keeps the order of names, so a prefix is as bad as it gets.
            Luck::Prefix | Luck::Torn => some(chance, self.renamings.len()),
        };
        for naming in self.renamings.iter().take(lucky) {
            naming.what.apply(&mut self.names);
        }
        let mut left = BTreeMap::new();
        for (name, number) in self.names {
            if let Some(contents) = self.files.get(number) {
                left.insert(name, contents.settle(luck, chance));
            }
        }
        left
    }
}

fn some(chance: &mut Chance, length: usize) -> usize {
    usize::try_from(chance.between(0, length as u64 + 1)).unwrap_or(0)
}

impl Contents<'_> {
    fn sync(&mut self, start: usize) {
        let changes = std::mem::take(&mut self.changes);
        for change in changes {
            if change.end < start {
                change.what.apply(&mut self.synced);
            } else {
                self.changes.push(change);
            }
        }
    }

    fn settle(&self, luck: Luck, chance: &mut Chance) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let lucky = match luck {
            Luck::Guaranteed => 0,
            Luck::Prefix => some(chance, self.changes.len()),
            Luck::Torn => self.changes.len(),
        };
        for change in self.changes.iter().take(lucky) {
            match luck {
                Luck::Torn => change.what.tear(&mut bytes, chance),
                Luck::Guaranteed | Luck::Prefix => change.what.apply(&mut bytes),
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::super::event::{Deed, Event};
    use super::{Luck, disk};
    use crate::chance::Chance;

    fn path(name: &str) -> PathBuf {
        PathBuf::from("/d").join(name)
    }

    fn write(offset: usize, bytes: &[u8]) -> Deed {
        let (file, bytes) = (path("f"), bytes.to_vec());
        Deed::Write {
            file,
            offset,
            bytes,
        }
    }

    fn sync(name: &str) -> Deed {
        Deed::Sync { file: path(name) }
    }

    fn open() -> Deed {
        let (file, truncate) = (path("f"), false);
        Deed::Open { file, truncate }
    }

    /// Each deed takes one line, at its own number; a deed with a second number ends there.
    fn left(
        deeds: Vec<(usize, usize, Deed)>,
        cut: usize,
        luck: Luck,
    ) -> BTreeMap<PathBuf, Vec<u8>> {
        let event = |(start, end, deed)| Event { start, end, deed };
        let events: Vec<Event> = deeds.into_iter().map(event).collect();
        disk(&events, cut, luck, &mut Chance::lane(1, 1))
    }

    fn only_file(left: &BTreeMap<PathBuf, Vec<u8>>) -> &[u8] {
        &left[&path("f")]
    }

    #[test]
    fn only_what_ended_before_the_sync_began_is_certain() {
        let deeds = || {
            vec![
                (0, 0, open()),
                (1, 1, sync("")),
                (2, 2, write(0, b"aaaa")),
                (3, 5, write(1, b"b")),
                (4, 6, sync("f")),
                (7, 7, write(2, b"c")),
            ]
        };
        assert_eq!(only_file(&left(deeds(), 6, Luck::Guaranteed)), b"");
        assert_eq!(only_file(&left(deeds(), 9, Luck::Guaranteed)), b"aaaa");
        let lucky = left(deeds(), 9, Luck::Prefix);
        let prefixes: [&[u8]; 3] = [b"aaaa", b"abaa", b"abca"];
        assert!(prefixes.contains(&only_file(&lucky)));
    }

    #[test]
    fn a_name_is_certain_once_its_folder_is_synced() {
        let deeds = || vec![(0, 0, open()), (1, 1, sync("f")), (2, 2, sync(""))];
        assert!(left(deeds(), 2, Luck::Guaranteed).is_empty());
        assert_eq!(left(deeds(), 3, Luck::Guaranteed).len(), 1);
    }

    #[test]
    fn a_moved_file_keeps_what_was_synced_under_its_old_name() {
        let (from, to) = (path("f"), path("g"));
        let deeds = vec![
            (0, 0, open()),
            (1, 1, write(0, b"key")),
            (2, 2, sync("f")),
            (3, 3, Deed::Rename { from, to }),
            (4, 4, sync("")),
        ];
        let left = left(deeds, 5, Luck::Guaranteed);
        assert_eq!(
            left.into_iter().collect::<Vec<_>>(),
            [(path("g"), b"key".to_vec())]
        );
    }

    #[test]
    fn a_file_keeps_its_second_name_when_the_first_goes() {
        let (from, to) = (path("f"), path("g"));
        let deeds = vec![
            (0, 0, open()),
            (1, 1, write(0, b"key")),
            (2, 2, sync("f")),
            (3, 3, Deed::Link { from, to }),
            (4, 4, Deed::Unlink { file: path("f") }),
            (5, 5, sync("")),
        ];
        let left = left(deeds, 6, Luck::Guaranteed);
        assert_eq!(
            left.into_iter().collect::<Vec<_>>(),
            [(path("g"), b"key".to_vec())]
        );
    }

    #[test]
    fn a_torn_write_is_torn_between_sectors_only() {
        let deeds = vec![
            (0, 0, open()),
            (1, 1, sync("")),
            (2, 2, write(0, &[1; 8192])),
            (3, 3, sync("f")),
            (4, 4, write(0, &[2; 8192])),
        ];
        let left = left(deeds, 5, Luck::Torn);
        let mut sectors = only_file(&left).chunks(512);
        assert!(sectors.all(|sector| sector == [1; 512] || sector == [2; 512]));
        assert!(only_file(&left).contains(&1) && only_file(&left).contains(&2));
    }
}
