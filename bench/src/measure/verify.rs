//! `bench verify`: what checking an access token costs a resource server, against the bare Ed25519 verification of the same
//! tokens, and what the axum layer adds to a request. In this process, on one thread.

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use relatch_verify::axum::{Authenticate, Permitted};
use relatch_verify::{Jwk, KeySet, ResourceServer, Verifier, permission};
use tokio::runtime::{Builder, Runtime};
use tower::Service as _;

use crate::failure::{Doing, Failure, Result};
use crate::load::median;
use crate::report::Report;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://auth.example.com";
const AUDIENCE: &str = "https://api.example.com";

/// What a resource server remembers unless it is told.
const REMEMBERED: usize = 10_000;
/// More than that: one after the other, each is forgotten before it comes again.
const TOKENS: usize = 12_000;
/// How many of them come again and again.
const KNOWN: usize = 1_000;
/// How many things of a kind are done in one round: few, so that what else the machine does falls on all kinds alike.
const BATCH: usize = 250;

const COLD_RATIO: f64 = 1.15;
const CACHED_MICROS: f64 = 1.0;
const LAYER_MICROS: f64 = 3.0;

permission! {
    ReadNotes = "notes:read";
}

/// How to measure.
#[derive(Debug)]
pub(crate) struct VerifySettings {
    pub(crate) rounds: usize,
}

/// A signed token, and what a bare verification wants of it.
struct Token {
    text: String,
    signature: Vec<u8>,
}

impl Token {
    fn signed_part(&self) -> &[u8] {
        let end = self.text.rfind('.').unwrap_or_default();
        self.text.as_bytes().get(..end).unwrap_or_default()
    }
}

/// Microseconds of one thing, in each round.
#[derive(Default)]
struct Rounds {
    bare: Vec<f64>,
    cold: Vec<f64>,
    forgotten: Vec<f64>,
    cached: Vec<f64>,
    open: Vec<f64>,
    guarded: Vec<f64>,
}

/// Runs the measurement.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn verify(settings: &VerifySettings) -> Result<Report> {
    let bench = Bench::new()?;
    let mut rounds = Rounds::default();
    for round in 0..settings.rounds {
        bench.run(round, &mut rounds)?;
    }
    Ok(report(&bench, rounds))
}

struct Bench {
    key: ParsedPublicKey,
    tokens: Vec<Token>,
    /// Remembers less than it sees.
    cold: ResourceServer,
    /// Remembers nothing.
    forgetful: ResourceServer,
    /// Has seen all that comes.
    warm: ResourceServer,
    open: Router,
    guarded: Router,
    runtime: Runtime,
}

impl Bench {
    fn new() -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|_| told("a key"))?;
        let public = pair.public_key().as_ref();
        let key = ParsedPublicKey::new(&ED25519, public).map_err(|_| told("a public key"))?;
        let tokens: Vec<_> = (0..TOKENS).map(|n| token(&pair, n)).collect();
        let (cold, warm) = (server(public, REMEMBERED)?, server(public, REMEMBERED)?);
        for token in tokens.iter().take(KNOWN) {
            warm.check(&token.text).map_err(|_| told("a good token"))?;
        }
        let routes = || Router::new().route("/open", get(async || "ok"));
        let guarded = Router::new().route("/guarded", get(guarded));
        Ok(Self {
            key,
            tokens,
            cold,
            forgetful: server(public, 0)?,
            open: routes(),
            guarded: guarded.layer(Authenticate::new(warm.clone())),
            warm,
            runtime: Builder::new_current_thread()
                .build()
                .doing("starting a runtime")?,
        })
    }

    /// Each kind once, one after the other.
    fn run(&self, round: usize, rounds: &mut Rounds) -> Result<()> {
        let batch = self.tokens.iter().cycle().skip(round * BATCH % TOKENS);
        let batch: Vec<&Token> = batch.take(BATCH).collect();
        let known = self.tokens.iter().take(KNOWN).cycle();
        let known: Vec<&Token> = known.skip(round * BATCH % KNOWN).take(BATCH).collect();
        let bare = |token: &Token| self.key.verify_sig(token.signed_part(), &token.signature);
        rounds
            .bare
            .push(micros(&batch, |token| bare(token).is_ok())?);
        let cold = micros(&batch, |token| self.cold.check(&token.text).is_ok())?;
        rounds.cold.push(cold);
        let forgotten = micros(&batch, |token| self.forgetful.check(&token.text).is_ok())?;
        rounds.forgotten.push(forgotten);
        let cached = micros(&known, |token| self.warm.check(&token.text).is_ok())?;
        rounds.cached.push(cached);
        rounds
            .open
            .push(self.requests(&self.open, "/open", &known)?);
        let guarded = self.requests(&self.guarded, "/guarded", &known)?;
        rounds.guarded.push(guarded);
        Ok(())
    }

    /// Microseconds of one request with a token that is known.
    fn requests(&self, router: &Router, path: &str, tokens: &[&Token]) -> Result<f64> {
        let request = |token: &&Token| {
            let bearer = format!("Bearer {}", token.text);
            let request = Request::get(path).header(header::AUTHORIZATION, bearer);
            request.body(Body::empty()).map_err(|_| told("a request"))
        };
        let requests = tokens.iter().map(request).collect::<Result<Vec<_>>>()?;
        let mut router = router.clone();
        self.runtime.block_on(async {
            let start = Instant::now();
            for request in requests {
                let Ok(response) = router.call(request).await;
                if !response.status().is_success() {
                    return Err(told("a good answer"));
                }
            }
            Ok(each(start, tokens.len()))
        })
    }
}

