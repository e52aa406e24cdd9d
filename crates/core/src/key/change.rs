//! What a change of the key table did to each key, for the record.

use super::{KeyRecord, KeyState, Purpose};

/// A key and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyChange {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name among the keys of that purpose.
    pub id: String,
    /// What became of it.
    pub step: KeyStep,
}

/// What can become of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyStep {
    /// It was made, and is not used yet.
    Announced,
    /// Tokens are made with it.
    Activated,
    /// Somebody wants another in its place.
    ReplacementRequested,
    /// Nothing new is made with it.
    Retired,
    /// It was withdrawn.
    Compromised,
    /// It was forgotten.
    Removed,
    /// It was sealed under another master key.
    Rewrapped,
}

impl KeyStep {
    /// The stable name of the event.
    pub fn name(self) -> &'static str {
        match self {
            Self::Announced => "key.announced",
            Self::Activated => "key.activated",
            Self::ReplacementRequested => "key.replacement_requested",
            Self::Retired => "key.retired",
            Self::Compromised => "key.compromised",
            Self::Removed => "key.removed",
            Self::Rewrapped => "key.rewrapped",
        }
    }
}

/// Everything that differs between the two, in the order of the keys.
pub fn changes(before: &[KeyRecord], after: &[KeyRecord]) -> Vec<KeyChange> {
    let mut found = Vec::new();
    for key in before.iter().filter(|key| same(after, key).is_none()) {
        found.push(change(key, KeyStep::Removed));
    }
    for key in after {
        let old = same(before, key);
        if old.map(|old| old.state) != Some(key.state) {
            found.push(change(key, step(old.map(|old| old.state), key.state)));
        }
        if old.is_some_and(|old| old.sealed.master != key.sealed.master) {
            found.push(change(key, KeyStep::Rewrapped));
        }
    }
    found
}

fn same<'a>(records: &'a [KeyRecord], key: &KeyRecord) -> Option<&'a KeyRecord> {
    let same = |other: &&KeyRecord| other.purpose == key.purpose && other.id == key.id;
    records.iter().find(same)
}

fn change(key: &KeyRecord, step: KeyStep) -> KeyChange {
    KeyChange {
        purpose: key.purpose,
        id: key.id.clone(),
        step,
    }
}

fn step(was: Option<KeyState>, is: KeyState) -> KeyStep {
    match is {
        KeyState::Announced { .. } => KeyStep::Announced,
        KeyState::Active { .. } if matches!(was, Some(KeyState::Active { .. })) => {
            KeyStep::ReplacementRequested
        }
        KeyState::Active { .. } => KeyStep::Activated,
        KeyState::Retired { .. } => KeyStep::Retired,
        KeyState::Compromised { .. } => KeyStep::Compromised,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Timestamp,
        key::{Algorithm, turn, turn::tests::first_keys},
    };

    fn told(before: &[KeyRecord], after: &[KeyRecord]) -> Vec<&'static str> {
        let changes = changes(before, after);
        changes.iter().map(|change| change.step.name()).collect()
    }

    #[test]
    fn every_step_of_a_key_has_its_name() {
        let first = first_keys(Algorithm::EdDsa);
        assert_eq!(told(&first, &first), [""; 0]);
        let made = told(&[], &first);
        let count = |name| made.iter().filter(|made| **made == name).count();
        assert_eq!((count("key.announced"), count("key.activated")), (2, 2));
        let now = Timestamp::from_seconds(9_000_000_000);
        let mut asked = first.clone();
        turn::request(&mut asked, Purpose::Signing, now);
        assert_eq!(told(&first, &asked), ["key.replacement_requested"]);
        let mut withdrawn = first.clone();
        let active = first
            .iter()
            .find(|key| key.state.makes() && key.purpose == Purpose::Signing);
        let id = active.expect("is there").id.clone();
        assert!(turn::compromise(&mut withdrawn, Purpose::Signing, &id, now));
        let mut steps = told(&first, &withdrawn);
        steps.sort_unstable();
        assert_eq!(steps, ["key.activated", "key.compromised"]);
        let mut retired = first.clone();
        for key in &mut retired {
            key.state = key.state.retire(now, now);
        }
        assert_eq!(told(&first, &retired), ["key.retired"; 2]);
        let mut sealed = first.clone();
        for key in &mut sealed {
            key.sealed.master = [0; 8];
        }
        assert_eq!(told(&first, &sealed), ["key.rewrapped"; 4]);
        assert_eq!(told(&first, &first[1..]), ["key.removed"]);
    }
}
