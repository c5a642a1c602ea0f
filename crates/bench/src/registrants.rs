//! Phones that register and answer OPTIONS: thousands behind one socket.

use std::collections::HashMap;
use std::io::{ErrorKind, Result};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// REGISTERs on their way at a time: as many as a socket's buffer surely holds answers.
const WINDOW: usize = 128;
/// After this time without an answer a REGISTER is sent again.
const RESEND: Duration = Duration::from_millis(500);
/// Without any answer for so long nobody is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// See the module's description. Phone number N is the endpoint `pN`.
#[derive(Debug)]
pub struct Registrants {
    socket: UdpSocket,
    server: SocketAddr,
    count: usize,
    cseq: u32,
    /// OPTIONS that were answered.
    pub asked: u64,
    /// REGISTERs sent again.
    pub resent: u64,
    /// REGISTERs answered by anything but 200.
    pub refused: u64,
}

impl Registrants {
    /// `count` phones of a server.
    ///
    /// # Errors
    ///
    /// The system gives no socket.
    pub fn new(server: SocketAddr, count: usize) -> Result<Self> {
        let socket = UdpSocket::bind((server.ip(), 0))?;
        Ok(Self { socket, server, count, cseq: 0, asked: 0, resent: 0, refused: 0 })
    }

    /// Registers all phones, or refreshes them; gives the time it took.
    ///
    /// # Errors
    ///
    /// The server does not answer.
    pub fn register(&mut self) -> Result<Duration> {
        self.cseq += 1;
        let start = Instant::now();
        let (mut next, mut heard) = (0, start);
        let mut waiting: HashMap<usize, Instant> = HashMap::new();
        while next < self.count || !waiting.is_empty() {
            while next < self.count && waiting.len() < WINDOW {
                self.send(next)?;
                waiting.insert(next, Instant::now());
                next += 1;
            }
            if let Some(phone) = self.receive(RESEND)? {
                heard = Instant::now();
                waiting.remove(&phone);
            }
            if heard.elapsed() > PATIENCE {
                return Err(ErrorKind::TimedOut.into());
            }
            let late: Vec<_> =
                waiting.iter().filter(|(_, at)| at.elapsed() > RESEND).map(|(n, _)| *n).collect();
            for phone in late {
                self.send(phone)?;
                self.resent += 1;
                waiting.insert(phone, Instant::now());
            }
        }
        Ok(start.elapsed())
    }

    /// Answers OPTIONS for some time.
    ///
    /// # Errors
    ///
    /// The socket fails.
    pub fn answer_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.receive(left)?;
        }
        Ok(())
    }

    fn send(&self, phone: usize) -> Result<()> {
        let (me, server, cseq) = (self.socket.local_addr()?, self.server, self.cseq);
        let text = format!(
            "REGISTER sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {me};rport;branch=z9hG4bK{phone}-{cseq}\r\n\
             From: <sip:p{phone}@{server}>;tag=t{phone}\r\nTo: <sip:p{phone}@{server}>\r\n\
             Call-ID: {phone}-reg@bench\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:p{phone}@{me}>\r\n\
             Expires: 3600\r\nMax-Forwards: 70\r\nUser-Agent: bench\r\nContent-Length: 0\r\n\r\n"
        );
        self.socket.send_to(text.as_bytes(), self.server).map(drop)
    }

    /// Reads one packet: the phone whose REGISTER is answered, if it is that.
    fn receive(&mut self, timeout: Duration) -> Result<Option<usize>> {
        let mut buffer = [0; 4096];
        self.socket.set_read_timeout(Some(timeout))?;
        let (length, from) = match self.socket.recv_from(&mut buffer) {
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
        let header = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        if text.starts_with("OPTIONS ") {
            let copied =
                ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].map(|name| format!("{}\r\n", header(name)));
            let answer = format!("SIP/2.0 200 OK\r\n{}Content-Length: 0\r\n\r\n", copied.concat());
            self.socket.send_to(answer.as_bytes(), from)?;
            self.asked += 1;
            return Ok(None);
        }
        if !text.starts_with("SIP/2.0 200 ") {
            self.refused += 1;
        }
        let call_id = header("Call-ID: ").trim_start_matches("Call-ID: ");
        let is_newest = header("CSeq: ") == format!("CSeq: {} REGISTER", self.cseq);
        Ok(call_id.split('-').next().filter(|_| is_newest).and_then(|phone| phone.parse().ok()))
    }
}
