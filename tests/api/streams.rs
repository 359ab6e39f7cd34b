//! Streams: the state as it changes, pictures as they come, and readers that do not read.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use standclear::clock;
use standclear::web::VIEWERS_MAX;
use tokio::net::TcpStream as AsyncStream;
use tokio_stream::StreamExt;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::fake::{PATIENCE, Served, eventually, picture, serve, snapshot};

type Socket = WebSocketStream<MaybeTlsStream<AsyncStream>>;

/// Percent-encoded `yard-éast`.
const LIVE: &str = "/api/cameras/yard-%C3%A9ast/live";

struct Events(BufReader<TcpStream>);

impl Events {
    fn open(served: &Served) -> Events {
        let mut stream = served.connect();
        let request = format!(
            "GET /api/stream HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n",
            served.address, served.admin.cookie
        );
        stream.write_all(request.as_bytes()).expect("sent");
        Events(BufReader::new(stream))
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("a line");
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next state; `None` when the stream has ended.
    fn next(&mut self) -> Option<Value> {
        let mut named = false;
        loop {
            let line = self.line()?;
            named |= line == "event: state";
            if let Some(data) = line.strip_prefix("data: ") {
                assert!(named, "the event is named");
                return Some(serde_json::from_str(data).expect("JSON"));
            }
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// The admin's request for live pictures.
fn asking(served: &Served, path: &str) -> Request {
    let mut request =
        format!("ws://{}{path}", served.address).into_client_request().expect("a request");
    request.headers_mut().insert("Cookie", served.admin.cookie.parse().expect("a header"));
    request
}

async fn view(served: &Served) -> Socket {
    let (socket, _reply) = connect_async(asking(served, LIVE)).await.expect("connected");
    socket
}

/// Number of the next picture; `None` when the server said goodbye.
async fn next_frame(socket: &mut Socket) -> Option<u64> {
    let next = tokio::time::timeout(PATIENCE, socket.next()).await;
    match next.expect("in time") {
        Some(Ok(Message::Binary(bytes))) => {
            Some(header(&bytes)["frame"].as_u64().expect("a number"))
        }
        Some(Ok(Message::Close(_)) | Err(_)) | None => None,
        Some(Ok(other)) => panic!("not a picture: {other:?}"),
    }
}

fn header(message: &[u8]) -> Value {
    let (length, rest) = message.split_first_chunk::<4>().expect("a length");
    let length = usize::try_from(u32::from_be_bytes(*length)).expect("fits");
    serde_json::from_slice(&rest[..length]).expect("JSON")
}

#[test]
fn a_stream_begins_at_once_and_follows_every_change() {
    let served = serve();
    let mut events = Events::open(&served);
    assert_eq!(events.next().expect("a state")["uptime_ms"], 93_211);
    let mut changed = snapshot();
    changed.uptime_ms = 1;
    served.fake.snapshots.send_replace(Arc::new(changed));
    while events.next().expect("a state")["uptime_ms"] != 1 {}
    let start = clock::monotonic();
    for _ in 0..3 {
        events.next().expect("a state also without change");
    }
    assert!(clock::monotonic().since(start) < Duration::from_secs(3));
}

#[test]
fn a_burst_of_changes_is_at_most_twenty_events_a_second_and_ends_with_the_newest() {
    let served = serve();
    let mut events = Events::open(&served);
    let start = clock::monotonic();
    let changes = std::thread::spawn({
        let fake = Arc::clone(&served.fake);
        move || {
            for number in 1..=500 {
                let mut changed = snapshot();
                changed.uptime_ms = number;
                fake.snapshots.send_replace(Arc::new(changed));
                std::thread::park_timeout(Duration::from_millis(2));
            }
        }
    });
    let mut count = 1.0;
    while events.next().expect("a state")["uptime_ms"] != 500 {
        count += 1.0;
    }
    let seconds = clock::monotonic().since(start).as_secs_f64();
    assert!(count <= seconds * 20.0 + 2.0, "{count} events in {seconds} s");
    assert!(count >= 3.0, "{count}");
    changes.join().expect("ended");
}

#[test]
fn a_live_picture_carries_what_was_seen_in_it() {
    let served = serve();
    runtime().block_on(async {
        let mut socket = view(&served).await;
        served.fake.pictures.send_replace(picture(812, 1_000));
        let message = socket.next().await.expect("a message").expect("a picture");
        let bytes = message.into_data();
        let header = header(&bytes);
        assert!(header["age_ms"].as_u64().expect("a number") < 5_000);
        assert_eq!(header["captured_at"], "2026-03-01T14:00:00.000Z");
        assert_eq!((&header["frame"], &header["width_px"]), (&812.into(), &768.into()));
        let person = serde_json::json!({"track": null, "box": [0.1, 0.2, 0.3, 0.4],
            "foot": [0.25, 0.6], "score": 0.5, "inside": ["gate-road"],
            "verdict": "person", "anchor": "head", "ground_m": [1.5, 8.25], "speed_m_s": null});
        assert_eq!(header["people"], serde_json::json!([person]));
        assert!(bytes.ends_with(&[0xAB; 1_000]));
        assert_eq!(Arc::strong_count(&served.fake.viewer), 2);
        drop(socket);
        eventually("the viewer is gone", || Arc::strong_count(&served.fake.viewer) == 1);
    });
}

#[test]
fn a_slow_viewer_gets_the_newest_picture_and_not_a_backlog() {
    const PICTURES: u64 = 400;
    let served = serve();
    runtime().block_on(async {
        let mut socket = view(&served).await;
        let mut ticks = tokio::time::interval(Duration::from_millis(3));
        for frame in 1..=PICTURES {
            ticks.tick().await;
            served.fake.pictures.send_replace(picture(frame, 200_000));
        }
        let mut frames = Vec::new();
        while frames.last() != Some(&PICTURES) {
            frames.push(next_frame(&mut socket).await.expect("a picture"));
        }
        assert!(frames.windows(2).all(|pair| pair[0] < pair[1]), "{frames:?}");
        assert!(frames.len() < 100, "{} of {PICTURES} were kept for it", frames.len());
    });
}

#[test]
fn a_grant_that_ends_in_mid_stream_shows_no_further_picture() {
    let served = serve();
    let (grant, why) = ("/api/privacy/clear", r#"{"reason": "who was it"}"#);
    assert_eq!(served.post(grant, why).status, 200);
    runtime().block_on(async {
        let asking = asking(&served, &format!("{LIVE}?picture=clear"));
        let (mut socket, _reply) = connect_async(asking).await.expect("connected");
        served.fake.pictures.send_replace(picture(1, 1_000));
        assert_eq!(next_frame(&mut socket).await, Some(1));
        assert_eq!(served.request("DELETE", grant, &[], b"").status, 200);
        served.fake.pictures.send_replace(picture(2, 1_000));
        assert_eq!(next_frame(&mut socket).await, None, "a picture after the grant has ended");
    });
}

#[test]
fn a_viewer_that_never_reads_is_let_go() {
    let served = serve();
    runtime().block_on(async {
        let _socket = view(&served).await;
        eventually("it views", || Arc::strong_count(&served.fake.viewer) == 2);
        let mut frame = 0;
        eventually("it is let go", || {
            frame += 1;
            served.fake.pictures.send_replace(picture(frame, 500_000));
            Arc::strong_count(&served.fake.viewer) == 1
        });
    });
}

#[test]
fn live_pictures_are_refused_to_other_pages_and_for_unknown_cameras() {
    let served = serve();
    let refused = |path: &str, origin: Option<&str>| {
        let mut request = asking(&served, path);
        if let Some(origin) = origin {
            let origin = origin.parse().expect("a header");
            request.headers_mut().insert("Origin", origin);
        }
        match runtime().block_on(connect_async(request)) {
            Err(Error::Http(reply)) => reply.status().as_u16(),
            Err(error) => panic!("{error}"),
            Ok(_) => 101,
        }
    };
    let mine = format!("http://{}", served.address);
    assert_eq!(refused(LIVE, Some("http://evil.example")), 403);
    assert_eq!(refused(LIVE, Some("null")), 403);
    assert_eq!(refused("/api/cameras/none/live", None), 404);
    assert_eq!(refused(LIVE, Some(&mine)), 101);
    assert_eq!(refused(LIVE, None), 101);
    served.get(LIVE).refused(400, "websocket_expected");
}

#[test]
fn viewers_beyond_the_limit_are_refused_until_one_leaves() {
    let served = serve();
    let mut viewers: Vec<Events> = (0..VIEWERS_MAX).map(|_| Events::open(&served)).collect();
    for viewer in &mut viewers {
        viewer.next().expect("a state");
    }
    let told = served.get("/api/stream").refused(503, "too_many_viewers");
    assert!(told.contains("64"), "{told}");
    assert_eq!(served.get("/api/state").status, 200, "plain questions still work");
    viewers.pop();
    eventually("there is room again", || {
        let mut events = Events::open(&served);
        events.line().is_some_and(|status| status.contains("200"))
    });
}

#[test]
fn a_stop_ends_streams_and_viewers_in_good_order() {
    let mut served = serve();
    let mut events = Events::open(&served);
    events.next().expect("a state");
    let runtime = runtime();
    let mut socket = runtime.block_on(view(&served));
    eventually("it views", || Arc::strong_count(&served.fake.viewer) == 2);
    let start = clock::monotonic();
    served.stop();
    assert!(clock::monotonic().since(start) < Duration::from_secs(5));
    while events.next().is_some() {}
    runtime.block_on(async {
        let said = tokio::time::timeout(PATIENCE, socket.next()).await.expect("in time");
        // Told, or at least let go: a reset may overtake the goodbye.
        let gone = matches!(said, Some(Ok(Message::Close(Some(_))) | Err(_)) | None);
        assert!(gone, "{said:?}");
    });
}
