//! A guarded yard whose zone reaches to the lower border of the picture: three edges to walk in at.

use std::fs;
use std::sync::Arc;

use standclear::config::Config;
use standclear::guard::app::{Guard, Parts};
use standclear::guard::handle::{EdgeState, Handle, WalkTest, WalkView};

use crate::site::{TestSite, fake_worker, wait_for, wait_until, wait_watched};
use crate::worker::Scene;

/// Top, right, bottom (the picture's border), left.
pub const RING: &str = "[[0.35,0.62],[0.78,0.62],[0.78,1],[0.35,1],[0.35,0.62]]";

pub const TOP: u32 = 0;
pub const RIGHT: u32 = 1;
pub const BOTTOM: u32 = 2;
pub const LEFT: u32 = 3;

/// A site with one zone by this ring and these members in its properties.
pub fn site(ring: &str, kind: &str, members: &str) -> TestSite {
    let site = TestSite::new();
    draw(&site, ring, kind, members);
    site
}

/// Writes the zone file anew.
pub fn draw(site: &TestSite, ring: &str, kind: &str, members: &str) {
    let zones = format!(
        r#"{{"type": "FeatureCollection", "features": [{{"type": "Feature",
        "properties": {{"id": "bay", "name": "Bay <1>", "kind": "{kind}", "clear_after_ms": 300{members}}},
        "geometry": {{"type": "Polygon", "coordinates": [{ring}]}}}},
        {{"type": "Feature", "properties": {{"id": "glass", "name": "Glass", "kind": "ignore",
        "reason": "mirrors the <street>"}}, "geometry": {{"type": "Polygon",
        "coordinates": [[[0.9,0],[1,0],[1,0.1],[0.9,0]]]}}}}]}}"#
    );
    fs::write(site.path("yard.json"), zones).expect("a zone file");
}

pub fn start(site: &TestSite, more: &str) -> Guard {
    start_from(site, "ball", more)
}

/// With this pattern as the camera's pictures.
pub fn start_from(site: &TestSite, pattern: &str, more: &str) -> Guard {
    let text = format!(
        r#"
        site = {{ name = "Test & Co", time_zone = "Europe/Prague" }}
        web.listen = "127.0.0.1:0"
        [[camera]]
        id = "yard"
        name = "Yard"
        source = {{ test = "{pattern}" }}
        zones = "yard.json"
        {more}"#
    );
    let config = Config::parse(&site.path("standclear.toml"), &text);
    let config = config.unwrap_or_else(|error| panic!("{error}"));
    let siren = Box::new(site.siren.clone());
    let parts = Parts { siren, worker_command: fake_worker(site.folder.path()) };
    let guard = Guard::start(&config, parts).unwrap_or_else(|error| panic!("{error:?}"));
    wait_watched(&guard);
    guard
}

/// Starts a walk test of the zone.
pub fn begin(guard: &Guard) -> WalkTest {
    let view = guard.handle().walk_desk().start_walk("yard", "bay", "Tom <T>", "Eva");
    view.expect("started").test
}

pub fn look(guard: &Guard, id: u64) -> WalkView {
    guard.handle().walk_desk().walk_test(id).expect("there")
}

pub fn states(test: &WalkTest) -> Vec<EdgeState> {
    test.edges.iter().map(|edge| edge.state()).collect()
}

/// Somebody walks in, and out of the picture once the edge is done.
#[track_caller]
pub fn walk(site: &TestSite, guard: &Guard, id: u64, scene: Scene, edge: u32) -> WalkTest {
    site.shows(scene);
    let walked = wait_for(&format!("edge {edge}"), || {
        let test = look(guard, id).test;
        let state = test.edges[edge as usize].state();
        (state != EdgeState::Waiting).then_some(test)
    });
    leave(site, guard);
    walked
}

/// Nobody is there any more.
#[track_caller]
pub fn leave(site: &TestSite, guard: &Guard) {
    site.shows(Scene::Empty);
    wait_until(guard, "nobody", |now| now.zones.iter().all(|zone| zone.incident.is_none()));
}

pub fn handle(guard: &Guard) -> Arc<dyn Handle> {
    guard.handle()
}
