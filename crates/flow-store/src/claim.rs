//! Claims: two processes, or two threads, never compute one key at a time.
//!
//! A claim is a kernel lock on one byte of `cache/claims`, at a place given by the key. It belongs to
//! an open file, so it ends with its process, however that ends. Beside it stands, as a hint only,
//! which process holds it.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use flow_contract::Key;

use crate::error::{Doing, StoreError, say};
use crate::frame::number;
use crate::store::{Store, locked};

/// Who may compute a key.
#[derive(Debug)]
pub enum Claim {
    /// This caller, until it drops the guard. Look the key up again first: another process may have
    /// recorded it just before.
    Mine(ClaimGuard),
    /// Another process, or another thread of this one, is computing it.
    Theirs {
        /// The process, if it could be told.
        pid: Option<u32>,
    },
}

/// The right to compute a key, until dropped.
#[derive(Debug)]
pub struct ClaimGuard {
    claims: Arc<Claims>,
    key: Key,
}

#[derive(Debug)]
pub(crate) struct Claims {
    file: File,
    /// Locks of one open file don't exclude each other, so threads are kept apart here.
    held: Mutex<HashSet<u64>>,
}

/// Hints lie below, locks above.
const FIRST_LOCK: u64 = 1 << 32;
const HINT_BYTES: usize = 12;

impl Store {
    /// Claims a key for this caller, and reads what other processes have recorded.
    ///
    /// # Errors
    /// [`StoreError`] when the lock can't be asked for.
    pub fn claim(&self, key: &Key) -> Result<Claim, StoreError> {
        let claims = self.claims()?;
        let path = self.folder.join("claims");
        if !claims.take(key).doing(say("locking"), &path)? {
            let pid = claims.holder(key);
            return Ok(Claim::Theirs { pid });
        }
        let guard = ClaimGuard { claims, key: *key };
        self.ledger.refresh()?;
        Ok(Claim::Mine(guard))
    }

    /// Waits until nobody holds a claim on a key, at most this long; says whether that came.
    ///
    /// # Errors
    /// [`StoreError`] when the lock can't be asked for.
    pub fn wait_for(&self, key: &Key, at_most: Duration) -> Result<bool, StoreError> {
        let claims = self.claims()?;
        let path = self.folder.join("claims");
        let mut pause = Duration::from_micros(200);
        let mut left = at_most;
        while !claims.is_free(key).doing(say("locking"), &path)? {
            if left.is_zero() {
                return Ok(false);
            }
            thread::sleep(pause.min(left));
            left = left.saturating_sub(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        Ok(true)
    }
}

impl Claims {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        Ok(Self {
            file: options.open(path).doing(say("opening"), path)?,
            held: Mutex::default(),
        })
    }

    fn take(&self, key: &Key) -> io::Result<bool> {
        let mut held = locked(&self.held);
        let at = lock_at(key);
        if held.contains(&at) {
            return Ok(false);
        }
        let taken = lock_byte(&self.file, at, libc::F_WRLCK)?;
        if taken {
            held.insert(at);
            // Only a hint: who waits without it says so without a name.
            let _ = self.file.write_all_at(&hint(key), hint_at(key));
        }
        Ok(taken)
    }

    fn release(&self, key: &Key) {
        let mut held = locked(&self.held);
        // Unlocking a range one holds can't fail, and the process's end would do it too.
        let _ = lock_byte(&self.file, lock_at(key), libc::F_UNLCK);
        held.remove(&lock_at(key));
    }

    fn is_free(&self, key: &Key) -> io::Result<bool> {
        let at = lock_at(key);
        let free = !locked(&self.held).contains(&at) && lock_byte(&self.file, at, libc::F_WRLCK)?;
        if free {
            lock_byte(&self.file, at, libc::F_UNLCK)?;
        }
        Ok(free)
    }

    fn holder(&self, key: &Key) -> Option<u32> {
        if locked(&self.held).contains(&lock_at(key)) {
            return Some(std::process::id());
        }
        let mut bytes = [0; HINT_BYTES];
        self.file.read_exact_at(&mut bytes, hint_at(key)).ok()?;
        let pid = u32::from_le_bytes(*bytes.last_chunk()?);
        (bytes[..8] == key.0.as_bytes()[16..24]).then_some(pid)
    }
}

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        self.claims.release(&self.key);
    }
}

fn lock_at(key: &Key) -> u64 {
    FIRST_LOCK + (number(&key.0.as_bytes()[..8]) >> 2)
}

fn hint_at(key: &Key) -> u64 {
    number(&key.0.as_bytes()[8..10]) * HINT_BYTES as u64
}

/// Part of the key, to know a stale hint by, and the process.
fn hint(key: &Key) -> [u8; HINT_BYTES] {
    let mut bytes = [0; HINT_BYTES];
    bytes[..8].copy_from_slice(&key.0.as_bytes()[16..24]);
    bytes[8..].copy_from_slice(&std::process::id().to_le_bytes());
    bytes
}

/// Locks or unlocks one byte for this open file; false if another open file has it.
fn lock_byte(file: &File, at: u64, kind: libc::c_int) -> io::Result<bool> {
    let lock = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: at as libc::off_t,
        l_len: 1,
        l_pid: 0,
    };
    #[expect(
        unsafe_code,
        reason = "fcntl reads the struct during the call only, and the descriptor is open"
    )]
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    if answer == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::EACCES) => Ok(false),
        _ => Err(error),
    }
}
