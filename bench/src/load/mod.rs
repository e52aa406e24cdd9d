//! A closed-loop load generator: so many connections, each sending its next request when the answer
//! to the last one is there. One thread and plain sockets, so that it takes little from the server
//! beside it. It knows nothing of what it sends: a [`Chain`] writes the requests and reads the answers.

mod connection;
mod sample;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

pub(crate) use connection::Chain;
use connection::{Gate, drive};
pub(crate) use sample::{Sample, median};

use crate::carrier::Carrier;
use crate::cpu;
use crate::failure::{Doing, Failure, Result};

/// How long connections may take to finish their last request.
const GRACE: Duration = Duration::from_secs(20);

/// How to load a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    /// The server's process, whose processor time is measured.
    pub(crate) pid: u32,
    /// Load before the measured interval.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

/// Loads the server through one connection for each chain; hands the chains back for the next time.
///
/// # Errors
/// A connection broke, or the server is gone.
pub(crate) fn run<C: Chain>(plan: Plan, chains: Vec<C>) -> Result<(Sample, Vec<C>)> {
    run_over(plan, &Carrier::Plain, chains)
}

/// The same over what carries the connections.
///
/// # Errors
/// As above.
pub(crate) fn run_over<C: Chain>(
    plan: Plan,
    carrier: &Carrier,
    chains: Vec<C>,
) -> Result<(Sample, Vec<C>)> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.doing("starting the load generator")?;
    LocalSet::new().block_on(&runtime, measure(plan, carrier, chains))
}

async fn measure<C: Chain>(
    plan: Plan,
    carrier: &Carrier,
    chains: Vec<C>,
) -> Result<(Sample, Vec<C>)> {
    let gate = Rc::new(Gate::default());
    let mut tasks = JoinSet::new();
    for chain in chains {
        let gate = Rc::clone(&gate);
        tasks.spawn_local(drive(plan.address, carrier.clone(), chain, gate));
    }
    sleep(plan.warm_up).await;
    let (before, own_before) = (cpu::time(plan.pid)?, cpu::time(std::process::id())?);
    let begun = Instant::now();
    gate.measure();
    sleep(plan.measured).await;
    gate.close();
    let elapsed = begun.elapsed();
    let server = cpu::time(plan.pid)?.saturating_sub(before);
    let generator = cpu::time(std::process::id())?.saturating_sub(own_before);
    let mut sample = Sample::new(elapsed, server, generator);
    let chains = timeout(GRACE, collect(tasks, &mut sample)).await;
    let chains = chains.map_err(|_| Failure::Told("a request was never answered".to_owned()))??;
    sample.sort();
    Ok((sample, chains))
}

async fn collect<C: Chain>(
    mut tasks: JoinSet<std::io::Result<(connection::Seen, C)>>,
    sample: &mut Sample,
) -> Result<Vec<C>> {
    let mut chains = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        let joined = joined.map_err(|error| Failure::Told(format!("a connection: {error}")))?;
        let (seen, chain) = joined.doing("talking to the server under load")?;
        sample.add(seen);
        chains.push(chain);
    }
    Ok(chains)
}
