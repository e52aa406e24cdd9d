//! Keys and sets of keys: what is taken, what is refused and why, and how they are written.

use relatch_verify::{Algorithm, Jwk, KeyError, KeySet};
use serde_json::{Value, json};

use crate::support::{P256_X, P256_Y, RSA_N, decode, encode, keys, p256_point, with};

const ED25519_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn ed25519() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": ED25519_X})
}

fn p256() -> Value {
    json!({"kty": "EC", "crv": "P-256", "kid": "ec", "x": P256_X, "y": P256_Y})
}

fn rsa() -> Value {
    json!({"kty": "RSA", "kid": "rsa", "n": RSA_N, "e": "AQAB"})
}

fn read(key: Value) -> Result<Jwk, String> {
    serde_json::from_value(key).map_err(|error: serde_json::Error| error.to_string())
}

#[test]
fn what_is_written_is_what_is_read() {
    for key in &keys() {
        let written = serde_json::to_value(key).unwrap();
        assert_eq!(read(written), Ok(key.clone()));
    }
    assert_eq!(read(ed25519()).as_ref(), Ok(keys().find("ed").unwrap()));
    assert_eq!(read(p256()).as_ref(), Ok(keys().find("ec").unwrap()));
    assert_eq!(read(rsa()).as_ref(), Ok(keys().find("rsa").unwrap()));
}

#[test]
fn the_set_as_published() {
    let published = json!({"keys": [
        {"crv": "Ed25519", "kty": "OKP", "x": ED25519_X, "kid": "ed", "use": "sig", "alg": "EdDSA"},
        {"crv": "P-256", "kty": "EC", "x": P256_X, "y": P256_Y, "kid": "ec", "use": "sig", "alg": "ES256"},
        {"e": "AQAB", "kty": "RSA", "n": RSA_N, "kid": "rsa", "use": "sig", "alg": "RS256"},
    ]});
    assert_eq!(serde_json::to_value(keys()).unwrap(), published);
    assert_eq!(serde_json::from_value::<KeySet>(published).unwrap(), keys());
}

#[test]
fn members_that_permit_verifying_are_fine() {
    for (member, value) in [
        ("use", json!("sig")),
        ("key_ops", json!(["verify"])),
        ("alg", json!("EdDSA")),
        ("alg", json!("Ed25519")),
        ("x-unknown", json!(1)),
    ] {
        let key = read(with(ed25519(), member, value)).unwrap();
        assert_eq!((key.kid(), key.algorithm()), (Some("ed"), Algorithm::EdDsa));
    }
}

#[test]
#[rustfmt::skip] // one case a line
fn keys_that_are_refused() {
    use KeyError::{
        AlgorithmMismatch, Invalid, MemberMalformed, MemberMissing, PrivateMember, RsaParameters,
        TypeUnsupported, UseMismatch,
    };
    let odd = |bytes: usize| encode([vec![0xff; bytes - 1], vec![1]].concat());
    let cases = [
        ("an octet key", json!({"kty": "oct", "k": "c2VjcmV0"}), TypeUnsupported),
        ("X25519", with(ed25519(), "crv", json!("X25519")), TypeUnsupported),
        ("Ed448", with(ed25519(), "crv", json!("Ed448")), TypeUnsupported),
        ("P-384", with(p256(), "crv", json!("P-384")), TypeUnsupported),
        ("secp256k1", with(p256(), "crv", json!("secp256k1")), TypeUnsupported),
        ("no crv", with(p256(), "crv", Value::Null), TypeUnsupported),
        ("kty in small letters", with(p256(), "kty", json!("ec")), TypeUnsupported),
        ("no x", with(ed25519(), "x", Value::Null), MemberMissing("x")),
        ("no y", with(p256(), "y", Value::Null), MemberMissing("y")),
        ("no n", with(rsa(), "n", Value::Null), MemberMissing("n")),
        ("no e", with(rsa(), "e", Value::Null), MemberMissing("e")),
        ("x too short", with(ed25519(), "x", json!(encode([1; 31]))), MemberMalformed("x")),
        ("x too long", with(ed25519(), "x", json!(encode([1; 33]))), MemberMalformed("x")),
        ("x padded", with(ed25519(), "x", json!(format!("{ED25519_X}="))), MemberMalformed("x")),
        ("x with slack bits", with(ed25519(), "x", json!(ED25519_X.replace("URo", "URp"))), MemberMalformed("x")),
        ("y too short", with(p256(), "y", json!(encode([1; 31]))), MemberMalformed("y")),
        ("y with a zero before", with(p256(), "y", json!(encode([&[0], &decode(P256_Y)[..]].concat()))), MemberMalformed("y")),
        ("not on the curve", with(p256(), "y", json!(encode([1; 32]))), Invalid),
        ("x and y swapped", with(with(p256(), "x", json!(P256_Y)), "y", json!(P256_X)), Invalid),
        ("n with a zero before", with(rsa(), "n", json!(encode([&[0], &decode(RSA_N)[..]].concat()))), MemberMalformed("n")),
        ("n empty", with(rsa(), "n", json!("")), MemberMalformed("n")),
        ("e with a zero before", with(rsa(), "e", json!("AAEAAQ")), MemberMalformed("e")),
        ("1024 bits", with(rsa(), "n", json!(odd(128))), RsaParameters),
        ("2047 bits", with(rsa(), "n", json!(encode([vec![0x7f; 255], vec![1]].concat()))), RsaParameters),
        ("8200 bits", with(rsa(), "n", json!(odd(1025))), RsaParameters),
        ("an even n", with(rsa(), "n", json!(encode([0xfe; 256]))), RsaParameters),
        ("e of 1", with(rsa(), "e", json!("AQ")), RsaParameters),
        ("an even e", with(rsa(), "e", json!("AQAA")), RsaParameters),
        ("e of 40 bits", with(rsa(), "e", json!(odd(5))), RsaParameters),
        ("a private Ed25519 key", with(ed25519(), "d", json!(ED25519_X)), PrivateMember("d")),
        ("a private P-256 key", with(p256(), "d", json!(P256_X)), PrivateMember("d")),
        ("a prime of an RSA key", with(rsa(), "p", json!("AQAB")), PrivateMember("p")),
        ("an exponent of an RSA key", with(rsa(), "dq", json!("AQAB")), PrivateMember("dq")),
        ("a symmetric part", with(rsa(), "k", json!("AQAB")), PrivateMember("k")),
        ("for encryption", with(rsa(), "use", json!("enc")), UseMismatch),
        ("for signing", with(ed25519(), "key_ops", json!(["sign"])), UseMismatch),
        ("for nothing", with(ed25519(), "key_ops", json!([])), UseMismatch),
        ("for another algorithm", with(ed25519(), "alg", json!("ES256")), AlgorithmMismatch),
        ("for HMAC", with(rsa(), "alg", json!("HS256")), AlgorithmMismatch),
        ("for PSS", with(rsa(), "alg", json!("PS256")), AlgorithmMismatch),
    ];
    for (name, key, expected) in cases {
        assert_eq!(read(key), Err(expected.to_string()), "{name}");
    }
}

