//! What goes in and what comes out, as schemas (JSON Schema 2020-12).

mod admin;

use serde_json::{Map, Value, json};

use super::error;

/// No control character; `\p{Cc}` is not known to every reader of schemas.
/// `resource:action`.
pub(super) const PERMISSION: &str = r"^[a-z0-9._-]{1,64}:([a-z0-9._-]{1,64}|\*)$";

/// Those with spaces between them.
const SCOPE: &str = r"^ *([a-z0-9._-]{1,64}:([a-z0-9._-]{1,64}|\*)( +|$))*$";

const NO_CONTROL: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";

/// A schema by its name among the components.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The same schema in a place where it means something of its own.
pub(super) fn described(schema: &Value, description: &str) -> Value {
    with(schema.clone(), "description", description)
}

/// The same object with one more member.
pub(super) fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
    object
}

/// All of them.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for part in [
        values(),
        tokens_and_their_way(),
        bodies(),
        answers(),
        events(),
        admin::bodies(),
        admin::users(),
        admin::roles(),
        admin::sessions(),
        admin::keys(),
        admin::audit(),
        admin::resource_servers(),
        error::schemas(),
    ] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    Value::Object(all)
}

fn values() -> Value {
    json!({
        "Username": {
            "type": "string",
            "description": "Unique without regard to case, kept in small letters (RFC 8265).",
            "minLength": 1,
            "maxLength": 64,
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._+-]*$",
        },
        "Email": {
            "type": "string",
            "format": "email",
            "description": "254 bytes at most. Not verified, so neither unique nor a login name.",
            "maxLength": 254,
        },
        "NewPassword": {
            "type": "string",
            "format": "password",
            "description": "Characters are counted after normalising (NFC). No rules of composition; the 10,000 most used passwords, those of the file `password.breached_filter`, the username and the e-mail address are refused.",
            "minLength": 8,
            "maxLength": 256,
            "pattern": NO_CONTROL,
        },
        "Password": {
            "type": "string",
            "format": "password",
            "description": "The user's password.",
            "maxLength": 256,
            "pattern": NO_CONTROL,
        },
        "DeviceName": {
            "type": "string",
            "description": "What the list of devices calls this one. Left out, it is made of the `User-Agent`.",
            "minLength": 1,
            "maxLength": 64,
            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$",
        },
        "RememberMe": {
            "type": "boolean",
            "description": "Longer lifetimes: 30 days of rest and a year in all, where 5 and 90 days are usual (configurable).",
            "default": false,
        },
        "Seconds": { "type": "integer", "minimum": 0 },
        "Time": {
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339, in UTC, to the millisecond.",
        },
        "Id": { "type": "string", "format": "uuid" },
    })
}

fn tokens_and_their_way() -> Value {
    json!({
        "Delivery": {
            "type": "string",
            "description": "How refresh tokens of this session come and go, for good: in bodies of JSON, or in a cookie that no script reads, for pages of `browser.origins` alone.",
            "enum": ["body", "cookie"],
            "default": "body",
        },
        "RefreshToken": {
            "type": "string",
            "description": "Opaque. Good until the next refresh answers another one. In cookie mode it is in no body.",
            "pattern": "^relatch_rt_[A-Za-z0-9_-]{72}$",
            "minLength": 83,
            "maxLength": 83,
        },
        "AccessToken": {
            "type": "string",
            "description": "A JWT (RFC 9068), for `Authorization: Bearer` or, where `token_type` says so, `DPoP`.",
        },
        "DeviceToken": {
            "type": "string",
            "description": "Comes where a session begins: with register, login and password change. Names this device to the server, for as long as the user has this password. It opens nothing: a login that it comes along with is not held up by the guessing of strangers. Keep it beside the refresh token, and after the session's end.",
            "pattern": "^relatch_dt_[A-Za-z0-9_-]{76}$",
        },
        "ProofOfWork": {
            "type": "string",
            "description": "The payload of ALTCHA for the `challenge` of a `proof_of_work_required`: JSON with that `challenge` and a `solution` (`counter`, `derivedKey`), in base64.",
        },
    })
}

