//! What may happen next, and what it does. The decision itself is the scenario's rule: core's own, unless on trial.

use relatch_core::session::{
    Life,
    refresh::{Possession, Presented, Turn},
};
use stateright::{Model, Property};

use super::{
    line::Serial,
    party::Who,
    properties,
    scenario::{Scenario, Thief, instant},
    state::{Faults, Newest, State},
    watch::Seen,
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
        if state.row.ended.is_some() {
            return;
        }
        if state.now < self.bounds.ticks && self.clock_may_tick(state) {
            steps.push(Step::Tick);
        }
        if state.disk != state.row {
            steps.push(Step::Flush);
            steps.extend(self.may_crash(state).then_some(Step::Crash));
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

    /// The bound, and the provisos of property 1 for a bearer session.
    fn allows(&self, state: &State, request: Request) -> bool {
        let shown = state.line.generation(request.token);
        let newest = state.line.generation(state.newest.token);
        let within = shown.0 < u32::from(self.bounds.generations);
        let timely = !self.provisos.retry_in_window
            || self.thief != Thief::Absent
            || shown >= newest
            || request.arrived < state.newest.at + self.bounds.window;
        within && timely
    }

    /// An owner who comes in time is never idle, by its own account.
    fn clock_may_tick(&self, state: &State) -> bool {
        let since = if self.provisos.turns_kept {
            state.newest.at
        } else {
            state.turned_at
        };
        self.bounds
            .idle
            .is_none_or(|idle| state.now + 1 < since + idle)
    }

    /// A crash takes a turn back, which brings the idle end nearer.
    fn may_crash(&self, state: &State) -> bool {
        let kept = |idle| state.now < state.newest_on_disk.at + idle;
        !self.provisos.turns_kept || self.bounds.idle.is_none_or(kept)
    }

    fn crash(&self, state: &mut State) {
        state.crash();
        if state.thief.is_none() {
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
    }

    fn steal(&self, state: &mut State, token: Serial) {
        state.thief = Some(super::party::Party::holding(token, state.now));
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

    fn present(&self, state: &mut State, request: Request) {
        let presented = Presented {
            generation: state.line.generation(request.token),
            possession: request.possession,
        };
        let now = instant(request.arrived);
        let before = state.row.clone();
        let turn = self.rule.decide(&before, presented, &self.policy, now);
        if let Some(after) = self.rule.after(&before, &turn, now) {
            state.row = after;
        }
        let answer = self.answer(state, request, &turn);
        self.judge_owner(state, request, &turn);
        self.judge_thief(state, request, &turn, &before);
        self.judge_detection(state, request, &turn, &before);
        if let (Some(token), Some(party)) = (answer, state.party_mut(request.by)) {
            party.answer(request.token, token, self.provisos.careful_owner);
        }
        state.settle();
    }

    /// The token that goes out, by the model's record; everything that property 2 forbids is noted on the way.
    fn answer(&self, state: &mut State, request: Request, turn: &Turn) -> Option<Serial> {
        let shown = state.line.generation(request.token);
        let newest = state.newest.token;
        let (generation, answer) = match *turn {
            Turn::Rotate { to, .. } if shown < state.line.generation(newest) => (to, None),
            Turn::Rotate { to, .. } => (to, state.line.mint(request.token, to).ok()),
            Turn::Retry { of, .. } if shown < of => {
                let found = state.line.find(of);
                (of, found.filter(|token| *token == newest))
            }
            Turn::Retry { of, .. } => (of, None),
            Turn::Over(_) | Turn::Unproven(_) | Turn::End(_) => return None,
        };
        state.faults.forked |= answer.is_none() || state.row.generation != generation;
        if let (Some(token), Turn::Rotate { .. }) = (answer, turn) {
            self.rotated(state, request, token);
        }
        answer
    }

    fn rotated(&self, state: &mut State, request: Request, token: Serial) {
        let at = request.arrived;
        state.newest = Newest { token, at };
        if self.bounds.idle.is_some() {
            state.turned_at = at;
        }
        if self.promises_detection() && state.thief.is_none() {
            state.spent_at[usize::from(request.token)] = at;
        }
        if self.thief == Thief::Absent && self.provisos.no_late_copy {
            state.owner.forget_before(request.token);
        }
    }

    /// Property 1: the owner, showing the key if there is one, is answered; nothing ends.
    fn judge_owner(&self, state: &mut State, request: Request, turn: &Turn) {
        let entitled = request.by == Who::Owner && request.possession != Possession::Refused;
        let ended =
            state.row.ended.is_some() && !(self.promises_no_loot() && request.by == Who::Thief);
        state.faults.harmed |= self.promises_no_harm() && (ended || entitled && !answers(turn));
    }

    /// Property 3 of a bound session.
    fn judge_thief(&self, state: &mut State, request: Request, turn: &Turn, row: &Life) {
        let thief = self.promises_no_loot() && request.by == Who::Thief;
        state.faults.looted |= thief && (answers(turn) || state.row != *row);
    }

    /// Property 3 of a bearer session.
    fn judge_detection(&self, state: &mut State, request: Request, turn: &Turn, row: &Life) {
        if !self.promises_detection() || state.thief.is_none() {
            return;
        }
        let answered = answers(turn);
        let seen = Seen {
            by: request.by,
            held: state
                .party(request.by)
                .is_some_and(|party| party.holds == request.token),
            arrived: request.arrived,
            answered,
            rotated: matches!(turn, Turn::Rotate { .. }),
        };
        let window = self.provisos.after_window.then_some(self.bounds.window);
        let missed = state.watch.demands_end(seen, window) && state.row.ended.is_none();
        let excused = missed && state.watch.excuse();
        let revived = row.ended.is_some() && answered;
        state.faults.unseen |= (missed && !excused) || revived;
        state.watch.note(seen);
    }
}

fn answers(turn: &Turn) -> bool {
    matches!(turn, Turn::Rotate { .. } | Turn::Retry { .. })
}
