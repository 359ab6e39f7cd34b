//! How a shadow process gets its pictures: a socket between it and the active process, made here for each
//! shadow process and handed to the active one through its standard output.
//!
//! Not here: what goes through it (`link::FedPicture`).

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// To the active process of the moment. Cloned freely.
#[derive(Clone, Debug, Default)]
pub struct FeedPort(Arc<Mutex<Port>>);

#[derive(Debug, Default)]
struct Port {
    control: Option<UnixStream>,
    /// Counts the active processes.
    life: u64,
}

impl FeedPort {
    /// What an active process that begins gets as its standard output.
    pub fn other_end(&self) -> Stdio {
        let mut port = self.lock();
        port.life += 1;
        match UnixStream::pair() {
            Ok((control, theirs)) => {
                port.control = Some(control);
                Stdio::from(OwnedFd::from(theirs))
            }
            Err(error) => {
                port.control = None;
                tracing::warn!("no shadow model can be fed: {error}");
                Stdio::null()
            }
        }
    }

    /// Which active process it is.
    pub(super) fn life(&self) -> u64 {
        self.lock().life
    }

    /// Makes the active process of now feed whoever reads from what is returned, and tells which that is.
    pub(super) fn hand_over(&self) -> io::Result<(u64, OwnedFd)> {
        let port = self.lock();
        let control = port.control.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let (writes, reads) = UnixStream::pair()?;
        let ends = [writes.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&ends));
        let byte = [IoSlice::new(b"f")];
        sendmsg(control, &byte, &mut ancillary, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
        Ok((port.life, OwnedFd::from(reads)))
    }

    fn lock(&self) -> MutexGuard<'_, Port> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