#[test]
fn a_key_is_one_object_of_distinct_members() {
    let twice = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{ED25519_X}","a":1,"a":1}}"#);
    let error = serde_json::from_str::<Jwk>(&twice).unwrap_err().to_string();
    assert!(error.contains("twice"), "{error}");
    assert!(serde_json::from_str::<Jwk>(r#"["OKP","Ed25519"]"#).is_err());
}

#[test]
fn constructors_refuse_what_is_no_key() {
    let mut compressed = p256_point();
    compressed.truncate(33);
    compressed[0] = 2;
    let off_curve = [vec![4], vec![1; 64]].concat();
    let hybrid = [vec![6], p256_point().split_off(1)].concat();
    for point in [
        vec![],
        vec![4],
        compressed,
        off_curve,
        hybrid,
        [p256_point(), vec![0]].concat(),
    ] {
        assert_eq!(Jwk::p256("ec", &point), Err(KeyError::Invalid), "{point:?}");
    }
    let n = decode(RSA_N);
    assert_eq!(Jwk::rsa("rsa", &n[1..], &[3]), Err(KeyError::RsaParameters));
    assert_eq!(
        Jwk::rsa("rsa", &n, &[]),
        Err(KeyError::MemberMalformed("e"))
    );
    assert_eq!(
        Jwk::rsa("rsa", &[], &[3]),
        Err(KeyError::MemberMalformed("n"))
    );
}

/// The good keys of a set go on working beside keys that can't be used.
#[test]
fn a_set_leaves_out_what_it_cannot_use() {
    let set = json!({"keys": [
        {"kty": "oct", "kid": "symmetric", "k": "c2VjcmV0"},
        {"kty": "AKP", "kid": "post-quantum", "alg": "ML-DSA-44", "pub": "AAAA"},
        with(with(ed25519(), "kid", json!("leaked")), "d", json!(ED25519_X)),
        with(with(rsa(), "kid", json!("encryption")), "use", json!("enc")),
        with(with(rsa(), "kid", json!("weak")), "n", json!(encode([0xff; 128]))),
        {"kid": "typeless"},
        "no object",
        null,
        with(ed25519(), "kid", Value::Null),
        p256(),
    ], "next": "unknown members are ignored"});
    let set: KeySet = serde_json::from_value(set).unwrap();
    let kids: Vec<_> = set.iter().map(Jwk::kid).collect();
    assert_eq!(kids, [None, Some("ec")]);
    assert_eq!(set.find("ec"), keys().find("ec"));
    assert_eq!((set.find("leaked"), set.find("")), (None, None));
}

#[test]
fn a_set_must_be_a_set() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[]}x"#,
        r#"{"keys":[],"keys":[]}"#,
    ] {
        assert!(serde_json::from_str::<KeySet>(text).is_err(), "{text}");
    }
    let empty: KeySet = serde_json::from_str(r#"{"keys":[]}"#).unwrap();
    assert!(empty.is_empty());
    assert_eq!(serde_json::to_string(&empty).unwrap(), r#"{"keys":[]}"#);
}

#[test]
fn a_key_is_its_id_and_its_numbers() {
    let renamed = read(with(ed25519(), "kid", json!("other"))).unwrap();
    assert_ne!(Some(&renamed), keys().find("ed"));
    assert_eq!(
        renamed.thumbprint(),
        keys().find("ed").unwrap().thumbprint()
    );
}

#[test]
fn two_keys_of_one_id_are_refused() {
    let twins = vec![
        read(ed25519()).unwrap(),
        read(with(p256(), "kid", json!("ed"))).unwrap(),
    ];
    assert_eq!(KeySet::new(twins), Err(KeyError::KeyIdRepeated));
    let nameless = vec![read(with(p256(), "kid", Value::Null)).unwrap(); 2];
    assert_eq!(KeySet::new(nameless).unwrap().len(), 2);
}
