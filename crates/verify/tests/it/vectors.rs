//! The test vectors of the RFCs, byte for byte as printed there.

use relatch_verify::jws::Compact;
use relatch_verify::{Algorithm, Jwk, VerifyError};

use crate::support::{P256_X, P256_Y, RSA_N};

const RFC8037_A5: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
const RFC7515_A2: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const RFC7515_A3: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const RFC7515_PAYLOAD: &[u8] =
    b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
/// RFC 7515, appendix A.5: signed by nobody.
const RFC7515_A5: &str = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
/// RFC 7515, appendix A.1: HS256.
const RFC7515_A1: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const RFC7638_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn ed25519() -> Jwk {
    let json = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    serde_json::from_str(json).unwrap()
}

fn p256() -> Jwk {
    let json = format!(r#"{{"kty":"EC","crv":"P-256","x":"{P256_X}","y":"{P256_Y}"}}"#);
    serde_json::from_str(&json).unwrap()
}

fn rsa(n: &str) -> Jwk {
    let json = format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"RS256","kid":"2011-04-29"}}"#);
    serde_json::from_str(&json).unwrap()
}

#[test]
fn rfc_8037_a_5_is_accepted() {
    let jws = Compact::parse(RFC8037_A5).unwrap();
    assert_eq!(jws.header().algorithm, Algorithm::EdDsa);
    assert_eq!(
        jws.verify(&ed25519()).unwrap(),
        b"Example of Ed25519 signing"
    );
}

/// Appendix A.4 is the signing of what A.5 validates; Ed25519 is deterministic.
#[test]
fn rfc_8037_a_4_is_what_the_tests_sign() {
    let token = crate::support::sign(r#"{"alg":"EdDSA"}"#, "Example of Ed25519 signing");
    assert_eq!(token, RFC8037_A5);
}

#[test]
fn rfc_7515_a_2_is_accepted() {
    let jws = Compact::parse(RFC7515_A2).unwrap();
    assert_eq!(jws.header().algorithm, Algorithm::Rs256);
    assert_eq!(jws.verify(&rsa(RSA_N)).unwrap(), RFC7515_PAYLOAD);
}

#[test]
fn rfc_7515_a_3_is_accepted() {
    let jws = Compact::parse(RFC7515_A3).unwrap();
    assert_eq!(jws.header().algorithm, Algorithm::Es256);
    assert_eq!(jws.verify(&p256()).unwrap(), RFC7515_PAYLOAD);
}

#[test]
fn each_vector_is_refused_by_the_keys_of_the_others() {
    let keys = [ed25519(), p256(), rsa(RSA_N)];
    for token in [RFC8037_A5, RFC7515_A2, RFC7515_A3] {
        let jws = Compact::parse(token).unwrap();
        let others = keys
            .iter()
            .filter(|key| key.algorithm() != jws.header().algorithm);
        let refused = others.map(|key| jws.clone().verify(key));
        assert_eq!(
            refused.collect::<Vec<_>>(),
            vec![Err(VerifyError::AlgorithmMismatch); 2]
        );
    }
}

#[test]
fn each_vector_is_refused_with_the_signature_of_another_text() {
    for (token, key) in [
        (RFC8037_A5, ed25519()),
        (RFC7515_A2, rsa(RSA_N)),
        (RFC7515_A3, p256()),
    ] {
        let (input, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = input.split_once('.').unwrap();
        let moved = format!("{header}.e30.{signature}");
        let refused = Compact::parse(&moved).unwrap().verify(&key);
        assert_eq!(refused, Err(VerifyError::SignatureInvalid), "{token}");
    }
}

#[test]
fn vectors_without_a_public_key_are_refused() {
    for token in [RFC7515_A1, RFC7515_A5] {
        let refused = Compact::parse(token).err();
        assert_eq!(refused, Some(VerifyError::AlgorithmUnsupported), "{token}");
    }
}

#[test]
fn rfc_7638_and_rfc_8037_a_3_thumbprints() {
    assert_eq!(
        rsa(RFC7638_N).thumbprint().to_string(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    assert_eq!(
        ed25519().thumbprint().to_string(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}
