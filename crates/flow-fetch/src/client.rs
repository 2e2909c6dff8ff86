//! Who asks servers, and how patiently.

use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use crate::FetchError;
use crate::access::{Access, AccessError, certificate};

/// How patiently files are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// How often a file may fail without getting further, at least 1.
    pub attempts: u32,
    /// How long to wait after the first failure; doubled each time, at most [`Patience::LONGEST_PAUSE`].
    pub first_pause: Duration,
    /// How long a connection may be silent.
    pub silence: Duration,
}

impl Patience {
    /// The longest pause between two attempts, whatever a server asks for.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

    /// How long to wait after so many failures in a row.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let doubled = self
            .first_pause
            .saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(Self::LONGEST_PAUSE)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_pause: Duration::from_secs(1),
            silence: Duration::from_secs(30),
        }
    }
}

/// Asks servers for files; keeps connections alive between them.
#[derive(Debug)]
pub struct Client {
    /// Or why there is no way to the network, said once something is asked for.
    agents: Result<Agents, String>,
    pub(crate) patience: Patience,
}

#[derive(Debug)]
struct Agents {
    http: Agent,
    https: Agent,
}

/// The proxy that an address is asked for through, as `host:port`: never its password.
fn proxy_of(agent: &Agent, url: &str) -> Option<String> {
    let proxy = agent.config().proxy()?;
    let uri = url.parse().ok()?;
    (!proxy.is_no_proxy(&uri)).then(|| format!("{}:{}", proxy.host(), proxy.port()))
}

impl Agents {
    fn new(access: &Access, patience: Patience) -> Result<Self, AccessError> {
        Ok(Self {
            http: agent(access, access.http_proxy.as_deref(), patience)?,
            https: agent(access, access.https_proxy.as_deref(), patience)?,
        })
    }
}

impl Client {
    /// A client with this way to the network.
    ///
    /// A proxy is asked to `CONNECT`, for `http://` too.
    ///
    /// # Errors
    /// [`AccessError::Proxy`].
    pub fn new(access: &Access, patience: Patience) -> Result<Self, AccessError> {
        let agents = Ok(Agents::new(access, patience)?);
        Ok(Self { agents, patience })
    }

    /// A client with the way to the network that the environment names.
    ///
    /// A way that can't be used is a [`FetchError::NoWay`] of what needs it; files that are there don't.
    #[must_use]
    pub fn from_environment(patience: Patience) -> Self {
        let access = Access::from_environment();
        let agents = access.and_then(|access| Agents::new(&access, patience));
        let agents = agents.map_err(|error| error.to_string());
        Self { agents, patience }
    }

    /// A passing failure in words: what the library says, and through which proxy.
    pub(crate) fn why(&self, url: &str, error: &dyn std::fmt::Display) -> String {
        let words = error.to_string();
        let words = words.strip_prefix("io: ").unwrap_or(&words);
        let agent = self.agent(url).ok();
        match agent.and_then(|agent| proxy_of(agent, url)) {
            Some(proxy) => format!("{words} (through the proxy {proxy})"),
            None => words.to_owned(),
        }
    }

    pub(crate) fn agent(&self, url: &str) -> Result<&Agent, FetchError> {
        let agents = self.agents.as_ref().map_err(|why| FetchError::NoWay {
            url: url.to_owned(),
            why: why.clone(),
        })?;
        Ok(match url.starts_with("http://") {
            true => &agents.http,
            false => &agents.https,
        })
    }
}

fn agent(access: &Access, proxy: Option<&str>, patience: Patience) -> Result<Agent, AccessError> {
    let roots = match &access.authorities {
        Some(authorities) => {
            let all: Vec<_> = authorities.iter().map(|der| certificate(der)).collect();
            RootCerts::from(all)
        }
        None => RootCerts::WebPki,
    };
    let proxy = proxy
        .map(|proxy| through(proxy, &access.no_proxy))
        .transpose()?;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(proxy)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_connect(Some(patience.silence))
        .timeout_recv_response(Some(patience.silence))
        .timeout_per_read(Some(patience.silence))
        .user_agent(concat!("flow/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(config.new_agent())
}

fn through(proxy: &str, without: &[String]) -> Result<Proxy, AccessError> {
    let wrong = || AccessError::Proxy(proxy.to_owned());
    let read = Proxy::new(proxy).map_err(|_| wrong())?;
    let mut builder = Proxy::builder(read.protocol())
        .host(read.host())
        .port(read.port());
    if let Some(name) = read.username() {
        builder = builder.username(name);
    }
    if let Some(password) = read.password() {
        builder = builder.password(password);
    }
    for host in without {
        builder = builder.no_proxy(host);
        // As curl has it, a domain stands for its hosts too.
        if !host.starts_with(['.', '*']) {
            builder = builder.no_proxy(&format!(".{host}"));
        }
    }
    builder.build().map_err(|_| wrong())
}
