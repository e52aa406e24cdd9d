//! Notes: everybody has their own, and whoever may do with all notes what others may with theirs. What a caller may, the
//! arguments of the handlers say.

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;
use axum::{Json, Router};
use relatch_verify::axum::{Permission, Permitted};
use relatch_verify::{Claims, permission};
use serde::{Deserialize, Serialize};

use crate::store::{Note, Store, Whose};

permission! {
    Create = "notes:create";
    Read = "notes:read";
    Update = "notes:update";
    Delete = "notes:delete";
}

/// All of them.
pub(crate) const PERMISSIONS: [&str; 4] = [Create::NAME, Read::NAME, Update::NAME, Delete::NAME];

/// What somebody sends to make a note, or to change one.
#[derive(Deserialize)]
struct Draft {
    text: String,
}

#[derive(Serialize)]
struct Shown {
    id: i64,
    text: String,
    owner: String,
}

/// What the caller may do, so that an app offers nothing else.
#[derive(Serialize)]
struct Allowed {
    notes: Vec<&'static str>,
    #[serde(rename = "all-notes")]
    all_notes: Vec<&'static str>,
}

pub(crate) fn routes(store: Store) -> Router {
    Router::new()
        .route("/permissions", get(permissions))
        .route("/notes", get(list).post(create))
        .route("/notes/{id}", get(read).put(update).delete(delete))
        .with_state(store)
}

async fn create(
    caller: Permitted<Create>,
    State(store): State<Store>,
    Json(draft): Json<Draft>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Shown>), StatusCode> {
    let note = store.add(&caller.sub, &draft.text).map_err(failed)?;
    let place = [(header::LOCATION, format!("/notes/{}", note.id))];
    Ok((StatusCode::CREATED, place, Json(note.into())))
}

async fn list(
    caller: Permitted<Read>,
    State(store): State<Store>,
) -> Result<Json<Vec<Shown>>, StatusCode> {
    let notes = store.list(whose(&caller)).map_err(failed)?;
    Ok(Json(notes.into_iter().map(Shown::from).collect()))
}

async fn read(
    caller: Permitted<Read>,
    State(store): State<Store>,
    Path(id): Path<i64>,
) -> Result<Json<Shown>, StatusCode> {
    let note = store.find(id, whose(&caller)).map_err(failed)?;
    note.map(|note| Json(note.into())).ok_or(NOT_FOUND)
}

async fn update(
    caller: Permitted<Update>,
    State(store): State<Store>,
    Path(id): Path<i64>,
    Json(draft): Json<Draft>,
) -> Result<Json<Shown>, StatusCode> {
    let note = store.change(id, whose(&caller), &draft.text);
    let note = note.map_err(failed)?.ok_or(NOT_FOUND)?;
    Ok(Json(note.into()))
}

async fn delete(
    caller: Permitted<Delete>,
    State(store): State<Store>,
    Path(id): Path<i64>,
) -> Result<StatusCode, StatusCode> {
    let gone = store.delete(id, whose(&caller)).map_err(failed)?;
    gone.then_some(StatusCode::NO_CONTENT).ok_or(NOT_FOUND)
}

async fn permissions(caller: Claims) -> Json<Allowed> {
    let allowed = |of: &str, actions: &[&'static str]| {
        let permits = |action: &&&str| caller.permits(&format!("{of}:{action}"));
        actions.iter().filter(permits).copied().collect()
    };
    Json(Allowed {
        notes: allowed("notes", &["create", "read", "update", "delete"]),
        all_notes: allowed("all-notes", &["read", "update", "delete"]),
    })
}

/// What is not there, and what is somebody else's: nobody can tell the two apart.
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;

/// Whose notes the caller may do this with: everybody's with `all-notes:read` beside `notes:read`, and so on; else their own.
fn whose<P: Permission>(caller: &Permitted<P>) -> Whose<'_> {
    if caller.permits(&format!("all-{}", P::NAME)) {
        Whose::Everybodys
    } else {
        Whose::Only(&caller.sub)
    }
}

fn failed(error: rusqlite::Error) -> StatusCode {
    tracing::error!(%error, "the notes cannot be reached");
    StatusCode::INTERNAL_SERVER_ERROR
}

impl From<Note> for Shown {
    fn from(note: Note) -> Self {
        let Note { id, text, owner } = note;
        Self { id, text, owner }
    }
}
