//! `cargo xtask`: what a contributor types. It starts cargo and the project's own programs, and owns no rule of
//! the product; the standard library alone, so that it builds in a second.

mod args;
mod browser;
mod demo;
mod deny;
mod failure;
mod fix;
mod help;
mod measure;
mod parts;
mod reference;
mod release;
mod shell;
mod spa;
mod suites;
mod test;
mod tools;

use std::process::ExitCode;

use args::Verb;
use failure::Failure;

fn main() -> ExitCode {
    match typed()
        .and_then(|words| args::parse(&words))
        .and_then(carry_out)
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn typed() -> Result<Vec<String>, Failure> {
    std::env::args_os()
        .skip(1)
        .map(|word| {
            word.into_string()
                .map_err(|word| Failure::Usage(format!("{} is not UTF-8", word.display())))
        })
        .collect()
}

fn carry_out(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Help => help::print(),
        Verb::Demo => demo::start(),
        Verb::Test(selection) => test::run(selection),
        Verb::Gen { check: true } => reference::check(),
        Verb::Gen { check: false } => reference::write(),
        Verb::Fix => fix::run(),
        Verb::Release(proof) => release::run(proof),
        Verb::Measure(measurement) => measure::run(&measurement),
        Verb::Browser(drill) => browser::drill(&drill),
        Verb::Model(model) => measure::model(&model),
        Verb::Fuzz(fuzz) => measure::fuzz(&fuzz),
        Verb::Schemathesis(drill) => measure::schemathesis(&drill),
    }
}
