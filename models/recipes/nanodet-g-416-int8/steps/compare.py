"""How far a quantised model is from the float one."""

import time

import numpy as np
import onnxruntime as ort

from .picture import STRIDES, decode, iou, tensor


def session(path, threads=1, optimise=True):
    """`optimise=False` computes the Q/DQ graph node by node, in float: what exact
    integer arithmetic gives, whatever instructions this CPU has."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(model, feed):
    names = [o.name for o in model.get_outputs()]
    return dict(zip(names, model.run(names, {model.get_inputs()[0].name: feed})))


def reference(float_model, pictures):
    """What the float model says: a list of (feed, height, width, outputs)."""
    result = []
    for picture in pictures:
        feed = tensor(picture)
        result.append((feed, *picture.shape[:2], run(float_model, feed)))
    return result


def difference(model, known):
    """Against `reference`: mean and 99th percentile of the score difference on the
    person cells (float score 0.1 or more), mean IoU of the boxes there, and how
    many detections from 0.4 up are met (IoU 0.7 or more, score difference of 0.15
    or less) or are extra."""
    scores, overlaps, met, missed, extra = [], [], 0, 0, 0
    for feed, height, width, expected in known:
        got = run(model, feed)
        for stride in STRIDES:
            a, b = expected[f"scores_{stride}"][0, :, 0], got[f"scores_{stride}"][0, :, 0]
            cells = (a >= 0.1) | (b >= 0.1)
            scores.append((b - a)[cells])
        a, sa = decode(expected, height, width, 0.25)
        b, sb = decode(got, height, width, 0.25)
        table = iou(a, b)
        if table.shape[1]:
            overlaps.append(table.max(1)[sa >= 0.4])
        for n in np.nonzero(sa >= 0.4)[0]:
            near = table[n] >= 0.7
            if near.any() and abs(sb[near].max() - sa[n]) <= 0.15:
                met += 1
            else:
                missed += 1
        for n in np.nonzero(sb >= 0.4)[0]:
            if not (table[:, n] >= 0.5).any():
                extra += 1
    scores, overlaps = np.concatenate(scores), np.concatenate(overlaps)
    return {
        "score_difference_mean": round(float(np.abs(scores).mean()), 4),
        "score_difference_bias": round(float(scores.mean()), 4),
        "score_difference_p99": round(float(np.quantile(np.abs(scores), 0.99)), 4),
        "box_iou_mean": round(float(overlaps.mean()), 4),
        "met": met, "missed": missed, "extra": extra,
    }


def check_shapes(path, sizes):
    model = session(path)
    for height, width in sizes:
        got = run(model, np.zeros((1, 3, height, width), np.float32))
        for stride in STRIDES:
            cells = (height // stride) * (width // stride)
            assert got[f"scores_{stride}"].shape == (1, cells, 1), (height, width, stride)
            assert got[f"boxes_{stride}"].shape == (1, cells, 44), (height, width, stride)


def milliseconds(model, height, width, rounds=15):
    feed = np.random.default_rng(0).standard_normal((1, 3, height, width), np.float32)
    run(model, feed)
    best = []
    for _ in range(rounds):
        start = time.perf_counter()
        run(model, feed)
        best.append(time.perf_counter() - start)
    return round(float(np.median(best)) * 1000, 1)
