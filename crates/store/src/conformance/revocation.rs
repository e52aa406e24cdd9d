//! Revocations are told: by whatever revokes, in the same step, in one order, for as long as it matters and no longer.

use std::time::Duration;

use relatch_core::{
    Timestamp,
    key::{Algorithm, KeyRecord, KeyState, Purpose, Sealed},
    permission::{RoleName, store::Assigning, store::Expected, store::Putting},
    revocation::{Backlog, KEY_TOLD, MARGIN, Revocation, Revoked},
    session::{EndReason, Generation, Policy, ReuseScope, Session, store::Which},
    store::Changed,
    user::{
        UserState,
        store::{Registered, Registering, Resetting},
    },
};

use super::{
    Factory,
    scene::{DAY, SECOND, START, Scene, administrator, ending, hash, policy, request},
};

async fn after(scene: &Scene, sequence: u64) -> Backlog {
    let backlog = scene.store.revocations_after(sequence, 1_000).await;
    backlog.expect("reads")
}

/// What was revoked since `sequence`, without the sequences.
async fn told(scene: &Scene, sequence: u64) -> Vec<Revoked> {
    let entries = after(scene, sequence).await.entries;
    entries.into_iter().map(|entry| entry.1.what).collect()
}

async fn last(scene: &Scene) -> u64 {
    after(scene, 0).await.last.sequence
}

/// When the last access token ends that could be out at `now`, and the entry with it.
fn usual_end(now: Timestamp) -> Timestamp {
    now.plus(policy().access).plus(MARGIN)
}

/// Sequence 0, and an epoch that no other store has.
pub async fn an_empty_store_has_revoked_nothing(factory: &dyn Factory) {
    let mut epochs = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let scene = Scene::set(factory).await;
        let backlog = after(&scene, 0).await;
        assert_eq!((backlog.last.sequence, backlog.more), (0, false));
        assert_eq!(backlog.entries, []);
        let read = relatch_core::revocation::Position::parse(&backlog.last.to_string());
        assert_eq!(read, Some(backlog.last.clone()));
        epochs.insert(backlog.last.epoch);
    }
    assert_eq!(epochs.len(), 2);
}

/// Logout, the other devices, all of them: one entry for each session, and none for one that was over.
pub async fn every_ended_session_is_told_once(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let one = scene.register("ada").await;
    let two = scene.open(scene.draw(one.user, START)).await;
    let three = scene.open(scene.draw(one.user, START)).await;
    scene.end(&one, EndReason::Logout, START).await;
    let entry = Revocation {
        what: Revoked::Session(one.id),
        until: usual_end(START),
    };
    assert_eq!(after(&scene, 0).await.entries, [(1, entry)]);
    scene.end(&one, EndReason::Logout, START).await;
    let all = ending(
        one.user,
        Which::AllBut(two.id),
        EndReason::LogoutEverywhere,
        START,
    );
    assert_eq!(scene.store.end_sessions(all).await, Ok(1));
    assert_eq!(told(&scene, 1).await, [Revoked::Session(three.id)]);
    let other = scene.register("bob").await;
    let all = ending(other.user, Which::All, EndReason::EndedByUser, START);
    assert_eq!(scene.store.end_sessions(all).await, Ok(1));
    assert_eq!(told(&scene, 2).await, [Revoked::Session(other.id)]);
}

