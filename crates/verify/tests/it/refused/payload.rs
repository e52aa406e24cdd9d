//! Claims that are wrong in one way, under the good header and rightly signed.

use relatch_verify::VerifyError::{
    AudienceMismatch, ClaimMissing, ClaimRepeated, ClaimsMalformed, Expired, IssuedInFuture,
    IssuerMismatch, NotYetValid, ProofRequired,
};
use serde_json::{Value, json};

use super::Case;
use crate::support::{
    AUDIENCE, ISSUER, NOW, claims as good, encode, header, sign, sign_input, with,
};

#[rustfmt::skip] // one case a line
pub(crate) fn structure() -> Vec<Case> {
    let text = |payload: String| sign(header(), payload);
    let inside = |more: &str| text(good().to_string().replacen('{', &format!("{{{more},"), 1));
    vec![
        ("an empty payload", text(String::new()), ClaimsMalformed),
        ("a payload that is no JSON", text("claims".into()), ClaimsMalformed),
        ("a list of claims", text(format!("[{}]", good())), ClaimsMalformed),
        ("claims in a string", text(json!(good().to_string()).to_string()), ClaimsMalformed),
        ("something after the claims", text(format!("{}0", good())), ClaimsMalformed),
        ("comments in the claims", text(format!("/* */{}", good())), ClaimsMalformed),
        ("broken UTF-8 in the claims", broken_utf8(), ClaimsMalformed),
        ("a nested token", text(sign(header(), good())), ClaimsMalformed),
        ("sub twice", inside(r#""sub":"root""#), ClaimRepeated),
        ("sub twice, once with an escape", inside(r#""s\u0075b":"root""#), ClaimRepeated),
        ("exp twice", inside(r#""exp":99999999999"#), ClaimRepeated),
        ("an unknown claim twice", inside(r#""x":1,"x":2"#), ClaimRepeated),
        ("exp null", inside_out("exp", "null"), ClaimsMalformed),
        ("nbf null", inside(r#""nbf":null"#), ClaimsMalformed),
        ("cnf null", inside(r#""cnf":null"#), ClaimsMalformed),
        ("exp a float", inside_out("exp", "1800000900.5"), ClaimsMalformed),
        ("exp with an exponent", inside_out("exp", "18e8"), ClaimsMalformed),
        ("exp past 64 bits", inside_out("exp", "9223372036854775808"), ClaimsMalformed),
        ("jkt twice", inside(r#""cnf":{"jkt":"a","jkt":"b"}"#), ClaimsMalformed),
        ("cnf a list", inside(r#""cnf":["thumbprint"]"#), ClaimsMalformed),
    ]
}

pub(crate) fn claims() -> Vec<Case> {
    let mut cases = missing();
    cases.extend(mistyped());
    cases.extend(mismatched());
    cases.extend(untimely());
    cases
}

fn claim(name: &str, value: Value) -> String {
    sign(header(), with(good(), name, value))
}

#[rustfmt::skip] // one case a line
fn missing() -> Vec<Case> {
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
fn mistyped() -> Vec<Case> {
    vec![
        ("exp a string", claim("exp", json!("1800000900")), ClaimsMalformed),
        ("iat a string", claim("iat", json!("1800000000")), ClaimsMalformed),
        ("nbf a string", claim("nbf", json!("0")), ClaimsMalformed),
        ("iss a list", claim("iss", json!([ISSUER])), ClaimsMalformed),
        ("sub a number", claim("sub", json!(1)), ClaimsMalformed),
        ("aud a number", claim("aud", json!(1)), ClaimsMalformed),
        ("aud an object", claim("aud", json!({AUDIENCE: true})), ClaimsMalformed),
        ("aud with a number", claim("aud", json!([AUDIENCE, 1])), ClaimsMalformed),
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
fn mismatched() -> Vec<Case> {
    vec![
        ("iss of another", claim("iss", json!("https://evil.example")), IssuerMismatch),
        ("iss with a slash", claim("iss", json!(format!("{ISSUER}/"))), IssuerMismatch),
        ("iss in capitals", claim("iss", json!(ISSUER.to_uppercase())), IssuerMismatch),
        ("iss with more", claim("iss", json!(format!("{ISSUER}.evil.example"))), IssuerMismatch),
        ("iss empty", claim("iss", json!("")), IssuerMismatch),
        ("aud of another", claim("aud", json!("https://other.example")), AudienceMismatch),
        ("aud with a slash", claim("aud", json!(format!("{AUDIENCE}/"))), AudienceMismatch),
        ("aud cut short", claim("aud", json!("https://api.example")), AudienceMismatch),
        ("aud empty", claim("aud", json!("")), AudienceMismatch),
        ("aud an empty list", claim("aud", json!([])), AudienceMismatch),
        ("aud of two others", claim("aud", json!(["a", ISSUER])), AudienceMismatch),
        ("bound to a DPoP key", claim("cnf", json!({"jkt": "thumbprint"})), ProofRequired),
        ("bound to a certificate", claim("cnf", json!({"x5t#S256": "thumbprint"})), ProofRequired),
        ("bound to nothing known", claim("cnf", json!({})), ProofRequired),
    ]
}

#[rustfmt::skip] // one case a line
fn untimely() -> Vec<Case> {
    vec![
        ("ended just now", claim("exp", json!(NOW)), Expired),
        ("ended a year ago", claim("exp", json!(NOW - 31_536_000)), Expired),
        ("ended before 1970", claim("exp", json!(-1)), Expired),
        ("ended at the beginning of time", claim("exp", json!(i64::MIN)), Expired),
        ("begins in a second", claim("nbf", json!(NOW + 1)), NotYetValid),
        ("begins never", claim("nbf", json!(i64::MAX)), NotYetValid),
        ("issued in a second", claim("iat", json!(NOW + 1)), IssuedInFuture),
        ("issued in milliseconds", claim("iat", json!(NOW * 1000)), IssuedInFuture),
    ]
}

/// The good claims with `name` written as this text.
fn inside_out(name: &str, value: &str) -> String {
    let marked = with(good(), name, json!("@")).to_string();
    sign(header(), marked.replacen("\"@\"", value, 1))
}

/// In a claim that nobody reads, where a lazy parser lets it pass.
fn broken_utf8() -> String {
    let mut payload = with(good(), "x", json!("@")).to_string().into_bytes();
    let at = payload.iter().position(|byte| *byte == b'@').unwrap();
    payload[at] = 0xff;
    sign_input(&format!(
        "{}.{}",
        encode(header().to_string()),
        encode(payload)
    ))
}
