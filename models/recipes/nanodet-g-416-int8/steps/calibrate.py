"""Ranges of the activations, tensor by tensor.

The pictures differ in shape, so the ranges are collected one picture at a time
(two runs: extremes, then histograms) instead of with ONNX Runtime's calibrators,
which stack the tensors of all pictures.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import TensorData, TensorsData

from .picture import tensor

BINS = 4096
QUANTISED = ("Conv", "LeakyRelu", "Add", "Concat", "MaxPool", "Resize")


def _exposed(model: Path, work: Path):
    """A copy of the model that gives out every activation of interest."""
    graph = onnx.load(model)
    names = []
    for node in graph.graph.node:
        if node.op_type in QUANTISED:
            names.extend(node.output)
    present = {o.name for o in graph.graph.output}
    for name in names:
        if name not in present:
            graph.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    path = work / "exposed.onnx"
    onnx.save(graph, path)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]), names


def histograms(model: Path, pictures, work: Path, source: str):
    """name -> (counts, low, high)."""
    session, names = _exposed(model, work)
    low, high = {source: np.inf}, {source: -np.inf}
    feeds = [tensor(p) for p in pictures]
    everything = names + [source]

    def values(feed):
        return zip(everything, session.run(names, {source: feed}) + [feed])

    for feed in feeds:
        for name, value in values(feed):
            low[name] = min(low.get(name, np.inf), float(value.min()))
            high[name] = max(high.get(name, -np.inf), float(value.max()))
    counts = {n: np.zeros(BINS, np.int64) for n in everything}
    for feed in feeds:
        for name, value in values(feed):
            counts[name] += np.histogram(value, BINS, (low[name], high[name]))[0]
    return {n: (counts[n], low[n], high[n]) for n in everything}


def _leaky(slope):
    return lambda x: np.where(x < 0, x * slope, x)


def _minmax(counts, low, high, symmetric, then):
    return low, high


def _percentile(keep):
    def pick(counts, low, high, symmetric, then):
        edges = np.linspace(low, high, BINS + 1)
        share = np.cumsum(counts) / counts.sum()
        tail = (1 - keep) / 2
        return edges[np.searchsorted(share, tail)], edges[min(BINS, np.searchsorted(share, 1 - tail) + 1)]
    return pick


def _least_error(power):
    """The clipping range with the least mean error**power, the error taken behind
    the LeakyRelu where one follows (there the negative side counts a tenth)."""
    shares = np.linspace(0.1, 1, 37)

    def pick(counts, low, high, symmetric, then):
        centres = np.linspace(low, high, BINS + 1)
        centres = (centres[:-1] + centres[1:]) / 2
        exact = then(centres)
        low, high = min(low, 0.0), max(high, 0.0)
        if symmetric:
            bound = max(-low, high)
            candidates = [(-bound * s, bound * s) for s in shares]
        else:
            candidates = [(low * a, high * b) for a in (shares if low < 0 else [1.0]) for b in shares]
        best, chosen = np.inf, (low, high)
        for a, b in candidates:
            step = (b - a) / 255
            if step <= 0:
                continue
            rounded = np.clip(np.round((centres - a) / step), 0, 255) * step + a
            error = float((counts * np.abs(then(rounded) - exact) ** power).sum())
            if error < best:
                best, chosen = error, (a, b)
        return chosen
    return pick


METHODS = {
    "minmax": _minmax,
    "percentile-99.99": _percentile(0.9999),
    "percentile-99.999": _percentile(0.99999),
    "least-error-2": _least_error(2),
    "least-error-3": _least_error(3),
    "least-error-4": _least_error(4),
}


def activation_slopes(model: Path):
    """tensor -> slope of the LeakyRelu that is its only user."""
    graph = onnx.load(model).graph
    slopes = {}
    for node in graph.node:
        if node.op_type == "LeakyRelu" and sum(node.input[0] in n.input for n in graph.node) == 1:
            slopes[node.input[0]] = next((a.f for a in node.attribute if a.name == "alpha"), 0.01)
    return slopes


def ranges(model: Path, collected, method: str, symmetric: bool) -> TensorsData:
    pick, slopes, data = METHODS[method], activation_slopes(model), {}
    for name, (counts, low, high) in collected.items():
        a, b = pick(counts, low, high, symmetric, _leaky(slopes.get(name, 1.0)))
        data[name] = TensorData(lowest=np.float32(a), highest=np.float32(b))
    return TensorsData(CalibrationMethod.MinMax, data)
