//! Chance: for the ids of proofs, and for waiting, so that many who lost one server do not come back in one moment.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Error;

/// A name that nobody has used: 128 bits in base64url.
pub(crate) fn name() -> Result<String, Error> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Error::Broken("the machine gives no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A fraction from 0 up to 1.
pub(crate) fn fraction() -> f64 {
    let mut bytes = [0; 4];
    // Without chance there is no jitter, which is no reason to fail.
    if rand::fill(&mut bytes).is_err() {
        return 1.0;
    }
    f64::from(u32::from_le_bytes(bytes)) / 4_294_967_296.0
}
