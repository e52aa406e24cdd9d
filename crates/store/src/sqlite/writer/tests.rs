//! The writer on jobs that misbehave: what becomes of them, and of those beside them.

use tempfile::TempDir;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use crate::sqlite::connection::Synchronous;

type Answer = oneshot::Receiver<Result<(), StoreError>>;

const UNAVAILABLE: Result<(), StoreError> = Err(StoreError::Unavailable);

/// A loop without its thread: batches are made by hand.
fn at_rest(folder: &TempDir, synchronous: Synchronous) -> Loop {
    let connector = Connector::new(&folder.path().join("test.db"), synchronous);
    let connection = connector.open().expect("opens");
    connection
        .execute_batch("CREATE TABLE t (x)")
        .expect("creates");
    let checkpointer = Checkpointer::start(connector.open().expect("opens")).expect("starts");
    Loop {
        connection: Some(connection),
        connector,
        durability: None,
        checkpointer,
        queue: Arc::new(Queue::new(1)),
    }
}

fn job<F>(work: F) -> (Box<dyn Job>, Answer)
where
    F: FnOnce(&Connection) -> Result<(), Fault> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (
        Box::new(crate::sqlite::job::Steps::healing(work, reply)),
        answer,
    )
}

fn insert(number: i64) -> (Box<dyn Job>, Answer) {
    job(move |connection| {
        connection.execute("INSERT INTO t VALUES (?1)", [number])?;
        Ok(())
    })
}

/// Runs them as one batch; what each was answered.
fn batch<const N: usize>(
    state: &mut Loop,
    jobs: [(Box<dyn Job>, Answer); N],
) -> [Result<(), StoreError>; N] {
    let (mut members, mut answers) = (Vec::new(), Vec::new());
    for (member, answer) in jobs {
        members.push(member);
        answers.push(answer);
    }
    let (given, again) = state.process(members);
    assert!(again.is_empty());
    given.give();
    let mut answers = answers.into_iter();
    [(); N].map(|()| {
        let mut answer = answers.next().expect("one each");
        answer.try_recv().expect("is answered")
    })
}

fn rows(folder: &TempDir) -> Vec<i64> {
    let connection = Connection::open(folder.path().join("test.db")).expect("opens");
    let sql = "SELECT x FROM t WHERE typeof(x) = 'integer' ORDER BY x";
    let mut statement = connection.prepare(sql).expect("prepares");
    let rows = statement.query_map([], |row| row.get(0)).expect("reads");
    rows.map(|row| row.expect("reads")).collect()
}

#[test]
fn a_member_that_fails_leaves_nothing_and_its_batch_goes_on() {
    let folder = TempDir::new().expect("a folder");
    let mut state = at_rest(&folder, Synchronous::Off);
    let failing = job(|connection| {
        connection.execute("INSERT INTO t VALUES (2)", [])?;
        Err(Fault::Corrupt("a row"))
    });
    let said = batch(&mut state, [insert(1), failing, insert(3)]);
    assert_eq!(said, [Ok(()), Err(StoreError::Corrupt("a row")), Ok(())]);
    assert_eq!(rows(&folder), [1, 3]);
}

#[test]
fn a_member_that_panics_takes_its_batch_along_and_no_other() {
    let folder = TempDir::new().expect("a folder");
    let mut state = at_rest(&folder, Synchronous::Off);
    let panicking = job(|connection| {
        connection.execute("INSERT INTO t VALUES (2)", [])?;
        panic!("on purpose");
    });
    let said = batch(&mut state, [insert(1), panicking, insert(3)]);
    assert_eq!(said, [UNAVAILABLE; 3]);
    assert_eq!(batch(&mut state, [insert(4)]), [Ok(())]);
    assert_eq!(rows(&folder), [4]);
}

#[test]
fn a_member_that_loses_the_transaction_does_not_leave_others_outside_of_one() {
    let folder = TempDir::new().expect("a folder");
    let mut state = at_rest(&folder, Synchronous::Off);
    let losing = job(|connection| {
        connection.execute_batch("ROLLBACK")?;
        Ok(())
    });
    let said = batch(&mut state, [insert(1), losing, insert(3)]);
    assert_eq!(said, [UNAVAILABLE; 3]);
    assert_eq!(batch(&mut state, [insert(4)]), [Ok(())]);
    assert_eq!(rows(&folder), [4]);
}

/// Whatever SQLite makes of it, undoing the statement or the transaction: whoever was told yes finds his row, and
/// whoever was told no does not.
#[test]
fn a_full_disk_is_unavailable_and_nothing_is_half_written() {
    let folder = TempDir::new().expect("a folder");
    let mut state = at_rest(&folder, Synchronous::Off);
    let limit = |connection: &Connection, pages: i64| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        connection
            .query_row(&sql, [], |_| Ok(()))
            .map_err(Fault::from)
    };
    assert_eq!(batch(&mut state, [job(move |c| limit(c, 10))]), [Ok(())]);
    let large = |number: i64| {
        job(move |connection| {
            connection.execute("INSERT INTO t VALUES (?1)", [number])?;
            let sql = "INSERT INTO t VALUES (zeroblob(1000000))";
            connection.execute(sql, [])?;
            Ok(())
        })
    };
    let numbers = [1, 2, 3, 4, 5];
    let said = batch(
        &mut state,
        [insert(1), large(2), insert(3), large(4), insert(5)],
    );
    assert_eq!((said[1], said[3]), (UNAVAILABLE, UNAVAILABLE));
    let told: Vec<_> = numbers.into_iter().zip(said).collect();
    let kept = told.iter().filter(|one| one.1.is_ok()).map(|one| one.0);
    assert_eq!(rows(&folder), kept.collect::<Vec<_>>());
    assert_eq!(
        batch(&mut state, [job(move |c| limit(c, 1_000_000))]),
        [Ok(())]
    );
    assert_eq!(
        batch(&mut state, [large(6)]),
        [Ok(())],
        "there is room again"
    );
    assert_eq!(rows(&folder).last(), Some(&6));
}

