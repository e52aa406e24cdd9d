//! Lines of strace into calls: `PID name(arguments) = result`, halves joined.

use std::collections::HashMap;

/// One system call with the lines that it began and ended in.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Call {
    pub(super) start: usize,
    /// `usize::MAX` if the trace ends before the call does.
    pub(super) end: usize,
    pub(super) name: String,
    pub(super) arguments: String,
    pub(super) result: String,
}

/// Joins the halves of calls that other threads' lines came between.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    /// The beginning of an unfinished call, by thread.
    open: HashMap<String, (usize, String)>,
}

impl Joiner {
    /// The call that ends in this line, if one does.
    pub(super) fn line(&mut self, number: usize, line: &str) -> Option<Call> {
        let (thread, rest) = line.split_once(' ')?;
        let rest = rest.trim();
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            self.open
                .insert(thread.to_owned(), (number, begun.to_owned()));
            return None;
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, tail) = resumed.split_once(" resumed>")?;
            let (start, begun) = self.open.remove(thread)?;
            return parse(start, number, &(begun + tail));
        }
        parse(number, number, rest)
    }

    /// Calls that never returned: the process was killed in them.
    pub(super) fn rest(self) -> Vec<Call> {
        let halves = self.open.into_values();
        let whole = halves.map(|(start, begun)| parse(start, usize::MAX, &(begun + ") = ?")));
        whole.flatten().collect()
    }
}

fn parse(start: usize, end: usize, text: &str) -> Option<Call> {
    let (call, result) = text.rsplit_once(" = ")?;
    let (name, arguments) = call.trim_end().strip_suffix(')')?.split_once('(')?;
    Some(Call {
        start,
        end,
        name: name.to_owned(),
        arguments: arguments.trim_end_matches([' ', ',']).to_owned(),
        result: result.to_owned(),
    })
}

impl Call {
    /// The number that it returned; none if it failed.
    pub(super) fn returned(&self) -> Option<usize> {
        let digits = self.result.split(['<', ' ']).next()?;
        digits.parse().ok()
    }

    /// Whether it failed, and so changed nothing. One that never returned may have changed something.
    pub(super) fn failed(&self) -> bool {
        self.result.starts_with('-')
    }

    /// Comma-separated arguments; nothing in quotes or brackets holds a comma, for strings are hex.
    pub(super) fn argument(&self, index: usize) -> Option<&str> {
        self.arguments.split(", ").nth(index)
    }

    pub(super) fn last(&self) -> Option<&str> {
        self.arguments.rsplit(", ").next()
    }

    /// All quoted strings in a row: one buffer, or those of a `writev`. None if one was cut short.
    pub(super) fn strings(&self) -> Option<Vec<Vec<u8>>> {
        let mut parts = self.arguments.split('"');
        parts.next()?;
        let mut strings = Vec::new();
        while let (Some(string), Some(after)) = (parts.next(), parts.next()) {
            if after.starts_with("...") {
                return None;
            }
            strings.push(unhex(string)?);
        }
        Some(strings)
    }
}

/// What a file descriptor stands for: `7<\x2f\x74>` is the path `/t`.
pub(super) fn path(descriptor: &str) -> Option<String> {
    let (_, after) = descriptor.split_once('<')?;
    let name = unhex(after.split_once('>')?.0)?;
    String::from_utf8(name).ok()
}

/// `\x2f\x74` is `/t`.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    for four in text.as_bytes().chunks(4) {
        let [b'\\', b'x', high, low] = four else {
            return None;
        };
        let byte = (digit(*high)? << 4) | digit(*low)?;
        bytes.push(byte);
    }
    Some(bytes)
}

fn digit(hex: u8) -> Option<u8> {
    let value = char::from(hex).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::{Joiner, path};

    #[test]
    fn halves_are_joined_by_thread() {
        let mut joiner = Joiner::default();
        assert_eq!(
            joiner.line(0, r"7  fdatasync(3<\x61> <unfinished ...>"),
            None
        );
        let write = joiner
            .line(1, r#"8  pwrite64(3<\x61>, "\x00\xff", 2, 40) = 2"#)
            .unwrap();
        assert_eq!((write.start, write.end, write.returned()), (1, 1, Some(2)));
        assert_eq!(write.strings().unwrap(), [[0, 255]]);
        assert_eq!(
            (write.last(), path(write.argument(0).unwrap())),
            (Some("40"), Some("a".to_owned()))
        );
        let sync = joiner
            .line(2, "7  <... fdatasync resumed>)          = 0")
            .unwrap();
        assert_eq!(
            (sync.start, sync.end, sync.name.as_str()),
            (0, 2, "fdatasync")
        );
        assert_eq!(path(&sync.arguments).as_deref(), Some("a"));
    }

    #[test]
    fn a_call_that_never_returned_stays_open() {
        let mut joiner = Joiner::default();
        joiner.line(4, r#"8  pwrite64(3<\x61>, "\x00", 1, 0 <unfinished ...>"#);
        let rest = joiner.rest();
        assert_eq!(
            (rest[0].end, rest[0].returned(), rest[0].failed()),
            (usize::MAX, None, false)
        );
        assert_eq!(rest[0].last(), Some("0"));
    }

    #[test]
    fn a_failed_call_says_so() {
        let line = r#"8  openat(AT_FDCWD<\x2f>, "\x61", O_RDONLY) = -1 ENOENT (No such file or directory)"#;
        let call = Joiner::default().line(0, line).unwrap();
        assert!(call.failed());
        assert_eq!(call.strings().unwrap(), [b"a"]);
    }
}