fn bodies() -> Value {
    json!({
        "Registration": body(&["username", "email", "password"], json!({
            "username": reference("Username"),
            "email": reference("Email"),
            "password": reference("NewPassword"),
            "device_name": reference("DeviceName"),
            "remember_me": reference("RememberMe"),
            "proof_of_work": reference("ProofOfWork"),
            "delivery": reference("Delivery"),
        })),
        "Login": body(&["username", "password"], json!({
            "username": { "type": "string", "description": "A name that nobody can have gets the same answer as one that nobody has." },
            "password": reference("Password"),
            "device_name": reference("DeviceName"),
            "remember_me": reference("RememberMe"),
            "device_token": { "type": "string", "description": "The one that this device was given last. One that is not the user's is as good as none." },
            "proof_of_work": reference("ProofOfWork"),
            "delivery": reference("Delivery"),
            "scope": { "type": "string", "pattern": SCOPE, "description": "The permissions to be content with, with spaces between them: the session never gets more, even of what the user may do. Left out: all that the user may do." },
        })),
        "RefreshTokenBody": body(&[], json!({
            "refresh_token": { "type": "string", "description": "The refresh token, unless it is in the header or in the cookie." },
        })),
        "IntrospectionBody": object(&["token"], json!({
            "token": { "type": "string", "description": "An access or refresh token." },
            "token_type_hint": { "type": "string", "description": "`access_token` or `refresh_token`: makes no difference." },
        })),
        "Reauthentication": body(&["password"], json!({ "password": reference("Password") })),
        "PasswordChange": body(&["old_password", "new_password"], json!({
            "old_password": reference("Password"),
            "new_password": reference("NewPassword"),
        })),
        "PasswordReset": body(&["username", "code", "new_password"], json!({
            "username": { "type": "string", "description": "A name that nobody can have gets the same answer as one that nobody has." },
            "code": { "type": "string", "description": "The one-time code, in any case, with or without its hyphens." },
            "new_password": reference("NewPassword"),
        })),
    })
}

/// What goes in: what is not listed is refused.
fn body(required: &[&str], properties: Value) -> Value {
    with(object(required, properties), "additionalProperties", false)
}

