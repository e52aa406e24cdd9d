//! What goes in and comes out under `/admin/v1`.

use serde_json::{Value, json};

use super::{body, described, object, reference, with};

pub(super) fn bodies() -> Value {
    json!({
        "NewUser": body(&["username", "email"], json!({
            "username": reference("Username"),
            "email": reference("Email"),
        })),
        "UserChange": one_of_them(json!({
            "state": reference("UserState"),
            "email": reference("Email"),
        })),
        "RoleChange": body(&["permissions"], json!({ "permissions": permissions() })),
        "Assignment": body(&["roles"], json!({
            "roles": of_user(),
            "end_sessions": { "type": "boolean", "description": "Ends every session of the user with it.", "default": false },
            "at_once": { "type": "boolean", "description": "Revokes the access tokens that the user has out, so that resource servers which follow revocations go by the new roles within a second. The sessions live on; each of them refreshes.", "default": false },
        })),
        "KeyRotation": body(&[], json!({
            "purpose": { "type": "string", "description": "Which keys.", "enum": ["all", "signing", "refresh_tag"], "default": "all" },
        })),
        "KeyCompromise": body(&[], json!({
            "log_out": { "type": "boolean", "description": "Must be true for a key of refresh tokens: every device whose token it made has to log in again.", "default": false },
        })),
    })
}

/// A body with one of these members and no other.
fn one_of_them(members: Value) -> Value {
    let any = with(body(&[], members), "minProperties", 1);
    with(any, "maxProperties", 1)
}

fn permissions() -> Value {
    json!({ "type": "array", "description": "`resource:action` each; the action may be `*`.", "items": { "type": "string" } })
}

fn of_user() -> Value {
    json!({ "type": "array", "description": "All of the user's roles.", "items": reference("RoleName") })
}

fn next() -> Value {
    json!({ "type": "string", "description": "`cursor` of the next page; not there: this is the last." })
}

fn list(name: &str, item: &str) -> Value {
    let items = json!({ "type": "array", "items": reference(item) });
    object(&[name], json!({ name: items, "next": next() }))
}

pub(super) fn users() -> Value {
    json!({
        "UserState": { "type": "string", "enum": ["active", "disabled"] },
        "RoleName": {
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "pattern": "^[a-z0-9._-]*$",
        },
        "Account": object(&["id", "username", "email", "state", "created_at"], json!({
            "id": reference("Id"),
            "username": reference("Username"),
            "email": reference("Email"),
            "state": reference("UserState"),
            "created_at": reference("Time"),
        })),
        "Accounts": list("users", "Account"),
        "ResetCode": object(&["code", "expires_at"], json!({
            "code": { "type": "string", "description": "Shown this once. POST /auth/password/reset takes it." },
            "expires_at": reference("Time"),
        })),
        "NewAccount": object(&["user", "password_reset"], json!({
            "user": reference("Account"),
            "password_reset": reference("ResetCode"),
        })),
    })
}

pub(super) fn roles() -> Value {
    json!({
        "Role": object(&["name", "permissions"], json!({
            "name": reference("RoleName"),
            "permissions": permissions(),
        })),
        "Roles": object(&["roles"], json!({
            "roles": { "type": "array", "description": "All there are, by name.", "items": reference("Role") },
        })),
        "HeldRoles": object(&["roles", "permissions"], json!({
            "roles": of_user(),
            "permissions": permissions(),
            "ended": { "type": "integer", "description": "After a change: how many sessions ended.", "minimum": 0 },
        })),
    })
}

pub(super) fn sessions() -> Value {
    json!({
        "AnySession": object(
            &["id", "user_id", "device", "state", "created_at", "last_used_at", "expires_at", "remember_me"],
            json!({
                "id": reference("Id"),
                "user_id": reference("Id"),
                "device": { "type": "string", "description": "What the device called itself." },
                "state": { "type": "string", "enum": ["live", "ended"] },
                "reason": described(&reference("EndReason"), "Why it ended."),
                "ended_at": reference("Time"),
                "created_at": described(&reference("Time"), "When it logged in."),
                "last_used_at": described(&reference("Time"), "When it last refreshed."),
                "expires_at": described(&reference("Time"), "When it ends if it is not used again."),
                "remember_me": { "type": "boolean" },
            }),
        ),
        "AnySessions": list("sessions", "AnySession"),
        "SessionStory": object(&["events", "around_end"], json!({
            "session": reference("AnySession"),
            "user": reference("Account"),
            "events": { "type": "array", "description": "Its own, the oldest first; the newest 200.", "items": reference("Event") },
            "around_end": { "type": "array", "description": "What else happened to the user at the moment that it ended.", "items": reference("Event") },
        })),
    })
}

pub(super) fn audit() -> Value {
    json!({
        "Record": object(&["number", "at", "event"], json!({
            "number": { "type": "integer", "description": "Its place in the record, from 1 on and without gaps.", "minimum": 1 },
            "at": reference("Time"),
            "event": { "type": "string", "description": "What happened: a stable name such as `session.opened`; there may be new ones in any version." },
            "user_id": described(&reference("Id"), "To whom; left out where it is nobody's."),
            "session_id": described(&reference("Id"), "In which session."),
            "address": { "type": "string", "description": "From where." },
            "agent": { "type": "string", "description": "The `User-Agent`." },
            "detail": { "type": "object", "description": "What the name leaves open: `by` whom, `reason`, and so on." },
        })),
        "Records": list("events", "Record"),
    })
}

pub(super) fn resource_servers() -> Value {
    json!({
        "NewResourceServer": body(&["name"], json!({ "name": reference("RoleName") })),
        "ResourceServer": object(&["name", "created_at"], json!({
            "name": reference("RoleName"),
            "created_at": reference("Time"),
        })),
        "ResourceServers": object(&["resource_servers"], json!({
            "resource_servers": { "type": "array", "description": "All there are, by name.", "items": reference("ResourceServer") },
        })),
        "IssuedCredential": object(&["name", "credential"], json!({
            "name": reference("RoleName"),
            "credential": { "type": "string", "description": "Shown this once. Sent as `Authorization: Bearer`, or as the password of Basic with the name." },
        })),
    })
}

pub(super) fn keys() -> Value {
    json!({
        "KeyStanding": object(&["purpose", "id", "state", "since", "replacement_wanted"], json!({
            "purpose": { "type": "string", "enum": ["signing", "refresh_tag"] },
            "id": { "type": "string", "description": "Of a signing key: its `kid`." },
            "algorithm": { "type": "string", "enum": ["EdDSA", "ES256", "RS256"] },
            "state": { "type": "string", "enum": ["announced", "active", "retired", "compromised"] },
            "since": reference("Time"),
            "until": described(&reference("Time"), "Of a retired one: when the last token that it made has ended."),
            "replacement_wanted": { "type": "boolean", "description": "Of an active one: its successor takes over as soon as everybody can know it." },
        })),
        "KeyStandings": object(&["keys"], json!({
            "keys": { "type": "array", "items": reference("KeyStanding") },
        })),
    })
}
