//! The body of an answer as it is sent: whole, in portions, grown beyond what memory holds, or broken off.

use crate::answer::{Filler, Portions};
use crate::clock::StandInClock;
use crate::journal::OpenRequest;
use crate::wire::ConnectionEnd;
use bytes::Bytes;
use http_body::Frame;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Bytes of a filler that are sent at once.
const FILLER_FRAME_BYTES: usize = 64 * 1024;

/// A body on its way. The request counts as answered when it is dropped.
pub(crate) struct AnswerBody {
    pieces: VecDeque<Piece>,
    then: Then,
    promised_bytes: u64,
    slow: Option<Box<Slow>>,
    /// The connection that ends where the body breaks off, if it does.
    end: Option<ConnectionEnd>,
    request: OpenRequest,
}

enum Piece {
    Bytes(Bytes),
    Filler { byte: u8, length_bytes: u64 },
}

/// What comes after the last piece.
enum Then {
    End,
    /// The connection is let flush what it has, this many times over, and then breaks off.
    BreakOff(u8),
}

struct Slow {
    clock: StandInClock,
    portions: Portions,
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    is_due: bool,
}

impl AnswerBody {
    /// All of it.
    pub(crate) fn whole(bytes: Bytes, request: OpenRequest) -> Self {
        let promised_bytes = bytes.len() as u64;
        let pieces = if bytes.is_empty() { VecDeque::new() } else { VecDeque::from([Piece::Bytes(bytes)]) };
        Self { pieces, then: Then::End, promised_bytes, slow: None, end: None, request }
    }

    /// None of it, as after HEAD.
    pub(crate) fn none(request: OpenRequest) -> Self {
        Self::whole(Bytes::new(), request)
    }

    /// All of it with a run of one byte in its middle.
    pub(crate) fn huge(bytes: &Bytes, filler: Filler, request: OpenRequest) -> Self {
        let middle = filler.after_bytes.min(bytes.len());
        let grown = Piece::Filler { byte: filler.byte, length_bytes: filler.length_bytes };
        let pieces = [Piece::Bytes(bytes.slice(..middle)), grown, Piece::Bytes(bytes.slice(middle..))];
        Self {
            pieces: VecDeque::from(pieces),
            then: Then::End,
            promised_bytes: bytes.len() as u64 + filler.length_bytes,
            slow: None,
            end: None,
            request,
        }
    }

    /// The first bytes of it, after which it breaks off.
    pub(crate) fn broken(sent: Bytes, promised_bytes: u64, request: OpenRequest) -> Self {
        Self { then: Then::BreakOff(2), promised_bytes, ..Self::whole(sent, request) }
    }

    /// The same, and where it breaks off, so does all that the connection carries.
    pub(crate) fn ending(mut self, end: ConnectionEnd) -> Self {
        self.end = Some(end);
        self
    }

    /// The same in portions.
    pub(crate) fn portioned(mut self, portions: Portions, clock: StandInClock) -> Self {
        self.slow = Some(Box::new(Slow { clock, portions, wait: None, is_due: false }));
        self
    }

    fn next_bytes(&mut self, at_most: usize) -> Option<Bytes> {
        loop {
            match self.pieces.front_mut()? {
                Piece::Bytes(bytes) if bytes.is_empty() => {}
                Piece::Filler { length_bytes: 0, .. } => {}
                Piece::Bytes(bytes) => return Some(bytes.split_to(bytes.len().min(at_most))),
                Piece::Filler { byte, length_bytes } => {
                    let left = usize::try_from(*length_bytes).unwrap_or(usize::MAX);
                    let length = left.min(at_most).min(FILLER_FRAME_BYTES);
                    *length_bytes -= length as u64;
                    return Some(Bytes::from(vec![*byte; length]));
                }
            }
            self.pieces.pop_front();
        }
    }

    fn is_used_up(&self) -> bool {
        self.pieces.iter().all(|piece| match piece {
            Piece::Bytes(bytes) => bytes.is_empty(),
            Piece::Filler { length_bytes, .. } => *length_bytes == 0,
        })
    }
}

impl Slow {
    /// Waits before each portion, on the stand-in's clock.
    fn poll_due(&mut self, request: &OpenRequest, context: &mut Context<'_>) -> Poll<()> {
        if self.is_due {
            return Poll::Ready(());
        }
        let Self { clock, portions, wait, .. } = self;
        let wait = wait.get_or_insert_with(|| Box::pin(request.wait(clock.clone(), portions.wait)));
        match wait.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.wait = None;
                self.is_due = true;
                Poll::Ready(())
            }
        }
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let mut at_most = usize::MAX;
        if !this.is_used_up()
            && let Some(slow) = &mut this.slow
        {
            if slow.poll_due(&this.request, context).is_pending() {
                return Poll::Pending;
            }
            slow.is_due = false;
            at_most = slow.portions.bytes.max(1);
        }
        if let Some(bytes) = this.next_bytes(at_most) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut this.then {
            Then::End => Poll::Ready(None),
            Then::BreakOff(0) => {
                this.end.iter().for_each(ConnectionEnd::now);
                Poll::Ready(Some(Err(io::Error::other("the answer is cut short on purpose"))))
            }
            Then::BreakOff(turns) => {
                *turns -= 1;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.then, Then::End) && self.is_used_up()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.promised_bytes)
    }
}
