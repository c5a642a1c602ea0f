//! A connection that carries SIP in WebSocket messages (RFC 7118).
//!
//! One message carries one request or response; several in one are taken too. Content-Length may be
//! missing: then the body reaches to the end of the message. Silence is filled by WebSocket pings,
//! which every browser answers.

use futures_util::{SinkExt, StreamExt};
use sip::Scanner;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

use super::limits::STALL_TIME;
use super::link::{Ending, Input, Link, Patience, write_all};
use super::upgrade::{self, Answer};

/// What is read at once; there is one such buffer for each connection.
const READ: usize = 4 * 1024;
/// The longest WebSocket message.
const MAX_MESSAGE: usize = 65_535;

/// Answers the HTTP request; gives the WebSocket.
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    mut io: S,
    path: &str,
) -> Result<WebSocketStream<S>, Ending> {
    let refused = |why: &str| Ending::Handshake(why.to_owned());
    let Some((head, rest)) = upgrade::read_head(&mut io).await? else {
        return Err(refused("no HTTP request"));
    };
    match upgrade::answer(&head, path) {
        Answer::Refuse(text) => {
            write_all(&mut io, text.as_bytes()).await?;
            Err(refused(text.lines().next().unwrap_or_default()))
        }
        Answer::Switch(text) => {
            write_all(&mut io, text.as_bytes()).await?;
            let config = WebSocketConfig::default()
                .read_buffer_size(READ)
                .write_buffer_size(0)
                .max_message_size(Some(MAX_MESSAGE))
                .max_frame_size(Some(MAX_MESSAGE));
            Ok(WebSocketStream::from_partially_read(io, rest, Role::Server, Some(config)).await)
        }
    }
}

/// Serves a connection until its end.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    link: &mut Link,
    mut patience: Patience,
) -> Ending {
    let (mut sink, mut stream) = socket.split();
    let pong = link.outbox.own();
    let Link { peer, inputs, outbox, keep_alive, stats, .. } = link;
    let reading = async {
        loop {
            let message = match timeout_at(patience.deadline(), stream.next()).await {
                Err(_) => return patience.ending(false),
                Ok(None) => return Ending::Closed,
                Ok(Some(Err(error))) => return ending(error),
                Ok(Some(Ok(message))) => message,
            };
            let payload = match &message {
                Message::Text(text) => text.as_bytes(),
                Message::Binary(bytes) => bytes,
                Message::Close(_) => return Ending::Closed,
                // Pings are answered by the library.
                _ => &[],
            };
            if payload.iter().all(|byte| byte.is_ascii_whitespace()) {
                stats.keep_alives.add();
                if payload == b"\r\n\r\n" {
                    pong.send();
                }
            } else {
                for message in messages(payload) {
                    patience.message();
                    if inputs.send(Input::Message(*peer, message.into())).await.is_err() {
                        return Ending::Stopped;
                    }
                }
            }
            patience.read(false, false);
        }
    };
    let writing = async {
        loop {
            let frames = match outbox.next(*keep_alive).await {
                None => vec![Message::Ping(Default::default())],
                Some(messages) if messages.is_empty() => return Ending::Stopped,
                Some(messages) => messages.into_iter().map(frame).collect(),
            };
            for frame in frames {
                match timeout(STALL_TIME, sink.send(frame)).await {
                    Err(_) => return Ending::NotReading,
                    Ok(Err(error)) => return ending(error),
                    Ok(Ok(())) => {}
                }
            }
        }
    };
    let ending = tokio::select! {
        ending = reading => ending,
        ending = writing => ending,
    };
    let _ = timeout(super::limits::CONNECT_TIME, sink.close()).await;
    ending
}

/// Text as long as it is text: browsers hand binary messages to JavaScript as blobs.
fn frame(message: Box<[u8]>) -> Message {
    match String::from_utf8(message.into()) {
        Ok(text) => Message::text(text),
        Err(error) => Message::binary(error.into_bytes()),
    }
}

/// The SIP messages of a WebSocket message.
fn messages(payload: &[u8]) -> Vec<&[u8]> {
    let mut scanner = Scanner::new();
    let (mut found, mut rest) = (Vec::new(), payload);
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return found;
        }
        // What is no message is counted by the shard, which scans again.
        let length = scanner.scan(rest).map_or(rest.len(), |message| message.bytes().len().max(1));
        let (message, next) = rest.split_at(length.min(rest.len()));
        found.push(message);
        rest = next;
    }
}

fn ending(error: tokio_tungstenite::tungstenite::Error) -> Ending {
    use tokio_tungstenite::tungstenite::Error;
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Ending::Closed,
        Error::Io(error) => Ending::Io(error),
        Error::Capacity(_) => Ending::Broken(sip::ScanError::MessageTooLong),
        // Not masked, reserved bits, text that is not UTF-8: the end of the stream.
        _ => Ending::Broken(sip::ScanError::StartLine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websocket_message_may_hold_several_sip_messages() {
        let one = "OPTIONS sip:a@b SIP/2.0\r\nl: 2\r\n\r\nhi";
        let open = "OPTIONS sip:a@b SIP/2.0\r\n\r\nbody to the end";
        let all = format!("{one}\r\n\r\n{one}{open}");
        assert_eq!(messages(all.as_bytes()), [one.as_bytes(), one.as_bytes(), open.as_bytes()]);
        assert_eq!(messages(b"\xff\xfe garbage"), [b"\xff\xfe garbage"]);
        let cut = "OPTIONS sip:a@b SIP/2.0\r\nl: 200\r\n\r\nhi";
        assert_eq!(messages(cut.as_bytes()), [cut.as_bytes()]);
        assert!(messages(b" \r\n").is_empty());
    }
}
