//! Good headers and claims under signatures that are not the key's.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use relatch_verify::VerifyError::{
    AlgorithmMismatch, AlgorithmUnsupported, KeyUnknown, SignatureInvalid,
};
use serde_json::json;

use super::Case;
use crate::support::{
    ED25519, RSA_N, STRANGER, claims, decode, encode, good, header, sign, sign_p256, sign_rsa,
    signing_input, with,
};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = ed25519();
    cases.extend(own_keys());
    cases.extend(other_algorithms());
    cases
}

#[rustfmt::skip] // one case a line
fn ed25519() -> Vec<Case> {
    let input = signing_input(header(), claims());
    let signature = ED25519.sign(input.as_bytes()).as_ref().to_vec();
    let signed = |signature: &[u8]| format!("{input}.{}", encode(signature));
    let (r, s) = signature.split_at(32);
    let prehashed = ED25519.sign(digest(&SHA256, input.as_bytes()).as_ref());
    let payload = ED25519.sign(claims().to_string().as_bytes());
    let admin = signing_input(header(), with(claims(), "sub", json!("root")));
    vec![
        ("signature of a stranger", signed(STRANGER.sign(input.as_bytes()).as_ref()), SignatureInvalid),
        ("signature of other claims", format!("{admin}.{}", encode(&signature)), SignatureInvalid),
        ("signature of the payload alone", signed(payload.as_ref()), SignatureInvalid),
        ("signature of the hash", signed(prehashed.as_ref()), SignatureInvalid),
        ("no signature", signed(&[]), SignatureInvalid),
        ("a signature of zeros", signed(&[0; 64]), SignatureInvalid),
        ("half a signature", signed(r), SignatureInvalid),
        ("a signature and a byte", signed(&[&signature[..], &[0]].concat()), SignatureInvalid),
        ("the halves swapped", signed(&[s, r].concat()), SignatureInvalid),
        ("s plus the order of the group", signed(&[r, &plus_order(s)].concat()), SignatureInvalid),
        ("r and s of zero", signed(&[&[1][..], &[0; 63]].concat()), SignatureInvalid),
    ]
}

/// The tokens that bring the key they want to be checked with.
#[rustfmt::skip] // one case a line
fn own_keys() -> Vec<Case> {
    let x = encode(STRANGER.public_key());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": x});
    let by_stranger = |header: serde_json::Value| sign_with(&STRANGER, header);
    vec![
        ("own key in jwk", by_stranger(with(header(), "jwk", jwk.clone())), SignatureInvalid),
        ("own key behind jku", by_stranger(with(header(), "jku", json!("https://evil.example/jwks.json"))), SignatureInvalid),
        ("own key behind x5u", by_stranger(with(header(), "x5u", json!("https://evil.example/chain.pem"))), SignatureInvalid),
        ("own key in x5c", by_stranger(with(header(), "x5c", json!([x]))), SignatureInvalid),
        ("own key under an own kid", by_stranger(with(with(header(), "jwk", jwk), "kid", json!("mine"))), KeyUnknown),
    ]
}

#[rustfmt::skip] // one case a line
fn other_algorithms() -> Vec<Case> {
    let ec = json!({"alg": "ES256", "typ": "at+jwt", "kid": "ec"});
    let rsa = json!({"alg": "RS256", "typ": "at+jwt", "kid": "rsa"});
    let unsigned = |header: &serde_json::Value, signature: Vec<u8>| {
        format!("{}.{}", signing_input(header, claims()), encode(signature))
    };
    let none = signing_input(with(header(), "alg", json!("none")), claims());
    let long = [vec![0], signature_of(&sign_rsa(&rsa, claims()))].concat();
    vec![
        ("HMAC with the public key", hmac_with_public_key("HS256"), AlgorithmUnsupported),
        ("HMAC that claims to be RS256", hmac_with_public_key("RS256"), SignatureInvalid),
        ("none without a signature", format!("{none}."), AlgorithmUnsupported),
        ("ES256 of r = s = 0", unsigned(&ec, vec![0; 64]), SignatureInvalid),
        ("ES256 in DER", unsigned(&ec, der(&signature_of(&sign_p256(&ec, claims())))), SignatureInvalid),
        ("ES256 by Ed25519", sign(&ec, claims()), SignatureInvalid),
        ("RS256 by Ed25519", sign(&rsa, claims()), SignatureInvalid),
        ("RS256 with a zero before", unsigned(&rsa, long), SignatureInvalid),
        ("RS256 of 1", unsigned(&rsa, [vec![0; 255], vec![1]].concat()), SignatureInvalid),
        ("EdDSA under an EC key", sign_p256(with(header(), "kid", json!("ec")), claims()), AlgorithmMismatch),
    ]
}

fn sign_with(key: &Ed25519KeyPair, header: serde_json::Value) -> String {
    let input = signing_input(header, claims());
    format!("{input}.{}", encode(key.sign(input.as_bytes())))
}

fn signature_of(token: &str) -> Vec<u8> {
    decode(token.rsplit_once('.').unwrap().1)
}

/// The classic confusion: the public key, which everybody has, as the secret of an HMAC.
fn hmac_with_public_key(alg: &str) -> String {
    let header = json!({"alg": alg, "typ": "at+jwt", "kid": "rsa"});
    let input = signing_input(header, claims());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &decode(RSA_N));
    format!("{input}.{}", encode(hmac::sign(&key, input.as_bytes())))
}

/// `s` + L, little-endian: a second spelling of the same number modulo the order L (RFC 8032, section 5.1).
fn plus_order(s: &[u8]) -> Vec<u8> {
    let mut order = decode("7dP1XBpjEljWnPei3vneFA");
    order.extend([0; 15]);
    order.push(0x10);
    let mut carry = 0;
    let add = |(a, b): (&u8, &u8)| {
        let sum = u16::from(*a) + u16::from(*b) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    };
    s.iter().zip(&order).map(add).collect()
}

/// r and s as ASN.1, which other formats use and JWS does not (RFC 7518, section 3.4).
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |half: &[u8]| [vec![2, 33, 0], half.to_vec()].concat();
    let (r, s) = signature.split_at(32);
    let both = [integer(r), integer(s)].concat();
    [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat()
}

#[test]
fn the_order_is_the_order() {
    assert_eq!(good(), sign(header(), claims()));
    let order = plus_order(&[0; 32]);
    assert_eq!(order[..4], [0xed, 0xd3, 0xf5, 0x5c]);
    assert_eq!(order[12..17], [0xde, 0xf9, 0xde, 0x14, 0]);
}