/// Password changed or reset, user disabled or deleted, one device too many.
pub async fn what_ends_sessions_by_the_way_tells_of_them(factory: &dyn Factory) {
    let scene = Scene::set_under(
        factory,
        Policy {
            max_per_user: 1,
            ..policy()
        },
    )
    .await;
    let first = scene.register("ada").await;
    let second = scene.open(scene.draw(first.user, START)).await;
    assert_eq!(told(&scene, 0).await, [Revoked::Session(first.id)]);
    let changing = scene.changing(&second, "new", START);
    let third = changing.session.clone();
    scene.store.set_password(changing).await.expect("changes");
    assert_eq!(told(&scene, 1).await, [Revoked::Session(second.id)]);
    let (user, by) = (first.user, administrator(START));
    let resetting = Resetting {
        user,
        hash: hash("reset"),
        by: by.clone(),
    };
    assert_eq!(
        scene.store.reset_password(resetting).await,
        Ok(Changed::Done(1))
    );
    assert_eq!(told(&scene, 2).await, [Revoked::Session(third.id)]);
    let [disabled, deleted] = [scene.register("bob").await, scene.register("eve").await];
    scene.disable(disabled.user).await;
    assert_eq!(told(&scene, 3).await, [Revoked::Session(disabled.id)]);
    let state = scene
        .store
        .set_user_state(disabled.user, UserState::Active, None, by.clone());
    state.await.expect("enables");
    scene
        .store
        .delete_user(deleted.user, None, by)
        .await
        .expect("deletes");
    assert_eq!(told(&scene, 4).await, [Revoked::Session(deleted.id)]);
}

/// Reuse, of one session or of all, and the last generation; and nothing that leaves a session alive.
pub async fn refreshes_tell_only_of_an_end(factory: &dyn Factory) {
    let scene = Scene::set_under(
        factory,
        Policy {
            on_reuse: ReuseScope::User,
            ..policy()
        },
    )
    .await;
    let ada = scene.register("ada").await;
    let beside = scene.open(scene.draw(ada.user, START)).await;
    scene.rotate(&ada, 3, START).await;
    scene.refresh(request(&ada, 2, START)).await;
    let ran_out = scene.register("bob").await;
    scene
        .refresh(request(&ran_out, 0, START.plus(6 * DAY)))
        .await;
    assert_eq!(last(&scene).await, 0);
    scene.refresh(request(&ada, 0, START)).await;
    let mut both = told(&scene, 0).await;
    let mut ended = vec![Revoked::Session(ada.id), Revoked::Session(beside.id)];
    both.sort_by_key(|revoked| format!("{revoked:?}"));
    ended.sort_by_key(|revoked| format!("{revoked:?}"));
    assert_eq!(both, ended);
    let turning = scene.register("eve").await;
    scene.refresh(request(&turning, u32::MAX, START)).await;
    assert_eq!(told(&scene, 2).await, [Revoked::Session(turning.id)]);
}

/// The end and its entry are one step.
pub async fn an_end_that_fails_tells_nothing(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let ada = scene.register("ada").await;
    let bound = scene.open_bound(ada.user).await;
    scene.refuse_to_end_bound_sessions().await;
    let all = ending(ada.user, Which::All, EndReason::LogoutEverywhere, START);
    assert!(scene.store.end_sessions(all).await.is_err());
    assert_eq!((last(&scene).await, told(&scene, 0).await), (0, vec![]));
    assert_eq!(scene.live(&[&ada, &bound], START).await, [true, true]);
}

fn role() -> RoleName {
    RoleName::parse("viewer").expect("a name")
}

fn assigning(of: &Session, roles: &[RoleName], at_once: bool) -> Assigning {
    Assigning {
        user: of.user,
        roles: roles.iter().cloned().collect(),
        expected: None,
        end_sessions: false,
        at_once,
        by: administrator(START),
    }
}

