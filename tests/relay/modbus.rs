//! A real Modbus server, over TCP and over a pseudo-terminal.

use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use standclear::config::{ModbusPoint, Parity};
use standclear::guard::relay::modbus::ModbusRelay;
use standclear::guard::relay::{ANSWER_MAX, Coil, RelayError, RelayOutput};
use tokio::runtime::Runtime;
use tokio_modbus::server::{self, Service};
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};
use tokio_serial::{SerialPort, SerialStream};

use crate::timed;

/// The server's unit and the only coil it has besides those below.
pub const POINT: ModbusPoint = ModbusPoint { unit: 7, coil: 3 };

/// Coils a unit has.
const COILS: u16 = 8;

/// The coils of a server, by address.
#[derive(Clone, Default)]
pub struct Coils(Arc<Mutex<BTreeMap<u16, bool>>>);

impl Coils {
    pub fn get(&self, coil: u16) -> Option<bool> {
        self.0.lock().expect("not poisoned").get(&coil).copied()
    }

    /// As somebody at the device would.
    pub fn force(&self, coil: u16, on: bool) {
        self.0.lock().expect("not poisoned").insert(coil, on);
    }
}

impl Service for Coils {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, asked: SlaveRequest<'static>) -> Self::Future {
        let mut coils = self.0.lock().expect("not poisoned");
        ready(match asked.request {
            _ if asked.slave != POINT.unit => Err(ExceptionCode::GatewayTargetDevice),
            Request::WriteSingleCoil(at, on) if at < COILS => {
                coils.insert(at, on);
                Ok(Response::WriteSingleCoil(at, on))
            }
            Request::ReadCoils(at, 1) if at < COILS => {
                Ok(Response::ReadCoils(vec![coils.get(&at).copied().unwrap_or(false)]))
            }
            Request::WriteSingleCoil(..) | Request::ReadCoils(..) => {
                Err(ExceptionCode::IllegalDataAddress)
            }
            _ => Err(ExceptionCode::IllegalFunction),
        })
    }
}

/// A server on TCP; it ends when this is dropped, and every connection with it.
pub struct TcpServer {
    pub address: SocketAddr,
    runtime: Option<Runtime>,
}

impl TcpServer {
    /// Port 0 takes a free one.
    pub fn start(address: &str, coils: &Coils) -> TcpServer {
        let runtime = runtime();
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("allowed");
        socket.bind(address.parse().expect("an address")).expect("free");
        let listener = runtime.block_on(async { socket.listen(8) }).expect("a listener");
        let address = listener.local_addr().expect("bound");
        let coils = coils.clone();
        runtime.spawn(async move {
            let connected = |stream, address| {
                let coils = coils.clone();
                async move {
                    server::tcp::accept_tcp_connection(stream, address, |_| Ok(Some(coils.clone())))
                }
            };
            server::tcp::Server::new(listener).serve(&connected, |_| {}).await
        });
        TcpServer { address, runtime: Some(runtime) }
    }
}

impl Drop for TcpServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn switches(relay: &mut ModbusRelay, coils: &Coils) {
    for coil in [Coil::Energised, Coil::DeEnergised, Coil::Energised] {
        relay.set(coil).expect("set");
        assert_eq!(coils.get(POINT.coil), Some(coil == Coil::Energised), "in the server");
        assert_eq!(relay.read().expect("read"), Some(coil));
    }
    coils.force(POINT.coil, false);
    assert_eq!(relay.read().expect("read"), Some(Coil::DeEnergised), "what the device says");
}

#[test]
fn a_coil_of_a_modbus_tcp_server_is_switched_and_read_back() {
    let coils = Coils::default();
    let server = TcpServer::start("127.0.0.1:0", &coils);
    let mut relay = ModbusRelay::tcp(server.address, POINT);
    switches(&mut relay, &coils);
    let (_, took) = timed(|| relay.set(Coil::Energised).expect("set"));
    println!("modbus-tcp: a coil set in {took:?}");
}

#[test]
fn a_modbus_server_that_ends_is_an_error_in_time_and_works_again_when_it_is_back() {
    let coils = Coils::default();
    let server = TcpServer::start("127.0.0.1:0", &coils);
    let address = server.address.to_string();
    let mut relay = ModbusRelay::tcp(server.address, POINT);
    relay.set(Coil::Energised).expect("set");
    drop(server);
    let (outcome, took) = timed(|| relay.set(Coil::DeEnergised));
    assert!(outcome.is_err() && took < 2 * ANSWER_MAX, "{outcome:?} after {took:?}");
    let error = relay.set(Coil::DeEnergised).expect_err("nobody listens");
    assert!(matches!(error, RelayError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains(&address), "{error}");
    let _server = TcpServer::start(&address, &coils);
    relay.set(Coil::DeEnergised).expect("back");
    assert_eq!(coils.get(POINT.coil), Some(false));
}

#[test]
fn a_modbus_server_that_accepts_and_says_nothing_is_late() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("free");
    let mut relay = ModbusRelay::tcp(listener.local_addr().expect("bound"), POINT);
    let (outcome, took) = timed(|| relay.set(Coil::Energised));
    assert!(matches!(outcome, Err(RelayError::Late { .. })), "{outcome:?}");
    assert!(took < 2 * ANSWER_MAX, "{took:?}");
}

#[test]
fn a_coil_or_unit_that_is_not_there_is_said_in_modbus_words() {
    let server = TcpServer::start("127.0.0.1:0", &Coils::default());
    for point in [ModbusPoint { coil: 99, ..POINT }, ModbusPoint { unit: 1, ..POINT }] {
        let mut relay = ModbusRelay::tcp(server.address, point);
        let error = relay.set(Coil::Energised).expect_err("refused");
        assert!(matches!(error, RelayError::Set { .. }), "{error:?}");
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        println!("{point:?}: {cause}");
        assert!(cause.contains("address") || cause.contains("Gateway"), "{cause}");
    }
}

#[test]
fn a_coil_of_a_modbus_rtu_server_is_switched_over_a_pseudo_terminal() {
    let coils = Coils::default();
    let runtime = runtime();
    let (named, name) = mpsc::sync_channel(1);
    let served = coils.clone();
    runtime.spawn(async move {
        let (master, mut slave) = SerialStream::pair().expect("a pseudo-terminal");
        slave.set_exclusive(false).expect("shared");
        let path = slave.name().expect("a name");
        // Held open, so that the line does not hang up, and free for the relay to lock.
        let held = std::fs::OpenOptions::new().read(true).write(true).open(&path).expect("there");
        drop(slave);
        named.send(path).expect("waited for");
        let _ = server::rtu::Server::new(master).serve_forever(served).await;
        drop(held);
    });
    let port = PathBuf::from(name.recv_timeout(Duration::from_secs(5)).expect("a port"));
    let mut relay = ModbusRelay::rtu(&port, 19_200, Parity::None, POINT);
    switches(&mut relay, &coils);
    let (_, took) = timed(|| relay.set(Coil::Energised).expect("set"));
    println!("modbus-rtu: a coil set in {took:?}");
    runtime.shutdown_timeout(Duration::from_secs(1));
    let mut missing = ModbusRelay::rtu(&port.join("gone"), 19_200, Parity::None, POINT);
    let error = missing.set(Coil::Energised).expect_err("no port");
    assert!(matches!(error, RelayError::Open { .. }), "{error:?}");
}
