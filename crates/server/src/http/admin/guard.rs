//! Who is let in: one line in every handler, with the permission that the route takes.

use relatch_core::{
    event::Administrator,
    permission::administer::{self, AdmitError},
    session::list::Caller,
};

use crate::{app::App, http::problem::Problem};

/// Whoever may look.
pub(super) async fn look(
    app: &App,
    caller: &Caller,
    permission: &'static str,
) -> Result<Administrator, Problem> {
    admitted(administer::admit(&app.domain, caller, permission).await)
}

/// Whoever may change something, and has proved his password lately.
pub(super) async fn change(
    app: &App,
    caller: &Caller,
    permission: &'static str,
) -> Result<Administrator, Problem> {
    admitted(administer::admit_change(&app.domain, caller, permission).await)
}

fn admitted(admitted: Result<Administrator, AdmitError>) -> Result<Administrator, Problem> {
    Ok(admitted?)
}
