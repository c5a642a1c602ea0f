//! A phone with lamps: enough of a SIP subscriber for tests.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use sip::digest::{Challenge, authorize};

use crate::{Message, PATIENCE, Received, Server, Wire};

/// A phone with a socket of its own. All that it gets must come from the address that it sends to, or
/// by the connection that it has opened.
#[derive(Debug)]
pub struct Phone {
    name: String,
    wire: Wire,
    /// What its Contact says, if not where it sends from.
    contact: Option<String>,
    /// What has come while something else was waited for.
    inbox: VecDeque<Message>,
    /// The branches of the NOTIFYs that were answered, and with what.
    answered: Vec<(String, String)>,
    /// What NOTIFYs are answered with.
    answer: Option<String>,
    /// User name, password, and the only algorithm that it knows, if it does not know all.
    login: Option<(String, String, Option<String>)>,
    count: u32,
    /// CSeq of the last REGISTER.
    registrations: u32,
}

/// What a SUBSCRIBE asks for.
#[derive(Debug, Clone)]
pub struct Subscribe {
    extension: String,
    event: Option<String>,
    accept: Option<String>,
    expires: Option<String>,
    extra: String,
    edits: Vec<(String, String)>,
}

/// A subscription of a phone.
#[derive(Debug, Clone)]
pub struct Lamp {
    call_id: String,
    cseq: u32,
    to_tag: String,
    ask: Subscribe,
    /// The answer to the SUBSCRIBE.
    pub answer: Message,
    /// The newest NOTIFY.
    pub last: Message,
}

impl Subscribe {
    /// Event `presence`, no Accept, one hour.
    pub fn presence(extension: &str) -> Self {
        Self {
            extension: extension.to_owned(),
            event: Some("presence".to_owned()),
            accept: None,
            expires: Some("3600".to_owned()),
            extra: String::new(),
            edits: Vec::new(),
        }
    }

    /// Event `dialog`.
    pub fn dialog(extension: &str) -> Self {
        Self::presence(extension).event("dialog")
    }

    /// Another event.
    #[must_use]
    pub fn event(self, event: &str) -> Self {
        Self { event: Some(event.to_owned()), ..self }
    }

    /// No Event header.
    #[must_use]
    pub fn no_event(self) -> Self {
        Self { event: None, ..self }
    }

    /// An Accept header.
    #[must_use]
    pub fn accept(self, accept: &str) -> Self {
        Self { accept: Some(accept.to_owned()), ..self }
    }

    /// Another Expires.
    #[must_use]
    pub fn expires(self, expires: &str) -> Self {
        Self { expires: Some(expires.to_owned()), ..self }
    }

    /// No Expires header.
    #[must_use]
    pub fn no_expires(self) -> Self {
        Self { expires: None, ..self }
    }

    /// One more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.extra.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Replaces a text in the request as it is about to be sent.
    #[must_use]
    pub fn edit(mut self, from: &str, to: &str) -> Self {
        self.edits.push((from.to_owned(), to.to_owned()));
        self
    }
}

impl Phone {
    /// A phone of the endpoint `name`, on this machine.
    pub fn new(server: &Server, name: &str) -> Self {
        Self::at(server.address(), name)
    }

    /// A phone of the endpoint `name` at a server's address, in the same family.
    pub fn at(server: SocketAddr, name: &str) -> Self {
        Self::between(server.ip(), server, name)
    }

    /// A phone of the endpoint `name` at an address of this machine.
    pub fn between(own: IpAddr, server: SocketAddr, name: &str) -> Self {
        Self::over(Wire::udp(own, server), name)
    }

    /// A phone at a port that the server's configuration names.
    pub fn on_port(server: SocketAddr, port: u16, name: &str) -> Self {
        Self::over(Wire::udp_at(SocketAddr::new(server.ip(), port), server), name)
    }

