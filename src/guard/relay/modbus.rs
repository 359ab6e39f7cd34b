//! A relay on a coil of a Modbus unit, over TCP or a serial line.
//!
//! A small runtime lives in the relay's own thread, for the sake of timeouts. A connection that
//! failed is made anew. The address is a number, so that no name server is in the way.
//!
//! Not here: the unit's own watchdog, which drops its coils when nobody talks to it; set it up there.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_modbus::client::{Context, Reader, Writer, rtu, tcp};
use tokio_modbus::slave::Slave;

use super::{ANSWER_MAX, Cause, Coil, RelayError, RelayOutput};
use crate::config::{ModbusPoint, Parity};

/// A relay on a coil.
pub struct ModbusRelay {
    /// Made at the first use, in the relay's thread.
    runtime: Option<Runtime>,
    line: Line,
    point: ModbusPoint,
    context: Option<Context>,
}

/// Where the unit is.
#[derive(Clone, Debug)]
enum Line {
    Tcp(SocketAddr),
    Rtu { port: PathBuf, baud: u32, parity: Parity },
}

impl ModbusRelay {
    pub fn tcp(address: SocketAddr, point: ModbusPoint) -> ModbusRelay {
        ModbusRelay { runtime: None, line: Line::Tcp(address), point, context: None }
    }

    pub fn rtu(port: &Path, baud: u32, parity: Parity, point: ModbusPoint) -> ModbusRelay {
        let line = Line::Rtu { port: port.to_owned(), baud, parity };
        ModbusRelay { runtime: None, line, point, context: None }
    }

    fn place(&self) -> String {
        let ModbusPoint { unit, coil } = self.point;
        match &self.line {
            Line::Tcp(address) => format!("coil {coil} of Modbus unit {unit} at {address}"),
            Line::Rtu { port, .. } => {
                format!("coil {coil} of Modbus unit {unit} on {}", port.display())
            }
        }
    }

    /// Does one thing with the unit, within `ANSWER_MAX`. Whatever fails costs the connection, for an
    /// answer that comes late would be taken for the next one's.
    fn ask<T>(
        &mut self,
        what: impl AsyncFnOnce(&mut Context, u16) -> Result<T, Cause>,
        failed: fn(String, Cause) -> RelayError,
    ) -> Result<T, RelayError> {
        let place = self.place();
        let open = |source| RelayError::Open { place: place.clone(), source };
        let late = || RelayError::Late { place: place.clone() };
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => runtime().map_err(open)?,
        };
        let (line, context, point) = (&self.line, self.context.take(), self.point);
        let (outcome, context) = runtime.block_on(async {
            let mut context = match context {
                Some(context) => context,
                None => match within(connect(line, point)).await {
                    Some(Ok(context)) => context,
                    Some(Err(source)) => return (Err(open(source)), None),
                    None => return (Err(late()), None),
                },
            };
            match within(what(&mut context, point.coil)).await {
                Some(Ok(done)) => (Ok(done), Some(context)),
                Some(Err(source)) => (Err(failed(place.clone(), source)), None),
                None => (Err(late()), None),
            }
        });
        self.runtime = Some(runtime);
        self.context = context;
        outcome
    }
}

impl RelayOutput for ModbusRelay {
    fn set(&mut self, coil: Coil) -> Result<(), RelayError> {
        let on = coil == Coil::Energised;
        self.ask(
            async move |context, address| Ok(context.write_single_coil(address, on).await??),
            |place, source| RelayError::Set { place, source },
        )
    }

    fn read(&mut self) -> Result<Option<Coil>, RelayError> {
        let coils = self.ask(
            async |context, address| Ok(context.read_coils(address, 1).await??),
            |place, source| RelayError::Read { place, source },
        )?;
        Ok(coils.first().map(|on| match on {
            true => Coil::Energised,
            false => Coil::DeEnergised,
        }))
    }
}

async fn within<T>(work: impl Future<Output = T>) -> Option<T> {
    timeout(ANSWER_MAX, work).await.ok()
}

fn runtime() -> Result<Runtime, Cause> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

async fn connect(line: &Line, point: ModbusPoint) -> Result<Context, Cause> {
    let slave = Slave(point.unit);
    Ok(match line {
        Line::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            // A frame of twelve bytes must not wait for a fuller packet.
            stream.set_nodelay(true)?;
            tcp::attach_slave(stream, slave)
        }
        Line::Rtu { port, baud, parity } => {
            let parity = match parity {
                Parity::None => tokio_serial::Parity::None,
                Parity::Even => tokio_serial::Parity::Even,
                Parity::Odd => tokio_serial::Parity::Odd,
            };
            let port = tokio_serial::new(port.to_string_lossy(), *baud).parity(parity);
            rtu::attach_slave(tokio_serial::SerialStream::open(&port)?, slave)
        }
    })
}
