//! `drill certificate`: the certificate is replaced again and again while clients refresh over HTTPS, on connections that stay and on
//! new ones; no request may fail, and every new certificate must be taken up.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{folder, runtime};
use crate::api::Api;
use crate::carrier::{Carrier, Certificate};
use crate::failure::{Doing, Failure, Result};
use crate::load::median;
use crate::measure::register;
use crate::place::Place;
use crate::report::Report;
use crate::server::Server;

/// One of so many requests goes over a connection of its own.
const FRESH: u64 = 10;

/// How long a new certificate may take to be served.
const PATIENCE: Duration = Duration::from_secs(15);

/// How to run it.
#[derive(Debug)]
pub(crate) struct CertificateSettings {
    pub(crate) clients: u64,
    /// Requests a second of all clients together.
    pub(crate) rate: u64,
    /// How often the certificate is replaced.
    pub(crate) replacements: usize,
}

/// Runs the drill.
///
/// # Errors
/// It could not be carried out.
pub(crate) fn certificate(place: &Place, settings: &CertificateSettings) -> Result<Report> {
    let authority = place.folder.join("certificate");
    let certificate = Certificate::make(place, &authority)?;
    let config = folder::config(place, &[&certificate.section()])?;
    let command = folder::serve(place, &config, &place.folder.join("data"));
    let server = Server::start(command, &place.folder.join("server.log"))?;
    let drill = Drill {
        carrier: certificate.carrier("http/1.1")?,
        certificate,
        server,
        told: Rc::default(),
        over: Rc::default(),
    };
    let mut report = Report::new("drill certificate");
    let replace = || Certificate::make(place, &authority).map(drop);
    let run = drill.run(settings, replace, &mut report);
    runtime()?.block_on(LocalSet::new().run_until(run))?;
    drill.server.stop()?;
    Ok(report)
}

#[derive(Default)]
struct Told {
    requests: Cell<u32>,
    fresh: Cell<u32>,
    millis: RefCell<Vec<f64>>,
    failed: RefCell<Vec<String>>,
}

struct Drill {
    carrier: Carrier,
    certificate: Certificate,
    server: Server,
    told: Rc<Told>,
    over: Rc<Cell<bool>>,
}

impl Drill {
    async fn run(
        &self,
        settings: &CertificateSettings,
        replace: impl Fn() -> Result<()>,
        report: &mut Report,
    ) -> Result<()> {
        let mut tasks = JoinSet::new();
        let clients = settings.clients.max(1);
        let pause = Duration::from_secs(1).mul_f64(float(clients) / float(settings.rate.max(1)));
        for number in 0..clients {
            let mut api = Api::over(self.carrier.clone(), self.server.address());
            let token = register(&mut api, &format!("client-{number}")).await?;
            let (told, over) = (Rc::clone(&self.told), Rc::clone(&self.over));
            tasks.spawn_local(refresh(api, token, pause, (told, over)));
        }
        sleep(Duration::from_secs(2)).await;
        let (begun, before) = (Instant::now(), self.told.requests.get());
        let mut taken = Vec::new();
        for _ in 0..settings.replacements {
            let old = self.certificate.read()?;
            replace()?;
            let new = self.certificate.read()?;
            if old == new {
                return Err(Failure::Told("the certificate was not replaced".to_owned()));
            }
            taken.extend(
                self.taken_up(&new)
                    .await
                    .doing("looking for the new certificate")?,
            );
        }
        let requests = self.told.requests.get() - before;
        let rate = f64::from(requests) / begun.elapsed().as_secs_f64().max(f64::EPSILON);
        self.over.set(true);
        tasks.join_all().await;
        self.note(settings, (rate, &taken), report);
        Ok(())
    }

    /// How many seconds it took until a new connection was shown this one; nothing if it never was.
    async fn taken_up(&self, new: &CertificateDer<'static>) -> std::io::Result<Option<f64>> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let stream = self.carrier.connect(self.server.address()).await?;
            if stream.certificate().as_ref() == Some(new) {
                return Ok(Some(begun.elapsed().as_secs_f64()));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(None)
    }

    fn note(
        &self,
        settings: &CertificateSettings,
        (rate, taken): (f64, &[f64]),
        report: &mut Report,
    ) {
        let told = &self.told;
        report.note("clients", settings.clients);
        report.remark(
            "requests_per_second",
            rate,
            "while certificates were replaced",
        );
        report.note("requests", told.requests.get());
        report.remark(
            "handshakes",
            told.fresh.get(),
            "requests on a connection of their own",
        );
        report.note("replaced", settings.replacements);
        report.remark(
            "taken_up",
            taken.len(),
            "certificates that new connections were shown",
        );
        report.note("taken_up_seconds", median(taken.to_vec()));
        let mut millis = told.millis.take();
        millis.sort_by(f64::total_cmp);
        let rank = (millis.len() * 99).div_ceil(100).max(1);
        report.note("p99_ms", millis.get(rank - 1).copied().unwrap_or(0.0));
        let failed = told.failed.take();
        report.remark("failed", failed.len(), "must be 0");
        for what in failed {
            report.broken(what);
        }
        if taken.len() < settings.replacements {
            report.broken("a certificate was never taken up");
        }
    }
}

/// Refreshes at that pace until it is over, and tells whatever goes wrong.
async fn refresh(
    mut api: Api,
    mut token: String,
    pause: Duration,
    (told, over): (Rc<Told>, Rc<Cell<bool>>),
) {
    let mut pace = interval(pause);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 1.. {
        pace.tick().await;
        if over.get() {
            return;
        }
        if number % FRESH == 0 {
            api.hang_up();
            told.fresh.set(told.fresh.get() + 1);
        }
        let begun = Instant::now();
        let answer = api.post("/auth/refresh", Some(&token), None).await;
        told.requests.set(told.requests.get() + 1);
        match answer {
            Ok(answer) if answer.status == 200 => {
                answer.text("refresh_token").clone_into(&mut token);
                let millis = begun.elapsed().as_secs_f64() * 1_000.0;
                told.millis.borrow_mut().push(millis);
            }
            Ok(answer) => told.failed.borrow_mut().push(answer.brief()),
            Err(error) => told.failed.borrow_mut().push(error.to_string()),
        }
    }
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
