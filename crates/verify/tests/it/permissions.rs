//! What a permission grants: itself, and every action on its resource if it is `resource:*`.

use proptest::prelude::*;
use relatch_verify::Claims;
use serde_json::json;

use crate::support::{claims, with};

fn holding(permissions: &[&str]) -> Claims {
    serde_json::from_value(with(claims(), "permissions", json!(permissions))).unwrap()
}

#[test]
fn a_permission_grants_itself() {
    let claims = holding(&["notes:read", "relatch:users:list", "legacy"]);
    for held in ["notes:read", "relatch:users:list", "legacy"] {
        assert!(claims.permits(held), "{held}");
    }
    for other in [
        "notes:delete",
        "notes:reader",
        "notes:rea",
        "notes",
        "notes:*",
        "Notes:read",
        "relatch:users",
        "",
        ":",
        "legacy:read",
    ] {
        assert!(!claims.permits(other), "{other}");
    }
    assert!(!holding(&[]).permits("notes:read"));
}

#[test]
fn a_star_grants_every_action_on_its_resource() {
    let claims = holding(&["notes:*"]);
    for granted in ["notes:read", "notes:delete", "notes:*", "notes:a:b"] {
        assert!(claims.permits(granted), "{granted}");
    }
    for other in [
        "note:read",
        "notes2:read",
        "notes",
        "notes:",
        "tags:read",
        "xnotes:read",
        "NOTES:read",
    ] {
        assert!(!claims.permits(other), "{other}");
    }
}

#[test]
fn no_other_pattern_means_anything() {
    for held in [
        "*",
        "*:*",
        "*:read",
        "n*:read",
        "notes:re*",
        "notes*",
        ":*",
        "notes:read:*",
        "notes:**",
        "not?s:read",
    ] {
        assert!(!holding(&[held]).permits("notes:read"), "{held}");
    }
}

proptest! {
    #[test]
    fn nothing_is_granted_but_by_name_or_star(held in "[a-c*:]{0,6}", wanted in "[a-c*:]{0,6}") {
        let resource = wanted.split_once(':').filter(|(_, action)| !action.is_empty());
        let by_star = resource.is_some_and(|(resource, _)| held == format!("{resource}:*"));
        prop_assert_eq!(holding(&[&held]).permits(&wanted), held == wanted || by_star);
    }
}
