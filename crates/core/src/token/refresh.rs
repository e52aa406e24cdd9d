//! The refresh token: 54 bytes that prove their origin without a database.
//!
//! ```text
//! version(1) key_id(1) session_id(16) generation(4, big-endian) proof(16) tag(16)
//! proof = HMAC-SHA-256(session.secret, "relatch/rt/proof\0" ‖ generation), cut to 16 bytes
//! tag   = HMAC-SHA-256(token_key[key_id], "relatch/rt/tag\0" ‖ all bytes before it), cut to 16 bytes
//! ```
//!
//! 54 bytes are exactly 72 base64url characters without padding or slack bits: a token has one spelling. Cut HMACs are
//! as in RFC 2104 §5.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::session::{Generation, SessionId, SessionSecret};

/// What every refresh token starts with, so that secret scanners find a leaked one.
pub const PREFIX: &str = "relatch_rt_";

const VERSION: u8 = 1;
const LENGTH: usize = 54;
const TEXT_LENGTH: usize = 72;
const TAG_FROM: usize = 38;
const PROOF_FROM: usize = 22;

/// A refresh token in the clear, on its way to its holder.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// The text, for the answer alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken")
    }
}

/// A key that tags refresh tokens.
#[derive(Clone)]
pub struct TokenKey {
    id: u8,
    key: hmac::Key,
}

impl TokenKey {
    /// A key from its 32 secret bytes; `id` is the byte that its tokens carry.
    pub fn new(id: u8, secret: &[u8; 32]) -> Self {
        Self {
            id,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// The byte that its tokens carry.
    pub fn id(&self) -> u8 {
        self.id
    }

    fn tag(&self, head: &[u8]) -> [u8; 16] {
        cut_hmac(&self.key, b"relatch/rt/tag\0", head)
    }

    /// The one token of this session and generation under this key.
    pub fn issue(
        &self,
        session: SessionId,
        secret: &SessionSecret,
        generation: Generation,
    ) -> RefreshToken {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend([VERSION, self.id]);
        bytes.extend(session.0.as_bytes());
        bytes.extend(generation.0.to_be_bytes());
        bytes.extend(proof(secret, generation));
        let tag = self.tag(&bytes);
        bytes.extend(tag);
        let mut text = String::with_capacity(PREFIX.len() + TEXT_LENGTH);
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(&bytes, &mut text);
        bytes.zeroize();
        RefreshToken(text)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.id)
    }
}

/// What a token says of itself, whether or not it is genuine: for people to look at, never to decide by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contents {
    /// Of the layout: 1.
    pub version: u8,
    /// The key that its tag is said to be made with.
    pub key_id: u8,
    /// The session that it is said to be of.
    pub session: SessionId,
    /// The generation that it is said to have.
    pub generation: Generation,
}

impl Contents {
    /// Nothing where the text has not the form of a refresh token.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = zeroize::Zeroizing::new(decode(text)?);
        let [version, key_id, ..] = *bytes;
        Some(Self {
            version,
            key_id,
            session: SessionId(Uuid::from_slice(bytes.get(2..18)?).ok()?),
            generation: Generation(u32::from_be_bytes(
                bytes.get(18..PROOF_FROM)?.try_into().ok()?,
            )),
        })
    }
}

/// The token keys that are good now.
#[derive(Clone, Debug)]
pub struct TokenKeys {
    newest: TokenKey,
    older: Vec<TokenKey>,
    withdrawn: Vec<u8>,
}

/// Why a text is not a refresh token of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotGenuine {
    /// Not the form of a refresh token, or a wrong tag. The two are told apart by nobody.
    #[error("not a refresh token of this server")]
    Garbage,
    /// The right form, under a key that is not known here: the caller may reload its keys and ask again.
    #[error("made with an unknown token key")]
    UnknownKey(u8),
    /// Under a key that got into wrong hands: whoever made it, nothing of it is believed.
    #[error("made with a token key that was withdrawn")]
    WithdrawnKey(u8),
}

impl TokenKeys {
    /// Tokens are made with `newest` and accepted from all.
    pub fn new(newest: TokenKey, older: Vec<TokenKey>) -> Self {
        Self {
            newest,
            older,
            withdrawn: Vec::new(),
        }
    }

    /// The same, with the ids of keys that are known and not to be believed.
    #[must_use]
    pub fn withdrawing(self, withdrawn: Vec<u8>) -> Self {
        Self { withdrawn, ..self }
    }

