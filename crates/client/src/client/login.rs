//! Logging in: what it takes, and what is kept of it.

use serde_json::{Value, json};

use super::account::refused;
use super::call::Call;
use super::{Client, Inner};
use crate::held::Holding;
use crate::key::Key;
use crate::record::{Record, Session};
use crate::wire::{Tokens, User};
use crate::{Error, Secret};

/// Who logs in.
///
/// ```
/// use relatch_client::Login;
///
/// let login = Login::new("ada", "a long enough password").remember_me().device_name("Ada's laptop");
/// # let _ = login;
/// ```
#[derive(Clone, Copy)]
pub struct Login<'a> {
    username: &'a str,
    password: &'a str,
    remember_me: bool,
    device_name: Option<&'a str>,
}

/// Who makes an account for himself, and is logged in by that.
#[derive(Clone, Copy)]
pub struct Registration<'a> {
    email: &'a str,
    login: Login<'a>,
}

impl<'a> Login<'a> {
    /// By name and password.
    pub fn new(username: &'a str, password: &'a str) -> Self {
        Self {
            username,
            password,
            remember_me: false,
            device_name: None,
        }
    }

    /// For longer: 30 days of rest and a year in all, unless the server is configured otherwise.
    #[must_use]
    pub fn remember_me(self) -> Self {
        let remember_me = true;
        Self {
            remember_me,
            ..self
        }
    }

    /// What the list of devices calls this one.
    #[must_use]
    pub fn device_name(self, name: &'a str) -> Self {
        let device_name = Some(name);
        Self {
            device_name,
            ..self
        }
    }

    fn body(&self) -> Value {
        let mut body = json!({ "username": self.username, "password": self.password });
        set(&mut body, "remember_me", self.remember_me.then_some(true));
        set(&mut body, "device_name", self.device_name);
        body
    }
}

impl<'a> Registration<'a> {
    /// With that e-mail address, which nobody verifies.
    pub fn new(email: &'a str, login: Login<'a>) -> Self {
        Self { email, login }
    }
}

fn set(body: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(members), Some(value)) = (body.as_object_mut(), value) {
        members.insert(name.to_owned(), value.into());
    }
}

impl Client {
    /// Makes an account and logs in.
    ///
    /// An answer that is lost is not asked for again: the account may have been made. Log in then.
    ///
    /// # Errors
    /// [`Error`]: [`Error::Refused`] names every fault of what was typed.
    pub async fn register(&self, registration: Registration<'_>) -> Result<User, Error> {
        let mut body = registration.login.body();
        set(&mut body, "email", Some(registration.email));
        self.enter("/auth/register", body).await
    }

    /// Logs in. A session that was kept before is ended.
    ///
    /// # Errors
    /// [`Error`]: [`Error::Refused`] with the code `invalid_credentials` for a wrong name or password.
    pub async fn login(&self, login: Login<'_>) -> Result<User, Error> {
        let mut body = login.body();
        let record = self.0.held.record().await?;
        let device = record.device_token.as_ref().map(Secret::expose);
        set(&mut body, "device_token", device);
        self.enter("/auth/login", body).await
    }

    async fn enter(&self, path: &'static str, body: Value) -> Result<User, Error> {
        let _gate = self.0.gate.lock().await;
        let holding = self.0.held.lock().await?;
        let record = self.0.held.record().await?;
        let key = if self.0.bound {
            Some(self.0.held.key_or_new(&holding).await?)
        } else {
            None
        };
        let asked_at = self.0.now();
        let call = Call::post(path, &body).proven_by(key.as_deref());
        let tokens: Tokens = self.0.ask(&call).await?.map_err(refused)?;
        if tokens.is_bound() != key.is_some() {
            // Of no use to anybody; if this is lost, it ends by being idle.
            let _ = self.0.end(&tokens.refresh_token, None).await;
            return Err(Error::NotBound);
        }
        let session = begun(&tokens, key.as_deref(), asked_at)?;
        let user = session.user.clone();
        let older = record.session.clone();
        self.0
            .keep_tokens(&holding, record, &tokens, session)
            .await?;
        if let Some(older) = older {
            let _ = self.0.end_session(&older).await;
        }
        Ok(user)
    }
}

impl Inner {
    async fn keep_tokens(
        &self,
        holding: &Holding,
        record: Record,
        tokens: &Tokens,
        session: Session,
    ) -> Result<(), Error> {
        let device_token = tokens.device_token.clone().or(record.device_token.clone());
        let record = Record {
            device_token,
            ..record.logged_in(session)
        };
        self.held.keep(holding, &record).await
    }
}

fn begun(tokens: &Tokens, key: Option<&Key>, asked_at: i64) -> Result<Session, Error> {
    let user = tokens.user.clone();
    let user = user.ok_or(Error::Broken("the answer does not say who is logged in"))?;
    let nothing = Session {
        id: String::new(),
        user,
        key: key.map(Key::thumbprint),
        refresh_token: tokens.refresh_token.clone(),
        access_token: tokens.access_token.clone(),
        issued_at: asked_at,
        expires_at: asked_at,
    };
    Ok(nothing.turned(tokens, asked_at))
}
