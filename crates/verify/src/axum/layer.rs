//! The layer that stands around routes: it reads the token once and leaves the caller for the extractors.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::response::IntoResponse;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, header as name};
use tower_layer::Layer;
use tower_service::Service;

use super::header::{self, Credentials};
use super::refusal::Schemes;
use super::{Caller, Refusal};
use crate::dpop::{self, ProofError};
use crate::{Claims, ResourceServer, VerifyError};

/// A layer that lets in requests with a good access token, and answers the others itself.
///
/// Put CORS outside of it: a preflight request carries no credentials. Why a token was refused is no business of the
/// caller; the [`VerifyError`](crate::VerifyError) is in the extensions of the response, for a log.
///
/// Where the server is told [`dpop`](crate::Builder::dpop), tokens that are bound to a key come with a proof: `Authorization: DPoP`
/// and the header `DPoP`. The URL in that must be the base of [`Dpop::at`](dpop::Dpop::at) and the path as this layer sees it.
///
/// See the [module](super) for the usual one; here strangers may look, too:
///
/// ```
/// use axum::{Router, routing::get};
/// use relatch_verify::axum::Authenticate;
/// use relatch_verify::{Claims, KeySet, ResourceServer, Verifier};
///
/// async fn greet(caller: Option<Claims>) -> String {
///     caller.map_or("Hello, stranger.".into(), |caller| format!("Hello, {}.", caller.sub))
/// }
///
/// # let keys = KeySet::default();
/// let verifier = Verifier::new("https://auth.example.com", "https://api.example.com");
/// let layer = Authenticate::new(ResourceServer::builder(verifier).keys(keys)).optional();
/// let app: Router = Router::new().route("/", get(greet)).layer(layer);
/// ```
#[derive(Clone, Debug)]
pub struct Authenticate {
    server: ResourceServer,
    optional: bool,
    path_of: fn(&Parts) -> &str,
}

impl Authenticate {
    /// A layer that checks tokens with `server` and refuses requests without one.
    pub fn new(server: ResourceServer) -> Self {
        Self {
            server,
            optional: false,
            path_of: |request| request.uri.path(),
        }
    }

    /// Takes the path that a proof must be about from here, where the layer sees another one than clients ask for: inside
    /// `Router::nest` of axum, for example, from its `OriginalUri`.
    #[must_use]
    pub fn path_from(mut self, path_of: fn(&Parts) -> &str) -> Self {
        self.path_of = path_of;
        self
    }

    /// Lets requests without any credentials pass as nobody's: handlers then take `Option<Claims>`.
    ///
    /// One with a bad token is refused as ever, and so is nobody where a handler takes [`Claims`] or
    /// [`Permitted`](super::Permitted).
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    async fn caller(&self, request: &Parts) -> Result<Option<Arc<Claims>>, Refusal> {
        let accepts_proofs = self.server.dpop().is_some();
        match header::credentials(&request.headers, accepts_proofs)? {
            Credentials::Bearer(token) => Ok(Some(self.server.verify(token).await?)),
            Credentials::Proven { token, proof } => {
                Ok(Some(self.holder(request, token, proof).await?))
            }
            Credentials::None if self.optional => Ok(None),
            Credentials::None => Err(Refusal::Missing),
        }
    }

    /// The caller whose token is bound to a key that he proves to hold.
    async fn holder(
        &self,
        request: &Parts,
        token: &str,
        proof: &str,
    ) -> Result<Arc<Claims>, VerifyError> {
        let mut hosts = request.headers.get_all(name::HOST).iter();
        let host = hosts.next().filter(|_| hosts.next().is_none());
        let host = host.and_then(|host| host.to_str().ok());
        // HTTP/2 has it in the address.
        let host = request.uri.authority().map(Authority::as_str).or(host);
        let dpop = self.server.dpop();
        let uri = dpop
            .and_then(|dpop| dpop.uri_of((self.path_of)(request), host))
            .ok_or(ProofError::UriMismatch)?;
        let about = dpop::Request::new(request.method.as_str(), &uri);
        self.server.verify_with_proof(token, proof, &about).await
    }

    /// The answer with what clients need for their next proof, where proofs are accepted.
    fn finish(&self, mut response: Response<Body>, has_proof: bool) -> Response<Body> {
        let Some(dpop) = self.server.dpop() else {
            return response;
        };
        if let Some(refusal) = response.extensions().get::<Refusal>().copied() {
            let algorithms = dpop.proofs().algorithm_names();
            let schemes = Schemes {
                algorithms: &algorithms,
                has_proof,
            };
            let challenge = refusal.challenge_by(&schemes).map(HeaderValue::try_from);
            if let Some(Ok(challenge)) = challenge {
                let headers = response.headers_mut();
                headers.insert(name::WWW_AUTHENTICATE, challenge);
            }
        }
        let nonce = has_proof.then(|| self.server.next_nonce()).flatten();
        if let Some(Ok(nonce)) = nonce.map(HeaderValue::try_from) {
            response.headers_mut().insert(header::NONCE, nonce);
        }
        response
    }
}

impl<S> Layer<S> for Authenticate {
    type Service = Authenticated<S>;

    fn layer(&self, inner: S) -> Authenticated<S> {
        Authenticated {
            gate: self.clone(),
            inner,
        }
    }
}

/// A service behind [`Authenticate`].
#[derive(Clone, Debug)]
pub struct Authenticated<S> {
    gate: Authenticate,
    inner: S,
}

impl<S, B> Service<Request<B>> for Authenticated<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that said it is ready is the one to call; its copy may not be.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let gate = self.gate.clone();
        Box::pin(async move {
            // The body waits untouched: it need not be `Sync` to be held across the check.
            let (mut parts, body) = request.into_parts();
            let has_proof = parts.headers.contains_key(header::PROOF);
            let response = match gate.caller(&parts).await {
                Ok(caller) => {
                    parts.extensions.insert(Caller(caller));
                    inner.call(Request::from_parts(parts, body)).await?
                }
                Err(refusal) => refusal.into_response(),
            };
            Ok(gate.finish(response, has_proof))
        })
    }
}
