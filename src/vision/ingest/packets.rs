//! Listens to the packets of an RTP stream: when they came, and what the camera's clock says.
//!
//! ```text
//! rtspsrc ─> rtpbin ─> [packet came] jitter buffer [picture let go] ─> …
//!                          └─ RTCP sender report
//! ```
//!
//! Not here: what follows from it. That is `capture`, which knows no GStreamer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

use super::capture::{Capture, SenderReport};
use crate::clock;

/// Bytes of an RTP header before its time stamp, and of one altogether (RFC 3550, 5.1).
const RTP_STAMP_AT: usize = 4;
const RTP_HEADER_BYTES: usize = 12;

/// Packet type of a sender report, where its fields stand, and how long it is (RFC 3550, 6.4.1).
const SENDER_REPORT: u8 = 200;
const REPORT_NTP_AT: usize = 8;
const REPORT_RTP_AT: usize = 16;
const REPORT_BYTES: usize = 28;

/// What is known of a stream's packets; shared with its streaming threads.
#[derive(Clone, Debug, Default)]
pub(super) struct Packets {
    capture: Arc<Mutex<Capture>>,
}

impl Packets {
    pub fn lock(&self) -> MutexGuard<'_, Capture> {
        self.capture.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens to everything that this `rtspsrc` receives.
    pub fn listen(&self, source: &gst::Element) {
        let packets = self.clone();
        source.connect("new-manager", false, move |values| {
            let manager = values.get(1)?.get::<gst::Element>().ok()?;
            let packets = packets.clone();
            manager.connect("new-jitterbuffer", false, move |values| {
                packets.listen_at(&values.get(1)?.get::<gst::Element>().ok()?);
                None
            });
            None
        });
    }

    fn listen_at(&self, buffer: &gst::Element) {
        let packets = self.clone();
        on_packets(buffer, "sink", move |packet| {
            let now_ns = clock::monotonic().as_nanos();
            if let Some(rtp) = time_stamp(packet) {
                packets.lock().packet(rtp, now_ns);
            }
        });
        let packets = self.clone();
        on_packets(buffer, "src", move |packet| {
            if let (Some(rtp), Some(pts)) = (time_stamp(packet), packet.pts()) {
                packets.lock().released(pts.nseconds(), rtp);
            }
        });
        let packets = self.clone();
        buffer.connect("handle-sync", false, move |values| {
            let about = values.get(1)?.get::<gst::Structure>().ok()?;
            let packet = about.get::<gst::Buffer>("sr-buffer").ok()?;
            if let Some(report) = sender_report(&packet) {
                packets.lock().report(report);
            }
            None
        });
    }
}

fn on_packets(
    element: &gst::Element,
    pad: &str,
    heard: impl Fn(&gst::BufferRef) + Send + Sync + 'static,
) {
    let Some(pad) = element.static_pad(pad) else {
        tracing::warn!("a stream's packets cannot be listened to: no pad {pad}");
        return;
    };
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    pad.add_probe(kinds, move |_, info| {
        match &info.data {
            Some(gst::PadProbeData::Buffer(packet)) => heard(packet),
            Some(gst::PadProbeData::BufferList(packets)) => packets.iter().for_each(&heard),
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

fn time_stamp(packet: &gst::BufferRef) -> Option<u32> {
    let mut header = [0; RTP_HEADER_BYTES];
    packet.copy_to_slice(0, &mut header).ok()?;
    header[RTP_STAMP_AT..RTP_STAMP_AT + 4].try_into().ok().map(u32::from_be_bytes)
}

fn sender_report(packet: &gst::BufferRef) -> Option<SenderReport> {
    let mut bytes = [0; REPORT_BYTES];
    packet.copy_to_slice(0, &mut bytes).ok()?;
    if bytes[1] != SENDER_REPORT {
        return None;
    }
    Some(SenderReport {
        ntp: u64::from_be_bytes(bytes[REPORT_NTP_AT..REPORT_NTP_AT + 8].try_into().ok()?),
        rtp: u32::from_be_bytes(bytes[REPORT_RTP_AT..REPORT_RTP_AT + 4].try_into().ok()?),
        received_ns: clock::monotonic().as_nanos(),
        wall_ns: clock::wall().as_nanosecond(),
    })
}
