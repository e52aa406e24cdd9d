//! What a server wrote, synced and answered, as strace saw it, and which disk a power cut may leave.
//!
//! **Order.** One tracer stops a thread where it enters a call and where it leaves it, and lets it
//! run on only after it has noted so. So whatever a thread does after a sync returned, be it by
//! itself or through another thread that it woke, comes later in the trace than the line that the
//! sync returned in. A call has two places in the trace, `start` and `end`; no clock is used.
//!
//! **Answers** are found in what the server sends on its sockets, by their `x-request-id`. An answer
//! counts as given from the `start` of the call that sends its head: the client may have it then.
//!
//! **A power cut** at place `cut` leaves on disk what a finished sync covers: changes whose call
//! ended before the sync of their file started, if the sync ended before `cut`. Names of files are
//! covered by a sync of their folder only. What is not covered and started before `cut` may be there
//! in part: see [`Luck`].
//!
//! The `-shm` file is left out: SQLite makes it anew. A call that could change files in a way that is
//! not replayed here ends the run, lest it be overlooked.

mod call;
mod change;
mod disk;
mod event;
mod recorder;

pub(crate) use disk::{Luck, disk};
pub(crate) use event::{Deed, Trace};
pub(crate) use recorder::Recorder;
