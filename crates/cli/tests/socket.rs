//! The control socket from outside: our client, a client as of the field, and clients that misbehave.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests unwrap too: then the test fails, which is what it is for"
)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread;

use cli::remote::{RemoteError, complete, run_command, stream_command};
use cli::{BindError, Outcome, Server, ServerOptions, command};
use common::{Bench, LONG, bench};
use tracing_subscriber::layer::SubscriberExt;

fn connect(bench: &Bench) -> UnixStream {
    let stream = UnixStream::connect(&bench.socket).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// A client that sends `bytes` and reads until the server closes.
fn raw(bench: &Bench, bytes: &[u8]) -> String {
    let mut stream = connect(bench);
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let greeting = format!("pbx/{}/0.1.0\n", std::process::id());
    answer.strip_prefix(&greeting).expect("the greeting comes first").to_owned()
}

fn read_until(stream: &mut UnixStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "closed after {:?}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

/// As many clients as there may be, as soon as all former ones are gone.
fn take_all_places(bench: &Bench) -> Vec<UnixStream> {
    loop {
        let mut clients: Vec<_> = (0..128).map(|_| connect(bench)).collect();
        if clients.iter_mut().all(|client| read_until(client, "\n").starts_with("pbx/")) {
            return clients;
        }
        drop(clients);
        thread::yield_now();
    }
}

#[test]
fn our_client_learns_the_status() {
    let bench = bench();
    let reply = |text: &str, ok| cli::Reply { text: text.to_owned(), ok };
    let run = |line| run_command(&bench.socket, line).unwrap();
    assert_eq!(run("core ping"), reply("pong\n", true));
    assert_eq!(run("core ping x"), reply("pong\nCommand 'core ping x' failed.\n", false));
    let unknown = "No such command 'nosuch' (type 'core show help nosuch' for other possible commands)\n";
    assert_eq!(run("nosuch"), reply(unknown, false));
    assert_eq!(run("core set verbose 5"), reply("Console verbose was OFF and is now 5.\n", true));
    assert_eq!(run("core nul"), reply("ab\n", true));
    assert_eq!(run(""), reply("", true));
    assert_eq!(complete(&bench.socket, "core s").unwrap(), ["set", "show"]);
    assert_eq!(complete(&bench.socket, "core p").unwrap(), ["ping"]);
    // Words without a common start.
    let common = complete(&bench.socket, "core ").unwrap();
    assert_eq!(common, bench.cli.complete("core "));
    assert!(common.len() > 3 && common[0] == "flood", "{common:?}");
    assert_eq!(complete(&bench.socket, "nosuch ").unwrap(), Vec::<String>::new());
}

#[test]
fn a_client_of_the_field_reads_until_the_server_closes() {
    let bench = bench();
    assert_eq!(raw(&bench, b"cli quit after core ping\0"), "pong\n");
    assert_eq!(raw(&bench, b"cli quit after core ping x\0"), "pong\nCommand 'core ping x' failed.\n");
    assert_eq!(raw(&bench, b"core ping\0core ping\0quit\0"), "pong\npong\n");
    assert_eq!(raw(&bench, b"_COMMAND MATCHESARRAY \"core pi\" \"pi\"\0quit\0"), "ping ping _EOF_");
    assert_eq!(raw(&bench, b"_COMMAND MATCHESARRAY \"core s\" \"s\"\0quit\0"), "s set show _EOF_");
    assert_eq!(raw(&bench, b"_COMMAND NUMMATCHES \"core s\" \"s\"\0quit\0"), "2");
}

#[test]
fn a_megabyte_comes_whole() {
    let bench = bench();
    let reply = run_command(&bench.socket, "core flood").unwrap();
    assert_eq!(reply.text.len(), 1 << 20);
    assert!(reply.ok && reply.text.ends_with(&format!("{:063}\n", 16383)));
    assert_eq!(raw(&bench, b"cli quit after core flood\0").len(), 1 << 20);
}

#[test]
fn clients_that_read_nothing_are_dropped_and_stop_nobody() {
    let bench = bench();
    let mut stuck: Vec<_> = (0..127).map(|_| connect(&bench)).collect();
    for client in &mut stuck {
        client.write_all(b"core flood\0core flood\0").unwrap();
    }
    assert!(run_command(&bench.socket, "core ping").unwrap().ok);
    // All places are free again only when all of them are dropped.
    drop(take_all_places(&bench));
    for mut client in stuck {
        let mut rest = Vec::new();
        // A reset by the server is an end too.
        let _ = client.read_to_end(&mut rest);
        assert!(rest.len() < 1 << 20);
    }
}

#[test]
fn requests_that_are_too_long_end_the_connection() {
    let bench = bench();
    let longest = format!("core ping {}\0quit\0", "x".repeat(64 * 1024 - 10));
    assert!(raw(&bench, longest.as_bytes()).starts_with("pong\n"));
    let mut stream = connect(&bench);
    // The server may close before all of it is sent.
    let _ = stream.write_all(&vec![b'x'; 70 * 1024]);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(run_command(&bench.socket, "core ping").unwrap().ok);
}

#[test]
fn a_hundred_clients_at_once_and_not_more_than_128() {
    let bench = bench();
    thread::scope(|scope| {
        let clients: Vec<_> =
            (0..100).map(|_| scope.spawn(|| run_command(&bench.socket, "core ping").unwrap())).collect();
        for client in clients {
            assert_eq!(client.join().unwrap().text, "pong\n");
        }
    });
    let mut clients = take_all_places(&bench);
    let mut refused = String::new();
    connect(&bench).read_to_string(&mut refused).unwrap();
    assert_eq!(refused, "No more connections allowed\n");
    assert!(matches!(run_command(&bench.socket, "core ping"), Err(RemoteError::Refused(_))));
    clients.pop();
    while run_command(&bench.socket, "core ping").is_err() {
        thread::yield_now();
    }
}

#[test]
fn log_lines_reach_consoles_that_want_them() {
    let mut bench = bench();
    let layer = bench.layer.take().unwrap();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let mut console = connect(&bench);
    read_until(&mut console, "\n");
    console.write_all(b"logger mute\0").unwrap();
    assert_eq!(read_until(&mut console, "\n"), "Console is not muted anymore.\n");
    console.write_all(b"core set verbose 3\0").unwrap();
    assert_eq!(read_until(&mut console, "\n"), "Console verbose was OFF and is now 3.\n");
    tracing::info!(verbose = 4, "too deep");
    tracing::info!(verbose = 3, "Subscription is active");
    assert_eq!(read_until(&mut console, "\n"), "    -- Subscription is active\n");
    // Not for those who only run a command.
    tracing::warn!("w");
    assert_eq!(run_command(&bench.socket, "core ping").unwrap().text, "pong\n");
    let mut slow = connect(&bench);
    slow.write_all(b"logger mute silent\0core ping\0").unwrap();
    assert!(read_until(&mut slow, "pong\n").starts_with("pbx/"));
    for _ in 0..200 {
        for number in 0..50 {
            tracing::error!("{number}: {}", "x".repeat(2000));
        }
        assert!(bench.logger.flush(LONG), "a slow console stops the log");
    }
    assert!(run_command(&bench.socket, "core ping").unwrap().ok);
}

#[test]
fn the_socket_file_has_an_owner_mode_and_an_end() {
    let mut bench = bench();
    assert_eq!(fs::metadata(&bench.socket).unwrap().permissions().mode() & 0o777, 0o660);
    let again = |path: &PathBuf| Server::bind(ServerOptions::new(path, "pbx", "0.1.0"));
    let running = again(&bench.socket).unwrap_err().to_string();
    let expected = "already running on ".to_owned() + bench.socket.to_str().unwrap();
    assert_eq!(running, format!("Starling {expected}.  Use 'starling -r' to connect."));
    bench.stop();
    assert!(!bench.socket.exists());
    let error = run_command(&bench.socket, "core ping").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("Unable to connect to remote starling (does {} exist?)", bench.socket.display())
    );

    // A server that was killed leaves its file.
    drop(UnixListener::bind(&bench.socket).unwrap());
    assert!(bench.socket.exists());
    drop(again(&bench.socket).unwrap());
    assert!(!bench.socket.exists());

    fs::write(&bench.socket, "precious").unwrap();
    assert!(matches!(again(&bench.socket), Err(BindError::NotASocket(_))));
    assert_eq!(fs::read_to_string(&bench.socket).unwrap(), "precious");

    let long = PathBuf::from(format!("/tmp/{}", "x".repeat(103)));
    let text = again(&long).unwrap_err().to_string();
    assert!(text.ends_with("has 108 bytes; 107 fit"), "{text}");
    assert!(matches!(run_command(&long, "x"), Err(RemoteError::PathTooLong(_))));

    let mut options = ServerOptions::new(bench.socket.with_extension("b"), "pbx", "0.1.0");
    options.owner = Some("nobody-of-this-name".to_owned());
    assert!(matches!(Server::bind(options), Err(BindError::Unknown { option: "astctlowner", .. })));
}

#[test]
fn a_server_that_is_told_to_stop_has_done_so() {
    let mut bench = bench();
    let (begun, stopping) = channel();
    let (end, until_the_end) = channel::<()>();
    let until_the_end = std::sync::Mutex::new(until_the_end);
    let stop_command = command("core stop now", "Stop", "Usage: core stop now", move |cx| {
        cx.print("stopping\n");
        let _ = begun.send(());
        let _ = until_the_end.lock().unwrap().recv();
        Outcome::Success
    });
    let _guard = bench.cli.register(stop_command);
    let socket = bench.socket.clone();
    let client = thread::spawn(move || {
        let mut text = Vec::new();
        let ok = stream_command(&socket, "core stop now", &mut text).unwrap();
        (String::from_utf8(text).unwrap(), ok)
    });
    stopping.recv_timeout(LONG).unwrap();
    bench.stop();
    assert_eq!(client.join().unwrap(), ("stopping\n".to_owned(), true));
    drop(end);
}

#[test]
fn any_bytes_on_the_socket_leave_the_server_alive() {
    use proptest::prelude::*;
    let bench = bench();
    let mut runner = proptest::test_runner::TestRunner::new(proptest::test_runner::Config::with_cases(64));
    let requests = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..2000),
        "(_RUN |_COMMAND MATCHESARRAY |cli quit after )?(?s).{0,60}"
            .prop_map(|text| (text + "\0").into_bytes()),
    ];
    runner
        .run(&proptest::collection::vec(requests, 0..8), |requests| {
            let mut stream = connect(&bench);
            for request in requests {
                // A request may be one that closes.
                let _ = stream.write_all(&request);
            }
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            prop_assert_eq!(run_command(&bench.socket, "core ping").unwrap().text, "pong\n");
            Ok(())
        })
        .unwrap();
}
