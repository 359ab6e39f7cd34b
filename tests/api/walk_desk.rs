//! The fake's walk desk: it knows no zone. The real one has tests of its own.

use standclear::guard::handle::{
    Heat, WalkDeskError, WalkError, WalkReport, WalkTest, WalkTests, WalkView,
};

use super::Fake;

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
