//! GET /docs and its files.

use axum::http::Method;
use insta::assert_snapshot;

use crate::{contract::DOCUMENT, server::Server};

#[tokio::test]
async fn the_page_comes_with_a_policy_that_lets_in_nothing_foreign_and_nothing_inline() {
    let server = Server::start().await;
    let page = server.send(Method::GET, "/docs", &[], "").await;
    assert_snapshot!(page, @"
    200 OK
    content-type: text/html; charset=utf-8
    cache-control: no-cache
    content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'
    x-frame-options: DENY
    ");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(page.headers[name], value);
    }
    assert!(page.text.starts_with("<!doctype html>"));
    let slash = server.send(Method::GET, "/docs/", &[], "").await;
    assert_eq!(slash.text, page.text);
}

#[tokio::test]
async fn every_file_comes_with_its_own_type_and_the_same_policy() {
    let server = Server::start().await;
    let page = server.send(Method::GET, "/docs", &[], "").await;
    let mut types = Vec::new();
    for name in names() {
        let file = server
            .send(Method::GET, &format!("/docs/{name}"), &[], "")
            .await;
        let kind = file.headers["content-type"].to_str().unwrap();
        types.push(format!("{} {name}: {kind}", file.status));
        for header in [
            "content-security-policy",
            "cache-control",
            "x-frame-options",
            "x-content-type-options",
        ] {
            assert_eq!(
                file.headers[header], page.headers[header],
                "{name}: {header}"
            );
        }
    }
    assert_snapshot!(types.join("\n"), @"
    200 style.css: text/css; charset=utf-8
    200 app.js: text/javascript; charset=utf-8
    200 call.js: text/javascript; charset=utf-8
    200 element.js: text/javascript; charset=utf-8
    200 reference.js: text/javascript; charset=utf-8
    200 token.js: text/javascript; charset=utf-8
    200 tour.js: text/javascript; charset=utf-8
    200 icon.svg: image/svg+xml; charset=utf-8
    ");
}

#[tokio::test]
async fn what_is_no_file_of_the_page_is_not_there() {
    let server = Server::start().await;
    for name in [
        "nothing.js",
        "docs.rs",
        "..%2fproblem.rs",
        "%2e%2e",
        "APP.JS",
        "app.js%00",
        "%ff",
    ] {
        let answer = server
            .send(Method::GET, &format!("/docs/{name}"), &[], "")
            .await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{name}");
    }
}

#[tokio::test]
async fn the_page_may_be_switched_off_and_the_document_stays() {
    let server = Server::with(|config| config.server.docs_page = false).await;
    for path in ["/docs", "/docs/app.js"] {
        let answer = server.send(Method::GET, path, &[], "").await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path}");
    }
    assert_eq!(
        server
            .send(Method::GET, "/openapi.json", &[], "")
            .await
            .status,
        200
    );
}

/// What the policy would stop in a browser must not be there to be stopped; nor anything that turns text into code.
#[tokio::test]
async fn the_page_needs_nothing_that_its_policy_forbids() {
    let server = Server::start().await;
    let page = server.send(Method::GET, "/docs", &[], "").await.text;
    let tags = page.matches("<script").count();
    assert_eq!(
        (
            tags,
            page.matches("<script type=\"module\" src=\"/docs/").count()
        ),
        (1, 1)
    );
    for inline in [
        "<style",
        " style=",
        " onclick",
        " onload",
        "javascript:",
        "http://",
        "https://",
    ] {
        assert!(!page.contains(inline), "{inline} in the page");
    }
    for name in names().into_iter().filter(|name| *name != "icon.svg") {
        let text = server
            .send(Method::GET, &format!("/docs/{name}"), &[], "")
            .await
            .text;
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "localStorage",
            "sessionStorage",
            "document.cookie",
            "http://",
            "https://",
            "//cdn",
            "@import",
        ] {
            assert!(!text.contains(forbidden), "{forbidden} in {name}");
        }
    }
}

/// Every file that the page or one of its files asks for is there.
#[tokio::test]
async fn no_import_leads_nowhere() {
    let server = Server::start().await;
    for name in names().into_iter().filter(|name| name.contains(".js")) {
        let text = server
            .send(Method::GET, &format!("/docs/{name}"), &[], "")
            .await
            .text;
        for import in text.split("from \"./").skip(1) {
            let import = import.split('"').next().unwrap();
            assert!(names().contains(&import), "{name} imports {import}");
        }
    }
}

fn names() -> Vec<&'static str> {
    let parameter = &DOCUMENT["paths"]["/docs/{file}"]["get"]["parameters"][0];
    let names = parameter["schema"]["enum"].as_array().unwrap();
    names.iter().map(|name| name.as_str().unwrap()).collect()
}

/// A page in which elements are what is asked of them here, and no more.
const SHOWN: &str = r#"
    class Element {
      constructor(tag) { Object.assign(this, { tag, attributes: {}, children: [] }); }
      setAttribute(name, value) { this.attributes[name] = value; }
      addEventListener() {}
      append(...children) { this.children.push(...children); }
      get textContent() { return this.children.map((child) => child.textContent ?? child).join(""); }
      all(test) { return [this, ...this.children.flatMap((child) => child.all?.(test) ?? [])].filter((one) => one !== this || test(one)); }
    }
    globalThis.document = { createElement: (tag) => new Element(tag) };
    globalThis.location = { origin: "" };
    const { readFileSync } = await import("node:fs");
    const { showRoutes } = await import(process.argv[1]);
    const api = JSON.parse(readFileSync(0));
    const groups = new Element("main");
    showRoutes(api, new Element("div"), groups);
    const shown = groups.all((one) => one.attributes.class === "route").map((one) => one.textContent);
    if (shown.length !== api["x-routes"].length) throw new Error(`${shown.length} routes are shown`);
    for (const text of shown) if (/undefined|\[object/.test(text)) throw new Error(text);
    console.log(shown.join("\n"));
"#;

/// Whatever the document says of a route, the page knows how to show it.
#[test]
fn the_page_shows_every_route() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/docs/reference.js");
    let mut child = std::process::Command::new("node")
        .args(["--input-type=module", "--eval", SHOWN, file])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let document = relatch::http::openapi::text();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), document.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let shown = String::from_utf8_lossy(&output.stdout);
    for line in [
        "Authorization: Bearer $CREDENTIAL\"",
        "-d 'token=relatch_rt_",
        "event: revoked\nid: ",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}
