//! Proofs of possession (RFC 9449): what a request shows of a key, for the routes that bind a session to one and for those that
//! want it proven. Knows nothing of which session has which key: core compares.

use axum::http::{HeaderName, HeaderValue, Uri, request::Parts};
use relatch_core::{
    Timestamp,
    key::MasterKeys,
    session::{Thumbprint, refresh},
};
use relatch_verify::dpop::{
    Dpop, Nonces, Proof, ProofError, ProofVerifier, Recall, ReplayMemory, Request, TargetUri,
};

use super::{
    body::Input,
    problem::{Code, Problem},
};
use crate::{Config, app::App};

/// The header with a proof.
pub(super) const PROOF: HeaderName = HeaderName::from_static("dpop");

/// The header with what the next proof must have in it.
pub(super) const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// What the key of the nonces is derived for.
const NONCE_PURPOSE: &str = "dpop/nonce";

/// What the server keeps to judge proofs by.
pub(crate) struct Proofs {
    /// What the paths of the routes are appended to.
    issuer: String,
    verifier: ProofVerifier,
    /// Those that came with access tokens. Only who has one gets as far as here.
    calls: ReplayMemory,
    /// Those that came to register, log in, refresh or log out: apart, for there anybody can fill it.
    sessions: ReplayMemory,
    nonces: bool,
}

impl Proofs {
    pub(crate) fn new(issuer: &str, config: &Config) -> Self {
        let config = &config.dpop;
        let max_age = u32::try_from(config.max_age.as_secs()).unwrap_or(u32::MAX);
        Self {
            issuer: issuer.to_owned(),
            verifier: ProofVerifier::new().max_age(max_age),
            calls: ReplayMemory::new(config.remembered_proofs),
            sessions: ReplayMemory::new(config.remembered_proofs),
            nonces: config.nonce_required,
        }
    }
}

/// Asks for a token with a proof.
pub(super) fn invitation(app: &App) -> String {
    format!("DPoP algs=\"{}\"", app.proofs.verifier.algorithm_names())
}

/// The same, and says what is wrong with what came (RFC 9449 §7.1).
pub(super) fn challenge(app: &App, error: &str) -> String {
    let algorithms = app.proofs.verifier.algorithm_names();
    format!("DPoP error=\"{error}\", algs=\"{algorithms}\"")
}

/// The same for the routes of a program that has the server inside: they are below no issuer, but on its host.
pub(crate) fn of_program(issuer: &str, config: &Config, master: &MasterKeys) -> Option<Dpop> {
    let config = &config.dpop;
    let max_age = u32::try_from(config.max_age.as_secs()).unwrap_or(u32::MAX);
    let dpop = Dpop::at(origin(issuer))
        .ok()?
        .max_age(max_age)
        .remembered_proofs(config.remembered_proofs);
    Some(if config.nonce_required {
        dpop.nonces(Nonces::new(&master.newest().key_for(NONCE_PURPOSE)))
    } else {
        dpop
    })
}

/// Scheme, host and port.
fn origin(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let path = url.get(authority..).and_then(|rest| rest.find('/'));
    path.and_then(|path| url.get(..authority + path))
        .unwrap_or(url)
}

/// The path that the client asked for, where another one is answered.
#[derive(Clone)]
pub(super) struct AskedFor(pub(super) Uri);

/// The key that a login brings, to bind the session to.
pub(super) fn key_at_login(input: &Input, app: &App) -> Result<Option<Thumbprint>, Problem> {
    let proof = proof_of_session(input, app)?;
    Ok(proof.map(|proof| proof.thumbprint()))
}

/// What a request with a refresh token shows of a key.
pub(super) fn shown(input: &Input, app: &App) -> Result<refresh::Proof, Problem> {
    let proof = proof_of_session(input, app)?;
    Ok(proof.map_or(refresh::Proof::NotShown, |proof| {
        refresh::Proof::By(proof.thumbprint())
    }))
}

/// The good proof that came without an access token, if one came at all.
fn proof_of_session(input: &Input, app: &App) -> Result<Option<Proof>, Problem> {
    let checked = checked(&input.parts, None, app, input.arrival.now);
    let Some(proof) = checked.map_err(|error| refused(error, &input.parts, app))? else {
        return Ok(None);
    };
    match remember(&app.proofs.sessions, &proof, input.arrival.now) {
        // Whoever sends this one again has no key, and gets tokens that are of no use without.
        Ok(()) | Err(ProofError::MemoryFull) => Ok(Some(proof)),
        Err(error) => Err(refused(error, &input.parts, app)),
    }
}

