//! Looks whether the files of the certificates have changed, and serves what they hold now. What cannot be served is
//! said once, and the certificates from before stay.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use relatch_core::Timestamp;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{
    certificate::Files,
    table::{Contents, Table},
};

/// The certificates, as every handshake sees them.
pub(super) struct Certificates(ArcSwap<Table>);

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().find(hello.server_name())
    }
}

/// How often what is wrong with a certificate is said again.
const DAY: Duration = Duration::from_hours(24);

/// What the files held, without keeping it; nothing if they could not be read.
type Seen = Option<Vec<u8>>;

/// A watch over the files.
pub(crate) struct Watch {
    files: Files,
    certificates: Arc<Certificates>,
    /// At the last look.
    seen: Seen,
    /// When they were last taken or refused.
    judged: Seen,
    /// When what is wrong with them was last said.
    warned_at: Timestamp,
}

impl Watch {
    /// Tells at once what is served.
    pub(super) fn over(files: Files, contents: &Contents, table: Table, now: Timestamp) -> Self {
        table.tell(now);
        let seen = Some(contents.digest());
        Self {
            files,
            certificates: Arc::new(Certificates(ArcSwap::from_pointee(table))),
            judged: seen.clone(),
            seen,
            warned_at: now,
        }
    }

    pub(super) fn certificates(&self) -> Arc<Certificates> {
        Arc::clone(&self.certificates)
    }

    /// Takes what the files hold if it is new and was the same at the last look: certificate and key are written one
    /// after the other.
    pub(crate) fn look(&mut self, now: Timestamp) {
        let contents = Contents::read(&self.files);
        let seen = contents.as_ref().ok().map(Contents::digest);
        let settled = seen == self.seen;
        self.seen = seen;
        if settled && self.seen != self.judged {
            self.judge(contents, now);
        }
        if now.since(self.warned_at) >= DAY {
            self.certificates.0.load().warn(now);
            self.warned_at = now;
        }
    }

    /// Takes what the files hold, whatever it is.
    pub(crate) fn reload(&mut self, now: Timestamp) {
        let contents = Contents::read(&self.files);
        self.seen = contents.as_ref().ok().map(Contents::digest);
        self.judge(contents, now);
    }

    fn judge(&mut self, contents: Result<Contents, super::CertificateError>, now: Timestamp) {
        self.judged.clone_from(&self.seen);
        match contents.and_then(|contents| Table::of(&self.files, &contents)) {
            Ok(table) => {
                tracing::info!("the certificates were read anew");
                table.tell(now);
                self.warned_at = now;
                self.certificates.0.store(Arc::new(table));
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(tracing::field::display);
                tracing::error!(%error, cause, "the new certificates are not served; the ones from before stay");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{config::Config, tls::dev};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// A folder with a pair for `name`, and the watch over it.
    struct Scene {
        folder: tempfile::TempDir,
        watch: Watch,
    }

    impl Scene {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            write(folder.path(), "first.test");
            let mut config = Config::default().tls;
            config.certificate_files = vec![folder.path().join("chain")];
            config.key_files = vec![folder.path().join("key")];
            let files = Files::of(&config);
            let contents = Contents::read(&files).expect("reads");
            let table = Table::of(&files, &contents).expect("a table");
            let watch = Watch::over(files, &contents, table, NOW);
            Self { folder, watch }
        }

        fn serves(&self, name: &str) -> bool {
            self.watch
                .certificates
                .0
                .load()
                .names()
                .any(|served| served == name)
        }
    }

    fn pair(name: &str) -> [(&'static str, String); 2] {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("makes one");
        let key = made.signing_key.serialized_der();
        [
            ("chain", dev::pem("CERTIFICATE", made.cert.der())),
            ("key", dev::pem("PRIVATE KEY", key)),
        ]
        .map(|(name, text)| (name, text.to_string()))
    }

    fn write(folder: &Path, name: &str) {
        for (file, text) in pair(name) {
            std::fs::write(folder.join(file), text).expect("writes");
        }
    }

    #[test]
    fn a_pair_that_is_half_written_is_waited_for() {
        let mut scene = Scene::new();
        let [chain, key] = pair("second.test");
        std::fs::write(scene.folder.path().join(chain.0), chain.1).expect("writes");
        scene.watch.look(NOW);
        assert!(scene.serves("first.test"));
        std::fs::write(scene.folder.path().join(key.0), key.1).expect("writes");
        scene.watch.look(NOW);
        assert!(scene.serves("first.test"), "it may not be all yet");
        scene.watch.look(NOW);
        assert!(scene.serves("second.test"));
    }

    #[test]
    fn what_is_wrong_is_said_again_each_day() {
        let mut scene = Scene::new();
        scene.watch.look(NOW.plus(DAY / 2));
        assert_eq!(scene.watch.warned_at, NOW);
        scene.watch.look(NOW.plus(DAY));
        assert_eq!(scene.watch.warned_at, NOW.plus(DAY));
    }

    #[test]
    fn a_pair_that_cannot_be_served_leaves_the_old_one() {
        let mut scene = Scene::new();
        let chain = scene.folder.path().join("chain");
        let spoil: [&dyn Fn(); 3] = [
            &|| std::fs::write(&chain, "nothing of the kind").expect("writes"),
            &|| std::fs::remove_file(&chain).expect("removes"),
            &|| std::fs::write(&chain, &pair("other.test")[0].1).expect("writes"),
        ];
        for spoil in spoil {
            spoil();
            for _ in 0..3 {
                scene.watch.look(NOW);
            }
            scene.watch.reload(NOW);
            assert!(scene.serves("first.test"));
        }
        write(scene.folder.path(), "third.test");
        scene.watch.reload(NOW);
        assert!(scene.serves("third.test"), "told to, it takes them at once");
    }
}
