//! The verb `help`: all verbs on one screen.

use crate::failure::Failure;
use crate::parts;

const VERBS: &str = "\
cargo xtask demo                    the notes app in a browser: builds and starts all that it needs
cargo xtask test [PART]             all that protects main, or one part of it
cargo xtask test quick              the loop before a commit: fmt, clippy of the server, unit
cargo xtask gen [--check]           write (or compare) the generated pages of docs/
cargo xtask fix                     what clippy and rustfmt can put right themselves
cargo xtask release [--once]        build the binary twice, compare, and lay it out with its parts list and sums
cargo xtask bench refresh [...]     measure refreshes per second
cargo xtask bench login [...]       measure logins per second, and refreshes meanwhile
cargo xtask bench size [...]        measure the bytes that a session takes
cargo xtask bench idle [...]        measure memory, start and size of the server
cargo xtask bench verify [...]      measure what checking an access token costs
cargo xtask bench dpop [...]        measure what it costs that sessions are bound to a key
cargo xtask bench tls [...]         measure refreshes over TLS, and handshakes
cargo xtask drill kill [...]        kill the server under load, again and again
cargo xtask drill power-cut [...]   cut its writes off as a power cut would (needs strace)
cargo xtask drill backup [...]      back up and restore beside clients at work
cargo xtask drill revocation [...]  sessions that end before a thousand followers, and a feed that is cut
cargo xtask drill certificate [...] replace the certificate beside clients at work
cargo xtask drill slow [...]        attackers who are slow, and honest clients meanwhile
cargo xtask drill spraying [...]    five passwords at ten thousand accounts, beside users who log in
cargo xtask drill timing [...]      unknown users against wrong passwords, by the time of the refusal
cargo xtask drill fuzz [...]        feed whatever reads what strangers send with inputs that are almost right
cargo xtask drill schemathesis [...] whatever openapi.json allows, and what it does not (--cases N)
cargo xtask drill model [...]       the model of the rotation, to a larger bound
cargo xtask drill tabs [...]        ten tabs of a real browser at work with one session
cargo xtask drill lost-answers [...]  a real browser on a network that spoils every third refresh
cargo xtask drill theft [...]       refresh tokens stolen from a real browser

bench and drill take --json FILE for the result and --profile quick for a build without the long link; other
options go to the program that measures, which has a --help of its own.

Parts of the tests:";

/// Prints it.
///
/// # Errors
/// None; it is a verb like the others.
#[expect(clippy::unnecessary_wraps, reason = "a verb like the others")]
pub(crate) fn print() -> Result<(), Failure> {
    println!("{VERBS}");
    for part in parts::ALL {
        println!("  {:<10} {}", part.name, part.checks);
    }
    Ok(())
}
