//! One file from one server.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::Body;
use ureq::http::Response;

use crate::part::{Part, disk};
use crate::{Client, FetchError, Patience, Sha256, Watch};

/// A file to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where it can be had.
    pub url: String,
    /// Where it is to lie.
    pub path: PathBuf,
    /// What its bytes must be; `None` for a file that nobody vouches for.
    pub sha256: Option<Sha256>,
}

/// How a file came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was there, and right.
    Present,
    /// It was downloaded.
    Downloaded,
}

/// Why an attempt failed.
enum Failure {
    /// For good.
    Final(FetchError),
    /// It may go better the next time, which the server wants to be after a while.
    Passing { why: String, wait: Option<Duration> },
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Final(error)
    }
}

impl Client {
    /// Brings one file to its place; `place` is what the watch calls it.
    ///
    /// A file of that name with other bytes is moved aside to `NAME.wrong`, never overwritten. What has arrived when
    /// an attempt fails is gone on with at the next, in this call or in a later one. An attempt that got further
    /// starts the count of attempts anew; wrong bytes never do.
    ///
    /// # Errors
    /// Every [`FetchError`].
    pub fn fetch(
        &self,
        place: usize,
        wanted: &Wanted,
        watch: &dyn Watch,
    ) -> Result<Came, FetchError> {
        self.fetch_within(&|| self.patience.attempts, (place, wanted), watch)
    }

    /// The same with so many attempts, asked after each.
    pub(crate) fn fetch_within(
        &self,
        attempts: &dyn Fn() -> u32,
        (place, wanted): (usize, &Wanted),
        watch: &dyn Watch,
    ) -> Result<Came, FetchError> {
        if is_there(wanted)? {
            watch.arrived(place, Came::Present);
            return Ok(Came::Present);
        }
        let mut part = Part::of(&wanted.path, watch)?;
        if is_there(wanted)? {
            part.discard();
            watch.arrived(place, Came::Present);
            return Ok(Came::Present);
        }
        self.complete(attempts, (place, wanted), &mut part, watch)?;
        set_aside(&wanted.path, watch)?;
        part.finish(&wanted.path)?;
        watch.arrived(place, Came::Downloaded);
        Ok(Came::Downloaded)
    }

    /// Makes a part whole and right.
    fn complete(
        &self,
        attempts: &dyn Fn() -> u32,
        (place, wanted): (usize, &Wanted),
        part: &mut Part,
        watch: &dyn Watch,
    ) -> Result<(), FetchError> {
        // A part may have been whole when its writer died.
        if part.bytes > 0 && wanted.sha256.is_some() && wanted.sha256 == Some(part.sha256()?) {
            return Ok(());
        }
        let (mut failures, mut wrong) = (0, 0);
        loop {
            let before = part.bytes;
            let (why, wait) = match self.attempt(place, wanted, part, watch) {
                Ok(()) => {
                    let Some(found) = unlike(wanted, part)? else {
                        return Ok(());
                    };
                    wrong += 1;
                    if wrong >= attempts() {
                        return Err(wrong_bytes(wanted, found, wrong));
                    }
                    part.restart()?;
                    (
                        format!("its SHA-256 is {found}, not the one in the list"),
                        None,
                    )
                }
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { why, wait }) => {
                    failures = if part.bytes > before { 1 } else { failures + 1 };
                    if failures >= attempts() {
                        return Err(gave_up(wanted, failures, part.bytes, why));
                    }
                    (why, wait)
                }
            };
            let pause = wait.unwrap_or(self.patience.pause(failures.max(wrong)));
            let pause = pause.min(Patience::LONGEST_PAUSE);
            let at = part.bytes;
            watch.trouble(&format!(
                "`{}` at byte {at}: {why}; again in {pause:?}",
                wanted.url
            ));
            rest(pause, watch)?;
        }
    }

    /// Asks once for what is missing and writes what comes.
    fn attempt(
        &self,
        place: usize,
        wanted: &Wanted,
        part: &mut Part,
        watch: &dyn Watch,
    ) -> Result<(), Failure> {
        // Without a checksum nobody would notice that the end belongs to another version than the beginning.
        if wanted.sha256.is_none() {
            part.restart()?;
        }
        let mut request = self.agent(&wanted.url)?.get(&wanted.url);
        if part.bytes > 0 {
            request = request.header("Range", format!("bytes={}-", part.bytes));
        }
        let mut response = request
            .call()
            .map_err(|error| failure(wanted, &error, self.why(&wanted.url, &error)))?;
        accept(wanted, &response, part)?;
        let whole = response
            .body()
            .content_length()
            .map(|rest| part.bytes + rest);
        if let Some(whole) = whole {
            watch.expects(place, whole);
        }
        watch.at(place, part.bytes);
        let mut reader = response.body_mut().with_config().limit(u64::MAX).reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            if watch.should_stop() {
                return Err(FetchError::Stopped.into());
            }
            let count = reader
                .read(&mut buffer)
                .map_err(|error| passing(&self.why(&wanted.url, &error)))?;
            if count == 0 {
                break;
            }
            part.append(&buffer[..count])?;
            watch.at(place, part.bytes);
        }
        match whole {
            Some(whole) if part.bytes < whole => Err(passing(&format!(
                "the connection ended at {} of {whole} bytes",
                part.bytes
            ))),
            _ => Ok(()),
        }
    }
}

