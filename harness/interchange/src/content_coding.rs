//! Compressed bodies: what they hold, within bounds.
//!
//! Redaction cannot look into compressed bytes, so a body is kept as what it holds. Many a tool keeps the header of a
//! body that it has decoded; such a body is told by not being what the header says.

use counterpart_exchange::content_coding::{DecodeError, decode};

/// The largest body that is unpacked.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// What all bodies of a file may come to, those that turned out too large included.
const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;

/// What may still be unpacked of a file.
pub(crate) struct Unpacker {
    bytes_left: usize,
}

/// What a body with a content coding turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unpacked {
    /// It was compressed, and holds this.
    Content(Vec<u8>),
    /// It is not compressed: the tool unpacked it and left the header.
    AsItIs(Vec<u8>),
    /// What it holds cannot be told; why not.
    Unknown {
        /// The bytes there are.
        size_bytes: u64,
        /// What is wrong with them.
        why: &'static str,
    },
}

impl Default for Unpacker {
    fn default() -> Self {
        Self { bytes_left: MAX_FILE_BYTES }
    }
}

impl Unpacker {
    /// Unpacks a body by its `Content-Encoding` (RFC 9110, section 8.4).
    pub(crate) fn unpack(&mut self, body: Vec<u8>, content_encoding: &str) -> Unpacked {
        let has_coding = content_encoding
            .split(',')
            .any(|coding| !coding.trim().is_empty() && !coding.trim().eq_ignore_ascii_case("identity"));
        if !has_coding {
            return Unpacked::AsItIs(body);
        }
        let size_bytes = body.len() as u64;
        match decode(&body, content_encoding, MAX_BODY_BYTES.min(self.bytes_left)) {
            Ok(content) => {
                self.bytes_left -= content.len();
                Unpacked::Content(content)
            }
            Err(DecodeError::TooLarge { limit_bytes }) => {
                self.bytes_left -= limit_bytes;
                Unpacked::Unknown { size_bytes, why: "what it holds is larger than is unpacked" }
            }
            Err(_) if is_packed(&body) => Unpacked::Unknown {
                size_bytes,
                why: "it is compressed, and damaged or in a coding that is not known",
            },
            Err(_) => Unpacked::AsItIs(body),
        }
    }
}

/// Whether bytes look compressed: they open as a compressed file does, or are no text.
fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b]) || std::str::from_utf8(bytes).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(body: &[u8], coding: &str) -> Unpacked {
        Unpacker::default().unpack(body.to_vec(), coding)
    }

    #[test]
    fn each_coding_is_taken_off() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(b"hello").unwrap();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(b"hello").unwrap();
        // An uncompressed meta-block of brotli that holds "hello" (RFC 7932, section 9.2).
        let brotli = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
        for (body, coding) in [
            (gzip(b"hello"), "gzip"),
            (gzip(b"hello"), "X-GZIP, identity"),
            (gzip(&gzip(b"hello")), "gzip, gzip"),
            (zlib.finish().unwrap(), "deflate"),
            (raw.finish().unwrap(), "deflate"),
            (brotli.to_vec(), "br"),
        ] {
            assert_eq!(unpack(&body, coding), Unpacked::Content(b"hello".to_vec()), "{coding}");
        }
    }

    #[test]
    fn what_was_unpacked_before_stays_as_it_is() {
        for coding in ["gzip", "deflate", "br", "zstd", "identity", "aws-chunked", ""] {
            assert_eq!(unpack(b"{\"a\": 1}", coding), Unpacked::AsItIs(b"{\"a\": 1}".to_vec()), "{coding}");
        }
    }

    #[test]
    fn what_cannot_be_unpacked_is_told() {
        let cut = &gzip(b"hello, hello, hello")[..12];
        let cases = [
            (cut.to_vec(), "gzip"),
            (vec![0x28, 0xb5, 0x2f, 0xfd, 0xff], "zstd"),
            (gzip(b"x"), "br"),
            (gzip(b"x"), "gzip, gzip, gzip, gzip, gzip"),
        ];
        for (body, coding) in cases {
            assert!(matches!(unpack(&body, coding), Unpacked::Unknown { .. }), "{coding}");
        }
    }

    #[test]
    fn a_bomb_stays_small() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        for _ in 0..80 {
            encoder.write_all(&vec![0; 1024 * 1024]).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        let mut unpacker = Unpacker::default();
        for _ in 0..10 {
            let unpacked = unpacker.unpack(bomb.clone(), "gzip");
            assert!(matches!(
                unpacked,
                Unpacked::Unknown { why: "what it holds is larger than is unpacked", .. }
            ));
        }
        assert_eq!(unpacker.bytes_left, 0);
        assert!(matches!(unpacker.unpack(gzip(b"small"), "gzip"), Unpacked::Unknown { .. }));
    }
}
