//! A refresh token taken apart as its documentation says, and put together again.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

pub(crate) const PREFIX: &str = "relatch_rt_";

/// version(1) key_id(1) session_id(16) generation(4) proof(16) tag(16)
pub(crate) fn decode(token: &str) -> [u8; 54] {
    let text = token
        .strip_prefix(PREFIX)
        .expect("the prefix of a refresh token");
    URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The session, as its bytes.
pub(crate) fn session(token: &str) -> [u8; 16] {
    decode(token)[2..18].try_into().unwrap()
}

pub(crate) fn generation(token: &str) -> u32 {
    u32::from_be_bytes(decode(token)[18..22].try_into().unwrap())
}
