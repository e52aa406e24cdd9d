//! Tokens that are good, also in unusual ways, and what comes out of them.

use relatch_verify::jws::Compact;
use relatch_verify::{Claims, VerifyError};
use serde_json::{Value, json};

use crate::support::{
    AUDIENCE, ISSUER, NOW, claims, good, header, keys, sign, sign_p256, sign_rsa, verifier, verify,
    with,
};

fn accepted(header: Value, claims: Value) -> Claims {
    verify(&sign(header, claims)).unwrap()
}

#[test]
fn the_good_token_yields_its_claims() {
    let claims = verify(&good()).unwrap();
    assert_eq!(
        (claims.iss.as_str(), claims.sub.as_str()),
        (ISSUER, "alice")
    );
    assert_eq!(claims.aud, [AUDIENCE]);
    assert_eq!((claims.exp, claims.iat, claims.nbf), (NOW + 900, NOW, None));
    assert_eq!(
        (claims.client_id.as_str(), claims.jti.as_str()),
        ("relatch", "0192")
    );
    assert_eq!(
        (claims.sid.as_deref(), claims.generation),
        (Some("0193"), Some(7))
    );
    assert_eq!(claims.auth_time, Some(NOW - 60));
    assert_eq!(
        (claims.amr.as_slice(), claims.roles.as_slice()),
        (&["pwd".to_owned()][..], &["writer".to_owned()][..])
    );
    assert_eq!(claims.scopes().collect::<Vec<_>>(), ["openid", "notes"]);
    assert!(claims.permits("notes:write") && claims.has_scope("notes"));
    assert!(!claims.permits("notes") && !claims.has_scope("note"));
    assert_eq!(claims.cnf, None);
}

#[test]
fn each_algorithm_is_accepted_with_its_key() {
    let header = |alg: &str, kid: &str| json!({"alg": alg, "typ": "at+jwt", "kid": kid});
    verify(&sign(header("EdDSA", "ed"), claims())).unwrap();
    verify(&sign(header("Ed25519", "ed"), claims())).unwrap();
    verify(&sign_p256(header("ES256", "ec"), claims())).unwrap();
    verify(&sign_rsa(header("RS256", "rsa"), claims())).unwrap();
}

#[test]
fn the_type_is_a_media_type_in_any_case() {
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
    ] {
        accepted(with(header(), "typ", json!(typ)), claims());
    }
}

#[test]
fn only_what_rfc_9068_requires_must_be_there() {
    let required = ["iss", "sub", "aud", "client_id", "exp", "iat", "jti"];
    let mut bare = claims();
    bare.as_object_mut()
        .unwrap()
        .retain(|name, _| required.contains(&name.as_str()));
    let claims = accepted(header(), bare);
    assert_eq!(
        (claims.sid, claims.generation, claims.scope),
        (None, None, None)
    );
    assert!(claims.amr.is_empty() && claims.roles.is_empty() && claims.permissions.is_empty());
}

#[test]
fn the_audience_may_be_one_of_many() {
    let claims = accepted(
        header(),
        with(claims(), "aud", json!(["https://other", AUDIENCE])),
    );
    assert_eq!(claims.aud, ["https://other", AUDIENCE]);
}

#[test]
fn unknown_members_are_ignored() {
    let header = with(header(), "x-unknown", json!({"a": [1, null]}));
    accepted(
        header,
        with(claims(), "tenant", json!({"deep": {"gen": "x", "gen2": 1}})),
    );
}

/// Skipping what nobody reads must not use up the stack.
#[test]
fn depth_in_an_unknown_member_does_no_harm() {
    let depth = 2500;
    let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let header = header()
        .to_string()
        .replacen('{', &format!("{{\"x\":{nested},"), 1);
    let token = sign(header, claims());
    assert!(token.len() > 7000);
    verify(&token).unwrap();
}

