//! Proof of work by ALTCHA's protocol, version 2: a client searches the number whose derived key (PBKDF2) begins with so many
//! zeros, before its password is tried. Challenges are not kept anywhere: a signature binds each to one account and one
//! kind of attempt, and what was solved is remembered until it ends.

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use aws_lc_rs::{constant_time, hmac, pbkdf2};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::{
    Entropy, Timestamp, chance,
    key::{MasterKeys, to_hex},
};

const ALGORITHM: &str = "PBKDF2/SHA-256";
const KEY_LENGTH: usize = 32;
const NONCE_LENGTH: usize = 16;

/// A proof is about 600 bytes.
const LONGEST: usize = 4096;

/// How much work is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Work {
    /// Iterations of PBKDF2 for each number that is tried: also what looking at a proof costs.
    pub cost: NonZeroU32,
    /// Hexadecimal zeros that the key begins with: one more is sixteen times the work.
    pub zeros: u8,
    /// How long a challenge may take.
    pub lifetime: Duration,
}

/// What is asked of a client: ALTCHA's challenge object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Challenge {
    parameters: Parameters,
    signature: String,
}

/// Their names in the order of the alphabet, in which they are signed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    algorithm: String,
    cost: NonZeroU32,
    /// Seconds since 1970.
    expires_at: i64,
    key_length: usize,
    key_prefix: String,
    nonce: String,
    salt: String,
}

/// What a client found: the payload of ALTCHA's widget.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proof {
    challenge: Challenge,
    solution: Solution,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Solution {
    counter: u32,
    derived_key: String,
}

/// Why a proof is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Its challenge has ended.
    Expired,
    /// Its challenge is not from here, or for another account.
    Foreign,
    /// The number is not the one.
    Unsolved,
    /// It was used before.
    Spent,
}

/// For what a challenge is good: one kind of attempt at the account of that name.
#[derive(Clone, Copy, Debug)]
pub struct Errand<'a> {
    /// What is tried.
    pub kind: Kind,
    /// At which account.
    pub account: &'a str,
}

/// Signs challenges with the newest key, and knows those of all.
pub struct ProofKeys(Vec<hmac::Key>);

impl ProofKeys {
    /// Keys of their own, derived from the master keys.
    pub fn of(master: &MasterKeys) -> Self {
        let keys = master.iter().map(|master| {
            let secret = master.key_for("proof-of-work");
            hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice())
        });
        Self(keys.collect())
    }

    /// A new challenge.
    pub fn challenge(
        &self,
        errand: Errand<'_>,
        work: Work,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Challenge {
        let random = || to_hex(&chance::draw::<NONCE_LENGTH>(entropy));
        let parameters = Parameters {
            algorithm: ALGORITHM.to_owned(),
            cost: work.cost,
            expires_at: now.plus(work.lifetime).as_seconds(),
            key_length: KEY_LENGTH,
            key_prefix: "0".repeat(usize::from(work.zeros)),
            nonce: random(),
            salt: random(),
        };
        let signature = self.0.first().map(|key| parameters.sign(key, errand));
        Challenge {
            signature: to_hex(signature.as_ref().map_or(&[], AsRef::as_ref)),
            parameters,
        }
    }

    fn signed(&self, challenge: &Challenge, errand: Errand<'_>) -> bool {
        self.0.iter().any(|key| {
            let signature = to_hex(challenge.parameters.sign(key, errand).as_ref());
            let claimed = challenge.signature.as_bytes();
            constant_time::verify_slices_are_equal(signature.as_bytes(), claimed).is_ok()
        })
    }
}

impl Parameters {
    fn sign(&self, key: &hmac::Key, errand: Errand<'_>) -> hmac::Tag {
        let mut context = hmac::Context::with_key(key);
        context.update(b"relatch/pow\0");
        for part in [errand.kind.name(), errand.account] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        // Numbers and texts in memory have no way to fail.
        context.update(&serde_json::to_vec(self).unwrap_or_default());
        context.sign()
    }

    /// The key that belongs to a number, in hexadecimal.
    fn derive(&self, counter: u32) -> Option<String> {
        let password = [from_hex(&self.nonce)?.as_slice(), &counter.to_be_bytes()].concat();
        let salt = from_hex(&self.salt)?;
        let mut key = [0; KEY_LENGTH];
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::derive(algorithm, self.cost, &salt, &password, &mut key);
        Some(to_hex(&key))
    }
}

