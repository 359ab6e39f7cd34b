//! What the active model pays for the shadow model beside it: its latency with and without one, in one
//! run, spans of both in turn. No guard: this test is it.

mod support;

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use standclear::clock;
use standclear::link::{
    self, DecoderChoice, DetailChoice, Ending, FeedNews, FromWorker, ModelChoice, RingBounds,
    Source, StageTimes, ToWorker, WorkerCamera, WorkerConfig, WorkerRole,
};

/// Cameras at five pictures a second; with `STANDCLEAR_CAMERAS` as many as the box is rated for.
const CAMERAS: usize = 2;

/// Spans of each kind, and how long one is; the first moment of each is of neither.
const SPANS: usize = 3;
const SPAN: Duration = Duration::from_secs(12);
const SETTLES: Duration = Duration::from_secs(3);

/// What a look may take beside the shadow model, of what it takes without.
const RATIO_MAX: f64 = 1.05;

/// A vision process, and what it says.
struct Process {
    child: Child,
    link: UnixStream,
    said: Receiver<FromWorker>,
}

impl Process {
    fn start(shadow: &[&str], role: WorkerRole, out: OwnedFd) -> Process {
        let (link, theirs) = UnixStream::pair().expect("a socket pair");
        let child = Command::new(env!("CARGO_BIN_EXE_standclear"))
            .arg("vision")
            .args(shadow)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(out))
            .spawn()
            .expect("it starts");
        link::send(&link, &ToWorker::Start(config(role))).expect("it reads");
        let (sender, said) = mpsc::sync_channel(1024);
        let reads = link.try_clone().expect("a socket");
        thread::spawn(move || {
            while let Ok(message) = link::receive::<FromWorker>(&reads) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Process { child, link, said }
    }

    fn until<T>(&self, mut wanted: impl FnMut(FromWorker) -> Option<T>) -> T {
        let until = clock::monotonic().after(support::SOON);
        loop {
            let left = until.since(clock::monotonic());
            match self.said.recv_timeout(left).expect("it came in time") {
                FromWorker::Fatal { reason } => panic!("{reason}"),
                message => {
                    if let Some(found) = wanted(message) {
                        return found;
                    }
                }
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = link::send(&self.link, &ToWorker::Stop);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cameras() -> usize {
    let named = std::env::var("STANDCLEAR_CAMERAS").ok();
    named.map_or(CAMERAS, |text| text.parse().expect("a number of cameras"))
}

fn config(role: WorkerRole) -> WorkerConfig {
    let camera = |number: usize| WorkerCamera {
        id: format!("camera {number}"),
        source: Source::File {
            path: support::footage().display().to_string(),
            ending: Ending::Loop,
        },
        fps: 5.0,
        decoder: DecoderChoice::Auto,
    };
    WorkerConfig {
        models: vec![ModelChoice {
            slot: "shipped".into(),
            dir: support::model_dir().display().to_string(),
        }],
        role,
        threads: 1,
        input_long_side_px: Some(320),
        provider: "cpu".into(),
        cameras: (0..cameras()).map(camera).collect(),
        detail: DetailChoice::Off,
        ring: RingBounds { seconds: 5, bytes_max: 16 * 1024 * 1024 },
    }
}

/// Makes the active process feed whoever reads from what is returned.
fn hand_over(control: &UnixStream) -> OwnedFd {
    let (writes, reads) = UnixStream::pair().expect("a socket pair");
    let ends = [writes.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&ends)));
    let byte = [IoSlice::new(b"f")];
    sendmsg(control, &byte, &mut ancillary, SendFlags::empty()).expect("handed over");
    reads.into()
}

/// What the model took for each picture of a span, and the newest news of the feed.
fn measure(active: &Process) -> (Vec<f64>, Option<FeedNews>) {
    let began = clock::monotonic();
    let (mut looks, mut news) = (Vec::new(), None);
    while clock::monotonic() < began.after(SPAN) {
        active.until(|message| match message {
            FromWorker::Report(report) => {
                let StageTimes { arrived_ns: _, preprocessed_ns, decoded_ns, .. } = report.stages;
                if clock::monotonic().since(began) > SETTLES {
                    looks.push(decoded_ns.saturating_sub(preprocessed_ns) as f64 / 1e6);
                }
                Some(())
            }
            FromWorker::Feed(fed) => {
                news = Some(fed);
                Some(())
            }
            _ => Some(()),
        });
    }
    (looks, news)
}

fn median(looks: &mut [f64]) -> f64 {
    looks.sort_by(f64::total_cmp);
    looks[looks.len() / 2]
}

#[test]
fn the_active_model_is_slower_by_a_twentieth_at_most_or_the_shadow_skips_and_says_so() {
    let (control, theirs) = UnixStream::pair().expect("a socket pair");
    let active = Process::start(&[], WorkerRole::Active, theirs.into());
    active.until(|message| matches!(message, FromWorker::Report(_)).then_some(()));
    let (mut alone, mut beside, mut held, mut newest) = (Vec::new(), Vec::new(), 0, None);
    for _ in 0..SPANS {
        alone.extend(measure(&active).0);
        let shadow = Process::start(&["--shadow"], WorkerRole::Shadow, hand_over(&control));
        shadow.until(|message| matches!(message, FromWorker::Report(_)).then_some(()));
        let (looks, news) = measure(&active);
        beside.extend(looks);
        if let Some(news) = news.filter(|news| news.held.is_some()) {
            held += 1;
            assert!(
                news.given < news.offered,
                "it says that it holds back, and does not: {news:?}"
            );
        }
        newest = news.or(newest);
    }
    let (alone, beside) = (median(&mut alone), median(&mut beside));
    let ratio = beside / alone;
    let news = newest.expect("the feed tells how it goes");
    println!(
        "{} cameras: a look takes {alone:.2} ms, beside a shadow model {beside:.2} ms: {ratio:.3}; \
         held back in {held} of {SPANS} spans; {news:?}",
        cameras()
    );
    assert!(news.given > 0 && news.given <= news.offered);
    assert!(ratio <= RATIO_MAX || held > 0, "{ratio:.3} and nothing is said");
}
