//! Proofs that whoever sends a token holds the key that it is bound to (DPoP, RFC 9449): reading and checking them, the memory
//! that refuses one that comes twice, and nonces. Knows nothing of HTTP, and reads no clock: what time it is, it is told.
//!
//! A service in axum says `.dpop(…)` to its [`ResourceServer`](crate::ResourceServer), and needs nothing of this; see [`Dpop`].
//! By itself, a check is two steps, for a proof that is good may still be one that was seen before:
//!
//! ```
//! use relatch_verify::dpop::{ProofError, ProofVerifier, Recall, ReplayMemory, Request, TargetUri};
//!
//! // RFC 9449, section 7.1.
//! let proof = concat!(
//!     "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldW",
//!     "QVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC",
//!     "1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiY",
//!     "XRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-",
//!     "yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
//! );
//! let now = 1_562_262_618;
//! let (verifier, memory) = (ProofVerifier::new(), ReplayMemory::new(100_000));
//!
//! let uri = TargetUri::parse("https://resource.example.org/protectedresource")?;
//! let request = Request::new("GET", &uri).with_token("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
//! let good = verifier.verify(proof, &request, now)?;
//! // What `cnf.jkt` of the token must say:
//! assert_eq!(good.thumbprint().to_string(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
//! assert_eq!(memory.remember(&good, now), Recall::New);
//! assert_eq!(memory.remember(&good, now), Recall::Seen);
//!
//! // For another method, and a while later:
//! assert_eq!(verifier.verify(proof, &Request::new("PUT", &uri), now).err(), Some(ProofError::MethodMismatch));
//! assert_eq!(verifier.verify(proof, &request, now + 61).err(), Some(ProofError::TooOld));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod nonce;
mod proof;
mod replay;
mod uri;

pub use crate::resource_server::Dpop;
pub use error::ProofError;
pub use nonce::Nonces;
pub use proof::{Proof, ProofVerifier, Request, token_hash};
pub use replay::{Recall, ReplayMemory};
pub use uri::{TargetUri, UriInvalid};
