//! Tokens that differ from the good one in one thing, each refused for that thing.

mod header;
mod key;
mod payload;
mod structure;

use std::collections::HashSet;

use relatch_verify::VerifyError;

use crate::support::{good, verify};

/// What is wrong, the token, and the reason that must be given.
type Case = (&'static str, String, VerifyError);

fn cases() -> Vec<Case> {
    let groups = [
        structure::cases(),
        header::cases(),
        key::cases(),
        payload::structure(),
        payload::claims(),
    ];
    groups.into_iter().flatten().collect()
}

#[test]
fn each_is_refused_for_its_own_reason() {
    verify(&good()).unwrap();
    let wrong = |(name, token, expected): &Case| {
        let answer = verify(token);
        (answer != Err(*expected)).then(|| format!("{name}: {answer:?}, not {expected:?}"))
    };
    let wrong: Vec<_> = cases().iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_differs_from_every_other() {
    let cases = cases();
    let names: HashSet<_> = cases.iter().map(|(name, ..)| name).collect();
    let tokens: HashSet<_> = cases.iter().map(|(_, token, _)| token).collect();
    assert_eq!((names.len(), tokens.len()), (cases.len(), cases.len()));
    assert!(cases.len() >= 60, "only {} cases", cases.len());
}

/// A reason that no token can get is a reason that nobody checked.
#[test]
fn every_reason_is_given_to_some_token() {
    let given: HashSet<_> = cases().iter().map(|(.., reason)| reason.code()).collect();
    let all = [
        "token_too_long",
        "token_malformed",
        "header_malformed",
        "header_repeated",
        "critical_header",
        "algorithm_unsupported",
        "type_mismatch",
        "key_id_missing",
        "key_unknown",
        "algorithm_mismatch",
        "signature_invalid",
        "claims_malformed",
        "claim_repeated",
        "claim_missing",
        "issuer_mismatch",
        "audience_mismatch",
        "expired",
        "not_yet_valid",
        "issued_in_future",
        "proof_required",
    ];
    assert_eq!(given, HashSet::from(all));
}
