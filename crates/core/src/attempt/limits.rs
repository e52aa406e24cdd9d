//! What is counted of an attempt, and whether all of it leaves room for one more.

use std::{net::IpAddr, time::Duration};

use super::{
    Account, Attempt, Kind, Known,
    quota::Quota,
    table::{Place, Places, Table},
};
use crate::{Entropy, Timestamp};

/// What is counted together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Attempts of strangers at one account.
    Account,
    /// Attempts of strangers from one network.
    Address,
    /// Attempts of strangers from one network at one account.
    AddressAccount,
    /// Attempts of one device that logged in before, or within one session.
    Device,
    /// Attempts at one account, good ones included, whoever makes them.
    Logins,
    /// Attempts of all strangers.
    Whole,
}

impl Scope {
    /// The name that clients are told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
            Self::AddressAccount => "address-account",
            Self::Device => "device",
            Self::Logins => "logins",
            Self::Whole => "whole",
        }
    }
}

/// How often each may be tried. Several quotas for one thing hold together: the first lets some through at once, the later
/// ones make the pauses grow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// Of strangers, at one account.
    pub account: Vec<Quota>,
    /// Of strangers, from one network.
    pub address: Vec<Quota>,
    /// Of strangers, from one network at one account.
    pub address_account: Vec<Quota>,
    /// Of a known device.
    pub device: Vec<Quota>,
    /// At one account, good ones included.
    pub logins: Vec<Quota>,
    /// Of all strangers.
    pub whole: Vec<Quota>,
}

/// An attempt that was let in: what it was counted in, to be given back if it turns out to be no guess.
#[derive(Debug)]
pub struct Permit {
    charged: Vec<(Scope, Place)>,
    kind: Kind,
    at: Timestamp,
}

/// What became of an attempt that was let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing was tried: a fault, or no room further on.
    Untried,
    /// It was right.
    Right,
    /// It was wrong.
    Wrong,
}

/// An attempt that must wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    /// What leaves no room.
    pub scope: Scope,
    /// Which quota of it.
    pub quota: Quota,
    /// How long it takes until there is room.
    pub wait: Duration,
}

/// All counters.
pub struct Limits {
    places: Places,
    tables: Vec<(Scope, Table)>,
}

impl Limits {
    /// Empty ones.
    pub fn new(policy: &Policy, entropy: &dyn Entropy) -> Self {
        let quotas = policy.quotas();
        let table = |(scope, quota)| (scope, Table::new(quota, policy.most_within(quota.every())));
        Self {
            places: Places::draw(entropy),
            tables: quotas.map(table).collect(),
        }
    }

    /// Counts the attempt, unless one of the counters leaves no room: then it is counted nowhere.
    ///
    /// # Errors
    /// [`Refused`] with the longest wait.
    pub fn admit(&mut self, attempt: &Attempt<'_>, now: Timestamp) -> Result<Permit, Refused> {
        let charged = self.charges(attempt);
        let waits = charged.iter().flat_map(|(scope, place)| {
            let tables = self.tables.iter().filter(move |table| table.0 == *scope);
            tables.map(move |(scope, table)| Refused {
                scope: *scope,
                quota: table.quota(),
                wait: table.wait(*place, now),
            })
        });
        let refused = waits.filter(|refused| !refused.wait.is_zero());
        if let Some(refused) = refused.max_by_key(|refused| refused.wait) {
            return Err(refused);
        }
        for (scope, place) in &charged {
            self.each(*scope, |table| table.charge(*place, now));
        }
        Ok(Permit {
            charged,
            kind: attempt.kind,
            at: now,
        })
    }

    /// Gives back what was no guess.
    pub fn settle(&mut self, permit: &Permit, outcome: Outcome, now: Timestamp) {
        for (scope, place) in &permit.charged {
            if returns(*scope, permit.kind, outcome) {
                // Of the whole all of it, however long the hash took: its pauses are shorter than a hash in a queue. What
                // that forgives is at most what is under way at once.
                let held = match scope {
                    Scope::Whole => Duration::ZERO,
                    _ => now.since(permit.at),
                };
                self.each(*scope, |table| table.give_back(*place, held));
            }
        }
    }

