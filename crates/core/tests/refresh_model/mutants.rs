//! Wrong rules, each wrong in one case, and the property that finds it: the claims can fail.

use std::fmt::Write as _;

use super::{
    bounds::Bounds,
    report::{broken, counterexample, transcript},
    rule::Rule,
    scenario::Scenario,
    wrong_promises, wrong_rows, wrong_turns,
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

/// For each mutant the properties that find it, in each scenario.
pub fn print_matrix() {
    println!("mutants, and the properties that find them");
    for (name, rule, _, _) in all() {
        let mut found = String::new();
        for trial in Scenario::all_small() {
            let numbers: String = broken(&trial.clone().with(rule))
                .iter()
                .map(|property| &property[..1])
                .collect();
            if !numbers.is_empty() {
                let _ = write!(found, " {}:{numbers}", trial.name);
            }
        }
        println!("{name:<48}{found}");
    }
}

fn all() -> Vec<Mutant> {
    [
        wrong_turns::of_lag(),
        wrong_turns::of_retry(),
        wrong_turns::of_window(),
        wrong_turns::of_reuse(),
        wrong_turns::of_idle(),
        wrong_turns::of_possession(),
        wrong_rows::all(),
        wrong_promises::all(),
    ]
    .concat()
}
