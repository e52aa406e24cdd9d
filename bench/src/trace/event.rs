//! Calls into what they meant for the data folder and for clients.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::call::{Call, Joiner, path};
use crate::failure::{Doing, Failure, Result};
use crate::wire;

/// Something that happened between two lines of the trace.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) deed: Deed,
}

/// What happened.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Deed {
    /// Opened for writing: it is there from now on, and empty if truncated.
    Open {
        file: PathBuf,
        truncate: bool,
    },
    Write {
        file: PathBuf,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: PathBuf,
        length: usize,
    },
    /// Of a file, or of a folder and the names in it.
    Sync {
        file: PathBuf,
    },
    Unlink {
        file: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    /// A second name for the same file.
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    /// The head of an answer went out to a client.
    Answer {
        request_id: String,
    },
}

/// A whole trace of one server.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// By `start`.
    pub(crate) events: Vec<Event>,
    pub(crate) lines: usize,
}

impl Trace {
    /// Reads strace's output about a server whose data are in `folder`.
    ///
    /// # Errors
    /// It cannot be read, or has a call that the replay does not know.
    pub(crate) fn read(output: &Path, folder: &Path) -> Result<Self> {
        let file = File::open(output).doing(output.display().to_string())?;
        Self::parse(BufReader::with_capacity(1 << 20, file), folder)
    }

    fn parse(output: impl BufRead, folder: &Path) -> Result<Self> {
        let mut reader = Reader::new(folder);
        let mut joiner = Joiner::default();
        let mut lines = 0;
        for line in output.lines() {
            let line = line.doing("reading the trace")?;
            if let Some(call) = joiner.line(lines, &line) {
                reader.call(&call)?;
            }
            lines += 1;
        }
        for call in joiner.rest() {
            reader.call(&call)?;
        }
        let mut events = reader.events;
        events.sort_by_key(|event| event.start);
        Ok(Self { events, lines })
    }
}

struct Reader<'a> {
    folder: &'a Path,
    events: Vec<Event>,
    /// Where a plain `write` goes on, by descriptor.
    positions: HashMap<String, usize>,
}

impl<'a> Reader<'a> {
    fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            events: Vec::new(),
            positions: HashMap::new(),
        }
    }

    fn call(&mut self, call: &Call) -> Result<()> {
        if call.failed() {
            return Ok(());
        }
        let deed = match call.name.as_str() {
            "openat" | "open" | "creat" => self.open(call),
            "lseek" => self.seek(call),
            "fsync" | "fdatasync" => self.own(call).map(|file| Deed::Sync { file }),
            "unlink" | "unlinkat" => self.named(call, 0).map(|file| Deed::Unlink { file }),
            "rename" | "renameat" | "renameat2" => self.rename(call),
            "link" | "linkat" => self.link(call),
            "ftruncate" => self.truncate(call),
            "pwrite64" | "pwritev" => self.write_at(call)?,
            "write" | "writev" | "sendto" | "sendmsg" => self.write(call)?,
            _ => self.unknown(call)?,
        };
        let (start, end) = (call.start, call.end);
        self.events
            .extend(deed.map(|deed| Event { start, end, deed }));
        Ok(())
    }

    /// The file in the data folder that the first argument stands for; `-shm` is none of them.
    fn own(&self, call: &Call) -> Option<PathBuf> {
        let file = PathBuf::from(path(call.argument(0)?)?);
        self.kept(file)
    }

    /// The file that a call names by its string of this index.
    fn named(&self, call: &Call, index: usize) -> Option<PathBuf> {
        let name = call.strings()?.into_iter().nth(index)?;
        self.kept(PathBuf::from(String::from_utf8(name).ok()?))
    }

    fn kept(&self, file: PathBuf) -> Option<PathBuf> {
        let shared = file.to_string_lossy().ends_with("-shm");
        (file.starts_with(self.folder) && !shared).then_some(file)
    }

    fn open(&mut self, call: &Call) -> Option<Deed> {
        self.positions.insert(call.returned()?.to_string(), 0);
        let creates = call.name == "creat" || call.arguments.contains("O_CREAT");
        let truncate = call.name == "creat" || call.arguments.contains("O_TRUNC");
        let file = self.named(call, 0).filter(|_| creates || truncate)?;
        Some(Deed::Open { file, truncate })
    }

    fn seek(&mut self, call: &Call) -> Option<Deed> {
        let place = call.returned()?;
        self.positions.insert(number(call)?.to_owned(), place);
        None
    }

    fn rename(&self, call: &Call) -> Option<Deed> {
        let (from, to) = (self.named(call, 0)?, self.named(call, 1)?);
        Some(Deed::Rename { from, to })
    }

    fn link(&self, call: &Call) -> Option<Deed> {
        let (from, to) = (self.named(call, 0)?, self.named(call, 1)?);
        Some(Deed::Link { from, to })
    }

    fn truncate(&self, call: &Call) -> Option<Deed> {
        let length = call.last()?.parse().ok()?;
        self.own(call).map(|file| Deed::Truncate { file, length })
    }

    fn write_at(&self, call: &Call) -> Result<Option<Deed>> {
        let Some(file) = self.own(call) else {
            return Ok(None);
        };
        let offset = call.last().and_then(|offset| offset.parse().ok());
        let offset = offset.ok_or_else(|| unread(call))?;
        let bytes = written(call)?;
        Ok(Some(Deed::Write {
            file,
            offset,
            bytes,
        }))
    }

    fn write(&mut self, call: &Call) -> Result<Option<Deed>> {
        let target = call.argument(0).and_then(path).unwrap_or_default();
        if target.starts_with("socket:") || target.starts_with("TCP") {
            let request_id = request_id(&written(call)?);
            return Ok(request_id.map(|request_id| Deed::Answer { request_id }));
        }
        let Some(file) = self.own(call) else {
            return Ok(None);
        };
        let bytes = written(call)?;
        let place = number(call).and_then(|fd| self.positions.get_mut(fd));
        let place = place.ok_or_else(|| unread(call))?;
        let offset = *place;
        *place += bytes.len();
        Ok(Some(Deed::Write {
            file,
            offset,
            bytes,
        }))
    }

    /// Calls that are traced only to be sure that they touch no file of the folder.
    fn unknown(&self, call: &Call) -> Result<Option<Deed>> {
        let mapped = call.name == "mmap" && !call.arguments.contains("MAP_SHARED");
        let readable = call.name == "mmap" && !call.arguments.contains("PROT_WRITE");
        let folder = self.folder.to_string_lossy();
        let touches = call
            .arguments
            .split(", ")
            .filter_map(path)
            .any(|file| file.starts_with(folder.as_ref()) && !file.ends_with("-shm"));
        if touches && !mapped && !readable {
            return Err(unread(call));
        }
        Ok(None)
    }
}

