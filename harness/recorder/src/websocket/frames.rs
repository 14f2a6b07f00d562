//! The frames of one direction of a WebSocket (RFC 6455 section 5.2), read beside the stream.
//!
//! Bounded: of a message only so much is kept as may be, and of what is no text nothing. A stream that is none is given up.

/// What a direction says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Text, whole.
    Text(String),
    /// A message that is binary, compressed, or longer than what is kept.
    NotText {
        /// Bytes of its payload.
        size_bytes: u64,
    },
    /// It ends here.
    Close,
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

/// A reader of frames.
pub(super) struct Frames {
    max_bytes: usize,
    head: Vec<u8>,
    frame: Option<Frame>,
    message: Option<Partial>,
    is_lost: bool,
}

struct Frame {
    is_last: bool,
    opcode: u8,
    mask: Option<[u8; 4]>,
    seen: u64,
    length: u64,
}

/// A message whose frames are still arriving.
struct Partial {
    /// Nothing where it is no text, or longer than what is kept.
    text: Option<Vec<u8>>,
    size_bytes: u64,
}

impl Frames {
    /// A reader that keeps messages of up to so many bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, head: Vec::with_capacity(14), frame: None, message: None, is_lost: false }
    }

    /// Reads on.
    pub(super) fn read(&mut self, mut bytes: &[u8], tell: &mut impl FnMut(Message)) {
        while !self.is_lost {
            if self.frame.is_none() {
                let Some((&next, rest)) = bytes.split_first() else { return };
                bytes = rest;
                self.head.push(next);
                self.begin_frame();
                if self.is_lost {
                    return;
                }
            }
            let Some(frame) = &mut self.frame else { continue };
            let left = usize::try_from(frame.length - frame.seen).unwrap_or(usize::MAX);
            let (payload, rest) = bytes.split_at(left.min(bytes.len()));
            bytes = rest;
            if frame.opcode < CLOSE
                && let Some(message) = &mut self.message
            {
                message.append(payload, frame, self.max_bytes);
            }
            frame.seen += payload.len() as u64;
            if frame.seen < frame.length {
                return;
            }
            if let Some(frame) = self.frame.take() {
                self.end_frame(&frame, tell);
            }
        }
    }

    /// Takes the head of a frame apart, once it is whole.
    fn begin_frame(&mut self) {
        let [first, second, ..] = self.head[..] else { return };
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let is_masked = second & 0x80 != 0;
        let size = 2 + extended + if is_masked { 4 } else { 0 };
        if self.head.len() < size {
            return;
        }
        let big_endian = |bytes: &[u8]| bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let length =
            if extended == 0 { u64::from(second & 0x7f) } else { big_endian(&self.head[2..2 + extended]) };
        let mask = is_masked.then(|| {
            let mut mask = [0; 4];
            mask.copy_from_slice(&self.head[size - 4..size]);
            mask
        });
        self.head.clear();
        let (opcode, extensions) = (first & 0x0f, first & 0x70);
        // What is read beside the stream is read leniently, but for what would lose its thread.
        let is_continued = self.message.is_some();
        match opcode {
            TEXT | BINARY if !is_continued => {
                let text = (opcode == TEXT && extensions == 0).then(Vec::new);
                self.message = Some(Partial { text, size_bytes: 0 });
            }
            CONTINUATION if is_continued => {}
            CLOSE..=10 => {}
            _ => self.is_lost = true,
        }
        self.frame = Some(Frame { is_last: first & 0x80 != 0, opcode, mask, seen: 0, length });
    }

    fn end_frame(&mut self, frame: &Frame, tell: &mut impl FnMut(Message)) {
        if frame.opcode == CLOSE {
            tell(Message::Close);
        } else if frame.opcode < CLOSE
            && frame.is_last
            && let Some(message) = self.message.take()
        {
            tell(message.whole());
        }
    }
}