/// What comes out: more may come with a later version.
fn object(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

fn events() -> Value {
    json!({
        "Event": object(&["at", "event"], json!({
            "at": described(&reference("Time"), "When it happened."),
            "event": { "type": "string", "description": "What happened: a stable name such as `session.opened`; there may be new ones in any version." },
            "session_id": described(&reference("Id"), "In which session."),
            "address": { "type": "string", "description": "From where; left out where that was not the user." },
            "agent": { "type": "string", "description": "The `User-Agent`, likewise." },
            "detail": { "type": "object", "description": "What the name leaves open: `reason` of an end, `by` whom, `count` of failed logins." },
        })),
        "Events": object(&["events"], json!({
            "events": { "type": "array", "description": "The last first.", "items": reference("Event") },
            "next": { "type": "string", "description": "The cursor of the next page, if there is one." },
        })),
    })
}

fn answers() -> Value {
    json!({
        "Tokens": object(&TOKENS, tokens()),
        "UserTokens": object(&[&TOKENS[..], &["user"]].concat(), with(tokens(), "user", reference("User"))),
        "FreshAccessToken": object(&["access_token", "token_type", "expires_in", "session_id"], json!({
            "access_token": reference("AccessToken"),
            "token_type": token_type(),
            "expires_in": described(&reference("Seconds"), "The access token's life in seconds."),
            "session_id": reference("Id"),
        })),
        "LoggedOut": object(&["session_id", "ended"], json!({
            "session_id": reference("Id"),
            "ended": { "type": "boolean", "const": true },
        })),
        "User": object(&["id", "username", "email", "created_at"], json!({
            "id": reference("Id"),
            "username": reference("Username"),
            "email": reference("Email"),
            "created_at": reference("Time"),
        })),
        "Device": object(
            &["id", "device", "created_at", "last_used_at", "expires_at", "remember_me", "current"],
            json!({
                "id": described(&reference("Id"), "The session's id."),
                "device": { "type": "string", "description": "What the device called itself." },
                "created_at": described(&reference("Time"), "When it logged in."),
                "last_used_at": described(&reference("Time"), "When it last refreshed."),
                "expires_at": described(&reference("Time"), "When it ends if it is not used again."),
                "remember_me": { "type": "boolean" },
                "current": { "type": "boolean", "description": "Whether it is the caller's own." },
            }),
        ),
        "Devices": object(&["sessions"], json!({
            "sessions": { "type": "array", "description": "The latest used first.", "items": reference("Device") },
        })),
        "EndedCount": object(&["ended"], json!({
            "ended": { "type": "integer", "description": "How many sessions ended.", "minimum": 0 },
        })),
        "Introspection": introspection(),
        "KeySet": object(&["keys"], json!({
            "keys": { "type": "array", "items": reference("Key") },
        })),
        "Key": object(&["kty", "kid", "use", "alg"], json!({
            "kty": { "type": "string", "enum": ["OKP", "EC", "RSA"] },
            "crv": { "type": "string", "enum": ["Ed25519", "P-256"] },
            "x": { "type": "string" },
            "y": { "type": "string" },
            "n": { "type": "string" },
            "e": { "type": "string" },
            "kid": { "type": "string", "description": "Names the key in the head of a token." },
            "use": { "type": "string", "const": "sig" },
            "alg": { "type": "string", "enum": ["EdDSA", "Ed25519", "ES256", "RS256"] },
        })),
        "Health": object(&["status"], json!({ "status": { "type": "string", "const": "ok" } })),
    })
}

/// RFC 7662 §2.2.
fn introspection() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let names = |description: &str| json!({ "type": "array", "items": { "type": "string" }, "description": description });
    object(
        &["active"],
        json!({
            "active": { "type": "boolean", "description": "Whether the token is good at this moment. Where it is not, nothing else is told." },
            "token_type": { "type": "string", "enum": ["Bearer", "DPoP", "refresh_token"], "description": "An access token, one that is bound to a key (RFC 9449), or a refresh token: that one opens no resource." },
            "iss": text("Who issued it."),
            "sub": text("The id of the user."),
            "username": text("The user's name."),
            "aud": names("For whom it is; of an access token."),
            "client_id": text("The client that asked for it."),
            "exp": { "type": "integer", "description": "When it ends, in seconds since 1970." },
            "iat": { "type": "integer", "description": "When it was made." },
            "auth_time": { "type": "integer", "description": "When the user last proved who he is." },
            "amr": names("How (RFC 8176)."),
            "jti": text("The token's own name."),
            "sid": described(&reference("Id"), "The session's id."),
            "scope": text("The permissions, with spaces between them."),
            "roles": names("The user's roles."),
            "permissions": names("What may be done with it."),
            "cnf": { "type": "object", "description": "The key that it is bound to (RFC 7800)." },
        }),
    )
}

const TOKENS: [&str; 5] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_expires_in",
    "session_id",
];

fn tokens() -> Value {
    json!({
        "access_token": reference("AccessToken"),
        "token_type": token_type(),
        "expires_in": described(&reference("Seconds"), "The access token's life in seconds."),
        "refresh_token": reference("RefreshToken"),
        "refresh_expires_in": described(&reference("Seconds"), "The life in seconds of a session that is not used again."),
        "session_id": reference("Id"),
        "device_token": reference("DeviceToken"),
    })
}

fn token_type() -> Value {
    json!({ "type": "string", "enum": ["Bearer", "DPoP"], "description": "What to write before the access token; `DPoP` where the session is bound to a key (RFC 9449)." })
}
