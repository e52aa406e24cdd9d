//! Notes: everybody has their own, kept in memory. What a caller may do with them, the arguments of the handlers say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;
use axum::{Json, Router};
use relatch_verify::axum::Permitted;
use relatch_verify::permission;
use serde::{Deserialize, Serialize};

permission! {
    Create = "notes:create";
    Read = "notes:read";
    Update = "notes:update";
    Delete = "notes:delete";
}

#[derive(Clone, Serialize)]
struct Note {
    id: u64,
    text: String,
    #[serde(skip)]
    owner: String,
}

#[derive(Deserialize)]
struct Draft {
    text: String,
}

/// What is not there, and what is somebody else's: nobody can tell the two apart.
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/notes", get(list).post(create))
        .route("/notes/{id}", get(read).put(update).delete(delete))
        .with_state(Notes::default())
}

async fn create(
    caller: Permitted<Create>,
    State(notes): State<Notes>,
    Json(draft): Json<Draft>,
) -> (StatusCode, [(HeaderName, String); 1], Json<Note>) {
    let note = notes.add(&caller.sub, draft.text);
    let location = format!("/notes/{}", note.id);
    (
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(note),
    )
}

async fn list(caller: Permitted<Read>, State(notes): State<Notes>) -> Json<Vec<Note>> {
    let all = notes.lock();
    let own = all.values().filter(|note| note.owner == caller.sub);
    Json(own.cloned().collect())
}

async fn read(
    caller: Permitted<Read>,
    State(notes): State<Notes>,
    Path(id): Path<u64>,
) -> Result<Json<Note>, StatusCode> {
    notes.with(id, &caller.sub, |note| Json(note.clone()))
}

async fn update(
    caller: Permitted<Update>,
    State(notes): State<Notes>,
    Path(id): Path<u64>,
    Json(draft): Json<Draft>,
) -> Result<Json<Note>, StatusCode> {
    notes.with(id, &caller.sub, |note| {
        note.text = draft.text;
        Json(note.clone())
    })
}

async fn delete(
    caller: Permitted<Delete>,
    State(notes): State<Notes>,
    Path(id): Path<u64>,
) -> Result<StatusCode, StatusCode> {
    notes.with(id, &caller.sub, |_| ())?;
    notes.lock().remove(&id);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<BTreeMap<u64, Note>>>);

impl Notes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, owner: &str, text: String) -> Note {
        let mut notes = self.lock();
        let id = notes.last_key_value().map_or(1, |(last, _)| last + 1);
        let owner = owner.to_owned();
        let note = Note { id, text, owner };
        notes.insert(id, note.clone());
        note
    }

    /// Does something with a note, if it is this owner's.
    fn with<T>(
        &self,
        id: u64,
        owner: &str,
        then: impl FnOnce(&mut Note) -> T,
    ) -> Result<T, StatusCode> {
        let mut notes = self.lock();
        let note = notes.get_mut(&id).filter(|note| note.owner == owner);
        note.map(then).ok_or(NOT_FOUND)
    }
}
