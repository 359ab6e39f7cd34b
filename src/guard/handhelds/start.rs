//! Starting and stopping everything of handhelds.
//!
//! The listener is a server of its own, with its own thread, runtime, port and limits: whatever
//! floods or hangs the page does not reach it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::pager::{PagerPlan, PagerThread};
use super::receipts::{self, Receipts};
use super::{Ends, HandheldDesk, HandheldParts};
use crate::config::Config;
use crate::guard::alarm_path::Pager;
use crate::guard::clerk::Clerk;
use crate::guard::handle::{HandheldAddress, Handle, Scheme};
use crate::guard::live::LiveHub;
use crate::guard::message::Message;
use crate::guard::web_thread::{Pages, WebThread};
use crate::guard::wiring::Queues;
use crate::store::handhelds::HandheldRows;
use crate::web::{Encryption, Settings};

/// What runs for handhelds, before it runs.
#[derive(Debug)]
pub struct HandheldFront {
    pub desk: Arc<HandheldDesk>,
    door: Option<Door>,
    receipts: Receipts,
    ends: Ends,
    clerk: Clerk,
    alarm_path: std::sync::mpsc::SyncSender<Message>,
}

/// Where devices come in.
#[derive(Debug)]
pub struct Door {
    pub listener: TcpListener,
    pub address: SocketAddr,
    pub settings: Settings,
    pub acknowledge_within: Duration,
}

impl HandheldFront {
    pub fn of(
        config: &Config,
        door: Option<Door>,
        rows: HandheldRows,
        clerk: &Clerk,
        queues: &Queues,
    ) -> HandheldFront {
        let (post, receipts) = receipts::post();
        let (desk, ends) = HandheldDesk::new(HandheldParts {
            address: door.as_ref().map(|door| HandheldAddress {
                address: door.address,
                scheme: match door.settings.encryption {
                    Encryption::Plain => Scheme::Http,
                    Encryption::Tls(_) => Scheme::Https,
                },
            }),
            time_zone: config.site.time_zone.clone(),
            rows,
            clerk: clerk.clone(),
            answers: queues.answers.clone(),
            receipts: post,
        });
        let (clerk, alarm_path) = (clerk.clone(), queues.inputs.clone());
        HandheldFront { desk: Arc::new(desk), door, receipts, ends, clerk, alarm_path }
    }

    /// Starts the threads. Without a configuration there are none but the one that keeps receipts.
    ///
    /// # Errors
    /// The system does not allow another thread.
    pub fn start(self, handle: Arc<dyn Handle>, hub: Arc<LiveHub>) -> io::Result<HandheldThreads> {
        let HandheldFront { desk, door, receipts, ends, clerk, alarm_path } = self;
        let receipts = receipts.start(clerk)?;
        let Some(door) = door else {
            return Ok(HandheldThreads { receipts, serving: None, address: None });
        };
        let acknowledge_within = door.acknowledge_within;
        let plan = PagerPlan { desk, ends, hub, alarm_path, acknowledge_within };
        let pager = PagerThread::start(plan)?;
        let web = WebThread::start(door.listener, handle, door.settings, Pages::Handhelds)?;
        Ok(HandheldThreads { receipts, serving: Some((pager, web)), address: Some(door.address) })
    }
}

/// What runs.
#[derive(Debug)]
pub struct HandheldThreads {
    receipts: JoinHandle<()>,
    serving: Option<(PagerThread, WebThread)>,
    address: Option<SocketAddr>,
}

impl HandheldThreads {
    /// Where handhelds connect.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether anybody says how handhelds stand.
    pub fn pager(&self) -> Pager {
        match self.serving {
            Some(_) => Pager::Runs,
            None => Pager::NotConfigured,
        }
    }

    /// Stops serving; receipts go on being kept until the last desk is gone.
    pub fn stop(self) -> JoinHandle<()> {
        if let Some((pager, web)) = self.serving {
            web.stop();
            pager.stop();
        }
        self.receipts
    }
}
