//! What strangers try: other pages, other names, planted cookies, guesses that keep people out.

use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use serde_json::json;
use standclear::clock;
use standclear::web;

use crate::fake::{PASSWORD, Reply, Served, Session, serve};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Every route with something in the place of its names, and whether everybody may ask.
fn routes() -> Vec<(String, String, bool)> {
    let public = ["/api/session", "/api/setup", "/healthz", "/ca.crt"];
    let mut routes: Vec<_> = web::routes()
        .into_iter()
        .map(|(method, pattern)| {
            let path = pattern.replace("{id}", "999").replace("{name}", "Eva").replace("{n}", "1");
            let public = public.contains(&pattern) && method != "delete";
            (method.to_uppercase(), path, public)
        })
        .collect();
    routes.push(("GET".into(), "/".into(), true));
    routes
}

/// Status line and headers, without waiting for the end of a stream.
fn head(served: &Served, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut stream = served.connect();
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request += &format!("Host: {}\r\n", served.address);
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    write!(stream, "{request}Content-Length: 2\r\n\r\n{{}}").expect("sent");
    let mut answer = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && answer.read_line(&mut head).expect("an answer") > 0 {}
    head.to_lowercase()
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or("no status")
}

#[test]
fn no_route_is_changed_from_another_page_or_without_the_pages_own_header() {
    let served = serve();
    served.person("Eva", "viewer");
    let [cookie, csrf] = served.admin.headers();
    let own = format!("http://{}", served.address);
    let port = served.address.port();
    let others = [
        "http://evil.example".to_owned(),
        "null".to_owned(),
        // The same machine, another program's page; ours, but encrypted.
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("https://127.0.0.1:{port}"),
    ];
    let mut looked_at = 0;
    for (method, path, public) in routes().iter().filter(|route| route.0 != "GET") {
        let ask = |headers: &[(&str, &str)]| {
            let answer = head(&served, method, path, &[&[cookie], headers].concat());
            status(&answer).to_owned()
        };
        for other in &others {
            let answer = ask(&[csrf, JSON, ("Origin", other)]);
            assert_eq!(answer, "403", "{method} {path} from {other}");
        }
        let answer = ask(&[csrf, JSON, ("Host", "evil.example")]);
        assert_eq!(answer, "421", "{method} {path} under another name");
        if method != "DELETE" {
            for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
                let answer = ask(&[csrf, ("Content-Type", kind), ("Origin", &own)]);
                assert_eq!(answer, "415", "{method} {path} as {kind}");
            }
            assert_eq!(ask(&[csrf, ("Origin", &own)]), "415", "{method} {path} of no type");
        }
        if !public {
            let kind = match path.as_str() {
                "/api/models" => ("Content-Type", "application/octet-stream"),
                _ => JSON,
            };
            for wrong in [None, Some(("X-Standclear-CSRF", "0"))] {
                let headers: Vec<_> = [kind].into_iter().chain(wrong).collect();
                assert_eq!(ask(&headers), "403", "{method} {path} with {wrong:?}");
            }
        }
        looked_at += 1;
    }
    assert!(looked_at > 10, "{looked_at}");
    // None of it did anything.
    assert!(served.fake.answers.lock().expect("not poisoned").is_empty());
    let users = served.get("/api/users").json();
    assert_eq!(users["users"].as_array().map(Vec::len), Some(2), "{users}");
    served.sign_in("Eva", PASSWORD).expect("as before");
}

#[test]
fn nothing_at_all_is_told_to_a_name_that_only_resolves_to_this_box() {
    let served = serve();
    let [cookie, _csrf] = served.admin.headers();
    let evil = format!("evil.example:{}", served.address.port());
    for (method, path, _public) in routes().iter().filter(|route| route.0 == "GET") {
        for host in ["evil.example", &evil, "127.0.0.1.evil.example", "evil@127.0.0.1", "", "."] {
            let answer = head(&served, method, path, &[cookie, ("Host", host)]);
            assert!(["421", "400"].contains(&status(&answer)), "{path} as {host:?}: {answer}");
        }
    }
    // Pictures go through a WebSocket, which no browser keeps from other pages by itself.
    for origin in ["http://evil.example", "null", "https://127.0.0.1"] {
        let answer = head(
            &served,
            "GET",
            "/api/cameras/yard-%C3%A9ast/live",
            &[
                cookie,
                ("Origin", origin),
                ("Connection", "Upgrade"),
                ("Upgrade", "websocket"),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ],
        );
        assert_eq!(status(&answer), "403", "{origin}");
    }
}