impl Challenge {
    /// Searches the number, as a client does: the proof in the form in which it is sent.
    pub fn solve(&self) -> Option<String> {
        let prefix = self.parameters.key_prefix.as_str();
        let mut tried = (0..u32::MAX).map_while(|counter| {
            let derived_key = self.parameters.derive(counter)?;
            Some(Solution {
                counter,
                derived_key,
            })
        });
        let solution = tried.find(|solution| solution.derived_key.starts_with(prefix))?;
        let proof = Proof {
            challenge: self.clone(),
            solution,
        };
        Some(STANDARD.encode(serde_json::to_vec(&proof).ok()?))
    }
}

impl Proof {
    /// Reads what a client sends: JSON in base64. Nothing if it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let json = STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&json).ok()
    }

    /// Whether it is good for that, as far as the proof itself can tell.
    ///
    /// # Errors
    /// [`Fault`], never [`Fault::Spent`].
    pub fn check(
        &self,
        keys: &ProofKeys,
        errand: Errand<'_>,
        now: Timestamp,
    ) -> Result<Solved<'_>, Fault> {
        let parameters = &self.challenge.parameters;
        if parameters.expires_at <= now.as_seconds() {
            return Err(Fault::Expired);
        }
        // Nothing is derived that we have not asked for.
        if !keys.signed(&self.challenge, errand) {
            return Err(Fault::Foreign);
        }
        let derived = parameters.derive(self.solution.counter);
        if derived.is_none_or(|key| !key.starts_with(&parameters.key_prefix)) {
            return Err(Fault::Unsolved);
        }
        Ok(Solved(parameters))
    }
}

/// A challenge that was solved, to be used once.
#[derive(Debug)]
pub struct Solved<'a>(&'a Parameters);

/// Which proofs were used, until their challenges end. It holds so many; past that the one that would end first is
/// forgotten, and everything that ends no later counts as ended.
#[derive(Debug)]
pub struct Spent {
    most: usize,
    proofs: BTreeSet<(i64, String)>,
    /// What ends no later than this is refused, in seconds.
    floor: i64,
}

impl Spent {
    /// Nothing yet.
    pub fn holding(most: usize) -> Self {
        Self {
            most,
            proofs: BTreeSet::new(),
            floor: i64::MIN,
        }
    }

