//! What a resource server wants of proofs: at which address it is, which algorithms and how old, and whether with a nonce. Owns
//! the memory of proofs that came; whether the token that comes with one is good, is decided in `state`.

use crate::Algorithm;
use crate::dpop::{
    Nonces, Proof, ProofError, ProofVerifier, Recall, ReplayMemory, TargetUri, UriInvalid,
};

/// How many proofs are remembered unless said otherwise.
const REMEMBERED_PROOFS: usize = 1_000_000;

/// How a resource server takes tokens that are bound to a key (RFC 9449, section 7).
///
/// Without it, such tokens are refused. With it, a request brings `Authorization: DPoP`, the token, and in the header `DPoP` a
/// proof for this very request. Bearer tokens are taken as before, but never one that is bound.
///
/// ```
/// use relatch_verify::dpop::Dpop;
/// use relatch_verify::{KeySet, ResourceServer, Verifier};
///
/// # let keys = KeySet::default();
/// let verifier = Verifier::new("https://auth.example.com", "https://api.example.com").leeway(5);
/// let server = ResourceServer::builder(verifier)
///     .dpop(Dpop::at("https://api.example.com")?)
///     .keys(keys);
/// # Ok::<(), relatch_verify::dpop::UriInvalid>(())
/// ```
#[derive(Debug)]
pub struct Dpop {
    place: Place,
    proofs: ProofVerifier,
    memory: ReplayMemory,
    nonces: Option<Nonces>,
}

/// Where the requests of clients go to, as they know it.
#[derive(Debug)]
enum Place {
    /// An URL, to which the path of a request is appended.
    Fixed(String),
    /// Whatever host a request names, by this scheme.
    OfRequest(&'static str),
}

impl Dpop {
    /// For a service whose paths begin at this URL, as its clients know it: what they call `{base}/notes` comes here as `/notes`.
    ///
    /// # Errors
    /// [`UriInvalid`].
    pub fn at(base: &str) -> Result<Self, UriInvalid> {
        TargetUri::parse(base)?;
        let base = base.split(['?', '#']).next().unwrap_or_default();
        Ok(Self::in_place(Place::Fixed(
            base.trim_end_matches('/').to_owned(),
        )))
    }

    /// For a service that has many names, all by `https`, and takes the one in the header `Host` of each request for its own.
    ///
    /// A service that a client was lured to could pass its token and proof on to this one, with its own name in `Host`, and be let
    /// in. Only where something in front refuses requests with any other name.
    pub fn dangerous_at_host_of_request() -> Self {
        Self::in_place(Place::OfRequest("https"))
    }

    fn in_place(place: Place) -> Self {
        Self {
            place,
            proofs: ProofVerifier::new(),
            memory: ReplayMemory::new(REMEMBERED_PROOFS),
            nonces: None,
        }
    }

    /// Takes these algorithms and no others; ES256 and Ed25519 unless said.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.proofs = self.proofs.algorithms(algorithms);
        self
    }

    /// How far the time of a proof may be from that of this machine, in seconds, either way; 60 unless said.
    #[must_use]
    pub fn max_age(mut self, seconds: u32) -> Self {
        self.proofs = self.proofs.max_age(seconds);
        self
    }

    /// Remembers this many proofs, so that none is good twice; a million unless said, which takes 20 MB once they came.
    ///
    /// While it is full, tokens with proofs are refused with [`ProofError::MemoryFull`]. Each process remembers by itself: a proof
    /// that one machine took is good once more at another.
    #[must_use]
    pub fn remembered_proofs(mut self, capacity: usize) -> Self {
        self.memory = ReplayMemory::new(capacity);
        self
    }

    /// Demands a nonce of this service in every proof (RFC 9449, section 9); none unless said.
    #[must_use]
    pub fn nonces(mut self, nonces: Nonces) -> Self {
        self.nonces = Some(nonces);
        self
    }

    /// What checks the proofs themselves.
    pub fn proofs(&self) -> &ProofVerifier {
        &self.proofs
    }

    /// A nonce for the next proof, where one is demanded.
    pub(crate) fn next_nonce(&self, now: i64) -> Option<String> {
        let nonces = self.nonces.as_ref()?;
        Some(nonces.issue(now))
    }

    /// The URL of a request for this path, whose header `Host` is this, as its sender knows it; `None` if it makes no URL.
    pub fn uri_of(&self, path: &str, host: Option<&str>) -> Option<TargetUri> {
        let uri = match &self.place {
            Place::Fixed(base) => format!("{base}{path}"),
            Place::OfRequest(scheme) => format!("{scheme}://{}{path}", host?),
        };
        TargetUri::parse(&uri).ok()
    }

    /// Whether a good proof has a nonce where it must, and comes for the first time.
    pub(crate) fn admit(&self, proof: &Proof, now: i64) -> Result<(), ProofError> {
        if let Some(nonces) = &self.nonces {
            nonces.check(proof.nonce(), now)?;
        }
        match self.memory.remember(proof, now) {
            Recall::New => Ok(()),
            Recall::Seen => Err(ProofError::Replayed),
            Recall::Full => Err(ProofError::MemoryFull),
        }
    }
}
