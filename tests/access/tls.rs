//! Encryption with the box's own authority, by a client that knows the rules.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};
use standclear::clock;
use standclear::web::{self, CONNECTIONS_MAX, Encryption, Settings, Tls};

use crate::fake::{ADMIN, Beats, PASSWORD, Served, eventually, serve_as};

fn names() -> Vec<String> {
    web::tls::names(&["box.local".into(), "192.168.1.5".into()], [0, 0, 0, 0].into())
}

fn own(folder: &Path, names: &[String], now: Timestamp) -> Arc<Tls> {
    Arc::new(Tls::own(folder, names, now).expect("an authority"))
}

fn serve_tls(tls: &Arc<Tls>) -> Served {
    let encryption = Encryption::Tls(Arc::clone(tls));
    serve_as(Beats::Regularly, Settings { names: names(), encryption })
}

/// What a client says who trusts `authority` and asks for `name`.
fn ask(
    served: &Served,
    authority: &str,
    name: &str,
    request: &str,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<String, String> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM");
    roots.add(authority).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let stream = TcpStream::connect(served.address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let mut stream = StreamOwned::new(connection, stream);
    stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = String::new();
    // A server that closes without a goodbye has said all it had to say.
    let read = stream.read_to_string(&mut answer);
    if answer.is_empty() { Err(format!("{read:?}")) } else { Ok(answer) }
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[test]
fn who_installed_the_authority_reaches_the_box_by_each_of_its_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let tls = own(folder.path(), &names(), clock::wall());
    let authority = tls.authority().expect("its own").to_owned();
    let served = serve_tls(&tls);
    for name in ["box.local", "192.168.1.5", "localhost", "127.0.0.1"] {
        for version in [&[&rustls::version::TLS13][..], &[&rustls::version::TLS12]] {
            let answer = ask(&served, &authority, name, &get("/api/session", name), version);
            assert!(answer.expect(name).starts_with("HTTP/1.1 200"), "{name}");
        }
    }
    let wrong = ask(&served, &authority, "evil.example", &get("/", "evil.example"), BOTH);
    assert!(wrong.expect_err("not for this name").contains("certificate"));
    let answer = ask(&served, &authority, "box.local", &get("/", "evil.example"), BOTH);
    let answer = answer.expect("TLS is fine, the host is not");
    assert!(answer.starts_with("HTTP/1.1 421") && answer.contains("`names` in [web]"), "{answer}");
    let answer = ask(&served, &authority, "box.local", &get("/ca.crt", "box.local:8443"), BOTH);
    assert!(answer.expect("public").replace("\r\n", "\n").contains(authority.trim()));

    let other = tempfile::tempdir().expect("a folder");
    let stranger = own(other.path(), &names(), clock::wall());
    let stranger = stranger.authority().expect("its own");
    let wrong = ask(&served, stranger, "box.local", &get("/", "box.local"), BOTH);
    assert!(wrong.expect_err("another box").contains("certificate"));
}

#[test]
fn under_tls_the_cookie_is_for_this_host_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let tls = own(folder.path(), &names(), clock::wall());
    let authority = tls.authority().expect("its own").to_owned();
    let served = serve_tls(&tls);
    let body = serde_json::json!({ "name": ADMIN, "password": PASSWORD }).to_string();
    let sign_in = |origin: &str| {
        let request = format!(
            "POST /api/session HTTP/1.1\r\nHost: box.local\r\nConnection: close\r\nOrigin: {origin}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        ask(&served, &authority, "box.local", &request, BOTH).expect("an answer")
    };
    let answer = sign_in("https://box.local");
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = cookie.expect("a cookie");
    assert!(cookie.starts_with("__Host-standclear_session="), "{cookie}");
    for flag in ["; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(answer.contains("connect-src 'self' wss:;"), "{answer}");
    // A page that came unencrypted is another page.
    assert!(sign_in("http://box.local").starts_with("HTTP/1.1 403"));
    // The plain cookie, which a neighbour without TLS could plant, is nobody's.
    let secret = cookie.split(['=', ';']).nth(1).expect("a secret");
    for (name, status) in [("standclear_session", "401"), ("__Host-standclear_session", "200")] {
        let request = format!(
            "GET /api/state HTTP/1.1\r\nHost: box.local\r\nConnection: close\r\nCookie: {name}={secret}\r\n\r\n"
        );
        let answer = ask(&served, &authority, "box.local", &request, BOTH).expect("an answer");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{name}: {answer}");
    }
}

#[test]
fn plain_http_is_told_where_to_go_and_the_slow_lose_their_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let tls = own(folder.path(), &names(), clock::wall());
    let served = serve_tls(&tls);
    let told = served.raw(get("/", "box.local").as_bytes());
    let text = String::from_utf8(told.body).expect("text");
    let port = served.address.port();
    assert_eq!(told.status, 400);
    assert!(text.contains(&format!("https://box.local:{port}/")), "{text}");
    // One machine takes all it can get and says nothing: others do not notice.
    let authority = tls.authority().expect("its own");
    let greedy: Vec<TcpStream> = (0..CONNECTIONS_MAX).map(|_| served.connect_from(9)).collect();
    let start = clock::monotonic();
    ask(&served, authority, "box.local", &get("/api/session", "box.local"), BOTH).expect("served");
    let took = clock::monotonic().since(start);
    assert!(took < Duration::from_secs(2), "{took:?}");
    drop(greedy);
    // Every place is taken by many who say nothing; still the box answers soon.
    let idle = served.crowd(CONNECTIONS_MAX);
    let start = clock::monotonic();
    eventually("there is a place", || {
        ask(&served, authority, "box.local", &get("/api/session", "box.local"), BOTH).is_ok()
    });
    assert!(clock::monotonic().since(start) < Duration::from_secs(12));
    drop(idle);
}

#[test]
fn the_authority_stays_and_the_certificate_is_renewed_in_time_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let now = clock::wall();
    let days = |days: i64| now + SignedDuration::from_hours(24 * days);
    let tls = own(folder.path(), &names(), now);
    let authority = tls.authority().expect("its own").to_owned();
    let first = std::fs::read_to_string(folder.path().join("box.pem")).expect("a certificate");
    let again = own(folder.path(), &names(), days(300));
    assert_eq!(again.authority(), Some(authority.as_str()));
    let read = || std::fs::read_to_string(folder.path().join("box.pem")).expect("a certificate");
    assert_eq!(read(), first, "a hundred days before its end nothing is to do");
    tls.renew(days(300)).expect("looked");
    assert_eq!(read(), first);
    tls.renew(days(380)).expect("renewed");
    let second = read();
    assert_ne!(second, first, "seventeen days before its end");
    own(folder.path(), &["other.local".into()], days(380));
    assert_ne!(read(), second, "for other names");
    // What is served is what is in the file, and the authority is the one people installed.
    let fresh = own(folder.path(), &names(), now);
    let served = serve_tls(&fresh);
    let answer = ask(&served, &authority, "box.local", &get("/healthz", "box.local"), BOTH);
    answer.expect("still trusted");
    fresh.renew(now).expect("looked");
    for file in std::fs::read_dir(folder.path()).expect("a folder") {
        let file = file.expect("an entry");
        let mode = file.metadata().expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
    }
    let fingerprint = fresh.fingerprint().expect("its own");
    assert_eq!((fingerprint.len(), fingerprint.matches(':').count()), (95, 31));
}

