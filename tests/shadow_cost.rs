//! What the active model pays for the shadow model beside it: its latency with and without one, in one
//! run, spans of both in turn. No guard: this test is it. `scripts/shadow-cost` runs it on the release build,
//! for longer; what it printed stands in docs/design/shadow.md.

mod support;

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use standclear::clock;
use standclear::link::{
    self, DecoderChoice, DetailChoice, Ending, FeedNews, FromWorker, Held, ModelChoice, RingBounds,
    Source, ToWorker, WorkerCamera, WorkerConfig, WorkerRole,
};

/// Cameras at five pictures a second: what a box is rated for. `STANDCLEAR_CAMERAS` says otherwise.
const CAMERAS: usize = 4;
const FPS: f64 = 5.0;

/// How long a span without a shadow model is, and one beside it: long enough that the box can say how many
/// pictures that saw. The first moment of each is of neither kind.
const ALONE: Duration = Duration::from_secs(10);
const BESIDE: Duration = Duration::from_secs(30);
const SETTLES: Duration = Duration::from_secs(2);

/// Longest wait for a message: at the lowest priority, beside other programs, a model takes minutes to load.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// Spans beside a shadow model, one more without before, after and between; `STANDCLEAR_MINUTES` says
/// otherwise.
const SPANS: usize = 2;

/// What the active model may take beside the shadow model, of what it takes without.
const RATIO_MAX: f64 = 1.05;

/// Below this it has to be said that the shadow model sees too few pictures: from a little under the 95 %,
/// since what is said is of the newest minute.
const SEEN_MIN: f64 = 0.9;

/// A vision process, and what it says.
struct Process {
    child: Child,
    link: UnixStream,
    said: Receiver<FromWorker>,
}

