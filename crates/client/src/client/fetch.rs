//! Requests to any API, for programs that bring no HTTP client.

use http::{Request, Response};

use super::Client;
use crate::transport::Outgoing;
use crate::{Error, address};

impl Client {
    /// Sends a request to an API with an access token and, where the session is bound, a proof. It is sent once more if the token
    /// was refused or a nonce was wanted; an answer that is lost is an error, for only the caller knows whether sending it again
    /// does harm. Redirects are answers like any other.
    ///
    /// ```no_run
    /// # async fn example(client: relatch_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = http::Request::get("https://api.example.com/notes").body(Vec::new())?;
    /// let answer = client.fetch(request).await?;
    /// println!("{} {}", answer.status(), String::from_utf8_lossy(answer.body()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error`]. An answer that refuses is none.
    pub async fn fetch(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Error> {
        let (parts, body) = request.into_parts();
        let url = address::checked(&parts.uri.to_string())?;
        let body = bytes::Bytes::from(body);
        let target = (parts.method, url);
        let mut authorization = self.authorized(target.clone(), None).await?;
        loop {
            let mut headers = parts.headers.clone();
            headers.extend(authorization.headers()?);
            let outgoing = Outgoing {
                method: target.0.clone(),
                url: target.1.clone(),
                headers,
                body: body.clone(),
            };
            let answer = self.0.transport.send(outgoing).await;
            let answer = answer.map_err(Error::Unreachable)?;
            let (status, headers) = (answer.status, &answer.headers);
            if let Some(next) = self.retry(&authorization, status, headers).await? {
                authorization = next;
                continue;
            }
            let mut response = Response::new(answer.body.to_vec());
            let status = http::StatusCode::from_u16(status);
            *response.status_mut() = status.map_err(|_| Error::Broken("that is no status"))?;
            *response.headers_mut() = answer.headers;
            return Ok(response);
        }
    }
}
