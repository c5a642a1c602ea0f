//! Phones that register and answer OPTIONS: thousands behind one socket.

use std::io::{ErrorKind, Result};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use sip::Scanner;

use crate::login::Login;
use crate::office::password;
use crate::subscription::{answer, index};

/// REGISTERs on their way at a time: as many as a socket's buffer surely holds answers.
const WINDOW: usize = 128;
/// After this time without an answer a REGISTER is sent again.
const RESEND: Duration = Duration::from_millis(500);
/// Between two looks for those.
const LOOK: Duration = Duration::from_millis(100);
/// Without any answer for so long nobody is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// See the module's description. Phone number N is the endpoint `pN`.
#[derive(Debug)]
pub struct Registrants {
    socket: UdpSocket,
    server: SocketAddr,
    phones: Vec<Phone>,
    passwords: bool,
    window: usize,
    scanner: Scanner,
    /// OPTIONS that were answered.
    pub asked: u64,
    /// REGISTERs sent again.
    pub resent: u64,
    /// REGISTERs that had to be made anew with a password.
    pub challenged: u64,
    /// REGISTERs answered by anything but 200.
    pub refused: u64,
}

#[derive(Debug, Default)]
struct Phone {
    cseq: u32,
    login: Login,
    /// When the REGISTER that waits for an answer was sent.
    sent: Option<Instant>,
    /// It was sent again.
    repeated: bool,
}

impl Registrants {
    /// `count` phones of a server, without passwords.
    ///
    /// # Errors
    ///
    /// The system gives no socket.
    pub fn new(server: SocketAddr, count: usize) -> Result<Self> {
        let socket = UdpSocket::bind((server.ip(), 0))?;
        Ok(Self {
            socket,
            server,
            phones: (0..count).map(|_| Phone::default()).collect(),
            passwords: false,
            window: WINDOW,
            scanner: Scanner::new(),
            asked: 0,
            resent: 0,
            challenged: 0,
            refused: 0,
        })
    }

    /// The same phones, each with its [`password`].
    #[must_use]
    pub fn with_passwords(self) -> Self {
        Self { passwords: true, ..self }
    }

    /// The same phones, with `window` REGISTERs on their way at a time.
    #[must_use]
    pub fn at_a_time(self, window: usize) -> Self {
        Self { window, ..self }
    }

    /// Registers all phones, or refreshes them; gives the time it took.
    ///
    /// # Errors
    ///
    /// The server does not answer.
    pub fn register(&mut self) -> Result<Duration> {
        let start = Instant::now();
        let (mut next, mut waiting, mut heard, mut looked) = (0, 0, start, start);
        while next < self.phones.len() || waiting > 0 {
            while next < self.phones.len() && waiting < self.window {
                self.begin(next)?;
                next += 1;
                waiting += 1;
            }
            if self.receive(RESEND)? {
                heard = Instant::now();
                waiting -= 1;
            }
            if heard.elapsed() > PATIENCE {
                return Err(ErrorKind::TimedOut.into());
            }
            if looked.elapsed() > LOOK {
                looked = Instant::now();
                self.send_again()?;
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

    /// Sends the next REGISTER of a phone.
    fn begin(&mut self, number: usize) -> Result<()> {
        let (passwords, uri) = (self.passwords, format!("sip:{}", self.server));
        if let Some(phone) = self.phones.get_mut(number) {
            let user = format!("p{number}");
            phone.cseq += 1;
            phone.repeated = false;
            phone.login.next(&user, passwords.then(|| password(&user)).as_deref(), "REGISTER", &uri);
        }
        self.send(number)
    }

    fn send(&mut self, number: usize) -> Result<()> {
        let (me, server) = (self.socket.local_addr()?, self.server);
        let Some(phone) = self.phones.get_mut(number) else { return Ok(()) };
        phone.sent = Some(Instant::now());
        let cseq = phone.cseq;
        let authorization = phone
            .login
            .authorization()
            .map(|value| format!("Authorization: {value}\r\n"))
            .unwrap_or_default();
        let text = format!(
            "REGISTER sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {me};rport;branch=z9hG4bK{number}-{cseq}\r\n\
             From: <sip:p{number}@{server}>;tag=t{number}\r\nTo: <sip:p{number}@{server}>\r\n\
             Call-ID: {number}-reg@bench\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:p{number}@{me}>\r\n\
             {authorization}Expires: 3600\r\nMax-Forwards: 70\r\nUser-Agent: bench\r\nContent-Length: 0\r\n\r\n"
        );
        self.socket.send_to(text.as_bytes(), self.server).map(drop)
    }

    fn send_again(&mut self) -> Result<()> {
        let is_late = |phone: &Phone| phone.sent.is_some_and(|sent| sent.elapsed() > RESEND);
        let late: Vec<_> =
            self.phones.iter().enumerate().filter(|(_, phone)| is_late(phone)).map(|(n, _)| n).collect();
        self.resent += late.len() as u64;
        for number in late {
            self.phones.get_mut(number).into_iter().for_each(|phone| phone.repeated = true);
            self.send(number)?;
        }
        Ok(())
    }

    /// Reads one packet; gives whether it ends a REGISTER.
    fn receive(&mut self, timeout: Duration) -> Result<bool> {
        let mut buffer = [0; 4096];
        self.socket.set_read_timeout(Some(timeout))?;
        let (length, from) = match self.socket.recv_from(&mut buffer) {
            Ok(read) => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let Self { socket, phones, scanner, passwords, .. } = self;
        let Ok(message) = scanner.scan(buffer.get(..length).unwrap_or_default()) else { return Ok(false) };
        let Some(status) = message.status() else {
            let mut out = Vec::new();
            answer(&mut out, &message, true);
            socket.send_to(&out, from)?;
            self.asked += 1;
            return Ok(false);
        };
        let number = message.call_id().ok().and_then(index);
        let Some((number, phone)) = number.and_then(|number| Some((number, phones.get_mut(number)?))) else {
            return Ok(false);
        };
        let is_newest = message.cseq().is_ok_and(|cseq| cseq.seq == phone.cseq);
        if !is_newest || phone.sent.is_none() {
            return Ok(false);
        }
        if status == 401 && phone.repeated {
            // To a server without transactions the counter of a repetition is used up: a new nonce.
            phone.login = Login::default();
        }
        if status == 401 && *passwords && phone.login.challenged(&message) {
            self.challenged += 1;
            self.begin(number)?;
            return Ok(false);
        }
        phone.sent = None;
        self.refused += u64::from(status != 200);
        Ok(true)
    }
}
