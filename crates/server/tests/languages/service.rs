//! A service in a process of its own, and what every one of them must refuse.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;
use wrong_tokens::{Issuer, Key};

use crate::support::{Server, Tokens, eventually, get, post};

/// A server that calls itself by its address, as one does that nobody configured.
pub(crate) fn server() -> Server {
    let address = format!("127.0.0.1:{}", free_port());
    let issuer = format!("http://{address}");
    Server::start(&[("server.listen", &address), ("issuer.url", &issuer)])
}

/// A port that nobody listens on at this moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A running service, which ends with this.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
}

impl Service {
    /// Starts it in its folder, as its README says, and waits until it listens: on the port that its last argument ends with,
    /// or else on the one that it is told by `PORT`.
    pub(crate) fn start(server: &Server, program: &str, arguments: &[&str], at: &Path) -> Self {
        let last = arguments.last().and_then(|last| last.rsplit(':').next());
        let port = last.and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(free_port);
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(at)
            .env("ISSUER", format!("http://{}", server.address))
            .env("PORT", port.to_string());
        Self::run(command, port, TempDir::new().unwrap())
    }

    /// Starts nginx with the example's own configuration, but for its ports, in a folder of its own.
    pub(crate) fn start_nginx(server: &Server, behind: &Self) -> Self {
        let (port, folder) = (free_port(), TempDir::new().unwrap());
        let config = crate::example("nginx").join("nginx.conf");
        let config = std::fs::read_to_string(config).unwrap();
        let config = config
            .replace("127.0.0.1:8080", &server.address.to_string())
            .replace("127.0.0.1:3003", &behind.address.to_string())
            .replace("127.0.0.1:8088", &format!("127.0.0.1:{port}"));
        std::fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let mut command = Command::new("nginx");
        command
            .args(["-p", ".", "-c", "nginx.conf", "-g", "daemon off;"])
            .current_dir(folder.path());
        Self::run(command, port, folder)
    }

    fn run(mut command: Command, port: u16, folder: TempDir) -> Self {
        let said = File::create(folder.path().join("said")).unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{command:?}: {error}; `cargo xtask test languages` installs it")
            });
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let patience = Duration::from_millis(200);
        let listens = || TcpStream::connect_timeout(&address, patience).is_ok();
        // Python with cold caches takes its time.
        let ready = (0..6).any(|_| child.try_wait().unwrap().is_none() && eventually(listens));
        let service = Self {
            child,
            address,
            folder,
        };
        assert!(ready, "{command:?} does not listen:\n{}", service.said());
        service
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("said")).unwrap_or_default()
    }

    fn list(&self, token: &str) -> u16 {
        get("/notes").bearer(token).send(self.address).status
    }

    /// Each token that is wrong in one way is refused with 401, but for what is told apart: those that the libraries of a
    /// language read another way.
    pub(crate) fn refuses_wrong_tokens(&self, server: &Server, apart: &[&str]) {
        let issuer = issuer(server, &permitted(server));
        assert_eq!(self.list(&issuer.good()), 200, "{}", self.said());
        let cases = wrong_tokens::cases(&issuer).into_iter();
        let cases: Vec<_> = cases.filter(wrong_tokens::Case::is_bearer).collect();
        let status = |case: &wrong_tokens::Case| self.list(&case.token);
        let others = cases.iter().map(|case| (case.name, status(case)));
        let others: Vec<_> = others.filter(|(_, status)| *status != 401).collect();
        let wrong: Vec<_> = others
            .iter()
            .filter(|(name, status)| !apart.contains(name) || !matches!(status, 200 | 400 | 403))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}\n{}", self.said());
    }

    /// What a client says of itself in the headers of nginx does not arrive.
    pub(crate) fn believes_no_client(&self, server: &Server) {
        let owner = permitted(server);
        let subject = claims(&owner)["sub"].as_str().unwrap().to_owned();
        let draft = json!({"text": "secret"});
        // With the header it would be her note, too, if the client were believed.
        let request = post("/notes").header("X-Auth-User", &subject);
        let request = request.bearer(&owner.access).json(&draft);
        assert_eq!(request.send(self.address).status, 201);
        let other = permitted(server);
        let forged = get("/notes").header("X-Auth-User", &subject);
        let reply = forged.bearer(&other.access).send(self.address);
        assert_eq!((reply.status, reply.json()), (200, json!([])));
        let nobody = get("/notes").header("X-Auth-User", &subject);
        assert_eq!(nobody.send(self.address).status, 401);
        let verify = get("/verify?permission=notes:read").bearer(&other.access);
        assert_eq!(verify.send(self.address).status, 404);
        server.log_out(&other.refresh);
        assert_eq!(self.list(&other.access), 401, "the session is over");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        // nginx ends its workers only when it is asked to end.
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let child = &mut self.child;
        if !eventually(|| child.try_wait().is_ok_and(|ended| ended.is_some())) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The tokens of a new user who may do everything with notes.
fn permitted(server: &Server) -> Tokens {
    let name = format!("user{}", free_port());
    let data = server.folder.data();
    let command = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_relatch"))
            .args(arguments)
            .env("RELATCH_SERVER_DATA_DIR", &data)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    let tokens = server.register(&name);
    command(&["role", "put", "editor", "notes:*"]);
    command(&["user", "roles", &name, "--set", "editor"]);
    // What a role means is seen within a second.
    let mut turned = server.turn(&tokens);
    let sees = eventually(|| {
        turned = server.turn(&turned);
        claims(&turned)["permissions"] == json!(["notes:*"])
    });
    assert!(sees, "the role does not show in {}", claims(&turned));
    turned
}

fn claims(tokens: &Tokens) -> Value {
    let payload = tokens.access.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Who signs what is wrong in one way, with the server's own key.
fn issuer(server: &Server, tokens: &Tokens) -> Issuer {
    let kid = server.folder.open_keys().signing.kid().to_owned();
    let key = Key::ed25519(kid, &server.folder.signing_seed());
    Issuer::new(key, claims(tokens)).margin(600)
}