    /// Uses it, unless it was used before.
    ///
    /// # Errors
    /// [`Fault::Spent`], and [`Fault::Expired`] if nobody can say any more.
    pub fn spend(&mut self, solved: Solved<'_>, now: Timestamp) -> Result<(), Fault> {
        let (expires_at, nonce) = (solved.0.expires_at, &solved.0.nonce);
        let live = (now.as_seconds() + 1, String::new());
        self.proofs = self.proofs.split_off(&live);
        if expires_at <= self.floor {
            return Err(Fault::Expired);
        }
        if !self.proofs.insert((expires_at, nonce.clone())) {
            return Err(Fault::Spent);
        }
        while self.proofs.len() > self.most {
            if let Some((ends, _)) = self.proofs.pop_first() {
                self.floor = self.floor.max(ends);
            }
        }
        Ok(())
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            let whole = pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
            whole.then(|| u8::from_str_radix(pair, 16).ok())?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use crate::key::MasterKey;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);
    const ADA: Errand<'_> = Errand {
        kind: Kind::Login,
        account: "ada",
    };

    #[derive(Default)]
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn work() -> Work {
        Work {
            cost: NonZeroU32::MIN,
            zeros: 1,
            lifetime: Duration::from_mins(5),
        }
    }

    fn keys(byte: u8) -> ProofKeys {
        ProofKeys::of(&MasterKeys::new(MasterKey::from_bytes([byte; 32]), vec![]))
    }

    fn challenge(entropy: &Counting) -> Challenge {
        keys(1).challenge(ADA, work(), NOW, entropy)
    }

    fn solved(challenge: &Challenge) -> Proof {
        Proof::parse(&challenge.solve().expect("solved")).expect("a proof")
    }

    fn redeem(proof: &Proof, spent: &mut Spent) -> Result<(), Fault> {
        spent.spend(proof.check(&keys(1), ADA, NOW)?, NOW)
    }

    #[test]
    fn a_proof_is_good_once() {
        let (entropy, mut spent) = (Counting::default(), Spent::holding(10));
        let [first, second] = [(), ()].map(|()| solved(&challenge(&entropy)));
        assert_eq!(redeem(&first, &mut spent), Ok(()));
        assert_eq!(redeem(&first, &mut spent), Err(Fault::Spent));
        assert_eq!(redeem(&second, &mut spent), Ok(()));
    }

    #[test]
    fn a_proof_is_good_for_one_errand_a_while_and_one_server() {
        let proof = solved(&challenge(&Counting::default()));
        let redeem = |keys: &ProofKeys, errand, now| proof.check(keys, errand, now).map(|_| ());
        let later = |seconds| NOW.plus(Duration::from_secs(seconds));
        for (kind, account) in [
            (Kind::Login, "bob"),
            (Kind::Register, "ada"),
            (Kind::Login, ""),
        ] {
            let errand = Errand { kind, account };
            assert_eq!(redeem(&keys(1), errand, NOW), Err(Fault::Foreign));
        }
        assert_eq!(redeem(&keys(2), ADA, NOW), Err(Fault::Foreign));
        assert_eq!(redeem(&keys(1), ADA, later(299)), Ok(()));
        assert_eq!(redeem(&keys(1), ADA, later(300)), Err(Fault::Expired));
    }

    #[test]
    fn nobody_makes_the_work_smaller() {
        let good = solved(&challenge(&Counting::default()));
        let wrong = |change: fn(&mut Proof)| {
            let mut proof = good.clone();
            change(&mut proof);
            redeem(&proof, &mut Spent::holding(10))
        };
        for change in [
            (|proof| proof.challenge.parameters.key_prefix.clear()) as fn(&mut Proof),
            |proof| proof.challenge.parameters.expires_at += 1,
            |proof| proof.challenge.parameters.salt = "00".to_owned(),
            |proof| proof.challenge.parameters.nonce.push_str("00"),
            |proof| proof.challenge.signature.clear(),
        ] {
            assert_eq!(wrong(change), Err(Fault::Foreign));
        }
        // With one zero, one number in sixteen is right by chance.
        let others = (1..40).map(|step| {
            let mut proof = good.clone();
            proof.solution.counter = proof.solution.counter.wrapping_add(step);
            redeem(&proof, &mut Spent::holding(10))
        });
        let unsolved = others.filter(|result| *result == Err(Fault::Unsolved));
        assert!(unsolved.count() > 25);
    }

    #[test]
    fn what_is_forgotten_for_want_of_room_is_good_no_more() {
        let entropy = Counting::default();
        let mut spent = Spent::holding(2);
        let at = |seconds| {
            let now = NOW.plus(Duration::from_secs(seconds));
            solved(&keys(1).challenge(ADA, work(), now, &entropy))
        };
        let proofs = [at(0), at(1), at(2)];
        for proof in &proofs {
            assert_eq!(redeem(proof, &mut spent), Ok(()));
        }
        assert_eq!(spent.proofs.len(), 2);
        assert_eq!(redeem(&proofs[0], &mut spent), Err(Fault::Expired));
        assert_eq!(redeem(&proofs[1], &mut spent), Err(Fault::Spent));
        assert_eq!(redeem(&at(3), &mut spent), Ok(()));
    }

    #[test]
    fn what_is_no_proof_is_not_read() {
        let proof = challenge(&Counting::default()).solve().expect("solved");
        assert!(Proof::parse(proof.trim_end_matches('=')).is_some());
        for wrong in ["", "e30=", "nonsense", &proof[1..], &"A".repeat(5_000)] {
            assert!(Proof::parse(wrong).is_none(), "{wrong}");
        }
    }

    /// Computed by Python's hashlib from what the protocol says: nonce and the counter in four bytes, under the salt.
    #[test]
    fn the_key_is_derived_as_others_derive_it() {
        let parameters = Parameters {
            algorithm: ALGORITHM.to_owned(),
            cost: NonZeroU32::new(10).expect("not zero"),
            expires_at: 0,
            key_length: KEY_LENGTH,
            key_prefix: String::new(),
            nonce: "000102030405060708090a0b0c0d0e0f".to_owned(),
            salt: "101112131415161718191a1b1c1d1e1f".to_owned(),
        };
        let key = parameters.derive(258).expect("a key");
        assert_eq!(
            key,
            "b60c236b45d265756a22aeb2305bf049cff4f31535f709be965c263eefdfa197"
        );
    }
}
