//! The page of errors, made from their catalogue.

use std::fmt::Write as _;

use relatch_core::session::EndReason;

use super::{Code, FAULTS};

/// Markdown: every error with its status, its meaning and what to do; then the faults of fields and the ends of sessions.
pub fn reference() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         Every error is `application/problem+json` (RFC 9457). `code` is stable and what a program looks at; `title` and `detail` are \
         for people and may change; `request_id`, which is also the header `x-request-id`, finds the line in the server's log. \
         `type` is `urn:relatch:error:` and the code.\n\n\
         Two answers have no body: 431 over HTTP/2, and 503 to a connection for which not even a spare place is left \
         (`server.max_connections`).\n\n\
         Made by `cargo xtask gen` from the catalogue of errors; do not edit.\n",
    );
    for code in Code::ALL {
        // Writing to a String has no way to fail, here and below.
        let _ = write!(
            page,
            "\n## {}\n\n{}. {}\n\n{}\n\nWhat to do: {}\n",
            code.name(),
            code.status().as_u16(),
            code.title(),
            code.meaning(),
            code.remedy(),
        );
    }
    page.push_str(
        "\n## Faults of fields\n\n\
         `errors` of `invalid_request` has at most 16 entries of `field`, `code` and `detail`. `field` is a field of the body, `body` \
         itself, or the name of a header or parameter.\n\n| code | meaning |\n|---|---|\n",
    );
    for (name, meaning) in FAULTS {
        let _ = writeln!(page, "| `{name}` | {meaning} |");
    }
    page.push_str("\n## Why a session ended\n\n`reason` of `session_ended`.\n\n| reason | meaning |\n|---|---|\n");
    for reason in EndReason::all() {
        let _ = writeln!(page, "| `{}` | {} |", reason.name(), ended_because(reason));
    }
    page
}

/// A reason in words for the reader of the API's reference.
pub(in crate::http) fn ended_because(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Logout => "Logged out on the device itself.",
        EndReason::LogoutEverywhere => "The user logged out everywhere.",
        EndReason::EndedByUser => "The user ended this device from another one.",
        EndReason::PasswordChanged => "The password was changed.",
        EndReason::Reuse => {
            "A spent refresh token came back too late for a retry: two parties hold it."
        }
        EndReason::SessionLimit => "A newer login took the place of the longest unused session.",
        EndReason::Idle => "Nobody refreshed it for too long.",
        EndReason::Expired => "Its absolute end has come.",
        EndReason::UserDisabled => "An administrator disabled the user.",
        EndReason::UserDeleted => "The user was deleted.",
        EndReason::EndedByAdministrator => "An administrator ended it.",
        EndReason::BackupRestored => {
            "An older backup was restored, and with it everybody was logged out."
        }
        EndReason::Replaced => {
            "Somebody logged in with the browser that had its cookie, which holds one session."
        }
        EndReason::SeenInTheClear => {
            "One of its tokens came over plain HTTP, where others may have read it."
        }
        EndReason::GenerationExhausted => "It turned as often as can be counted.",
    }
}
