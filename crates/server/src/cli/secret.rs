//! Secrets on their way in: from the terminal without echo, or from standard input. Never an argument, for those are in
//! the shell's history and in the list of processes.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use zeroize::Zeroizing;

use super::Failure;

/// Longer than any password or token may be.
const LONGEST: u64 = 64 * 1024;

/// A new password: asked for twice on a terminal, else the first line of standard input.
pub(super) fn new_password() -> Result<Zeroizing<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return first_line("a password");
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(|error| format!("the terminal gives no password: {error}"))
    };
    let password = ask("New password: ")?;
    if *password != *ask("The same again: ")? {
        return Err(Failure::Failed(
            "the two passwords differ: nothing was changed".to_owned(),
        ));
    }
    Ok(password)
}

/// A token: asked for on a terminal, without echo for the screen may be seen too, else the first line of standard input.
pub(super) fn token() -> Result<Zeroizing<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return first_line("a token");
    }
    let token = rpassword::prompt_password("Token (it is not shown): ");
    Ok(Zeroizing::new(token.map_err(|error| {
        format!("the terminal gives no token: {error}")
    })?))
}

/// The first line of standard input, without its end.
fn first_line(of_what: &str) -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin()
        .lock()
        .take(LONGEST)
        .read_until(b'\n', &mut bytes)
        .map_err(|error| format!("standard input cannot be read: {error}"))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| format!("{of_what} on standard input must be UTF-8"))?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::Failed(format!(
            "{of_what} is expected on the first line of standard input, and it is empty"
        )));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

/// Asks on the terminal; without one, nobody is asked and the answer is no.
pub(super) fn confirmed(question: &str, expected: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("{question}");
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| format!("the terminal cannot be read: {error}"))?;
    Ok(answer.trim() == expected)
}
