//! Threads that hash passwords: as many as there are cores, a bounded queue, memory that is kept and then freed.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use relatch_core::{
    Entropy,
    password::{
        Busy, Password, PasswordHash, PasswordHasher, Verdict,
        hash::{Cost, Scratch},
    },
};
use tokio::sync::oneshot;

/// How long a worker keeps its memory without work.
const REST: Duration = Duration::from_secs(30);

/// How long after that the allocator's own delay is surely over: it keeps what is freed for a second, and then looks at it
/// only when something else is freed.
const SETTLING: Duration = Duration::from_secs(2);

/// The threads; they end when this is dropped.
pub(crate) struct HashingThreads {
    shared: Arc<Shared>,
    queue: usize,
    /// What a password is compared with where there is no user: nobody has its password.
    nobody: PasswordHash,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    cost: Cost,
    entropy: Arc<dyn Entropy>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    stopped: bool,
}

enum Work {
    Hash(Password, oneshot::Sender<Option<PasswordHash>>),
    Verify(Password, PasswordHash, oneshot::Sender<Verdict>),
}

impl HashingThreads {
    /// Starts `threads` of them (0: one a core) in front of which `queue` passwords may wait.
    ///
    /// # Errors
    /// If a thread cannot be started, or Argon2 refuses the cost.
    pub(crate) fn start(
        threads: usize,
        queue: usize,
        cost: Cost,
        entropy: Arc<dyn Entropy>,
    ) -> std::io::Result<Self> {
        let threads = match threads {
            0 => std::thread::available_parallelism()?.get(),
            given => given,
        };
        let impossible =
            || std::io::Error::new(std::io::ErrorKind::InvalidInput, "Argon2 refuses this cost");
        let nobody = PasswordHash::of_nobody(cost, entropy.as_ref()).ok_or_else(impossible)?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            cost,
            entropy,
        });
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || shared.work())?;
        }
        Ok(Self {
            shared,
            queue,
            nobody,
        })
    }

    async fn submit<T>(&self, work: impl FnOnce(oneshot::Sender<T>) -> Work) -> Result<T, Busy> {
        let (reply, answer) = oneshot::channel();
        {
            let mut state = self.shared.lock();
            if state.waiting.len() >= self.queue {
                return Err(Busy);
            }
            state.waiting.push_back(work(reply));
        }
        self.shared.wake.notify_one();
        answer.await.map_err(|_| Busy)
    }
}

#[async_trait]
impl PasswordHasher for HashingThreads {
    async fn hash(&self, password: Password) -> Result<PasswordHash, Busy> {
        self.submit(|reply| Work::Hash(password, reply))
            .await?
            .ok_or(Busy)
    }

    async fn verify(
        &self,
        password: Password,
        against: Option<PasswordHash>,
    ) -> Result<Verdict, Busy> {
        let exists = against.is_some();
        let against = against.unwrap_or_else(|| self.nobody.clone());
        let verdict = self
            .submit(|reply| Work::Verify(password, against, reply))
            .await?;
        Ok(if exists { verdict } else { Verdict::Wrong })
    }
}

impl Drop for HashingThreads {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut scratch = Scratch::default();
        while let Some(work) = self.next(&mut scratch) {
            let entropy = self.entropy.as_ref();
            // Whoever waited may have gone: then the work is not done.
            match work {
                Work::Hash(_, reply) if reply.is_closed() => {}
                Work::Verify(_, _, reply) if reply.is_closed() => {}
                Work::Hash(password, reply) => {
                    let _ = reply.send(scratch.hash(&password, self.cost, entropy));
                }
                Work::Verify(password, hash, reply) => {
                    let _ = reply.send(scratch.verify(&password, &hash, self.cost, entropy));
                }
            }
        }
    }

    /// The next work; frees the memory when there is none for a while. Nothing once stopped.
    fn next(&self, scratch: &mut Scratch) -> Option<Work> {
        let mut state = self.lock();
        let mut rests = [REST, SETTLING].into_iter().peekable();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(work) = state.waiting.pop_front() {
                return Some(work);
            }
            let Some(rest) = rests.peek() else {
                state = self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (woken, timeout) = self
                .wake
                .wait_timeout(state, *rest)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() && state.waiting.is_empty() {
                rests.next();
                scratch.release();
                // The second time this is what makes the allocator give back what was freed the first time.
                drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20)));
            }
        }
    }
}
