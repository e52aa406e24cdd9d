//! Everything that a service needs to check tokens, in one value: verifier, keys, revocations, cache, clock. Owns what a service
//! may ask of it; how it is put together is in `builder`, in which order it decides in `state`.

mod builder;
mod dpop;
mod revoked;
mod state;

use std::sync::Arc;

use crate::dpop::Request;
#[cfg(feature = "feed")]
use crate::feed::Follower;
#[cfg(feature = "jwks")]
use crate::jwks::Keeper;
use crate::{Claims, KeySet, Revocation, Verifier, VerifyError};

pub use builder::Builder;
pub use dpop::Dpop;
pub(crate) use state::State;

/// A service that checks access tokens. Cloning it is cheap, and all clones are one.
///
/// ```
/// use relatch_verify::{KeySet, ResourceServer, Revocation, Verifier, VerifyError};
///
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// # let token = concat!(
/// #     "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjIwMjYtMTEifQ.eyJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZ",
/// #     "S5jb20iLCJzdWIiOiJhbGljZSIsImF1ZCI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29tIiwiY2xpZW50X2lkIjoicmVsYXRjaCIsI",
/// #     "mV4cCI6MTgwMDAwMDkwMCwiaWF0IjoxODAwMDAwMDAwLCJqdGkiOiIxIiwicGVybWlzc2lvbnMiOlsibm90ZXM6cmVhZCJdfQ.0M",
/// #     "oCMRD8MypJz2BqWG4tuuDzPibnwdxdOvYWhS_-bq3ocWaUFH-3zzQ4xxHcfkvLw-4SnqWPiO60kF0Z3N6JAQ",
/// # );
/// let keys: KeySet = serde_json::from_str(jwks)?;
/// let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
/// let server = ResourceServer::builder(verifier).clock(|| 1_800_000_000).keys(keys);
///
/// assert!(server.check(token)?.permits("notes:read"));
/// server.revoke(Revocation::key("2026-11", 1_800_001_000));
/// assert_eq!(server.check(token).err(), Some(VerifyError::Revoked));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResourceServer {
    pub(crate) state: Arc<State>,
    #[cfg(feature = "jwks")]
    pub(crate) tasks: Option<Arc<Tasks>>,
}

/// What keeps a server's knowledge fresh; it ends with the last clone of the server.
#[cfg(feature = "jwks")]
#[derive(Debug)]
pub(crate) struct Tasks {
    keeper: Arc<Keeper>,
    #[cfg(feature = "feed")]
    _follower: Option<Follower>,
}

impl ResourceServer {
    /// Begins one that accepts what `verifier` accepts.
    pub fn builder(verifier: Verifier) -> Builder {
        Builder::new(verifier)
    }

    /// The claims of `token` by what is known at this moment: no call, no waiting.
    ///
    /// # Errors
    /// As [`Verifier::verify`]; also [`VerifyError::Revoked`], and where too little is known to decide,
    /// [`VerifyError::KeysUnavailable`] and [`VerifyError::RevocationsStale`].
    pub fn check(&self, token: &str) -> Result<Arc<Claims>, VerifyError> {
        self.state.check(token)
    }

    /// The claims of `token`; unlike [`check`](ResourceServer::check) it waits for keys that are just being fetched, and has
    /// the issuer asked for a key that nobody knows. With fixed keys it never waits.
    ///
    /// # Errors
    /// As [`check`](ResourceServer::check).
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, VerifyError> {
        self.asking(|| self.check(token)).await
    }

