//! This is somebody who waits for pings, for the tests: a server that writes down what it is told and answers as it should.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What it was told once.
#[derive(Debug, Clone)]
pub struct Told {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The rest of the head.
    pub head: String,
    pub body: String,
}

/// What it answers: a status, such as `200 OK`; or nothing, for so long.
#[derive(Debug, Clone)]
pub enum Reply {
    Status(&'static str),
    NoProgress(Duration),
}

#[derive(Clone)]
pub struct PingServer {
    port: u16,
    told: Arc<Mutex<Vec<Told>>>,
    replies: Arc<Mutex<Vec<Reply>>>,
}

impl PingServer {
    pub fn new() -> PingServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, replies) = (Arc::default(), Arc::default());
        let ping_server = PingServer { port, told: Arc::clone(&told), replies: Arc::clone(&replies) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (told, replies) = (Arc::clone(&told), Arc::clone(&replies));
                thread::spawn(move || listen(stream, &told, &replies));
            }
        });
        ping_server
    }

    /// Its address, with the secret in its path and in its query.
    pub fn url(&self, secret: &str) -> String {
        format!("http://127.0.0.1:{}/ping/{secret}?key={secret}&rid=1", self.port)
    }

    /// Answers so from now on: the next with the first, and every later one with the last.
    pub fn reply(&self, replies: &[Reply]) {
        *self.replies.lock().unwrap() = replies.to_vec();
    }

    /// Waits until it has been told something.
    pub fn wait(&self) {
        while self.told.lock().unwrap().is_empty() {
            thread::yield_now();
        }
    }

    /// What it was told since the last look.
    pub fn told(&self) -> Vec<Told> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

/// Hears one request and answers it.
fn listen(stream: TcpStream, told: &Mutex<Vec<Told>>, replies: &Mutex<Vec<Reply>>) {
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
    told.lock().unwrap().push(Told {
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
        Reply::NoProgress(span) => thread::sleep(span),
        Reply::Status(status) => {
            let _ = write!(
                &stream,
                "HTTP/1.1 {status}\r\nlocation: http://127.0.0.1:1/elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
        }
    }
}
