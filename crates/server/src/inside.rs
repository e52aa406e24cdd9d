//! Relatch inside another program: its routes for a router of that program, and what protects the program's own routes, without
//! a second process and without a call. Must not know how a session ends.

use std::{
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, OriginalUri, Request, State},
    http::request::Parts,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use relatch_core::{
    StoreError,
    key::Keyring,
    revocation::{Revocation, Revoked},
    session::standing::{self, StandingError},
};
use relatch_verify::{
    Claims, ResourceServer, Verifier, VerifyError,
    axum::{Authenticate, Refusal},
    dpop::Dpop,
};

use crate::{
    Relatch,
    app::App,
    http::{self, Peer},
    serve::Alarm,
};

/// Between two looks at keys and revocations: a key is published for minutes before it signs, and a revocation is to be heard
/// of within a second.
const PAUSE: Duration = Duration::from_millis(500);

/// Revocations that one look takes from the store at a time.
const PAGE: u32 = 4_096;

impl Relatch {
    /// All of Relatch's routes, to be nested under any prefix: `Router::new().nest("/auth-server", relatch.router())`.
    ///
    /// The issuer is the address of that prefix, as in `https://app.example.com/auth-server`, so that others find the keys
    /// below it; see [`Config::issued_by`](crate::Config::issued_by). The limits on connections and on heads of requests are
    /// those of the listener that the program uses. Serve with axum's `into_make_service_with_connect_info::<SocketAddr>()`
    /// to have the addresses of clients on record.
    pub fn router(&self) -> Router {
        let app = Arc::clone(&self.app);
        let routes = http::router(Arc::clone(&app));
        Router::new().fallback(move |mut request: Request| {
            if let Some(ConnectInfo(address)) =
                request.extensions().get::<ConnectInfo<SocketAddr>>()
            {
                let peer = Peer {
                    address: address.ip().to_canonical(),
                    encrypted: false,
                };
                request.extensions_mut().insert(peer);
            }
            http::handle(Arc::clone(&app), routes.clone(), request, Alarm::default())
        })
    }

    /// These routes for callers with an access token alone: handlers take
    /// [`Claims`] or [`Permitted`](relatch_verify::axum::Permitted).
    ///
    /// All of them are: what is not there is refused as well, and so is a fallback.
    ///
    /// They look at the session itself, and not only at the token: whoever has logged out is refused from that moment on, and
    /// so is a token that was revoked because its user has other rights now.
    ///
    /// Tokens of sessions that are bound to a key come with a proof (RFC 9449), whose URL is the host of the issuer and the path
    /// that the client asked for.
    pub fn protect(&self, routes: Router) -> Router {
        let app = Arc::clone(&self.app);
        routes
            .layer(from_fn_with_state(app, only_while_it_stands))
            .layer(Authenticate::new(self.resource_server()).path_from(asked_for))
    }

    /// What checks access tokens in this process, with the server's own keys and clock. Cloning it is cheap.
    ///
    /// It is for what [`protect`](Relatch::protect) does not fit, and asks no database: it hears of an ended session within a
    /// second, as a service does that follows the revocations of a server elsewhere.
    pub fn resource_server(&self) -> ResourceServer {
        self.app.inside.clone()
    }
}

/// The path of a request below no prefix, wherever its route is nested.
fn asked_for(request: &Parts) -> &str {
    let original = request.extensions.get::<OriginalUri>();
    original.map_or(request.uri.path(), |OriginalUri(uri)| uri.path())
}

/// The verifier of this process, with the keys that are published now.
pub(crate) fn resource_server(
    verifier: Verifier,
    clock: Arc<dyn crate::clock::Clock>,
    keys: &Keyring,
    dpop: Option<Dpop>,
) -> ResourceServer {
    let mut server = ResourceServer::builder(verifier).clock(move || clock.now().as_seconds());
    if let Some(dpop) = dpop {
        server = server.dpop(dpop);
    }
    server.keys(keys.published.clone())
}

/// Starts telling it of new keys and of what is revoked; that ends when the server is gone.
pub(crate) fn start(app: &Arc<App>) {
    tokio::spawn(run(Arc::downgrade(app)));
}

async fn run(app: Weak<App>) {
    let (mut version, mut heard) = (None, 0);
    while let Some(app) = app.upgrade() {
        let keys = app.domain.keys.load_full();
        if version != Some(keys.version) {
            app.inside.set_keys(keys.published.clone());
            version = Some(keys.version);
        }
        if let Err(error) = hear(&app, &mut heard).await {
            tracing::debug!(%error, "the verifier of this process heard of no revocations");
        }
        drop(app);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Tells the verifier what was revoked since it last heard.
async fn hear(app: &App, heard: &mut u64) -> Result<(), StoreError> {
    loop {
        let backlog = app.domain.store.revocations_after(*heard, PAGE).await?;
        for (_, revocation) in backlog.entries {
            app.inside.revoke(told(revocation));
        }
        *heard = backlog.last.sequence;
        if !backlog.more {
            app.inside.hear();
            return Ok(());
        }
    }
}

/// The same in the words of the verifier.
fn told(revocation: Revocation) -> relatch_verify::Revocation {
    use relatch_verify::Revocation as Told;
    let end = revocation.until.as_seconds().saturating_add(1);
    match revocation.what {
        Revoked::Session(session) => Told::session(session.to_string(), end),
        Revoked::Generations(session, through) => {
            Told::generations(session.to_string(), through.0, end)
        }
        Revoked::Key(kid) => Told::key(kid, end),
    }
}

/// Refuses the good token of a session that is over, whoever ended it, and one that was revoked.
async fn only_while_it_stands(
    State(app): State<Arc<App>>,
    claims: Claims,
    request: Request,
    next: Next,
) -> Response {
    let Some(shown) = http::shown(&claims) else {
        return Refusal::Invalid(VerifyError::ClaimsMalformed).into_response();
    };
    match standing::of_access(&app.domain, shown, app.clock.now()).await {
        Ok(_) => next.run(request).await,
        Err(StandingError::Store(_)) => {
            Refusal::Unavailable(VerifyError::RevocationsStale).into_response()
        }
        Err(_) => Refusal::Invalid(VerifyError::Revoked).into_response(),
    }
}
