//! What every store must do, whatever it is made of: one suite, run on each backend by [`conformance!`](crate::conformance!).
//!
//! Owns what the traits of core promise, seen from outside. Knows no SQL: what the traits have no word for, such as
//! holding all writes back or dying, a backend's own [`Backend`] does.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a case fails by panicking"
)]

pub mod administer;
pub mod audit;
pub mod authority;
pub mod end;
pub mod event;
pub mod history;
pub mod key;
pub mod open;
pub mod password;
pub mod race;
pub mod refresh;
pub mod register;
pub mod reset;
pub mod resource_server;
pub mod revocation;
pub mod role;
pub mod sweep;

mod scene;

use std::{any::Any, sync::Arc};

use async_trait::async_trait;
use relatch_core::{Store, session::Policy};

pub use scene::policy;

/// Makes empty stores.
#[async_trait]
pub trait Factory: Send + Sync {
    /// An empty store under this policy.
    async fn fresh(&self, policy: Policy) -> Arc<dyn Backend>;
}

/// A store with its back open.
#[async_trait]
pub trait Backend: Send + Sync {
    /// The store itself.
    fn store(&self) -> Arc<dyn Store>;

    /// Every row of every table as text that begins with the table's name.
    async fn rows(&self) -> Vec<String>;

    /// A number that is another one whenever anything was written, be it the same again.
    async fn writes(&self) -> i64;

    /// Holds all writes back until the guard is dropped; for less than a second.
    async fn hold_writes(&self) -> Box<dyn Any + Send>;

    /// From now on the database refuses to write the end of a bound session, as a full disk might refuse anything.
    async fn refuse_to_end_bound_sessions(&self);

    /// What is found by a store that opens after this one's process died this moment, without a word.
    async fn after_death(&self) -> Arc<dyn Store>;
}