    /// Whether strangers have used more than half of what they may do at once.
    pub fn is_strained(&self, kind: Kind, now: Timestamp) -> bool {
        let place = self.place(Scope::Whole, kind, &[]);
        let mut tables = self.tables.iter();
        tables.any(|(scope, table)| *scope == Scope::Whole && table.is_strained(place, now))
    }

    fn each(&mut self, scope: Scope, mut act: impl FnMut(&mut Table)) {
        let tables = self.tables.iter_mut();
        tables
            .filter(|table| table.0 == scope)
            .for_each(|(_, table)| act(table));
    }

    /// What is counted of it, and where.
    fn charges(&self, attempt: &Attempt<'_>) -> Vec<(Scope, Place)> {
        let (kind, account) = (attempt.kind, attempt.account.as_ref().map(Account::bytes));
        let place = |scope, parts: &[&[u8]]| (scope, self.place(scope, kind, parts));
        let mut charges = Vec::with_capacity(5);
        let own = attempt.known.as_ref();
        charges.extend(own.map(|known| place(Scope::Device, &known.bytes())));
        if own.is_none() {
            let network = attempt.address.map(network);
            // Nobody guesses a code, but whoever knows a username could keep its user from redeeming his.
            if kind != Kind::Reset {
                charges.extend(account.map(|account| place(Scope::Account, &account)));
            }
            if let Some(network) = &network {
                charges.push(place(Scope::Address, &[network]));
            }
            if let (Some(network), Some([tag, account])) = (&network, account) {
                charges.push(place(Scope::AddressAccount, &[network, tag, account]));
            }
            charges.push(place(Scope::Whole, &[]));
        }
        if kind == Kind::Login {
            charges.extend(account.map(|account| place(Scope::Logins, &account)));
        }
        charges
    }

    fn place(&self, scope: Scope, kind: Kind, parts: &[&[u8]]) -> Place {
        let own = [scope.name().as_bytes(), kind.name().as_bytes()];
        self.places.of(&[&own, parts].concat())
    }
}

impl Policy {
    /// How many attempts of strangers are let through in all within such a time.
    fn most_within(&self, time: Duration) -> f64 {
        let most = self.whole.iter().map(|whole| {
            f64::from(whole.burst()) + time.as_secs_f64() / whole.every().as_secs_f64()
        });
        most.fold(f64::MAX, f64::min)
    }

    fn quotas(&self) -> impl Iterator<Item = (Scope, Quota)> {
        [
            (Scope::Account, &self.account),
            (Scope::Address, &self.address),
            (Scope::AddressAccount, &self.address_account),
            (Scope::Device, &self.device),
            (Scope::Logins, &self.logins),
            (Scope::Whole, &self.whole),
        ]
        .into_iter()
        .flat_map(|(scope, quotas)| quotas.iter().map(move |quota| (scope, *quota)))
    }
}

/// Whether that is given back. Nobody gets back a good registration, for it cost us a hash and a row; nor what counts good
/// logins.
fn returns(scope: Scope, kind: Kind, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Untried => true,
        Outcome::Right => scope != Scope::Logins && kind != Kind::Register,
        Outcome::Wrong => false,
    }
}

impl Known {
    /// A name and an id are told apart by what stands before them.
    fn bytes(&self) -> [&[u8]; 2] {
        match self {
            Self::Device(device) => [b"device", &device.0],
            Self::Session(session) => [b"session", session.0.as_bytes()],
        }
    }
}

impl Account<'_> {
    fn bytes(&self) -> [&[u8]; 2] {
        match self {
            Self::Name(name) => [b"name", name.as_bytes()],
            Self::User(user) => [b"user", user.0.as_bytes()],
        }
    }
}

/// What one customer of a provider has: an address of IPv4, 64 bits of IPv6 (RFC 6177).
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    }
}

#[cfg(test)]
mod tests;