    /// The key that makes tokens now.
    pub fn newest(&self) -> &TokenKey {
        &self.newest
    }

    /// Checks form and tag of a token that somebody sent; asks no database.
    ///
    /// # Errors
    /// [`NotGenuine`].
    pub fn authenticate(&self, text: &str) -> Result<Genuine, NotGenuine> {
        let bytes = decode(text).ok_or(NotGenuine::Garbage)?;
        let (head, tag) = bytes
            .split_at_checked(TAG_FROM)
            .ok_or(NotGenuine::Garbage)?;
        let genuine = Genuine::read(head).ok_or(NotGenuine::Garbage)?;
        let key = self
            .find(genuine.key_id)
            .ok_or_else(|| self.unfound(genuine.key_id))?;
        constant_time::verify_slices_are_equal(&key.tag(head), tag)
            .map_err(|_| NotGenuine::Garbage)?;
        Ok(genuine)
    }

    fn unfound(&self, id: u8) -> NotGenuine {
        if self.withdrawn.contains(&id) {
            NotGenuine::WithdrawnKey(id)
        } else {
            NotGenuine::UnknownKey(id)
        }
    }

    fn find(&self, id: u8) -> Option<&TokenKey> {
        std::iter::once(&self.newest)
            .chain(&self.older)
            .find(|key| key.id == id)
    }
}

/// A token whose tag is good: we made it. Whether its session still holds is the store's to say.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Genuine {
    key_id: u8,
    #[zeroize(skip)]
    session: SessionId,
    #[zeroize(skip)]
    generation: Generation,
    proof: [u8; 16],
}

impl Genuine {
    /// Its session.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Its generation.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether it was made with this session's secret.
    pub fn proves(&self, secret: &SessionSecret) -> bool {
        constant_time::verify_slices_are_equal(&self.proof, &proof(secret, self.generation)).is_ok()
    }

    fn read(head: &[u8]) -> Option<Self> {
        let key_id = match head.first_chunk()? {
            [VERSION, key_id] => *key_id,
            _ => return None,
        };
        Some(Self {
            key_id,
            session: SessionId(Uuid::from_slice(head.get(2..18)?).ok()?),
            generation: Generation(u32::from_be_bytes(
                head.get(18..PROOF_FROM)?.try_into().ok()?,
            )),
            proof: head.get(PROOF_FROM..TAG_FROM)?.try_into().ok()?,
        })
    }
}

impl fmt::Debug for Genuine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Genuine")
            .field("session", &self.session)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

fn decode(text: &str) -> Option<[u8; LENGTH]> {
    let text = text
        .strip_prefix(PREFIX)
        .filter(|rest| rest.len() == TEXT_LENGTH)?;
    let mut bytes = [0; LENGTH];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == LENGTH).then_some(bytes)
}

fn proof(secret: &SessionSecret, generation: Generation) -> [u8; 16] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
    cut_hmac(&key, b"relatch/rt/proof\0", &generation.0.to_be_bytes())
}

