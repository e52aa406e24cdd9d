//! How a password is kept: Argon2id (RFC 9106), in the PHC string format, with memory that its worker lends.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{self, Output, ParamsString, Salt},
};
use async_trait::async_trait;
use aws_lc_rs::constant_time;

use super::Password;
use crate::{Entropy, chance};

const OUTPUT_LENGTH: usize = 32;
const SALT_LENGTH: usize = 16;

/// A password hash in PHC form, parameters and salt included.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// As read from the store.
    pub fn from_phc(text: String) -> Self {
        Self(text)
    }

    /// A hash of this cost that no password is known to have, for it was drawn and not made: what a password is compared
    /// with where there is no user. Nothing if Argon2 refuses the cost.
    pub fn of_nobody(cost: Cost, entropy: &dyn Entropy) -> Option<Self> {
        let output: [u8; OUTPUT_LENGTH] = chance::draw(entropy);
        Self::encode(&cost.params()?, &chance::draw(entropy), &output)
    }

    fn encode(
        params: &Params,
        salt: &[u8; SALT_LENGTH],
        output: &[u8; OUTPUT_LENGTH],
    ) -> Option<Self> {
        let text = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(params).ok()?,
            salt: Some(Salt::new(salt).ok()?),
            hash: Some(Output::new(output).ok()?),
        };
        Some(Self(text.to_string()))
    }

    /// The text, for the store alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// How much work a hash is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    fn params(self) -> Option<Params> {
        Params::new(self.memory, self.passes, 1, Some(OUTPUT_LENGTH)).ok()
    }

    /// KiB written in all.
    fn work(self) -> u64 {
        u64::from(self.memory) * u64::from(self.passes)
    }
}

/// What a verification found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Another password, or nobody's.
    Wrong,
    /// The password; hashed anew if its hash was made at another cost.
    Right {
        /// The new hash.
        rehashed: Option<PasswordHash>,
    },
}

/// Too many passwords wait to be hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub struct Busy;

/// Hashes few passwords at a time; whoever implements it bounds the queue.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a new password.
    ///
    /// # Errors
    /// [`Busy`].
    async fn hash(&self, password: Password) -> Result<PasswordHash, Busy>;

    /// Compares a password with a hash. Without one it does the same work and finds it wrong, so that nobody can tell by
    /// the time whether a user exists.
    ///
    /// # Errors
    /// [`Busy`].
    async fn verify(
        &self,
        password: Password,
        against: Option<PasswordHash>,
    ) -> Result<Verdict, Busy>;
}

/// One worker's memory, kept between hashes: fresh pages cost half as much again as the hash itself.
#[derive(Default)]
pub struct Scratch(Vec<Block>);

impl Scratch {
    /// Hashes with a fresh salt.
    pub fn hash(
        &mut self,
        password: &Password,
        cost: Cost,
        entropy: &dyn Entropy,
    ) -> Option<PasswordHash> {
        let salt: [u8; SALT_LENGTH] = chance::draw(entropy);
        let params = cost.params()?;
        let mut output = [0; OUTPUT_LENGTH];
        self.fill(password, &salt, &params, &mut output)?;
        PasswordHash::encode(&params, &salt, &output)
    }

    /// Compares, and hashes anew what was hashed at another cost.
    pub fn verify(
        &mut self,
        password: &Password,
        hash: &PasswordHash,
        cost: Cost,
        entropy: &dyn Entropy,
    ) -> Verdict {
        let Some((params, right)) = self.compare(password, hash) else {
            return Verdict::Wrong;
        };
        let made_at = Cost {
            memory: params.m_cost(),
            passes: params.t_cost(),
        };
        if !right {
            // What an older hash was cheaper is made up for: else the time would tell who registered before the cost was
            // raised.
            let missing = cost.work().saturating_sub(made_at.work()) / u64::from(cost.passes);
            let memory = u32::try_from(missing).unwrap_or(0);
            self.hash(password, Cost { memory, ..cost }, entropy);
            return Verdict::Wrong;
        }
        let today = made_at == cost && params.p_cost() == 1;
        Verdict::Right {
            rehashed: if today {
                None
            } else {
                self.hash(password, cost, entropy)
            },
        }
    }

    /// Frees the memory.
    pub fn release(&mut self) {
        self.0 = Vec::new();
    }

