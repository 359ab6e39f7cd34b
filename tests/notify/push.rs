//! Web Push against a push service of this test, which decrypts as a browser does (RFC 8291) and
//! verifies the box's signature (RFC 8292).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::SystemRandom;
use ring::signature::{self, ECDSA_P256_SHA256_FIXED};
use serde_json::Value;
use standclear::clock;
use standclear::notify::vapid::VapidKeys;
use standclear::notify::web_push::{Fared, Subscription, Subscriptions, WebPushChannel};
use standclear::notify::{SourceError, State};
use standclear::store::Store;
use standclear::store::outbox::PushSubscription;
use standclear::store::query::StoreReader;

use crate::hook::{Hook, Manner, Request};
use crate::{Outlet, wait_for};

const SECRET: [u8; 16] = *b"sixteen byte key";

/// A browser: its key decrypts one message.
struct Browser {
    private: EphemeralPrivateKey,
    public: Vec<u8>,
}

impl Browser {
    fn new() -> Browser {
        let private =
            EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).expect("a key");
        let public = private.compute_public_key().expect("its public part").as_ref().to_vec();
        Browser { private, public }
    }

    /// RFC 8291, section 3.4, and RFC 8188, section 2, for one record.
    fn decrypt(self, body: &[u8]) -> Vec<u8> {
        let (salt, rest) = body.split_at(16);
        let key_length = usize::from(rest[4]);
        let (sender, sealed) = rest[5..].split_at(key_length);
        let public = self.public.clone();
        let sender_key = UnparsedPublicKey::new(&ECDH_P256, sender);
        let key_material = agree_ephemeral(self.private, &sender_key, |shared| {
            let info = [b"WebPush: info\0", &public[..], sender].concat();
            expand(&SECRET, shared, &info, 32)
        });
        let key_material = key_material.expect("agreed");
        let key = expand(salt, &key_material, b"Content-Encoding: aes128gcm\0", 16);
        let nonce = expand(salt, &key_material, b"Content-Encoding: nonce\0", 12);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("a key"));
        let nonce = Nonce::try_assume_unique_for_key(&nonce).expect("12 bytes");
        let mut sealed = sealed.to_vec();
        let open = key.open_in_place(nonce, Aad::empty(), &mut sealed).expect("it is for us");
        // Behind the text stands 2, the mark of the last record, and zeros.
        let end = open.iter().rposition(|byte| *byte == 2).expect("a mark");
        open[..end].to_vec()
    }
}

struct Bytes(usize);

