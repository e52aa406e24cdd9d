//! Headers that are wrong in one member, over the good payload and rightly signed.

use relatch_verify::VerifyError::{
    AlgorithmMismatch, AlgorithmUnsupported, CriticalHeader, HeaderMalformed, HeaderRepeated,
    KeyIdMissing, KeyUnknown, TypeMismatch,
};
use serde_json::{Value, json};

use crate::issuer::{encode, with};
use crate::{Issuer, Row};

pub(crate) fn cases(issuer: &Issuer) -> Vec<Row> {
    let mut cases = structure(issuer);
    cases.extend(members(issuer));
    cases.extend(key_ids(issuer));
    cases
}

fn member(issuer: &Issuer, name: &str, value: Value) -> String {
    issuer.sign(with(issuer.header(), name, value), issuer.claims())
}

/// With this header, in which `"ed"` stands for the id of the key.
fn text(issuer: &Issuer, header: &str) -> String {
    let kid = json!(issuer.key.kid).to_string();
    issuer.sign(header.replace("\"ed\"", &kid), issuer.claims())
}

#[rustfmt::skip] // one case a line
fn structure(issuer: &Issuer) -> Vec<Row> {
    let text = |header: &str| text(issuer, header);
    vec![
        ("no JSON", text("EdDSA"), HeaderMalformed),
        ("half a header", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed""#), HeaderMalformed),
        ("something after the header", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed"}{}"#), HeaderMalformed),
        ("a byte order mark", text("\u{feff}{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"ed\"}"), HeaderMalformed),
        ("a trailing comma", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed",}"#), HeaderMalformed),
        ("a list for a header", text(r#"["EdDSA","at+jwt","ed"]"#), HeaderMalformed),
        ("a string for a header", text(r#""EdDSA""#), HeaderMalformed),
        ("null for a header", text("null"), HeaderMalformed),
        ("broken UTF-8 in a header", broken_utf8(issuer), HeaderMalformed),
        ("alg twice", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed","alg":"none"}"#), HeaderRepeated),
        ("alg twice, once with an escape", text(r#"{"\u0061lg":"EdDSA","typ":"at+jwt","kid":"ed","alg":"EdDSA"}"#), HeaderRepeated),
        ("kid twice", text(r#"{"kid":"ec","alg":"EdDSA","typ":"at+jwt","kid":"ed"}"#), HeaderRepeated),
        ("an unknown header member twice", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed","x":1,"x":1}"#), HeaderRepeated),
    ]
}

#[rustfmt::skip] // one case a line
fn members(issuer: &Issuer) -> Vec<Row> {
    let member = |name: &str, value: Value| member(issuer, name, value);
    let text = |header: &str| text(issuer, header);
    vec![
        ("crit", member("crit", json!(["b64"])), CriticalHeader),
        ("crit of what is known", member("crit", json!(["alg"])), CriticalHeader),
        ("an empty crit", member("crit", json!([])), CriticalHeader),
        ("a crit of null", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed","crit":null}"#), CriticalHeader),
        ("no alg", member("alg", Value::Null), HeaderMalformed),
        ("alg null", text(r#"{"alg":null,"typ":"at+jwt","kid":"ed"}"#), HeaderMalformed),
        ("alg a list", member("alg", json!(["EdDSA"])), HeaderMalformed),
        ("alg none", member("alg", json!("none")), AlgorithmUnsupported),
        ("alg nOnE", member("alg", json!("nOnE")), AlgorithmUnsupported),
        ("alg HS256", member("alg", json!("HS256")), AlgorithmUnsupported),
        ("alg empty", member("alg", json!("")), AlgorithmUnsupported),
        ("alg in small letters", member("alg", json!("eddsa")), AlgorithmUnsupported),
        ("alg with a space", member("alg", json!("EdDSA ")), AlgorithmUnsupported),
        ("alg PS256", member("alg", json!("PS256")), AlgorithmUnsupported),
        ("alg Ed448", member("alg", json!("Ed448")), AlgorithmUnsupported),
        ("alg of another key", member("alg", json!("ES256")), AlgorithmMismatch),
        ("alg of a third key", member("alg", json!("RS256")), AlgorithmMismatch),
        ("no typ", member("typ", Value::Null), TypeMismatch),
        ("typ of an ID token", member("typ", json!("JWT")), TypeMismatch),
        ("typ of a logout token", member("typ", json!("logout+jwt")), TypeMismatch),
        ("typ of a DPoP proof", member("typ", json!("dpop+jwt")), TypeMismatch),
        ("typ of a revocation snapshot", member("typ", json!("relatch-revocations+jwt")), TypeMismatch),
        ("typ empty", member("typ", json!("")), TypeMismatch),
        ("typ with a parameter", member("typ", json!("at+jwt; v=1")), TypeMismatch),
        ("typ of another tree", member("typ", json!("text/at+jwt")), TypeMismatch),
        ("typ twice prefixed", member("typ", json!("application/application/at+jwt")), TypeMismatch),
        ("typ a number", member("typ", json!(1)), HeaderMalformed),
        ("typ null", text(r#"{"alg":"EdDSA","typ":null,"kid":"ed"}"#), HeaderMalformed),
    ]
}

#[rustfmt::skip] // one case a line
fn key_ids(issuer: &Issuer) -> Vec<Row> {
    let kid = &issuer.key.kid;
    let member = |value: Value| member(issuer, "kid", value);
    let text = |header: &str| text(issuer, header);
    let mut cases = vec![
        ("no kid", member(Value::Null), KeyIdMissing),
        ("kid null", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":null}"#), HeaderMalformed),
        ("kid a number", member(json!(0)), HeaderMalformed),
        ("kid unknown", member(json!("2020-01")), KeyUnknown),
        ("kid empty", member(json!("")), KeyUnknown),
        ("kid in the other case", member(json!(swapped(kid))), KeyUnknown),
        ("kid a path", member(json!("../../dev/null")), KeyUnknown),
        ("kid with more", member(json!(format!("{kid}\0"))), KeyUnknown),
        ("kid a query", member(json!("' UNION SELECT 'key' --")), KeyUnknown),
        ("kid deeply nested", text(&format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":{}}}"#, nested(2000))), HeaderMalformed),
    ];
    if let Some(other) = &issuer.p256 {
        cases.push(("kid of another key", member(json!(other.kid)), AlgorithmMismatch));
    }
    if let Some((other, _)) = &issuer.rsa {
        cases.push(("kid of an RSA key", member(json!(other.kid)), AlgorithmMismatch));
    }
    cases
}

/// Lists within lists.
pub(crate) fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Small letters for capitals and the other way round.
fn swapped(text: &str) -> String {
    let swap = |letter: char| {
        if letter.is_ascii_lowercase() {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        }
    };
    text.chars().map(swap).collect()
}

/// In a member that nobody reads, where a lazy parser lets it pass.
fn broken_utf8(issuer: &Issuer) -> String {
    let header = with(issuer.header(), "x", json!("?"));
    let mut header = header.to_string().into_bytes();
    let at = header.iter().rposition(|byte| *byte == b'?').unwrap();
    header[at] = 0xff;
    let payload = encode(issuer.claims().to_string());
    issuer
        .key
        .token_of(&format!("{}.{payload}", encode(header)))
}