#[test]
fn a_clock_that_begins_in_the_past_costs_a_minute_of_the_page_and_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let read = || std::fs::read_to_string(folder.path().join("box.pem")).expect("a certificate");
    let now = clock::wall();
    let years = |years: i64| now + SignedDuration::from_hours(24 * 366 * years);
    // The first start, years from now; then one without a battery, until it hears the time.
    let first = own(folder.path(), &names(), years(3));
    let right = read();
    let tls = own(folder.path(), &names(), Timestamp::UNIX_EPOCH);
    assert_eq!(tls.authority(), first.authority());
    let past = read();
    assert_ne!(past, right, "it is not valid yet, as far as this clock knows");
    tls.renew_if_due(Timestamp::UNIX_EPOCH).expect("looked");
    assert_eq!(read(), past);
    tls.renew_if_due(years(3)).expect("renewed");
    assert_ne!(read(), past, "the clock was set");
    // And one that was ahead: what is served is what fits the time.
    let tls = own(folder.path(), &names(), years(50));
    tls.renew_if_due(now).expect("renewed");
    let authority = own(folder.path(), &names(), now).authority().expect("its own").to_owned();
    let served = serve_tls(&tls);
    let answer = ask(&served, &authority, "box.local", &get("/healthz", "box.local"), BOTH);
    answer.expect("valid now");
}

#[test]
fn keys_that_others_could_read_are_closed_to_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let tls = folder.path().join("tls");
    own(&tls, &names(), clock::wall());
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&tls), 0o700);
    let keys = ["ca.key", "box.pem"].map(|name| tls.join(name));
    for key in &keys {
        assert_eq!(mode(key), 0o600);
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(key, open).expect("opened");
    }
    own(&tls, &names(), clock::wall());
    assert_eq!(keys.map(|key| mode(&key)), [0o600; 2]);
}

#[test]
fn given_files_are_used_and_wrong_ones_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let tls = own(folder.path(), &names(), clock::wall());
    let authority = tls.authority().expect("its own").to_owned();
    let pem = folder.path().join("box.pem");
    let given = Arc::new(Tls::given(&pem, &pem, clock::wall()).expect("a pair"));
    assert_eq!((given.authority(), given.fingerprint()), (None, None));
    let served = serve_tls(&given);
    let answer = ask(&served, &authority, "box.local", &get("/ca.crt", "box.local"), BOTH);
    assert!(answer.expect("an answer").contains("no_authority"));
    let other = folder.path().join("ca.key");
    let error = Tls::given(&pem, &other, clock::wall()).expect_err("not its key").to_string();
    assert!(error.contains("ca.key") && error.contains("belong together"), "{error}");
    let error = Tls::given(&other, &other, clock::wall()).expect_err("no certificate").to_string();
    assert!(error.contains("certificate"), "{error}");
    let nowhere = folder.path().join("nowhere.pem");
    let error = Tls::given(&nowhere, &pem, clock::wall()).expect_err("not there").to_string();
    assert!(error.contains("nowhere.pem"), "{error}");
}
