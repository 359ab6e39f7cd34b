//! Who may come in, what they may do, and that it is all written down.

#[path = "access/attacks.rs"]
mod attacks;
#[path = "access/audit.rs"]
mod audit;
#[path = "access/doors.rs"]
mod doors;
#[path = "api/fake.rs"]
#[allow(dead_code, reason = "shared with the tests of the API, which use more of it")]
mod fake;
#[path = "access/people.rs"]
mod people;
#[path = "access/sessions.rs"]
mod sessions;
#[path = "access/table.rs"]
mod table;
#[path = "access/tls.rs"]
mod tls;