fn cut_hmac(key: &hmac::Key, purpose: &[u8], message: &[u8]) -> [u8; 16] {
    let mut context = hmac::Context::with_key(key);
    context.update(purpose);
    context.update(message);
    let whole = context.sign();
    let mut cut = [0; 16];
    cut.iter_mut()
        .zip(whole.as_ref())
        .for_each(|(to, from)| *to = *from);
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(id: u8) -> TokenKey {
        TokenKey::new(id, &[id ^ 0x5a; 32])
    }

    fn secret(byte: u8) -> SessionSecret {
        SessionSecret::from_bytes([byte; 32])
    }

    fn session() -> SessionId {
        SessionId(Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef))
    }

    /// The layout is a promise: a token that was issued before an upgrade must go on working after it.
    #[test]
    fn a_token_has_one_spelling_that_never_changes() {
        let token = key(3).issue(session(), &secret(9), Generation(258));
        let expected =
            "relatch_rt_AQMSNFZ4mrxN74EjRWeJq83vAAABAiAz9VqcwvweueAezO0rHBezj1vrnRN2zbIBTnT21kjk";
        assert_eq!(token.expose(), expected);
        let again = key(3).issue(session(), &secret(9), Generation(258));
        assert_eq!(token, again);
    }

    #[test]
    fn what_was_issued_comes_back() {
        let keys = TokenKeys::new(key(4), vec![key(3)]);
        for maker in [key(3), key(4)] {
            let token = maker.issue(session(), &secret(1), Generation(77));
            let genuine = keys.authenticate(token.expose()).expect("genuine");
            assert_eq!(
                (genuine.session(), genuine.generation()),
                (session(), Generation(77))
            );
            assert!(genuine.proves(&secret(1)));
            assert!(!genuine.proves(&secret(2)));
        }
    }

    #[test]
    fn anybody_may_read_what_is_no_secret() {
        let token = key(4).issue(session(), &secret(1), Generation(77));
        let contents = Contents {
            version: 1,
            key_id: 4,
            session: session(),
            generation: Generation(77),
        };
        assert_eq!(Contents::read(token.expose()), Some(contents));
        assert_eq!(Contents::read("relatch_rt_AQE"), None);
        assert_eq!(Contents::read(&token.expose()[PREFIX.len()..]), None);
    }

    #[test]
    fn an_unknown_key_is_said_so_that_keys_can_be_reloaded() {
        let token = key(5).issue(session(), &secret(1), Generation(0));
        let keys = TokenKeys::new(key(4), vec![]);
        assert_eq!(
            keys.authenticate(token.expose()).err(),
            Some(NotGenuine::UnknownKey(5))
        );
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let keys = TokenKeys::new(key(4), vec![key(5), key(6), key(0)]);
        let token = key(4).issue(session(), &secret(1), Generation(77));
        let bytes = decode(token.expose()).expect("decodes");
        for place in 0..LENGTH * 8 {
            let mut bent = bytes;
            bent[place / 8] ^= 1 << (place % 8);
            let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bent));
            assert!(keys.authenticate(&text).is_err(), "bit {place}");
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let keys = TokenKeys::new(key(4), vec![]);
        // A session id and secret whose text uses both characters that the two base64 alphabets write differently.
        let token = (0..).map(|n| key(4).issue(session(), &secret(1), Generation(n)));
        let token = token
            .into_iter()
            .find(|t| t.expose()[11..].contains('-') && t.expose()[11..].contains('_'));
        let token = token.expect("one of them").expose().to_owned();
        let body = &token[PREFIX.len()..];
        let others = [
            body.to_owned(),
            format!("{token}="),
            format!("{token}=="),
            format!("{token} "),
            format!(" {token}"),
            format!("{token}\n"),
            format!("{token}AAAA"),
            token.to_uppercase(),
            format!("RELATCH_RT_{body}"),
            format!("{PREFIX}{PREFIX}{body}"),
            format!("{PREFIX}{}", body.replace('-', "+").replace('_', "/")),
            format!("{PREFIX}{}", &body[..71]),
            format!("{PREFIX}{}\u{e9}", &body[..70]),
            String::new(),
            PREFIX.to_owned(),
        ];
        for other in others {
            assert!(keys.authenticate(&other).is_err(), "{other}");
        }
        assert!(keys.authenticate(&token).is_ok());
    }

    #[test]
    fn every_truncation_is_refused() {
        let keys = TokenKeys::new(key(4), vec![]);
        let token = key(4).issue(session(), &secret(1), Generation(77));
        for length in 0..token.expose().len() {
            assert!(keys.authenticate(&token.expose()[..length]).is_err());
        }
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let token = key(4).issue(session(), &secret(1), Generation(77));
        let keys = TokenKeys::new(key(4), vec![]);
        let genuine = keys.authenticate(token.expose()).expect("genuine");
        let shown = format!("{token:?} {keys:?} {genuine:?} {:?}", secret(1));
        assert!(!shown.contains(&token.expose()[12..20]), "{shown}");
        assert!(!shown.contains("proof"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_session_and_generation_round_trips(id: u128, generation: u32, byte: u8) {
            let keys = TokenKeys::new(key(9), vec![]);
            let session = SessionId(Uuid::from_u128(id));
            let token = key(9).issue(session, &secret(byte), Generation(generation));
            let genuine = keys.authenticate(token.expose()).expect("genuine");
            prop_assert_eq!((genuine.session(), genuine.generation()), (session, Generation(generation)));
            prop_assert!(genuine.proves(&secret(byte)));
        }

        #[test]
        fn any_text_is_answered_without_panic(text in ".*") {
            let keys = TokenKeys::new(key(9), vec![]);
            prop_assert!(keys.authenticate(&text).is_err());
            let (prefixed, keys) = (format!("{PREFIX}{text}"), TokenKeys::new(key(9), vec![]));
            prop_assert!(keys.authenticate(&prefixed).is_err());
        }
    }
}
