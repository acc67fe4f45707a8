//! A ping server for the tests: it records requests and sends the configured responses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// One received ping.
#[derive(Debug, Clone)]
pub struct Ping {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The headers.
    pub head: String,
    pub body: String,
}

/// A response: a status, such as `200 OK`, or silence for a while.
#[derive(Debug, Clone)]
pub enum Reply {
    Status(&'static str),
    Silence(Duration),
}

#[derive(Clone)]
pub struct PingServer {
    port: u16,
    pings: Arc<Mutex<Vec<Ping>>>,
    replies: Arc<Mutex<Vec<Reply>>>,
}

impl PingServer {
    pub fn new() -> PingServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (pings, replies) = (Arc::default(), Arc::default());
        let ping_server = PingServer { port, pings: Arc::clone(&pings), replies: Arc::clone(&replies) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (pings, replies) = (Arc::clone(&pings), Arc::clone(&replies));
                thread::spawn(move || listen(stream, &pings, &replies));
            }
        });
        ping_server
    }

    /// Its URL, with the secret in its path and in its query.
    pub fn url(&self, secret: &str) -> String {
        format!("http://127.0.0.1:{}/ping/{secret}?key={secret}&rid=1", self.port)
    }

    /// Sets the responses: the next request gets the first, and every later one the last.
    pub fn reply(&self, replies: &[Reply]) {
        *self.replies.lock().unwrap() = replies.to_vec();
    }

    /// Waits until it has received a ping.
    pub fn wait(&self) {
        while self.pings.lock().unwrap().is_empty() {
            thread::yield_now();
        }
    }

    /// The pings received since the last call.
    pub fn pings(&self) -> Vec<Ping> {
        std::mem::take(&mut *self.pings.lock().unwrap())
    }
}

/// Reads one request and responds.
fn listen(stream: TcpStream, pings: &Mutex<Vec<Ping>>, replies: &Mutex<Vec<Reply>>) {
    let mut reader = BufReader::new(&stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let (first, head) = head.split_once("\r\n").unwrap();
    let mut words = first.split(' ').map(str::to_owned);
    pings.lock().unwrap().push(Ping {
        method: words.next().unwrap(),
        target: words.next().unwrap(),
        head: head.to_owned(),
        body: String::from_utf8(body).unwrap(),
    });
    let reply = {
        let mut replies = replies.lock().unwrap();
        match replies.len() {
            0 => Reply::Status("200 OK"),
            1 => replies[0].clone(),
            _ => replies.remove(0),
        }
    };
    match reply {
        Reply::Silence(span) => thread::sleep(span),
        Reply::Status(status) => {
            let _ = write!(
                &stream,
                "HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:1/elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
        }
    }
}
