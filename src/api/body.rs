//! The body of a response: decompressed, up to a limit.

use super::Failure;
use crate::http::root_cause;
use flate2::write::MultiGzDecoder;
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;
use std::io::{self, Write};

/// A body, or its beginning.
pub(super) struct Body {
    /// The decompressed bytes.
    pub bytes: Vec<u8>,
    /// Whether the body is longer than the limit.
    pub is_truncated: bool,
}

/// Reads a body up to `limit_bytes`, counted after decompression.
///
/// # Errors
/// [`Failure::Transport`] when the transfer breaks or the compression is damaged; [`Failure::InvalidResponse`] for an
/// unknown encoding.
pub(super) async fn read(mut response: Response, limit_bytes: usize) -> Result<Body, Failure> {
    let mut decoder = Decoder::of(&response, limit_bytes)?;
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::Transport(root_cause(&error)))? {
        let written = decoder.writer().write_all(&chunk);
        if decoder.output().is_full {
            break;
        }
        written.map_err(|error| damaged(&error))?;
    }
    let Bounded { bytes, is_full, .. } = decoder.finish()?;
    Ok(Body { bytes, is_truncated: is_full })
}

fn damaged(error: &io::Error) -> Failure {
    Failure::Transport(format!("damaged gzip: {error}"))
}

/// Decodes the `Content-Encoding` of a response.
enum Decoder {
    Identity(Bounded),
    /// Gzip may have several members. reqwest would stop after the first one.
    Gzip(Box<MultiGzDecoder<Bounded>>),
}

impl Decoder {
    fn of(response: &Response, limit_bytes: usize) -> Result<Decoder, Failure> {
        let length = response.content_length().unwrap_or(0).min(1024 * 1024) as usize;
        let output =
            Bounded { bytes: Vec::with_capacity(length.min(limit_bytes)), limit_bytes, is_full: false };
        let encodings: Vec<_> = response.headers().get_all(CONTENT_ENCODING).iter().collect();
        let is = |name: &str| encodings[0].as_bytes().eq_ignore_ascii_case(name.as_bytes());
        match encodings.len() {
            0 => Ok(Decoder::Identity(output)),
            1 if is("identity") || is("") => Ok(Decoder::Identity(output)),
            1 if is("gzip") || is("x-gzip") => Ok(Decoder::Gzip(Box::new(MultiGzDecoder::new(output)))),
            _ => {
                Err(Failure::InvalidResponse("its Content-Encoding is neither gzip nor identity".to_owned()))
            }
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Decoder::Identity(output) => output,
            Decoder::Gzip(gzip) => gzip,
        }
    }

    fn output(&self) -> &Bounded {
        match self {
            Decoder::Identity(output) => output,
            Decoder::Gzip(gzip) => gzip.get_ref(),
        }
    }

    /// Checks the end of the compressed data, unless the limit was reached before.
    fn finish(self) -> Result<Bounded, Failure> {
        match self {
            Decoder::Identity(output) => Ok(output),
            Decoder::Gzip(mut gzip) => {
                let ended = if gzip.get_ref().is_full { Ok(()) } else { gzip.try_finish() };
                let output = std::mem::take(gzip.get_mut());
                // The end of the stream can still release output.
                match ended {
                    Err(error) if !output.is_full => Err(damaged(&error)),
                    _ => Ok(output),
                }
            }
        }
    }
}

/// The output of a decoder. It keeps what fits.
#[derive(Debug, Default)]
struct Bounded {
    bytes: Vec<u8>,
    limit_bytes: usize,
    /// Whether there was more than fits.
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fitting = bytes.len().min(self.limit_bytes - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..fitting]);
        if fitting < bytes.len() {
            self.is_full = true;
            return Err(io::Error::other("the limit is reached"));
        }
        Ok(fitting)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
