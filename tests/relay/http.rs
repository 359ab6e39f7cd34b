//! A small web server with a relay in it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use standclear::config::HttpMethod;
use standclear::guard::relay::http::HttpRelay;
use standclear::guard::relay::{ANSWER_MAX, Coil, RelayError, RelayOutput};

use crate::timed;

/// Answers every request with a status and keeps its first line.
fn serve(status: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("free");
    let address = listener.local_addr().expect("bound");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let line = answer(stream, status);
            kept.lock().expect("not poisoned").push(line);
        }
    });
    (address, asked)
}

fn answer(mut stream: TcpStream, status: &str) -> String {
    let mut bytes = [0; 2048];
    let read = stream.read(&mut bytes).unwrap_or(0);
    let asked = String::from_utf8_lossy(&bytes[..read]).into_owned();
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    let _ = stream.write_all(text.as_bytes());
    asked.lines().next().unwrap_or_default().to_owned()
}

fn relay(address: SocketAddr, method: HttpMethod) -> HttpRelay {
    let url = |state| format!("http://{address}/relay/0?turn={state}");
    HttpRelay::new(method, &url("on"), &url("off"))
}

#[test]
fn an_address_switches_it_on_and_another_off() {
    let (address, asked) = serve("200 OK");
    let mut get = relay(address, HttpMethod::Get);
    get.set(Coil::Energised).expect("on");
    get.set(Coil::DeEnergised).expect("off");
    relay(address, HttpMethod::Post).set(Coil::Energised).expect("on");
    assert_eq!(get.read().expect("it does not tell"), None);
    // The answer was received before its line was kept.
    crate::site::wait_for("three requests", || {
        let asked = asked.lock().expect("not poisoned");
        (asked.len() == 3).then(|| {
            assert_eq!(asked[0], "GET /relay/0?turn=on HTTP/1.1");
            assert_eq!(asked[1], "GET /relay/0?turn=off HTTP/1.1");
            assert_eq!(asked[2], "POST /relay/0?turn=on HTTP/1.1");
        })
    });
}

#[test]
fn a_refusal_is_no_success_and_silence_is_late() {
    for status in ["500 Internal Server Error", "302 Found", "404 Not Found"] {
        let (address, _) = serve(status);
        let error = relay(address, HttpMethod::Get).set(Coil::Energised).expect_err(status);
        assert!(matches!(error, RelayError::Set { .. }), "{error:?}");
    }
    let silent = TcpListener::bind("127.0.0.1:0").expect("free");
    let address = silent.local_addr().expect("bound");
    let (outcome, took) = timed(|| relay(address, HttpMethod::Get).set(Coil::Energised));
    assert!(matches!(outcome, Err(RelayError::Late { .. })), "{outcome:?}");
    assert!(took < 2 * ANSWER_MAX, "{took:?}");
}
