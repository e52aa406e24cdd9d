//! What must be true of a server that came back, seen by a client that was there before.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use serde_json::json;

use super::account::{Account, Ended, Held, Wish};
use crate::api::{Answer, Api};

/// One client that looks for what it was promised.
#[derive(Debug)]
pub(crate) struct Check<'a> {
    api: Api,
    account: &'a mut Account,
    broken: Vec<String>,
}

/// Asks a server for everything that `account` was promised, settles what was `in_flight`, and takes
/// over the tokens it gets. The promises that did not hold, in words.
///
/// # Errors
/// The server went away.
pub(crate) async fn check(
    account: &mut Account,
    in_flight: Option<&Wish>,
    address: SocketAddr,
) -> io::Result<Vec<String>> {
    let mut check = Check::new(account, address);
    check.settle(in_flight).await?;
    check.sessions().await?;
    if check.account.registered {
        check.passwords().await?;
    }
    check.endings().await?;
    Ok(check.broken)
}

/// The same for a restored backup that was taken when the client stood as `before`: the sessions of
/// then go on with the tokens of now, and later ones are unknown.
///
/// # Errors
/// The server went away.
pub(crate) async fn check_restored(
    account: &mut Account,
    before: &Account,
    address: SocketAddr,
) -> io::Result<Vec<String>> {
    let (known, later) = std::mem::take(&mut account.live)
        .into_iter()
        .partition(|(session, _)| before.live.contains_key(session));
    account.live = known;
    let mut check = Check::new(account, address);
    check.sessions().await?;
    check.unknown(later).await?;
    Ok(check.broken)
}

/// What one client held before a backup, when it had been taken, and at last.
#[derive(Debug)]
pub(crate) struct Heard<'a> {
    pub(crate) before: &'a Account,
    pub(crate) meanwhile: &'a Account,
    pub(crate) after: &'a Account,
}

impl Heard<'_> {
    /// Asks a server that was restored with `keep`: the sessions that the backup knows go on with the
    /// newest tokens, those that were ended since, too; what had ended before stays so.
    ///
    /// # Errors
    /// The server went away.
    pub(crate) async fn after_keep(&self, address: SocketAddr) -> io::Result<Vec<String>> {
        let mut account = self.before.clone();
        for (session, held) in &mut account.live {
            self.newest(session).clone_into(&mut held.refresh);
        }
        let mut check = Check::new(&mut account, address);
        check.sessions().await?;
        check.unknown(self.later()).await?;
        check.passwords().await?;
        check.endings().await?;
        Ok(check.broken)
    }

    /// Asks a server that was restored with `end-all`: every session that the backup knows is over, and
    /// says why.
    ///
    /// # Errors
    /// The server went away.
    pub(crate) async fn after_end_all(&self, address: SocketAddr) -> io::Result<Vec<String>> {
        let mut account = self.before.clone();
        for session in self.before.live.keys() {
            let token = self.newest(session).to_owned();
            let reason = "backup_restored";
            account
                .ended
                .insert(session.clone(), Ended { token, reason });
        }
        account.live.clear();
        let mut check = Check::new(&mut account, address);
        check.endings().await?;
        check.unknown(self.later()).await?;
        check.passwords().await?;
        Ok(check.broken)
    }

    /// The last token that the client was given of a session, which may have been ended since.
    fn newest(&self, session: &str) -> &str {
        let live = self.after.live.get(session).map(|held| &held.refresh);
        let ended = self.after.ended.get(session).map(|ended| &ended.token);
        live.or(ended).map_or("", String::as_str)
    }

    /// The sessions that began when the backup was there already.
    fn later(&self) -> BTreeMap<String, Held> {
        let mut later = self.after.live.clone();
        later.retain(|session, _| !self.meanwhile.live.contains_key(session));
        later
    }
}

impl<'a> Check<'a> {
    fn new(account: &'a mut Account, address: SocketAddr) -> Self {
        Self {
            api: Api::new(address),
            account,
            broken: Vec::new(),
        }
    }
}

