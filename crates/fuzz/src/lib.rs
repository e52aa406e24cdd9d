//! Inputs that are almost right: good ones, changed a little, again and again. For the tests of whatever reads what
//! strangers send. Runs on the stable compiler, in any test, and draws the same inputs in each run.
//!
//! ```
//! use fuzz::Target;
//!
//! let target = Target {
//!     name: "number",
//!     seeds: &[b"1750000000"],
//!     words: &["-", "1e9"],
//! };
//! fuzz::run(&target, |input| {
//!     let text = String::from_utf8_lossy(input);
//!     if let Ok(number) = text.parse::<u32>() {
//!         assert_eq!(number.to_string().parse(), Ok(number));
//!     }
//! });
//! ```
//!
//! A test runs each target for a moment. `RELATCH_FUZZ_RUNS` has the number of inputs, `RELATCH_FUZZ_SEED` where to begin: `cargo xtask
//! drill fuzz` sets both.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "this is a part of tests, which fail by panicking and tell why"
)]

mod chance;
mod mutation;

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use chance::Chance;

/// So many inputs in a test: a fraction of a second.
const RUNS: u64 = 20_000;

/// Inputs are drawn from one until it is so often changed that hardly anything is left of it.
const CHANGES: u64 = 12;

/// The longest input.
const LONGEST: usize = 64 * 1024;

/// What is fed with what.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// What is called so in the output.
    pub name: &'a str,
    /// Good inputs, of every kind that there is.
    pub seeds: &'a [&'a [u8]],
    /// What means something inside an input.
    pub words: &'a [&'a str],
}

/// Calls `body` with the seeds as they are, and then with inputs that are almost right.
///
/// # Panics
/// Where `body` does, after printing the input.
pub fn run(target: &Target<'_>, body: impl Fn(&[u8])) {
    let (runs, seed) = (
        number("RELATCH_FUZZ_RUNS", RUNS),
        number("RELATCH_FUZZ_SEED", 1),
    );
    let mut chance = Chance::of(seed);
    let mut input = Vec::new();
    for run in 0..runs {
        match usize::try_from(run)
            .ok()
            .and_then(|run| target.seeds.get(run))
        {
            Some(first) => input = first.to_vec(),
            None if input.len() > LONGEST || chance.below(CHANGES) == 0 => {
                input = chance
                    .pick(target.seeds)
                    .copied()
                    .unwrap_or_default()
                    .to_vec();
            }
            None => {}
        }
        if run >= target.seeds.len() as u64 {
            mutation::change(&mut input, target, &mut chance);
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(&input))) {
            let (name, input) = (target.name, input.escape_ascii());
            eprintln!("{name}: input {run} of seed {seed}: \"{input}\"");
            resume_unwind(panic);
        }
    }
    if runs > RUNS {
        eprintln!("{}: {runs} inputs of seed {seed}, no finding", target.name);
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "it is a test that is told")]
    let told = env::var(variable);
    match told {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number")),
        Err(_) => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet};

    use super::*;

    const TARGET: Target<'_> = Target {
        name: "test",
        seeds: &[b"a=1;b=2", b""],
        words: &["\r\n"],
    };

    fn inputs() -> Vec<Vec<u8>> {
        let seen = RefCell::new(Vec::new());
        run(&TARGET, |input| seen.borrow_mut().push(input.to_vec()));
        seen.into_inner()
    }

    #[test]
    fn it_draws_the_same_inputs_again_and_hardly_one_twice() {
        let first = inputs();
        assert_eq!(first, inputs());
        assert!(first.iter().collect::<BTreeSet<_>>().len() > first.len() / 2);
    }

    #[test]
    fn seeds_come_as_they_are_and_words_come_in() {
        let inputs = inputs();
        assert_eq!(inputs[..2], [b"a=1;b=2".to_vec(), Vec::new()]);
        assert!(
            inputs
                .iter()
                .any(|input| input.windows(2).any(|pair| pair == b"\r\n"))
        );
    }

    #[test]
    #[should_panic(expected = "a finding")]
    fn a_finding_is_one() {
        run(&TARGET, |input| {
            assert!(!input.ends_with(b"\r\n"), "a finding");
        });
    }
}
