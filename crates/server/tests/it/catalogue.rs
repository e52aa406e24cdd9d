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
    401 invalid_credentials
    401 invalid_token
    401 session_ended
    401 session_unknown
    401 reauthentication_required
    401 proof_required
    403 user_disabled
    403 registration_closed
    403 https_required
    404 not_found
    405 method_not_allowed
    408 request_timeout
    409 username_taken
    413 payload_too_large
    415 unsupported_media_type
    503 overloaded
    503 unavailable
    500 internal
    ");
}
