//! Roles are kept, given and taken: by whoever knew the last version, and never so that nobody could administer any more.

use relatch_core::{
    event::{Actor, Administrator},
    permission::{
        Permission, Refusal, RoleName, RoleTable,
        role::tag_of,
        store::{Assigning, Expected, Put, Putting},
    },
    session::{EndReason, Session, refresh::Outcome},
    store::Changed,
    user::{UserId, UserState},
};

use super::{
    Factory,
    scene::{SECOND, START, Scene, administrator, opening, request},
};

pub(super) fn name(text: &str) -> RoleName {
    RoleName::parse(text).expect("a name")
}

pub(super) fn putting(role: &str, permissions: &[&str], expected: Expected) -> Putting {
    let parsed = permissions.iter().map(|text| Permission::parse(text));
    Putting {
        name: name(role),
        permissions: parsed.map(|one| one.expect("a permission")).collect(),
        expected,
        by: administrator(START),
    }
}

pub(super) fn assigning(user: UserId, roles: &[&str]) -> Assigning {
    Assigning {
        user,
        roles: roles.iter().map(|role| name(role)).collect(),
        expected: None,
        end_sessions: false,
        at_once: false,
        by: administrator(START),
    }
}

/// Somebody who could not help himself with commands.
pub(super) fn by_user(session: &Session) -> Administrator {
    Administrator {
        actor: Actor::User(session.user, session.id),
        ..administrator(START)
    }
}