impl Process {
    fn start(role: WorkerRole, out: OwnedFd) -> Process {
        let (link, theirs) = UnixStream::pair().expect("a socket pair");
        let program = std::env::var_os("STANDCLEAR").map(PathBuf::from);
        let shadow = match role {
            WorkerRole::Active => None,
            WorkerRole::Shadow => Some("--shadow"),
        };
        let child = Command::new(program.unwrap_or(env!("CARGO_BIN_EXE_standclear").into()))
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
        let until = clock::monotonic().after(ANSWER_MAX);
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

fn spans() -> usize {
    let named = std::env::var("STANDCLEAR_MINUTES").ok();
    named.map_or(SPANS, |text| {
        let minutes: u64 = text.parse().expect("a number of minutes");
        let pairs = minutes * 60 / (ALONE + BESIDE).as_secs();
        usize::try_from(pairs).expect("not for ever").max(1)
    })
}

fn config(role: WorkerRole) -> WorkerConfig {
    let camera = |number: usize| WorkerCamera {
        id: format!("camera {number}"),
        source: Source::File {
            path: support::footage().display().to_string(),
            ending: Ending::Loop,
        },
        fps: FPS,
        decoder: DecoderChoice::Auto,
    };
    WorkerConfig {
        models: vec![ModelChoice {
            slot: "shipped".into(),
            dir: support::model_dir().display().to_string(),
        }],
        role,
        threads: 1,
        input_long_side_px: None,
        provider: "cpu".into(),
        cameras: (0..cameras()).map(camera).collect(),
        detail: DetailChoice::Off,
        ring: RingBounds { seconds: 5, bytes_max: 16 * 1024 * 1024 },
    }
}

/// Starts a shadow process and makes the active one feed it, and hold it by a handle, as the guard does.
fn shadow(control: &UnixStream) -> Process {
    let (writes, reads) = UnixStream::pair().expect("a socket pair");
    let process = Process::start(WorkerRole::Shadow, reads.into());
    let id = i32::try_from(process.child.id()).ok().and_then(Pid::from_raw).expect("an id");
    let handle = pidfd_open(id, PidfdFlags::empty()).expect("it lives");
    let ends = [writes.as_fd(), handle.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    assert!(ancillary.push(SendAncillaryMessage::ScmRights(&ends)));
    let byte = [IoSlice::new(b"f")];
    sendmsg(control, &byte, &mut ancillary, SendFlags::empty()).expect("handed over");
    process.until(|message| matches!(message, FromWorker::Report(_)).then_some(()));
    process
}

/// What was seen in one span, or in several.
#[derive(Clone, Default)]
struct Seen {
    /// What the model took for each picture, and how old that was with its boxes, milliseconds.
    looks: Vec<f64>,
    ages: Vec<f64>,
    /// Pictures by camera, those that the shadow model looked at, too.
    active: Vec<f64>,
    shadow: Vec<f64>,
    news: Vec<FeedNews>,
}

impl Seen {
    fn new() -> Seen {
        Seen { active: vec![0.0; cameras()], shadow: vec![0.0; cameras()], ..Seen::default() }
    }

    fn add(&mut self, other: &Seen) {
        self.looks.extend(&other.looks);
        self.ages.extend(&other.ages);
        self.news.extend(&other.news);
        self.active.iter_mut().zip(&other.active).for_each(|(sum, it)| *sum += it);
        self.shadow.iter_mut().zip(&other.shadow).for_each(|(sum, it)| *sum += it);
    }

    fn hears(&mut self, message: FromWorker) {
        let ms = |ns: u64| ns as f64 / 1e6;
        match message {
            FromWorker::Report(report) => {
                let stages = report.stages;
                self.looks.push(ms(stages.decoded_ns.saturating_sub(stages.preprocessed_ns)));
                self.ages.push(ms(stages.decoded_ns.saturating_sub(stages.captured_ns)));
                self.active[usize::from(report.camera)] += 1.0;
            }
            FromWorker::Feed(news) => self.news.push(news),
            _ => {}
        }
    }

    /// Shares of the pictures that the shadow model saw: of all, and of the camera of which it saw least.
    fn coverage(&self) -> (f64, f64) {
        let shares = self.shadow.iter().zip(&self.active).map(|(shadow, active)| shadow / active);
        let all = self.shadow.iter().sum::<f64>() / self.active.iter().sum::<f64>();
        (all, shares.fold(f64::INFINITY, f64::min))
    }

    /// What was said of pictures that are held back, each once.
    fn held(&self) -> Vec<Held> {
        let mut held: Vec<Held> = Vec::new();
        for it in self.news.iter().filter_map(|news| news.held) {
            if !held.iter().any(|seen| std::mem::discriminant(seen) == std::mem::discriminant(&it))
            {
                held.push(it);
            }
        }
        held
    }
}

fn measure(active: &Process, beside: Option<&Process>) -> Seen {
    let began = clock::monotonic();
    let mut seen = Seen::new();
    let span = if beside.is_some() { BESIDE } else { ALONE };
    while clock::monotonic() < began.after(span) {
        let message = active.until(Some);
        if clock::monotonic().since(began) < SETTLES {
            beside.into_iter().for_each(|it| it.said.try_iter().for_each(drop));
            continue;
        }
        seen.hears(message);
        for message in beside.into_iter().flat_map(|it| it.said.try_iter()) {
            if let FromWorker::Report(report) = message {
                seen.shadow[usize::from(report.camera)] += 1.0;
            }
        }
    }
    seen
}

/// The value below which this share of them lies.
fn quantile(of: &[f64], share: f64) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len() as f64) as usize;
    sorted.get(at.min(sorted.len() - 1)).copied().expect("something was measured")
}

/// Medians of spans beside a shadow model, each divided by the mean of those before and after it: what
/// else the machine does meanwhile is in both.
fn ratios(alone: &[Seen], beside: &[Seen], of: impl Fn(&Seen) -> &Vec<f64>) -> Vec<f64> {
    let p50 = |seen: &Seen| quantile(of(seen), 0.5);
    let around = alone.windows(2).map(|pair| (p50(&pair[0]) + p50(&pair[1])) / 2.0);
    beside.iter().zip(around).map(|(seen, around)| p50(seen) / around).collect()
}

fn print(alone: &[Seen], beside: &[Seen]) {
    let pooled = |of: &[Seen]| {
        let mut all = Seen::new();
        of.iter().for_each(|seen| all.add(seen));
        all
    };
    let (without, with) = (pooled(alone), pooled(beside));
    println!(
        "{} cameras, {} pictures without, {} beside",
        cameras(),
        without.looks.len(),
        with.looks.len()
    );
    println!("| | without, p50 | p99 | beside, p50 | p99 | ratio of medians, span by span |");
    println!("|---|---|---|---|---|---|");
    type Of = fn(&Seen) -> &Vec<f64>;
    let rows: [(&str, Of); 2] =
        [("look, ms", |it| &it.looks), ("light to boxes, ms", |it| &it.ages)];
    for (name, of) in rows {
        let at = |seen: &Seen, share| quantile(of(seen), share);
        let ratios = ratios(alone, beside, of);
        let all: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.3}")).collect();
        println!(
            "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | **{:.3}** ({}) |",
            at(&without, 0.5),
            at(&without, 0.99),
            at(&with, 0.5),
            at(&with, 0.99),
            quantile(&ratios, 0.5),
            all.join(", ")
        );
    }
    let (all, least) = with.coverage();
    let looks_ms = with.news.iter().rev().find_map(|news| news.looks_ms);
    println!(
        "seen: {:.1} % of the pictures, {:.1} % of the camera with the fewest",
        all * 100.0,
        least * 100.0
    );
    println!(
        "the active process measured (without, beside, ms): {looks_ms:?}; it said: {:?}",
        with.held()
    );
}

#[test]
fn the_active_model_is_slower_by_a_twentieth_at_most_or_the_shadow_skips_and_says_so() {
    let (control, theirs) = UnixStream::pair().expect("a socket pair");
    let active = Process::start(WorkerRole::Active, theirs.into());
    active.until(|message| matches!(message, FromWorker::Report(_)).then_some(()));
    let mut alone = vec![measure(&active, None)];
    let mut beside = Vec::new();
    for _ in 0..spans() {
        let shadow = shadow(&control);
        active.said.try_iter().for_each(drop);
        beside.push(measure(&active, Some(&shadow)));
        drop(shadow);
        alone.push(measure(&active, None));
    }
    print(&alone, &beside);
    let held: Vec<Held> = beside.iter().flat_map(Seen::held).collect();
    let look = quantile(&ratios(&alone, &beside, |seen| &seen.looks), 0.5);
    let gives_way = held.iter().any(|it| matches!(it, Held::Slower | Held::Overloaded));
    assert!(look <= RATIO_MAX || gives_way, "a look {look:.3}, and the shadow does not give way");
    let age = quantile(&ratios(&alone, &beside, |seen| &seen.ages), 0.5);
    assert!(age <= RATIO_MAX || !held.is_empty(), "light to boxes {age:.3}, and nothing is said");
    for span in &beside {
        let (all, least) = span.coverage();
        assert!(all >= SEEN_MIN || !span.held().is_empty(), "{all:.2} seen, and nothing is said");
        assert!(all > 0.0, "it was given nothing, and that is no comparison");
        assert!(least >= all * 0.7, "{least} of one camera and {all} of all: not its share");
    }
}
