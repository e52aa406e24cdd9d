//! The test binaries that run as parts of their own, since they take long or need more than the rest.

use crate::failure::Failure;
use crate::shell;

/// A test binary of its own.
pub(crate) struct Suite {
    /// The name of the binary.
    pub(crate) name: &'static str,
    /// The folder of its package.
    package: &'static str,
}

pub(crate) const MODEL: Suite = Suite {
    name: "refresh_model",
    package: "crates/core",
};
pub(crate) const ATTACKS: Suite = Suite {
    name: "attacks",
    package: "crates/server",
};
pub(crate) const GUIDES: Suite = Suite {
    name: "guides",
    package: "crates/server",
};
pub(crate) const README: Suite = Suite {
    name: "readme",
    package: "crates/server",
};

pub(crate) const LANGUAGES: Suite = Suite {
    name: "languages",
    package: "crates/server",
};

const ALL: [&Suite; 5] = [&MODEL, &ATTACKS, &GUIDES, &LANGUAGES, &README];

impl Suite {
    /// Runs this one; a suite in which no test ran has failed.
    ///
    /// # Errors
    /// When it isn't there, no test ran, or one failed.
    pub(crate) fn run(&self, options: &[&str]) -> Result<(), Failure> {
        if !self.exists() {
            return Err(Failure::Failed(format!(
                "there is no test binary `{}` in {}/tests",
                self.name, self.package
            )));
        }
        // The whole workspace, so that its crates are built with the same features as for `unit`.
        let mut command = nextest();
        command
            .args(["--test", self.name, "--no-tests=fail"])
            .args(options);
        shell::run(&mut command)
    }

    fn exists(&self) -> bool {
        let tests = shell::root().join(self.package).join("tests");
        tests.join(format!("{}.rs", self.name)).is_file()
            || tests.join(self.name).join("main.rs").is_file()
    }
}

/// Every test but those of the suites and of the documentation.
///
/// # Errors
/// When no test ran, or one failed.
pub(crate) fn run_the_rest() -> Result<(), Failure> {
    let mut command = nextest();
    command.arg("--no-tests=fail");
    // A filter that names a binary which isn't there is an error.
    let there: Vec<&str> = ALL
        .iter()
        .filter(|suite| suite.exists())
        .map(|suite| suite.name)
        .collect();
    if let Some(filter) = all_but(&there) {
        command.args(["--filterset", &filter]);
    }
    shell::run(&mut command)
}

fn nextest() -> std::process::Command {
    let profile = if shell::in_ci() { "ci" } else { "default" };
    shell::cargo(&[
        "nextest",
        "run",
        "--workspace",
        "--locked",
        "--profile",
        profile,
    ])
}

fn all_but(binaries: &[&str]) -> Option<String> {
    let terms: Vec<String> = binaries
        .iter()
        .map(|name| format!("not binary(={name})"))
        .collect();
    (!terms.is_empty()).then(|| terms.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::all_but;

    #[test]
    fn the_rest_is_all_but_the_suites_that_are_there() {
        assert_eq!(all_but(&[]), None);
        assert_eq!(
            all_but(&["attacks", "readme"]).as_deref(),
            Some("not binary(=attacks) and not binary(=readme)")
        );
    }
}
