//! A request is decided by the scenario's rule, core's own unless a mutant is on trial, and the outcome is judged.

use relatch_core::session::{
    Life,
    refresh::{Durability, Possession, Presented, Turn},
};

use super::{
    line::Serial,
    model::Request,
    party::Who,
    scenario::{Scenario, Thief, instant},
    state::{Newest, State},
    watch::Seen,
};

impl Scenario {
    /// The rule decides, its effect is kept, and the model's own record says whether that was right.
    pub fn present(&self, state: &mut State, request: Request) {
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
        let durability = (self.rule).durability(&before, &turn, &self.policy, now);
        let answer = self.answer(state, request, &turn);
        self.judge_owner(state, request, &turn);
        self.judge_thief(state, request, &turn, &before);
        self.judge_detection(state, request, &turn, &before);
        if let (Some(token), Some(party)) = (answer, state.party_mut(request.by)) {
            party.answer(request.token, token, self.provisos.careful_owner);
        }
        if durability == Durability::Durable && state.row != before {
            state.flush();
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
            state.told_from = state.told_from.max(at);
            state.unwritten_since = state.unwritten_since.min(at);
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
