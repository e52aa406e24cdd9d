//! One client at work: it sends wish after wish and keeps a journal of what was answered.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::account::{Account, Habit, Wish};
use crate::api::{Answer, Api};
use crate::chance::Chance;
use crate::failure::{Failure, Result};

/// A wish, and the answer to it if there was one.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) wish: Wish,
    pub(crate) answer: Option<Answer>,
}

/// How a client's work ended.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) account: Account,
    /// Everything it asked for, in order.
    pub(crate) journal: Vec<Entry>,
    /// Answers that it should not have got.
    pub(crate) broken: Vec<String>,
}

impl Work {
    /// The wish whose answer never came: it may have been carried out or not.
    pub(crate) fn in_flight(&self) -> Option<&Wish> {
        let last = self.journal.last()?;
        last.answer.is_none().then_some(&last.wish)
    }

    pub(crate) fn answers(&self) -> usize {
        self.journal
            .iter()
            .filter(|entry| entry.answer.is_some())
            .count()
    }
}

/// Where, how and how long a client works.
#[derive(Debug)]
pub(crate) struct Shift {
    pub(crate) address: SocketAddr,
    pub(crate) habit: Habit,
    pub(crate) seed: u64,
    pub(crate) limit: Duration,
}

impl Shift {
    /// Sets all clients to work at once, each with its own chance.
    pub(crate) fn begin(&self, accounts: Vec<Account>) -> JoinSet<Work> {
        let mut tasks = JoinSet::new();
        for (lane, account) in (1..).zip(accounts) {
            let chance = Chance::lane(self.seed, lane);
            tasks.spawn(work(account, self.address, self.habit, chance, self.limit));
        }
        tasks
    }
}

/// Waits for all clients; in the order of their names, so that a seed means the same next time.
///
/// # Errors
/// A client crashed.
pub(crate) async fn join(mut tasks: JoinSet<Work>) -> Result<Vec<Work>> {
    let mut works = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        works.push(joined.map_err(|error| Failure::Told(format!("a client: {error}")))?);
    }
    works.sort_by(|a: &Work, b| a.account.name.cmp(&b.account.name));
    Ok(works)
}

/// Sends wishes until the server is gone, answers something wrong, or `limit` is over.
async fn work(
    account: Account,
    address: SocketAddr,
    habit: Habit,
    mut chance: Chance,
    limit: Duration,
) -> Work {
    let mut work = Work {
        account,
        journal: Vec::new(),
        broken: Vec::new(),
    };
    let mut api = Api::new(address);
    let end = Instant::now() + limit;
    while Instant::now() < end {
        let wish = work.account.wish(habit, &mut chance);
        let answer = send(&mut api, &work.account, &wish).await;
        if lost(&wish, answer.as_ref(), &mut chance) {
            continue;
        }
        let went_on = work.note(wish, answer);
        if !went_on {
            break;
        }
        if chance.percent(20) {
            sleep(Duration::from_millis(chance.below(4))).await;
        }
    }
    work
}

impl Work {
    /// Whether the client can go on.
    fn note(&mut self, wish: Wish, answer: Option<Answer>) -> bool {
        let told = answer
            .as_ref()
            .map_or(Ok(()), |answer| self.account.learn(&wish, answer));
        let went_on = answer.is_some() && told.is_ok();
        if let Err(what) = told {
            self.broken.push(format!("{}: {what}", self.account.name));
        }
        self.journal.push(Entry { wish, answer });
        went_on
    }
}

/// Whether a client loses the answer to a refresh, as one does that crashes before it has stored it. It
/// keeps what it holds, and says nothing of it in its journal.
fn lost(wish: &Wish, answer: Option<&Answer>, chance: &mut Chance) -> bool {
    let refreshed = answer.is_some_and(|answer| answer.status == 200);
    matches!(wish, Wish::Refresh { .. }) && refreshed && chance.percent(3)
}

/// The server's answer; none if nobody knows whether the wish was carried out, which is what a lost
/// answer and a 5xx have in common.
async fn send(api: &mut Api, account: &Account, wish: &Wish) -> Option<Answer> {
    let body = wish.body(account);
    let answer = api.post(wish.path(), wish.bearer(), body.as_ref()).await;
    answer.ok().filter(|answer| answer.status < 500)
}
