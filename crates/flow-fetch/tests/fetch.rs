//! Files arrive whole or not at all, whatever a server does.
#![expect(
    clippy::unwrap_used,
    reason = "what a test can't do without, it fails without"
)]

mod loopback;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use flow_fetch::{Access, Came, Client, FetchError, Patience, Sha256, Wanted, Watch, fetch_all};
use loopback::{Answer, Server};

/// Remembers what it hears; stops after so many bytes of any file.
#[derive(Default)]
struct Ear {
    words: Mutex<Vec<String>>,
    stop_at: Option<u64>,
    stopped: AtomicBool,
    expected: AtomicU64,
}

impl Watch for Ear {
    fn expects(&self, _file: usize, bytes: u64) {
        self.expected.fetch_max(bytes, Ordering::SeqCst);
    }
    fn at(&self, _file: usize, bytes: u64) {
        if self.stop_at.is_some_and(|stop| bytes >= stop) {
            self.stopped.store(true, Ordering::SeqCst);
        }
    }
    fn arrived(&self, _file: usize, _came: Came) {}
    fn trouble(&self, words: &str) {
        self.words.lock().unwrap().push(words.to_owned());
    }
    fn should_stop(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

/// 300,000 bytes that no two places of share.
fn night() -> Vec<u8> {
    (0..75_000_u32)
        .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect()
}

fn quick() -> Patience {
    let (first_pause, silence) = (Duration::from_millis(1), Duration::from_millis(300));
    Patience {
        attempts: 3,
        first_pause,
        silence,
    }
}

fn client() -> Client {
    Client::new(&Access::default(), quick()).unwrap()
}

struct Lab {
    folder: tempfile::TempDir,
    server: Server,
    ear: Ear,
}

impl Lab {
    fn with(answer: impl Fn(&loopback::Asked) -> Answer + Send + Sync + 'static) -> Self {
        let (folder, server) = (tempfile::tempdir().unwrap(), Server::start(answer));
        let ear = Ear::default();
        Self {
            folder,
            server,
            ear,
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            url: format!("{}/night.edf", self.server.url),
            path: self.folder.path().join("data/night.edf"),
            sha256: Some(Sha256::of(&night())),
        }
    }

    fn fetch(&self) -> Result<Came, FetchError> {
        client().fetch(0, &self.wanted(), &self.ear)
    }

    fn has_arrived(&self) -> bool {
        let part = self.folder.path().join("data/night.edf.part");
        !part.exists() && std::fs::read(self.wanted().path).is_ok_and(|bytes| bytes == night())
    }

    /// The first bytes asked for, in order.
    fn froms(&self) -> Vec<usize> {
        self.server.asked().iter().map(|asked| asked.from).collect()
    }
}

#[test]
fn a_file_that_is_there_costs_no_connection() {
    let lab = Lab::with(|_| Answer::Serve(night()));
    assert_eq!(lab.fetch().unwrap(), Came::Downloaded);
    assert!(lab.has_arrived());
    assert_eq!(lab.ear.expected.load(Ordering::SeqCst), 300_000);
    assert_eq!(lab.fetch().unwrap(), Came::Present);
    assert_eq!(lab.froms(), [0]);
}

#[test]
fn a_cut_connection_is_gone_on_with() {
    let lab = Lab::with(|asked| match asked.before {
        0 => Answer::Cut(night(), 100_000),
        1 => Answer::Cut(night(), 250_000),
        2 => Answer::HangUp,
        _ => Answer::Serve(night()),
    });
    assert_eq!(lab.fetch().unwrap(), Came::Downloaded);
    assert!(lab.has_arrived());
    assert_eq!(lab.froms(), [0, 100_000, 250_000, 250_000]);
    let words = lab.ear.words.lock().unwrap();
    assert!(
        words[0].contains("at byte 100000") && words[0].contains("again in"),
        "{words:?}"
    );
}

#[test]
fn a_server_that_ignores_ranges_begins_again() {
    let lab = Lab::with(|asked| match asked.before {
        0 => Answer::Cut(night(), 100_000),
        _ => Answer::Whole(night()),
    });
    assert_eq!(lab.fetch().unwrap(), Came::Downloaded);
    assert!(lab.has_arrived());
    assert_eq!(lab.froms(), [0, 100_000]);
}

#[test]
fn a_server_that_sends_another_range_is_not_believed() {
    let lab = Lab::with(|asked| match asked.before {
        0 => Answer::Cut(night(), 100_000),
        1 => Answer::OtherRange(night()),
        _ => Answer::Serve(night()),
    });
    lab.fetch().unwrap();
    assert!(lab.has_arrived());
    assert_eq!(lab.froms(), [0, 100_000, 0]);
}

#[test]
fn silence_is_not_waited_out() {
    let lab = Lab::with(|asked| match asked.before {
        0 => Answer::Silence(night(), 70_000),
        _ => Answer::Serve(night()),
    });
    lab.fetch().unwrap();
    assert!(lab.has_arrived());
    assert_eq!(lab.froms(), [0, 70_000]);
}

#[test]
fn wrong_bytes_are_never_used() {
    let lab = Lab::with(|_| {
        let mut bytes = night();
        bytes[77] ^= 1;
        Answer::Serve(bytes)
    });
    let error = lab.fetch().unwrap_err();
    assert!(
        matches!(error, FetchError::WrongBytes { attempts: 3, .. }),
        "{error}"
    );
    assert!(!lab.wanted().path.exists());
    assert_eq!(lab.froms(), [0, 0, 0]);
}

#[test]
fn bytes_that_are_wrong_once_are_fetched_again() {
    let lab = Lab::with(|asked| match asked.before {
        0 => Answer::Serve(vec![0; 300_000]),
        1 => Answer::NoLength(night()[..1000].to_vec()),
        _ => Answer::NoLength(night()),
    });
    lab.fetch().unwrap();
    assert!(lab.has_arrived());
}

#[test]
fn a_missing_file_is_not_asked_for_again() {
    let lab = Lab::with(|_| Answer::Status(404, ""));
    let error = lab.fetch().unwrap_err();
    assert!(matches!(error, FetchError::Refused { status: 404, .. }));
    assert!(error.to_string().contains("there is no such file"));
    assert_eq!(lab.froms(), [0]);
}

#[test]
fn a_server_in_trouble_is_asked_again_as_often_as_said() {
    let lab = Lab::with(|asked| match asked.before {
        0 => Answer::Status(500, ""),
        1 => Answer::Status(503, "Retry-After: 0\r\n"),
        _ => Answer::Serve(night()),
    });
    lab.fetch().unwrap();
    assert!(lab.has_arrived());
    let lab = Lab::with(|_| Answer::Status(503, ""));
    let error = lab.fetch().unwrap_err();
    assert!(
        matches!(error, FetchError::GaveUp { attempts: 3, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("the server answers 503"));
}

#[test]
fn nobody_at_the_other_end_is_an_error_in_words() {
    let lab = Lab::with(|_| Answer::HangUp);
    let mut wanted = lab.wanted();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    wanted.url = format!("http://{port}/night.edf");
    let error = client()
        .fetch(0, &wanted, &lab.ear)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("failed 3 times") && error.contains("refused"),
        "{error}"
    );
}

#[test]
fn a_stopped_download_goes_on_the_next_time() {
    let mut lab = Lab::with(|_| Answer::Serve(night()));
    lab.ear.stop_at = Some(100_000);
    assert!(matches!(lab.fetch().unwrap_err(), FetchError::Stopped));
    let part = lab.folder.path().join("data/night.edf.part");
    let have = std::fs::metadata(part).unwrap().len() as usize;
    assert!((100_000..300_000).contains(&have));
    lab.ear = Ear::default();
    lab.fetch().unwrap();
    assert!(lab.has_arrived());
    assert_eq!(lab.froms(), [0, have]);
}

#[test]
fn a_part_that_was_whole_is_not_fetched_again() {
    let lab = Lab::with(|_| Answer::Status(500, ""));
    std::fs::create_dir(lab.folder.path().join("data")).unwrap();
    std::fs::write(lab.folder.path().join("data/night.edf.part"), night()).unwrap();
    lab.fetch().unwrap();
    assert!(lab.has_arrived());
    assert!(lab.froms().is_empty());
}

#[test]
fn somebody_elses_file_is_moved_aside_not_overwritten() {
    let lab = Lab::with(|_| Answer::Serve(night()));
    std::fs::create_dir(lab.folder.path().join("data")).unwrap();
    std::fs::write(lab.wanted().path, b"mine").unwrap();
    lab.fetch().unwrap();
    assert!(lab.has_arrived());
    let aside = lab.folder.path().join("data/night.edf.wrong");
    assert_eq!(std::fs::read(aside).unwrap(), b"mine");
}

#[test]
fn several_files_arrive_and_one_that_fails_keeps_none() {
    let lab = Lab::with(|asked| match asked.path.as_str() {
        "/3" => Answer::Status(404, ""),
        path => Answer::Serve(path.as_bytes().to_vec()),
    });
    let wanted: Vec<Wanted> = (0..12)
        .map(|number| Wanted {
            url: format!("{}/{number}", lab.server.url),
            path: lab.folder.path().join(number.to_string()),
            sha256: Some(Sha256::of(format!("/{number}").as_bytes())),
        })
        .collect();
    let fates = fetch_all(&client(), &wanted, 4, &lab.ear);
    for (number, fate) in fates.iter().enumerate() {
        assert_eq!(fate.is_err(), number == 3, "{number}: {fate:?}");
    }
}

#[test]
fn without_a_network_only_the_first_files_are_tried_again_and_again() {
    let lab = Lab::with(|asked| match asked.before {
        0..=6 => Answer::HangUp,
        _ => Answer::Serve(night()),
    });
    let one = |number: usize| Wanted {
        path: lab.folder.path().join(number.to_string()),
        ..lab.wanted()
    };
    let wanted: Vec<Wanted> = (0..6).map(one).collect();
    let fates = fetch_all(&client(), &wanted, 1, &lab.ear);
    // Three attempts at the first, one at each of the next four; then the network is back.
    let attempts = fates.iter().map(|fate| match fate {
        Err(FetchError::GaveUp { attempts, .. }) => *attempts,
        _ => 0,
    });
    assert_eq!(
        attempts.collect::<Vec<_>>(),
        [3, 1, 1, 1, 1, 0],
        "{fates:?}"
    );
}

#[test]
fn two_at_once_download_a_file_once() {
    let lab = Lab::with(|_| Answer::Serve(night()));
    thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| lab.fetch().unwrap()));
        let came = both.map(|one| one.join().unwrap());
        assert!(came.contains(&Came::Downloaded), "{came:?}");
    });
    assert!(lab.has_arrived());
    assert_eq!(lab.froms(), [0]);
}

