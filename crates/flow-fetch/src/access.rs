//! How the network is reached: proxies and certificates.

use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, PemItem, parse_pem};

/// Proxies and certificates. The default goes straight out and trusts Mozilla's authorities.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The proxy for `http://` addresses, as in `http://user:password@host:port`.
    pub http_proxy: Option<String>,
    /// The proxy for `https://` addresses.
    pub https_proxy: Option<String>,
    /// Hosts reached without a proxy: `host`, `.domain`, `*`.
    pub no_proxy: Vec<String>,
    /// The authorities to trust, in DER, in place of Mozilla's; none for those.
    pub authorities: Option<Vec<Vec<u8>>>,
}

/// What the environment names can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Certificates can't be read.
    #[error("reading the certificates in `{}`, which {variable} names: {source}", path.display())]
    Read {
        /// The variable.
        variable: &'static str,
        /// What it names.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// A file holds no certificate.
    #[error("`{}`, which {variable} names, holds no certificate in PEM", path.display())]
    NoCertificate {
        /// The variable.
        variable: &'static str,
        /// What it names.
        path: PathBuf,
    },
    /// A proxy's address can't be used.
    #[error("the proxy `{0}` is not written like http://host:port")]
    Proxy(String),
}

impl Access {
    /// What the environment says, as curl and OpenSSL read it.
    ///
    /// `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy` in lower case before upper; `SSL_CERT_FILE`, else
    /// `CURL_CA_BUNDLE`, else `REQUESTS_CA_BUNDLE`, and `SSL_CERT_DIR`. Empty ones count as unset.
    ///
    /// # Errors
    /// [`AccessError::Read`], [`AccessError::NoCertificate`].
    pub fn from_environment() -> Result<Self, AccessError> {
        Self::from_variables(&|name| std::env::var(name).ok())
    }

    /// The same for variables from elsewhere.
    ///
    /// # Errors
    /// As [`Self::from_environment`].
    pub fn from_variables(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, AccessError> {
        let set = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let either = |name: &str| set(name).or_else(|| set(&name.to_uppercase()));
        let all = either("all_proxy");
        let no_proxy = either("no_proxy").unwrap_or_default();
        let hosts = no_proxy.split(',').map(|host| host.trim().to_owned());
        Ok(Self {
            http_proxy: either("http_proxy").or_else(|| all.clone()),
            https_proxy: either("https_proxy").or(all),
            no_proxy: hosts.filter(|host| !host.is_empty()).collect(),
            authorities: authorities(&set)?,
        })
    }
}

fn authorities(set: &dyn Fn(&str) -> Option<String>) -> Result<Option<Vec<Vec<u8>>>, AccessError> {
    const FILES: [&str; 3] = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"];
    let file = FILES
        .iter()
        .find_map(|&variable| Some((variable, set(variable)?)));
    let folder = set("SSL_CERT_DIR").map(|folder| ("SSL_CERT_DIR", folder));
    let mut all: Option<Vec<Vec<u8>>> = None;
    for (variable, path) in file.into_iter().chain(folder) {
        let path = PathBuf::from(path);
        let failed = |source| {
            let path = path.clone();
            AccessError::Read {
                variable,
                path,
                source,
            }
        };
        let found = certificates(&path).map_err(failed)?;
        if found.is_empty() {
            return Err(AccessError::NoCertificate { variable, path });
        }
        all.get_or_insert_default().extend(found);
    }
    Ok(all)
}

/// The certificates in a PEM file, or in the files of a folder.
fn certificates(path: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    if !path.is_dir() {
        return Ok(in_pem(&std::fs::read(path)?));
    }
    let mut all = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_file() {
            all.extend(in_pem(&std::fs::read(path)?));
        }
    }
    Ok(all)
}

fn in_pem(pem: &[u8]) -> Vec<Vec<u8>> {
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate.der().to_vec()),
        _ => None,
    };
    parse_pem(pem).filter_map(certificate).collect()
}

/// The same as the client's library wants it.
pub(crate) fn certificate(der: &[u8]) -> Certificate<'static> {
    Certificate::from_der(der).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(variables: &[(&str, &str)]) -> Result<Access, AccessError> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Access::from_variables(&get)
    }

    #[test]
    fn proxies_are_chosen_by_scheme_and_lower_case_goes_first() {
        let access = access(&[
            ("ALL_PROXY", "http://all:1"),
            ("https_proxy", "http://lower:2"),
            ("HTTPS_PROXY", "http://upper:3"),
            ("http_proxy", ""),
            ("NO_PROXY", "localhost, .example.org"),
        ])
        .unwrap();
        assert_eq!(access.https_proxy.as_deref(), Some("http://lower:2"));
        assert_eq!(access.http_proxy.as_deref(), Some("http://all:1"));
        assert_eq!(access.no_proxy, ["localhost", ".example.org"]);
        assert!(access.authorities.is_none());
    }

    #[test]
    fn certificates_that_are_not_there_are_named_with_their_variable() {
        let error = access(&[("SSL_CERT_FILE", "/nowhere/ca.pem")]).unwrap_err();
        assert!(
            error.to_string().contains("which SSL_CERT_FILE names"),
            "{error}"
        );
        let empty = tempfile::NamedTempFile::new().unwrap();
        let path = empty.path().to_str().unwrap();
        let error = access(&[("REQUESTS_CA_BUNDLE", path)]).unwrap_err();
        assert!(
            error.to_string().contains("holds no certificate"),
            "{error}"
        );
    }
}
