//! Cursors: where a list goes on, sealed, so that nobody learns a number from one, makes one, or uses that of another list.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_core::key::Sealed;

use super::problem::Problem;
use crate::app::App;

/// A cursor of the list that `list` names; nothing if the cipher fails, and then the list seems to end there.
pub(super) fn write(app: &App, list: &str, number: i64) -> Option<String> {
    let master = app.master.load();
    let sealed = master
        .newest()
        .seal(&identity(list), &number.to_be_bytes())
        .ok()?;
    Some(URL_SAFE_NO_PAD.encode(sealed.bytes))
}

/// What a cursor of this list stands for. Those from before the master key was replaced are not known any more.
pub(super) fn read(app: &App, list: &str, cursor: &str) -> Result<i64, Problem> {
    let unknown = || {
        let detail = "This is no cursor of this list; begin without one.";
        Problem::field("cursor", "invalid_format", detail)
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| unknown())?;
    let masters = app.master.load();
    let opened = masters.iter().find_map(|master| {
        let sealed = Sealed {
            master: master.id(),
            bytes: bytes.clone(),
        };
        master.open(&identity(list), &sealed).ok()
    });
    let number = opened
        .as_deref()
        .and_then(|bytes| bytes.as_slice().try_into().ok());
    number.map(i64::from_be_bytes).ok_or_else(unknown)
}

fn identity(list: &str) -> String {
    format!("relatch/cursor/{list}")
}