impl ring::hkdf::KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(salt: &[u8], material: &[u8], info: &[u8], bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    let extracted = Salt::new(HKDF_SHA256, salt).extract(material);
    let info = [info];
    extracted.expand(&info, Bytes(bytes)).and_then(|key| key.fill(&mut out)).expect("expanded");
    out
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

fn of_base64url(text: &str) -> Vec<u8> {
    let digit = |c: char| match c {
        'A'..='Z' => c as u32 - 'A' as u32,
        'a'..='z' => c as u32 - 'a' as u32 + 26,
        '0'..='9' => c as u32 - '0' as u32 + 52,
        '-' => 62,
        '_' => 63,
        other => panic!("{other:?} is not base64url"),
    };
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for c in text.chars() {
        bits = bits << 6 | digit(c);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// The subscriptions of the real store.
struct OfStore {
    reader: StoreReader,
    store: Arc<Mutex<Store>>,
}

impl Subscriptions for OfStore {
    fn all(&self) -> Result<Vec<Subscription>, SourceError> {
        let rows = self.reader.push_subscriptions().expect("readable");
        let known = rows.into_iter().map(|of| Subscription {
            endpoint: of.endpoint,
            p256dh: of.p256dh,
            auth: of.auth,
        });
        Ok(known.collect())
    }

    fn gone(&self, endpoint: &str) {
        self.store.lock().expect("not poisoned").push_gone(endpoint).expect("kept");
    }

    fn fared(&self, endpoint: &str, how: Fared) {
        let since = (how == Fared::Badly).then(clock::wall);
        self.store.lock().expect("not poisoned").push_failed(endpoint, since).expect("kept");
    }
}

fn subscribe(outlet: &Outlet, device: &str, hook: &Hook, browser: &Browser) {
    let subscription = PushSubscription {
        device: device.into(),
        endpoint: format!("http://{}/push/{device}", hook.address),
        p256dh: base64url(&browser.public),
        auth: base64url(&SECRET),
    };
    let mut store = outlet.store.lock().expect("not poisoned");
    store.push_subscribe(&subscription, clock::wall()).expect("kept");
}

fn start(outlet: &mut Outlet) -> VapidKeys {
    let keys = VapidKeys::of(outlet.folder.path()).expect("keys");
    let store = outlet.store.clone();
    let reader = store.lock().expect("not poisoned").reader().expect("a reader");
    let subscriptions = Box::new(OfStore { reader, store });
    let contact = "mailto:safety@example.com".to_owned();
    let channel = WebPushChannel::new(keys.clone(), contact, subscriptions);
    outlet.start("push", Box::new(channel));
    keys
}

/// The claims of the box, after its signature was verified with the key it subscribed with.
fn claims(request: &Request, keys: &VapidKeys) -> Value {
    let authorization = request.header("authorization").strip_prefix("vapid t=").expect("VAPID");
    let (token, key) = authorization.split_once(", k=").expect("a key");
    assert_eq!(key, keys.public_base64url());
    let (signed, mark) = token.rsplit_once('.').expect("a signature");
    signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, of_base64url(key))
        .verify(signed.as_bytes(), &of_base64url(mark))
        .expect("signed by the box");
    let (_, claims) = signed.split_once('.').expect("claims");
    serde_json::from_slice(&of_base64url(claims)).expect("JSON")
}

#[test]
fn an_alarm_reaches_the_browser_encrypted_signed_and_urgent() {
    let mut outlet = Outlet::new(&["push"]);
    let hook = Hook::start(|_| Manner::Status(201));
    let browser = Browser::new();
    subscribe(&outlet, "phone", &hook, &browser);
    let keys = start(&mut outlet);
    outlet.alarms(1);
    let request = wait_for("a push", || hook.taken().pop());
    assert_eq!(request.header("urgency"), "high");
    assert_eq!(request.header("topic"), "alarm-1");
    assert_eq!(request.header("content-encoding"), "aes128gcm");
    let ttl: u32 = request.header("ttl").parse().expect("seconds");
    assert!((1..=120).contains(&ttl), "{ttl}");
    let claims = claims(&request, &keys);
    assert_eq!(claims["sub"], "mailto:safety@example.com");
    assert_eq!(claims["aud"], format!("http://{}", hook.address));
    let text = browser.decrypt(&request.body);
    let said: Value = serde_json::from_slice(&text).expect("JSON");
    assert_eq!((&said["title"], &said["zone"]), (&"Bay".into(), &"bay".into()));
    assert_eq!((&said["alarm"], &said["version"]), (&1.into(), &((1 << 20) + 1).into()));
}

#[test]
fn a_subscription_that_is_gone_is_forgotten_and_one_that_fails_holds_up_no_other() {
    let mut outlet = Outlet::new(&["push"]);
    let (works, gone, fails) = (
        Hook::start(|_| Manner::Status(201)),
        Hook::start(|_| Manner::Status(410)),
        Hook::start(|_| Manner::Status(500)),
    );
    for (device, hook) in [("a-gone", &gone), ("b-fails", &fails), ("c-works", &works)] {
        subscribe(&outlet, device, hook, &Browser::new());
    }
    start(&mut outlet);
    outlet.alarms(3);
    outlet.wait_empty("push");
    assert_eq!(works.taken().len(), 3);
    assert_eq!(gone.tried().len(), 1);
    assert_eq!(fails.tried().len(), 6, "a second try for each");
    let reader = outlet.store.lock().expect("not poisoned").reader().expect("a reader");
    let left = reader.push_subscriptions().expect("readable");
    let left: Vec<&str> = left.iter().map(|of| &*of.device).collect();
    assert_eq!(left, ["b-fails", "c-works"]);
    assert_eq!(outlet.face("push").state, State::Working);
}

#[test]
fn a_push_service_that_hangs_delays_nobody_who_uses_another() {
    let mut outlet = Outlet::new(&["push"]);
    let (works, hangs) = (Hook::start(|_| Manner::Status(201)), Hook::start(|_| Manner::Hang));
    for (device, hook) in [("a-hangs", &hangs), ("b-hangs", &hangs), ("c-works", &works)] {
        subscribe(&outlet, device, hook, &Browser::new());
    }
    start(&mut outlet);
    let began = clock::monotonic();
    outlet.alarms(1);
    wait_for("the push", || works.taken().pop());
    assert!(clock::monotonic().since(began) < Duration::from_secs(3));
    outlet.wait_empty("push");
    assert_eq!(outlet.face("push").state, State::Working);
}

#[test]
fn a_push_tells_of_no_loss_and_none_is_noted_as_told() {
    let mut outlet = Outlet::new(&["push"]);
    let hook = Hook::start(|_| Manner::Status(201));
    subscribe(&outlet, "phone", &hook, &Browser::new());
    outlet.lose_one();
    start(&mut outlet);
    outlet.alarms(1);
    outlet.wait_empty("push");
    assert_eq!(hook.taken().len(), 1);
    outlet.stop();
    assert_eq!(outlet.told("push"), (0, 1));
}

#[test]
fn what_is_history_is_pushed_to_nobody_and_counted() {
    let mut outlet = Outlet::new(&["push"]);
    let hook = Hook::start(|_| Manner::Status(201));
    subscribe(&outlet, "phone", &hook, &Browser::new());
    outlet.alarms_at(2, clock::wall() - SignedDuration::from_secs(121));
    start(&mut outlet);
    outlet.wait_empty("push");
    assert_eq!(hook.tried().len(), 0);
    let lost = wait_for("the loss", || outlet.face("push").losses.pop());
    assert_eq!((lost.rows, lost.reason.name()), (2, "expired"));
}