/// A token may carry the key it wants to be checked with; nothing looks there.
#[test]
fn keys_in_the_header_are_ignored() {
    for name in ["jwk", "jku", "x5u", "x5c", "x5t"] {
        accepted(
            with(header(), name, json!("https://evil.example")),
            claims(),
        );
    }
}

#[test]
fn the_last_second_and_the_leeway() {
    let at = |verifier: relatch_verify::Verifier, now| verifier.verify(&good(), &keys(), now).err();
    assert_eq!(at(verifier(), NOW + 899), None);
    assert_eq!(at(verifier(), NOW + 900), Some(VerifyError::Expired));
    assert_eq!(at(verifier().leeway(5), NOW + 904), None);
    assert_eq!(
        at(verifier().leeway(5), NOW + 905),
        Some(VerifyError::Expired)
    );
    assert_eq!(at(verifier(), NOW - 1), Some(VerifyError::IssuedInFuture));
    assert_eq!(at(verifier().leeway(5), NOW - 5), None);
    assert_eq!(
        at(verifier().leeway(5), NOW - 6),
        Some(VerifyError::IssuedInFuture)
    );
}

#[test]
fn the_start_has_the_leeway_too() {
    let token = sign(header(), with(claims(), "nbf", json!(NOW + 10)));
    let at = |leeway, now| verifier().leeway(leeway).verify(&token, &keys(), now).err();
    assert_eq!(at(0, NOW + 9), Some(VerifyError::NotYetValid));
    assert_eq!(at(0, NOW + 10), None);
    assert_eq!(at(5, NOW + 4), Some(VerifyError::NotYetValid));
    assert_eq!(at(5, NOW + 5), None);
}

#[test]
fn times_at_the_ends_of_the_range_do_not_overflow() {
    let lenient = verifier().leeway(u32::MAX);
    let token = sign(header(), with(claims(), "exp", json!(i64::MAX)));
    lenient.verify(&token, &keys(), i64::MAX - 1).unwrap();
    let refused = lenient.verify(&good(), &keys(), i64::MIN).err();
    assert_eq!(refused, Some(VerifyError::IssuedInFuture));
    let refused = lenient.verify(&good(), &keys(), i64::MAX).err();
    assert_eq!(refused, Some(VerifyError::Expired));
}

#[test]
fn a_bound_token_needs_the_dangerous_word() {
    let token = sign(
        header(),
        with(claims(), "cnf", json!({"jkt": "thumbprint"})),
    );
    assert_eq!(verify(&token), Err(VerifyError::ProofRequired));
    let lenient = verifier().dangerous_accept_bound_without_proof();
    let claims = lenient.verify(&token, &keys(), NOW).unwrap();
    assert_eq!(claims.cnf.unwrap().jkt.as_deref(), Some("thumbprint"));
}

/// 8192 bytes are looked at, one more is not.
#[test]
fn the_longest_token() {
    let padded = |spaces: usize| sign(header(), format!("{}{}", claims(), " ".repeat(spaces)));
    let longest = (5000..6000)
        .rev()
        .map(padded)
        .find(|token| token.len() <= 8192)
        .unwrap();
    assert!(longest.len() > 8180);
    verify(&longest).unwrap();
}

#[test]
fn claims_can_be_read_by_themselves() {
    let read: Claims = serde_json::from_value(claims()).unwrap();
    assert_eq!(read, verify(&good()).unwrap());
    let incomplete = serde_json::from_value::<Claims>(with(claims(), "sub", Value::Null));
    assert_eq!(
        incomplete.unwrap_err().to_string(),
        "the claim `sub` is missing"
    );
}

/// A token that was only taken apart may end up in a log line.
#[test]
fn debug_output_shows_no_credential() {
    let token = good();
    let shown = format!("{:?}", Compact::parse(&token).unwrap());
    assert_eq!(
        shown,
        r#"Compact { header: Header { algorithm: EdDsa, typ: Some("at+jwt"), kid: Some("ed") }, .. }"#
    );
}
