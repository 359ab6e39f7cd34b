"""Weights to 7 bits so that what a convolution gives out changes least.

Rounding each weight to the nearest step is best for the weight, not for the sum. Here the inputs of a
convolution are rounded one after another, and the error of each is made up for by those that are not rounded
yet, as far as the calibration pictures say that they go together (least squares, with the covariance of the
inputs). What remains on average goes into the bias, which has 32 bits.
"""

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, numpy_helper
from steps.picture import tensor

# 7 of 8 bits, as `reduce_range` of the quantizer.
HIGHEST = 64
# Patches of each picture that stand for all of them; some 60 pictures give 20 000, the largest has 2304 inputs.
PATCHES = 320
# Of the mean variance, added to each: inputs that hardly vary shall not be relied upon.
DAMPING = 0.01


def _convolutions(graph, left_out):
    return [n for n in graph.node if n.op_type == "Conv" and n.name not in left_out]


def _attributes(node):
    found = {a.name: list(a.ints) if a.ints else a.i for a in node.attribute}
    assert found.get("group", 1) == 1 and set(found.get("dilations", [1])) == {1}, node.name
    return found["kernel_shape"], found.get("strides", [1, 1]), found.get("pads", [0] * 4)


def _patches(value, node, rng):
    """Some of what the kernel sees: [patches, inputs * height * width]."""
    (kh, kw), (sy, sx), (top, left, bottom, right) = _attributes(node)
    padded = np.pad(value[0], ((0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), (1, 2))[:, ::sy, ::sx]
    rows, columns = windows.shape[1:3]
    count = min(PATCHES, rows * columns)
    at = rng.choice(rows * columns, count, replace=False)
    return windows[:, at // columns, at % columns].transpose(1, 0, 2, 3).reshape(count, -1)


def moments(model, pictures, left_out, seed=3):
    """name of a convolution -> (mean, covariance) of its inputs in the float model."""
    proto, rng = onnx.load(model), np.random.default_rng(seed)
    nodes = _convolutions(proto.graph, left_out)
    names = sorted({n.input[0] for n in nodes} - {i.name for i in proto.graph.input})
    present = {o.name for o in proto.graph.output}
    for name in names:
        if name not in present:
            proto.graph.output.append(onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    source = proto.graph.input[0].name
    sums = {}
    for picture in pictures:
        feed = tensor(picture)
        values = dict(zip(names, session.run(names, {source: feed}))) | {source: feed}
        for node in nodes:
            x = _patches(values[node.input[0]], node, rng)
            count, total, square = sums.get(node.name, (0, 0.0, 0.0))
            sums[node.name] = (count + len(x), total + x.sum(0, dtype=np.float64), square + x.T @ x)
    result = {}
    for name, (count, total, square) in sums.items():
        mean = total / count
        result[name] = (mean, square.astype(np.float64) / count - np.outer(mean, mean))
    return result


def _rounded(weight, scale, covariance):
    """weight [outputs, inputs] and the step of each output -> whole numbers."""
    weight = weight.astype(np.float64)
    inputs = weight.shape[1]
    spread = np.diag(covariance)
    damped = covariance + np.eye(inputs) * DAMPING * spread.mean()
    # Those that vary most first: what comes later has to make up for them.
    order = np.argsort(-spread, kind="stable")
    upper = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left, whole = weight[:, order].copy(), np.zeros_like(weight)
    for n in range(inputs):
        whole[:, n] = np.clip(np.round(left[:, n] / scale), -HIGHEST, HIGHEST)
        error = (left[:, n] - whole[:, n] * scale) / upper[n, n]
        left[:, n + 1:] -= np.outer(error, upper[n, n + 1:])
    result = np.zeros_like(weight)
    result[:, order] = whole
    return result


def apply(floating, path, known):
    """Rounds the weights of the quantised model in `path` anew, on the grid that they have, and its biases."""
    quantised, graph = onnx.load(path), onnx.load(floating).graph
    values = {i.name: i for i in quantised.graph.initializer}
    exact = {i.name: numpy_helper.to_array(i) for i in graph.initializer}

    def put(name, array):
        values[name].CopyFrom(numpy_helper.from_array(array, name))

    for node in graph.node:
        if node.name not in known:
            continue
        _, weight, bias = node.input
        mean, covariance = known[node.name]
        scale = numpy_helper.to_array(values[f"{weight}_scale"]).astype(np.float64)
        flat = exact[weight].reshape(len(scale), -1)
        whole = _rounded(flat, scale, covariance)
        put(f"{weight}_quantized", whole.reshape(exact[weight].shape).astype(np.int8))
        level = exact[bias] + (flat - whole * scale[:, None]) @ mean
        step = numpy_helper.to_array(values[f"{bias}_quantized_scale"])
        put(f"{bias}_quantized", np.round(level / step).astype(np.int32))
    onnx.checker.check_model(quantised, full_check=True)
    onnx.save(quantised, path)
    return path
