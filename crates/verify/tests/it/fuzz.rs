//! Tokens and keys that are almost right: nothing panics, no token is taken but the good one, and a key is written as it is read.

use ::fuzz::Target;
use relatch_verify::dpop::{ProofVerifier, Request, TargetUri};
use relatch_verify::{Claims, Jwk, KeySet};
use serde_json::json;
use wrong_tokens::{Prover, Target as About};

use crate::support::{NOW, claims, good, keys, sign_p256, sign_rsa, verify};

#[test]
fn fuzz_access_token() {
    let header = |alg: &str, kid: &str| json!({"alg": alg, "typ": "at+jwt", "kid": kid});
    let tokens = [
        good(),
        sign_p256(header("ES256", "ec"), claims()),
        sign_rsa(header("RS256", "rsa"), claims()),
    ];
    let seeds: Vec<_> = tokens.iter().map(String::as_bytes).collect();
    let target = Target {
        name: "access token",
        seeds: &seeds,
        words: &[
            ".",
            "..",
            "eyJhbGciOiJub25lIn0",
            "=",
            "\n",
            " ",
            "eyJ9",
            "e30",
            "W10",
            "bnVsbA",
        ],
    };
    ::fuzz::run(&target, |input| {
        if let Ok(text) = std::str::from_utf8(input)
            && verify(text).is_ok()
        {
            assert!(tokens.iter().any(|token| token == text), "{text}");
        }
    });
}

#[test]
fn fuzz_keys() {
    let set = serde_json::to_vec(&keys()).unwrap();
    let one = serde_json::to_vec(keys().find("ec").unwrap()).unwrap();
    let words = &[
        r#""kty":"oct""#,
        r#""d":"AAAA""#,
        r#""use":"enc""#,
        r#""key_ops":["sign"]"#,
        r#""alg":"HS256""#,
        "null",
        "[",
        "{",
        "\\u0000",
        "\\ud800",
    ];
    let target = Target {
        name: "keys",
        seeds: &[&set, &one],
        words,
    };
    ::fuzz::run(&target, |input| {
        if let Ok(key) = serde_json::from_slice::<Jwk>(input) {
            let again = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<Jwk>(&again).unwrap(), key);
        }
        if let Ok(set) = serde_json::from_slice::<KeySet>(input) {
            let again = serde_json::to_string(&set).unwrap();
            serde_json::from_str::<KeySet>(&again).unwrap();
        }
    });
}

#[test]
fn fuzz_claims() {
    let seed = serde_json::to_vec(&claims()).unwrap();
    let target = Target {
        name: "claims",
        seeds: &[&seed],
        words: &[
            r#""aud":[]"#,
            r#""exp":1e400"#,
            r#""exp":-9223372036854775808"#,
            r#""iss":"x","iss":"y""#,
            r#""cnf":{"jkt":"x"}"#,
            r#""scope":"a b""#,
            r#""permissions":["a:*"]"#,
            "\\ud800",
        ],
    };
    ::fuzz::run(&target, |input| {
        if let Ok(claims) = serde_json::from_slice::<Claims>(input) {
            let _ = claims.permits("notes:read");
        }
    });
}

#[test]
fn fuzz_proof() {
    let url = "https://api.example.com/notes/1";
    let prove = |prover: Prover| {
        prover.prove(About {
            method: "PUT",
            url,
            token: Some("a.b.c"),
            now: NOW,
        })
    };
    let proofs = [prove(Prover::p256()), prove(Prover::ed25519(&[7; 32]))];
    let seeds: Vec<_> = proofs.iter().map(String::as_bytes).collect();
    let target = Target {
        name: "proof",
        seeds: &seeds,
        words: &[
            ".",
            "..",
            "=",
            " ",
            ",",
            "e30",
            "bnVsbA",
            "eyJhbGciOiJub25lIn0",
        ],
    };
    let uri = TargetUri::parse(url).unwrap();
    let (verifier, request) = (
        ProofVerifier::new(),
        Request::new("PUT", &uri).with_token("a.b.c"),
    );
    ::fuzz::run(&target, |input| {
        if let Ok(text) = std::str::from_utf8(input)
            && verifier.verify(text, &request, NOW).is_ok()
        {
            assert!(proofs.iter().any(|proof| proof == text), "{text}");
        }
    });
}

/// What is normal stays as it is, and names the host that it named.
#[test]
fn fuzz_target_uri() {
    let target = Target {
        name: "target URI",
        seeds: &[
            b"https://api.example.com:8443/notes/%7eada/../1?page=2#top",
            b"http://[::1]:80/a/./b",
        ],
        words: &[
            "..", "/.", "%2e", "%2F", "@", ":", "//", "\\", "?", "#", "%", "[", "]", "HTTPS",
        ],
    };
    ::fuzz::run(&target, |input| {
        if let Ok(text) = std::str::from_utf8(input)
            && let Ok(uri) = TargetUri::parse(text)
        {
            assert_eq!(TargetUri::parse(uri.as_str()).as_ref(), Ok(&uri), "{text}");
            let mut parts = uri.as_str().splitn(4, '/').skip(2);
            let (authority, path) = (parts.next().unwrap(), parts.next().unwrap());
            assert!(!path.split('/').any(|part| part == "." || part == ".."));
            assert!(!authority.contains(['@', '%']) && !authority.is_empty());
            assert!(!uri.as_str().contains(['?', '#', ' ', '\\']));
        }
    });
}
