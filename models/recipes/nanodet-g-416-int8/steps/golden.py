"""Golden frames: pictures with the people that every working variant finds."""

import json
from pathlib import Path

import cv2
import numpy as np

from .compare import session
from .fetch import sha256
from .footage import frames
from .picture import detect, iou

LONG_SIDE = 640
# None of these frames is used for calibration.
FRAMES = {"walkway-1": 100, "walkway-2": 408, "walkway-3": 680}
# A part of a frame with a tripod and a hi-vis jacket on the grass, and nobody.
EMPTY = ("empty-grass", 104, (0, 288, 640, 288))
SIZE_LIMIT = 100_000
MIN_IOU = 0.6
LISTED_FROM = 0.45
SHARE_OF_SCORE = 0.75
COUNT_SCORE = 0.4
# Detections so little under the line may get over it elsewhere.
MARGIN = 0.12


def _write(picture, path: Path):
    for quality in range(92, 50, -3):
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(coded) <= SIZE_LIMIT:
            path.write_bytes(coded)
            return
    raise SystemExit(f"{path} stays over {SIZE_LIMIT} bytes")


def _entry(path: Path, floating, quantised, margin):
    picture = cv2.imread(str(path))
    boxes, scores = detect(floating, picture, LONG_SIDE)
    found = [detect(q, picture, LONG_SIDE) for q in quantised]
    must_find = []
    for box, score in zip(boxes, scores):
        lowest = score
        for other, other_scores in found:
            near = iou(box, other)[0] >= 0.75
            lowest = min(lowest, other_scores[near].max() if near.any() else 0.0)
        if lowest >= LISTED_FROM:
            x1, y1, x2, y2 = (float(v) for v in box)
            must_find.append({
                "box": [round(v, 1) for v in (x1, y1, x2 - x1, y2 - y1)],
                "min_score": round(SHARE_OF_SCORE * float(lowest), 2), "min_iou": MIN_IOU,
            })
    count = max(int((s >= COUNT_SCORE - margin).sum()) for s in [scores] + [s for _, s in found])
    return {
        "file": f"golden/{path.name}", "sha256": sha256(path), "long_side": LONG_SIDE,
        "must_find": must_find, "max_detections_above": {"score": COUNT_SCORE, "count": count},
    }


def make(video: Path, folder: Path, floating: Path, built: dict, margin: float = MARGIN):
    """Writes the pictures; returns [(path, manifest entry)]."""
    folder.mkdir(exist_ok=True)
    wanted = {**FRAMES, EMPTY[0]: EMPTY[1]}
    seen = {i: p for i, p in frames(video) if i in wanted.values()}
    models = session(floating), [session(p) for p in built.values()]
    result = []
    for name, index in wanted.items():
        picture = seen[index]
        if name == EMPTY[0]:
            x, y, w, h = EMPTY[2]
            picture = picture[y:y + h, x:x + w]
        path = folder / f"{name}.jpg"
        _write(picture, path)
        entry = _entry(path, *models, margin)
        assert (name == EMPTY[0]) == (not entry["must_find"]), entry
        assert name != EMPTY[0] or entry["max_detections_above"]["count"] == 0, entry
        result.append((path, entry))
    return result


def problems(entry, boxes, scores):
    """What `boxes` and `scores` lack of the manifest entry."""
    wrong = []
    for wanted in entry["must_find"]:
        x, y, w, h = wanted["box"]
        near = iou([x, y, x + w, y + h], boxes)[0] >= wanted["min_iou"]
        if not (near & (scores >= wanted["min_score"])).any():
            wrong.append(f"not found: {wanted}")
    limit = entry["max_detections_above"]
    count = int((scores >= limit["score"]).sum())
    if count > limit["count"]:
        wrong.append(f"{count} detections from {limit['score']}, {limit['count']} at most")
    return wrong


def verify(package: Path) -> None:
    """Both variants on every golden frame, also with the picture coded again, lit
    a little differently and shrunk with another filter."""
    manifest = json.loads((package / "manifest.json").read_text())
    for variant in manifest["variants"]:
        path = package / variant["file"]
        assert sha256(path) == variant["sha256"] and path.stat().st_size == variant["bytes"]
        model = session(path)
        for entry in manifest["golden"]:
            file = package / entry["file"]
            assert sha256(file) == entry["sha256"], file
            picture = cv2.imread(str(file))
            again = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], 1)
            shrunk = [cv2.resize(picture, None, fx=640 / picture.shape[1], fy=640 / picture.shape[1], interpolation=f)
                      for f in (cv2.INTER_AREA, cv2.INTER_NEAREST)]
            trials = [picture, again, np.clip(picture.astype(int) + 4, 0, 255).astype(np.uint8), *shrunk]
            for n, trial in enumerate(trials):
                boxes, scores = detect(model, trial, entry["long_side"])
                wrong = problems(entry, boxes * (picture.shape[1] / trial.shape[1]), scores)
                if wrong:
                    raise SystemExit(f"{variant['file']}, {entry['file']}, trial {n}: {wrong}")
    print("golden frames: both variants pass")
