//! All that is revoked, signed: for whoever comes late, and for caches that carry it to many.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Bytes;
use relatch_core::{Domain, StoreError, Timestamp, revocation::Revocation};
use serde::Serialize;

use super::event::Entry;

/// The `typ` of its header.
const TYPE: &str = "relatch-revocations+jwt";

/// How long one is answered, in seconds: it is made when it is asked for.
const AGE: Duration = Duration::from_secs(2);

/// How long one is good, in seconds, whatever caches it comes through.
const LIFE: i64 = 60;

/// How many entries are read at a time.
const PAGE: u32 = 10_000;

/// A snapshot.
pub(crate) struct Snapshot {
    /// The compact JWS.
    pub(crate) text: Bytes,
    /// What no other snapshot of this server is called.
    pub(crate) tag: String,
    made: Instant,
}

/// The newest snapshot, made by one for all who ask at once.
#[derive(Default)]
pub(crate) struct Snapshots(tokio::sync::Mutex<Option<Arc<Snapshot>>>);

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
    exp: i64,
    last: String,
    revoked: Vec<Entry<'a>>,
}

impl Snapshots {
    /// One that is at most two seconds old.
    pub(crate) async fn newest(
        &self,
        domain: &Domain,
        now: Timestamp,
    ) -> Result<Arc<Snapshot>, StoreError> {
        let mut kept = self.0.lock().await;
        if let Some(snapshot) = kept.as_ref().filter(|kept| kept.made.elapsed() < AGE) {
            return Ok(Arc::clone(snapshot));
        }
        let made = Instant::now();
        let (last, revoked) = all(domain, now).await?;
        let iat = now.as_seconds();
        let claims = Claims {
            iss: &domain.issuer.url,
            iat,
            exp: iat.saturating_add(LIFE),
            last: last.clone(),
            revoked: revoked.iter().map(Entry::from).collect(),
        };
        // Serializing numbers and names to memory has no way to fail.
        let payload = serde_json::to_vec(&claims).unwrap_or_default();
        let keys = domain.keys.load();
        let snapshot = Arc::new(Snapshot {
            text: keys.signing.state(TYPE, &payload).into(),
            tag: format!("\"{last}-{iat}\""),
            made,
        });
        *kept = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}

/// What still matters at `now`, and up to where that is all.
async fn all(domain: &Domain, now: Timestamp) -> Result<(String, Vec<Revocation>), StoreError> {
    let (mut place, mut all) = (0, Vec::new());
    loop {
        let page = domain.store.revocations_after(place, PAGE).await?;
        let entries = page.entries.into_iter().map(|entry| entry.1);
        all.extend(entries.filter(|entry| now < entry.until));
        if !page.more {
            return Ok((page.last.to_string(), all));
        }
        place = page.last.sequence;
    }
}
