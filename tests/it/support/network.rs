//! A corporate network in miniature: a TLS server with a private CA, a proxy, a name server.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

/// A file of `tests/fixtures/tls/`.
pub fn tls_fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
}

/// A port on which nothing listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Accepts connections until the test process ends. Returns the port.
fn serve(handle: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            // Clients are expected to hang up early.
            thread::spawn(move || drop(handle(stream)));
        }
    });
    port
}

/// Reads up to the empty line that ends a head.
fn read_head(stream: &mut impl Read) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

/// Serves the API at `upstream`, such as `http://127.0.0.1:8080`, over TLS for `localhost` and `api.runledger.test`.
/// Returns the port.
pub fn serve_tls(certificate: &str, upstream: &str) -> u16 {
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(tls_fixture(certificate)).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(tls_fixture("server-key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let (config, upstream) = (Arc::new(config), upstream.trim_start_matches("http://").to_owned());
    serve(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        let head = read_head(&mut stream)?;
        let mut upstream = TcpStream::connect(&upstream)?;
        upstream.write_all(head.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes())?;
        let mut response = Vec::new();
        upstream.read_to_end(&mut response)?;
        stream.write_all(&response)?;
        stream.conn.send_close_notify();
        stream.flush()
    })
}

/// Accepts connections and sends nothing. Returns the port.
pub fn serve_silence() -> u16 {
    serve(|mut stream| io::copy(&mut stream, &mut io::sink()).map(drop))
}

/// What a proxy does with `CONNECT`.
#[derive(Clone, Copy)]
pub enum ProxyRule {
    /// Connects.
    Allow,
    /// Connects if the request has this `Proxy-Authorization`, else answers 407.
    Require(&'static str),
    /// Answers with this status.
    Refuse(&'static str),
}

/// A proxy that connects to `port` on this machine, whatever host it is asked for.
pub struct ConnectProxy {
    pub port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    pub fn to(port: u16, rule: ProxyRule) -> ConnectProxy {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        let port = serve(move |mut client| {
            let mut first = [0];
            client.peek(&mut first)?;
            if !first[0].is_ascii_uppercase() {
                // Not HTTP, but TLS.
                return client.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            }
            let head = read_head(&mut client)?;
            seen.lock().unwrap().push(head.clone());
            let refusal = match rule {
                ProxyRule::Allow => None,
                ProxyRule::Require(credentials) if head.contains(credentials) => None,
                ProxyRule::Require(_) => Some("407 Proxy Authentication Required"),
                ProxyRule::Refuse(status) => Some(status),
            };
            if let Some(status) = refusal {
                return write!(client, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            }
            let server = TcpStream::connect(("127.0.0.1", port))?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
            let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
            thread::spawn(move || copy(from_client, to_server));
            copy(server, client)
        });
        ConnectProxy { port, heads }
    }

    /// The heads of all requests.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
    let copied = io::copy(&mut from, &mut to);
    // One side may be gone already.
    let _ = to.shutdown(Shutdown::Write);
    copied.map(drop)
}

/// A name server on this machine, and a `resolv.conf` that names it.
pub struct NameServer {
    resolv_conf: tempfile::NamedTempFile,
}

impl NameServer {
    /// A name server that never answers. `None`: only root can have one.
    pub fn silent(address: &str) -> Option<NameServer> {
        NameServer::start(address, |_, _| ())
    }

    /// A name server that knows no name.
    pub fn empty(address: &str) -> Option<NameServer> {
        NameServer::start(address, |socket, query| {
            let (mut answer, client) = query;
            if answer.len() > 3 {
                // A response, recursion available, NXDOMAIN.
                answer[2..4].copy_from_slice(&[0x81, 0x83]);
            }
            let _ = socket.send_to(&answer, client);
        })
    }

    fn start(
        address: &str,
        answer: impl Fn(&UdpSocket, (Vec<u8>, std::net::SocketAddr)) + Send + 'static,
    ) -> Option<NameServer> {
        let can_mount = Command::new("unshare").args(["--mount", "true"]).output();
        let socket = UdpSocket::bind((address, 53));
        let (true, Ok(socket)) = (can_mount.is_ok_and(|output| output.status.success()), socket) else {
            // Writes past the test harness, which captures output.
            let mut stderr = io::stderr();
            writeln!(stderr, "SKIPPED: a name server: only root can have one").unwrap();
            return None;
        };
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, client)) = socket.recv_from(&mut query) {
                answer(&socket, (query[..length].to_vec(), client));
            }
        });
        let mut resolv_conf = tempfile::NamedTempFile::new().unwrap();
        writeln!(resolv_conf, "nameserver {address}").unwrap();
        Some(NameServer { resolv_conf })
    }

    /// A command that uses this name server.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        let script = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
        command.args(["--mount", "sh", "-c", script]).arg(self.resolv_conf.path()).arg(program);
        command
    }
}