    /// The claims of a token that is bound to a key, if `proof` proves that whoever sent `request` holds that key; by what is known
    /// at this moment.
    ///
    /// ```
    /// use relatch_verify::dpop::{Dpop, ProofError, Request, TargetUri};
    /// use relatch_verify::{KeySet, ResourceServer, Verifier, VerifyError};
    ///
    /// let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
    /// let server = ResourceServer::builder(verifier)
    ///     .dpop(Dpop::at("https://api.example.com")?)
    ///     .keys(KeySet::default());
    /// let uri = TargetUri::parse("https://api.example.com/notes")?;
    /// let refused = server.check_with_proof("no token", "no proof", &Request::new("GET", &uri));
    /// assert_eq!(refused.err(), Some(VerifyError::TokenMalformed));
    /// # Ok::<(), relatch_verify::dpop::UriInvalid>(())
    /// ```
    ///
    /// # Errors
    /// As [`check`](ResourceServer::check); also [`VerifyError::NotBound`], [`VerifyError::Proof`], and
    /// [`VerifyError::ProofRequired`] where nobody said [`dpop`](Builder::dpop).
    pub fn check_with_proof(
        &self,
        token: &str,
        proof: &str,
        request: &Request<'_>,
    ) -> Result<Arc<Claims>, VerifyError> {
        self.state.check_with_proof(token, proof, request)
    }

    /// The same; unlike [`check_with_proof`](ResourceServer::check_with_proof) it waits for keys, as [`verify`](ResourceServer::verify)
    /// does.
    ///
    /// # Errors
    /// As [`check_with_proof`](ResourceServer::check_with_proof).
    pub async fn verify_with_proof(
        &self,
        token: &str,
        proof: &str,
        request: &Request<'_>,
    ) -> Result<Arc<Claims>, VerifyError> {
        self.asking(|| self.check_with_proof(token, proof, request))
            .await
    }

    /// How bound tokens are taken, where they are.
    pub fn dpop(&self) -> Option<&Dpop> {
        self.state.dpop.as_ref()
    }

    /// A nonce for the next proof, where [`Dpop::nonces`] demands one: for the header `DPoP-Nonce` of answers to requests with a
    /// proof.
    pub fn next_nonce(&self) -> Option<String> {
        self.dpop()?.next_nonce(self.state.clock.now())
    }

    /// What `check` says, once more if the issuer was asked for a key in between. Nothing is remembered of a token whose key is
    /// not known.
    async fn asking(
        &self,
        check: impl Fn() -> Result<Arc<Claims>, VerifyError>,
    ) -> Result<Arc<Claims>, VerifyError> {
        let answer = check();
        #[cfg(feature = "jwks")]
        if let Err(VerifyError::KeyUnknown | VerifyError::KeysUnavailable) = answer
            && let Some(tasks) = &self.tasks
            && tasks.keeper.ask().await
        {
            return check();
        }
        answer
    }

    /// Waits until there are keys to check with: at once where they are fixed, else after the first fetch that succeeds.
    ///
    /// A service need not wait for it: until then [`verify`](ResourceServer::verify) refuses with
    /// [`VerifyError::KeysUnavailable`].
    #[cfg(feature = "jwks")]
    pub async fn ready(&self) {
        while let Some(tasks) = &self.tasks {
            // Subscribed before looking, so that keys which come in between are not missed.
            let mut progress = tasks.keeper.progress();
            if self.state.has_keys() || progress.changed().await.is_err() {
                return;
            }
        }
    }

    /// Replaces the keys: for good, or until the next fetch where they are fetched. A token of a key that is not among them is
    /// refused from now on.
    pub fn set_keys(&self, keys: KeySet) {
        self.state.set_keys(keys, i64::MAX);
    }

    /// Adds a revocation, which stays until its end. A key that it names is taken out of the set for good.
    pub fn revoke(&self, revocation: Revocation) {
        self.state.revoke(revocation);
    }

    /// Says that every revocation up to now is known: for a service that brings them itself and fails closed without.
    pub fn hear(&self) {
        self.state.heard(self.state.clock.now());
    }

    /// For how many seconds nothing was heard of revocations; `None` if nothing ever was.
    pub fn revocations_stale_for(&self) -> Option<u64> {
        let now = self.state.clock.now();
        self.state.revoked().set().stale_for(now)
    }
}