    fn compare(&mut self, password: &Password, hash: &PasswordHash) -> Option<(Params, bool)> {
        let parsed = phc::PasswordHash::new(hash.expose()).ok()?;
        if parsed.algorithm != Algorithm::Argon2id.ident() {
            return None;
        }
        let params = Params::try_from(&parsed).ok()?;
        let (salt, expected) = (parsed.salt?, parsed.hash?);
        let mut output = zeroize::Zeroizing::new(vec![0; expected.as_bytes().len()]);
        self.fill(password, salt.as_ref(), &params, &mut output)?;
        Some((
            params,
            constant_time::verify_slices_are_equal(&output, expected.as_bytes()).is_ok(),
        ))
    }

    fn fill(
        &mut self,
        password: &Password,
        salt: &[u8],
        params: &Params,
        output: &mut [u8],
    ) -> Option<()> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let blocks = params.block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::default());
        }
        let memory = self.0.get_mut(..blocks)?;
        argon2
            .hash_password_into_with_memory(password.expose(), salt, output, memory)
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    const COST: Cost = Cost {
        memory: 64,
        passes: 1,
    };

    fn password(text: &str) -> Password {
        Password::attempt(text).expect("a password")
    }

    #[test]
    fn a_hash_verifies_its_password_alone() {
        let mut scratch = Scratch::default();
        let hash = scratch
            .hash(&password("correct horse"), COST, &Fixed)
            .expect("hashes");
        assert!(
            hash.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"),
            "{}",
            hash.expose()
        );
        let right = scratch.verify(&password("correct horse"), &hash, COST, &Fixed);
        assert_eq!(right, Verdict::Right { rehashed: None });
        assert_eq!(
            scratch.verify(&password("correct horsf"), &hash, COST, &Fixed),
            Verdict::Wrong
        );
    }

    #[test]
    fn nobody_has_the_hash_of_nobody_and_it_is_as_much_work() {
        let nobody = PasswordHash::of_nobody(COST, &Fixed).expect("draws");
        let (mut scratch, guess) = (Scratch::default(), password("correct horse"));
        let verdict = scratch.verify(&guess, &nobody, COST, &Fixed);
        assert_eq!(verdict, Verdict::Wrong);
        let real = scratch.hash(&guess, COST, &Fixed).expect("hashes");
        let shape =
            |hash: &PasswordHash| hash.expose().split('$').map(str::len).collect::<Vec<_>>();
        assert_eq!(shape(&nobody), shape(&real));
        let prefix = "$argon2id$v=19$m=64,t=1,p=1$";
        assert!(nobody.expose().starts_with(prefix), "{}", nobody.expose());
        let impossible = Cost {
            memory: 1,
            passes: 0,
        };
        assert_eq!(PasswordHash::of_nobody(impossible, &Fixed), None);
    }

    #[test]
    fn memory_that_was_used_before_changes_nothing() {
        let mut fresh = Scratch::default();
        let mut used = Scratch::default();
        used.hash(
            &password("something larger"),
            Cost {
                memory: 256,
                passes: 2,
            },
            &Fixed,
        )
        .expect("hashes");
        let [one, two] = [&mut fresh, &mut used]
            .map(|scratch| scratch.hash(&password("the same"), COST, &Fixed));
        assert_eq!(one, two);
    }

    #[test]
    fn a_hash_of_another_cost_is_made_anew() {
        let mut scratch = Scratch::default();
        let old = scratch
            .hash(
                &password("correct horse"),
                Cost {
                    memory: 32,
                    passes: 1,
                },
                &Fixed,
            )
            .expect("hashes");
        let Verdict::Right {
            rehashed: Some(new),
        } = scratch.verify(&password("correct horse"), &old, COST, &Fixed)
        else {
            panic!("not rehashed");
        };
        assert_eq!(
            scratch.verify(&password("correct horse"), &new, COST, &Fixed),
            Verdict::Right { rehashed: None }
        );
        assert_eq!(
            scratch.verify(&password("wrong"), &old, COST, &Fixed),
            Verdict::Wrong
        );
    }

    #[test]
    fn what_is_no_hash_verifies_nothing() {
        for text in [
            "",
            "plain",
            "$argon2i$v=19$m=64,t=1,p=1$BwcHBwcHBwc$AAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$",
        ] {
            let hash = PasswordHash::from_phc(text.to_owned());
            assert_eq!(
                Scratch::default().verify(&password("plain"), &hash, COST, &Fixed),
                Verdict::Wrong,
                "{text}"
            );
        }
    }
}
