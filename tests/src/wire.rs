//! How a phone's messages travel: UDP, TCP, TLS, WebSocket. On purpose not the project's own code.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::{Message as Frame, WebSocket};

/// A way to the server.
pub struct Wire {
    carrier: Carrier,
    server: SocketAddr,
    own: SocketAddr,
    /// The beginning of a message whose end is still to come.
    pending: Vec<u8>,
}

enum Carrier {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    Ws(Box<WebSocket<TcpStream>>),
    Wss(Box<WebSocket<StreamOwned<ClientConnection, TcpStream>>>),
}

/// What was read.
#[derive(Debug)]
pub enum Received {
    /// A message.
    Message(Vec<u8>),
    /// Nothing yet.
    Nothing,
    /// The connection is gone.
    Closed,
}

impl Wire {
    /// UDP, from an address of this machine.
    pub fn udp(own: IpAddr, server: SocketAddr) -> Self {
        Self::udp_at(SocketAddr::new(own, 0), server)
    }

    /// UDP, from an address and port of this machine.
    pub fn udp_at(own: SocketAddr, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind(own).expect("this machine has the address");
        let own = socket.local_addr().expect("it is bound");
        Self { carrier: Carrier::Udp(socket), server, own, pending: Vec::new() }
    }

    /// TCP.
    #[track_caller]
    pub fn tcp(server: SocketAddr) -> Self {
        Self::accepted(connect(server).0)
    }

    /// TCP, from an address of this machine.
    #[track_caller]
    pub fn tcp_from(own: IpAddr, server: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::new(own, 0).into()).expect("this machine has the address");
        socket.connect(&server.into()).unwrap_or_else(|error| panic!("{server}: {error}"));
        Self::accepted(socket.into())
    }

    /// A TCP connection that is there.
    pub fn accepted(stream: TcpStream) -> Self {
        let [own, server] = [stream.local_addr(), stream.peer_addr()].map(|it| it.expect("it is connected"));
        Self { carrier: Carrier::Tcp(stream), server, own, pending: Vec::new() }
    }

    /// TLS; fails with what the handshake says.
    pub fn tls(server: SocketAddr, config: Arc<ClientConfig>) -> Result<Self, String> {
        let (stream, own) = connect(server);
        let stream = handshake(stream, config)?;
        Ok(Self { carrier: Carrier::Tls(Box::new(stream)), server, own, pending: Vec::new() })
    }

    /// WebSocket.
    #[track_caller]
    pub fn ws(server: SocketAddr) -> Self {
        let (stream, own) = connect(server);
        let socket = upgrade(&format!("ws://{server}/ws"), stream).expect("a WebSocket");
        Self { carrier: Carrier::Ws(Box::new(socket)), server, own, pending: Vec::new() }
    }

    /// Secure WebSocket.
    #[track_caller]
    pub fn wss(server: SocketAddr, config: Arc<ClientConfig>) -> Self {
        let (stream, own) = connect(server);
        let stream = handshake(stream, config).expect("TLS");
        let socket = upgrade(&format!("wss://localhost:{}/ws", server.port()), stream).expect("a WebSocket");
        Self { carrier: Carrier::Wss(Box::new(socket)), server, own, pending: Vec::new() }
    }

    /// From now on the server is at another address. For UDP.
    pub fn set_server(&mut self, server: SocketAddr) {
        self.server = server;
    }

    /// The name in Via.
    pub fn name(&self) -> &'static str {
        match self.carrier {
            Carrier::Udp(_) => "UDP",
            Carrier::Tcp(_) => "TCP",
            Carrier::Tls(_) => "TLS",
            Carrier::Ws(_) => "WS",
            Carrier::Wss(_) => "WSS",
        }
    }

    /// The `transport` parameter of a Contact; empty for UDP.
    pub fn parameter(&self) -> &'static str {
        match self.carrier {
            Carrier::Udp(_) => "",
            Carrier::Tcp(_) => ";transport=tcp",
            Carrier::Tls(_) => ";transport=tls",
            Carrier::Ws(_) | Carrier::Wss(_) => ";transport=ws",
        }
    }

    /// Where it comes from.
    pub fn own(&self) -> SocketAddr {
        self.own
    }

    /// Where it goes.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// Sends bytes: a datagram, a piece of a stream, or a text frame. A server that has closed is not
    /// told; reading says so.
    pub fn send(&mut self, bytes: &[u8]) {
        let text = || Frame::text(String::from_utf8_lossy(bytes).into_owned());
        match &mut self.carrier {
            Carrier::Udp(socket) => drop(socket.send_to(bytes, self.server).expect("the packet fits")),
            Carrier::Tcp(stream) => drop(stream.write_all(bytes)),
            Carrier::Tls(stream) => drop(stream.write_all(bytes).and_then(|()| stream.flush())),
            Carrier::Ws(socket) => drop(socket.send(text())),
            Carrier::Wss(socket) => drop(socket.send(text())),
        }
    }

    /// Sends a WebSocket frame.
    #[track_caller]
    pub fn send_frame(&mut self, frame: Frame) {
        match &mut self.carrier {
            Carrier::Ws(socket) => drop(socket.send(frame)),
            Carrier::Wss(socket) => drop(socket.send(frame)),
            _ => panic!("{} has no frames", self.name()),
        }
    }

    /// Waits for the next message, at most for a time.
    #[track_caller]
    pub fn read(&mut self, time: Duration) -> Received {
        let time = Some(time.max(Duration::from_millis(1)));
        let mut bytes = [0; 65_536];
        if let Some(length) = self.complete() {
            return Received::Message(self.pending.drain(..length).collect());
        }
        let result = match &mut self.carrier {
            Carrier::Udp(socket) => {
                socket.set_read_timeout(time).expect("it is not zero");
                // An error is the end of the time, or an ICMP message about an earlier packet.
                let Ok((length, from)) = socket.recv_from(&mut bytes) else { return Received::Nothing };
                assert_eq!(from, self.server, "{}", String::from_utf8_lossy(&bytes[..length]));
                return Received::Message(bytes[..length].to_vec());
            }
            Carrier::Ws(socket) => {
                socket.get_ref().set_read_timeout(time).expect("it is not zero");
                return frame(socket.read());
            }
            Carrier::Wss(socket) => {
                socket.get_ref().sock.set_read_timeout(time).expect("it is not zero");
                return frame(socket.read());
            }
            Carrier::Tcp(stream) => {
                stream.set_read_timeout(time).expect("it is not zero");
                stream.read(&mut bytes)
            }
            Carrier::Tls(stream) => {
                stream.sock.set_read_timeout(time).expect("it is not zero");
                stream.read(&mut bytes)
            }
        };
        match result {
            Ok(0) => return Received::Closed,
            Ok(length) => self.pending.extend_from_slice(&bytes[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Received::Closed,
        }
        match self.complete() {
            Some(length) => Received::Message(self.pending.drain(..length).collect()),
            None => Received::Nothing,
        }
    }

    /// Sends bytes as they are, below WebSocket.
    #[track_caller]
    pub fn send_raw(&mut self, bytes: &[u8]) {
        match &mut self.carrier {
            Carrier::Ws(socket) => drop(socket.get_mut().write_all(bytes)),
            Carrier::Wss(socket) => drop(socket.get_mut().write_all(bytes)),
            _ => self.send(bytes),
        }
    }

    /// The next WebSocket frame, if it is not the end.
    #[track_caller]
    pub fn read_frame(&mut self) -> Option<Frame> {
        match &mut self.carrier {
            Carrier::Ws(socket) => {
                socket.get_ref().set_read_timeout(Some(crate::PATIENCE)).expect("it is not zero");
                Some(socket.read().expect("a frame"))
            }
            _ => panic!("{} has no frames", self.name()),
        }
    }

    /// Reads what is there on a TCP connection, whatever it is; 0 at the end.
    pub fn read_raw(&mut self) -> std::io::Result<usize> {
        match &mut self.carrier {
            Carrier::Tcp(stream) => {
                stream.set_read_timeout(Some(crate::PATIENCE))?;
                stream.read(&mut [0; 1024])
            }
            _ => panic!("{} is not TCP", self.name()),
        }
    }

    /// Says that nothing more will be sent.
    pub fn end_of_sending(&mut self) {
        // Fails only for a connection that is gone already.
        let _ = self.stream().map(|stream| stream.shutdown(std::net::Shutdown::Write));
    }

    /// Ends the connection without a word, as a phone that loses power and comes back does.
    pub fn reset(&mut self) {
        // Fails only for a connection that is gone already.
        let _ = self.stream().map(|stream| stream.shutdown(std::net::Shutdown::Both));
    }

    fn stream(&self) -> Option<&TcpStream> {
        match &self.carrier {
            Carrier::Udp(_) => None,
            Carrier::Tcp(stream) => Some(stream),
            Carrier::Tls(stream) => Some(&stream.sock),
            Carrier::Ws(socket) => Some(socket.get_ref()),
            Carrier::Wss(socket) => Some(&socket.get_ref().sock),
        }
    }

    /// The length of the message that is there, keep-alives before it skipped.
    fn complete(&mut self) -> Option<usize> {
        while self.pending.starts_with(b"\r\n") {
            self.pending.drain(..2);
        }
        let head = self.pending.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&self.pending[..head]).to_lowercase();
        let length = text.split("content-length:").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|length| length.trim().parse().ok()).expect("a Content-Length");
        (self.pending.len() >= head + length).then_some(head + length)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.name(), self.own, self.server)
    }
}

