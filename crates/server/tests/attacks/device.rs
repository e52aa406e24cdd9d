//! Tokens of devices that are forged, borrowed, stale or taken for something else: nobody gets past the limits with one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relatch_core::{
    attempt::{DeviceId, DeviceKeys, device::Device},
    key::{MasterKey, MasterKeys},
    user::{CredentialVersion, UserId},
};
use serde_json::json;

use crate::support::{Reply, Server, account::PASSWORD, post};

const NEW: &str = "another horse, another staple";

/// A server on which strangers may not try Ada's password any more, and the tokens of her device and of Eve's.
struct Scene {
    server: Server,
    user: UserId,
    adas: String,
    eves: String,
}

impl Scene {
    fn set() -> Self {
        let server = Server::start(&[
            ("attempts.enabled", "true"),
            ("attempts.account", "3/1h"),
            ("attempts.device", "4/1h"),
        ]);
        let ada = server.log_in_after_registering("ada");
        let eve = server.log_in_after_registering("eve");
        let scene = Self {
            user: UserId(ada.json()["user"]["id"].as_str().unwrap().parse().unwrap()),
            adas: ada.string("device_token"),
            eves: eve.string("device_token"),
            server,
        };
        scene.lock_strangers_out();
        scene
    }

    fn lock_strangers_out(&self) {
        for _ in 0..4 {
            self.server.log_in("ada", "wrong pony, wrong staple");
        }
        self.log_in("", PASSWORD).is(429, "rate_limited");
    }

    fn log_in(&self, device: &str, password: &str) -> Reply {
        let body = json!({ "username": "ada", "password": password, "device_token": device });
        post("/auth/login").json(&body).send(self.server.address)
    }

    /// It is a stranger's, in every way that an answer can tell.
    #[track_caller]
    fn is_no_device(&self, token: &str) {
        let reply = self.log_in(token, PASSWORD);
        reply.is(429, "rate_limited");
        let field = reply.header("ratelimit").unwrap();
        assert!(field.starts_with("\"account\""), "{field}");
    }

    /// What a server with that key would make.
    fn made_with(&self, key: MasterKey, version: i64) -> String {
        let keys = DeviceKeys::of(&MasterKeys::new(key, Vec::new()));
        let device = Device {
            id: DeviceId([7; 16]),
            user: self.user,
            version: CredentialVersion(version),
        };
        keys.issue(&device).unwrap().expose().to_owned()
    }

    fn own_key(&self) -> MasterKey {
        let text = std::fs::read_to_string(self.server.folder.master_key()).unwrap();
        MasterKeys::parse(&text).unwrap().newest().clone()
    }
}

impl Server {
    fn log_in_after_registering(&self, name: &str) -> Reply {
        self.register(name);
        let reply = self.log_in(name, PASSWORD);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply
    }
}

#[test]
fn a_device_token_that_was_forged_is_a_strangers() {
    let scene = Scene::set();
    assert_eq!(
        scene
            .log_in(&scene.made_with(scene.own_key(), 1), PASSWORD)
            .status,
        200
    );
    scene.is_no_device(&scene.made_with(MasterKey::from_bytes([0; 32]), 1));
    for version in [0, 2, -1, i64::MAX] {
        scene.is_no_device(&scene.made_with(scene.own_key(), version));
    }
}

#[test]
fn a_device_token_with_one_bit_changed_is_a_strangers() {
    let scene = Scene::set();
    let (prefix, text) = scene.adas.split_at("relatch_dt_".len());
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
    for place in 0..bytes.len() {
        let mut other = bytes.clone();
        other[place] ^= 1 << (place % 8);
        scene.is_no_device(&format!("{prefix}{}", URL_SAFE_NO_PAD.encode(other)));
    }
    assert_eq!(scene.log_in(&scene.adas, PASSWORD).status, 200);
}

#[test]
fn the_device_of_another_user_is_a_strangers_and_keeps_its_own_allowance() {
    let scene = Scene::set();
    for _ in 0..10 {
        scene.is_no_device(&scene.eves);
    }
    let body = json!({ "username": "eve", "password": PASSWORD, "device_token": scene.eves });
    let own = post("/auth/login").json(&body).send(scene.server.address);
    assert_eq!(own.status, 200);
}

#[test]
fn after_a_change_of_the_password_the_devices_of_the_old_one_are_strangers() {
    let scene = Scene::set();
    let known = scene.log_in(&scene.adas, PASSWORD);
    let changed = scene
        .server
        .change_password(&known.string("access_token"), PASSWORD, NEW);
    assert_eq!(changed.status, 200);
    scene.log_in(&scene.adas, NEW).is(429, "rate_limited");
    let fresh = changed.string("device_token");
    assert_eq!(scene.log_in(&fresh, NEW).status, 200);
    let words = ["user", "set-password", "ada"];
    let set = scene.server.folder.run(&words, &format!("{PASSWORD}\n"));
    assert_eq!(set.code, 0, "{set:?}");
    scene.log_in(&fresh, PASSWORD).is(429, "rate_limited");
}

#[test]
fn a_stolen_device_token_is_good_for_its_own_few_guesses_and_opens_nothing() {
    let scene = Scene::set();
    for _ in 0..4 {
        let guess = scene.log_in(&scene.adas, "wrong pony, wrong staple");
        guess.is(401, "invalid_credentials");
    }
    scene.log_in(&scene.adas, PASSWORD).is(429, "rate_limited");
    for path in ["/auth/refresh", "/auth/logout"] {
        let reply = post(path).bearer(&scene.adas).send(scene.server.address);
        reply.is(401, "invalid_token");
    }
    scene.server.me(&scene.adas).is(401, "invalid_token");
}

#[test]
fn what_is_another_token_or_none_is_no_device() {
    let scene = Scene::set();
    let known = scene.log_in(&scene.adas, PASSWORD);
    let upper = scene.adas.to_uppercase();
    for token in [
        known.string("refresh_token"),
        known.string("access_token"),
        known
            .string("refresh_token")
            .replace("relatch_rt_", "relatch_dt_"),
        format!("{} ", scene.adas),
        format!("{}=", scene.adas),
        scene.adas.replace("relatch_dt_", ""),
        upper,
        "x".repeat(10_000),
        "relatch_dt_".to_owned(),
        "\u{0}".to_owned(),
    ] {
        scene.is_no_device(&token);
    }
}
