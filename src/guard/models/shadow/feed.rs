//! How a shadow process gets its pictures: a socket between it and the active process, handed to the active
//! one through its standard output for each shadow process, with a handle of that (a pidfd) to stop it by.
//!
//! Not here: what goes through it (`link::FedPicture`).

use std::io::{self, IoSlice};
use std::iter;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

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

    /// Whether there is an active process to be fed by.
    pub(super) fn is_there(&self) -> bool {
        self.lock().control.as_ref().is_some_and(lives)
    }

    /// Whether this active process is the one of now, and lives.
    pub(super) fn is(&self, life: u64) -> bool {
        let port = self.lock();
        port.life == life && port.control.as_ref().is_some_and(lives)
    }

    /// Makes the active process of now feed this shadow process through the other end of `writes`, and stop
    /// it while its own model looks; tells which active process that is.
    pub(super) fn hand_over(&self, writes: &UnixStream, shadow: u32) -> io::Result<u64> {
        let process = i32::try_from(shadow).ok().and_then(Pid::from_raw);
        let process = process.ok_or(io::ErrorKind::InvalidInput)?;
        // It is our child and has not been waited for, so no other process has its number.
        let process = pidfd_open(process, PidfdFlags::empty());
        if let Err(error) = &process {
            // Before Linux 5.3; it is given less then, where it makes the active model slower.
            tracing::info!("the shadow process has no handle to be stopped by: {error}");
        }
        let port = self.lock();
        let control = port.control.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let ends: Vec<BorrowedFd<'_>> =
            iter::once(writes.as_fd()).chain(process.iter().map(AsFd::as_fd)).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&ends));
        let byte = [IoSlice::new(b"f")];
        sendmsg(control, &byte, &mut ancillary, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
        Ok(port.life)
    }

    fn lock(&self) -> MutexGuard<'_, Port> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether somebody is at the other end.
fn lives(control: &UnixStream) -> bool {
    let mut byte = [0];
    let looked = recv(control, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT);
    !matches!(looked, Ok((_, 0)) | Err(Errno::CONNRESET))
}