#[test]
fn a_proxy_is_gone_through_unless_the_host_is_exempt() {
    let lab = Lab::with(|_| Answer::Serve(night()));
    let proxy = Server::start(|asked| Answer::Tunnel(asked.path.clone()));
    let mut access = Access {
        http_proxy: Some(proxy.url.clone()),
        ..Access::default()
    };
    let through = Client::new(&access, quick()).unwrap();
    through.fetch(0, &lab.wanted(), &lab.ear).unwrap();
    assert!(lab.has_arrived());
    assert_eq!(proxy.asked().len(), 1);
    assert_eq!(proxy.asked()[0].method, "CONNECT");
    std::fs::remove_file(lab.wanted().path).unwrap();
    access.no_proxy = vec!["127.0.0.1".to_owned()];
    let past = Client::new(&access, quick()).unwrap();
    past.fetch(0, &lab.wanted(), &lab.ear).unwrap();
    assert_eq!(proxy.asked().len(), 1);
    // A dead one is named, without its password.
    std::fs::remove_file(lab.wanted().path).unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = gone.local_addr().unwrap();
    drop(gone);
    access = Access::default();
    access.http_proxy = Some(format!("http://me:secret@{dead}"));
    let nowhere = Client::new(&access, quick()).unwrap();
    let error = nowhere
        .fetch(0, &lab.wanted(), &lab.ear)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("(through the proxy {dead})")),
        "{error}"
    );
    assert!(!error.contains("secret"), "{error}");
    access.http_proxy = Some("not a proxy".to_owned());
    assert!(Client::new(&access, quick()).is_err());
}

