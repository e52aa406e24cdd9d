//! How many of something there may be at once: in all, and of one address. Counts; whoever is turned away is told elsewhere.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Places for connections, or for requests.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    /// Of one address; one that is nobody's counts for all alone.
    most_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Those that have one, and no others: an address that is only named takes no memory.
    each: HashMap<IpAddr, usize>,
}

/// A place, for as long as it is held.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    owner: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Full {
    /// All are taken.
    All,
    /// This address has as many as it may.
    Each,
}

impl Places {
    pub(crate) fn new(most: usize, most_each: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_each,
            taken: Mutex::default(),
        })
    }

    /// One more for this address.
    ///
    /// # Errors
    /// [`Full`].
    pub(crate) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Place, Full> {
        let owner = address.map(owner);
        let mut taken = self.lock();
        if taken.all >= self.most {
            return Err(Full::All);
        }
        if let Some(owner) = owner {
            taken.count(owner, self.most_each)?;
        }
        taken.all += 1;
        Ok(Place {
            places: Arc::clone(self),
            owner,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whether it is one of these.
    pub(crate) fn is_of(&self, places: &Arc<Places>) -> bool {
        Arc::ptr_eq(&self.places, places)
    }

    /// Counts this place, which is nobody's yet, for an address.
    ///
    /// # Errors
    /// [`Full::Each`].
    pub(crate) fn give_to(&mut self, address: IpAddr) -> Result<(), Full> {
        let owner = owner(address);
        self.places.lock().count(owner, self.places.most_each)?;
        self.owner = Some(owner);
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        let Some(owner) = self.owner else { return };
        if let Some(own) = taken.each.get_mut(&owner) {
            *own -= 1;
            if *own == 0 {
                taken.each.remove(&owner);
            }
        }
    }
}

impl Taken {
    fn count(&mut self, owner: IpAddr, most: usize) -> Result<(), Full> {
        let own = self.each.entry(owner).or_default();
        if *own >= most {
            return Err(Full::Each);
        }
        *own += 1;
        Ok(())
    }
}

/// Who is behind an address. Of IPv6 a subscriber has 2⁶⁴ addresses or more, and may come from another one each time.
fn owner(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(network).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_has_its_share_and_all_have_no_more_than_there_is() {
        let places = Places::new(4, 2);
        let take = |text: &str| places.take(Some(address(text)));
        let held = [take("192.0.2.1"), take("192.0.2.1")];
        assert_eq!(take("192.0.2.1").err(), Some(Full::Each));
        let others = [take("192.0.2.2"), places.take(None)];
        assert!(others.iter().all(Result::is_ok));
        assert_eq!(take("192.0.2.3").err(), Some(Full::All));
        drop(held);
        let mut later = places.take(None).expect("a place");
        assert!(take("192.0.2.1").is_ok());
        assert_eq!(later.give_to(address("::ffff:192.0.2.1")), Ok(()));
    }

    #[test]
    fn a_network_of_64_bits_is_one_address_and_so_is_either_way_to_write_it() {
        let places = Places::new(9, 1);
        let take = |text: &str| places.take(Some(address(text)));
        let _held = [take("2001:db8:0:1::1"), take("192.0.2.1")];
        assert_eq!(take("2001:db8:0:1:ffff::2").err(), Some(Full::Each));
        assert_eq!(take("::ffff:192.0.2.1").err(), Some(Full::Each));
        assert!(take("2001:db8:0:2::1").is_ok());
    }

    #[test]
    fn addresses_that_are_gone_take_no_memory() {
        let places = Places::new(9, 1);
        for last in 0..200 {
            let taken = places.take(Some(address(&format!("192.0.2.{last}"))));
            drop(taken);
            let again = places.take(Some(address(&format!("192.0.2.{last}"))));
            assert!(again.is_ok());
        }
        assert!(places.lock().each.is_empty());
    }
}
