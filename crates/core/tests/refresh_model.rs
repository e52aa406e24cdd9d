//! The proof of the rotation decision: a model of everything that can happen to one session, run on the shipped
//! [`relatch_core::session::refresh::decide`], [`relatch_core::session::refresh::durability`] and
//! [`relatch_core::session::Life::after`], every reachable state of it.
//!
//! **Who acts.** The *owner* presents the token that it holds and stores answers. The *thief* copies any token that was
//! ever issued, at any moment, with or without the key, presents it and follows with what it is answered. The *network*
//! loses, delays and duplicates requests and answers: what was sent once may arrive never, now, or any number of times
//! later, and a retry is one more copy of the same request. *Nodes* take a request's `now` when it arrives and may
//! handle it ticks later, after requests that arrived later elsewhere; there are as many of them as requests. The
//! *database* answers a rotation before the disk has it, unless core says that it is durable; a crash forgets what the
//! disk has not. A *clock* ticks.
//!
//! **What is claimed** is in [`properties`], what each claim takes for granted in [`scenario::Provisos`], and that
//! every such proviso is needed in [`provisos`]. [`mutants`] shows that the claims can fail: each wrong decision is
//! found. Bounds are those of [`bounds::Bounds`]; within them nothing is sampled (states are told apart by 64-bit
//! fingerprints). Messages in flight, copies and nodes have no bound.

#![expect(
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test crate: its modules are private, and a model that breaks its own arithmetic is a failed test"
)]

#[path = "refresh_model/bounds.rs"]
mod bounds;
#[path = "refresh_model/decision.rs"]
mod decision;
#[path = "refresh_model/idle.rs"]
mod idle;
#[path = "refresh_model/line.rs"]
mod line;
#[path = "refresh_model/model.rs"]
mod model;
#[path = "refresh_model/mutants.rs"]
mod mutants;
#[path = "refresh_model/party.rs"]
mod party;
#[path = "refresh_model/properties.rs"]
mod properties;
#[path = "refresh_model/provisos.rs"]
mod provisos;
#[path = "refresh_model/report.rs"]
mod report;
#[path = "refresh_model/rule.rs"]
mod rule;
#[path = "refresh_model/scenario.rs"]
mod scenario;
#[path = "refresh_model/state.rs"]
mod state;
#[path = "refresh_model/stories.rs"]
mod stories;
#[path = "refresh_model/watch.rs"]
mod watch;
#[path = "refresh_model/wrong_promises.rs"]
mod wrong_promises;
#[path = "refresh_model/wrong_rows.rs"]
mod wrong_rows;
#[path = "refresh_model/wrong_turns.rs"]
mod wrong_turns;

use report::Report;
use scenario::Scenario;

#[test]
fn the_properties_hold_within_the_small_bound() {
    Report::of(&Scenario::all_small());
}

/// `cargo xtask drill model`; writes JSON to the file that `RELATCH_MODEL_JSON` names.
#[test]
#[ignore = "minutes in release, hours in dev: cargo xtask drill model"]
fn the_properties_hold_within_the_large_bound() {
    let report = Report::of(&Scenario::all_large());
    mutants::print_matrix();
    if let Some(file) = std::env::var_os("RELATCH_MODEL_JSON") {
        std::fs::write(file, report.to_json()).expect("the JSON file can be written");
    }
}
