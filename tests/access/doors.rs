//! The set-up code and the way back in, with the program itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::fake::{PASSWORD, eventually};

/// A real `standclear run` whose vision process cannot start; killed at the end whatever happens.
struct Program {
    child: Child,
    address: String,
    code: Option<String>,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configure(folder: &Path) {
    let zones = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"bay","name":"Bay","kind":"restricted"},"geometry":{"type":"Polygon",
        "coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}}]}"#;
    std::fs::write(folder.join("yard.json"), zones).expect("a zone file");
    let config = r#"
        site = { name = "Test", time_zone = "UTC" }
        web.listen = "127.0.0.1:0"
        model.folder = "nowhere"
        siren.device = "none"
        [[camera]]
        id = "yard"
        name = "Yard"
        source = { test = "ball" }
        zones = "yard.json"
    "#;
    std::fs::write(folder.join("standclear.toml"), config).expect("a configuration");
}

fn standclear(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standclear"));
    command.args(arguments).arg("--config").arg(folder.join("standclear.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

impl Program {
    fn start(folder: &Path) -> Program {
        let mut child = standclear(folder, &["run"]).spawn().expect("the program");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let (mut address, mut code) = (None, None);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
            if let Some(rest) = line.split("http://").nth(1) {
                address = rest.trim().strip_suffix('/').map(str::to_owned);
            }
            if let Some(rest) = line.strip_prefix("Set-up code:") {
                code = Some(rest.trim().to_owned());
            }
            if line.starts_with("Ctrl-C") {
                break;
            }
            line.clear();
        }
        let address = address.unwrap_or_else(|| panic!("no address; it ended: {child:?}"));
        Program { child, address, code }
    }

    fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        let body = body.to_string();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.expect("a status"), answer)
    }

    fn stop(mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a number")).expect("not 0");
        kill_process(pid, Signal::TERM).expect("it lives");
        eventually("it ends", || self.child.try_wait().expect("a child").is_some());
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_code_on_the_console_makes_the_first_admin_and_a_lost_password_has_a_way_back() {
    let folder = tempfile::tempdir().expect("a folder");
    configure(folder.path());
    let first = Program::start(folder.path());
    let old_code = first.code.clone().expect("nobody can sign in yet");
    first.stop();
    let program = Program::start(folder.path());
    let code = program.code.clone().expect("nobody can sign in yet");
    assert_ne!(old_code, code, "another at every start");
    let set_up = |code: &str| {
        program.post("/api/setup", &json!({ "code": code, "name": "Ada", "password": PASSWORD }))
    };
    assert_eq!(set_up(&old_code).0, 403);
    let typed = code.to_lowercase().replace('-', " ");
    let (status, answer) = set_up(&typed);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(set_up(&code).0, 409, "once");

    // While the box runs, the store is its own; the audit log can be read all the same.
    let mut reset = standclear(folder.path(), &["users", "reset-password", "ada"]);
    let output = reset.stderr(Stdio::piped()).output().expect("ran");
    assert!(!output.status.success() && text(&output).contains("in use"), "{}", text(&output));
    let output = standclear(folder.path(), &["audit", "verify"]).output().expect("ran");
    assert!(output.status.success() && text(&output).contains("whole: 3"), "{}", text(&output));
    program.stop();

    let output = reset.output().expect("ran");
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    let password = said.split("is now:").nth(1).and_then(|rest| rest.lines().next());
    let password = password.expect("a password").trim();
    let mut nobody = standclear(folder.path(), &["users", "reset-password", "Eve"]);
    let output = nobody.stderr(Stdio::piped()).output().expect("ran");
    assert!(!output.status.success() && text(&output).contains("Ada"), "{}", text(&output));
    let program = Program::start(folder.path());
    assert_eq!(program.code, None, "there is an admin");
    let sign_in = |password: &str| {
        program.post("/api/session", &json!({ "name": "Ada", "password": password })).0
    };
    assert_eq!((sign_in(PASSWORD), sign_in(password)), (403, 200));
    program.stop();
    let output = standclear(folder.path(), &["audit", "export"]).output().expect("ran");
    let lines = text(&output);
    let actions: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["action"].clone())
        .collect();
    assert_eq!(
        actions,
        [
            "zones_taken_from_file",
            "sign_in_failed",
            "set_up",
            "password_reset",
            "sign_in_failed",
            "signed_in"
        ]
    );
    let output = standclear(folder.path(), &["audit", "export", "--csv"]).output().expect("ran");
    assert!(text(&output).starts_with("number,at,by,action,subject,detail,previous,hash\r\n1,"));
}
