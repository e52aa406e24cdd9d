//! The layer that stands around routes: it reads the token once and leaves the caller for the extractors.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::response::IntoResponse;
use http::{HeaderMap, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{Caller, Refusal, header};
use crate::{Claims, ResourceServer};

/// A layer that lets in requests with a good access token, and answers the others itself.
///
/// Put CORS outside of it: a preflight request carries no credentials. Why a token was refused is no business of the
/// caller; the [`VerifyError`](crate::VerifyError) is in the extensions of the response, for a log.
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
}

impl Authenticate {
    /// A layer that checks tokens with `server` and refuses requests without one.
    pub fn new(server: ResourceServer) -> Self {
        Self {
            server,
            optional: false,
        }
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

    async fn caller(&self, headers: &HeaderMap) -> Result<Option<Arc<Claims>>, Refusal> {
        match header::bearer(headers)? {
            Some(token) => Ok(Some(self.server.verify(token).await?)),
            None if self.optional => Ok(None),
            None => Err(Refusal::Missing),
        }
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
            match gate.caller(&parts.headers).await {
                Ok(caller) => {
                    parts.extensions.insert(Caller(caller));
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(refusal) => Ok(refusal.into_response()),
            }
        })
    }
}
