//! Claims that are wrong in one way, under the good header and rightly signed.

use relatch_verify::VerifyError::{
    AudienceMismatch, ClaimMissing, ClaimRepeated, ClaimsMalformed, Expired, IssuedInFuture,
    IssuerMismatch, NotYetValid, ProofRequired,
};
use serde_json::{Value, json};

use crate::header::nested;
use crate::issuer::{encode, with};
use crate::{Issuer, Row};

pub(crate) fn cases(issuer: &Issuer) -> Vec<Row> {
    let mut cases = structure(issuer);
    cases.extend(missing(issuer));
    cases.extend(mistyped(issuer));
    cases.extend(mismatched(issuer));
    cases.extend(untimely(issuer));
    cases
}

#[rustfmt::skip] // one case a line
fn structure(issuer: &Issuer) -> Vec<Row> {
    let good = || issuer.claims();
    let text = |payload: String| issuer.sign(issuer.header(), payload);
    let written = |name: &str, value: &str| inside_out(issuer, name, value);
    let inside = |more: &str| text(good().to_string().replacen('{', &format!("{{{more},"), 1));
    vec![
        ("an empty payload", text(String::new()), ClaimsMalformed),
        ("a payload that is no JSON", text("claims".into()), ClaimsMalformed),
        ("a list of claims", text(format!("[{}]", good())), ClaimsMalformed),
        ("claims in a string", text(json!(good().to_string()).to_string()), ClaimsMalformed),
        ("something after the claims", text(format!("{}0", good())), ClaimsMalformed),
        ("comments in the claims", text(format!("/* */{}", good())), ClaimsMalformed),
        ("broken UTF-8 in the claims", broken_utf8(issuer), ClaimsMalformed),
        ("a nested token", text(issuer.good()), ClaimsMalformed),
        ("sub twice", inside(r#""sub":"root""#), ClaimRepeated),
        ("sub twice, once with an escape", inside(r#""s\u0075b":"root""#), ClaimRepeated),
        ("exp twice", inside(r#""exp":99999999999"#), ClaimRepeated),
        ("an unknown claim twice", inside(r#""x":1,"x":2"#), ClaimRepeated),
        ("exp null", written("exp", "null"), ClaimsMalformed),
        ("nbf null", inside(r#""nbf":null"#), ClaimsMalformed),
        ("cnf null", inside(r#""cnf":null"#), ClaimsMalformed),
        ("exp a float", written("exp", "1800000900.5"), ClaimsMalformed),
        ("exp with an exponent", written("exp", "18e8"), ClaimsMalformed),
        ("exp past 64 bits", written("exp", "9223372036854775808"), ClaimsMalformed),
        ("jkt twice", inside(r#""cnf":{"jkt":"a","jkt":"b"}"#), ClaimsMalformed),
        ("cnf a list", inside(r#""cnf":["thumbprint"]"#), ClaimsMalformed),
        ("exp of a thousand digits", written("exp", &"9".repeat(1000)), ClaimsMalformed),
        ("exp infinite", written("exp", "1e999"), ClaimsMalformed),
        ("aud deeply nested", written("aud", &nested(1000)), ClaimsMalformed),
        ("cnf deeply nested", inside(&format!(r#""cnf":{}"#, nested(1000))), ClaimsMalformed),
    ]
}

fn claim(issuer: &Issuer, name: &str, value: Value) -> String {
    issuer.sign(issuer.header(), with(issuer.claims(), name, value))
}

#[rustfmt::skip] // one case a line
fn missing(issuer: &Issuer) -> Vec<Row> {
    let claim = |name: &str, value: Value| claim(issuer, name, value);
    vec![
        ("no iss", claim("iss", Value::Null), ClaimMissing("iss")),
        ("no sub", claim("sub", Value::Null), ClaimMissing("sub")),
        ("no aud", claim("aud", Value::Null), ClaimMissing("aud")),
        ("no client_id", claim("client_id", Value::Null), ClaimMissing("client_id")),
        ("no exp", claim("exp", Value::Null), ClaimMissing("exp")),
        ("no iat", claim("iat", Value::Null), ClaimMissing("iat")),
        ("no jti", claim("jti", Value::Null), ClaimMissing("jti")),
    ]
}

#[rustfmt::skip] // one case a line
fn mistyped(issuer: &Issuer) -> Vec<Row> {
    let claim = |name: &str, value: Value| claim(issuer, name, value);
    let (iss, aud) = (issuer.text("iss"), issuer.text("aud"));
    vec![
        ("exp a string", claim("exp", json!("1800000900")), ClaimsMalformed),
        ("iat a string", claim("iat", json!("1800000000")), ClaimsMalformed),
        ("nbf a string", claim("nbf", json!("0")), ClaimsMalformed),
        ("iss a list", claim("iss", json!([iss])), ClaimsMalformed),
        ("sub a number", claim("sub", json!(1)), ClaimsMalformed),
        ("aud a number", claim("aud", json!(1)), ClaimsMalformed),
        ("aud an object", claim("aud", json!({aud: true})), ClaimsMalformed),
        ("aud with a number", claim("aud", json!([aud, 1])), ClaimsMalformed),
        ("client_id a number", claim("client_id", json!(1)), ClaimsMalformed),
        ("jti a number", claim("jti", json!(192)), ClaimsMalformed),
        ("sid a number", claim("sid", json!(193)), ClaimsMalformed),
        ("gen negative", claim("gen", json!(-1)), ClaimsMalformed),
        ("gen past 32 bits", claim("gen", json!(4_294_967_296_u64)), ClaimsMalformed),
        ("auth_time a string", claim("auth_time", json!("now")), ClaimsMalformed),
        ("amr a string", claim("amr", json!("pwd")), ClaimsMalformed),
        ("scope a list", claim("scope", json!(["notes"])), ClaimsMalformed),
        ("roles a string", claim("roles", json!("writer")), ClaimsMalformed),
        ("permissions an object", claim("permissions", json!({"notes:read": true})), ClaimsMalformed),
        ("cnf a string", claim("cnf", json!("thumbprint")), ClaimsMalformed),
        ("jkt a number", claim("cnf", json!({"jkt": 1})), ClaimsMalformed),
    ]
}

#[rustfmt::skip] // one case a line
fn mismatched(issuer: &Issuer) -> Vec<Row> {
    let claim = |name: &str, value: Value| claim(issuer, name, value);
    let (iss, aud) = (issuer.text("iss"), issuer.text("aud"));
    let short = aud.split_at(aud.len() - 1).0;
    vec![
        ("iss of another", claim("iss", json!("https://evil.example")), IssuerMismatch),
        ("iss with a slash", claim("iss", json!(format!("{iss}/"))), IssuerMismatch),
        ("iss in capitals", claim("iss", json!(iss.to_uppercase())), IssuerMismatch),
        ("iss with more", claim("iss", json!(format!("{iss}.evil.example"))), IssuerMismatch),
        ("iss without its scheme", claim("iss", json!(iss.trim_start_matches("https://").trim_start_matches("http://"))), IssuerMismatch),
        ("iss with a space", claim("iss", json!(format!("{iss} "))), IssuerMismatch),
        ("iss with a query", claim("iss", json!(format!("{iss}?a"))), IssuerMismatch),
        ("iss empty", claim("iss", json!("")), IssuerMismatch),
        ("aud of another", claim("aud", json!("https://other.example")), AudienceMismatch),
        ("aud with a slash", claim("aud", json!(format!("{aud}/"))), AudienceMismatch),
        ("aud cut short", claim("aud", json!(short)), AudienceMismatch),
        ("aud empty", claim("aud", json!("")), AudienceMismatch),
        ("aud in capitals", claim("aud", json!(aud.to_uppercase())), AudienceMismatch),
        ("aud with a space", claim("aud", json!(format!("{aud} "))), AudienceMismatch),
        ("aud in one text with others", claim("aud", json!(format!("a {aud} b"))), AudienceMismatch),
        ("aud an empty list", claim("aud", json!([])), AudienceMismatch),
        ("aud a list of one other", claim("aud", json!(["https://other.example"])), AudienceMismatch),
        ("aud of two others", claim("aud", json!(["a", "b"])), AudienceMismatch),
        ("bound to a DPoP key", claim("cnf", json!({"jkt": "thumbprint"})), ProofRequired),
        ("bound to a certificate", claim("cnf", json!({"x5t#S256": "thumbprint"})), ProofRequired),
        ("bound to nothing known", claim("cnf", json!({})), ProofRequired),
    ]
}

#[rustfmt::skip] // one case a line
fn untimely(issuer: &Issuer) -> Vec<Row> {
    let claim = |name: &str, value: Value| claim(issuer, name, value);
    let (now, margin) = (issuer.now, issuer.margin);
    vec![
        ("ended just now", claim("exp", json!(now + 1 - margin)), Expired),
        ("ended a year ago", claim("exp", json!(now - 31_536_000)), Expired),
        ("ended before 1970", claim("exp", json!(-1)), Expired),
        ("ended at the beginning of time", claim("exp", json!(i64::MIN)), Expired),
        ("begins in a second", claim("nbf", json!(now + margin)), NotYetValid),
        ("begins never", claim("nbf", json!(i64::MAX)), NotYetValid),
        ("issued in a second", claim("iat", json!(now + margin)), IssuedInFuture),
        ("issued in milliseconds", claim("iat", json!(now * 1000)), IssuedInFuture),
    ]
}

/// The good claims with `name` written as this text.
fn inside_out(issuer: &Issuer, name: &str, value: &str) -> String {
    let marked = with(issuer.claims(), name, json!("@@")).to_string();
    issuer.sign(issuer.header(), marked.replacen("\"@@\"", value, 1))
}

/// In a claim that nobody reads, where a lazy parser lets it pass.
fn broken_utf8(issuer: &Issuer) -> String {
    let marked = with(issuer.claims(), "x", json!("@@"));
    let mut payload = marked.to_string().into_bytes();
    let at = payload.windows(2).position(|pair| pair == b"@@").unwrap();
    payload[at] = 0xff;
    let header = encode(issuer.header().to_string());
    issuer
        .key
        .token_of(&format!("{header}.{}", encode(payload)))
}
