//! The fake's zone desk: it knows no camera. The real one has tests of its own.

use standclear::guard::handle::{
    CameraZones, Draft, DraftBefore, Json, ZoneDeskError, ZoneVersion, Zones,
};

use super::Fake;

impl Zones for Fake {
    fn zones(&self, camera: &str) -> Result<CameraZones, ZoneDeskError> {
        no_camera(camera)
    }

    fn check_zones(&self, camera: &str, _: &Json, _: &str) -> Result<Draft, ZoneDeskError> {
        no_camera(camera)
    }

    fn put_draft(
        &self,
        camera: &str,
        _: &Json,
        _: &str,
        _: &DraftBefore,
    ) -> Result<Draft, ZoneDeskError> {
        no_camera(camera)
    }

    fn delete_draft(&self, camera: &str, _: &str) -> Result<(), ZoneDeskError> {
        no_camera(camera)
    }

    fn propose(
        &self,
        camera: &str,
        _: &str,
        _: &str,
        _: &str,
    ) -> Result<ZoneVersion, ZoneDeskError> {
        no_camera(camera)
    }

    fn approve(&self, camera: &str, _: u32, _: &str) -> Result<ZoneVersion, ZoneDeskError> {
        no_camera(camera)
    }

    fn refuse(&self, camera: &str, _: u32, _: &str, _: &str) -> Result<ZoneVersion, ZoneDeskError> {
        no_camera(camera)
    }

    fn restore(
        &self,
        camera: &str,
        _: u32,
        _: &str,
        _: &str,
    ) -> Result<ZoneVersion, ZoneDeskError> {
        no_camera(camera)
    }

    fn zone_versions(&self, camera: &str) -> Result<Vec<ZoneVersion>, ZoneDeskError> {
        no_camera(camera)
    }

    fn zone_version(&self, camera: &str, _: u32) -> Result<ZoneVersion, ZoneDeskError> {
        no_camera(camera)
    }

    fn zone_differences(&self, camera: &str, _: u32, _: u32) -> Result<Vec<String>, ZoneDeskError> {
        no_camera(camera)
    }
}

fn no_camera<T>(camera: &str) -> Result<T, ZoneDeskError> {
    Err(ZoneDeskError::UnknownCamera { camera: camera.to_owned() })
}
