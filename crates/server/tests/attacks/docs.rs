//! The page of documentation must not become a way into the API's origin.

use crate::support::{
    Reply, Server, get,
    target::MARKER,
    wire::{impatient, raw},
};

const HOSTILE: &str = "\"><script>alert('mArKeR-7f3a')</script>";

fn untouched(reply: &Reply, page: &Reply) {
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.body, page.body,
        "the page is not the same for everybody"
    );
    assert_eq!(
        reply.header("content-security-policy"),
        page.header("content-security-policy")
    );
    assert!(!format!("{reply:?}").contains(MARKER));
}

#[test]
fn nothing_of_a_request_ends_up_in_the_page() {
    let server = impatient();
    let owner = server.register("ada");
    for path in ["/docs", "/docs/app.js", "/openapi.json"] {
        let page = get(path).send(server.address);
        let query = format!("{path}?q=%22%3E%3Cscript%3E{MARKER}&callback={MARKER}");
        untouched(&get(&query).send(server.address), &page);
        for header in [
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Original-URL",
            "Forwarded",
            "Referer",
            "User-Agent",
            "Accept-Language",
            "Origin",
            "Cookie",
        ] {
            untouched(
                &get(path).header(header, HOSTILE).send(server.address),
                &page,
            );
        }
        untouched(
            &get(path)
                .bearer(&owner.access)
                .header("X-Name", MARKER)
                .send(server.address),
            &page,
        );
        let host = format!("GET {path} HTTP/1.1\r\nHost: {MARKER}.evil.test\r\n\r\n");
        let replies = raw(&server, host.as_bytes());
        untouched(&replies[0], &page);
    }
}

#[test]
fn a_foreign_page_can_neither_frame_the_page_nor_read_what_it_answers() {
    let server = Server::start(&[]);
    for path in ["/docs", "/docs/app.js", "/docs/style.css", "/docs/icon.svg"] {
        let page = get(path)
            .header("Origin", "https://evil.test")
            .send(server.address);
        let policy = page.header("content-security-policy").unwrap();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(
            !policy.contains("unsafe") && !policy.contains("http"),
            "{policy}"
        );
        assert_eq!(page.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(page.header("access-control-allow-origin"), None, "{path}");
        assert_eq!(
            page.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
    }
}

#[test]
fn no_path_below_the_page_reaches_a_file_of_the_server() {
    let server = Server::start(&[]);
    for name in [
        "..",
        "%2e%2e",
        "..%2frelatch.toml",
        "%2e%2e%2fdata%2fmaster.key",
        "..%5cdata",
        "%2fetc%2fpasswd",
        "app.js/../../auth/me",
        "app.js%00.css",
        "/app.js",
        "app.js;x",
    ] {
        get(&format!("/docs/{name}"))
            .send(server.address)
            .is(404, "not_found");
    }
}
