//! What may happen next, and what it does, all but the decision.

use relatch_core::session::refresh::Possession;
use stateright::{Model, Property};

use super::{
    bounds::Idle,
    line::Serial,
    party::{Party, Who},
    properties,
    scenario::{Scenario, Thief, instant},
    state::{Faults, State},
};

/// A step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    Tick,
    /// What the database answers reaches the disk.
    Flush,
    /// The database comes back with what the disk has.
    Crash,
    /// The thief copies a token.
    Steal(Serial),
    /// An answer arrives and is stored.
    Store(Who, Serial),
    /// The owner's device comes back with the token before.
    GoBack,
    /// A request is decided.
    Present(Request),
}

/// A copy of a request at a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    pub by: Who,
    pub token: Serial,
    pub possession: Possession,
    /// Its `now`.
    pub arrived: u8,
}

impl Model for Scenario {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::begin(self)]
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        if state.faults != Faults::default() {
            return;
        }
        self.presentations(state, steps);
        if state.disk != state.row && self.may_crash(state) {
            steps.push(Step::Crash);
        }
        if state.row.ended.is_some() {
            return;
        }
        if state.now < self.bounds.ticks && self.clock_may_tick(state) {
            steps.push(Step::Tick);
        }
        if state.disk != state.row {
            steps.push(Step::Flush);
        }
        if self.thief != Thief::Absent && state.thief.is_none() {
            steps.extend(state.line.serials().map(Step::Steal));
        }
        for (who, party) in state.parties() {
            steps.extend(party.answers().map(|token| Step::Store(who, token)));
        }
        if !self.provisos.durable_owner && state.owner.holds > 0 {
            steps.push(Step::GoBack);
        }
    }

    fn next_state(&self, last: &State, step: Step) -> Option<State> {
        let mut state = last.clone();
        match step {
            Step::Tick => self.tick(&mut state),
            Step::Flush => state.flush(),
            Step::Crash => self.crash(&mut state),
            Step::Steal(token) => self.steal(&mut state, token),
            Step::Store(who, token) => self.store(&mut state, who, token),
            Step::GoBack => {
                let before = state.owner.holds - 1;
                let now = state.now;
                state.owner.store(before, now, self.provisos.careful_owner);
            }
            Step::Present(request) => self.present(&mut state, request),
        }
        (state != *last).then_some(state)
    }
}

impl Scenario {
    fn presentations(&self, state: &State, steps: &mut Vec<Step>) {
        let earliest = state.now.saturating_sub(self.bounds.wait);
        for (by, party) in state.parties() {
            for token in state.line.serials() {
                let Some(sent) = party.sent(token) else {
                    continue;
                };
                for arrived in sent.max(earliest)..=state.now {
                    let requests = self.proofs(by).iter().map(|&possession| Request {
                        by,
                        token,
                        possession,
                        arrived,
                    });
                    let allowed = requests.filter(|request| self.allows(state, *request));
                    steps.extend(allowed.map(Step::Present));
                }
            }
        }
    }

    /// What may come with a request.
    fn proofs(&self, by: Who) -> &'static [Possession] {
        match (self.bound, by, self.thief) {
            (false, _, _) => &[Possession::NotShown],
            (true, Who::Thief, Thief::WithToken) => &[Possession::NotShown, Possession::Refused],
            (true, _, _) => &[Possession::Proven, Possession::Refused],
        }
    }

    /// The bound, and the provisos of property 1.
    fn allows(&self, state: &State, request: Request) -> bool {
        let shown = state.line.generation(request.token);
        let newest = state.line.generation(state.newest.token);
        let within = shown.0 < u32::from(self.bounds.generations);
        let timely = !self.provisos.retry_in_window
            || self.thief != Thief::Absent
            || shown >= newest
            || request.arrived < state.newest.at + self.bounds.window;
        let waited = instant(state.now).since(instant(request.arrived));
        let short_wait = !self.provisos.short_wait || waited <= self.policy.idle_grace;
        within && timely && short_wait
    }

    /// The owner comes before the idle end that it was told.
    fn clock_may_tick(&self, state: &State) -> bool {
        let in_time = |idle: Idle| state.now + 1 < state.told_from + idle.told;
        self.bounds.idle.is_none_or(in_time)
    }

    /// Whether the disk may still lack what it lacks.
    fn may_crash(&self, state: &State) -> bool {
        let lag = instant(state.now).since(instant(state.unwritten_since));
        !self.provisos.disk_lag || lag <= self.policy.idle_grace / 2
    }

    fn crash(&self, state: &mut State) {
        let over = state.row.ended.is_some();
        state.crash();
        let revived = over && state.row.ended.is_none();
        state.faults.unseen |= revived && self.promises_detection();
        if state.thief.is_none() || !self.promises_detection() {
            return;
        }
        if self.provisos.third_presentation {
            state.watch.lag();
        }
        if self.provisos.counted_anew {
            state.watch.count_anew();
        }
    }

    fn tick(&self, state: &mut State) {
        state.now += 1;
        let earliest = state.now.saturating_sub(self.bounds.wait);
        state.owner.tick(earliest);
        if let Some(thief) = &mut state.thief {
            thief.tick(earliest);
        }
        if !self.may_crash(state) {
            state.flush();
        }
    }

    fn steal(&self, state: &mut State, token: Serial) {
        state.thief = Some(Party::holding(token, state.now));
        if self.promises_detection() {
            if state.line.generation(token) < state.row.generation {
                state.watch.thief_behind = Some(state.spent_at[usize::from(token)]);
            }
            if self.provisos.lag_before_theft && state.lags() {
                state.watch.lag();
            }
        }
        state.spent_at.fill(0);
    }

    fn store(&self, state: &mut State, who: Who, token: Serial) {
        let now = state.now;
        if let Some(party) = state.party_mut(who) {
            party.store(token, now, self.provisos.careful_owner);
        }
    }
}
