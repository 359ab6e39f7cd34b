//! The fake's handhelds: this box has none. The real desk has tests of its own.

use std::net::IpAddr;

use standclear::guard::handle::{
    AnswerOutcome, Duty, DutyList, Handheld, HandheldAddress, HandheldAnswer, HandheldError,
    HandheldLine, Handhelds, LineId, LineRefusal, OnDuty, PairRequest, Paired, Pairing, Said,
};

use super::Fake;

impl Handhelds for Fake {
    fn handheld_address(&self) -> Option<HandheldAddress> {
        None
    }

    fn box_id(&self) -> String {
        "0123456789abcdef".into()
    }

    fn handhelds(&self) -> Vec<Handheld> {
        Vec::new()
    }

    fn begin_pairing(&self, _: &str, _: &str, _: &str) -> Result<Pairing, HandheldError> {
        Err(HandheldError::NotConfigured)
    }

    fn pair(&self, _: &PairRequest, _: IpAddr) -> Result<Paired, HandheldError> {
        Err(HandheldError::NotConfigured)
    }

    fn revoke(&self, _: &str, _: &str, _: &str) -> Result<(), HandheldError> {
        Err(HandheldError::UnknownHandheld)
    }

    fn duty(&self, users: &[String]) -> Duty {
        Duty { list: None, digest: None, now: OnDuty::default(), known: users.to_vec() }
    }

    fn put_duty(
        &self,
        _: DutyList,
        _: Option<&str>,
        _: &[String],
        _: &str,
    ) -> Result<Duty, HandheldError> {
        Err(HandheldError::DutyChanged)
    }

    fn nonce(&self) -> Result<String, HandheldError> {
        Err(HandheldError::NotConfigured)
    }

    fn connect(&self, _: &str, _: &str, _: &str) -> Result<HandheldLine, LineRefusal> {
        Err(LineRefusal::UnknownDevice)
    }

    fn said(&self, _: LineId, _: Said) {}

    fn answer(&self, _: LineId, _: &HandheldAnswer) -> AnswerOutcome {
        AnswerOutcome::Busy
    }

    fn silence_siren(&self, _: LineId, _: u64) {}

    fn has_ticket(&self, _: &str) -> bool {
        false
    }
}