fn connect(server: SocketAddr) -> (TcpStream, SocketAddr) {
    let stream = TcpStream::connect(server).unwrap_or_else(|error| panic!("{server}: {error}"));
    stream.set_nodelay(true).expect("a TCP socket");
    let own = stream.local_addr().expect("it is connected");
    (stream, own)
}

fn handshake(
    mut stream: TcpStream,
    config: Arc<ClientConfig>,
) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
    stream.set_read_timeout(Some(crate::PATIENCE)).expect("it is not zero");
    let name = ServerName::try_from("localhost").expect("a host name");
    let mut connection = ClientConnection::new(config, name).map_err(|error| error.to_string())?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| error.to_string())?;
    }
    Ok(StreamOwned::new(connection, stream))
}

fn upgrade<S: Read + Write>(url: &str, stream: S) -> Result<WebSocket<S>, String> {
    let mut request = url.into_client_request().expect("a URL");
    request.headers_mut().insert("Sec-WebSocket-Protocol", "sip".parse().expect("a header value"));
    let (socket, response) = tungstenite::client(request, stream).map_err(|error| error.to_string())?;
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "sip");
    Ok(socket)
}

fn frame(result: Result<Frame, tungstenite::Error>) -> Received {
    match result {
        Ok(Frame::Text(text)) if text.trim().is_empty() => Received::Nothing,
        Ok(Frame::Text(text)) => Received::Message(text.as_bytes().to_vec()),
        Ok(Frame::Binary(bytes)) => Received::Message(bytes.to_vec()),
        Ok(Frame::Close(_)) => Received::Closed,
        Ok(_) => Received::Nothing,
        Err(tungstenite::Error::Io(error))
            if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
        {
            Received::Nothing
        }
        Err(_) => Received::Closed,
    }
}