/// Checks that an answer goes on where the part ends; empties the part where it begins anew.
fn accept(wanted: &Wanted, response: &Response<Body>, part: &mut Part) -> Result<(), Failure> {
    let status = response.status().as_u16();
    match status {
        200 => Ok(part.restart()?),
        206 if continues_at(response, part.bytes) => Ok(()),
        206 | 416 => {
            part.restart()?;
            Err(passing(
                &"the server sends another range than was asked for",
            ))
        }
        408 | 425 | 429 | 500 | 502..=504 | 507..=599 => Err(Failure::Passing {
            why: format!("the server answers {status}"),
            wait: asked_to_wait(response),
        }),
        _ => Err(Failure::Final(FetchError::Refused {
            url: wanted.url.clone(),
            status,
        })),
    }
}

fn header<'r>(response: &'r Response<Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

/// Reads `Content-Range: bytes 100-199/200`.
fn continues_at(response: &Response<Body>, byte: u64) -> bool {
    let range = header(response, "content-range").and_then(|range| range.strip_prefix("bytes "));
    let start = range.and_then(|range| range.split('-').next());
    start.and_then(|start| start.trim().parse().ok()) == Some(byte)
}

/// `Retry-After` in seconds; its other form, a date, would need a clock.
fn asked_to_wait(response: &Response<Body>) -> Option<Duration> {
    let seconds = header(response, "retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn passing(why: &dyn std::fmt::Display) -> Failure {
    let (why, wait) = (why.to_string(), None);
    Failure::Passing { why, wait }
}

/// Tells what can never work from a network that may.
fn failure(wanted: &Wanted, error: &ureq::Error, why: String) -> Failure {
    use ureq::Error;
    let url = wanted.url.clone();
    match error {
        Error::BadUri(_) | Error::Http(_) | Error::TooManyRedirects => {
            Failure::Final(FetchError::Address { url, why })
        }
        Error::Tls(_) | Error::Rustls(_) => Failure::Final(FetchError::Distrusted { url, why }),
        // The handshake happens inside the first read, so its verdict on a certificate comes as an I/O error.
        Error::Io(io) if io.kind() == ErrorKind::InvalidData && why.contains("certificate") => {
            Failure::Final(FetchError::Distrusted { url, why })
        }
        _ => passing(&why),
    }
}

fn is_there(wanted: &Wanted) -> Result<bool, FetchError> {
    let found = Sha256::of_file(&wanted.path).map_err(|e| disk("reading", &wanted.path, e))?;
    Ok(match wanted.sha256 {
        Some(sha256) => found == Some(sha256),
        None => found.is_some(),
    })
}

/// The checksum of a part that isn't what is wanted.
fn unlike(wanted: &Wanted, part: &mut Part) -> Result<Option<Sha256>, FetchError> {
    let Some(sha256) = wanted.sha256 else {
        return Ok(None);
    };
    let found = part.sha256()?;
    Ok((found != sha256).then_some(found))
}

/// Moves a file with other bytes aside: it may be somebody's.
fn set_aside(path: &Path, watch: &dyn Watch) -> Result<(), FetchError> {
    if !path.exists() {
        return Ok(());
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".wrong");
    std::fs::rename(path, &aside).map_err(|e| disk("moving aside", path, e))?;
    let (from, to) = (path.display(), Path::new(&aside).display());
    watch.trouble(&format!(
        "`{from}` was not what the list says and is `{to}` now"
    ));
    Ok(())
}

fn wrong_bytes(wanted: &Wanted, found: Sha256, attempts: u32) -> FetchError {
    FetchError::WrongBytes {
        url: wanted.url.clone(),
        wanted: wanted.sha256.unwrap_or(found),
        found,
        attempts,
    }
}

fn gave_up(wanted: &Wanted, attempts: u32, bytes: u64, last: String) -> FetchError {
    let url = wanted.url.clone();
    FetchError::GaveUp {
        url,
        attempts,
        bytes,
        last,
    }
}

/// Waits, with an ear for being stopped.
fn rest(mut left: Duration, watch: &dyn Watch) -> Result<(), FetchError> {
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    while !left.is_zero() {
        if watch.should_stop() {
            return Err(FetchError::Stopped);
        }
        thread::sleep(left.min(LOOK_EVERY));
        left = left.saturating_sub(LOOK_EVERY);
    }
    Ok(())
}
