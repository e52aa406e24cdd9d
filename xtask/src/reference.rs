//! The verb `gen`: docs/configuration.md is what the server itself says of its settings.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::shell;

const PAGE: &str = "docs/configuration.md";

/// Writes the page.
///
/// # Errors
/// When the server can't say it or the file can't be written.
pub(crate) fn write() -> Result<(), Failure> {
    let said = said()?;
    let path = path();
    path.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&path, said))
        .map_err(|error| Failure::Failed(format!("{PAGE} could not be written: {error}")))?;
    println!("wrote {PAGE}");
    Ok(())
}

/// Compares the page.
///
/// # Errors
/// When it differs or can't be read.
pub(crate) fn check() -> Result<(), Failure> {
    let said = said()?;
    let kept = std::fs::read_to_string(path()).map_err(|error| {
        Failure::Failed(format!(
            "{PAGE} could not be read: {error}; `cargo xtask gen` writes it"
        ))
    })?;
    match first_difference(&kept, &said) {
        None => Ok(()),
        Some(line) => Err(Failure::Failed(format!(
            "{PAGE} is not what the server says, from line {line} on; `cargo xtask gen` writes it"
        ))),
    }
}

fn said() -> Result<String, Failure> {
    let mut command = shell::cargo(&[
        "run",
        "--quiet",
        "--locked",
        "--package",
        "relatch",
        "--",
        "config",
        "reference",
    ]);
    let output = shell::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() || said.trim().is_empty() {
        return Err(Failure::Failed(
            "`relatch config reference` did not print the reference of the settings".to_owned(),
        ));
    }
    Ok(said)
}

fn path() -> PathBuf {
    shell::root().join(PAGE)
}

/// The number of the first line in which the two differ; the end of a line counts too.
fn first_difference(kept: &str, said: &str) -> Option<usize> {
    let same = kept
        .split_inclusive('\n')
        .zip(said.split_inclusive('\n'))
        .take_while(|(a, b)| a == b);
    (kept != said).then(|| same.count() + 1)
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_line_that_differs_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("a\nb", "a\nb\n"), Some(2));
    }
}