impl Check<'_> {
    fn broken(&mut self, what: &str, answer: &Answer) {
        self.found(&format!("{what}: answered {}", answer.brief()));
    }

    fn found(&mut self, what: &str) {
        self.broken.push(format!("{}: {what}", self.account.name));
    }

    async fn login(&mut self, password: &str) -> io::Result<Answer> {
        let body = json!({"username": self.account.name, "password": password});
        self.api.post("/auth/login", None, Some(&body)).await
    }

    async fn refresh(&mut self, token: &str) -> io::Result<Answer> {
        self.api.post("/auth/refresh", Some(token), None).await
    }

    /// Finds out whether the wish without an answer was carried out: both are right, halves are not.
    async fn settle(&mut self, in_flight: Option<&Wish>) -> io::Result<()> {
        match in_flight {
            Some(Wish::Register) => self.settle_register().await,
            Some(Wish::ChangePassword { old, new, .. }) => self.settle_change(old, new).await,
            Some(Wish::Logout { session, token }) => self.settle_logout(session, token).await,
            Some(Wish::Refresh { .. } | Wish::Login { .. }) | None => Ok(()),
        }
    }

    async fn settle_register(&mut self) -> io::Result<()> {
        let password = self.account.password.clone();
        let login = self.login(&password).await?;
        if login.status == 200 {
            self.account.registered = true;
            self.account.adopt(&login);
            return Ok(());
        }
        let body = Wish::Register.body(self.account);
        let path = Wish::Register.path();
        let register = self.api.post(path, None, body.as_ref()).await?;
        if let Err(what) = self.account.learn(&Wish::Register, &register) {
            self.found(&format!("a user that cannot log in: {what}"));
        }
        Ok(())
    }

    async fn settle_change(&mut self, old: &str, new: &str) -> io::Result<()> {
        let (with_new, with_old) = (self.login(new).await?, self.login(old).await?);
        match (with_new.status, with_old.status) {
            (200, 401) => {
                self.account.change_password(new);
                self.account.adopt(&with_new);
            }
            (401, 200) => self.account.adopt(&with_old),
            (_, other) => {
                let what = format!("half a password change: old {other}, new");
                self.broken(&what, &with_new);
            }
        }
        Ok(())
    }

    async fn settle_logout(&mut self, session: &str, token: &str) -> io::Result<()> {
        let answer = self.refresh(token).await?;
        match (answer.status, answer.text("reason")) {
            (200, _) => self.account.adopt(&answer),
            (401, "logout") => self.account.end(session, "logout"),
            _ => self.broken("half a logout", &answer),
        }
        Ok(())
    }

    /// Every session goes on with the token that its client holds.
    async fn sessions(&mut self) -> io::Result<()> {
        let live: Vec<(String, Held)> = self.account.live.clone().into_iter().collect();
        for (session, held) in live {
            let answer = self.refresh(&held.refresh).await?;
            let token = held.refresh;
            let wish = Wish::Refresh { session, token };
            if let Err(what) = self.account.learn(&wish, &answer) {
                self.found(&format!("a live session: {what}"));
            }
        }
        Ok(())
    }

    async fn unknown(&mut self, later: BTreeMap<String, Held>) -> io::Result<()> {
        for held in later.into_values() {
            let answer = self.refresh(&held.refresh).await?;
            if answer.text("code") != "session_unknown" {
                self.broken("a session that the backup cannot know", &answer);
            }
        }
        Ok(())
    }

    /// The newest password works, and none before it.
    async fn passwords(&mut self) -> io::Result<()> {
        let password = self.account.password.clone();
        let login = self.login(&password).await?;
        if let Err(what) = self.account.learn(&self.account.login(), &login) {
            self.found(&format!("the password: {what}"));
        }
        for former in self.account.former.clone() {
            let login = self.login(&former).await?;
            if login.text("code") != "invalid_credentials" {
                self.broken("a former password", &login);
            }
        }
        Ok(())
    }

    /// What ended stays ended, for the reason that it ended for.
    async fn endings(&mut self) -> io::Result<()> {
        let ended: Vec<Ended> = self.account.ended.values().cloned().collect();
        for Ended { token, reason } in ended {
            let answer = self.refresh(&token).await?;
            let same = (answer.text("code"), answer.text("reason")) == ("session_ended", reason);
            if answer.status != 401 || !same {
                self.broken(&format!("a session ended by {reason}"), &answer);
            }
        }
        Ok(())
    }
}