/// Where the order says so: the access tokens so far, and not the sessions.
pub async fn roles_may_hold_at_once(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let putting = Putting {
        name: role(),
        permissions: std::iter::empty().collect(),
        expected: Expected::Anything,
        by: administrator(START),
    };
    scene.store.put_role(putting).await.expect("puts");
    let ada = scene.register("ada").await;
    scene.rotate(&ada, 7, START).await;
    let given = scene.store.assign_roles(assigning(&ada, &[role()], false));
    assert_eq!(given.await, Ok(Changed::Done(0)));
    assert_eq!(last(&scene).await, 0);
    let standing = scene.store.standing(ada.id).await.expect("reads");
    assert_eq!(standing.expect("there").revoked_through, None);
    let taken = scene.store.assign_roles(assigning(&ada, &[], true));
    assert_eq!(taken.await, Ok(Changed::Done(0)));
    let through = Generation(7);
    let entry = Revocation {
        what: Revoked::Generations(ada.id, through),
        until: usual_end(START),
    };
    assert_eq!(after(&scene, 0).await.entries, [(1, entry)]);
    let standing = scene
        .store
        .standing(ada.id)
        .await
        .expect("reads")
        .expect("there");
    assert_eq!(standing.revoked_through, Some(through));
    assert_eq!(standing.username.expect("named").as_str(), "ada");
    assert_eq!(scene.live(&[&ada], START).await, [true]);
    let again = scene.store.assign_roles(assigning(&ada, &[], true));
    assert_eq!(again.await, Ok(Changed::Done(0)));
    assert_eq!(last(&scene).await, 2, "what is ordered again is told again");
}

/// A signing key alone, when it is withdrawn and not at every later change.
pub async fn a_withdrawn_signing_key_is_told_once(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let key = |purpose, id: &str, state| KeyRecord {
        purpose,
        id: id.to_owned(),
        algorithm: (purpose == Purpose::Signing).then_some(Algorithm::EdDsa),
        state,
        sealed: Sealed {
            master: [0; 8],
            bytes: vec![1],
        },
    };
    let active = KeyState::active(START);
    let gone = active.compromise(START.plus(SECOND));
    let keys = |one, other| {
        vec![
            key(Purpose::Signing, "1", one),
            key(Purpose::RefreshTag, "1", other),
            key(Purpose::Signing, "2", active),
        ]
    };
    let save = async |version, keys| {
        let by = administrator(START);
        scene.store.save_keys(version, keys, by).await
    };
    assert_eq!(save(0, keys(active, active)).await, Ok(true));
    assert_eq!(last(&scene).await, 0);
    assert_eq!(save(9, keys(gone, gone)).await, Ok(false));
    assert_eq!(last(&scene).await, 0);
    for version in 1..3 {
        assert_eq!(save(version, keys(gone, gone)).await, Ok(true));
    }
    let entry = Revocation {
        what: Revoked::Key("1".to_owned()),
        until: START.plus(SECOND).plus(KEY_TOLD),
    };
    assert_eq!(after(&scene, 0).await.entries, [(1, entry)]);
}

/// Tokens made to live longer are out still, and none outlives its session.
pub async fn an_entry_outlasts_whatever_token_is_out(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let hour = Duration::from_hours(1);
    for (access, now) in [(hour, START), (policy().access, START.plus(SECOND))] {
        scene
            .store
            .note_access_lifetime(access, now)
            .await
            .expect("notes");
    }
    let until = async |at: Timestamp| {
        let before = last(&scene).await;
        let user = scene.register(&format!("u{}", at.as_millis())).await.user;
        let session = scene.open(scene.draw(user, START)).await;
        scene.end(&session, EndReason::Logout, at).await;
        let entries = after(&scene, before).await.entries;
        entries.first().map(|entry| entry.1.until)
    };
    let longest = START.plus(SECOND).plus(hour);
    assert_eq!(
        until(START.plus(2 * SECOND)).await,
        Some(longest.plus(MARGIN))
    );
    assert_eq!(until(longest).await, Some(usual_end(longest)));
    let mut last_minute = scene.draw(scene.register("eve").await.user, START);
    last_minute.life.expires_at = longest.plus(SECOND);
    let session = scene.open(last_minute).await;
    let before = last(&scene).await;
    scene.end(&session, EndReason::Logout, longest).await;
    let entries = after(&scene, before).await.entries;
    let until: Vec<_> = entries.into_iter().map(|entry| entry.1.until).collect();
    assert_eq!(until, [longest.plus(SECOND).plus(MARGIN)]);
}

