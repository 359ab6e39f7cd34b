"""Other pictures, and twice as many: every 8th frame of the sample footage from the third one on, each
three times varied with another seed. None of them is one that the first package was calibrated with."""

import numpy as np
from steps.footage import frames, vary
from steps.picture import letterbox

STEP = 8
CALIBRATION = 2
HELD_OUT = 6
SEED = 20
FRAMES = f"every {STEP}th from frame {CALIBRATION} on, each also 3 times varied; long sides 320 to 640"


def _part(video, offset):
    return [p for i, p in frames(video) if i % STEP == offset]


def calibration(video):
    rng = np.random.default_rng(SEED)
    pictures = []
    for n, picture in enumerate(_part(video, CALIBRATION)):
        pictures.append(letterbox(picture, (640, 416)[n % 2])[0])
        for _ in range(3):
            pictures.append(letterbox(vary(picture, rng), int(rng.choice([320, 416, 512, 640])))[0])
    return pictures


def held_out(video):
    """Frames that calibration has not seen, as they are and varied."""
    rng = np.random.default_rng(SEED + 1)
    seen = _part(video, HELD_OUT)[::2]
    plain = [letterbox(p, (640, 416)[n % 2])[0] for n, p in enumerate(seen)]
    varied = [letterbox(vary(p, rng), 512)[0] for p in seen[::2]]
    return plain + varied
