"""Pictures in, boxes out: what the manifest describes, in numpy."""

import cv2
import numpy as np

from .convert import INPUT, OUTPUTS, SIDE

PERSON = 1


def tensor(picture):
    """BGR u8 picture of any shape -> RGB u8 [1,300,300,3], stretched."""
    stretched = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(stretched[None, :, :, ::-1])


def detect(session, picture, candidate=0.1):
    """Boxes (x1,y1,x2,y2 in pixels of `picture`) and scores, best first."""
    boxes, scores, labels, count = session.run(OUTPUTS, {INPUT: tensor(picture)})
    counted = np.arange(scores.shape[1]) < int(count.reshape(-1)[0])
    kept = counted & (scores[0] >= candidate) & (labels[0] == PERSON)
    height, width = picture.shape[:2]
    boxes = boxes[0][kept][:, [1, 0, 3, 2]] * [width, height, width, height]
    return boxes.clip(0, [width, height, width, height]), scores[0][kept]
