//! The HTTP side of WebSocket: one request, answered by 101 or an error (RFC 6455 section 4.2,
//! RFC 7118 section 4).
//!
//! Of HTTP only this is served: `GET PREFIX/ws` with the subprotocol `sip`.

use std::fmt::Write;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The longest request head that is read.
const MAX_HEAD: usize = 8 * 1024;
/// The path below the prefix, as in Asterisk.
pub(crate) const PATH: &str = "/ws";

/// What is answered to a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The connection is a WebSocket after this.
    Switch(String),
    /// The connection is closed after this.
    Refuse(String),
}

/// Reads a request head; gives it with what has come after it. None if there is no such thing.
pub(crate) async fn read_head(
    io: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if io.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok(String::from_utf8(bytes).ok().map(|head| (head, rest)));
        }
        if bytes.len() > MAX_HEAD {
            return Ok(None);
        }
    }
}

/// The answer to a request head; `path` is where the WebSocket is.
pub(crate) fn answer(head: &str, path: &str) -> Answer {
    let mut lines = head.split("\r\n");
    let mut start = lines.next().unwrap_or_default().split(' ');
    let (method, target, version) = (start.next(), start.next().unwrap_or_default(), start.next());
    let header = |name: &str| {
        let found = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        let found = found.filter(|(n, _)| n.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).collect::<Vec<_>>().join(",")
    };
    let lists = |name: &str, token: &str| {
        header(name).split(',').any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    if version != Some("HTTP/1.1") {
        return refuse("400 Bad Request", "");
    }
    if target.split('?').next() != Some(path) {
        return refuse("404 Not Found", "");
    }
    if method != Some("GET") {
        return refuse("405 Method Not Allowed", "Allow: GET\r\n");
    }
    if !lists("Upgrade", "websocket") || !lists("Connection", "upgrade") {
        return refuse("426 Upgrade Required", "Upgrade: websocket\r\n");
    }
    if header("Sec-WebSocket-Version") != "13" {
        return refuse("426 Upgrade Required", "Sec-WebSocket-Version: 13\r\n");
    }
    let key = header("Sec-WebSocket-Key");
    if !lists("Sec-WebSocket-Protocol", "sip") || key.is_empty() {
        return refuse("400 Bad Request", "");
    }
    Answer::Switch(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
        derive_accept_key(key.as_bytes())
    ))
}

fn refuse(status: &str, headers: &str) -> Answer {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    // Writing into a String cannot fail.
    let _ = write!(text, "{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");
    Answer::Refuse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7118 section 4.2.
    const REQUEST: &str = "GET /ws HTTP/1.1\r\nHost: sip-ws.example.com\r\nUpgrade: websocket\r\n\
        Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: http://www.example.com\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";

    fn status(request: &str) -> String {
        let (Answer::Switch(text) | Answer::Refuse(text)) = answer(request, "/ws");
        text.split(' ').nth(1).unwrap().to_owned()
    }

    #[test]
    fn the_example_is_switched() {
        let Answer::Switch(text) = answer(REQUEST, "/ws") else { panic!() };
        assert!(text.starts_with("HTTP/1.1 101 "), "{text}");
        assert!(text.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{text}");
        assert!(text.contains("Sec-WebSocket-Protocol: sip\r\n"), "{text}");
    }

    #[test]
    fn what_is_missing_is_named_by_the_status() {
        for (from, to, expected) in [
            ("HTTP/1.1", "HTTP/1.0", "400"),
            ("/ws", "/", "404"),
            ("/ws", "/ws?x=1", "101"),
            ("GET", "POST", "405"),
            ("Upgrade: websocket\r\n", "", "426"),
            ("Version: 13", "Version: 8", "426"),
            ("Protocol: sip", "Protocol: xmpp", "400"),
            ("Protocol: sip", "Protocol: xmpp, SIP", "101"),
            ("Key:", "Kex:", "400"),
            ("keep-alive, Upgrade", "close", "426"),
        ] {
            assert_eq!(status(&REQUEST.replace(from, to)), expected, "{from} -> {to}");
        }
        assert_eq!(status("garbage"), "400");
        assert_eq!(status(""), "400");
    }
}
