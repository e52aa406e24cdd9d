//! Types the commands of a page into one shell, in a folder of its own, with `relatch` at hand and a server beside it.

use std::{
    fmt::Write as _,
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use crate::{page::Page, shown};

/// The address in the pages' own lines.
const DEFAULT: &str = "127.0.0.1:8080";

/// Stands before what a block says, with the block's number: no program writes it.
const MARK: &str = "\u{1e}block ";

/// What a page may take for granted: programs, and the server with its beginning and its end.
const PREAMBLE: &str = include_str!("preamble.sh");

/// How long all the commands of a page may take, in seconds.
const LONGEST: &str = "120";

/// Types all blocks of a page; whatever did not go as it says.
pub(crate) fn type_in(page: &Page) -> Vec<String> {
    if page.blocks.is_empty() {
        return Vec::new();
    }
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let (bin, home) = (place.join("bin"), place.join("home"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&home).unwrap();
    let relatch = Path::new(env!("CARGO_BIN_EXE_relatch"));
    symlink(relatch, bin.join("relatch")).unwrap();
    let notes_cli = relatch.with_file_name("notes-cli");
    assert!(
        notes_cli.exists(),
        "`cargo build --package notes-cli` comes before this, as in `cargo xtask test guides`"
    );
    symlink(notes_cli, bin.join("notes-cli")).unwrap();
    let script = place.join("script");
    let address = free_address();
    fs::write(&script, self::script(page, &address)).unwrap();
    let mut path = bin.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let done = Command::new("timeout")
        .args(["--kill-after=5", LONGEST, "bash"])
        .arg(&script)
        .env_clear()
        .env("PATH", path)
        .env("HOME", &home)
        .env("USER", "operator")
        .env("RELATCH_SERVER_LISTEN", &address)
        .env("SERVER_LOG", place.join("server.log"))
        .current_dir(&home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    compare(page, &said, done.status.code(), &place.join("server.log"))
}

/// All blocks in one script, which stops at the first command that fails.
fn script(page: &Page, address: &str) -> String {
    let mut script = PREAMBLE.to_owned();
    if !page
        .blocks
        .iter()
        .any(|block| starts_a_server(&block.commands))
    {
        script.push_str("systemctl start relatch\n");
    }
    for (number, block) in page.blocks.iter().enumerate() {
        // A page that shows an error wants it.
        let shows_an_error = |text: &String| text.contains("\"code\":");
        let errors = block.shown.as_ref().is_some_and(shows_an_error);
        let fail = if errors { "" } else { "--fail-with-body" };
        let commands = block.commands.replace(DEFAULT, address);
        writeln!(
            script,
            "CURL_FAIL={fail}\nprintf '\\n{MARK}%s\\n' {number}\n{commands}"
        )
        .unwrap();
    }
    writeln!(script, "printf '\\n{MARK}end\\n'").unwrap();
    script
}

/// Whether the page itself says how.
fn starts_a_server(commands: &str) -> bool {
    commands
        .lines()
        .any(|line| line == "cargo run --release -- serve")
}

/// What each block said, beside what the page says of it.
fn compare(page: &Page, said: &str, code: Option<i32>, log: &Path) -> Vec<String> {
    let mark = format!("\n{MARK}");
    let mut answers = said.split(&mark).skip(1);
    let mut faults = Vec::new();
    for (number, block) in page.blocks.iter().enumerate() {
        let place = format!("{}:{}", page.path, block.line);
        let answer = answers.next().and_then(|answer| answer.split_once('\n'));
        let Some((_, answer)) = answer.filter(|answer| answer.0 == number.to_string()) else {
            faults.push(format!("{place}: was not reached:\n{said}"));
            break;
        };
        // The next mark, or the end, is behind every block that went well.
        if answers.clone().next().is_none() {
            let log = fs::read_to_string(log).unwrap_or_default();
            let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
            faults.push(format!(
                "{place}: a command ended with {code}:\n{answer}\nThe server's log:\n{log}"
            ));
            break;
        }
        if let Some(shown) = block
            .shown
            .as_deref()
            .filter(|page| !shown::agrees(page, answer))
        {
            faults.push(format!(
                "{place}: the page shows\n{shown}\nand what was shown is\n{answer}"
            ));
        }
    }
    faults
}

/// A port that nobody uses, below those that the system hands out for calls to others.
fn free_address() -> String {
    let first = 10_000 + (std::process::id() % 20_000) as u16;
    let address = |port| format!("127.0.0.1:{port}");
    let free = |address: &String| TcpListener::bind(address).is_ok();
    (first..first + 1_000).map(address).find(free).unwrap()
}