/// In order, none twice, none left out, and it is told where to go on.
pub async fn entries_come_in_pages(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let mut ended = Vec::new();
    for n in 0..7 {
        let session = scene.register(&format!("user{n}")).await;
        scene.end(&session, EndReason::Logout, START).await;
        ended.push(Revoked::Session(session.id));
    }
    let (mut place, mut seen, mut pages) = (0, Vec::new(), 0);
    loop {
        let page = scene
            .store
            .revocations_after(place, 3)
            .await
            .expect("reads");
        (place, pages) = (page.last.sequence, pages + 1);
        seen.extend(page.entries.into_iter().map(|entry| entry.1.what));
        if !page.more {
            break;
        }
    }
    assert_eq!((place, pages, seen), (7, 3, ended));
    let beyond = scene
        .store
        .revocations_after(u64::MAX, 3)
        .await
        .expect("reads");
    assert_eq!((beyond.last.sequence, beyond.entries.len()), (7, 0));
}

/// A few at a time; what comes later is not mistaken for it.
pub async fn entries_go_when_their_end_has_come(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    for n in 0..3 {
        let session = scene.register(&format!("user{n}")).await;
        scene.end(&session, EndReason::Logout, START).await;
    }
    let end = usual_end(START);
    let sweep = async |now| scene.store.sweep_revocations(now, 2).await.expect("sweeps");
    assert_eq!(sweep(end.minus(SECOND)).await, 0);
    assert_eq!(
        [sweep(end).await, sweep(end).await, sweep(end).await],
        [2, 1, 0]
    );
    assert_eq!((last(&scene).await, told(&scene, 0).await), (3, vec![]));
    let session = scene.register("eve").await;
    scene.end(&session, EndReason::Logout, START).await;
    let entries = after(&scene, 0).await.entries;
    let sequences: Vec<_> = entries.into_iter().map(|entry| entry.0).collect();
    assert_eq!(sequences, [4]);
}

/// By what is revoked through the same store, be it before the waiting begins.
pub async fn whoever_waits_is_woken(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    scene.end(&session, EndReason::Logout, START).await;
    let patience = Duration::from_secs(5);
    let woken = tokio::time::timeout(patience, scene.store.revoked());
    assert!(woken.await.is_ok());
    let reused = scene.register("bob").await;
    scene.rotate(&reused, 2, START).await;
    let quiet = tokio::time::timeout(Duration::from_millis(50), scene.store.revoked());
    assert!(quiet.await.is_err(), "a rotation is nothing to wake for");
    scene.refresh(request(&reused, 0, START)).await;
    let woken = tokio::time::timeout(patience, scene.store.revoked());
    assert!(woken.await.is_ok());
    let replacing = Registering {
        replaces: Some(scene.register("carol").await.id),
        ..scene.newcomer("dave")
    };
    let registered = scene.store.register(replacing).await;
    assert_eq!(registered, Ok(Registered::Done));
    let woken = tokio::time::timeout(patience, scene.store.revoked());
    assert!(woken.await.is_ok());
}

/// As durable as the end itself.
pub async fn what_was_told_outlives_the_process(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let session = scene.register("ada").await;
    scene.end(&session, EndReason::Logout, START).await;
    let before = after(&scene, 0).await;
    let store = scene.after_death().await;
    assert_eq!(store.revocations_after(0, 1_000).await, Ok(before));
}

/// Over or not, and nothing of one that is not there.
pub async fn a_session_stands_as_its_row_says(factory: &dyn Factory) {
    let scene = Scene::set(factory).await;
    let ada = scene.register("ada").await;
    let unknown = scene.draw(ada.user, START);
    assert_eq!(scene.store.standing(unknown.id).await, Ok(None));
    scene.end(&ada, EndReason::Logout, START).await;
    let standing = scene
        .store
        .standing(ada.id)
        .await
        .expect("reads")
        .expect("there");
    assert_eq!(standing.session, scene.row(&ada).await);
    assert_eq!(standing.revoked_through, None);
}
