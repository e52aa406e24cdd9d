//! Very many sessions that nobody logged in for: each can be worked out from its number, so that the
//! generator knows all their tokens and keeps only how often it turned each.

use std::rc::Rc;

use relatch_core::session::{Generation, SessionId, SessionSecret};
use relatch_core::token::TokenKey;
use uuid::Uuid;

use super::chains::refresh_request;
use crate::chance::Chance;
use crate::load::Chain;

/// Sessions of one user.
pub(crate) const PER_USER: u64 = 5;

/// So many sessions, by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Population {
    pub(crate) sessions: u32,
}

impl Population {
    /// Spread over all ids as random ones are, but growing with the number: so a table is filled from
    /// one end to the other.
    pub(crate) fn id(self, number: u32) -> Uuid {
        let step = u64::MAX / u64::from(self.sessions.max(1));
        let mut chance = Chance::lane(1, number.into());
        let high = u64::from(number) * step + chance.below(step);
        let bits = (u128::from(high) << 64) | u128::from(chance.number());
        uuid::Builder::from_u128(bits)
            .with_variant(uuid::Variant::RFC4122)
            .with_version(uuid::Version::Random)
            .into_uuid()
    }

    /// All numbers, in an order that is by chance and always the same.
    pub(crate) fn shuffled(self) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..self.sessions).collect();
        let mut chance = Chance::lane(4, 0);
        for place in (1..numbers.len()).rev() {
            let other = chance.below(place as u64 + 1);
            numbers.swap(place, usize::try_from(other).unwrap_or(0));
        }
        numbers
    }

    pub(crate) fn secret(number: u32) -> [u8; 32] {
        let mut chance = Chance::lane(2, number.into());
        let mut secret = [0; 32];
        for eight in secret.chunks_mut(8) {
            eight.copy_from_slice(&chance.number().to_be_bytes());
        }
        secret
    }

    /// The user of a session.
    pub(crate) fn user(number: u32) -> u64 {
        u64::from(number) / PER_USER
    }
}

/// Refreshes sessions at random over the whole table; each connection has those of its own.
pub(crate) struct Scattered {
    population: Population,
    key: Rc<TokenKey>,
    /// Its sessions are every `stride`th from `first`.
    first: u32,
    stride: u32,
    generations: Vec<u32>,
    chosen: u32,
    chance: Chance,
}

impl Scattered {
    /// One for each connection.
    pub(crate) fn over(population: Population, key: TokenKey, connections: u32) -> Vec<Self> {
        let key = Rc::new(key);
        let share = population.sessions / connections;
        (0..connections)
            .map(|first| Self {
                population,
                key: Rc::clone(&key),
                first,
                stride: connections,
                generations: vec![0; usize::try_from(share).unwrap_or(0)],
                chosen: 0,
                chance: Chance::lane(3, first.into()),
            })
            .collect()
    }

    fn generation(&mut self) -> Option<&mut u32> {
        let place = usize::try_from(self.chosen).ok()?;
        self.generations.get_mut(place)
    }
}

impl Chain for Scattered {
    fn request(&mut self, buffer: &mut Vec<u8>) {
        let choice = self.chance.below(self.generations.len() as u64);
        self.chosen = u32::try_from(choice).unwrap_or(0);
        let number = self.first + self.chosen * self.stride;
        let id = SessionId(self.population.id(number));
        let secret = SessionSecret::from_bytes(Population::secret(number));
        let generation = Generation(self.generation().copied().unwrap_or(0));
        let token = self.key.issue(id, &secret, generation);
        refresh_request(token.expose().as_bytes(), buffer);
    }

    fn answered(&mut self, status: u16, _body: &[u8]) {
        if status == 200
            && let Some(generation) = self.generation()
        {
            *generation += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Population;

    #[test]
    fn ids_grow_and_reach_over_all_of_them() {
        let population = Population { sessions: 10_000 };
        let ids: Vec<_> = (0..10_000).map(|number| population.id(number)).collect();
        assert!(ids.is_sorted());
        assert!(ids[0].as_bytes()[0] == 0 && ids[9999].as_bytes()[0] == 255);
        let mut shuffled = population.shuffled();
        assert!(!shuffled.is_sorted());
        shuffled.sort_unstable();
        assert!(shuffled.into_iter().eq(0..10_000));
        assert_ne!(Population::secret(1), Population::secret(2));
    }
}