impl Partial {
    fn append(&mut self, payload: &[u8], frame: &Frame, max_bytes: usize) {
        self.size_bytes = self.size_bytes.saturating_add(payload.len() as u64);
        let Some(text) = &mut self.text else { return };
        if text.len() + payload.len() > max_bytes {
            self.text = None;
            return;
        }
        match frame.mask {
            Some(mask) => {
                // The position within the mask; the remainder is below four.
                let at = usize::try_from(frame.seen % 4).unwrap_or_default();
                text.extend(payload.iter().zip(mask.iter().cycle().skip(at)).map(|(byte, key)| byte ^ key));
            }
            None => text.extend_from_slice(payload),
        }
    }

    fn whole(self) -> Message {
        let text = self.text.and_then(|text| String::from_utf8(text).ok());
        text.map_or(Message::NotText { size_bytes: self.size_bytes }, Message::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let masked = if mask.is_some() { 0x80 } else { 0 };
        let mut out = vec![first];
        match payload.len() {
            length @ ..126 => out.push(masked | u8::try_from(length).unwrap()),
            length @ ..65_536 => {
                out.push(masked | 126);
                out.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                out.push(masked | 127);
                out.extend((length as u64).to_be_bytes());
            }
        }
        out.extend(mask.iter().flatten());
        let keys = mask.unwrap_or_default();
        out.extend(payload.iter().zip(keys.iter().cycle()).map(|(byte, key)| byte ^ key));
        out
    }

    fn read(chunks: &[&[u8]]) -> Vec<Message> {
        let (mut frames, mut seen) = (Frames::new(1_000), Vec::new());
        for chunk in chunks {
            frames.read(chunk, &mut |message| seen.push(message));
        }
        seen
    }

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    #[test]
    fn text_is_read_whole_whatever_comes_between() {
        let all = [
            frame(0x01, Some([1, 2, 3, 4]), b"hel"),
            frame(0x89, None, b"ping"),
            frame(0x80, Some([9, 8, 7, 6]), b"lo"),
            frame(0x81, None, b""),
            frame(0x8a, None, b""),
            frame(0x88, Some([1, 1, 1, 1]), b"\x03\xe8"),
        ]
        .concat();
        assert_eq!(read(&[&all]), [text("hello"), text(""), Message::Close]);
    }

    #[test]
    fn what_is_no_text_is_counted() {
        let all = [
            frame(0x82, None, b"1234"),
            frame(0xc1, None, b"compressed"),
            frame(0x81, None, b"\xff\xfe"),
            frame(0x81, None, &[b'a'; 1_001]),
            frame(0x01, None, &[b'a'; 600]),
            frame(0x80, None, &[b'a'; 600]),
            frame(0x81, None, b"after"),
        ]
        .concat();
        let sizes = [4, 10, 2, 1_001, 1_200].map(|size_bytes| Message::NotText { size_bytes });
        assert_eq!(read(&[&all]), [&sizes[..], &[text("after")]].concat());
    }

    #[test]
    fn a_stream_that_is_none_is_given_up() {
        for bad in [frame(0x80, None, b"continues nothing"), frame(0x83, None, b"x"), frame(0x8b, None, b"x")]
        {
            assert_eq!(read(&[&bad, &frame(0x81, None, b"later")]), []);
        }
        let in_between = [frame(0x01, None, b"a"), frame(0x81, None, b"b")].concat();
        assert_eq!(read(&[&in_between]), []);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_arrive(
            messages in proptest::collection::vec((".{0,200}", any::<Option<[u8; 4]>>()), 0..6),
            size in 1_usize..50,
        ) {
            let all: Vec<u8> = messages.iter().flat_map(|(text, mask)| frame(0x81, *mask, text.as_bytes())).collect();
            let chunks: Vec<&[u8]> = all.chunks(size).collect();
            let expected: Vec<Message> = messages.iter().map(|(it, _)| text(it)).collect();
            prop_assert_eq!(read(&chunks), expected);
        }

        #[test]
        fn no_bytes_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..400), size in 1_usize..50) {
            read(&bytes.chunks(size).collect::<Vec<_>>());
        }
    }
}