/// Runs every case as a test of its own: `conformance!(EXPRESSION)`, where the expression is a [`Factory`].
#[macro_export]
macro_rules! conformance {
    ($factory:expr) => {
        $crate::conformance!(@ $factory, refresh:
            the_newest_token_rotates
            a_token_newer_than_the_row_moves_it_forward
            a_bearer_retries_within_the_window_alone
            a_retry_writes_nothing_and_does_not_extend_the_idle_time
            a_clock_that_went_back_counts_as_no_time
            a_bound_session_retries_however_late_and_old
            a_bound_session_wants_proof_whatever_the_generation
            reuse_ends_the_session_and_is_on_record
            reuse_may_end_every_session_of_the_user
            a_session_ends_by_idleness
            a_session_ends_by_age
            an_ended_session_says_why_and_stays_as_it_is
            the_last_generation_ends_the_session
            a_forged_proof_changes_nothing
            a_token_that_came_another_way_changes_nothing
            an_unknown_session_is_unknown
        );
        $crate::conformance!(@ $factory, race:
            one_token_turns_once_however_often_it_comes
            sessions_turn_at_once_without_a_mix_up
            reuse_and_rotation_in_one_group_end_the_session
            one_reuse_is_on_record_once
            an_end_beside_rotations_outlives_the_process
            what_was_answered_outlives_the_process
            a_logout_beats_every_refresh
            a_login_with_the_old_password_does_not_survive_its_change
        );
        $crate::conformance!(@ $factory, register:
            a_user_comes_back_as_registered
            a_name_is_taken_whatever_its_case
            one_of_many_gets_the_name
            different_names_do_not_meet
            a_registration_ends_the_session_whose_place_its_own_takes
        );
        $crate::conformance!(@ $factory, role:
            an_empty_store_has_no_roles
            a_role_is_put_by_who_knew_it
            roles_are_read_with_every_session
            a_newcomer_gets_the_roles_that_exist
            a_scope_comes_back
            roles_are_assigned_whole_or_not_at_all
            taking_a_role_may_end_sessions
            the_same_roles_again_may_end_tokens_and_sessions
            a_role_in_use_is_not_deleted
            the_sets_with_a_role_are_told
            the_last_administrator_stays
        );
        $crate::conformance!(@ $factory, open:
            a_session_comes_back_as_opened
            a_login_with_an_old_password_is_refused
            a_disabled_user_is_refused
            an_unknown_user_is_refused
            a_new_hash_of_the_same_password_is_kept
            a_rehash_does_not_bring_an_old_password_back
            past_the_limit_the_longest_unused_ends
            sessions_that_are_over_take_no_room
            concurrent_logins_stay_within_the_limit
            a_session_ends_whose_place_a_new_one_takes
            a_session_is_replaced_once_and_by_who_got_in
        );
        $crate::conformance!(@ $factory, end:
            one_session_ends
            all_end
            all_but_one_end
            other_users_are_not_touched
            an_end_is_counted_and_recorded_once
            what_ran_out_does_not_come_back
            many_at_once_end_each_session_once
            an_end_that_fails_leaves_nothing_half_done
        );
        $crate::conformance!(@ $factory, password:
            a_change_ends_every_session_and_opens_one
            the_caller_must_be_live
            a_stale_version_changes_nothing
            a_disabled_user_changes_nothing
            one_of_two_changes_wins
        );
        $crate::conformance!(@ $factory, key:
            an_empty_store_has_no_keys
            every_state_comes_back
            a_wrong_version_saves_nothing
            a_failed_save_leaves_the_old_keys
            one_of_many_saves_wins
            what_became_of_each_key_is_on_record
        );
        $crate::conformance!(@ $factory, event:
            every_field_comes_back
            the_newest_come_first_up_to_the_limit
            failed_logins_count_by_the_hour
            failed_logins_of_one_network_share_a_row
            failed_logins_at_once_are_all_counted
            failed_logins_of_long_ago_are_swept_a_few_at_a_time
        );
        $crate::conformance!(@ $factory, audit:
            a_sealer_covers_every_row
            a_sealer_at_rest_writes_nothing
            many_sealers_make_one_chain
            a_head_follows_the_one_that_it_names
            heads_stay_good_when_keys_turn
            a_withdrawn_key_is_not_believed_any_more
            nobody_seals_with_a_withdrawn_key
            a_head_of_a_newer_key_is_no_fault
            a_forged_head_is_found
            a_key_of_somebody_else_is_found
            a_kept_head_tells_of_another_record
            a_record_that_was_taken_back_is_noticed
            the_record_is_searched
            the_record_is_searched_by_time
            failed_logins_of_an_hour_are_one_row
            a_flood_of_failed_logins_is_few_rows
        );
        $crate::conformance!(@ $factory, sweep:
            a_walk_sees_every_row_and_takes_the_forgettable
            an_empty_store_is_walked_at_once
            a_row_that_was_turned_meanwhile_stays
            what_is_left_of_a_deleted_user_goes_with_his_last_session
        );
        $crate::conformance!(@ $factory, administer:
            a_user_is_made_without_a_session
            a_name_that_is_taken_makes_nobody
            users_are_listed_by_name_in_pages
            a_search_finds_parts_of_names_and_addresses
            a_disabled_user_has_no_session_and_gets_none
            an_enabled_user_logs_in_again
            an_order_that_changes_nothing_writes_nothing
            another_address_ends_nothing
            another_address_voids_a_code
            a_reset_ends_every_session_and_voids_the_old_password
            a_deleted_user_is_nobody_and_his_devices_are_told
            a_deleted_name_is_free_at_once
            nobody_is_administered_where_there_is_nobody
            a_login_does_not_survive_a_disabling
            a_login_does_not_survive_a_deletion
            one_of_many_gets_a_name_that_becomes_free
            what_an_administrator_did_outlives_the_process
        );
        $crate::conformance!(@ $factory, authority:
            an_order_without_a_live_session_changes_nothing
            an_order_beyond_its_rights_changes_nothing
            rights_are_those_of_the_moment
            of_two_who_remove_each_other_one_stays
            what_was_not_seen_is_not_overwritten
            sessions_of_others_end_and_who_did_it_is_on_record
        );
        $crate::conformance!(@ $factory, reset:
            a_code_sets_the_password_once
            a_wrong_code_changes_nothing_but_the_count
            the_fifth_wrong_code_ends_the_right_one
            guesses_at_once_are_all_counted
            one_of_many_spends_a_code
            a_code_ends_with_the_password_it_replaces
            a_newer_code_takes_the_place_of_the_older
            a_code_ends_by_time
            what_the_holder_may_hear_leaves_the_code_good
            a_newcomer_may_begin_with_a_code
            a_deleted_user_has_no_code
            a_code_ends_when_its_user_may_do_more_here
        );
        $crate::conformance!(@ $factory, revocation:
            an_empty_store_has_revoked_nothing
            every_ended_session_is_told_once
            what_ends_sessions_by_the_way_tells_of_them
            refreshes_tell_only_of_an_end
            an_end_that_fails_tells_nothing
            roles_may_hold_at_once
            a_withdrawn_signing_key_is_told_once
            an_entry_outlasts_whatever_token_is_out
            entries_come_in_pages
            entries_go_when_their_end_has_come
            whoever_waits_is_woken
            what_was_told_outlives_the_process
            a_session_stands_as_its_row_says
        );
        $crate::conformance!(@ $factory, resource_server:
            resource_servers_come_back
            a_resource_servers_name_is_taken_once
            a_removed_resource_server_is_gone
            resource_servers_are_on_record
        );
        $crate::conformance!(@ $factory, history:
            sessions_of_a_user_come_newest_first_in_pages
            sessions_of_everybody_come_once_each
            a_session_tells_its_story_in_order
            what_ended_many_sessions_is_in_the_story_of_each
            a_story_outlives_its_row
            of_nothing_there_is_no_story
        );
    };
    (@ $factory:expr, $group:ident: $($case:ident)*) => {
        mod $group {
            use super::*;

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$group::$case(&$factory).await;
            })*

            #[test]
            fn every_case_is_run() {
                let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance/", stringify!($group), ".rs");
                let text = std::fs::read_to_string(file).expect("the cases are there");
                assert_eq!(text.matches("\npub async fn ").count(), [$(stringify!($case)),*].len());
            }
        }
    };
}
