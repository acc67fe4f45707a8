//! A proxy in front of the sandbox that injects faults. It writes HTTP by hand, so that it can also break connections.

use super::fault::{Fault, FaultPlan, Response};
use super::gzip::{self, Bomb};
use runledger::internal::sandbox::Sandbox;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Larger than any request head.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// A running proxy. It stops when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    upstream: SocketAddr,
    plan: Mutex<FaultPlan>,
    request_heads: Mutex<Vec<String>>,
    streamed_bytes: AtomicU64,
}

impl FaultProxy {
    /// Starts a proxy to `sandbox`, in the caller's tokio runtime.
    ///
    /// # Errors
    /// If no port can be bound.
    pub async fn start(sandbox: &Sandbox, plan: FaultPlan) -> io::Result<FaultProxy> {
        let upstream = sandbox.url().trim_start_matches("http://").parse().map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream,
            plan: Mutex::new(plan),
            request_heads: Mutex::new(Vec::new()),
            streamed_bytes: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(FaultProxy { address, shared, accepting })
    }

    /// The base URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Replaces the plan.
    pub fn set_plan(&self, plan: FaultPlan) {
        *self.shared.plan.lock().expect("no request panicked") = plan;
    }

    /// The head of every request, unchanged.
    pub fn request_heads(&self) -> Vec<String> {
        self.shared.request_heads.lock().expect("no request panicked").clone()
    }

    /// The bytes of bombs and floods that clients have received.
    pub fn streamed_bytes(&self) -> u64 {
        self.shared.streamed_bytes.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((connection, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // Clients are expected to hang up early.
            let _ = serve(connection, &shared).await;
        });
    }
}

/// Serves one request. Each connection serves only one.
async fn serve(mut connection: TcpStream, shared: &Shared) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let Some(head) = read_head(&mut connection).await? else { return Ok(()) };
    let uri = head.split(' ').nth(1).unwrap_or_default().to_owned();
    shared.request_heads.lock().expect("no request panicked").push(head.clone());
    let fault = shared.plan.lock().expect("no request panicked").next(&uri);
    match fault {
        None => connection.write_all(&forward(shared.upstream, &head).await?).await?,
        Some(fault) => inject(&mut connection, shared, &head, fault).await?,
    }
    connection.shutdown().await
}

async fn inject(connection: &mut TcpStream, shared: &Shared, head: &str, fault: Fault) -> io::Result<()> {
    // Only some faults need the real response.
    let real = async || forward(shared.upstream, head).await;
    match fault {
        Fault::Respond(response) => connection.write_all(&encode(&response)).await,
        Fault::EditJson(edit) => {
            let (status, body) = split(real().await?);
            let mut json = serde_json::from_slice(&body).map_err(io::Error::other)?;
            edit(&mut json);
            let body = json.to_string().into_bytes();
            connection.write_all(&encode(&Response { status, headers: Vec::new(), body })).await
        }
        Fault::EditText(edit) => {
            let (status, body) = split(real().await?);
            let body = edit(String::from_utf8(body).map_err(io::Error::other)?);
            connection.write_all(&encode(&Response { status, headers: Vec::new(), body })).await
        }
        Fault::Reset => connection.set_zero_linger(),
        Fault::ResetInBody => {
            write_half(connection, &real().await?).await?;
            connection.set_zero_linger()
        }
        Fault::ShortBody => write_half(connection, &real().await?).await,
        Fault::Stall => wait_for_hang_up(connection).await,
        Fault::StallInBody => {
            write_half(connection, &real().await?).await?;
            wait_for_hang_up(connection).await
        }
        Fault::Trickle(delay) => {
            for byte in real().await? {
                connection.write_all(&[byte]).await?;
                tokio::time::sleep(delay).await;
            }
            Ok(())
        }
        Fault::DamagedGzip => {
            let (status, body) = split(real().await?);
            let headers = vec![("content-encoding", "gzip".to_owned())];
            let mut body = gzip::stored(&body);
            let checksum = body.len() - 8;
            body[checksum] ^= 0xff;
            connection.write_all(&encode(&Response { status, headers, body })).await
        }
        Fault::TwoGzipMembers => {
            let (status, body) = split(real().await?);
            let headers = vec![("content-encoding", "gzip".to_owned())];
            let (first, second) = body.split_at(body.len() / 2);
            let body = [gzip::stored(first), gzip::stored(second)].concat();
            connection.write_all(&encode(&Response { status, headers, body })).await
        }
        Fault::GzipBomb { bytes } => {
            let Bomb { start, repeat } = Bomb::new();
            let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
            connection.write_all(&[head.as_bytes(), &start].concat()).await?;
            stream(connection, shared, &repeat.repeat(512), bytes / (512 * gzip::REPEAT_BYTES)).await
        }
        Fault::Flood => {
            connection.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
            stream(connection, shared, &[b' '; 8192], u64::MAX).await
        }
    }
}

/// Sends the same bytes repeatedly, until the client hangs up.
async fn stream(connection: &mut TcpStream, shared: &Shared, bytes: &[u8], times: u64) -> io::Result<()> {
    for _ in 0..times {
        connection.write_all(bytes).await?;
        shared.streamed_bytes.fetch_add(bytes.len() as u64, Ordering::SeqCst);
    }
    Ok(())
}

async fn wait_for_hang_up(connection: &mut TcpStream) -> io::Result<()> {
    connection.read_u8().await.map(drop)
}

/// Sends the head and half of the body, and flushes them before the fault.
async fn write_half(connection: &mut TcpStream, response: &[u8]) -> io::Result<()> {
    let body = body_start(response);
    connection.write_all(&response[..body + (response.len() - body) / 2]).await?;
    connection.flush().await
}

/// Reads up to the empty line that ends a head. `None`: the connection ended before it.
async fn read_head(connection: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > MAX_HEAD_BYTES || connection.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

/// The real response, head and body.
async fn forward(upstream: SocketAddr, head: &str) -> io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect(upstream).await?;
    let headers = head.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        // One request per connection, and no compression.
        !line.is_empty() && name != "connection" && name != "accept-encoding"
    });
    let request: String =
        headers.chain(["connection: close", ""]).map(|line| format!("{line}\r\n")).collect();
    connection.write_all(request.as_bytes()).await?;
    let mut response = Vec::new();
    connection.read_to_end(&mut response).await?;
    Ok(response)
}

/// The index of the body's first byte.
fn body_start(response: &[u8]) -> usize {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n");
    end.map_or(response.len(), |end| end + 4)
}

/// Splits a response into status and body.
fn split(response: Vec<u8>) -> (u16, Vec<u8>) {
    let body = response[body_start(&response)..].to_vec();
    let status = response.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    (status.unwrap_or(502), body)
}

fn encode(response: &Response) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n",
        response.status,
        response.body.len()
    );
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), &response.body].concat()
}