/// Whether the holder of an access token that is bound to `key` proves that he holds the key, too.
pub(super) fn prove(
    parts: &Parts,
    token: &str,
    key: Thumbprint,
    (app, now): (&App, Timestamp),
) -> Result<(), Problem> {
    let judge = || {
        let proof = checked(parts, Some(token), app, now)?.ok_or(ProofError::Missing)?;
        if proof.thumbprint() != key {
            return Err(ProofError::KeyMismatch);
        }
        remember(&app.proofs.calls, &proof, now)
    };
    judge().map_err(|error| match error {
        ProofError::Missing => proof_required(app),
        ProofError::MemoryFull => Problem::new(Code::Overloaded)
            .detail("Too many proofs came within a minute to tell whether one comes again."),
        error => {
            let problem = refused(error, parts, app).unauthorized();
            let challenge = challenge(app, problem.code().name());
            problem.challenge(challenge)
        }
    })
}

/// A token that is bound to a key came without a proof of it.
pub(super) fn proof_required(app: &App) -> Problem {
    Problem::new(Code::ProofRequired).challenge(invitation(app))
}

/// A good proof by another key than the session's.
pub(super) fn wrong_key() -> Problem {
    Problem::new(Code::InvalidDpopProof).detail("The proof is by another key than the session's.")
}

/// The proof of a request, if it has one, which is good but for that it may have come before.
fn checked(
    parts: &Parts,
    token: Option<&str>,
    app: &App,
    now: Timestamp,
) -> Result<Option<Proof>, ProofError> {
    let mut found = parts.headers.get_all(PROOF).iter();
    let Some(text) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        return Err(ProofError::Several);
    }
    let text = text.to_str().map_err(|_| ProofError::Malformed)?;
    let uri = TargetUri::parse(&url(parts, app)).map_err(|_| ProofError::UriMismatch)?;
    let request = Request::new(parts.method.as_str(), &uri);
    let request = token.map_or(request, |token| request.with_token(token));
    let proof = app
        .proofs
        .verifier
        .verify(text, &request, now.as_seconds())?;
    if app.proofs.nonces {
        nonces(app).check(proof.nonce(), now.as_seconds())?;
    }
    Ok(Some(proof))
}

/// The URL of a request as the client knows it: below the issuer, whatever `Host` says.
fn url(parts: &Parts, app: &App) -> String {
    let asked = parts.extensions.get::<AskedFor>();
    let path = asked.map_or(&parts.uri, |asked| &asked.0).path();
    format!("{}{path}", app.proofs.issuer)
}

fn remember(memory: &ReplayMemory, proof: &Proof, now: Timestamp) -> Result<(), ProofError> {
    match memory.remember(proof, now.as_seconds()) {
        Recall::New => Ok(()),
        Recall::Seen => Err(ProofError::Replayed),
        Recall::Full => Err(ProofError::MemoryFull),
    }
}

fn refused(error: ProofError, parts: &Parts, app: &App) -> Problem {
    if error.wants_nonce() {
        return Problem::new(Code::UseDpopNonce);
    }
    let detail = match error {
        ProofError::UriMismatch => format!("{}: {}", sentence(error), url(parts, app)),
        error if error.is_of_clocks() => {
            format!(
                "{}. The header Date of this answer has the time.",
                sentence(error)
            )
        }
        error => format!("{}.", sentence(error)),
    };
    Problem::new(Code::InvalidDpopProof).detail(detail)
}

/// With a capital at its beginning.
fn sentence(error: ProofError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_ascii_uppercase(), letters.as_str())
    })
}

/// What proofs must have in them, where that is demanded; every node of the server makes the same.
fn nonces(app: &App) -> Nonces {
    Nonces::new(&app.master.load().newest().key_for(NONCE_PURPOSE))
}

/// A nonce for the answer to a request with a proof, where proofs must have one.
pub(super) fn next_nonce(app: &App, has_proof: bool, now: Timestamp) -> Option<HeaderValue> {
    if !app.proofs.nonces || !has_proof {
        return None;
    }
    HeaderValue::try_from(nonces(app).issue(now.as_seconds())).ok()
}

/// Whether a request brings a proof.
pub(super) fn has_proof(headers: &axum::http::HeaderMap) -> bool {
    headers.contains_key(PROOF)
}
