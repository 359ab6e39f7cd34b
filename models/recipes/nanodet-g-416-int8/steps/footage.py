"""Frames of the sample footage, and the calibration pictures made of them."""

from pathlib import Path

import cv2
import numpy as np

from .picture import letterbox

CALIBRATION_STEP = 16
# Frames for the comparison with the float model; none is used for calibration.
HELD_OUT_OFFSET = 8


def frames(video: Path):
    """Yields (index, BGR picture) of every frame."""
    capture = cv2.VideoCapture(str(video))
    index = 0
    while True:
        ok, picture = capture.read()
        if not ok:
            break
        yield index, picture
        index += 1
    capture.release()
    if index == 0:
        raise SystemExit(f"no frame could be read from {video}")


def part(video: Path, offset: int, step: int = CALIBRATION_STEP):
    return [(i, p) for i, p in frames(video) if i % step == offset]


def vary(picture, rng):
    """Another camera, roughly: crop, mirror, light, colour cast, blur, noise."""
    height, width = picture.shape[:2]
    zoom = rng.uniform(0.2, 1.0)
    aspect = rng.choice([4 / 3, 16 / 9, 1.0, 3 / 4])
    crop_h = int(min(height, height * zoom))
    crop_w = int(min(width, crop_h * aspect))
    y, x = rng.integers(0, height - crop_h + 1), rng.integers(0, width - crop_w + 1)
    picture = picture[y:y + crop_h, x:x + crop_w]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    if rng.random() < 0.2:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    light = picture.astype(np.float32) / 255
    light = light ** rng.uniform(0.5, 2.0) * rng.uniform(0.5, 1.3) * rng.uniform(0.85, 1.15, 3)
    if rng.random() < 0.3:
        light = light + rng.normal(0, 0.04, light.shape)
    picture = np.clip(light * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 2.0))
    return np.ascontiguousarray(picture)


def calibration_pictures(video: Path, seed: int = 1):
    """Fitted pictures in the input shapes of several cameras."""
    rng = np.random.default_rng(seed)
    pictures = []
    for n, (_, picture) in enumerate(part(video, 0)):
        pictures.append(letterbox(picture, (640, 416)[n % 2])[0])
        for _ in range(3):
            pictures.append(letterbox(vary(picture, rng), int(rng.choice([320, 416, 512, 640])))[0])
    return pictures
