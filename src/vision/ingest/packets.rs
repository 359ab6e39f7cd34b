//! Listens to the packets of an RTP stream: when they came, and what the camera's clock says.
//!
//! ```text
//! rtspsrc ─> rtpbin ─> [packet came] jitter buffer [let go, timed] ─> … parser [whole?] ─> …
//!                          └─ RTCP sender report
//! ```
//!
//! Not here: what follows from it. That is `capture`, which knows no GStreamer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gst::prelude::*;
use gstreamer as gst;

use super::capture::{Capture, SenderReport};
use super::chain::DROPPED;
use super::loss::{Losses, Standing, Whole};
use crate::clock;

/// Where an RTP header has its sequence number and its time stamp, and how long it is (RFC 3550, 5.1).
const RTP_SEQUENCE_AT: usize = 2;
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
    losses: Arc<Mutex<Losses>>,
    /// Whole pictures that went to the decoder.
    whole: Arc<AtomicU64>,
}

/// What the box needs of an RTP header.
#[derive(Clone, Copy)]
struct Header {
    sequence: u16,
    stamp: u32,
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

    /// Lets only whole pictures through behind this parser.
    pub fn keep_whole(&self, parser: &gst::Element) {
        let (losses, whole) = (Arc::clone(&self.losses), Arc::clone(&self.whole));
        let Some(pad) = parser.static_pad("src") else {
            return;
        };
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let Some(picture) = info.buffer() else {
                return gst::PadProbeReturn::Ok;
            };
            let standing = match picture.flags().contains(gst::BufferFlags::DELTA_UNIT) {
                true => Standing::OnOthers,
                false => Standing::Alone,
            };
            let pts_ns = picture.pts().map(gst::ClockTime::nseconds);
            let mut losses = losses.lock().unwrap_or_else(PoisonError::into_inner);
            match losses.picture(pts_ns, standing) {
                Whole::Yes => {
                    whole.fetch_add(1, Ordering::Relaxed);
                    gst::PadProbeReturn::Ok
                }
                Whole::No => DROPPED,
            }
        });
    }

    /// How many whole pictures the decoder got.
    pub fn whole(&self) -> u64 {
        self.whole.load(Ordering::Relaxed)
    }

    fn released(&self, packet: &mut gst::Buffer) {
        let (Some(header), Some(pts)) = (header(packet), packet.pts()) else {
            return;
        };
        let pts_ns = self.lock().released(pts.nseconds(), header.stamp);
        packet.make_mut().set_pts(gst::ClockTime::from_nseconds(pts_ns));
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        losses.packet(header.sequence, pts_ns);
    }

    fn listen_at(&self, buffer: &gst::Element) {
        let packets = self.clone();
        on_packets(buffer, "sink", move |packet| {
            let now_ns = clock::monotonic().as_nanos();
            if let Some(header) = header(packet) {
                packets.lock().packet(header.stamp, now_ns);
            }
        });
        let packets = self.clone();
        on_packets(buffer, "src", move |packet| packets.released(packet));
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
    heard: impl Fn(&mut gst::Buffer) + Send + Sync + 'static,
) {
    let Some(pad) = element.static_pad(pad) else {
        tracing::warn!("a stream's packets cannot be listened to: no pad {pad}");
        return;
    };
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    pad.add_probe(kinds, move |_, info| {
        match &mut info.data {
            Some(gst::PadProbeData::Buffer(packet)) => heard(packet),
            Some(gst::PadProbeData::BufferList(packets)) => {
                packets.make_mut().foreach_mut(|mut packet, _| {
                    heard(&mut packet);
                    std::ops::ControlFlow::Continue(Some(packet))
                });
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

fn header(packet: &gst::BufferRef) -> Option<Header> {
    let mut bytes = [0; RTP_HEADER_BYTES];
    packet.copy_to_slice(0, &mut bytes).ok()?;
    let sequence = bytes[RTP_SEQUENCE_AT..RTP_SEQUENCE_AT + 2].try_into().ok()?;
    let stamp = bytes[RTP_STAMP_AT..RTP_STAMP_AT + 4].try_into().ok()?;
    Some(Header { sequence: u16::from_be_bytes(sequence), stamp: u32::from_be_bytes(stamp) })
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