async fn guarded(_: Permitted<ReadNotes>) -> &'static str {
    "ok"
}

fn server(public: &[u8], remembered: usize) -> Result<ResourceServer> {
    let public = public.try_into().map_err(|_| told("32 bytes"))?;
    let key = Jwk::ed25519("2026-11", public).map_err(|_| told("a key"))?;
    let keys = KeySet::new(vec![key]).map_err(|_| told("a set of keys"))?;
    let verifier = Verifier::new(ISSUER, AUDIENCE);
    let builder = ResourceServer::builder(verifier).clock(|| NOW);
    Ok(builder.cached_tokens(remembered).keys(keys))
}

/// A token with all that the server writes.
fn token(pair: &Ed25519KeyPair, n: usize) -> Token {
    let header = r#"{"alg":"EdDSA","typ":"at+jwt","kid":"2026-11"}"#;
    let claims = serde_json::json!({
        "iss": ISSUER, "sub": format!("0192f0c1-2e6b-7c7e-8000-{n:012}"), "aud": AUDIENCE, "client_id": "relatch",
        "exp": NOW + 900, "iat": NOW, "jti": format!("k3Jq0v1yTq2c8mY5x{n:05}"),
        "sid": format!("0192f0c1-2e6b-7c7e-9000-{n:012}"), "gen": 7, "auth_time": NOW, "amr": ["pwd"],
        "scope": "notes:create notes:read notes:update notes:delete", "roles": ["editor"],
        "permissions": ["notes:create", "notes:read", "notes:update", "notes:delete"],
    });
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let input = format!("{}.{}", encode(header), encode(&claims.to_string()));
    let signature = pair.sign(input.as_bytes()).as_ref().to_vec();
    Token {
        text: format!("{input}.{}", URL_SAFE_NO_PAD.encode(&signature)),
        signature,
    }
}

/// Microseconds that `check` takes for one of them; all must be good.
fn micros(tokens: &[&Token], check: impl Fn(&Token) -> bool) -> Result<f64> {
    let start = Instant::now();
    let good = tokens
        .iter()
        .filter(|token| black_box(check(black_box(token))));
    if good.count() < tokens.len() {
        return Err(told("a good token"));
    }
    Ok(each(start, tokens.len()))
}

fn each(start: Instant, count: usize) -> f64 {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    start.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

fn told(what: &str) -> Failure {
    Failure::Told(format!("{what} could not be had"))
}

fn report(bench: &Bench, rounds: Rounds) -> Report {
    let mut report = Report::new("bench verify");
    let each_round = |one: &[f64], other: &[f64], by: fn(f64, f64) -> f64| {
        median(
            one.iter()
                .zip(other)
                .map(|(one, other)| by(*one, *other))
                .collect(),
        )
    };
    let cold = each_round(&rounds.cold, &rounds.bare, |cold, bare| cold / bare);
    let layer = each_round(&rounds.guarded, &rounds.open, |with, without| {
        with - without
    });
    let length = bench.tokens.first().map_or(0, |token| token.text.len());
    let plain = each_round(&rounds.forgotten, &rounds.bare, |plain, bare| plain / bare);
    report.note("token_bytes", length);
    report.note("rounds", rounds.bare.len());
    report.remark("bare_us", median(rounds.bare), "Ed25519 alone");
    report.remark(
        "cold_us",
        median(rounds.cold),
        "a token that was not seen before",
    );
    report.remark("cold_ratio", cold, "at most 1.15");
    report.remark(
        "forgetful_ratio",
        plain,
        "the same where nothing is remembered",
    );
    let cached = median(rounds.cached);
    report.remark("cached_us", cached, "at most 1");
    report.remark(
        "request_us",
        median(rounds.open),
        "through axum, without the layer",
    );
    report.remark(
        "layer_us",
        layer,
        "at most 3: layer and extractor, of a known token",
    );
    for (figure, value, most) in [
        ("cold_ratio", cold, COLD_RATIO),
        ("cached_us", cached, CACHED_MICROS),
        ("layer_us", layer, LAYER_MICROS),
    ] {
        if value > most {
            report.broken(format!("{figure} is {value:.3}, more than {most}"));
        }
    }
    report
}
