//! Proofs of possession that are wrong in exactly one way (RFC 9449, section 4.3), each with the reason that must be given.

use aws_lc_rs::hmac;
use relatch_verify::KeyError;
use relatch_verify::dpop::ProofError::{
    self, AlgorithmMismatch, AlgorithmUnsupported, ClaimMissing, ClaimsMalformed, CriticalHeader,
    HeaderMalformed, IdLength, InFuture, KeyInvalid, KeyMissing, Malformed, MethodMismatch,
    SignatureInvalid, TokenMismatch, TooLong, TooOld, TypeMismatch, UriMismatch,
};
use serde_json::{Value, json};

use crate::header::nested;
use crate::issuer::{encode, signing_input, with};
use crate::{Key, Prover, Target};

/// A proof that must be refused.
#[derive(Clone, Debug)]
pub struct ProofCase {
    /// What is wrong with it.
    pub name: &'static str,
    /// The whole of it.
    pub proof: String,
    /// Why it must be refused.
    pub reason: ProofError,
}

type Row = (&'static str, String, ProofError);

/// All of them: each differs in one thing from [`Prover::prove`] for this request, which must have a token. They are checked at the
/// target's time by who lets proofs be off by `margin` seconds at most.
///
/// # Panics
/// If the target has no token.
pub fn cases(prover: &Prover, target: Target<'_>, margin: i64) -> Vec<ProofCase> {
    assert!(target.token.is_some());
    let groups = [
        structure(prover, target),
        header(prover, target),
        key(prover, target),
        signature(prover, target),
        claims(prover, target),
        request(prover, target),
        time(prover, target, margin),
    ];
    let case = |(name, proof, reason)| ProofCase {
        name,
        proof,
        reason,
    };
    groups.into_iter().flatten().map(case).collect()
}

#[rustfmt::skip] // one case a line
fn structure(prover: &Prover, target: Target<'_>) -> Vec<Row> {
    let proof = prover.prove(target);
    let (input, signature) = proof.rsplit_once('.').unwrap();
    let long = with(prover.claims(target), "x", json!("x".repeat(4096)));
    vec![
        ("longer than 4 KiB", prover.sign(prover.header(), long), TooLong),
        ("empty", String::new(), Malformed),
        ("no JWS", "proof".into(), Malformed),
        ("two parts", input.into(), Malformed),
        ("four parts", format!("{proof}.{signature}"), Malformed),
        ("padded", format!("{proof}="), Malformed),
        ("in quotes", format!("\"{proof}\""), Malformed),
        ("two in one header", format!("{proof},{}", prover.prove(target)), Malformed),
        ("an access token", Key::ed25519("k", &[7; 32]).token(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"}), json!({})), TypeMismatch),
    ]
}

#[rustfmt::skip] // one case a line
fn header(prover: &Prover, target: Target<'_>) -> Vec<Row> {
    let claims = || prover.claims(target);
    let member = |name: &str, value: Value| prover.sign(with(prover.header(), name, value), claims());
    let inside = |more: &str| prover.sign(prover.header().to_string().replacen('{', &format!("{{{more},"), 1), claims());
    vec![
        ("a header that is no JSON", prover.sign("dpop+jwt", claims()), HeaderMalformed),
        ("a list for a header", prover.sign(json!(["dpop+jwt"]), claims()), HeaderMalformed),
        ("typ twice", inside(r#""typ":"dpop+jwt""#), HeaderMalformed),
        ("jwk twice", inside(&format!("\"jwk\":{}", prover.jwk())), HeaderMalformed),
        ("crit", member("crit", json!(["b64"])), CriticalHeader),
        ("an empty crit", member("crit", json!([])), CriticalHeader),
        ("no typ", member("typ", Value::Null), TypeMismatch),
        ("typ of a JWT", member("typ", json!("JWT")), TypeMismatch),
        ("typ of an access token", member("typ", json!("at+jwt")), TypeMismatch),
        ("no alg", member("alg", Value::Null), HeaderMalformed),
        ("alg none", member("alg", json!("none")), AlgorithmUnsupported),
        ("alg HS256", member("alg", json!("HS256")), AlgorithmUnsupported),
        ("alg RS256, which is not listed", member("alg", json!("RS256")), AlgorithmUnsupported),
        ("alg ES384", member("alg", json!("ES384")), AlgorithmUnsupported),
        ("alg in small letters", member("alg", json!("es256")), AlgorithmUnsupported),
        ("alg of another type of key", member("alg", json!(other_algorithm(prover))), AlgorithmMismatch),
    ]
}

fn other_algorithm(prover: &Prover) -> &'static str {
    if prover.header()["alg"] == "ES256" {
        "EdDSA"
    } else {
        "ES256"
    }
}

#[rustfmt::skip] // one case a line
fn key(prover: &Prover, target: Target<'_>) -> Vec<Row> {
    let with_key = |key: Value| prover.sign(with(prover.header(), "jwk", key), prover.claims(target));
    let member = |name: &str, value: Value| with_key(with(prover.jwk(), name, value));
    let other = Prover::p256();
    let elsewhere = with(with(prover.header(), "jwk", Value::Null), "jku", json!("https://evil.example/keys"));
    vec![
        ("no jwk", with_key(Value::Null), KeyMissing),
        ("a jku in place of a jwk", prover.sign(elsewhere, prover.claims(target)), KeyMissing),
        ("jwk null", prover.sign(prover.header().to_string().replace(&prover.jwk().to_string(), "null"), prover.claims(target)), HeaderMalformed),
        ("jwk a text", with_key(json!(prover.jwk().to_string())), HeaderMalformed),
        ("jwk a list", with_key(json!([prover.jwk()])), HeaderMalformed),
        ("jwk deeply nested", with_key(serde_json::from_str(&nested(100)).unwrap()), HeaderMalformed),
        ("the private key", member("d", json!(encode([7; 32]))), KeyInvalid(KeyError::PrivateMember("d"))),
        ("a private member of null", with_key_of(prover, target, r#""d":null,"#), KeyInvalid(KeyError::PrivateMember("d"))),
        ("a shared secret", with_key(json!({"kty": "oct", "k": encode([7; 32])})), KeyInvalid(KeyError::TypeUnsupported)),
        ("a secret in a public key", member("k", json!(encode([7; 32]))), KeyInvalid(KeyError::PrivateMember("k"))),
        ("jwk for encryption", member("use", json!("enc")), KeyInvalid(KeyError::UseMismatch)),
        ("jwk for signing alone", member("key_ops", json!(["sign"])), KeyInvalid(KeyError::UseMismatch)),
        ("jwk of another algorithm", member("alg", json!("RS256")), KeyInvalid(KeyError::AlgorithmMismatch)),
        ("jwk of a curve that is not taken", member("crv", json!("P-521")), KeyInvalid(KeyError::TypeUnsupported)),
        ("jwk without x", member("x", Value::Null), KeyInvalid(KeyError::MemberMissing("x"))),
        ("jwk with a short x", member("x", json!("AQAB")), KeyInvalid(KeyError::MemberMalformed("x"))),
        ("jwk of a point beside the curve", with_key(with(other.jwk(), "y", other.jwk()["x"].clone())), KeyInvalid(KeyError::Invalid)),
    ]
}

/// With this text at the beginning of the key.
fn with_key_of(prover: &Prover, target: Target<'_>, text: &str) -> String {
    let key = prover.jwk().to_string();
    let changed = key.replacen('{', &format!("{{{text}"), 1);
    let header = prover.header().to_string().replace(&key, &changed);
    prover.sign(header, prover.claims(target))
}

#[rustfmt::skip] // one case a line
fn signature(prover: &Prover, target: Target<'_>) -> Vec<Row> {
    let input = signing_input(prover.header(), prover.claims(target));
    let signature = prover.key.sign(input.as_bytes());
    let signed = |signature: &[u8]| format!("{input}.{}", encode(signature));
    let (r, s) = signature.split_at(32);
    let moved = signing_input(prover.header(), with(prover.claims(target), "iat", json!(target.now - 1)));
    let stranger = Key::ed25519("", &[9; 32]);
    let hmac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, prover.jwk().to_string().as_bytes()), input.as_bytes());
    vec![
        ("no signature", signed(&[]), SignatureInvalid),
        ("a signature of zeros", signed(&[0; 64]), SignatureInvalid),
        ("half a signature", signed(r), SignatureInvalid),
        ("the halves swapped", signed(&[s, r].concat()), SignatureInvalid),
        ("signature of a stranger", signed(&stranger.sign(input.as_bytes())), SignatureInvalid),
        ("signature of other claims", format!("{moved}.{}", encode(&signature)), SignatureInvalid),
        ("signature by the public key as a secret", signed(hmac.as_ref()), SignatureInvalid),
    ]
}

#[rustfmt::skip] // one case a line
fn claims(prover: &Prover, target: Target<'_>) -> Vec<Row> {
    let claim = |name: &str, value: Value| prover.sign(prover.header(), with(prover.claims(target), name, value));
    let inside = |more: &str| prover.sign(prover.header(), prover.claims(target).to_string().replacen('{', &format!("{{{more},"), 1));
    vec![
        ("claims that are no JSON", prover.sign(prover.header(), "claims"), ClaimsMalformed),
        ("a list of claims", prover.sign(prover.header(), json!([prover.claims(target)])), ClaimsMalformed),
        ("htu twice", inside(r#""htu":"https://evil.example/""#), ClaimsMalformed),
        ("nonce null", inside(r#""nonce":null"#), ClaimsMalformed),
        ("jti a number", claim("jti", json!(1)), ClaimsMalformed),
        ("iat a text", claim("iat", json!(target.now.to_string())), ClaimsMalformed),
        ("iat past 64 bits", inside_out(prover, target), ClaimsMalformed),
        ("no jti", claim("jti", Value::Null), ClaimMissing("jti")),
        ("no htm", claim("htm", Value::Null), ClaimMissing("htm")),
        ("no htu", claim("htu", Value::Null), ClaimMissing("htu")),
        ("no iat", claim("iat", Value::Null), ClaimMissing("iat")),
        ("no ath", claim("ath", Value::Null), ClaimMissing("ath")),
        ("an empty jti", claim("jti", json!("")), IdLength),
        ("a huge jti", claim("jti", json!("j".repeat(129))), IdLength),
    ]
}

fn inside_out(prover: &Prover, target: Target<'_>) -> String {
    let marked = with(prover.claims(target), "iat", json!("@@")).to_string();
    let claims = marked.replacen("\"@@\"", "9223372036854775808", 1);
    prover.sign(prover.header(), claims)
}

#[rustfmt::skip] // one case a line
fn request(prover: &Prover, target: Target<'_>) -> Vec<Row> {
    let claim = |name: &str, value: String| prover.sign(prover.header(), with(prover.claims(target), name, value.into()));
    let url = target.url;
    let (scheme, rest) = url.split_once("://").unwrap();
    let other_scheme = if scheme == "https" { "http" } else { "https" };
    let token = target.token.unwrap();
    let ath = |token: &str| prover.prove(Target { token: Some(token), ..target });
    vec![
        ("for another method", claim("htm", "PATCH".into()), MethodMismatch),
        ("for the method in small letters", claim("htm", target.method.to_lowercase()), MethodMismatch),
        ("for no method", claim("htm", String::new()), MethodMismatch),
        ("for another path", claim("htu", format!("{url}/more")), UriMismatch),
        ("for a path with a slash", claim("htu", format!("{url}/")), UriMismatch),
        ("for another host", claim("htu", url.replace("://", "://evil.")), UriMismatch),
        ("for a host behind a user", claim("htu", url.replace("://", "://evil.example@")), UriMismatch),
        ("for another scheme", claim("htu", format!("{other_scheme}://{rest}")), UriMismatch),
        ("for another port", claim("htu", with_port(url)), UriMismatch),
        ("for a path alone", claim("htu", format!("/{}", rest.split_once('/').unwrap().1)), UriMismatch),
        ("for no URL", claim("htu", String::new()), UriMismatch),
        ("ath of another token", ath(&format!("{token}x")), TokenMismatch),
        ("the token itself for ath", claim("ath", token.into()), TokenMismatch),
        ("an empty ath", claim("ath", String::new()), TokenMismatch),
        ("ath padded", claim("ath", format!("{}=", prover.claims(target)["ath"].as_str().unwrap())), TokenMismatch),
    ]
}

/// Where nobody listens.
fn with_port(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    let host = authority.split(':').next().unwrap();
    format!("{scheme}://{host}:9/{path}")
}

#[rustfmt::skip] // one case a line
fn time(prover: &Prover, target: Target<'_>, margin: i64) -> Vec<Row> {
    let at = |iat: i64| prover.sign(prover.header(), with(prover.claims(target), "iat", json!(iat)));
    vec![
        ("made too long ago", at(target.now - margin - 1), TooOld),
        ("made a year ago", at(target.now - 31_536_000), TooOld),
        ("made before 1970", at(-1), TooOld),
        ("made at the beginning of time", at(i64::MIN), TooOld),
        ("made in the future", at(target.now + margin + 1), InFuture),
        ("made in milliseconds", at(target.now * 1000), InFuture),
        ("made at the end of time", at(i64::MAX), InFuture),
    ]
}
