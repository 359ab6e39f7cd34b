//! Views as the fake has them: the yard has a reference of Eva's, and has moved since.

use standclear::guard::handle::{
    CameraView, CameraViews, Judged, Onlooker, Pictured, ReferenceFacts, ReferenceWhy, ViewFacts,
    ViewFault, ViewMeasured, ViewPicture, ViewShift, ViewTrouble,
};

use super::{Fake, time};

/// What is wrong with the yard's view.
pub fn moved() -> CameraView {
    CameraView {
        trouble: Some(ViewTrouble {
            fault: ViewFault::Moved,
            words: "the view has moved".into(),
            since: time("2026-03-01T13:59:00Z"),
            measured: Some(ViewMeasured { value: 14.5, limit: 7.0, unit: "pixels of 1920" }),
        }),
        shift: Some(ViewShift { x_norm: 0.0125, y_norm: -0.25, turn_deg: 1.0, zoom: 1.0 }),
    }
}

impl CameraViews for Fake {
    fn view_facts(&self, camera: &str) -> Option<ViewFacts> {
        (camera == "yard-éast").then(|| ViewFacts {
            judged: Judged::Yes,
            reference: Some(ReferenceFacts {
                taken_at: time("2026-02-01T08:00:00Z"),
                why: ReferenceWhy::ZonesApproved,
                by: Some("Eva".into()),
                zone_version: Some(12),
            }),
            pictures: (Pictured::Yes, Pictured::No),
        })
    }

    fn view_picture(&self, camera: &str, which: ViewPicture, who: Onlooker) -> Option<Vec<u8>> {
        assert_eq!(camera, "yard-éast");
        match (which, who) {
            (ViewPicture::Trouble, _) => None,
            (ViewPicture::Reference, Onlooker::Anybody) => Some(b"\xFF\xD8 hidden".to_vec()),
            (ViewPicture::Reference, Onlooker::Granted) => Some(b"\xFF\xD8 clear".to_vec()),
        }
    }
}
