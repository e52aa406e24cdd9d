//! Wrong rules, each wrong in one case, and the property that finds it: the claims can fail.

use super::{
    report::{counterexample, transcript},
    rule::Rule,
    scenario::{Bounds, Scenario},
    wrong_rows, wrong_turns,
};

/// A rule that is wrong in one case, where it is found, and by which property.
pub type Mutant = (&'static str, Rule, fn(Bounds) -> Scenario, &'static str);

#[test]
fn every_mutant_is_found() {
    for (name, rule, scenario, expected) in all() {
        let trial = scenario(Bounds::SMALL).with(rule);
        let (property, steps) = counterexample(&trial).unwrap_or_else(|| panic!("unseen: {name}"));
        println!("{name}: {}, {property}", trial.name);
        println!("{}", transcript(&steps));
        assert_eq!(property, expected, "{name}");
    }
}

/// For each mutant the scenarios that find it, and by which property first.
pub fn print_matrix() {
    for (name, rule, _, _) in all() {
        let trials = Scenario::all(Bounds::SMALL).into_iter();
        let found: Vec<_> = trials
            .map(|trial| trial.with(rule))
            .filter_map(|trial| Some((trial.name, counterexample(&trial)?.0)))
            .map(|(scenario, property)| format!("{scenario} {}", &property[..1]))
            .collect();
        println!("{name}: {}", found.join(", "));
    }
}

fn all() -> Vec<Mutant> {
    [
        wrong_turns::of_lag(),
        wrong_turns::of_retry(),
        wrong_turns::of_window(),
        wrong_turns::of_reuse(),
        wrong_turns::of_possession(),
        wrong_rows::all(),
    ]
    .concat()
}
