//! Tokens that differ from the good one in one thing, each refused for that thing.

use std::collections::HashSet;

use wrong_tokens::{Case, Issuer, Key};

use crate::support::{ED25519, claims, good, issuer, verify};

fn cases() -> Vec<Case> {
    wrong_tokens::cases(&issuer())
}

#[test]
fn each_is_refused_for_its_own_reason() {
    verify(&good()).unwrap();
    assert_eq!(issuer().good(), good());
    let wrong = |case: &Case| {
        let answer = verify(&case.token);
        let as_said = answer == Err(case.reason);
        (!as_said).then(|| format!("{}: {answer:?}, not {:?}", case.name, case.reason))
    };
    let wrong: Vec<_> = cases().iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_differs_from_every_other() {
    let cases = cases();
    let names: HashSet<_> = cases.iter().map(|case| case.name).collect();
    let tokens: HashSet<_> = cases.iter().map(|case| &case.token).collect();
    assert_eq!((names.len(), tokens.len()), (cases.len(), cases.len()));
    assert!(cases.len() >= 180, "only {} cases", cases.len());
    let alone = Key::new("ed", |message| ED25519.sign(message).as_ref().to_vec());
    let without_others = wrong_tokens::cases(&Issuer::new(alone, claims()));
    assert!(without_others.len() >= 170, "{}", without_others.len());
}

/// A reason that no token can get is a reason that nobody checked.
#[test]
fn every_reason_is_given_to_some_token() {
    let given: HashSet<_> = cases().iter().map(|case| case.reason.code()).collect();
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
