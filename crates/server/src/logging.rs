//! The log: for people on a terminal, JSON lines otherwise, on standard error.
//!
//! Lines are gathered for a moment and written together: a system call a line would be a sixth of the cost of a refresh.
//! A warning or worse does not wait; what waits when the process is killed is lost.

mod json;

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, fmt, fmt::MakeWriter};

/// How long lines are gathered.
const PAUSE: Duration = Duration::from_millis(50);

/// Bytes that may wait: the log never outgrows the memory.
const MOST_WAITING: usize = 4 << 20;

/// Bytes of an empty buffer that are kept for the next lines.
const MOST_KEPT: usize = 512 << 10;

/// Starts logging for the whole process. `filter` is as `RELATCH_LOG` has it, for example `info` or `relatch=debug`.
///
/// # Errors
/// A sentence if the filter cannot be read, or logging was started before.
pub(crate) fn start(filter: &str) -> Result<Flush, String> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| format!("RELATCH_LOG cannot be read: {error}"))?;
    let lines = Lines::start().map_err(|error| error.to_string())?;
    let flush = Flush(lines.clone());
    let builder = fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        .with_target(false);
    let started = if io::stderr().is_terminal() {
        builder.compact().try_init()
    } else {
        builder.event_format(json::Json).try_init()
    };
    started.map_err(|error| error.to_string())?;
    std::panic::set_hook(Box::new(tell_of_a_panic));
    Ok(flush)
}

/// Where, and not what: the message might hold anything.
fn tell_of_a_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(tracing::field::display);
    tracing::error!(place, "a panic: please report it");
}

/// Writes what waits when it is dropped.
pub(crate) struct Flush(Lines);

impl Drop for Flush {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// The lines that wait for the thread that writes them. Nobody else waits for standard error: when its reader stalls, lines
/// are dropped and counted.
#[derive(Clone)]
struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    /// Held while writing, so that lines stay in order: the buffer that is written, then empty and the next one to be filled.
    /// A fresh one each time would be grown and paged in line by line.
    writing: Mutex<Vec<u8>>,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    urgent: bool,
    dropped: u64,
}

impl Lines {
    fn start() -> io::Result<Self> {
        let lines = Self(Arc::default());
        let writer = lines.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.run())?;
        Ok(lines)
    }

    fn run(&self) -> ! {
        let wake = &self.0.wake;
        loop {
            let some = wake
                .wait_while(self.lock(), |waiting| waiting.text.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            drop(wake.wait_timeout_while(some, PAUSE, |waiting| !waiting.urgent));
            self.flush();
        }
    }

    fn flush(&self) {
        let writing = self.0.writing.lock();
        let mut text = writing.unwrap_or_else(PoisonError::into_inner);
        let dropped = {
            let mut waiting = self.lock();
            std::mem::swap(&mut waiting.text, &mut *text);
            waiting.urgent = false;
            std::mem::take(&mut waiting.dropped)
        };
        // A standard error that is gone is nobody's to tell.
        let _ = io::stderr().write_all(&text);
        if dropped > 0 {
            let _ = writeln!(io::stderr(), "relatch: {dropped} log lines were dropped");
        }
        text.clear();
        text.shrink_to(MOST_KEPT);
    }

    fn add(&self, line: &[u8], urgent: bool) {
        let mut waiting = self.lock();
        if waiting.text.len() + line.len() > MOST_WAITING {
            waiting.dropped += 1;
            return;
        }
        if waiting.text.is_empty() || urgent {
            self.0.wake.notify_one();
        }
        waiting.urgent |= urgent;
        waiting.text.extend_from_slice(line);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line on its way.
struct Line<'a> {
    lines: &'a Lines,
    urgent: bool,
}

impl io::Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            lines: self,
            urgent: true,
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line {
            lines: self,
            urgent: *metadata.level() <= Level::WARN,
        }
    }
}