#[test]
fn every_answer_says_what_a_page_may_do_and_that_nobody_else_may_show_it() {
    let served = serve();
    let [cookie, csrf] = served.admin.headers();
    let mut answers: Vec<(String, String)> = routes()
        .iter()
        .map(|(method, path, _)| {
            let answer = head(&served, method, path, &[cookie, csrf, JSON]);
            (format!("{method} {path}"), answer)
        })
        .collect();
    // And the answers that no route gives.
    for (method, path) in [("GET", "/nowhere"), ("PUT", "/api/users"), ("POST", "/")] {
        answers.push((format!("{method} {path}"), head(&served, method, path, &[])));
    }
    for (asked, answer) in answers {
        for header in [
            "content-security-policy: default-src 'self';",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cross-origin-resource-policy: same-origin",
        ] {
            assert!(answer.contains(header), "{asked} lacks {header}: {answer}");
        }
        assert!(!answer.contains("unsafe-inline") && !answer.contains("access-control-"));
        if asked.contains("/api/") {
            assert!(answer.contains("cache-control: no-store"), "{asked}: {answer}");
        }
    }
}

#[test]
fn a_planted_session_is_never_the_one_that_is_signed_in() {
    let served = serve();
    let mallory = served.person("Mallory", "viewer");
    served.person("Eva", "engineer");
    let body = json!({ "name": "Eva", "password": PASSWORD }).to_string();
    let unknown = format!("standclear_session={}", "a".repeat(64));
    for planted in [&mallory.cookie, &unknown] {
        let who = [("Cookie", planted.as_str())];
        let reply = served.request_as(&who, "POST", "/api/session", &[JSON], body.as_bytes());
        assert_eq!(reply.status, 200, "{reply:?}");
        let given = reply.header("set-cookie").expect("a cookie");
        assert!(!given.starts_with(planted), "{given}");
        // Whoever planted it has nothing; it was not even left as it was.
        served.request_as(&who, "GET", "/api/state", &[], b"").refused(401, "sign_in_needed");
    }
}

#[test]
fn another_role_counts_at_the_next_request_of_an_open_session() {
    let served = serve();
    let eva = served.person("Eva", "supervisor");
    let acknowledge = || {
        let path = "/api/alarms/40/acknowledge";
        served.request_as(&eva.headers(), "POST", path, &[JSON], b"{}")
    };
    let role = |role: &str| {
        let body = json!({ "role": role }).to_string();
        let reply = served.request("PATCH", "/api/users/Eva", &[JSON], body.as_bytes());
        assert_eq!(reply.status, 200, "{reply:?}");
    };
    role("viewer");
    acknowledge().refused(403, "role_needed");
    assert!(served.fake.answers.lock().expect("not poisoned").is_empty());
    role("supervisor");
    assert_eq!(acknowledge().status, 200);
}

