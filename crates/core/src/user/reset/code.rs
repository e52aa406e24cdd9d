//! The code itself: 100 random bits in letters and digits that a person can read out, and the hash that is kept.

use std::fmt;

use aws_lc_rs::{constant_time, digest};
use zeroize::ZeroizeOnDrop;

use crate::{Entropy, chance, user::UserId};

/// Crockford's alphabet: nothing that looks like something else.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const LENGTH: usize = 20;

/// A code in the clear.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct ResetCode(String);

impl ResetCode {
    /// A new one.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let bytes: [u8; LENGTH] = chance::draw(entropy);
        // 32 divides 256, so that every letter is as likely as any other.
        let letter = |byte: u8| ALPHABET.get(usize::from(byte % 32)).copied();
        let letters = bytes.into_iter().filter_map(letter);
        Self(letters.map(char::from).collect())
    }

    /// Reads a code as a person may write it: in any case, with or without its hyphens, O for 0, I and L for 1.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 4 * LENGTH {
            return None;
        }
        let mut code = Self(String::with_capacity(LENGTH));
        for letter in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let known = u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !known || code.0.len() == LENGTH {
                return None;
            }
            code.0.push(letter);
        }
        (code.0.len() == LENGTH).then_some(code)
    }

    /// In four groups of five, for whoever was promised it alone.
    pub fn expose(&self) -> String {
        let groups = self.0.as_bytes().chunks(5);
        let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
        groups.join("-")
    }

    /// What is kept of it for this user. A fast hash will do: nobody searches 100 bits.
    pub fn digest(&self, user: UserId) -> CodeDigest {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"relatch/reset-code\0");
        context.update(user.0.as_bytes());
        context.update(self.0.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        CodeDigest(bytes)
    }
}

impl fmt::Debug for ResetCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetCode")
    }
}

/// What is kept of a code.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeDigest([u8; 32]);

impl CodeDigest {
    /// As read from the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the store alone.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is the same, in a time that does not tell how much of it is.
    pub fn is(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for CodeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeDigest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (place, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(place * 37 % 256).unwrap_or_default();
            }
        }
    }

    #[test]
    fn a_code_is_read_however_a_person_writes_it() {
        let code = ResetCode::draw(&Counting);
        let shown = code.expose();
        assert_eq!((shown.len(), shown.matches('-').count()), (23, 3));
        let spellings = [
            shown.clone(),
            shown.to_lowercase(),
            shown.replace('-', ""),
            shown.replace('-', " "),
            shown.replace('0', "o").replace('1', "l"),
        ];
        for spelling in spellings {
            assert_eq!(
                ResetCode::parse(&spelling),
                Some(code.clone()),
                "{spelling}"
            );
        }
        for wrong in [
            "",
            "00000",
            &shown[1..],
            &format!("{shown}0"),
            &shown.replace('-', "é"),
        ] {
            assert_eq!(ResetCode::parse(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{code:?}"), "ResetCode");
    }

    #[test]
    fn what_is_kept_is_good_for_one_user_alone() {
        let code = ResetCode::draw(&Counting);
        let [ada, bob] = [1, 2].map(|id| code.digest(UserId(uuid::Uuid::from_u128(id))));
        assert!(ada.is(&ada.clone()) && !ada.is(&bob));
    }
}