pub(super) async fn put(scene: &Scene, role: &str, permissions: &[&str]) -> i64 {
    let order = putting(role, permissions, Expected::Anything);
    match scene.store.put_role(order).await {
        Ok(Changed::Done(put)) => put.version,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn give(scene: &Scene, user: UserId, roles: &[&str]) {
    let given = scene.store.assign_roles(assigning(user, roles)).await;
    assert_eq!(given, Ok(Changed::Done(0)));
}

async fn turned(scene: &Scene, session: &Session) -> Session {
    let generation = scene.row(session).await.life.generation.0;
    match scene
        .store
        .refresh(request(session, generation, START))
        .await
    {
        Ok(Outcome::Turned(turned)) => turned.session,
        other => panic!("{other:?}"),
    }
}

/// Version 0 and nothing.
pub async fn an_empty_store_has_no_roles(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    assert_eq!(scene.store.load_roles().await, Ok(RoleTable::default()));
}

/// As it was put, with a version that grows; nothing where something else was expected.
pub async fn a_role_is_put_by_who_knew_it(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let first = put(&scene, "editor", &["notes:read", "notes:create"]).await;
    let second = put(&scene, "editor", &["notes:*"]).await;
    assert!(second > first);
    let before = scene.dump().await;
    for wrong in [Expected::Absent, Expected::Version(first)] {
        let refused = scene.store.put_role(putting("editor", &[], wrong)).await;
        assert_eq!(refused, Ok(Changed::Conflict));
    }
    for wrong in [Expected::Present, Expected::Version(second)] {
        let refused = scene.store.put_role(putting("viewer", &[], wrong)).await;
        assert_eq!(refused, Ok(Changed::Conflict));
    }
    assert_eq!(scene.dump().await, before);
    let third = putting("editor", &[], Expected::Version(second));
    let third = scene.store.put_role(third).await;
    let same = putting("editor", &[], Expected::Anything);
    let before = scene.dump().await;
    let again = scene.store.put_role(same).await;
    assert_eq!(scene.dump().await, before);
    let table = scene.store.load_roles().await.expect("loads");
    let role = table.roles.get(&name("editor")).expect("is there");
    let put = Put {
        version: role.version,
        made: false,
    };
    assert_eq!(
        [third, again],
        [Ok(Changed::Done(put)), Ok(Changed::Done(put))]
    );
    assert!(role.permissions.is_empty() && role.version > second);
    assert_eq!(table.roles.len(), 1);
}

/// At the next refresh, at the next login and in the list: whatever reads a session reads the roles of its user.
pub async fn roles_are_read_with_every_session(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    put(&scene, "viewer", &["notes:read"]).await;
    put(&scene, "editor", &["notes:*"]).await;
    let (ada, bob) = (scene.register("ada").await, scene.register("bob").await);
    assert_eq!(turned(&scene, &ada).await.roles, []);
    give(&scene, ada.user, &["viewer", "editor"]).await;
    let both = [name("editor"), name("viewer")];
    assert_eq!(turned(&scene, &ada).await.roles, both);
    assert_eq!(scene.row(&ada).await.roles, both);
    assert_eq!(scene.open(scene.draw(ada.user, START)).await.roles, both);
    let listed = scene.store.list_sessions(ada.user).await.expect("lists");
    assert!(listed.iter().all(|session| session.roles == both));
    assert_eq!(turned(&scene, &bob).await.roles, []);
    give(&scene, ada.user, &["viewer"]).await;
    assert_eq!(turned(&scene, &ada).await.roles, [name("viewer")]);
    assert_eq!(scene.count(ada.user, "user.roles_assigned").await, 2);
}

/// A new user begins with the roles that there are.
pub async fn a_newcomer_gets_the_roles_that_exist(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    put(&scene, "member", &["notes:read"]).await;
    let mut registering = scene.newcomer("ada");
    registering.session.roles = vec![name("member"), name("ghost")];
    let session = registering.session.clone();
    scene.store.register(registering).await.expect("registers");
    assert_eq!(scene.row(&session).await.roles, [name("member")]);
}

/// What a login asked for stays with its session.
pub async fn a_scope_comes_back(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let ada = scene.register("ada").await;
    let asked = [None, Some(vec![]), Some(vec!["notes:read", "tags:*"])];
    for asked in asked {
        let mut session = scene.draw(ada.user, START);
        session.scope = asked.map(|words| {
            let parsed = words.into_iter().map(Permission::parse);
            parsed.map(|one| one.expect("a permission")).collect()
        });
        let opened = scene.store.open_session(opening(session.clone())).await;
        opened.expect("opens");
        assert_eq!(scene.row(&session).await.scope, session.scope);
        assert_eq!(turned(&scene, &session).await.scope, session.scope);
    }
}

/// Unknown user, unknown role, other roles than expected: nothing changes.
pub async fn roles_are_assigned_whole_or_not_at_all(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    put(&scene, "viewer", &["notes:read"]).await;
    let ada = scene.register("ada").await.user;
    let nobody = scene.newcomer("bob").user.id;
    let before = scene.dump().await;
    let unexpected = Assigning {
        expected: Some(tag_of([&name("editor")])),
        ..assigning(ada, &["viewer"])
    };
    for (order, said) in [
        (assigning(nobody, &["viewer"]), Changed::NotFound),
        (
            assigning(ada, &["viewer", "ghost"]),
            Changed::Refused(Refusal::UnknownRole(name("ghost"))),
        ),
        (unexpected, Changed::Conflict),
    ] {
        assert_eq!(scene.store.assign_roles(order).await, Ok(said));
    }
    assert_eq!(scene.dump().await, before);
    assert_eq!(scene.store.roles_of(ada).await, Ok(vec![]));
}

/// Where the order says so, with the reason.
pub async fn taking_a_role_may_end_sessions(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    put(&scene, "viewer", &["notes:read"]).await;
    let ada = scene.register("ada").await;
    give(&scene, ada.user, &["viewer"]).await;
    assert_eq!(scene.live(&[&ada], START).await, [true]);
    let order = Assigning {
        end_sessions: true,
        ..assigning(ada.user, &[])
    };
    assert_eq!(scene.store.assign_roles(order).await, Ok(Changed::Done(1)));
    let ended = scene.row(&ada).await.life.ended.expect("ended");
    assert_eq!(ended.reason, EndReason::EndedByAdministrator);
}

/// What was left out the first time, or when the role came to permit less, is made up for by the same order again.
pub async fn the_same_roles_again_may_end_tokens_and_sessions(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    put(&scene, "viewer", &["notes:read"]).await;
    let ada = scene.register("ada").await;
    give(&scene, ada.user, &["viewer"]).await;
    let before = scene.dump().await;
    give(&scene, ada.user, &["viewer"]).await;
    assert_eq!(scene.dump().await, before, "nothing else was asked for");
    let order = Assigning {
        at_once: true,
        ..assigning(ada.user, &["viewer"])
    };
    assert_eq!(scene.store.assign_roles(order).await, Ok(Changed::Done(0)));
    let standing = scene.store.standing(ada.id).await.expect("reads");
    let through = standing.expect("is there").revoked_through;
    assert_eq!(through, Some(ada.life.generation));
    let order = Assigning {
        end_sessions: true,
        ..assigning(ada.user, &["viewer"])
    };
    assert_eq!(scene.store.assign_roles(order).await, Ok(Changed::Done(1)));
    let held = scene.store.roles_of(ada.user).await;
    assert_eq!(held, Ok(vec![name("viewer")]));
}

/// Only once nobody holds it.
pub async fn a_role_in_use_is_not_deleted(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let version = put(&scene, "viewer", &["notes:read"]).await;
    let users = [
        scene.register("ada").await.user,
        scene.register("bob").await.user,
    ];
    for user in users {
        give(&scene, user, &["viewer"]).await;
    }
    let delete = async |role: &str, expected| {
        let order = scene
            .store
            .delete_role(name(role), expected, administrator(START));
        order.await.expect("answers")
    };
    assert_eq!(delete("ghost", Expected::Anything).await, Changed::NotFound);
    assert_eq!(delete("viewer", Expected::Anything).await, Changed::Held(2));
    give(&scene, users[0], &[]).await;
    let gone = scene
        .store
        .delete_user(users[1], None, administrator(START))
        .await;
    assert_eq!(gone, Ok(Changed::Done(1)), "and his roles with him");
    let other = Expected::Version(version + 1);
    assert_eq!(delete("viewer", other).await, Changed::Conflict);
    assert_eq!(
        delete("viewer", Expected::Version(version)).await,
        Changed::Done(())
    );
    let table = scene.store.load_roles().await.expect("loads");
    assert!(table.roles.is_empty() && table.version > version);
}

/// The sets of roles beside one, each once.
pub async fn the_sets_with_a_role_are_told(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    for role in ["a", "b", "c"] {
        put(&scene, role, &[]).await;
    }
    for (user, roles) in [
        ("u", ["a", "b"]),
        ("v", ["b", "a"]),
        ("w", ["a", "c"]),
        ("x", ["b", "c"]),
    ] {
        let user = scene.register(user).await.user;
        give(&scene, user, &roles).await;
    }
    let mut sets = scene.store.sets_with(&name("a")).await.expect("answers");
    for set in &mut sets {
        set.sort();
    }
    sets.sort();
    assert_eq!(sets, [[name("a"), name("b")], [name("a"), name("c")]]);
}

/// Whichever way he might go, as long as somebody else than the owner of the machine says so.
pub async fn the_last_administrator_stays(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    put(&scene, "admin", &["relatch:*"]).await;
    let (mine, bob) = (
        scene.register("ada").await,
        scene.register("bob").await.user,
    );
    let ada = mine.user;
    give(&scene, ada, &["admin"]).await;
    let store = &scene.store;
    let before = scene.rows().await;
    let by = || by_user(&mine);
    let order = Assigning {
        by: by(),
        ..assigning(ada, &[])
    };
    assert_eq!(
        store.assign_roles(order).await,
        Ok(Changed::LastAdministrator)
    );
    let order = store.set_user_state(ada, UserState::Disabled, None, by());
    assert_eq!(order.await, Ok(Changed::LastAdministrator));
    assert_eq!(
        store.delete_user(ada, None, by()).await,
        Ok(Changed::LastAdministrator)
    );
    let order = Putting {
        by: by(),
        ..putting("admin", &["relatch:users-read"], Expected::Anything)
    };
    assert_eq!(store.put_role(order).await, Ok(Changed::LastAdministrator));
    assert_eq!(scene.rows().await, before);
    // One who is disabled does not count, one who is not does.
    give(&scene, bob, &["admin"]).await;
    scene.disable(bob).await;
    assert_eq!(
        store.delete_user(ada, None, by()).await,
        Ok(Changed::LastAdministrator)
    );
    let enabled = store.set_user_state(
        bob,
        UserState::Active,
        None,
        administrator(START.plus(SECOND)),
    );
    assert!(matches!(enabled.await, Ok(Changed::Done(_))));
    assert!(matches!(
        store.delete_user(ada, None, by()).await,
        Ok(Changed::Done(_))
    ));
    assert!(matches!(
        store.delete_user(bob, None, administrator(START)).await,
        Ok(Changed::Done(_))
    ));
}
