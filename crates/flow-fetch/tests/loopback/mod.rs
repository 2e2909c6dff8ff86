//! A web server on loopback that misbehaves as told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET` or `CONNECT`.
    pub method: String,
    /// The path, or what to connect to.
    pub path: String,
    /// The first byte asked for.
    pub from: usize,
    /// How often this path was asked for before.
    pub before: usize,
}

/// What to answer.
pub enum Answer {
    /// The bytes asked for.
    Serve(Vec<u8>),
    /// All bytes, whatever was asked for.
    Whole(Vec<u8>),
    /// The bytes asked for, cut after so many, though more were announced.
    Cut(Vec<u8>, usize),
    /// The bytes asked for up to so many, then silence.
    Silence(Vec<u8>, usize),
    /// A range that was not asked for.
    OtherRange(Vec<u8>),
    /// The bytes without a length, the connection's end is theirs.
    NoLength(Vec<u8>),
    /// A status and headers.
    Status(u16, &'static str),
    /// Nothing: the connection is closed at once.
    HangUp,
    /// A tunnel to another address, as a proxy gives it.
    Tunnel(String),
}

/// The server; it ends when dropped.
pub struct Server {
    /// `http://127.0.0.1:port`.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Starts it; every request is answered on a thread of its own.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (log, stopped, answer) = (Arc::clone(&asked), Arc::clone(&stop), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                // A client that goes away is part of the game.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &log, &*answer)));
            }
        });
        Self { url, asked, stop }
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked) -> Answer,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut from) = (String::new(), 0);
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse().unwrap();
        }
    }
    let asked = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|one| one.path == path).count();
        let asked = Asked {
            method,
            path,
            from,
            before,
        };
        log.push(asked.clone());
        asked
    };
    write(&mut stream, answer(&asked), from)?;
    stream.shutdown(Shutdown::Both)
}

fn write(stream: &mut TcpStream, answer: Answer, from: usize) -> std::io::Result<()> {
    match answer {
        Answer::Serve(bytes) => ranged(stream, &bytes, from, bytes.len()),
        Answer::Whole(bytes) => ranged(stream, &bytes, 0, bytes.len()),
        Answer::Cut(bytes, after) => ranged(stream, &bytes, from, after),
        Answer::Silence(bytes, after) => {
            ranged(stream, &bytes, from, after)?;
            // The client gives up first; then this read ends.
            stream.read(&mut [0]).map(|_| ())
        }
        Answer::OtherRange(bytes) => {
            ranged(stream, &bytes, from.saturating_sub(1).max(1), bytes.len())
        }
        Answer::NoLength(bytes) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&bytes)
        }
        Answer::Status(status, headers) => write!(
            stream,
            "HTTP/1.1 {status} As Told\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
        ),
        Answer::HangUp => Ok(()),
        Answer::Tunnel(to) => tunnel(stream, &to),
    }
}

/// Announces the bytes from one on and sends those before another.
fn ranged(stream: &mut TcpStream, bytes: &[u8], from: usize, to: usize) -> std::io::Result<()> {
    let whole = bytes.len();
    if from >= whole && from > 0 {
        return write!(
            stream,
            "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let status = match from {
        0 => "200 OK".to_owned(),
        _ => format!(
            "206 Part\r\nContent-Range: bytes {from}-{}/{whole}",
            whole - 1
        ),
    };
    let rest = whole - from;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {rest}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&bytes[from..to.clamp(from, whole)])?;
    stream.flush()
}

fn tunnel(stream: &mut TcpStream, to: &str) -> std::io::Result<()> {
    let far = TcpStream::connect(to)?;
    write!(stream, "HTTP/1.1 200 Connected\r\n\r\n")?;
    let (mut up_from, mut up_to) = (stream.try_clone()?, far.try_clone()?);
    let up = thread::spawn(move || {
        let _ = std::io::copy(&mut up_from, &mut up_to);
        let _ = up_to.shutdown(Shutdown::Write);
    });
    let mut far = far;
    std::io::copy(&mut far, stream)?;
    stream.shutdown(Shutdown::Both)?;
    let _ = up.join();
    Ok(())
}
