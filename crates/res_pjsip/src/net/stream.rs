//! A connection that carries SIP as a stream: TCP, TLS (RFC 3261 section 18, RFC 5626 section 3.5.1).

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use sip::{StreamDecoder, StreamEvent};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout_at;

use super::link::{Ending, Input, Link, OutboxReader, Patience, write_all};
use crate::stats::Stats;

/// What is read at once.
const READ: usize = 16 * 1024;
/// A pong: what may lie there without being part of a message.
const PONG: usize = 3;

thread_local! {
    /// One buffer for all connections of a thread: an idle connection holds none.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// Serves a connection until its end.
pub(crate) async fn run<S: AsyncRead + AsyncWrite>(io: S, link: &mut Link, mut patience: Patience) -> Ending {
    let (mut reader, mut writer) = tokio::io::split(io);
    let pong = link.outbox.own();
    let Link { peer, inputs, outbox, keep_alive, stats, .. } = link;
    let reading = async {
        // Only there while a message is incomplete.
        let mut decoder: Option<Box<StreamDecoder>> = None;
        let mut messages: Vec<Box<[u8]>> = Vec::new();
        loop {
            let begun = decoder.as_ref().is_some_and(|decoder| decoder.pending() > PONG);
            let read = timeout_at(patience.deadline(), read(&mut reader, &mut decoder)).await;
            match read {
                Err(_) => return patience.ending(begun),
                Ok(Err(error)) => return error.into(),
                Ok(Ok(0)) => {
                    // It may have closed its side only.
                    patience.answered().await;
                    return Ending::Closed;
                }
                Ok(Ok(_)) => {}
            }
            let broken = decoder.as_mut().and_then(|decoder| {
                take_messages(decoder, stats, || pong.send(), |message| messages.push(message))
            });
            for message in messages.drain(..) {
                patience.message();
                if inputs.send(Input::Message(*peer, message)).await.is_err() {
                    return Ending::Stopped;
                }
            }
            if let Some(error) = broken {
                patience.answered().await;
                return Ending::Broken(error);
            }
            decoder = decoder.filter(|decoder| !decoder.is_idle());
            patience.read(begun, decoder.as_ref().is_some_and(|decoder| decoder.pending() > PONG));
        }
    };
    let writing = write(&mut writer, outbox, *keep_alive);
    let ending = tokio::select! {
        ending = reading => ending,
        ending = writing => ending,
    };
    // Says goodbye to a peer that is still there (TLS: close_notify).
    let _ = tokio::time::timeout(super::limits::CONNECT_TIME, writer.shutdown()).await;
    ending
}

/// Reads what is there into the decoder, which is made for it; the number of bytes.
async fn read(
    reader: &mut (impl AsyncRead + Unpin),
    decoder: &mut Option<Box<StreamDecoder>>,
) -> std::io::Result<usize> {
    poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            match Pin::new(&mut *reader).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) => {
                    let bytes = buffer.filled();
                    if !bytes.is_empty() {
                        decoder.get_or_insert_default().push(bytes);
                    }
                    Poll::Ready(Ok(bytes.len()))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
    })
    .await
}

/// Takes all that is complete; gives the error after which nothing more can be read.
fn take_messages(
    decoder: &mut StreamDecoder,
    stats: &Stats,
    ping: impl Fn(),
    mut message: impl FnMut(Box<[u8]>),
) -> Option<sip::ScanError> {
    loop {
        match decoder.next_event()? {
            StreamEvent::Message(found) => message(found.bytes().into()),
            StreamEvent::Ping => {
                stats.keep_alives.add();
                ping();
            }
            StreamEvent::Skipped(_) => stats.garbage.add(),
            StreamEvent::Broken(error) => return Some(error),
        }
    }
}

/// Writes what the shard queues, and a ping when it is silent; ends when the shard lets go.
async fn write(
    writer: &mut (impl AsyncWrite + Unpin),
    outbox: &mut OutboxReader,
    keep_alive: Option<std::time::Duration>,
) -> Ending {
    loop {
        let written = match outbox.next(keep_alive).await {
            None => write_all(writer, b"\r\n\r\n").await,
            Some(messages) => match &messages[..] {
                [] => return Ending::Stopped,
                [message] => write_all(writer, message).await,
                many => write_all(writer, &many.concat()).await,
            },
        };
        if let Err(ending) = written {
            return ending;
        }
    }
}
