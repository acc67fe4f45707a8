//! This is a gateway before a sandbox, where things go wrong: it speaks HTTP by hand, so that it can also break off.

use super::fault::{Answer, Fault, FaultPlan};
use super::gzip::{self, Bomb};
use super::server::Sandbox;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// More than any request's head takes.
const LONGEST_HEAD_BYTES: usize = 64 * 1024;

/// A running gateway. It stops when dropped.
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    behind: SocketAddr,
    plan: Mutex<FaultPlan>,
    heads: Mutex<Vec<String>>,
    body_bytes: AtomicU64,
}

impl Gateway {
    /// A gateway to `sandbox`, in the tokio runtime of the caller.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn before(sandbox: &Sandbox, plan: FaultPlan) -> io::Result<Gateway> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            behind: sandbox.address(),
            plan: Mutex::new(plan),
            heads: Mutex::new(Vec::new()),
            body_bytes: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Gateway { address, shared, accepting })
    }

    /// The address to give as the API's, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What goes wrong from now on.
    pub fn set_plan(&self, plan: FaultPlan) {
        *self.shared.plan.lock().expect("no request panicked") = plan;
    }

    /// Every request's head as it came in, letter by letter.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().expect("no request panicked").clone()
    }

    /// How many bytes of a bomb or a flood somebody took in.
    pub fn swallowed_bytes(&self) -> u64 {
        self.shared.body_bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((connection, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // Whoever hangs up early is not told: that is what this is for.
            let _ = serve(connection, &shared).await;
        });
    }
}

/// Answers one request; each connection serves one.
async fn serve(mut connection: TcpStream, shared: &Shared) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let Some(head) = read_head(&mut connection).await? else { return Ok(()) };
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    shared.heads.lock().expect("no request panicked").push(head.clone());
    let fault = shared.plan.lock().expect("no request panicked").next(&target);
    match fault {
        None => connection.write_all(&ask(shared.behind, &head).await?).await?,
        Some(fault) => fail(&mut connection, shared, &head, fault).await?,
    }
    connection.shutdown().await
}

async fn fail(connection: &mut TcpStream, shared: &Shared, head: &str, fault: Fault) -> io::Result<()> {
    // Only some faults begin with the true answer.
    let truth = async || ask(shared.behind, head).await;
    match fault {
        Fault::Answer(answer) => connection.write_all(&written(&answer)).await,
        Fault::Altered(alter) => {
            let (status, body) = parted(truth().await?);
            let mut json = serde_json::from_slice(&body).map_err(io::Error::other)?;
            alter(&mut json);
            let body = json.to_string().into_bytes();
            connection.write_all(&written(&Answer { status, headers: Vec::new(), body })).await
        }
        Fault::Rewritten(rewrite) => {
            let (status, body) = parted(truth().await?);
            let body = rewrite(String::from_utf8(body).map_err(io::Error::other)?);
            connection.write_all(&written(&Answer { status, headers: Vec::new(), body })).await
        }
        Fault::Reset => connection.set_zero_linger(),
        Fault::ResetInBody => {
            write_half(connection, &truth().await?).await?;
            connection.set_zero_linger()
        }
        Fault::ShortBody => write_half(connection, &truth().await?).await,
        Fault::Stall => wait_until_hung_up(connection).await,
        Fault::StallInBody => {
            write_half(connection, &truth().await?).await?;
            wait_until_hung_up(connection).await
        }
        Fault::Trickle(span) => {
            for byte in truth().await? {
                connection.write_all(&[byte]).await?;
                tokio::time::sleep(span).await;
            }
            Ok(())
        }
        Fault::DamagedGzip => {
            let (status, body) = parted(truth().await?);
            let headers = vec![("content-encoding", "gzip".to_owned())];
            let mut body = gzip::stored(&body);
            let checksum = body.len() - 8;
            body[checksum] ^= 0xff;
            connection.write_all(&written(&Answer { status, headers, body })).await
        }
        Fault::GzipBomb { bytes } => {
            let Bomb { start, turn } = Bomb::new();
            let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
            connection.write_all(&[head.as_bytes(), &start].concat()).await?;
            pour(connection, shared, &turn.repeat(512), bytes / (512 * gzip::TURN_BYTES)).await
        }
        Fault::Flood => {
            connection.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
            pour(connection, shared, &[b' '; 8192], u64::MAX).await
        }
    }
}

/// Sends the same bytes again and again, as long as anybody takes them in.
async fn pour(connection: &mut TcpStream, shared: &Shared, bytes: &[u8], times: u64) -> io::Result<()> {
    for _ in 0..times {
        connection.write_all(bytes).await?;
        shared.body_bytes.fetch_add(bytes.len() as u64, Ordering::SeqCst);
    }
    Ok(())
}

async fn wait_until_hung_up(connection: &mut TcpStream) -> io::Result<()> {
    connection.read_u8().await.map(drop)
}

/// Sends the head and half of the body, and sees to it that they leave before anything else happens.
async fn write_half(connection: &mut TcpStream, answer: &[u8]) -> io::Result<()> {
    let body = body_start(answer);
    connection.write_all(&answer[..body + (answer.len() - body) / 2]).await?;
    connection.flush().await
}

/// Up to the empty line that ends a head. `None`: the connection ended before.
async fn read_head(connection: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > LONGEST_HEAD_BYTES || connection.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

/// The true answer, head and body.
async fn ask(behind: SocketAddr, head: &str) -> io::Result<Vec<u8>> {
    let mut connection = TcpStream::connect(behind).await?;
    let kept = head.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        // The look-alike compresses nothing, and is asked once on each connection.
        !line.is_empty() && name != "connection" && name != "accept-encoding"
    });
    let request: String = kept.chain(["connection: close", ""]).map(|line| format!("{line}\r\n")).collect();
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Where an answer's body begins.
fn body_start(answer: &[u8]) -> usize {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    end.map_or(answer.len(), |end| end + 4)
}

/// Status and body.
fn parted(answer: Vec<u8>) -> (u16, Vec<u8>) {
    let body = answer[body_start(&answer)..].to_vec();
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    (status.unwrap_or(502), body)
}

fn written(answer: &Answer) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 {} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), &answer.body].concat()
}
