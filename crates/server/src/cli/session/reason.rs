//! What each way to end means, and what to do about it.

use relatch_core::session::{EndReason, Policy};

use crate::cli::words::{many, span};

/// The end in half a sentence, behind "the session ended:".
pub(super) fn meaning(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Logout => "the device logged out",
        EndReason::LogoutEverywhere => "the user logged out everywhere",
        EndReason::EndedByUser => "the user ended this device from another one",
        EndReason::PasswordChanged => "the password was changed",
        EndReason::Reuse => "a spent refresh token was used again, so that two parties held it",
        EndReason::SessionLimit => "the user logged in on more devices than allowed",
        EndReason::Idle => "it was not used for too long",
        EndReason::Expired => "it reached its absolute end",
        EndReason::UserDisabled => "an administrator disabled the user",
        EndReason::UserDeleted => "an administrator deleted the user",
        EndReason::GenerationExhausted => "its refresh token had turned as often as it can",
        EndReason::EndedByAdministrator => "an administrator ended it",
        EndReason::BackupRestored => "an older backup was restored",
        EndReason::SeenInTheClear => "one of its tokens came over plain HTTP",
        EndReason::Replaced => "somebody logged in with the same browser",
    }
}

const REPLACED: &str = "Its refresh token was in a cookie, and a browser has one of these. Whoever logs in there puts \
    another in its place, so that nobody could use this session any more; it ended in the same step, whoever's it was.";

/// Why there is such an end at all, in sentences.
pub(super) fn background(reason: EndReason, policy: &Policy) -> String {
    match reason {
        EndReason::Logout => "Whoever logs out shows a refresh token of the session, of whatever generation: it came from \
            somebody who held one. This is the ordinary end."
            .to_owned(),
        EndReason::LogoutEverywhere => "The user asked for that from one of his sessions (DELETE /auth/sessions), after \
            proving his password a short while before."
            .to_owned(),
        EndReason::EndedByUser => "The user asked for that in the list of devices of another session (DELETE \
            /auth/sessions/ID), after proving his password a short while before."
            .to_owned(),
        EndReason::PasswordChanged => "A new password ends every session of the user, so that nobody who knew the old one \
            stays in. The device from which the user changes it himself gets a fresh session in the same answer; a client \
            that does not store those tokens is logged out too."
            .to_owned(),
        EndReason::Reuse => format!(
            "Each refresh token is good for one turn; what it is turned into takes its place. {}A spent one can then only \
            come from somebody who kept an old copy, and nobody can tell which of the two is the thief: so the session ends \
            for both.",
            retries(policy)
        ),
        EndReason::SessionLimit => format!(
            "A user may have {} at a time (session.max_per_user). One more login ends the one that was not refreshed for \
            longest, which was this one.",
            many(policy.max_per_user as u64, "live session")
        ),
        EndReason::Idle => format!(
            "A session ends when nobody refreshes it for {} (session.idle_lifetime), or for {} with \"remember me\" \
            (session.remember_idle_lifetime); it is let in for {} more, in case a crash forgot its last turns.",
            span(policy.usual.idle),
            span(policy.remembered.idle),
            span(policy.idle_grace)
        ),
        EndReason::Expired => format!(
            "However often it is refreshed, a session ends {} after its login (session.absolute_lifetime), or {} after it \
            with \"remember me\" (session.remember_absolute_lifetime).",
            span(policy.usual.absolute),
            span(policy.remembered.absolute)
        ),
        EndReason::UserDisabled => "Disabling a user ends every session of his in the same step and refuses logins from then \
            on. Sessions do not come back when he is enabled."
            .to_owned(),
        EndReason::UserDeleted => "Deleting a user ends every session of his and overwrites name, address and password. \
            Whoever has the name now is somebody else."
            .to_owned(),
        EndReason::GenerationExhausted => "Refresh tokens are numbered from 0 to 4,294,967,295, and this session used all of \
            the numbers: a client that refreshes without pause for years, or one that somebody plays with."
            .to_owned(),
        EndReason::EndedByAdministrator => "Somebody with the right to do so ended this session, or all of the user's, and left \
            the account as it is."
            .to_owned(),
        EndReason::BackupRestored => "The database was put back to an older state, which does not know what was ended since: \
            so every session was ended with it (`relatch db restore --sessions end-all`)."
            .to_owned(),
        EndReason::SeenInTheClear => "A refresh token of the session, or an access token that was still good, came to the \
            listener for plain HTTP (server.redirect_listen), where anybody on its way could read it. So nobody may use it \
            any more."
            .to_owned(),
        EndReason::Replaced => REPLACED.to_owned(),
    }
}

/// What the user, or whoever runs the server, can do now.
pub(super) fn remedy(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Logout => {
            "The user logs in again. If he says that he did not log out, somebody else held his token: compare the address \
            above with his, and have him change his password."
        }
        EndReason::LogoutEverywhere | EndReason::EndedByUser => {
            "The user logs in again. If he did not ask for that, somebody else knows his password: have him change it, or set \
            a new one with `relatch user set-password`."
        }
        EndReason::PasswordChanged => {
            "The user logs in with the new password. If he did not change it, somebody else did: set another with `relatch \
            user set-password`, and look at where the change came from."
        }
        EndReason::Reuse => {
            "The user logs in again. Binding sessions to a key (DPoP) makes a stolen refresh token worthless and a late retry \
            harmless."
        }
        EndReason::SessionLimit => {
            "The user logs in again, which ends another of his sessions. If he does not have that many devices, look for a \
            client that logs in instead of refreshing (`relatch session list --user NAME`), or raise session.max_per_user."
        }
        EndReason::Idle => {
            "The user logs in again. If he did use the app meanwhile, its refreshes did not arrive or it did not keep their \
            answers: look for its requests in the log. \"Remember me\" or a longer session.idle_lifetime helps those who \
            come back seldom."
        }
        EndReason::Expired => "The user logs in again: this comes to everybody, and is no fault.",
        EndReason::UserDisabled => {
            "`relatch user show` tells whether he still is, and `relatch user enable` lets him log in again."
        }
        EndReason::UserDeleted => "Nothing: an account that was deleted does not come back.",
        EndReason::GenerationExhausted => {
            "The user logs in again. Find out why the client turns its token so often: its access tokens are good for \
            session.access_lifetime each."
        }
        EndReason::SeenInTheClear => {
            "Correct the address in the client: it must begin with https://. Then the user logs in again."
        }
        EndReason::Replaced => {
            "Nothing, if the user logged in again, or somebody else with his browser. If neither did, the cookie was in other \
            hands: compare the address above with his, and have him change his password."
        }
        EndReason::EndedByAdministrator | EndReason::BackupRestored => "The user logs in again.",
    }
}

fn retries(policy: &Policy) -> String {
    if policy.retry_window.is_zero() {
        return "Retries are turned off (session.retry_window = \"0s\"). ".to_owned();
    }
    format!(
        "For {} after the turn the one before counts as a retry and gets the same successor (session.retry_window). ",
        span(policy.retry_window)
    )
}