fn number(call: &Call) -> Option<&str> {
    call.arguments.split('<').next()
}

/// The bytes that a call wrote: all of them if it never returned.
fn written(call: &Call) -> Result<Vec<u8>> {
    let mut bytes = call.strings().ok_or_else(|| unread(call))?.concat();
    bytes.truncate(call.returned().unwrap_or(usize::MAX));
    Ok(bytes)
}

fn request_id(sent: &[u8]) -> Option<String> {
    let head = wire::head(sent)?;
    let lines = sent.get(..head.length)?;
    wire::header(lines, "x-request-id").map(str::to_owned)
}

fn unread(call: &Call) -> Failure {
    let (name, start) = (&call.name, call.start + 1);
    Failure::Told(format!(
        "line {start} of the trace: cannot replay this {name}"
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Deed, Trace};

    fn hex(text: &str) -> String {
        let bytes = text.bytes().map(|byte| format!("\\x{byte:02x}"));
        bytes.collect::<Vec<_>>().concat()
    }

    fn deeds(lines: &[String]) -> Vec<Deed> {
        let output = lines.join("\n");
        let trace = Trace::parse(output.as_bytes(), Path::new("/d")).unwrap();
        trace.events.into_iter().map(|event| event.deed).collect()
    }

    #[test]
    fn a_plain_write_goes_on_where_the_last_one_ended() {
        let (path, new) = (hex("/d/key"), hex("/d/key2"));
        let found = deeds(&[
            format!(r#"1  openat(AT_FDCWD<{path}>, "{path}", O_WRONLY|O_CREAT, 0600) = 3<{path}>"#),
            format!(r#"1  write(3<{path}>, "{}", 2) = 2"#, hex("ab")),
            format!(r#"1  write(3<{path}>, "{}", 2) = 1"#, hex("cd")),
            format!("1  fsync(3<{path}>) = 0"),
            format!(r#"1  rename("{path}", "{new}") = 0"#),
            format!(r#"1  linkat(AT_FDCWD, "{new}", AT_FDCWD, "{path}", 0) = 0"#),
        ]);
        let file = Path::new("/d/key").to_owned();
        let write = |offset, bytes: &[u8]| Deed::Write {
            file: file.clone(),
            offset,
            bytes: bytes.to_vec(),
        };
        let expected = [
            Deed::Open {
                file: file.clone(),
                truncate: false,
            },
            write(0, b"ab"),
            write(2, b"c"),
            Deed::Sync { file: file.clone() },
            Deed::Rename {
                from: file.clone(),
                to: Path::new("/d/key2").to_owned(),
            },
            Deed::Link {
                from: Path::new("/d/key2").to_owned(),
                to: file.clone(),
            },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_answer_is_known_by_its_request_id() {
        let head = hex("HTTP/1.1 200 OK\r\nx-request-id: r1\r\n\r\n");
        let socket = hex("socket:[7]");
        let line = format!(
            r#"1  writev(9<{socket}>, [{{iov_base="{head}", iov_len=38}}, {{iov_base="{}", iov_len=2}}], 2) = 40"#,
            hex("{}")
        );
        let request_id = "r1".to_owned();
        assert_eq!(deeds(&[line]), [Deed::Answer { request_id }]);
    }

    #[test]
    fn other_files_and_shared_memory_are_left_out() {
        let write =
            |path: &str| format!(r#"1  pwrite64(3<{}>, "{}", 1, 0) = 1"#, hex(path), hex("a"));
        assert_eq!(
            deeds(&[write("/e/relatch.db"), write("/d/relatch.db-shm")]),
            []
        );
    }

    #[test]
    fn what_cannot_be_replayed_ends_the_run() {
        let map = |path: &str| {
            let path = hex(path);
            format!("1  mmap(NULL, 32768, PROT_READ|PROT_WRITE, MAP_SHARED, 3<{path}>, 0) = 0x7f")
        };
        let parse = |line: String| Trace::parse(line.as_bytes(), Path::new("/d"));
        assert!(parse(map("/d/relatch.db")).is_err());
        assert!(parse(map("/d/relatch.db-shm")).is_ok());
    }
}
