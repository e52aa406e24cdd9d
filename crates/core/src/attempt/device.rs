//! The token of a device on which a user logged in: it opens nothing, and lets the device try passwords while strangers
//! must wait.
//!
//! `relatch_dt_` and, in base64url, `version(1) device(16) user(16) credential version(8) tag(16)`: 57 bytes, which have one
//! spelling. A change of the password makes every older token a stranger's.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::ZeroizeOnDrop;

use super::Known;
use crate::{
    Domain, Entropy, StoreError, chance,
    key::MasterKeys,
    session::SessionId,
    user::{CredentialVersion, Credentials, UserId, Username},
};

const PREFIX: &str = "relatch_dt_";
const VERSION: u8 = 1;
const SIGNED: usize = 41;
const LENGTH: usize = 57;

/// Names a device, for as long as it keeps its token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceId(pub [u8; 16]);

impl DeviceId {
    /// A new one.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(chance::draw(entropy))
    }
}

/// A token in the clear.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct DeviceToken(String);

impl DeviceToken {
    /// The text, for the device alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken")
    }
}

/// What a genuine token says: a device on which that user logged in with that password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Device {
    /// Which device.
    pub id: DeviceId,
    /// Whose.
    pub user: UserId,
    /// Which of his passwords.
    pub version: CredentialVersion,
}

impl Device {
    /// Whether it is still a device of the user with these credentials.
    pub fn is_of(&self, credentials: &Credentials) -> bool {
        self.user == credentials.user.id && self.version == credentials.version
    }

    fn signed(&self) -> [u8; SIGNED] {
        let mut bytes = [0; SIGNED];
        let parts = [VERSION]
            .into_iter()
            .chain(self.id.0)
            .chain(*self.user.0.as_bytes())
            .chain(self.version.0.to_be_bytes());
        for (to, byte) in bytes.iter_mut().zip(parts) {
            *to = byte;
        }
        bytes
    }

    fn read(bytes: &[u8; SIGNED]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (user, rest) = rest.split_first_chunk()?;
        let credentials = i64::from_be_bytes(rest.try_into().ok()?);
        (*version == VERSION).then_some(Self {
            id: DeviceId(*id),
            user: UserId(uuid::Uuid::from_bytes(*user)),
            version: CredentialVersion(credentials),
        })
    }
}

/// Makes tokens of devices with the newest key, and knows those of all.
pub struct DeviceKeys(Vec<hmac::Key>);

impl DeviceKeys {
    /// Keys of their own, derived from the master keys.
    pub fn of(master: &MasterKeys) -> Self {
        let keys = master
            .iter()
            .map(|master| hmac::Key::new(hmac::HMAC_SHA256, master.key_for("device").as_slice()));
        Self(keys.collect())
    }

    /// The token of a device; nothing if there is no key at all.
    pub fn issue(&self, device: &Device) -> Option<DeviceToken> {
        let signed = device.signed();
        let tag = tag(self.0.first()?, &signed);
        let bytes = [signed.as_slice(), &tag].concat();
        let text = URL_SAFE_NO_PAD.encode(bytes);
        Some(DeviceToken(format!("{PREFIX}{text}")))
    }

    /// What a token says, if it is one of ours.
    pub fn read(&self, text: &str) -> Option<Device> {
        let text = text.strip_prefix(PREFIX)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes: &[u8; LENGTH] = bytes.as_slice().try_into().ok()?;
        let (signed, claimed) = bytes.split_first_chunk::<SIGNED>()?;
        let ours = |key| constant_time::verify_slices_are_equal(&tag(key, signed), claimed).is_ok();
        self.0.iter().any(ours).then(|| Device::read(signed))?
    }
}

fn tag(key: &hmac::Key, signed: &[u8; SIGNED]) -> [u8; LENGTH - SIGNED] {
    let mut context = hmac::Context::with_key(key);
    context.update(b"relatch/dt/tag\0");
    context.update(signed);
    let mut tag = [0; LENGTH - SIGNED];
    for (to, byte) in tag.iter_mut().zip(context.sign().as_ref()) {
        *to = *byte;
    }
    tag
}

/// Who a login comes from, if the device is one of the user's whom it names. The store is asked only about a genuine token,
/// which nobody has who never logged in.
///
/// # Errors
/// [`StoreError`].
pub async fn recognise(
    domain: &Domain,
    keys: &DeviceKeys,
    username: &Username,
    token: &str,
) -> Result<Option<Known>, StoreError> {
    let Some(device) = keys.read(token) else {
        return Ok(None);
    };
    let found = domain.store.credentials(username).await?;
    let known = found.is_some_and(|found| device.is_of(&found));
    Ok(known.then_some(Known::Device(device.id)))
}

/// The token of the device whose session has just begun: the one that it had, or a new one. Nothing if the session is over
/// again, for then the password may be another one.
///
/// # Errors
/// [`StoreError`].
pub async fn remember(
    domain: &Domain,
    keys: &DeviceKeys,
    (user, session): (UserId, SessionId),
    known: Option<Known>,
) -> Result<Option<DeviceToken>, StoreError> {
    let id = match known {
        Some(Known::Device(id)) => id,
        Some(Known::Session(_)) | None => DeviceId::draw(domain.entropy.as_ref()),
    };
    let Some(found) = domain.store.credentials_of(user).await? else {
        return Ok(None);
    };
    // A change of the password ends every session, so that the version is the one it began with as long as it lives.
    let begun = domain.store.find_session(session).await?;
    if begun.is_none_or(|session| session.life.ended.is_some()) {
        return Ok(None);
    }
    Ok(keys.issue(&Device {
        id,
        user,
        version: found.version,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::MasterKey;

    const DEVICE: Device = Device {
        id: DeviceId([3; 16]),
        user: UserId(uuid::Uuid::from_u128(7)),
        version: CredentialVersion(2),
    };

    fn keys(bytes: &[u8]) -> DeviceKeys {
        let mut keys = bytes.iter().map(|byte| MasterKey::from_bytes([*byte; 32]));
        let newest = keys.next().expect("a key");
        DeviceKeys::of(&MasterKeys::new(newest, keys.collect()))
    }

    fn token() -> String {
        let token = keys(&[1]).issue(&DEVICE).expect("a token");
        assert_eq!(format!("{token:?}"), "DeviceToken");
        token.expose().to_owned()
    }

    #[test]
    fn a_token_says_whose_device_it_is_under_its_own_key() {
        let token = token();
        assert_eq!(token.len(), PREFIX.len() + 76);
        assert_eq!(keys(&[1]).read(&token), Some(DEVICE));
        assert_eq!(keys(&[2, 1]).read(&token), Some(DEVICE), "an older key");
        assert_eq!(keys(&[2]).read(&token), None);
    }

    #[test]
    fn no_change_of_a_letter_leaves_it_genuine() {
        let token = token();
        for place in 0..token.len() {
            for letter in ["A", "B", "_", "=", ""] {
                let mut other = token.clone();
                other.replace_range(place..=place, letter);
                let genuine = keys(&[1]).read(&other).is_some();
                assert_eq!(genuine, other == token, "{place} {letter}");
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_else_is_a_token(text in "(relatch_dt_)?[A-Za-z0-9_-]{0,90}") {
            prop_assert_eq!(keys(&[1]).read(&text), None);
        }
    }
}
