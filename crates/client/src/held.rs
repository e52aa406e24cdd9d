//! The store as the client uses it: records and keys in place of text, one at a time, and never on a thread that must not wait.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::key::Key;
use crate::record::Record;
use crate::{Error, Lock, Secret, Slot, Store, StoreError, chance};

/// Between two looks whether another process is done with the store.
const LOOK: Duration = Duration::from_millis(20);
/// Longer than any attempt: whoever holds a store for so long is stopped or broken.
const LONGEST_HELD: Duration = Duration::from_mins(1);

pub(crate) struct Held {
    store: Arc<dyn Store>,
    issuer: String,
    /// As read: it is made once.
    key: Mutex<Option<Arc<Key>>>,
}

/// Holds the store. What writes takes a share of it along, for a write goes on when nobody waits for it any more.
pub(crate) type Holding = Arc<Lock>;

impl Held {
    pub(crate) fn new(store: Arc<dyn Store>, issuer: String) -> Self {
        let key = Mutex::new(None);
        Self { store, issuer, key }
    }

    /// Waits until no other process has the store.
    pub(crate) async fn lock(&self) -> Result<Holding, Error> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(lock) = self.on_thread(Store::try_lock).await? {
                return Ok(Arc::new(lock));
            }
            if waited > LONGEST_HELD {
                let what = "another process has held the store for a minute";
                return Err(StoreError::new(what).into());
            }
            let wait = LOOK.mul_f64(0.5 + chance::fraction());
            waited += wait;
            tokio::time::sleep(wait).await;
        }
    }

    /// What is kept now.
    pub(crate) async fn record(&self) -> Result<Record, Error> {
        let kept = self.on_thread(|store| store.read(Slot::Session)).await?;
        match kept {
            Some(text) => Record::read(&text, &self.issuer),
            None => Ok(Record::new(&self.issuer)),
        }
    }

    /// Keeps a record in the place of any other.
    pub(crate) async fn keep(&self, holding: &Holding, record: &Record) -> Result<(), Error> {
        let (text, holding) = (record.keep()?, Arc::clone(holding));
        self.on_thread(move |store| {
            let _held = holding;
            store.write(Slot::Session, &text)
        })
        .await
    }

    /// Keeps what `change` makes of the record if `sent` is the refresh token in it still, and says whether it was: an answer
    /// counts only for whoever holds what it answers.
    pub(crate) async fn replace(
        &self,
        holding: &Holding,
        sent: &Secret,
        change: impl FnOnce(Record) -> Record,
    ) -> Result<bool, Error> {
        let record = self.record().await?;
        let holds = record.holds(sent);
        if holds {
            self.keep(holding, &change(record)).await?;
        }
        Ok(holds)
    }

    /// The key with that thumbprint.
    pub(crate) async fn key(&self, thumbprint: &str) -> Result<Arc<Key>, Error> {
        if let Some(key) = self.known().filter(|key| key.thumbprint() == thumbprint) {
            return Ok(key);
        }
        let key = self.read_key().await?;
        let key = key.filter(|key| key.thumbprint() == thumbprint);
        key.ok_or(Error::KeyMissing)
    }

    /// The key for a session that begins: that of the store, or a new one, which is kept before anybody hears of it.
    pub(crate) async fn key_or_new(&self, holding: &Holding) -> Result<Arc<Key>, Error> {
        if let Some(key) = self.read_key().await? {
            return Ok(key);
        }
        let key = Key::generate()?;
        let (text, holding) = (key.keep()?, Arc::clone(holding));
        self.on_thread(move |store| {
            let _held = holding;
            store.write(Slot::Key, &text)
        })
        .await?;
        Ok(self.know(key))
    }

    async fn read_key(&self) -> Result<Option<Arc<Key>>, Error> {
        let kept = self.on_thread(|store| store.read(Slot::Key)).await?;
        let key = kept.as_ref().and_then(Key::read);
        Ok(key.map(|key| self.know(key)))
    }

    fn known(&self) -> Option<Arc<Key>> {
        self.key.lock().ok()?.clone()
    }

    fn know(&self, key: Key) -> Arc<Key> {
        let key = Arc::new(key);
        if let Ok(mut known) = self.key.lock() {
            *known = Some(Arc::clone(&key));
        }
        key
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || work(&*store)).await;
        Ok(done.map_err(|_| Error::Broken("the store panicked"))??)
    }
}
