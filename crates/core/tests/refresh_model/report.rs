//! Runs scenarios and says how many states there were.

use std::{
    fmt::{self, Write as _},
    time::{Duration, Instant},
};

use stateright::{Checker, HasDiscoveries, Model};

use super::{bounds::Bounds, model::Step, properties::REACHED, scenario::Scenario};

/// One exploration that found nothing wrong.
struct Run {
    name: &'static str,
    bounds: Bounds,
    states: usize,
    depth: usize,
    took: Duration,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.took.as_secs_f64();
        write!(f, "{:<22}{:>12}", self.name, self.states)?;
        write!(f, "{:>7}{seconds:>9.1}  {}", self.depth, self.bounds)
    }
}

/// Several of them.
pub struct Report(Vec<Run>);

impl Report {
    /// Explores each scenario to the end and prints a line for it; fails at the first counterexample and at whatever was
    /// never reached.
    pub fn of(scenarios: &[Scenario]) -> Self {
        println!(
            "{:<22}{:>12}{:>7}{:>9}  bounds",
            "scenario", "states", "depth", "seconds"
        );
        let runs = scenarios.iter().map(explore);
        Self(runs.inspect(|run| println!("{run}")).collect())
    }

    /// One flat object for machines.
    pub fn to_json(&self) -> String {
        let mut object = serde_json::Map::new();
        for run in &self.0 {
            let seconds = (run.took.as_secs_f64() * 10.0).round() / 10.0;
            object.insert(format!("{}_states", run.name), run.states.into());
            object.insert(format!("{}_depth", run.name), run.depth.into());
            object.insert(format!("{}_seconds", run.name), seconds.into());
            object.insert(
                format!("{}_bounds", run.name),
                run.bounds.to_string().into(),
            );
        }
        let states: usize = self.0.iter().map(|run| run.states).sum();
        object.insert("states".into(), states.into());
        serde_json::Value::Object(object).to_string()
    }
}

/// A shortest way to break a claim: its name and the steps.
pub fn counterexample(scenario: &Scenario) -> Option<(&'static str, Vec<Step>)> {
    let mut states = 0;
    for depth in 2.. {
        let checker = scenario
            .clone()
            .checker()
            .finish_when(HasDiscoveries::AnyFailures)
            .target_max_depth(depth)
            .spawn_bfs()
            .join();
        let broken = checker.discoveries().into_iter();
        let first = broken
            .filter(|(name, _)| !name.starts_with(REACHED))
            .min_by_key(|(name, _)| *name);
        if let Some((name, path)) = first {
            return Some((name, path.into_actions()));
        }
        if states == checker.unique_state_count() {
            break;
        }
        states = checker.unique_state_count();
    }
    None
}

/// Every claim that breaks.
pub fn broken(scenario: &Scenario) -> Vec<&'static str> {
    let checker = scenario
        .clone()
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AllFailures)
        .spawn_bfs()
        .join();
    let found = checker.discoveries().into_keys();
    let mut broken: Vec<_> = found.filter(|name| !name.starts_with(REACHED)).collect();
    broken.sort_unstable();
    broken
}

/// Steps as lines.
pub fn transcript(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |mut text, step| {
        let _ = writeln!(text, "    {step:?}");
        text
    })
}

fn explore(scenario: &Scenario) -> Run {
    let begun = Instant::now();
    let checker = scenario
        .clone()
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    checker.assert_properties();
    Run {
        name: scenario.name,
        bounds: scenario.bounds,
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: begun.elapsed(),
    }
}