    /// A phone of the endpoint `name` over any wire.
    pub fn over(wire: Wire, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            wire,
            contact: None,
            inbox: VecDeque::new(),
            answered: Vec::new(),
            answer: Some("200 OK".to_owned()),
            login: None,
            count: 0,
            registrations: 0,
        }
    }

    /// From now on the server is at another address.
    pub fn server_moves_to(&mut self, server: SocketAddr) {
        self.wire.set_server(server);
    }

    /// What its Contact says from now on: a URI.
    pub fn set_contact(&mut self, uri: &str) {
        self.contact = Some(uri.to_owned());
    }

    /// Goes on over another wire: its old one is lost.
    pub fn move_to(&mut self, wire: Wire) {
        std::mem::replace(&mut self.wire, wire).reset();
    }

    /// Waits until the server has closed the connection.
    #[track_caller]
    pub fn wait_for_close(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !matches!(self.wire.read(Duration::from_millis(100)), Received::Closed) {
            assert!(Instant::now() < deadline, "{:?} is not closed", self.wire);
        }
    }

    /// The same phone with a password: it answers challenges, the first that it understands.
    #[must_use]
    pub fn with_password(self, user: &str, password: &str) -> Self {
        Self { login: Some((user.to_owned(), password.to_owned(), None)), ..self }
    }

    /// The same phone, which answers only challenges of this algorithm.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: &str) -> Self {
        if let Some((_, _, only)) = &mut self.login {
            *only = Some(algorithm.to_owned());
        }
        self
    }

    /// What NOTIFYs are answered with from now on: a status with its reason, and whole header lines
    /// after a line end.
    pub fn answer_with(&mut self, status: &str) {
        self.answer = Some(status.to_owned());
    }

    /// NOTIFYs are not answered from now on.
    pub fn answer_nothing(&mut self) {
        self.answer = None;
    }

    /// Where its packets come from.
    pub fn address(&self) -> SocketAddr {
        self.wire.own()
    }

    /// Subscribes: checks the 200 and the first NOTIFY.
    #[track_caller]
    pub fn subscribe(&mut self, ask: Subscribe) -> Lamp {
        let (call_id, answer) = self.try_subscribe(&ask);
        assert_eq!(answer.status(), 200, "{answer}");
        let first = self.receive_notify(&call_id);
        assert_eq!(first.tag("From"), answer.tag("To"), "{first}");
        Lamp { call_id, cseq: answer.cseq(), to_tag: answer.tag("To").to_owned(), ask, answer, last: first }
    }

    /// Subscribes; gives the Call-ID and the answer.
    #[track_caller]
    pub fn try_subscribe(&mut self, ask: &Subscribe) -> (String, Message) {
        let (call_id, text) = self.request(ask);
        self.send(text.as_bytes());
        let answer = self.receive_answer(&call_id, 1);
        let Some(authorization) = self.authorization(&answer, &ask.extension) else {
            return (call_id, answer);
        };
        let ask = ask.clone().header("Authorization", &authorization);
        let text = self.subscribe_text(&ask, &call_id, 2, "");
        self.send(text.as_bytes());
        let answer = self.receive_answer(&call_id, 2);
        (call_id, answer)
    }

    /// The Authorization for a SUBSCRIBE that was answered by a challenge, if the phone has a password.
    pub fn authorization(&self, answer: &Message, extension: &str) -> Option<String> {
        let (user, password, only) = self.login.as_ref().filter(|_| answer.status() == 401)?;
        let challenges = answer.all("WWW-Authenticate");
        let mut challenges = challenges.iter().filter_map(|value| Challenge::parse(value.as_bytes()).ok());
        let known = |it: &Challenge<'_>| only.as_ref().is_none_or(|only| it.algorithm.name() == only);
        let uri = format!("sip:{extension}@{}", self.wire.server());
        let challenge = challenges.find(known)?;
        Some(authorize(&challenge, user, password, "SUBSCRIBE", &uri, "c0ffee", 1))
    }

    /// Subscribes; gives the status code.
    #[track_caller]
    pub fn status(&mut self, ask: &Subscribe) -> u16 {
        self.try_subscribe(ask).1.status()
    }

    /// The first SUBSCRIBE of a subscription: its Call-ID and text.
    pub fn request(&mut self, ask: &Subscribe) -> (String, String) {
        let call_id = self.unique("call");
        let text = self.subscribe_text(ask, &call_id, 1, "");
        (call_id, text)
    }

    /// Waits for the next NOTIFY of a subscription, which becomes the last one.
    #[track_caller]
    pub fn notify<'l>(&mut self, lamp: &'l mut Lamp) -> &'l Message {
        let notify = self.receive_notify(&lamp.call_id);
        assert!(notify.cseq() > lamp.last.cseq(), "CSeq goes back: {} {notify}", lamp.last);
        lamp.last = notify;
        &lamp.last
    }

    /// Refreshes a subscription: checks the 200 and its NOTIFY; gives the answer.
    #[track_caller]
    pub fn refresh(&mut self, lamp: &mut Lamp, expires: u32) -> Message {
        lamp.ask.expires = Some(expires.to_string());
        let answer = self.in_dialog(lamp);
        assert_eq!(answer.status(), 200, "{answer}");
        self.notify(lamp);
        answer
    }

    /// Ends a subscription; gives the last NOTIFY.
    #[track_caller]
    pub fn unsubscribe(&mut self, mut lamp: Lamp) -> Message {
        self.refresh(&mut lamp, 0);
        let state = lamp.last.header("Subscription-State");
        assert_eq!(state, "terminated;reason=timeout", "{}", lamp.last);
        lamp.last
    }

    /// Sends a SUBSCRIBE in the dialog; gives the answer.
    #[track_caller]
    pub fn in_dialog(&mut self, lamp: &mut Lamp) -> Message {
        lamp.cseq += 1;
        let text = self.subscribe_text(&lamp.ask, &lamp.call_id, lamp.cseq, &lamp.to_tag);
        self.send(text.as_bytes());
        let answer = self.receive_answer(&lamp.call_id, lamp.cseq);
        let Some(authorization) = self.authorization(&answer, &lamp.ask.extension) else { return answer };
        lamp.cseq += 1;
        let ask = lamp.ask.clone().header("Authorization", &authorization);
        let text = self.subscribe_text(&ask, &lamp.call_id, lamp.cseq, &lamp.to_tag);
        self.send(text.as_bytes());
        self.receive_answer(&lamp.call_id, lamp.cseq)
    }

    /// OPTIONS to the server itself: the answer.
    #[track_caller]
    pub fn options(&mut self) -> Message {
        let (call_id, text) = self.options_text();
        self.send(text.as_bytes());
        self.receive_answer(&call_id, 1)
    }

    fn options_text(&mut self) -> (String, String) {
        let (call_id, server, me) = (self.unique("options"), self.wire.server(), self.address());
        let (name, host) = (self.name.clone(), me.ip());
        let branch = self.unique("z9hG4bK");
        let text = format!(
            "OPTIONS sip:{server} SIP/2.0\r\nVia: SIP/2.0/{} {me};rport;branch={branch}\r\n\
             From: <sip:{name}@{}>;tag=f\r\nTo: <sip:{server}>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\n\
             Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
            self.wire.name(),
            bracketed(host)
        );
        (call_id, text)
    }

    /// OPTIONS to the server itself; none if the server closes the connection instead.
    pub fn try_options(&mut self) -> Option<Message> {
        let deadline = Instant::now() + PATIENCE;
        let text = self.options_text().1;
        self.send(text.as_bytes());
        while Instant::now() < deadline {
            match self.wire.read(Duration::from_millis(100)) {
                Received::Message(bytes) => return Some(Message::parse(&bytes)),
                Received::Nothing => {}
                Received::Closed => return None,
            }
        }
        None
    }

    /// REGISTER of its Contact with header parameters such as `;expires=60`; gives the answer.
    #[track_caller]
    pub fn register(&mut self, parameters: &str) -> Message {
        let contact = format!("Contact: <sip:{}@{}>{parameters}\r\n", self.name, self.address());
        self.register_with(&contact)
    }

    /// REGISTER with whole header lines; gives the answer.
    #[track_caller]
    pub fn register_with(&mut self, headers: &str) -> Message {
        let (call_id, server, me) = (format!("reg{}", self.address()), self.wire.server(), self.address());
        let (name, host) = (self.name.clone(), bracketed(me.ip()));
        let branch = self.unique("z9hG4bK");
        self.registrations += 1;
        let cseq = self.registrations;
        let text = format!(
            "REGISTER sip:{server} SIP/2.0\r\nVia: SIP/2.0/{} {me};rport;branch={branch}\r\n\
             From: <sip:{name}@{host}>;tag=f\r\nTo: <sip:{name}@{host}>\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} REGISTER\r\nMax-Forwards: 70\r\n{headers}Content-Length: 0\r\n\r\n",
            self.wire.name()
        );
        self.send(text.as_bytes());
        self.receive_answer(&call_id, cseq)
    }

    /// Waits for the next OPTIONS, which is answered as NOTIFYs are.
    #[track_caller]
    pub fn receive_options(&mut self) -> Message {
        self.receive(|m| m.is_request("OPTIONS"))
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        self.wire.send(bytes);
    }

    /// Its wire.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Waits for a response.
    #[track_caller]
    pub fn receive_answer(&mut self, call_id: &str, cseq: u32) -> Message {
        self.receive(|m| {
            m.start_line().starts_with("SIP/2.0 ") && m.header("Call-ID") == call_id && m.cseq() == cseq
        })
    }

    /// Waits for the next NOTIFY of a Call-ID, and answers it.
    #[track_caller]
    pub fn receive_notify(&mut self, call_id: &str) -> Message {
        self.receive(|m| m.is_request("NOTIFY") && m.header("Call-ID") == call_id)
    }

    /// Fails if anything comes for some time; copies of what was answered do not count.
    #[track_caller]
    pub fn nothing_for(&mut self, time: Duration) {
        let found = self.inbox.pop_front().or_else(|| self.read_until(Instant::now() + time));
        assert!(found.is_none(), "unexpected: {}", found.expect("it is there"));
    }

    /// Waits for a message, keeping others for later. NOTIFYs are answered as they come in.
    #[track_caller]
    pub fn receive(&mut self, wanted: impl Fn(&Message) -> bool) -> Message {
        if let Some(at) = self.inbox.iter().position(&wanted) {
            return self.inbox.remove(at).expect("it was just found");
        }
        let deadline = Instant::now() + PATIENCE;
        while let Some(message) = self.read_until(deadline) {
            if wanted(&message) {
                return message;
            }
            self.inbox.push_back(message);
        }
        panic!("phone {} of {} waits in vain; what came: {:?}", self.name, self.wire.server(), self.inbox);
    }

    fn read_until(&mut self, deadline: Instant) -> Option<Message> {
        loop {
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            let message = match self.wire.read(left) {
                Received::Message(bytes) => Message::parse(&bytes),
                Received::Nothing => continue,
                Received::Closed => panic!("{:?} is closed; what came: {:?}", self.wire, self.inbox),
            };
            if !message.is_request("NOTIFY") && !message.is_request("OPTIONS") {
                return Some(message);
            }
            let known = self.answered.iter().find(|(branch, _)| branch == message.branch());
            if let Some(answer) = known.map(|(_, answer)| answer.clone()) {
                self.send(answer.as_bytes());
                continue;
            }
            if let Some(status) = &self.answer {
                let answer = response(&message, status);
                self.send(answer.as_bytes());
                self.answered.push((message.branch().to_owned(), answer));
            }
            return Some(message);
        }
    }

    fn subscribe_text(&mut self, ask: &Subscribe, call_id: &str, cseq: u32, to_tag: &str) -> String {
        let (name, me, extension) = (&self.name, self.address(), &ask.extension);
        let (host, server) = (bracketed(me.ip()), bracketed(self.wire.server().ip()));
        let own = format!("sip:{name}@{me}{}", self.wire.parameter());
        let contact = self.contact.as_deref().unwrap_or(&own);
        let header = |name: &str, value: &Option<String>| match value {
            Some(value) => format!("{name}: {value}\r\n"),
            None => String::new(),
        };
        let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        let mut text = format!(
            "SUBSCRIBE sip:{extension}@{} SIP/2.0\r\nVia: SIP/2.0/{} {me};rport;branch=z9hG4bK{call_id}-{cseq}\r\n\
             From: <sip:{name}@{host}>;tag=t{call_id}\r\nTo: <sip:{extension}@{server}>{to_tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} SUBSCRIBE\r\nContact: <{contact}>\r\nMax-Forwards: 70\r\n\
             {}{}{}{}Content-Length: 0\r\n\r\n",
            self.wire.server(),
            self.wire.name(),
            header("Event", &ask.event),
            header("Accept", &ask.accept),
            header("Expires", &ask.expires),
            ask.extra,
        );
        for (from, to) in &ask.edits {
            assert!(text.contains(from), "no '{from}' in {text}");
            text = text.replace(from, to);
        }
        text
    }

    /// A word that no other request of any phone has.
    fn unique(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{what}{}-{}-{}", self.name, self.address().port(), self.count)
    }
}

impl Lamp {
    /// Its Call-ID.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Asks for something else from the next SUBSCRIBE on.
    pub fn change(&mut self, change: impl FnOnce(Subscribe) -> Subscribe) {
        self.ask = change(self.ask.clone());
    }

    /// Forges the tag of To.
    pub fn set_to_tag(&mut self, tag: &str) {
        self.to_tag = tag.to_owned();
    }

    /// Sets the number that the next SUBSCRIBE is one above.
    pub fn set_cseq(&mut self, cseq: u32) {
        self.cseq = cseq;
    }
}

fn bracketed(ip: IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}

/// The response to a request; `status` may bring headers after a line end.
fn response(request: &Message, status: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        for value in request.all(name) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text.push_str("Content-Length: 0\r\n\r\n");
    text
}
