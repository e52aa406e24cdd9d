//! What holds for every input: a token that was touched is refused, and no input makes the crate panic.

use proptest::prelude::*;
use relatch_verify::{Claims, Jwk, KeySet};
use serde_json::json;

use crate::support::{claims, good, header, sign, sign_input, sign_p256, sign_rsa, verify};

/// `token` with the byte at `at` replaced, or nothing if that leaves it as it was.
fn touched(token: &str, at: usize, byte: u8) -> Option<String> {
    let mut bytes = token.as_bytes().to_vec();
    bytes[at] = byte;
    let touched = String::from_utf8(bytes).ok()?;
    (touched != token).then_some(touched)
}

/// Every bit of every byte, for each algorithm.
#[test]
fn every_flipped_bit_is_refused() {
    let header = |alg: &str, kid: &str| json!({"alg": alg, "typ": "at+jwt", "kid": kid});
    let tokens = [
        good(),
        sign_p256(header("ES256", "ec"), claims()),
        sign_rsa(header("RS256", "rsa"), claims()),
    ];
    for token in &tokens {
        verify(token).unwrap();
        for at in 0..token.len() {
            let flipped =
                (0..7).filter_map(|bit| touched(token, at, token.as_bytes()[at] ^ (1 << bit)));
            for flipped in flipped {
                assert!(verify(&flipped).is_err(), "byte {at}: {flipped}");
            }
        }
    }
}

/// What may stand in a header or a payload: any JSON, with the names that mean something among its members.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        ".{0,12}".prop_map(|value| json!(value)),
        prop::sample::select(vec![
            "EdDSA", "at+jwt", "ed", "OKP", "Ed25519", "EC", "P-256", "RSA", "sig"
        ])
        .prop_map(|value| json!(value)),
    ];
    let name = prop::sample::select(vec![
        "alg",
        "typ",
        "kid",
        "crit",
        "iss",
        "sub",
        "aud",
        "client_id",
        "exp",
        "iat",
        "nbf",
        "jti",
        "gen",
        "cnf",
        "jkt",
        "kty",
        "crv",
        "x",
        "y",
        "n",
        "e",
        "d",
        "use",
        "key_ops",
        "keys",
        "other",
    ]);
    leaf.prop_recursive(3, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!(list)),
            prop::collection::btree_map(name.clone(), inner, 0..10)
                .prop_map(|object| json!(object)),
        ]
    })
}

proptest! {
    #[test]
    fn a_touched_token_is_refused(at in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let token = good();
        if let Some(touched) = touched(&token, at.index(token.len()), byte) {
            prop_assert!(verify(&touched).is_err());
        }
    }

    #[test]
    fn a_cut_or_spliced_token_is_refused(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), with in "[A-Za-z0-9._-]{0,8}") {
        let token = good();
        let (from, to) = (from.index(token.len()), to.index(token.len()));
        let spliced = format!("{}{with}{}", &token[..from.min(to)], &token[from.max(to)..]);
        if spliced != token {
            prop_assert!(verify(&spliced).is_err());
        }
    }

    #[test]
    fn no_string_panics(text in any::<String>(), parts in "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(verify(&text).is_err());
        prop_assert!(verify(&parts).is_err());
    }

    #[test]
    fn no_signed_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let head = good();
        let (head, _) = head.split_once('.').unwrap();
        let token = sign_input(&format!("{head}.{}", crate::support::encode(payload)));
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn no_signed_json_panics(head in any_json(), payload in any_json()) {
        let _ = verify(&sign(&head, claims()));
        let _ = verify(&sign(header(), &payload));
    }

    #[test]
    fn no_json_panics_as_a_key(value in any_json(), text in any::<String>()) {
        let _ = serde_json::from_value::<Jwk>(value.clone());
        let _ = serde_json::from_value::<KeySet>(json!({"keys": [value.clone()]}));
        let _ = serde_json::from_value::<Claims>(value);
        prop_assert!(serde_json::from_str::<KeySet>(&text).is_err());
    }
}
