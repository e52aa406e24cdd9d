//! The log: for people on a terminal, JSON lines otherwise, on standard error.
//!
//! Lines are gathered for a moment and written together: a system call a line would be a sixth of the cost of a refresh.
//! A warning or worse is written at once; what waits when the process is killed is lost.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, fmt, fmt::MakeWriter};

/// How long lines are gathered.
const PAUSE: Duration = Duration::from_millis(50);

/// More waiting than this is written by whoever adds to it: the log never outgrows the memory.
const MOST_WAITING: usize = 1 << 20;

/// Starts logging for the whole process. `filter` is as `RELATCH_LOG` has it, for example `info` or `relatch=debug`.
///
/// # Errors
/// A sentence if the filter cannot be read, or logging was started before.
pub fn start(filter: &str) -> Result<Flush, String> {
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
        builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init()
    };
    started.map_err(|error| error.to_string())?;
    Ok(flush)
}

/// Writes what waits when it is dropped.
pub struct Flush(Lines);

impl Drop for Flush {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// The lines that wait.
#[derive(Clone)]
struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Vec<u8>>,
    wake: Condvar,
}

impl Lines {
    fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let lines = Self(Arc::clone(&shared));
        let writer = lines.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.run())?;
        Ok(lines)
    }

    fn run(&self) -> ! {
        loop {
            let waiting = self
                .0
                .wake
                .wait_while(self.lock(), |waiting| waiting.is_empty());
            drop(waiting);
            std::thread::sleep(PAUSE);
            self.flush();
        }
    }

    /// Written under the lock, so that lines stay in order. A standard error that is gone is nobody's to tell.
    fn flush(&self) {
        let mut waiting = self.lock();
        let _ = io::stderr().write_all(&waiting);
        waiting.clear();
    }

    fn add(&self, line: &[u8]) -> usize {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            self.0.wake.notify_one();
        }
        waiting.extend_from_slice(line);
        waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line on its way.
struct Line<'a> {
    lines: &'a Lines,
    at_once: bool,
}

impl io::Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let waiting = self.lines.add(line);
        if self.at_once || waiting > MOST_WAITING {
            self.lines.flush();
        }
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
            at_once: true,
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<'a> {
        Line {
            lines: self,
            at_once: *metadata.level() <= Level::WARN,
        }
    }
}
