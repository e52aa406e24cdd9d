use super::*;
use crate::{
    Entropy,
    permission::store::Expected,
    session::{EndReason, Login, lifetime::tests::policy},
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const ADA: UserId = UserId(uuid::Uuid::from_u128(1));

struct Zero;

impl Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn name(text: &str) -> RoleName {
    RoleName::parse(text).expect("a name")
}

fn permissions(texts: &[&str]) -> BTreeSet<Permission> {
    let parsed = texts.iter().map(|text| Permission::parse(text));
    parsed.map(|one| one.expect("a permission")).collect()
}

fn table() -> RoleTable {
    let roles = [
        ("administrator", &["relatch:*"][..]),
        ("granter", &["relatch:grant"]),
        ("helpdesk", &["relatch:read", "relatch:users"]),
        ("editor", &["notes:*"]),
    ];
    let roles = roles.map(|(role, permits)| {
        let role = Role {
            name: name(role),
            permissions: permissions(permits),
            version: 1,
        };
        (role.name.clone(), role)
    });
    RoleTable {
        version: 4,
        roles: roles.into(),
    }
}

fn session(roles: &[&str]) -> Session {
    let login = Login {
        device: String::new(),
        remember_me: false,
        delivery: crate::session::Delivery::Body,
        key: None,
        scope: None,
        origin: crate::event::Origin::default(),
        now: NOW,
    };
    let mut session = Session::drawn(ADA, &login, &policy(), &Zero);
    session.roles = roles.iter().map(|role| name(role)).collect();
    session
}

fn of(session: &Session) -> Result<Authority, Refusal> {
    Authority::of_session(ADA, Some(session), table(), &policy(), NOW)
}

fn holding(roles: &[&str]) -> Authority {
    of(&session(roles)).expect("a live session")
}

fn sets(roles: &[&str]) -> BTreeSet<RoleName> {
    roles.iter().map(|role| name(role)).collect()
}

#[test]
fn whoever_has_no_live_session_of_his_own_has_no_say() {
    let mut mine = session(&["administrator"]);
    assert!(of(&mine).is_ok_and(|authority| authority.is_any()));
    let nobodys = Authority::of_session(ADA, None, table(), &policy(), NOW);
    assert_eq!(nobodys, Err(Refusal::UnknownSession));
    let other = UserId(uuid::Uuid::from_u128(2));
    let theirs = Authority::of_session(other, Some(&mine), table(), &policy(), NOW);
    assert_eq!(theirs, Err(Refusal::UnknownSession));
    let ended = Ended {
        reason: EndReason::Logout,
        at: NOW,
    };
    mine.life.ended = Some(ended);
    assert_eq!(of(&mine), Err(Refusal::Over(ended)));
}

#[test]
fn a_session_that_asked_for_less_orders_less() {
    let mut mine = session(&["administrator"]);
    mine.scope = Some(
        permissions(&["relatch:read", "notes:read"])
            .into_iter()
            .collect(),
    );
    let authority = of(&mine).expect("a live session");
    assert_eq!(authority.may("relatch:read"), Ok(()));
    assert_eq!(authority.may(GRANT), Err(Refusal::Lacks(GRANT)));
    mine.scope = Some(Vec::new());
    assert!(of(&mine).is_ok_and(|authority| !authority.is_any()));
    assert!(!holding(&["editor"]).is_any());
}

#[test]
fn an_account_with_more_rights_is_out_of_reach() {
    let helpdesk = holding(&["helpdesk"]);
    let users = "relatch:users";
    assert_eq!(helpdesk.may_act_on(users, &[name("editor")]), Ok(()));
    assert_eq!(helpdesk.may_act_on(users, &[name("helpdesk")]), Ok(()));
    for more in ["administrator", "granter"] {
        let refused = helpdesk.may_act_on(users, &[name(more)]);
        assert!(matches!(refused, Err(Refusal::Grant(_))), "{more}");
    }
    let refused = helpdesk.may_act_on("relatch:sessions", &[]);
    assert_eq!(refused, Err(Refusal::Lacks("relatch:sessions")));
}

#[test]
fn roles_are_given_and_taken_by_who_may_give_what_they_permit() {
    let (granter, administrator) = (holding(&["granter"]), holding(&["administrator"]));
    let none = sets(&[]);
    assert_eq!(granter.may_assign(&none, &sets(&["editor"])), Ok(()));
    assert_eq!(granter.may_assign(&none, &sets(&["granter"])), Ok(()));
    for more in ["administrator", "helpdesk"] {
        for (held, wanted) in [(sets(&[]), sets(&[more])), (sets(&[more]), sets(&[]))] {
            let refused = granter.may_assign(&held, &wanted);
            assert!(matches!(refused, Err(Refusal::Grant(_))), "{more}");
            assert_eq!(administrator.may_assign(&held, &wanted), Ok(()));
        }
    }
    // Not even what he may give, to an account that may do more.
    for more in ["administrator", "helpdesk"] {
        let refused = granter.may_assign(&sets(&[more]), &sets(&[more, "editor"]));
        assert!(matches!(refused, Err(Refusal::Grant(_))), "{more}");
    }
    let ghost = granter.may_assign(&none, &sets(&["ghost"]));
    assert_eq!(ghost, Err(Refusal::UnknownRole(name("ghost"))));
    let refused = holding(&["helpdesk"]).may_assign(&none, &sets(&["editor"]));
    assert_eq!(refused, Err(Refusal::Lacks(GRANT)));
}

#[test]
fn a_role_is_changed_by_who_may_give_the_difference() {
    let granter = holding(&["granter"]);
    let putting = |role: &str, permits: &[&str]| Putting {
        name: name(role),
        permissions: permissions(permits),
        expected: Expected::Anything,
        by: crate::event::Administrator {
            actor: crate::event::Actor::CommandLine,
            origin: crate::event::Origin::default(),
            now: NOW,
        },
    };
    let put = |role: &str, permits: &[&str]| granter.may_put(&putting(role, permits), &[]);
    assert_eq!(put("editor", &["notes:read"]), Ok(()));
    assert_eq!(put("administrator", &["relatch:*", "notes:read"]), Ok(()));
    for (role, permits) in [
        ("editor", &["notes:*", "relatch:keys"][..]),
        ("granter", &["relatch:*"]),
        ("administrator", &[]),
        ("administrator", &["relatch:read"]),
    ] {
        assert!(
            matches!(put(role, permits), Err(Refusal::Grant(_))),
            "{role}"
        );
    }
    assert_eq!(granter.may_remove(&name("editor")), Ok(()));
    assert!(granter.may_remove(&name("helpdesk")).is_err());
    let many: Vec<_> = (0..60).map(|n| format!("{}:{n}", "n".repeat(60))).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let half = putting("one", &many[..30]);
    assert_eq!(granter.may_put(&half, &[]), Ok(()));
    let huge = put("huge", &many);
    let too_many = |put| matches!(put, Err(Refusal::Grant(GrantError::TooMany(_))));
    assert!(too_many(huge));
    let mut crowded = granter.clone();
    let other = Role {
        name: name("two"),
        permissions: permissions(&many[30..]),
        version: 5,
    };
    crowded.table.roles.insert(name("two"), other);
    let beside = [vec![name("one"), name("two")]];
    assert!(too_many(crowded.may_put(&half, &beside)));
}
