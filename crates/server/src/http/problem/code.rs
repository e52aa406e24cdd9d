//! The catalogue of errors: one table that the answers, the OpenAPI document and `docs/errors.md` come from.

use axum::http::StatusCode;

macro_rules! catalogue {
    ($($variant:ident = $status:ident $name:literal, $title:literal, $meaning:literal, $remedy:literal;)*) => {
        /// Every error of the API; names are stable.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The status of its answers.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What it means, in a sentence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// When it comes, and what has happened then.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// What a client does about it.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

catalogue! {
    InvalidRequest = BAD_REQUEST "invalid_request", "The request has faults; `errors` names each of them.",
        "Something in body, header or parameters is missing, wrong, unknown or there twice. Nothing was done.",
        "Show each entry of `errors` at its `field`; sending the same again ends the same.";
    WrongDelivery = BAD_REQUEST "wrong_delivery", "The refresh token came another way than its session has it delivered.",
        "A session in cookie mode is turned and ended by its cookie alone, any other by header or body. Nothing changed.",
        "Send it the way that the login asked for with `delivery`. A token of a cookie that turns up elsewhere may be stolen: end the session.";
    InvalidDpopProof = BAD_REQUEST "invalid_dpop_proof", "The proof of possession is not good for this request; `detail` says why.",
        "The header `DPoP` is there twice, is no proof, or one for another request, key, token or time (RFC 9449). Nothing was done. On routes with an access token its status is 401.",
        "Make a new proof for each request. If `detail` speaks of the clock, set the proof's `iat` by the header `Date` of this answer.";
    UseDpopNonce = BAD_REQUEST "use_dpop_nonce", "The proof of possession must have the nonce in `DPoP-Nonce`.",
        "`dpop.nonce` is `required`, and the proof has no nonce or one that is too old. Nothing was done. On routes with an access token its status is 401.",
        "Make a new proof with the value of the header `DPoP-Nonce` as its `nonce`, and send the request again; keep the newest that any answer brings.";
    InvalidCredentials = UNAUTHORIZED "invalid_credentials", "The username or the password is wrong.",
        "Nobody is told which of the two it was. On routes with an access token it is the password alone.",
        "Ask the user again.";
    InvalidToken = UNAUTHORIZED "invalid_token", "The token is missing, malformed, expired or not from here.",
        "An access token was refused, or what came as a refresh token was none of this server's.",
        "Of an access token: refresh, and repeat the request once with the new one. Of a refresh token: log in.";
    SessionEnded = UNAUTHORIZED "session_ended", "The session has ended; `reason` and `ended_at` say why and when.",
        "The token is genuine and its session is over. Only a holder of a genuine token is told why.",
        "Drop both tokens, tell the user why in words of your own, and log in.";
    SessionUnknown = UNAUTHORIZED "session_unknown", "The token is genuine, but its session is not known here any more.",
        "The session ended so long ago that its row is gone, or the database is older than the token.",
        "Drop both tokens and log in.";
    ReauthenticationRequired = UNAUTHORIZED "reauthentication_required", "The password must be proved again first: POST /auth/reauthenticate.",
        "Ending other sessions, and changing anything as an administrator, wants a login that is not older than `session.reauth_within` (RFC 9470).",
        "Ask for the password, POST /auth/reauthenticate, and repeat the request with the access token that it answers.";
    ProofRequired = UNAUTHORIZED "proof_required", "The session is bound to a key; the request must prove that it holds it.",
        "The token belongs to a session that logged in with a key, and came without a proof of it: a refresh token without the header `DPoP`, or an access token as `Bearer`. Nothing changed.",
        "Send the proof, and an access token as `Authorization: DPoP`; both tokens are as good as before.";
    NoSession = UNAUTHORIZED "no_session", "There is no session: the request brought no refresh token.",
        "A listed page asked for tokens and its browser sent no cookie of a session: nobody has logged in here, or has logged out.",
        "Show the login. It says nothing of a session that has ended; that is `session_ended`.";
    InvalidResetCode = UNAUTHORIZED "invalid_reset_code", "The username or the code is wrong, or the code has ended.",
        "Nobody is told which. A code is good once, for a while, for the password that it was issued for, and until a thousand wrong ones came.",
        "Look whether it is written right; else ask an administrator for another one.";
    ProofOfWorkRequired = UNAUTHORIZED "proof_of_work_required", "A proof of work must come along; `challenge` says which.",
        "`proof_of_work.when` asks strangers for one before a password is tried or an account made. Nothing was tried. What came along, if anything did, was for another request, too old, used before or wrong.",
        "Solve `challenge` (ALTCHA), and send the same request again with the payload in `proof_of_work`. Our own client does it by itself.";
    InvalidClient = UNAUTHORIZED "invalid_client", "The credential of the resource server is missing or not known.",
        "Following revocations and asking about tokens is for resource servers that an operator has added, each with a credential of its own.",
        "Send the credential that `relatch resource-server add` printed, as `Authorization: Bearer` or as the password of Basic.";
    InsufficientScope = FORBIDDEN "insufficient_scope", "The token is good and does not permit this.",
        "A permission that the route asks for is not among the token's.",
        "Logging in again changes nothing unless the user is given a role that permits it.";
    UserDisabled = FORBIDDEN "user_disabled", "The user is disabled.",
        "The password was right, and an administrator has disabled the user.",
        "Send the user to an administrator.";
    RegistrationClosed = FORBIDDEN "registration_closed", "Nobody can register here.",
        "`registration.mode` is `closed`.",
        "Hide the form; accounts come from an administrator.";
    PermissionRequired = FORBIDDEN "permission_required", "The caller lacks the permission that this takes.",
        "`detail` names it. The roles count that the user has at this moment, within what the login asked for.",
        "Ask an administrator for a role with that permission, or log in without `scope`.";
    BeyondOwnRights = FORBIDDEN "beyond_own_rights", "That would give, take or reach rights that the caller does not have.",
        "Permissions on `relatch` are given and taken by whoever holds them, all others by holders of `relatch:grant`; and nobody acts on an account that may do more here than he. `detail` names the first permission that is in the way.",
        "Have it done by somebody who holds it.";
    OriginNotAllowed = FORBIDDEN "origin_not_allowed", "A cookie is read and set for listed pages alone.",
        "The request would read or set the cookie of a session, and does not come from a page of `browser.origins`: its header `Origin` is missing, `null` or another one, or the browser says that it is from another site or no fetch. `detail` says which. Nothing was done.",
        "Add the origin of the page to `browser.origins`; a program that is no page uses `delivery: \"body\"`.";
    HttpsRequired = FORBIDDEN "https_required", "This must come by HTTPS.",
        "The request came to the listener for plain HTTP (`server.redirect_listen`), where anybody on its way could read it. Nothing of it was done. If a token of a live session was in it, that session has ended: `seen_in_the_clear`.",
        "Send it to the address of the issuer, which begins with `https://`; do not try plain HTTP first. A password that was in it should be changed.";
    NotFound = NOT_FOUND "not_found", "There is nothing here.",
        "No such route, user, role, session or key: what you may not see is not there. Whoever may do nothing under `/admin` finds nothing there.",
        "Check the path, and for `/admin` the claim `permissions` of the access token. What is not found need not be ended or deleted any more.";
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed", "This is not to be done here; `Allow` lists what is.",
        "The path exists, and not for this method.",
        "Use a method that the header `Allow` names.";
    RequestTimeout = REQUEST_TIMEOUT "request_timeout", "The request took too long to arrive.",
        "The body was not here within `server.request_timeout`. Nothing was done.",
        "Send it again.";
    UsernameTaken = CONFLICT "username_taken", "Somebody has that username.",
        "Usernames are unique without regard to case.",
        "Ask for another name.";
    NameTaken = CONFLICT "name_taken", "There is one of that name already.",
        "A resource server's credential is shown once and never again: a second one of the same name would leave the first without it.",
        "Take another name, or remove the one that is there first.";
    RoleInUse = CONFLICT "role_in_use", "Users hold the role.",
        "A role is deleted only once nobody holds it; `detail` says how many do.",
        "Take it from them first (PUT /admin/v1/users/{id}/roles).";
    LastAdministrator = CONFLICT "last_administrator", "Nobody who may do everything would be left.",
        "It would disable, delete or take the role from the last active user with `relatch:*`. Nothing was done.",
        "Make somebody else an administrator first; on the server, `relatch admin create` does.";
    KeysBusy = CONFLICT "keys_busy", "Somebody else changes the keys at the same time.",
        "It was tried several times. Nothing was done.",
        "Send it again.";
    ChangedMeanwhile = PRECONDITION_FAILED "changed_meanwhile", "It is not in the state that `If-Match` or `If-None-Match` names.",
        "Somebody else changed, made or deleted it since it was read. Nothing was done.",
        "Read it again, look at what changed, and send the change with the new `ETag`.";
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large", "The body is too large.",
        "The body is larger than `server.max_body`. Nothing was done.",
        "Send less: no honest request comes near.";
    UriTooLong = URI_TOO_LONG "uri_too_long", "The address is too long.",
        "The first line of the request is longer than `server.max_headers` allows. Nothing of it was looked at.",
        "Send less: no address of this API comes near.";
    HeadTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE "head_too_large", "The head of the request is too large.",
        "First line and headers are larger than `server.max_headers`, or are too many. Nothing was looked at. Over HTTP/2 this answer has no body.",
        "Send less: cookies of other applications on the same host are the usual reason.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type", "The body is of a type that is not understood here.",
        "Bodies are `application/json`; where a refresh token goes in, a form is understood, too.",
        "Set `Content-Type` to what the body is.";
    RateLimited = TOO_MANY_REQUESTS "rate_limited", "Too many attempts; `Retry-After` says when the next one is good.",
        "Too many wrong passwords, codes or registrations, at this account, from this address, or in all (`attempts`). Nothing was tried. It comes for names that nobody has just the same. A device on which the user logged in before has an allowance of its own.",
        "Wait as many seconds as `Retry-After` says; what is sent earlier is refused and costs nothing. Send `device_token` with logins.";
    Overloaded = SERVICE_UNAVAILABLE "overloaded", "Too much is waiting already; `Retry-After` says when to ask again.",
        "The queue of logins or of writes is full. Nothing was done.",
        "Wait as many seconds as `Retry-After` says, then send the same again.";
    Unavailable = SERVICE_UNAVAILABLE "unavailable", "The answer is not to be had now, and whether the request was carried out is not known; ask again.",
        "The database is away, or the answer took too long.",
        "Send the same again after `Retry-After`: a refresh is answered with the same successor, a second logout is no error, and a registration that had gone through answers `username_taken`, so that a login will do.";
    Internal = INTERNAL_SERVER_ERROR "internal", "Something went wrong here; the log has it under the request's id.",
        "A fault of the server's own; none of it is told outside.",
        "Report the `request_id` to the operator.";
}

impl Code {
    /// The `type` of its answers: a name, not an address.
    pub fn urn(self) -> String {
        format!("urn:relatch:error:{}", self.name())
    }
}

/// What can be wrong with one field: the stable names in `errors[].code`, with their meaning.
pub const FAULTS: &[(&str, &str)] = &[
    ("missing", "It must be there."),
    ("unknown", "There is no such field here."),
    ("duplicate", "It comes more than once."),
    (
        "wrong_type",
        "A text where true or false belongs, or the like.",
    ),
    (
        "malformed",
        "The body is no JSON object, or the header has another form.",
    ),
    (
        "invalid_format",
        "It is no address, no id or none of the choices.",
    ),
    (
        "invalid_characters",
        "It has characters that are not allowed.",
    ),
    ("out_of_range", "The number is too small or too large."),
    ("not_there", "It names something that is not there."),
    (
        "too_many",
        "An access token could not carry so many roles and permissions.",
    ),
    ("too_short", "It has too few characters."),
    ("too_long", "It has too many characters."),
    (
        "too_common",
        "The password is among the most used, which are tried first.",
    ),
    (
        "breached",
        "The password has been in a breach, and is in lists that are tried.",
    ),
    ("matches_username", "The password is the username."),
    ("matches_email", "The password is the e-mail address."),
    (
        "conflicting",
        "Body, header and cookie say different things: send one of them.",
    ),
];
