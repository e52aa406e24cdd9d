//! Tokens of other issuers, in the shapes that Keycloak 26 and Auth0 give them: refused as they are, taken when told how.

use relatch_verify::{Claims, Verifier, VerifyError};
use serde_json::{Value, json};

use crate::support::{NOW, keys, sign, sign_rsa, with};

const KEYCLOAK: &str = "https://id.example.com/realms/main";
const AUTH0: &str = "https://example.eu.auth0.com/";
const API: &str = "https://api.example.com";

fn keycloak() -> Value {
    json!({
        "exp": NOW + 300, "iat": NOW, "auth_time": NOW - 1, "jti": "onrtac:6a5f", "iss": KEYCLOAK,
        "aud": [API, "account"], "sub": "9b3f", "typ": "Bearer", "azp": "spa", "sid": "b1c2", "acr": "1",
        "allowed-origins": ["https://app.example.com"],
        "realm_access": {"roles": ["offline_access", "editor"]},
        "resource_access": {"notes-api": {"roles": ["notes:*"]}, "account": {"roles": ["view-profile"]}},
        "scope": "openid email", "email_verified": true
    })
}

fn auth0() -> Value {
    json!({
        "iss": AUTH0, "sub": "auth0|5f7c", "aud": [API, "https://example.eu.auth0.com/userinfo"],
        "iat": NOW, "exp": NOW + 86400, "azp": "spa", "scope": "openid profile",
        "permissions": ["notes:read"], "https://example.com/roles": ["editor"]
    })
}

fn old_header() -> Value {
    json!({"alg": "RS256", "typ": "JWT", "kid": "rsa"})
}

fn for_keycloak() -> Verifier {
    Verifier::new(KEYCLOAK, API)
        .client_id_from("azp")
        .roles_at(["realm_access", "roles"])
        .permissions_at(["resource_access", "notes-api", "roles"])
        .dangerous_accept_type("JWT")
}

fn for_auth0() -> Verifier {
    Verifier::new(AUTH0, API)
        .client_id_from("azp")
        .roles_at(["https://example.com/roles"])
        .dangerous_accept_type("JWT")
        .dangerous_accept_without_jti()
}

fn read(verifier: &Verifier, claims: Value) -> Result<Claims, VerifyError> {
    verifier.verify(&sign_rsa(old_header(), claims), &keys(), NOW)
}

#[test]
fn a_token_of_keycloak() {
    let claims = read(&for_keycloak(), keycloak()).unwrap();
    assert_eq!(
        (claims.client_id.as_str(), claims.generation),
        ("spa", None)
    );
    assert_eq!(claims.roles, ["offline_access", "editor"]);
    assert!(claims.permits("notes:delete") && !claims.permits("view-profile"));
}

#[test]
fn a_token_of_auth0() {
    let claims = read(&for_auth0(), auth0()).unwrap();
    assert_eq!((claims.jti.as_str(), claims.sid), ("", None));
    assert_eq!(
        (claims.roles, claims.permissions),
        (vec!["editor".to_owned()], vec!["notes:read".to_owned()])
    );
}

#[test]
fn nothing_of_this_goes_by_default() {
    let plain = Verifier::new(KEYCLOAK, API);
    assert_eq!(read(&plain, keycloak()), Err(VerifyError::TypeMismatch));
    let typed = plain.dangerous_accept_type("JWT");
    assert_eq!(
        read(&typed, keycloak()),
        Err(VerifyError::ClaimMissing("client_id"))
    );
    assert_eq!(
        read(
            &typed.clone().client_id_from("azp"),
            with(keycloak(), "jti", Value::Null)
        ),
        Err(VerifyError::ClaimMissing("jti"))
    );
    let claims = read(&typed.client_id_from("azp"), keycloak()).unwrap();
    assert!(claims.roles.is_empty() && claims.permissions.is_empty());
}

#[test]
fn the_type_of_the_standard_stays_good() {
    let header = with(old_header(), "typ", json!("at+jwt"));
    assert!(
        for_auth0()
            .verify(&sign_rsa(header, auth0()), &keys(), NOW)
            .is_ok()
    );
    for typ in [json!("logout+jwt"), json!(""), Value::Null] {
        let header = with(old_header(), "typ", typ);
        let answer = for_auth0().verify(&sign_rsa(header, auth0()), &keys(), NOW);
        assert_eq!(answer, Err(VerifyError::TypeMismatch));
    }
}

#[test]
fn what_is_in_a_place_must_be_a_list_of_strings() {
    for wrong in [
        json!("editor"),
        json!({"editor": true}),
        json!(["editor", 1]),
        json!(null),
    ] {
        let claims = with(keycloak(), "realm_access", json!({ "roles": wrong }));
        assert_eq!(
            read(&for_keycloak(), claims),
            Err(VerifyError::ClaimsMalformed)
        );
    }
    assert_eq!(
        read(&for_keycloak(), with(keycloak(), "azp", json!(7))),
        Err(VerifyError::ClaimsMalformed)
    );
    for absent in [Value::Null, json!({}), json!("none"), json!([1])] {
        let claims = read(&for_keycloak(), with(keycloak(), "realm_access", absent)).unwrap();
        assert!(claims.roles.is_empty());
    }
}

/// A client that can choose `azp` must not be able to speak over what the issuer wrote.
#[test]
fn its_own_place_comes_first() {
    let claims = with(
        with(keycloak(), "client_id", json!("real")),
        "roles",
        json!(["own"]),
    );
    let claims = read(&for_keycloak(), claims).unwrap();
    assert_eq!(claims.client_id, "real");
    assert_eq!(claims.roles, ["own", "offline_access", "editor"]);
}

#[test]
fn another_issuer_is_checked_like_ours() {
    let one = |name: &str, value: Value| read(&for_auth0(), with(auth0(), name, value)).err();
    assert_eq!(
        one("iss", json!("https://example.eu.auth0.com")),
        Some(VerifyError::IssuerMismatch)
    );
    assert_eq!(
        one("aud", json!("spa")),
        Some(VerifyError::AudienceMismatch)
    );
    assert_eq!(
        one("aud", Value::Null),
        Some(VerifyError::ClaimMissing("aud"))
    );
    assert_eq!(one("exp", json!(NOW)), Some(VerifyError::Expired));
    let ours = json!({"alg": "EdDSA", "typ": "JWT", "kid": "rsa"});
    let answer = for_auth0().verify(&sign(ours, auth0()), &keys(), NOW);
    assert_eq!(answer, Err(VerifyError::AlgorithmMismatch));
}
