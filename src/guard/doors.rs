//! Where people and handhelds come in: the sockets, what the box is called, and what encrypts both.
//!
//! One certificate for both doors: its names are those of both, and whoever trusts one trusts the
//! other.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use super::app::StartError;
use super::handhelds::start::Door;
use crate::clock;
use crate::config::{self, Config};
use crate::web::{self, Encryption, Settings, Tls};

/// Both doors, listening.
pub struct Doors {
    pub listener: TcpListener,
    pub address: SocketAddr,
    pub settings: Settings,
    pub handhelds: Option<Door>,
}

impl Doors {
    /// Opens them; makes the box's own authority at first need.
    pub fn open(config: &Config) -> Result<Doors, StartError> {
        let (listener, address) = listen(config, config.web.listen, "web.listen")?;
        let names = names(config);
        let encryption = encryption(config, &config.web.encryption, &names)?;
        let settings = Settings { names, encryption };
        let handhelds = match &config.handhelds {
            Some(handhelds) => Some(handheld_door(config, *handhelds, &settings)?),
            None => None,
        };
        Ok(Doors { listener, address, settings, handhelds })
    }
}

fn handheld_door(
    config: &Config,
    handhelds: config::Handhelds,
    page: &Settings,
) -> Result<Door, StartError> {
    let (listener, address) = listen(config, handhelds.listen, "handhelds.listen")?;
    let encryption = match &page.encryption {
        Encryption::Plain if !handhelds.listen.ip().is_loopback() => {
            encryption(config, &config::Encryption::OwnAuthority, &page.names)?
        }
        same => same.clone(),
    };
    Ok(Door {
        listener,
        address,
        settings: Settings { names: page.names.clone(), encryption },
        acknowledge_within: Duration::from_secs(handhelds.acknowledge_within_s.into()),
    })
}

fn names(config: &Config) -> Vec<String> {
    let mut names = web::tls::names(&config.web.names, config.web.listen.ip());
    if let Some(handhelds) = &config.handhelds {
        for name in web::tls::names(&[], handhelds.listen.ip()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn encryption(
    config: &Config,
    wanted: &config::Encryption,
    names: &[String],
) -> Result<Encryption, StartError> {
    let folder = config.store.path.join("tls");
    let now = clock::wall();
    let tls = match wanted {
        config::Encryption::None => return Ok(Encryption::Plain),
        config::Encryption::OwnAuthority => Tls::own(&folder, names, now),
        config::Encryption::Given { certificate, key } => Tls::given(certificate, key, now),
    };
    let tls = tls.map_err(|source| StartError::Tls(Box::new(source)))?;
    Ok(Encryption::Tls(Arc::new(tls)))
}

fn listen(
    config: &Config,
    address: SocketAddr,
    key: &'static str,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => {
            StartError::AddressInUse { address, key, config: config.file.clone() }
        }
        _ => StartError::Listen { address, source },
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
