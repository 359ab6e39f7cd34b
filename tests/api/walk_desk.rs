//! The fake's walk desk: it knows no zone. The real one has tests of its own.

use standclear::guard::handle::{
    DueState, Heat, LastWalk, WalkDeskError, WalkDue, WalkError, WalkReport, WalkState, WalkTest,
    WalkTests, WalkView,
};

use super::{Fake, time};

/// A zone whose test was passed a month ago.
pub fn overdue() -> WalkDue {
    WalkDue {
        state: DueState::Overdue,
        due_at: Some(time("2026-02-28T14:00:00Z")),
        last: Some(LastWalk { id: 9, at: time("2026-01-29T14:00:00Z"), result: WalkState::Passed }),
    }
}

impl WalkTests for Fake {
    fn start_walk(
        &self,
        camera: &str,
        _: &str,
        _: &str,
        _: &str,
    ) -> Result<WalkView, WalkDeskError> {
        Err(WalkDeskError::UnknownCamera { camera: camera.to_owned() })
    }

    fn walk_test(&self, id: u64) -> Result<WalkView, WalkDeskError> {
        no_test(id)
    }

    fn walk_tests(&self, _: Option<&str>) -> Result<Vec<WalkTest>, WalkDeskError> {
        Ok(Vec::new())
    }

    fn skip_edge(&self, id: u64, _: u32, _: &str, _: &str) -> Result<WalkView, WalkDeskError> {
        no_test(id)
    }

    fn finish_walk(&self, id: u64, _: &str) -> Result<WalkView, WalkDeskError> {
        no_test(id)
    }

    fn abandon_walk(&self, id: u64, _: &str) -> Result<WalkView, WalkDeskError> {
        no_test(id)
    }

    fn walk_report(&self, id: u64) -> Result<WalkReport, WalkDeskError> {
        no_test(id)
    }

    fn heat(&self, camera: &str, _: u32) -> Result<Heat, WalkDeskError> {
        Err(WalkDeskError::UnknownCamera { camera: camera.to_owned() })
    }
}

fn no_test<T>(id: u64) -> Result<T, WalkDeskError> {
    Err(WalkDeskError::Refused(WalkError::NoTest { id }))
}
