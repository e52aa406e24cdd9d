//! Signs the tokens of the tests, with the keys that the RFCs publish. What it signs may be any nonsense.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaEncoding, RsaKeyPair,
};
use relatch_verify::{Claims, Jwk, KeySet, Verifier, VerifyError};
use serde_json::{Value, json};
use wrong_tokens::{Issuer, Key};

pub(crate) use wrong_tokens::{decode, encode, signing_input, with};

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const AUDIENCE: &str = "https://api.example.com";
/// When the good token is checked; it was issued just now and lives for 900 seconds.
pub(crate) const NOW: i64 = 1_800_000_000;

/// RFC 8037, appendix A.1.
pub(crate) static ED25519: LazyLock<Ed25519KeyPair> = LazyLock::new(|| {
    let seed = decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    Ed25519KeyPair::from_seed_unchecked(&seed).unwrap()
});

/// RFC 7515, appendix A.3.
static P256: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    let secret = decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_private_key_and_public_key(algorithm, &secret, &p256_point()).unwrap()
});

/// RFC 7515, appendix A.2.
static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| {
    RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents {
            n: decode(RSA_N),
            e: vec![1, 0, 1],
        },
        d: decode(
            "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
        ),
        p: decode(
            "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
        ),
        q: decode(
            "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
        ),
        dP: decode(
            "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
        ),
        dQ: decode(
            "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
        ),
        qInv: decode(
            "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U",
        ),
    })
    .unwrap()
});

pub(crate) const P256_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
pub(crate) const P256_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
pub(crate) const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

pub(crate) fn p256_point() -> Vec<u8> {
    [vec![4], decode(P256_X), decode(P256_Y)].concat()
}

/// The issuer's keys: `ed`, `ec` and `rsa`.
pub(crate) fn keys() -> KeySet {
    let ed25519 = ED25519.public_key().as_ref().try_into().unwrap();
    KeySet::new(vec![
        Jwk::ed25519("ed", ed25519).unwrap(),
        Jwk::p256("ec", &p256_point()).unwrap(),
        Jwk::rsa("rsa", &decode(RSA_N), &[1, 0, 1]).unwrap(),
    ])
    .unwrap()
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(ISSUER, AUDIENCE)
}

/// What the verifier of the tests says at [`NOW`].
pub(crate) fn verify(token: &str) -> Result<Claims, VerifyError> {
    verifier().verify(token, &keys(), NOW)
}

/// The header of the good token.
pub(crate) fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "ed"})
}

/// The claims of the good token: all that the server writes, but `cnf`.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "client_id": "relatch",
        "exp": NOW + 900, "iat": NOW, "jti": "0192", "sid": "0193", "gen": 7,
        "auth_time": NOW - 60, "amr": ["pwd"], "scope": "openid notes",
        "roles": ["writer"], "permissions": ["notes:read", "notes:write"]
    })
}

/// A token with this header and payload, whatever they say, rightly signed by the key `ed`.
pub(crate) fn sign(header: impl ToString, payload: impl ToString) -> String {
    sign_input(&signing_input(header, payload))
}

pub(crate) fn sign_input(input: &str) -> String {
    format!("{input}.{}", encode(ED25519.sign(input.as_bytes())))
}

pub(crate) fn sign_p256(header: impl ToString, payload: impl ToString) -> String {
    p256().token(header, payload)
}

pub(crate) fn sign_rsa(header: impl ToString, payload: impl ToString) -> String {
    rsa().token(header, payload)
}

pub(crate) fn p256() -> Key {
    Key::new("ec", |message| {
        let signature = P256.sign(&SystemRandom::new(), message);
        signature.unwrap().as_ref().to_vec()
    })
}

pub(crate) fn rsa() -> Key {
    rsa_by(&RSA_PKCS1_SHA256)
}

/// The RSA key, signing by another padding or hash than `alg` says.
pub(crate) fn rsa_by(padding: &'static dyn RsaEncoding) -> Key {
    Key::new("rsa", move |message| {
        let mut signature = vec![0; RSA.public_modulus_len()];
        let random = SystemRandom::new();
        RSA.sign(padding, &random, message, &mut signature).unwrap();
        signature
    })
}

/// Who signs the tokens that are wrong in one way, with all three keys.
pub(crate) fn issuer() -> Issuer {
    let key = Key::new("ed", |message| ED25519.sign(message).as_ref().to_vec());
    Issuer::new(key, claims())
        .with_p256(p256())
        .with_rsa(rsa(), decode(RSA_N))
}

/// The good token: every refused one differs from it in one thing.
pub(crate) fn good() -> String {
    sign(header(), claims())
}
