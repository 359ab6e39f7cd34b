//! Lets RTSP through and loses every UDP packet: it tells the camera ports at which nobody is.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// The port of discard (RFC 863): nobody listens there.
const NOBODY: &str = "client_port=9-10";

/// The port at which to ask instead of the camera's.
pub fn before(camera: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for from in listener.incoming().map_while(Result::ok) {
            let Ok(to) = TcpStream::connect(("127.0.0.1", camera)) else {
                continue;
            };
            let (back_from, back_to) = (to.try_clone(), from.try_clone());
            thread::spawn(move || pass(from, to, misdirected));
            if let (Ok(from), Ok(to)) = (back_from, back_to) {
                thread::spawn(move || pass(from, to, <[u8]>::to_vec));
            }
        }
    });
    port
}

fn pass(mut from: TcpStream, mut to: TcpStream, change: impl Fn(&[u8]) -> Vec<u8>) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(length) = from.read(&mut bytes) {
        if length == 0 || to.write_all(&change(&bytes[..length])).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn misdirected(bytes: &[u8]) -> Vec<u8> {
    let Some((before, after)) =
        std::str::from_utf8(bytes).ok().and_then(|text| text.split_once("client_port="))
    else {
        return bytes.to_vec();
    };
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    format!("{before}{NOBODY}{rest}").into_bytes()
}
