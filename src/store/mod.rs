//! What must survive. PROVISIONAL.
pub mod record;
