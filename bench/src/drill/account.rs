//! What one client knows of its user: what was answered, and so what must still be true later. It is
//! a fold over answers and talks to nobody, so that the same history can be cut anywhere.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::Answer;
use crate::chance::Chance;

/// Sessions that a client keeps at most; far fewer than the server's limit a user.
const SESSIONS: usize = 6;

/// Something that a client asks for.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    Register,
    Login {
        password: String,
    },
    Refresh {
        session: String,
        token: String,
    },
    Logout {
        session: String,
        token: String,
    },
    ChangePassword {
        access: String,
        old: String,
        new: String,
    },
}

impl Wish {
    pub(crate) fn path(&self) -> &'static str {
        match self {
            Self::Register => "/auth/register",
            Self::Login { .. } => "/auth/login",
            Self::Refresh { .. } => "/auth/refresh",
            Self::Logout { .. } => "/auth/logout",
            Self::ChangePassword { .. } => "/auth/password/change",
        }
    }

    pub(crate) fn bearer(&self) -> Option<&str> {
        match self {
            Self::Refresh { token, .. } | Self::Logout { token, .. } => Some(token),
            Self::ChangePassword { access, .. } => Some(access),
            Self::Register | Self::Login { .. } => None,
        }
    }

    pub(crate) fn body(&self, account: &Account) -> Option<Value> {
        let name = &account.name;
        match self {
            Self::Register => Some(json!({
                "username": name,
                "email": format!("{name}@example.com"),
                "password": account.password,
            })),
            Self::Login { password } => Some(json!({"username": name, "password": password})),
            Self::ChangePassword { old, new, .. } => {
                Some(json!({"old_password": old, "new_password": new}))
            }
            Self::Refresh { .. } | Self::Logout { .. } => None,
        }
    }

    fn expected(&self) -> u16 {
        match self {
            Self::Register => 201,
            _ => 200,
        }
    }
}

/// What a client asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Habit {
    Everything,
    /// Nothing that ends a session.
    EndingNothing,
}

/// The tokens of one live session, as last answered.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) refresh: String,
    access: String,
}

/// A session that an answer said is over.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) token: String,
    pub(crate) reason: &'static str,
}

/// One user and what its client holds.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) registered: bool,
    pub(crate) password: String,
    pub(crate) former: Vec<String>,
    pub(crate) live: BTreeMap<String, Held>,
    pub(crate) ended: BTreeMap<String, Ended>,
}

impl Account {
    pub(crate) fn new(name: String) -> Self {
        Self {
            password: "first correct horse".to_owned(),
            name,
            registered: false,
            former: Vec::new(),
            live: BTreeMap::new(),
            ended: BTreeMap::new(),
        }
    }

    /// What a client does next: refreshes mostly, and the rest of its habit now and then.
    pub(crate) fn wish(&self, habit: Habit, chance: &mut Chance) -> Wish {
        if !self.registered {
            return Wish::Register;
        }
        let sessions: Vec<(&String, &Held)> = self.live.iter().collect();
        let Some((session, held)) = chance.pick(&sessions).copied() else {
            return self.login();
        };
        let (session, token) = (session.clone(), held.refresh.clone());
        match chance.below(100) {
            0..=7 if sessions.len() < SESSIONS => self.login(),
            8..=13 if habit == Habit::Everything && sessions.len() > 1 => {
                Wish::Logout { session, token }
            }
            14..=15 if habit == Habit::Everything => Wish::ChangePassword {
                access: held.access.clone(),
                old: self.password.clone(),
                new: format!("{:016x} battery", chance.number()),
            },
            _ => Wish::Refresh { session, token },
        }
    }

    pub(crate) fn login(&self) -> Wish {
        Wish::Login {
            password: self.password.clone(),
        }
    }

    /// Learns from an answer.
    ///
    /// # Errors
    /// It is none that the wish should get; in words.
    pub(crate) fn learn(&mut self, wish: &Wish, answer: &Answer) -> Result<(), String> {
        if answer.status != wish.expected() {
            return Err(format!("{} answered {}", wish.path(), answer.brief()));
        }
        match wish {
            Wish::Register => self.registered = true,
            Wish::Refresh { session, .. } if session != answer.text("session_id") => {
                return Err(format!("a refresh of session {session} answered another"));
            }
            Wish::Refresh { .. } | Wish::Login { .. } => {}
            Wish::Logout { session, .. } => {
                self.end(session, "logout");
                return Ok(());
            }
            Wish::ChangePassword { new, .. } => self.change_password(new),
        }
        self.adopt(answer);
        Ok(())
    }

    /// Holds what the answer hands out.
    pub(crate) fn adopt(&mut self, answer: &Answer) {
        let held = Held {
            refresh: answer.text("refresh_token").to_owned(),
            access: answer.text("access_token").to_owned(),
        };
        self.live.insert(answer.text("session_id").to_owned(), held);
    }

    pub(crate) fn end(&mut self, session: &str, reason: &'static str) {
        if let Some(held) = self.live.remove(session) {
            let token = held.refresh;
            self.ended
                .insert(session.to_owned(), Ended { token, reason });
        }
    }

    pub(crate) fn change_password(&mut self, new: &str) {
        let old = std::mem::replace(&mut self.password, new.to_owned());
        self.former.push(old);
        let sessions: Vec<String> = self.live.keys().cloned().collect();
        for session in sessions {
            self.end(&session, "password_changed");
        }
    }
}
