//! What the document says of one route, and its form in OpenAPI.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{error, example, schema};
use crate::http::problem::Code;

/// What may be wrong with a proof.
const PROOF: &[Code] = &[Code::InvalidDpopProof, Code::UseDpopNonce];

/// A route in words.
pub(in crate::http) struct Operation {
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    security: Value,
    parameters: Vec<Value>,
    body: Option<Value>,
    success: Map<String, Value>,
    errors: Vec<(StatusCode, Code)>,
    takes_proof: bool,
    any_method: bool,
}

impl Operation {
    /// A route for everybody that takes nothing.
    pub(super) fn new(
        id: &'static str,
        tag: &'static str,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            id,
            tag,
            summary,
            description,
            security: json!([]),
            parameters: Vec::new(),
            body: None,
            success: Map::new(),
            errors: Vec::new(),
            takes_proof: false,
            any_method: false,
        }
    }

    /// The same, for the holder of an access token that is bound to no key.
    pub(super) fn with_bearer_token(self) -> Self {
        Self {
            security: json!([{ "accessToken": [] }]),
            ..self
        }
    }

    /// The same, for the holder of an access token, which may be bound to a key.
    pub(super) fn with_access_token(self) -> Self {
        let status = StatusCode::UNAUTHORIZED;
        let faults = PROOF.iter().map(|code| (status, *code));
        let mut operation = self.taking_proof().errors(&[Code::ProofRequired]);
        operation.errors.extend(faults);
        Self {
            security: json!([{ "accessToken": [] }, { "boundAccessToken": [] }]),
            ..operation
        }
        .errors(&[Code::Overloaded])
    }

    /// The same where a proof of possession may come without an access token.
    pub(super) fn with_proof(self) -> Self {
        self.taking_proof().errors(PROOF)
    }

    fn taking_proof(self) -> Self {
        let parameter = json!({ "$ref": "#/components/parameters/Proof" });
        Self {
            takes_proof: true,
            ..self.parameter(parameter)
        }
    }

    /// The same, for the holder of a refresh token, which comes as Bearer, in the body or in the cookie, and may be bound to a key.
    pub(super) fn with_refresh_token(self) -> Self {
        let content = json!({
            "schema": schema::reference("RefreshTokenBody"),
            "example": { "refresh_token": example::refresh_token() },
        });
        Self {
            security: json!([{ "refreshToken": [] }, { "refreshCookie": [] }, {}]),
            body: Some(json!({
                "description": "Wanted unless the token is in the header. Where it is in the cookie: `{}` as JSON.",
                "required": false,
                "content": { "application/json": content, "application/x-www-form-urlencoded": content },
            })),
            ..self
        }
        .with_proof()
        .errors(&[Code::ProofRequired])
    }

    /// The same, for a resource server with its credential.
    pub(super) fn with_credential(self) -> Self {
        Self {
            security: json!([{ "resourceServer": [] }, { "resourceServerBasic": [] }]),
            ..self
        }
    }

    /// The same where every method is answered as GET is.
    pub(super) fn taking_any_method(self) -> Self {
        Self {
            any_method: true,
            ..self
        }
    }

    /// The same with a form of that schema.
    pub(super) fn form(self, schema: &str, example: Value) -> Self {
        Self {
            body: Some(json!({
                "required": true,
                "content": { "application/x-www-form-urlencoded": { "schema": schema::reference(schema), "example": example } },
            })),
            ..self
        }
    }

    /// The same with a parameter.
    pub(super) fn parameter(mut self, parameter: Value) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// The same with a JSON body of that schema.
    pub(super) fn body(self, schema: &str, example: Value) -> Self {
        Self {
            body: Some(json!({
                "required": true,
                "content": { "application/json": { "schema": schema::reference(schema), "example": example } },
            })),
            ..self
        }
    }

    /// The same with a JSON body that may be left out.
    pub(super) fn optional_body(self, schema: &str, example: Value) -> Self {
        let mut operation = self.body(schema, example);
        if let Some(body) = &mut operation.body {
            body["required"] = false.into();
        }
        operation
    }

    /// The same with its good answer, in JSON, which no cache may keep.
    pub(super) fn answer(
        self,
        status: u16,
        description: &str,
        schema: &str,
        example: Value,
    ) -> Self {
        let content = json!({ "application/json": { "schema": schema::reference(schema), "example": example } });
        self.answer_of(status, description, "no-store", content)
    }

    /// The same with its good answer, with what `Cache-Control` says and content by media type.
    pub(super) fn answer_of(
        mut self,
        status: u16,
        description: &str,
        cache: &str,
        content: Value,
    ) -> Self {
        let answer = json!({
            "description": description,
            "headers": {
                "x-request-id": error::header("RequestId"),
                "Cache-Control": {
                    "description": "What a cache may do with it.",
                    "required": true,
                    "schema": { "type": "string", "const": cache },
                },
            },
            "content": content,
        });
        self.success.insert(status.to_string(), answer);
        self
    }

    /// The same with a good answer that says nothing but that it is done.
    pub(super) fn done(self, description: &str) -> Self {
        let mut operation = self.answer_of(204, description, "no-store", Value::Null);
        if let Some(answer) = operation
            .success
            .get_mut("204")
            .and_then(Value::as_object_mut)
        {
            answer.remove("content");
        }
        operation
    }

    /// The same with one more header in its good answers.
    pub(super) fn header(mut self, name: &str, description: &str) -> Self {
        let header = json!({
            "description": description,
            "required": true,
            "schema": { "type": "string" },
        });
        for answer in self.success.values_mut() {
            if let Some(headers) = answer.get_mut("headers").and_then(Value::as_object_mut) {
                headers.insert(name.to_owned(), header.clone());
            }
        }
        self
    }

    /// The same with a good answer that has no body.
    pub(super) fn empty(mut self, status: u16, description: &str, cache: &str) -> Self {
        self = self.answer_of(status, description, cache, Value::Null);
        let answer = self.success.get_mut(&status.to_string());
        if let Some(answer) = answer.and_then(Value::as_object_mut) {
            answer.remove("content");
        }
        self
    }

    /// The same where the good answer of that status may set or clear the cookie of the session.
    pub(super) fn with_cookie(self, status: u16, when: &str) -> Self {
        let header = json!({
            "description": format!(
                "{when} `__Host-relatch_refresh`, with `Secure`, `HttpOnly`, `SameSite=Strict` and `Path=/`; in development, on plain loopback, `relatch_refresh_dev` without `Secure`."
            ),
            "required": false,
            "schema": { "type": "string" },
        });
        self.answer_with(status, json!({ "Set-Cookie": header }))
    }

    /// The same where the good answer of that status has more headers.
    pub(super) fn answer_with(mut self, status: u16, headers: Value) -> Self {
        let answer = self.success.get_mut(&status.to_string());
        let told = answer.and_then(|answer| answer.get_mut("headers")?.as_object_mut());
        if let (Some(told), Value::Object(headers)) = (told, headers) {
            told.extend(headers);
        }
        self
    }

    /// The same with errors that it may answer.
    pub(super) fn errors(mut self, codes: &[Code]) -> Self {
        let usual = codes.iter().map(|code| (code.status(), *code));
        self.errors.extend(usual);
        self
    }

    /// Its form in the document.
    pub(super) fn render(self) -> Value {
        let mut responses = self.success;
        responses.extend(error::responses(&self.errors));
        if self.takes_proof {
            let answers = responses.values_mut();
            let headers = answers.filter_map(|answer| answer.get_mut("headers")?.as_object_mut());
            for headers in headers {
                headers.insert("DPoP-Nonce".to_owned(), error::header("Nonce"));
            }
        }
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            "description": self.description,
            "security": self.security,
            "responses": responses,
        });
        if let Some(operation) = operation.as_object_mut() {
            if !self.parameters.is_empty() {
                operation.insert("parameters".to_owned(), self.parameters.into());
            }
            if self.any_method {
                operation.insert("x-any-method".to_owned(), true.into());
            }
            if let Some(body) = self.body {
                operation.insert("requestBody".to_owned(), body);
            }
        }
        operation
    }
}