/// Signs in from a browser with these cookies; what it has afterwards.
fn sign_in(served: &Served, password: &str, cookies: &str) -> Result<String, Reply> {
    let body = json!({ "name": "Eva", "password": password }).to_string();
    let who = [("Cookie", cookies)];
    let reply = served.request_as(&who, "POST", "/api/session", &[JSON], body.as_bytes());
    if reply.status != 200 {
        return Err(reply);
    }
    let given = reply.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    Ok(given.filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; "))
}

fn known(cookies: &str) -> &str {
    cookies.split("; ").find(|cookie| cookie.starts_with("standclear_known=")).expect("a mark")
}

/// Guesses until the name has to wait.
fn guess(served: &Served) {
    for _ in 0..30 {
        match sign_in(served, "not this password", "") {
            Err(reply) if reply.status == 429 => return,
            Err(reply) => drop(reply.refused(403, "wrong_password")),
            Ok(cookies) => panic!("{cookies}"),
        }
    }
    panic!("nobody slows a guesser down");
}

#[test]
fn a_guesser_keeps_nobody_out_of_a_browser_they_used_before() {
    let served = serve();
    served.person("Eva", "supervisor");
    let cookies = sign_in(&served, PASSWORD, "").expect("signed in");
    let mark = known(&cookies).to_owned();
    for _ in 0..3 {
        guess(&served);
        // Elsewhere even the right password has to wait; here it does not, also after signing out.
        sign_in(&served, PASSWORD, "").expect_err("a browser nobody knows");
        let again = sign_in(&served, PASSWORD, &mark).expect("she works here every day");
        assert_eq!(known(&again), mark, "one mark is enough");
    }
    // A mark opens nothing, and whoever has it guesses as slowly as everybody.
    let who = [("Cookie", mark.as_str())];
    served.request_as(&who, "GET", "/api/state", &[], b"").refused(401, "sign_in_needed");
    let slowed = (0..30).any(|_| {
        sign_in(&served, "not this password", &mark).is_err_and(|reply| reply.status == 429)
    });
    assert!(slowed);
}

#[test]
fn a_mark_is_worth_nothing_for_another_person_or_after_a_new_password() {
    let served = serve();
    served.person("Eva", "supervisor");
    served.person("Mallory", "viewer");
    let eva = known(&sign_in(&served, PASSWORD, "").expect("in")).to_owned();
    let body = json!({ "name": "Mallory", "password": PASSWORD }).to_string();
    let reply = served.request_as(&[], "POST", "/api/session", &[JSON], body.as_bytes());
    let mut given = reply.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
    let mallory = given.next_back().and_then(|cookie| cookie.split(';').next()).expect("a mark");
    assert!(mallory.starts_with("standclear_known="), "{mallory}");
    guess(&served);
    sign_in(&served, PASSWORD, mallory).expect_err("not Eva's mark");
    let body = json!({ "password": "another password" }).to_string();
    let reply = served.request("PATCH", "/api/users/Eva", &[JSON], body.as_bytes());
    assert_eq!(reply.status, 200, "{reply:?}");
    let reply = sign_in(&served, "another password", &eva).expect_err("an old mark");
    reply.refused(429, "too_many_attempts");
}

#[test]
fn a_name_nobody_has_is_refused_no_sooner_than_another() {
    // As many as a name has before it must wait.
    const ROUNDS: usize = 5;
    let served = serve();
    served.person("Eva", "viewer");
    let took = |name: &str| {
        let start = clock::monotonic();
        let reply = served.sign_in(name, "not this password").expect_err("wrong");
        reply.refused(403, "wrong_password");
        clock::monotonic().since(start)
    };
    // In turn, and the quickest of each: whatever else the machine does only adds.
    let mut quickest = [Duration::MAX; 3];
    for round in 0..ROUNDS {
        let names = ["Eva".to_owned(), format!("Nobody {round}"), "x".repeat(400)];
        for (name, quickest) in names.iter().zip(&mut quickest) {
            *quickest = took(name).min(*quickest);
        }
    }
    let [somebody, nobody, too_long] = quickest;
    println!("somebody {somebody:?}, nobody {nobody:?}, a name nobody can have {too_long:?}");
    // Without the hash it would be a tenth and less; a busy machine makes them unequal, not so much.
    assert!(nobody > somebody / 4 && too_long > somebody / 4, "{quickest:?}");
}

#[test]
fn a_session_that_ended_here_ended_for_whoever_copied_its_cookie() {
    let served = serve();
    let eva: Session = served.person("Eva", "viewer");
    let copy = eva.clone();
    assert_eq!(served.request_as(&eva.headers(), "DELETE", "/api/session", &[], b"").status, 204);
    served
        .request_as(&copy.headers(), "GET", "/api/state", &[], b"")
        .refused(401, "sign_in_needed");
    // The sign-out is the person's own: no other page can do it for them.
    let again = served.sign_in("Eva", PASSWORD).expect("again");
    let evil = [again.headers()[0], ("Origin", "http://evil.example")];
    served.request_as(&evil, "DELETE", "/api/session", &[], b"").refused(403, "wrong_origin");
    assert_eq!(served.request_as(&again.headers(), "GET", "/api/state", &[], b"").status, 200);
}
