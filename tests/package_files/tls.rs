//! Fetching over HTTPS: whose word is taken for who answers.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use standclear::model_package::fetch::{FetchError, Fetcher, Go};

/// Sends the same to everybody who believes its certificate.
struct Server {
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Server {
    fn start(answer: String) -> Server {
        let authority_key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).expect("signed");
        let issuer = rcgen::Issuer::new(params, authority_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let own = rcgen::CertificateParams::new(vec!["127.0.0.1".into()])
            .and_then(|params| params.signed_by(&key, &issuer))
            .expect("signed");
        let other_key = rcgen::KeyPair::generate().expect("a key");
        let other = rcgen::CertificateParams::new(Vec::new())
            .and_then(|params| params.self_signed(&other_key))
            .expect("signed");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("ca.pem"), authority.pem()).expect("written");
        fs::write(folder.path().join("other.pem"), other.pem()).expect("written");
        fs::write(folder.path().join("none.pem"), "no certificate").expect("written");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], key)
            .expect("a certificate");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let config = Arc::new(config);
        thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                // Who does not believe it hangs up.
                let _ = answers(tcp, &config, &answer);
            }
        });
        Server { folder, address }
    }

    fn pem(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What came to somebody who trusts this authority, or the well-known ones.
    fn fetched(&self, authority: Option<&str>) -> Result<String, FetchError> {
        let fetcher = Fetcher::new(authority.map(|name| self.pem(name)).as_deref())?;
        let url = format!("https://{}/people", self.address);
        let mut file = fetcher.fetch(&url, &self.pem("fetched.part"), &mut |_| Go::On)?;
        let mut text = String::new();
        file.read_to_string(&mut text).expect("readable");
        Ok(text)
    }
}

fn answers(tcp: TcpStream, config: &Arc<ServerConfig>, answer: &str) -> std::io::Result<()> {
    let connection = ServerConnection::new(config.clone()).expect("a connection");
    let mut stream = StreamOwned::new(connection, tcp);
    let mut lines = BufReader::new(&mut stream).lines();
    while !lines.next().ok_or(std::io::ErrorKind::UnexpectedEof)??.is_empty() {}
    drop(lines);
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}

#[test]
fn a_site_with_an_authority_of_its_own_fetches_from_its_own_server_and_from_nobody_elses() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\npackage";
    let server = Server::start(answer.to_owned());
    assert_eq!(server.fetched(Some("ca.pem")).expect("it comes"), "package");
    for authority in [None, Some("other.pem")] {
        let refused = server.fetched(authority);
        let Err(FetchError::Broken { source, .. }) = &refused else { panic!("{refused:?}") };
        assert!(source.to_string().contains("certificate"), "{source}");
    }
    let refused = server.fetched(Some("none.pem"));
    assert!(matches!(refused, Err(FetchError::Authority { .. })), "{refused:?}");
}

#[test]
fn whoever_asked_for_encryption_is_not_sent_on_without_it() {
    let plain = TcpListener::bind("127.0.0.1:0").expect("a port");
    plain.set_nonblocking(true).expect("it does not wait");
    let elsewhere = plain.local_addr().expect("an address");
    let server = Server::start(format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/people\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    ));
    let refused = server.fetched(Some("ca.pem"));
    assert!(matches!(refused, Err(FetchError::Downgraded { .. })), "{refused:?}");
    assert!(plain.accept().is_err(), "nobody asked there");
}