/// Answers every TLS connection with the night; gives the port.
fn tls_server() -> u16 {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    let chain = CertificateDer::from_pem_slice(include_bytes!("tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::new(config);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::StreamOwned::new(connection, stream.unwrap());
            // A client that distrusts us goes away, which is what a test wants.
            let _ = tls.read(&mut [0; 4096]).and_then(|_| {
                write!(
                    tls,
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                    night().len()
                )?;
                tls.write_all(&night())?;
                tls.conn.send_close_notify();
                tls.flush()
            });
        }
    });
    port
}

#[test]
fn an_authority_from_the_environment_is_trusted_and_no_other() {
    let lab = Lab::with(|_| Answer::HangUp);
    let mut wanted = lab.wanted();
    wanted.url = format!("https://localhost:{}/night.edf", tls_server());
    let error = client().fetch(0, &wanted, &lab.ear).unwrap_err();
    assert!(matches!(error, FetchError::Distrusted { .. }), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem");
    let variable = |name: &str| (name == "SSL_CERT_FILE").then(|| ca.to_owned());
    let access = Access::from_variables(&variable).unwrap();
    let trusting = Client::new(&access, quick()).unwrap();
    assert_eq!(
        trusting.fetch(0, &wanted, &lab.ear).unwrap(),
        Came::Downloaded
    );
    assert!(lab.has_arrived());
}
