//! Content codings (RFC 9110 section 8.4.1): a body as it was before it was compressed, within a bound.
//!
//! Knows nothing of what the bodies hold.

use std::io::Read;

/// Codings that may lie over one another. More are nobody's.
const MAX_CODINGS: usize = 4;
/// Window of a zstd frame that is allowed for (RFC 9659).
const MAX_ZSTD_WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// A body that is not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The header names a coding that is not known here.
    #[error("the content coding {0:?} is not known; known are gzip, deflate, br, zstd and identity")]
    Unknown(String),
    /// The bytes are not what the header says, or not all of them are there.
    #[error("the body is not {coding} as its Content-Encoding says, or is not whole")]
    Broken {
        /// The coding.
        coding: &'static str,
    },
    /// Decoded, it is larger than the bound.
    #[error("the body is over {limit_bytes} bytes once it is decoded")]
    TooLarge {
        /// The bound.
        limit_bytes: usize,
    },
}

/// A coding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// The codings that a `Content-Encoding` names, in the order in which they were applied.
fn codings(header: &str) -> Result<Vec<Coding>, DecodeError> {
    let mut codings = Vec::new();
    for name in header.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        codings.push(match name.to_ascii_lowercase().as_str() {
            "identity" => continue,
            "gzip" | "x-gzip" => Coding::Gzip,
            "deflate" => Coding::Deflate,
            "br" => Coding::Brotli,
            "zstd" => Coding::Zstd,
            _ => return Err(DecodeError::Unknown(name.chars().take(40).collect())),
        });
    }
    match codings.len() {
        ..=MAX_CODINGS => Ok(codings),
        _ => Err(DecodeError::Unknown(format!("{} codings over one another", codings.len()))),
    }
}

/// Whether all codings that a `Content-Encoding` names can be undone.
#[must_use]
pub fn is_known(header: &str) -> bool {
    codings(header).is_ok()
}

/// Undoes the codings that a `Content-Encoding` names; gives at most `limit_bytes`.
///
/// # Errors
/// [`DecodeError`]. Nothing of a body that is not whole is given.
pub fn decode(bytes: &[u8], header: &str, limit_bytes: usize) -> Result<Vec<u8>, DecodeError> {
    let mut decoded = bytes.to_vec();
    for coding in codings(header)?.into_iter().rev() {
        decoded = undo(coding, &decoded, limit_bytes)?;
    }
    Ok(decoded)
}

fn undo(coding: Coding, bytes: &[u8], limit_bytes: usize) -> Result<Vec<u8>, DecodeError> {
    match coding {
        Coding::Gzip => read(coding, flate2::bufread::MultiGzDecoder::new(bytes), limit_bytes),
        // "deflate" is the zlib format; there are servers that send it bare (RFC 9110 section 8.4.1.2).
        Coding::Deflate => match read(coding, flate2::bufread::ZlibDecoder::new(bytes), limit_bytes) {
            Err(DecodeError::Broken { .. }) => {
                read(coding, flate2::bufread::DeflateDecoder::new(bytes), limit_bytes)
            }
            result => result,
        },
        Coding::Brotli => read(coding, brotli_decompressor::Decompressor::new(bytes, 4096), limit_bytes),
        Coding::Zstd => {
            let decoder =
                ruzstd::decoding::StreamingDecoder::new_with_max_window_size(bytes, MAX_ZSTD_WINDOW_BYTES)
                    .map_err(|_| DecodeError::Broken { coding: coding.name() })?;
            read(coding, decoder, limit_bytes)
        }
    }
}

fn read(coding: Coding, from: impl Read, limit_bytes: usize) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    let bound = u64::try_from(limit_bytes).unwrap_or(u64::MAX).saturating_add(1);
    from.take(bound).read_to_end(&mut out).map_err(|_| DecodeError::Broken { coding: coding.name() })?;
    if out.len() > limit_bytes { Err(DecodeError::TooLarge { limit_bytes }) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use std::io::Write;

    const LIMIT: usize = 10_000;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    const BROTLI: &str = "GxYA+I2Ubt5EVYaWbCBvIU8c4Dg=";
    const ZSTD: &str = "KLUv/SAXZQAAMGhlbGxvIAEAmUsR";

    /// `hello hello hello hello` by the coding's own library.
    fn sample(coding: &str) -> Vec<u8> {
        let text = match coding {
            "br" => BROTLI,
            _ => ZSTD,
        };
        STANDARD.decode(text).unwrap()
    }

    #[test]
    fn each_coding_is_undone_and_several_in_turn() {
        let text = b"hello hello hello hello".to_vec();
        for (header, bytes) in [
            ("gzip", gzip(&text)),
            ("X-Gzip", gzip(&text)),
            ("deflate", zlib(&text)),
            ("deflate", zlib(&text)[2..zlib(&text).len() - 4].to_vec()),
            ("br", sample("br")),
            ("zstd", sample("zstd")),
            ("deflate, identity, gzip", gzip(&zlib(&text))),
            ("identity", text.clone()),
            ("", text.clone()),
        ] {
            assert_eq!(decode(&bytes, header, LIMIT), Ok(text.clone()), "{header}");
        }
    }

    #[test]
    fn what_is_not_whole_or_not_what_it_says_is_refused() {
        let text = b"hello hello hello hello";
        for (header, bytes) in [
            ("gzip", gzip(text)[..20].to_vec()),
            ("gzip", text.to_vec()),
            ("deflate", zlib(text)[..8].to_vec()),
            ("br", sample("br")[..8].to_vec()),
            ("br", b"\xff\xff\xff\xff".to_vec()),
            ("zstd", sample("zstd")[..12].to_vec()),
            ("zstd", text.to_vec()),
        ] {
            let found = decode(&bytes, header, LIMIT);
            assert!(matches!(found, Err(DecodeError::Broken { .. })), "{header}: {found:?}");
        }
        assert_eq!(decode(b"", "compress", LIMIT), Err(DecodeError::Unknown("compress".into())));
        assert!(!is_known("gzip, gzip, gzip, gzip, gzip") && is_known("gzip, br"));
    }

    #[test]
    fn a_bomb_ends_at_the_bound() {
        let bomb = gzip(&gzip(&vec![0; 50_000_000]));
        assert!(bomb.len() < 1_000, "{}", bomb.len());
        let refused = Err(DecodeError::TooLarge { limit_bytes: LIMIT });
        assert_eq!(decode(&bomb, "gzip, gzip", LIMIT), refused);
        assert_eq!(decode(&gzip(&vec![0; LIMIT + 1]), "gzip", LIMIT), refused);
        assert_eq!(decode(&gzip(&vec![0; LIMIT]), "gzip", LIMIT).map(|bytes| bytes.len()), Ok(LIMIT));
    }
}
