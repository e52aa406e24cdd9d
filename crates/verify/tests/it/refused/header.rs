//! Headers that are wrong in one member, over the good payload and rightly signed.

use relatch_verify::VerifyError::{
    AlgorithmMismatch, AlgorithmUnsupported, CriticalHeader, HeaderMalformed, HeaderRepeated,
    KeyIdMissing, KeyUnknown, TypeMismatch,
};
use serde_json::{Value, json};

use super::Case;
use crate::support::{claims, encode, header, sign, sign_input, with};

#[rustfmt::skip] // one case a line
pub(crate) fn cases() -> Vec<Case> {
    let member = |name: &str, value: Value| sign(with(header(), name, value), claims());
    let text = |header: &str| sign(header, claims());
    vec![
        ("no JSON", text("EdDSA"), HeaderMalformed),
        ("half a header", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed""#), HeaderMalformed),
        ("something after the header", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed"}{}"#), HeaderMalformed),
        ("a byte order mark", text("\u{feff}{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"ed\"}"), HeaderMalformed),
        ("a trailing comma", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed",}"#), HeaderMalformed),
        ("a list for a header", text(r#"["EdDSA","at+jwt","ed"]"#), HeaderMalformed),
        ("a string for a header", text(r#""EdDSA""#), HeaderMalformed),
        ("null for a header", text("null"), HeaderMalformed),
        ("broken UTF-8 in a header", broken_utf8(), HeaderMalformed),
        ("alg twice", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed","alg":"none"}"#), HeaderRepeated),
        ("alg twice, once with an escape", text(r#"{"\u0061lg":"EdDSA","typ":"at+jwt","kid":"ed","alg":"EdDSA"}"#), HeaderRepeated),
        ("kid twice", text(r#"{"kid":"ec","alg":"EdDSA","typ":"at+jwt","kid":"ed"}"#), HeaderRepeated),
        ("an unknown header member twice", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed","x":1,"x":1}"#), HeaderRepeated),
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
        ("no kid", member("kid", Value::Null), KeyIdMissing),
        ("kid null", text(r#"{"alg":"EdDSA","typ":"at+jwt","kid":null}"#), HeaderMalformed),
        ("kid a number", member("kid", json!(0)), HeaderMalformed),
        ("kid unknown", member("kid", json!("2020-01")), KeyUnknown),
        ("kid empty", member("kid", json!("")), KeyUnknown),
        ("kid in capitals", member("kid", json!("ED")), KeyUnknown),
        ("kid a path", member("kid", json!("../../dev/null")), KeyUnknown),
        ("kid of another key", member("kid", json!("ec")), AlgorithmMismatch),
        ("kid of an RSA key", member("kid", json!("rsa")), AlgorithmMismatch),
    ]
}

/// In a member that nobody reads, where a lazy parser lets it pass.
fn broken_utf8() -> String {
    let mut header = br#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed","x":"?"}"#.to_vec();
    let at = header.iter().position(|byte| *byte == b'?').unwrap();
    header[at] = 0xff;
    sign_input(&format!(
        "{}.{}",
        encode(header),
        encode(claims().to_string())
    ))
}
