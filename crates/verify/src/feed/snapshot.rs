//! The signed snapshot: all that is revoked, for whoever comes late. Read with the same strict core as a token.

use super::entry::Snapshot;
use crate::jws::Compact;
use crate::resource_server::State;
use crate::transport::FetchError;
use crate::{VerifyError, json};

/// What a snapshot may take: about 300,000 entries.
pub(super) const BYTES: usize = 32 * 1024 * 1024;
const TYPE: &str = "relatch-revocations+jwt";
/// How far away its end may be, in seconds. One that could be kept for longer would hide what came after it.
const LONGEST: i64 = 60;

/// The snapshot in `body`, if it is good at this moment.
pub(super) fn read(body: &[u8], state: &State) -> Result<Snapshot, FetchError> {
    let text = std::str::from_utf8(body).map_err(|_| FetchError::Malformed("no text"))?;
    let jws = Compact::parse_within(text.trim_ascii_end(), BYTES)?;
    if !jws.header().is_type(TYPE) {
        return Err(VerifyError::TypeMismatch.into());
    }
    let kid = jws.header().kid.clone().ok_or(VerifyError::KeyIdMissing)?;
    let now = state.clock.now();
    let keys = state.usable_keys(now)?;
    // A compromised key is not among them.
    let key = keys.find(&kid).ok_or(VerifyError::KeyUnknown)?;
    let payload = jws.verify(key)?;
    let snapshot: Snapshot =
        json::object(&payload).map_err(|_| FetchError::Malformed("no snapshot"))?;
    check(&snapshot, state, now)?;
    Ok(snapshot)
}

fn check(snapshot: &Snapshot, state: &State, now: i64) -> Result<(), VerifyError> {
    let leeway = state.verifier.leeway_seconds();
    if snapshot.iss != state.verifier.issuer() {
        return Err(VerifyError::IssuerMismatch);
    }
    if now >= snapshot.exp.saturating_add(leeway) {
        return Err(VerifyError::Expired);
    }
    if snapshot.iat > now.saturating_add(leeway) {
        return Err(VerifyError::IssuedInFuture);
    }
    let furthest = snapshot.iat.saturating_add(LONGEST);
    if snapshot.exp > furthest {
        return Err(VerifyError::ClaimsMalformed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;
    use crate::{Jwk, KeySet, ResourceServer, Revocation, Verifier};

    const NOW: i64 = 1_800_000_000;
    const ISSUER: &str = "https://auth.example.com";

    fn pair(seed: u8) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
    }

    fn state() -> Arc<State> {
        let pair = pair(1);
        let public_key = pair.public_key().as_ref().try_into().unwrap();
        let keys = KeySet::new(vec![Jwk::ed25519("k", public_key).unwrap()]).unwrap();
        let verifier = Verifier::new(ISSUER, "https://api.example.com");
        let builder = ResourceServer::builder(verifier).clock(|| NOW);
        builder.keys(keys).state
    }

    fn header() -> Value {
        json!({"alg": "EdDSA", "typ": TYPE, "kid": "k"})
    }

    fn payload() -> Value {
        json!({"iss": ISSUER, "iat": NOW, "exp": NOW + 60, "last": "e.1", "revoked": []})
    }

    fn sign(header: Value, payload: &str, seed: u8) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let input = format!("{}.{}", encode(&header.to_string()), encode(payload));
        let signature = pair(seed).sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn answer(text: &str) -> Option<FetchError> {
        read(text.as_bytes(), &state()).err()
    }

    fn with(mut object: Value, name: &str, value: Value) -> Value {
        object[name] = value;
        object
    }

    fn claim(name: &str, value: Value) -> Option<FetchError> {
        let payload = with(payload(), name, value).to_string();
        answer(&sign(header(), &payload, 1))
    }

    #[test]
    fn a_good_one_is_read() {
        let text = sign(header(), &payload().to_string(), 1);
        assert!(answer(&text).is_none());
        assert!(answer(&format!("{text}\r\n")).is_none());
        assert!(claim("next", json!({"a": 1})).is_none());
        let many: Vec<_> = (0..2000)
            .map(|n| json!({"sid": n.to_string(), "exp": 1}))
            .collect();
        let long = sign(
            header(),
            &with(payload(), "revoked", json!(many)).to_string(),
            1,
        );
        assert!(long.len() > crate::jws::MAX_LENGTH);
        assert_eq!(read(long.as_bytes(), &state()).unwrap().revoked.len(), 2000);
    }

    #[test]
    fn each_wrong_one_is_refused_for_its_own_reason() {
        use VerifyError as E;
        let head = |name, value| {
            answer(&sign(
                with(header(), name, value),
                &payload().to_string(),
                1,
            ))
        };
        let cases = [
            ("typ", head("typ", json!("at+jwt")), E::TypeMismatch),
            (
                "no typ",
                answer(&sign(
                    json!({"alg": "EdDSA", "kid": "k"}),
                    &payload().to_string(),
                    1,
                )),
                E::TypeMismatch,
            ),
            ("kid", head("kid", json!("other")), E::KeyUnknown),
            ("alg", head("alg", json!("none")), E::AlgorithmUnsupported),
            (
                "signature",
                answer(&sign(header(), &payload().to_string(), 2)),
                E::SignatureInvalid,
            ),
            (
                "iss",
                claim("iss", json!("https://evil.example")),
                E::IssuerMismatch,
            ),
            ("old", claim("exp", json!(NOW)), E::Expired),
            ("early", claim("iat", json!(NOW + 1)), E::IssuedInFuture),
            ("long", claim("exp", json!(NOW + 61)), E::ClaimsMalformed),
        ];
        for (name, answer, expected) in cases {
            let given = match answer {
                Some(FetchError::Refused(error)) => Some(error),
                _ => None,
            };
            assert_eq!(given, Some(expected), "{name}");
        }
    }

    #[test]
    fn what_is_no_snapshot_is_malformed() {
        let twice = payload().to_string().replacen('{', "{\"last\":\"e.9\",", 1);
        let answers = [
            claim("last", json!("nowhere")),
            claim("revoked", json!({})),
            claim("revoked", json!([{"sid": "a"}])),
            answer(&sign(header(), "[]", 1)),
            answer(&sign(header(), &twice, 1)),
        ];
        for (n, answer) in answers.into_iter().enumerate() {
            assert!(
                matches!(answer, Some(FetchError::Malformed(_))),
                "{n}: {answer:?}"
            );
        }
        assert!(matches!(
            answer("<html>"),
            Some(FetchError::Refused(VerifyError::TokenMalformed))
        ));
    }

    #[test]
    fn a_compromised_key_signs_none() {
        let state = state();
        state.revoke(Revocation::key("k", NOW + 1000));
        let text = sign(header(), &payload().to_string(), 1);
        let answer = read(text.as_bytes(), &state).err();
        assert!(matches!(
            answer,
            Some(FetchError::Refused(VerifyError::KeyUnknown))
        ));
    }
}
