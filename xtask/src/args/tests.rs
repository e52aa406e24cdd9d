//! What each line that can be typed means, and the answer to each that means nothing.

use super::{Fuzz, Measurement, Model, Selection, Verb, parse};
use crate::failure::Failure;
use crate::release::Proof;

fn typed(line: &str) -> Result<Verb, Failure> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    parse(&words)
}

fn refused(line: &str) -> String {
    match typed(line) {
        Err(Failure::Usage(why)) => why,
        other => format!("not refused: {other:?}"),
    }
}

#[test]
fn nothing_and_help_are_help() {
    for line in ["", "help", "--help", "-h", "test --help", "gen -h"] {
        assert_eq!(typed(line), Ok(Verb::Help), "{line}");
    }
}

#[test]
fn demo_stands_alone() {
    assert_eq!(typed("demo"), Ok(Verb::Demo));
    assert_eq!(refused("demo notes"), "`notes` is one word too many");
}

#[test]
fn test_runs_all_quick_or_one_part() {
    assert_eq!(typed("test"), Ok(Verb::Test(Selection::All)));
    assert_eq!(typed("test quick"), Ok(Verb::Test(Selection::Quick)));
    assert_eq!(typed("test deny"), Ok(Verb::Test(Selection::Part("deny"))));
}

#[test]
fn gen_writes_or_compares() {
    assert_eq!(typed("gen"), Ok(Verb::Gen { check: false }));
    assert_eq!(typed("gen --check"), Ok(Verb::Gen { check: true }));
    assert_eq!(refused("gen --chekc"), "gen takes nothing but --check");
}

#[test]
fn a_release_is_proven_unless_that_is_not_wanted() {
    assert_eq!(typed("release"), Ok(Verb::Release(Proof::Twice)));
    assert_eq!(typed("release --once"), Ok(Verb::Release(Proof::Once)));
    assert_eq!(refused("release now"), "release takes nothing but --once");
}

#[test]
fn a_measurement_hands_on_what_is_not_ours() {
    let rest = ["--json", "out.json", "--clients", "64"].map(str::to_owned);
    for line in [
        "bench refresh --json out.json --profile quick --clients 64",
        "bench refresh --profile=quick --json out.json --clients 64",
    ] {
        let expected = Measurement {
            kind: "bench",
            name: "refresh",
            profile: "quick",
            rest: rest.to_vec(),
        };
        assert_eq!(typed(line), Ok(Verb::Measure(expected)), "{line}");
    }
}

#[test]
fn help_after_a_measurement_is_that_of_the_program() {
    let expected = Measurement {
        kind: "drill",
        name: "kill",
        profile: "release",
        rest: vec!["--help".to_owned()],
    };
    assert_eq!(typed("drill kill --help"), Ok(Verb::Measure(expected)));
}

#[test]
fn the_model_takes_a_file_and_a_profile() {
    let model = |profile, json: Option<&str>| {
        Ok(Verb::Model(Model {
            profile,
            json: json.map(Into::into),
        }))
    };
    assert_eq!(typed("drill model"), model("release", None));
    assert_eq!(
        typed("drill model --json a.json"),
        model("release", Some("a.json"))
    );
    assert_eq!(
        typed("drill model --json=a.json --profile quick"),
        model("quick", Some("a.json"))
    );
    assert_eq!(
        refused("drill model --json"),
        "drill model takes nothing but --json FILE and --profile NAME"
    );
}

#[test]
fn fuzzing_takes_numbers_and_a_file() {
    let known = "drill fuzz takes nothing but --runs N, --seed N, --json FILE and --profile NAME";
    let fuzz = |runs, seed, json: Option<&str>| {
        Ok(Verb::Fuzz(Fuzz {
            profile: "release",
            runs,
            seed,
            json: json.map(Into::into),
        }))
    };
    assert_eq!(typed("drill fuzz"), fuzz(10_000_000, None, None));
    assert_eq!(
        typed("drill fuzz --seed 7 --json a.json --runs 1000"),
        fuzz(1000, Some(7), Some("a.json"))
    );
    for line in [
        "drill fuzz --runs",
        "drill fuzz --runs many",
        "drill fuzz body",
    ] {
        assert_eq!(refused(line), known, "{line}");
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let answers = [
        (
            "tset",
            "no verb is called `tset`; there are: demo, test, gen, fix, bench, drill, release, help",
        ),
        (
            "bench logout",
            "no bench is called `logout`; there are: refresh, login, size, idle, verify, dpop, tls",
        ),
        (
            "drill fire",
            "no drill is called `fire`; there are: kill, power-cut, backup, keys, revocation, certificate, slow, spraying, timing, fuzz, schemathesis, model, tabs, lost-answers, theft",
        ),
        (
            "drill",
            "drill which? There are: kill, power-cut, backup, keys, revocation, certificate, slow, spraying, timing, fuzz, schemathesis, model, tabs, lost-answers, theft",
        ),
        (
            "bench refresh --profile dev",
            "no profile is called `dev`; there are: release, quick",
        ),
        (
            "bench refresh --profile",
            "no profile is called ``; there are: release, quick",
        ),
        (
            "test units",
            "no part is called `units`; there are: fmt, clippy, generated, unit, model, attacks, guides, languages, browser, spa, deny, docs, readme, quick",
        ),
    ];
    for (line, answer) in answers {
        assert_eq!(refused(line), answer);
    }
}

#[test]
fn words_too_many_are_refused() {
    assert_eq!(refused("test unit now"), "`now` is one word too many");
    assert_eq!(refused("fix it"), "`it` is one word too many");
}
