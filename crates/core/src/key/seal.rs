//! The master key, and what it seals: AES-256-GCM (NIST SP 800-38D) with the row's identity as associated data, so that
//! a sealed key that was copied to another row does not open.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hkdf,
};
use zeroize::{ZeroizeOnDrop, Zeroizing};

const NONCE_LENGTH: usize = 12;

/// 32 secret bytes that live outside the database, and the keys derived from them (HKDF-SHA-256, RFC 5869).
#[derive(Clone, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

/// Names a master key without giving it away: 8 bytes of HKDF output.
pub type MasterKeyId = [u8; 8];

/// A secret as the database keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// Which master key opens it.
    pub master: MasterKeyId,
    /// nonce(12) ‖ ciphertext ‖ tag(16).
    pub bytes: Vec<u8>,
}

/// The cipher refused: wrong key, another row's secret, or changed bytes; or there is nothing to seal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the sealed bytes cannot be opened")]
pub struct Unsealable;

impl MasterKey {
    /// From its bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for writing its file alone.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The name that sealed rows carry.
    pub fn id(&self) -> MasterKeyId {
        let mut id = [0; 8];
        self.derive("relatch/master-key/id", &mut id);
        id
    }

    /// Seals `secret` for the row that `identity` names.
    ///
    /// # Errors
    /// [`Unsealable`] if the cipher fails, which it does not for secrets of this size.
    pub fn seal(&self, identity: &str, secret: &[u8]) -> Result<Sealed, Unsealable> {
        let mut text = secret.to_vec();
        let nonce = self
            .cipher()?
            .seal_in_place_append_tag(Aad::from(identity), &mut text)
            .map_err(|_| Unsealable)?;
        let bytes = [nonce.as_ref().as_slice(), &text].concat();
        Ok(Sealed {
            master: self.id(),
            bytes,
        })
    }

    /// Opens what was sealed for the row that `identity` names.
    ///
    /// # Errors
    /// [`Unsealable`].
    pub fn open(&self, identity: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, text) = sealed
            .bytes
            .split_at_checked(NONCE_LENGTH)
            .ok_or(Unsealable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealable)?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = self
            .cipher()?
            .open_in_place(nonce, Aad::from(identity), &mut text)
            .map_err(|_| Unsealable)?
            .len();
        text.truncate(length);
        Ok(text)
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, Unsealable> {
        let mut key = Zeroizing::new([0; 32]);
        self.derive("relatch/seal", key.as_mut_slice());
        RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| Unsealable)
    }

    /// A key of its own for one purpose beside sealing, which the name tells apart from any other.
    pub fn key_for(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        self.derive(&format!("relatch/for/{purpose}"), key.as_mut_slice());
        key
    }

    /// The bytes for one purpose.
    fn derive(&self, purpose: &str, out: &mut [u8]) {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"relatch").extract(&self.0);
        // Expanding to at most 255 hash lengths has no way to fail.
        let _ = prk
            .expand(&[purpose.as_bytes()], Length(out.len()))
            .and_then(|okm| okm.fill(out));
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// The master keys at hand: new rows are sealed with the newest, and what any of them sealed opens.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    newest: MasterKey,
    older: Vec<MasterKey>,
}

impl MasterKeys {
    /// Seals with `newest`, opens with all.
    pub fn new(newest: MasterKey, older: Vec<MasterKey>) -> Self {
        Self { newest, older }
    }

    /// As they are written down: 64 hexadecimal digits a line, the newest first. Nothing if it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let keys: Option<Vec<_>> = text.split_ascii_whitespace().map(from_hex).collect();
        let mut keys = keys?.into_iter();
        let newest = keys.next()?;
        Some(Self::new(newest, keys.collect()))
    }

    /// The one that seals.
    pub fn newest(&self) -> &MasterKey {
        &self.newest
    }

    /// All, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    /// The one of that name.
    pub fn find(&self, id: MasterKeyId) -> Option<&MasterKey> {
        self.iter().find(|master| master.id() == id)
    }
}

fn from_hex(text: &str) -> Option<MasterKey> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = Zeroizing::new([0; 32]);
    for (to, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *to = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(MasterKey::from_bytes(*bytes))
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(byte: u8) -> MasterKey {
        MasterKey::from_bytes([byte; 32])
    }

    #[test]
    fn what_was_sealed_opens_for_the_same_row_alone() {
        let sealed = master(1).seal("signing/a", b"a secret").expect("seals");
        assert_eq!(
            master(1)
                .open("signing/a", &sealed)
                .expect("opens")
                .as_slice(),
            b"a secret"
        );
        assert_eq!(master(1).open("signing/b", &sealed).err(), Some(Unsealable));
        assert_eq!(master(2).open("signing/a", &sealed).err(), Some(Unsealable));
    }

    #[test]
    fn every_changed_or_missing_byte_is_refused() {
        let sealed = master(1).seal("signing/a", b"a secret").expect("seals");
        for place in 0..sealed.bytes.len() {
            let mut bent = sealed.clone();
            bent.bytes[place] ^= 1;
            assert!(master(1).open("signing/a", &bent).is_err());
            let cut = Sealed {
                bytes: sealed.bytes[..place].to_vec(),
                ..sealed.clone()
            };
            assert!(master(1).open("signing/a", &cut).is_err());
        }
    }

    #[test]
    fn sealing_twice_shows_nothing_in_common() {
        let [one, two] =
            [(); 2].map(|()| master(1).seal("signing/a", &[7; 32]).expect("seals").bytes);
        assert_ne!(one[..12], two[..12]);
        assert_ne!(one[12..], two[12..]);
    }

    #[test]
    fn keys_are_written_one_a_line_and_nothing_else_is_a_key() {
        let (one, two) = ("01".repeat(32), "02".repeat(32));
        let keys = MasterKeys::parse(&format!("{two}\r\n{one}\n")).expect("two keys");
        assert!(
            keys.iter()
                .map(MasterKey::id)
                .eq([2, 1].map(|byte| master(byte).id()))
        );
        for wrong in [
            "",
            "\n",
            &one[1..],
            &format!("{one}0"),
            &format!("{one}\nx"),
            &"+1".repeat(32),
        ] {
            assert!(MasterKeys::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_id_tells_masters_apart_and_is_no_part_of_the_key() {
        assert_ne!(master(1).id(), master(2).id());
        assert_ne!(master(1).id(), [1; 8]);
        assert_eq!(format!("{:?}", master(1)), "MasterKey");
    }

    #[test]
    fn every_purpose_has_a_key_of_its_own() {
        assert_eq!(master(1).key_for("a"), master(1).key_for("a"));
        assert_ne!(master(1).key_for("a"), master(1).key_for("b"));
        assert_ne!(master(1).key_for("a"), master(2).key_for("a"));
    }
}
