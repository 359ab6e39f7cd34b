"""Pictures in, boxes out: the input preparation and the decoder that the
manifest describes, in numpy, for calibration and verification."""

import cv2
import numpy as np

MEAN = np.array([103.53, 116.28, 123.675], np.float32)
STD = np.array([57.375, 57.12, 58.395], np.float32)
STRIDES = (8, 16, 32)
BINS = 11
MULTIPLE = 32
NMS_IOU = 0.6


def letterbox(picture, long_side):
    """Scales the longer side to `long_side` and fills up with black at the
    right and the bottom to a multiple of 32. Returns picture and scale."""
    height, width = picture.shape[:2]
    scale = long_side / max(height, width)
    new_w, new_h = max(1, round(width * scale)), max(1, round(height * scale))
    resized = cv2.resize(picture, (new_w, new_h), interpolation=cv2.INTER_LINEAR)
    box = np.zeros((-(-new_h // MULTIPLE) * MULTIPLE, -(-new_w // MULTIPLE) * MULTIPLE, 3), np.uint8)
    box[:new_h, :new_w] = resized
    return box, (new_w / width, new_h / height)


def tensor(picture):
    """BGR u8 picture -> normalised float32 [1,3,H,W]."""
    return np.ascontiguousarray(((picture.astype(np.float32) - MEAN) / STD).transpose(2, 0, 1)[None])


def decode(outputs, height, width, candidate=0.1):
    """`outputs`: name -> array. Returns boxes [n,4] (x1,y1,x2,y2) and scores [n]."""
    boxes, scores = [], []
    for stride in STRIDES:
        score = outputs[f"scores_{stride}"][0, :, 0]
        columns, rows = width // stride, height // stride
        assert score.shape[0] == columns * rows, (score.shape, columns, rows)
        cells = np.nonzero(score >= candidate)[0]
        logits = outputs[f"boxes_{stride}"][0, cells].reshape(-1, 4, BINS)
        logits = np.exp(logits - logits.max(-1, keepdims=True))
        sides = (logits / logits.sum(-1, keepdims=True)) @ np.arange(BINS, dtype=np.float32) * stride
        x = (cells % columns + 0.5) * stride
        y = (cells // columns + 0.5) * stride
        boxes.append(np.stack([x - sides[:, 0], y - sides[:, 1], x + sides[:, 2], y + sides[:, 3]], 1))
        scores.append(score[cells])
    boxes, scores = np.concatenate(boxes), np.concatenate(scores)
    boxes = boxes.clip(0, [width, height, width, height])
    kept = suppress(boxes, scores)
    return boxes[kept], scores[kept]


def iou(a, b):
    """IoU of every box of `a` with every box of `b` (x1,y1,x2,y2)."""
    a, b = np.asarray(a, np.float32).reshape(-1, 4), np.asarray(b, np.float32).reshape(-1, 4)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.prod(np.clip(high - low, 0, None), -1)
    area = lambda q: np.prod(q[:, 2:] - q[:, :2], -1)
    return inter / np.maximum(area(a)[:, None] + area(b)[None] - inter, 1e-9)


def suppress(boxes, scores, threshold=NMS_IOU):
    """Greedy non-maximum suppression; returns the indices kept."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while order.size:
        first, order = order[0], order[1:]
        kept.append(first)
        order = order[iou(boxes[first], boxes[order])[0] <= threshold]
    return np.array(kept, int)


def detect(session, picture, long_side, candidate=0.1):
    """Boxes (x1,y1,x2,y2 in pixels of `picture`) and scores, best first."""
    fitted, (sx, sy) = letterbox(picture, long_side)
    names = [o.name for o in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, {session.get_inputs()[0].name: tensor(fitted)})))
    boxes, scores = decode(outputs, *fitted.shape[:2], candidate)
    height, width = picture.shape[:2]
    boxes = (boxes / [sx, sy, sx, sy]).clip(0, [width, height, width, height])
    return boxes, scores
