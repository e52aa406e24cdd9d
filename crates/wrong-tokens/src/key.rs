//! Good headers and claims under signatures that are not the key's.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use relatch_verify::VerifyError::{
    AlgorithmMismatch, AlgorithmUnsupported, KeyUnknown, SignatureInvalid,
};
use serde_json::{Value, json};

use crate::issuer::{decode, encode, signing_input, with};
use crate::{Issuer, Key, Row};

const STRANGER: [u8; 32] = [9; 32];

pub(crate) fn cases(issuer: &Issuer) -> Vec<Row> {
    let mut cases = ed25519(issuer);
    cases.extend(own_keys(issuer));
    cases.extend(hmac_and_none(issuer));
    cases.extend(issuer.p256.iter().flat_map(|key| p256(issuer, key)));
    let rsa = issuer.rsa.as_ref();
    cases.extend(rsa.iter().flat_map(|(key, n)| rsa_2048(issuer, key, n)));
    cases
}

/// A key that no set knows.
fn stranger() -> Key {
    Key::ed25519("stranger", &STRANGER)
}

#[rustfmt::skip] // one case a line
fn ed25519(issuer: &Issuer) -> Vec<Row> {
    let input = signing_input(issuer.header(), issuer.claims());
    let signature = issuer.key.sign(input.as_bytes());
    let signed = |signature: &[u8]| format!("{input}.{}", encode(signature));
    let (r, s) = signature.split_at(32);
    let prehashed = issuer.key.sign(digest(&SHA256, input.as_bytes()).as_ref());
    let payload = issuer.key.sign(issuer.claims().to_string().as_bytes());
    let other = signing_input(issuer.header(), with(issuer.claims(), "sub", json!("root")));
    vec![
        ("signature of a stranger", signed(&stranger().sign(input.as_bytes())), SignatureInvalid),
        ("signature of other claims", format!("{other}.{}", encode(&signature)), SignatureInvalid),
        ("signature of the payload alone", signed(&payload), SignatureInvalid),
        ("signature of the hash", signed(&prehashed), SignatureInvalid),
        ("no signature", signed(&[]), SignatureInvalid),
        ("a signature of zeros", signed(&[0; 64]), SignatureInvalid),
        ("half a signature", signed(r), SignatureInvalid),
        ("a signature and a byte", signed(&[&signature[..], &[0]].concat()), SignatureInvalid),
        ("the halves swapped", signed(&[s, r].concat()), SignatureInvalid),
        ("s plus the order of the group", signed(&[r, &plus_order(s)].concat()), SignatureInvalid),
        ("r and s of zero", signed(&[&[1][..], &[0; 63]].concat()), SignatureInvalid),
    ]
}

/// The tokens that bring the key they want to be checked with, and one that is another issuer's altogether.
#[rustfmt::skip] // one case a line
fn own_keys(issuer: &Issuer) -> Vec<Row> {
    let x = encode(Key::public(&STRANGER));
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": issuer.key.kid, "x": x});
    let header = |name: &str, value: Value| with(issuer.header(), name, value);
    let by_stranger = |header: Value| stranger().token(header, issuer.claims());
    let elsewhere = with(issuer.claims(), "iss", json!("https://evil.example"));
    vec![
        ("own key in jwk", by_stranger(header("jwk", jwk.clone())), SignatureInvalid),
        ("own key behind jku", by_stranger(header("jku", json!("https://evil.example/jwks.json"))), SignatureInvalid),
        ("own key behind x5u", by_stranger(header("x5u", json!("https://evil.example/chain.pem"))), SignatureInvalid),
        ("own key in x5c", by_stranger(header("x5c", json!([x]))), SignatureInvalid),
        ("own key under an own kid", by_stranger(with(header("jwk", jwk), "kid", json!("mine"))), KeyUnknown),
        ("another issuer's", stranger().token(header("kid", json!("stranger")), &elsewhere), KeyUnknown),
        ("another issuer's under our kid", stranger().token(issuer.header(), elsewhere), SignatureInvalid),
    ]
}

#[rustfmt::skip] // one case a line
fn hmac_and_none(issuer: &Issuer) -> Vec<Row> {
    let none = signing_input(with(issuer.header(), "alg", json!("none")), issuer.claims());
    let signed = issuer.good();
    let signature = signed.rsplit_once('.').unwrap().1;
    let bytes = issuer.key.kid.as_bytes();
    vec![
        ("none without a signature", format!("{none}."), AlgorithmUnsupported),
        ("none with the good signature", format!("{none}.{signature}"), AlgorithmUnsupported),
        ("HMAC with the kid", hmac_with(bytes, &with(issuer.header(), "alg", json!("HS256")), issuer), AlgorithmUnsupported),
        ("HMAC that claims to be EdDSA", hmac_with(bytes, &issuer.header(), issuer), SignatureInvalid),
    ]
}

#[rustfmt::skip] // one case a line
fn p256(issuer: &Issuer, key: &Key) -> Vec<Row> {
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": key.kid});
    let input = signing_input(&header, issuer.claims());
    let signed = |signature: &[u8]| format!("{input}.{}", encode(signature));
    let under = with(issuer.header(), "kid", json!(key.kid));
    vec![
        ("ES256 of r = s = 0", signed(&[0; 64]), SignatureInvalid),
        ("ES256 in DER", signed(&der(&key.sign(input.as_bytes()))), SignatureInvalid),
        ("ES256 by Ed25519", issuer.sign(&header, issuer.claims()), SignatureInvalid),
        ("EdDSA under an EC key", key.token(under, issuer.claims()), AlgorithmMismatch),
    ]
}

#[rustfmt::skip] // one case a line
fn rsa_2048(issuer: &Issuer, key: &Key, modulus: &[u8]) -> Vec<Row> {
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": key.kid});
    let input = signing_input(&header, issuer.claims());
    let signed = |signature: &[u8]| format!("{input}.{}", encode(signature));
    let long = [vec![0], key.sign(input.as_bytes())].concat();
    vec![
        ("HMAC with the public key", hmac_with(modulus, &with(header.clone(), "alg", json!("HS256")), issuer), AlgorithmUnsupported),
        ("HMAC that claims to be RS256", hmac_with(modulus, &header, issuer), SignatureInvalid),
        ("RS256 by Ed25519", issuer.sign(&header, issuer.claims()), SignatureInvalid),
        ("RS256 with a zero before", signed(&long), SignatureInvalid),
        ("RS256 of 1", signed(&[vec![0; 255], vec![1]].concat()), SignatureInvalid),
    ]
}

/// The classic confusion: what everybody knows, as the secret of an HMAC.
fn hmac_with(secret: &[u8], header: &Value, issuer: &Issuer) -> String {
    let input = signing_input(header, issuer.claims());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_order() {
        let order = plus_order(&[0; 32]);
        assert_eq!(order[..4], [0xed, 0xd3, 0xf5, 0x5c]);
        assert_eq!(order[12..17], [0xde, 0xf9, 0xde, 0x14, 0]);
    }
}