#[test]
fn a_commit_that_fails_answers_no_to_all_and_opens_anew() {
    let folder = TempDir::new().expect("a folder");
    let mut state = at_rest(&folder, Synchronous::Off);
    let sql = "CREATE TABLE parent (id INTEGER PRIMARY KEY); \
               CREATE TABLE child (id REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)";
    let made = job(|connection| Ok(connection.execute_batch(sql)?));
    assert_eq!(batch(&mut state, [made]), [Ok(())]);
    let orphan = job(|connection| Ok(connection.execute_batch("INSERT INTO child VALUES (1)")?));
    let said = batch(&mut state, [insert(1), orphan, insert(3)]);
    assert_eq!(said, [UNAVAILABLE; 3]);
    assert!(state.connection.is_none());
    assert_eq!(batch(&mut state, [insert(4)]), [Ok(())]);
    assert_eq!(rows(&folder), [4]);
}

/// Says under which durability and at which `synchronous` it ran.
struct Probe {
    durability: Durability,
    insists: bool,
    ran: Arc<Mutex<Vec<(Durability, i64)>>>,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

impl Job for Probe {
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, connection: &Connection, durability: Durability) -> Result<Step, Fault> {
        let level = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        self.ran
            .lock()
            .expect("not poisoned")
            .push((durability, level));
        if self.insists && durability == Durability::Healing {
            self.durability = Durability::Durable;
            return Ok(Step::NeedsDurable);
        }
        Ok(Step::Done)
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        self.reply.send(outcome).expect("somebody waits");
    }
}

type Ran = Arc<Mutex<Vec<(Durability, i64)>>>;

fn probe(durability: Durability, insists: bool, ran: &Ran) -> (Box<dyn Job>, Answer) {
    let (reply, answer) = oneshot::channel();
    let ran = Arc::clone(ran);
    let probe = Probe {
        durability,
        insists,
        ran,
        reply,
    };
    (Box::new(probe), answer)
}

/// `PRAGMA synchronous` of the two classes.
const NORMAL: i64 = 1;
const FULL: i64 = 2;

#[test]
fn a_batch_is_as_durable_as_its_most_durable_member() {
    let folder = TempDir::new().expect("a folder");
    let mut state = at_rest(&folder, Synchronous::Full);
    let ran = Ran::default();
    let (healing, durable) = (Durability::Healing, Durability::Durable);
    for (classes, expected) in [
        ([healing, healing], (healing, NORMAL)),
        ([healing, durable], (durable, FULL)),
        ([durable, healing], (durable, FULL)),
        ([healing, healing], (healing, NORMAL)),
    ] {
        let jobs = classes.map(|durability| probe(durability, false, &ran));
        assert_eq!(batch(&mut state, jobs), [Ok(()), Ok(())]);
        let ran = std::mem::take(&mut *ran.lock().expect("not poisoned"));
        assert_eq!(ran, [expected; 2]);
    }
    // Also on a connection that was opened anew.
    for expected in [(healing, NORMAL), (durable, FULL), (durable, FULL)] {
        state.connection = None;
        let jobs = [probe(expected.0, false, &ran)];
        assert_eq!(batch(&mut state, jobs), [Ok(())]);
        assert_eq!(ran.lock().expect("not poisoned").pop(), Some(expected));
    }
}

#[test]
fn what_turns_out_to_need_the_disk_is_answered_after_a_durable_batch_alone() {
    let folder = TempDir::new().expect("a folder");
    let mut state = at_rest(&folder, Synchronous::Full);
    let ran = Ran::default();
    let (early, mut early_answer) = probe(Durability::Healing, false, &ran);
    let (late, mut late_answer) = probe(Durability::Healing, true, &ran);
    let (given, again) = state.process(vec![late, early]);
    given.give();
    assert_eq!(again.len(), 1);
    assert_eq!(early_answer.try_recv(), Ok(Ok(())));
    assert_eq!(late_answer.try_recv(), Err(TryRecvError::Empty));
    let (given, again) = state.process(again);
    given.give();
    assert!(again.is_empty());
    assert_eq!(late_answer.try_recv(), Ok(Ok(())));
    let ran = std::mem::take(&mut *ran.lock().expect("not poisoned"));
    let expected = [
        (Durability::Healing, NORMAL),
        (Durability::Healing, NORMAL),
        (Durability::Durable, FULL),
    ];
    assert_eq!(ran, expected);
}
