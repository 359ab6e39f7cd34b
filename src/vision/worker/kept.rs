//! The newest pictures of a camera, kept for snapshots: an incident asks for its picture within a second.
//!
//! Not here: JPEG. To encode every picture on suspicion would take a third of a core at full HD.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::time::Instant;

use super::super::ingest::Picture;

/// Most pictures kept of a camera …
const PICTURES_MAX: usize = 16;

/// … for not longer than this …
const KEPT_FOR: Duration = Duration::from_millis(1500);

/// … and in not more memory than this: sixteen pictures as the model wants them (0.9 MB), or three of
/// full HD (6.2 MB), which are 600 ms at 5 pictures a second. The guard asks for a picture a few
/// milliseconds after it was told of it.
const BYTES_MAX: usize = 20 * 1024 * 1024;

/// … but always so many, whatever they take: the newest and the one before, in which somebody who
/// decided an alarm was seen first.
const PICTURES_MIN: usize = 2;

/// A picture with what is known of it.
pub struct Kept<P = Arc<Picture>> {
    pub frame: u64,
    pub captured_ns: u64,
    pub bytes: usize,
    pub picture: P,
}

/// The newest pictures of one camera, oldest first.
pub struct KeptPictures<P = Arc<Picture>> {
    pictures: VecDeque<Kept<P>>,
    bytes: usize,
}

impl<P> Default for KeptPictures<P> {
    fn default() -> KeptPictures<P> {
        KeptPictures { pictures: VecDeque::with_capacity(PICTURES_MAX), bytes: 0 }
    }
}

impl<P> KeptPictures<P> {
    /// Keeps it instead of those that are too old or too many.
    pub fn keep(&mut self, kept: Kept<P>) {
        let newest = Instant::from_nanos(kept.captured_ns);
        self.bytes += kept.bytes;
        self.pictures.push_back(kept);
        while self.has_one_too_many(newest)
            && let Some(oldest) = self.pictures.pop_front()
        {
            self.bytes -= oldest.bytes;
        }
    }

    /// The picture of this number, or the one nearest to it that is still there.
    pub fn nearest(&self, frame: u64) -> Option<&Kept<P>> {
        self.pictures.iter().min_by_key(|kept| kept.frame.abs_diff(frame))
    }

    fn has_one_too_many(&self, newest: Instant) -> bool {
        let count = self.pictures.len();
        let too_old = |old: &Kept<P>| newest.since(Instant::from_nanos(old.captured_ns)) > KEPT_FOR;
        count > PICTURES_MAX
            || self.pictures.front().is_some_and(too_old)
            || (self.bytes > BYTES_MAX && count > PICTURES_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After two seconds of a camera: what is kept.
    fn kept(fps: u64, bytes: usize) -> KeptPictures<()> {
        let mut pictures = KeptPictures::default();
        for frame in 0..2 * fps {
            let captured_ns = frame * 1_000_000_000 / fps;
            pictures.keep(Kept { frame, captured_ns, bytes, picture: () });
            let sum: usize = pictures.pictures.iter().map(|kept| kept.bytes).sum();
            assert_eq!(sum, pictures.bytes);
        }
        pictures
    }

    #[test]
    fn what_is_kept_of_a_camera_has_a_bound_in_memory_whatever_its_pictures_are() {
        let (model, full_hd, uhd) = (640 * 480 * 3, 1920 * 1080 * 3, 3840 * 2160 * 3);
        for (fps, bytes, count) in
            [(5, model, 8), (25, model, 16), (5, full_hd, 3), (25, full_hd, 3), (5, uhd, 2)]
        {
            let kept = kept(fps, bytes);
            assert_eq!(kept.pictures.len(), count, "{fps} a second, {bytes} bytes");
            assert!(kept.bytes <= BYTES_MAX.max(PICTURES_MIN * bytes));
        }
    }

    #[test]
    fn the_picture_asked_for_is_given_or_the_nearest_that_is_left() {
        let kept = kept(5, 1920 * 1080 * 3);
        let given = |frame| kept.nearest(frame).map(|kept| kept.frame);
        assert_eq!((given(9), given(8), given(2)), (Some(9), Some(8), Some(7)));
    }
}
