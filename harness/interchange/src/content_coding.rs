//! Compressed bodies: what they hold, within bounds.
//!
//! Redaction cannot look into compressed bytes, so a body is kept as what it holds. Many a tool keeps the header of a
//! body that it has decoded; such a body is told by not being what the header says.

use std::io::Read;

/// The largest body that is unpacked.
const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;

/// What all bodies of a file may come to, those that turned out too large included.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Codings one over the other. Nobody sends more than one.
const MAX_CODINGS: usize = 4;

/// What may still be unpacked of a file.
pub(crate) struct Unpacker {
    bytes_left: u64,
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
        let codings: Vec<String> = content_encoding
            .split(',')
            .map(|coding| coding.trim().to_ascii_lowercase())
            .filter(|coding| !coding.is_empty() && coding != "identity")
            .collect();
        let size_bytes = body.len() as u64;
        if codings.len() > MAX_CODINGS {
            return Unpacked::Unknown { size_bytes, why: "it is compressed more often than is unpacked" };
        }
        let mut content = body;
        let mut is_changed = false;
        // The last coding was put on last.
        for coding in codings.iter().rev() {
            match self.take_off(&content, coding) {
                Ok(inner) => {
                    content = inner;
                    is_changed = true;
                }
                Err(Problem::TooLarge) => {
                    return Unpacked::Unknown { size_bytes, why: "what it holds is larger than is unpacked" };
                }
                Err(Problem::Other) if is_packed(&content) => {
                    return Unpacked::Unknown {
                        size_bytes,
                        why: "it is compressed, and damaged or in a coding that is not known",
                    };
                }
                Err(Problem::Other) => {}
            }
        }
        if is_changed { Unpacked::Content(content) } else { Unpacked::AsItIs(content) }
    }

    fn take_off(&mut self, bytes: &[u8], coding: &str) -> Result<Vec<u8>, Problem> {
        match coding {
            "gzip" | "x-gzip" => self.read(flate2::read::MultiGzDecoder::new(bytes)),
            "deflate" => match self.read(flate2::read::ZlibDecoder::new(bytes)) {
                // Some servers leave the frame out, and clients put up with it.
                Err(Problem::Other) => self.read(flate2::read::DeflateDecoder::new(bytes)),
                other => other,
            },
            "br" => self.read(brotli_decompressor::Decompressor::new(bytes, 4096)),
            _ => Err(Problem::Other),
        }
    }

    fn read(&mut self, reader: impl Read) -> Result<Vec<u8>, Problem> {
        let most = MAX_BODY_BYTES.min(self.bytes_left);
        let mut content = Vec::new();
        let result = reader.take(most + 1).read_to_end(&mut content);
        self.bytes_left = self.bytes_left.saturating_sub(content.len() as u64);
        match result {
            _ if content.len() as u64 > most => Err(Problem::TooLarge),
            Ok(_) => Ok(content),
            Err(_) => Err(Problem::Other),
        }
    }
}

enum Problem {
    TooLarge,
    Other,
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
        let cases =
            [(cut.to_vec(), "gzip"), (vec![0x28, 0xb5, 0x2f, 0xfd, 0xff], "zstd"), (gzip(b"x"), "br")];
        for (body, coding) in cases {
            assert!(matches!(unpack(&body, coding), Unpacked::Unknown { .. }), "{coding}");
        }
        assert!(matches!(unpack(b"x", "gzip, gzip, gzip, gzip, gzip"), Unpacked::Unknown { .. }));
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

    #[test]
    fn no_more_is_unpacked_than_may_be() {
        /// Zeros without end, of which only so many may be asked for.
        struct Zeros(usize);

        impl Read for Zeros {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                assert!(self.0 > 0, "more was read than may be");
                let some = buffer.len().min(self.0);
                buffer[..some].fill(0);
                self.0 -= some;
                Ok(some)
            }
        }

        let mut unpacker = Unpacker { bytes_left: 10_000 };
        assert!(matches!(unpacker.read(Zeros(10_001)), Err(Problem::TooLarge)));
    }
}
