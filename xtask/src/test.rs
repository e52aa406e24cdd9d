//! The verb `test`: runs parts in order, says how long each took, and stops at the first that fails.

use std::time::Instant;

use crate::args::Selection;
use crate::failure::Failure;
use crate::parts::{self, Outcome, Part};

/// Runs what was selected.
///
/// # Errors
/// When a part fails: names it, and how to run it alone.
pub(crate) fn run(selection: Selection) -> Result<(), Failure> {
    let chosen: Vec<&Part> = match selection {
        Selection::All => parts::ALL.iter().collect(),
        Selection::Quick => parts::QUICK.iter().collect(),
        Selection::Part(name) => parts::ALL.iter().filter(|part| part.name == name).collect(),
    };
    let start = Instant::now();
    let mut lines = Vec::new();
    for part in &chosen {
        lines.push(run_part(part)?);
    }
    println!("\n{}", lines.join("\n"));
    println!("{:<10} {:>7.1} s", "all", start.elapsed().as_secs_f64());
    println!("parts: {} passed, 0 failed", chosen.len());
    Ok(())
}

/// Runs one part and gives its line of the summary.
fn run_part(part: &Part) -> Result<String, Failure> {
    eprintln!("\n== {}: {}", part.name, part.checks);
    let start = Instant::now();
    let ended = (part.run)();
    let seconds = start.elapsed().as_secs_f64();
    match ended {
        Ok(outcome) => {
            let line = summary(part.name, seconds, &outcome);
            eprintln!("== {line}");
            Ok(line)
        }
        Err(failure) => Err(failed(part.name, seconds, failure)),
    }
}

fn summary(name: &str, seconds: f64, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => format!("{name:<10} {seconds:>7.1} s  passed"),
        Outcome::PassedBut(what) => format!("{name:<10} {seconds:>7.1} s  passed; {what}"),
    }
}

fn failed(name: &str, seconds: f64, failure: Failure) -> Failure {
    match failure {
        Failure::Failed(why) => Failure::Failed(format!(
            "{name} failed after {seconds:.1} s: {why}\nerror: {name} failed; to run it alone: cargo xtask test {name}"
        )),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Outcome, failed, summary};

    #[test]
    fn the_last_line_names_the_part_and_how_to_run_it_alone() {
        let Failure::Failed(why) = failed("unit", 1.25, Failure::Failed("no".to_owned())) else {
            return assert_eq!("another failure", "Failed");
        };
        let last = why.lines().last();
        assert_eq!(
            last,
            Some("error: unit failed; to run it alone: cargo xtask test unit")
        );
    }

    #[test]
    fn what_was_not_checked_stays_in_the_summary() {
        let line = summary("deny", 3.0, &Outcome::PassedBut("advisories not checked"));
        assert_eq!(line, "deny           3.0 s  passed; advisories not checked");
    }
}
