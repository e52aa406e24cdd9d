//! Every error of the API in one list: changing a name or a status breaks clients.

use std::fmt::Write as _;

use insta::assert_snapshot;
use relatch::http::problem::Code;

#[test]
fn names_and_statuses_are_promises() {
    let list = Code::ALL.iter().fold(String::new(), |mut list, code| {
        writeln!(list, "{} {}", code.status().as_u16(), code.name()).unwrap();
        list
    });
    assert_snapshot!(list, @"
    400 invalid_request
    400 wrong_delivery
    400 invalid_dpop_proof
    400 use_dpop_nonce
    401 invalid_credentials
    401 invalid_token
    401 session_ended
    401 session_unknown
    401 reauthentication_required
    401 proof_required
    401 no_session
    401 invalid_reset_code
    401 invalid_client
    403 insufficient_scope
    403 user_disabled
    403 registration_closed
    403 permission_required
    403 beyond_own_rights
    403 origin_not_allowed
    403 https_required
    404 not_found
    405 method_not_allowed
    408 request_timeout
    409 username_taken
    409 name_taken
    409 role_in_use
    409 last_administrator
    409 keys_busy
    412 changed_meanwhile
    413 payload_too_large
    414 uri_too_long
    431 head_too_large
    415 unsupported_media_type
    503 overloaded
    503 unavailable
    500 internal
    ");
}
