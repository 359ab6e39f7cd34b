"""Float model + ranges -> the two int8 variants (QDQ, per channel).

u8, for CPUs: activations u8 with a zero point. The weights keep to 7 bits: with
8, the AVX2 instruction for u8 x s8 saturates, and CPUs without VNNI then compute
something else than CPUs with it (mean score difference twice as large).

s8, for TensorRT: symmetric, no zero points, biases left in float32, and pairs
only in front of Conv, Add and Concat, so that Conv and LeakyRelu can be fused.
"""

from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

# The score heads are one channel wide: they cost nothing in float32 and decide.
FLOAT_NODES = ["head_scores_8", "head_scores_16", "head_scores_32"]

VARIANTS = {
    "u8": {
        "reduce_range": True,
        "activation_qType": QuantType.QUInt8,
        "op_types_to_quantize": ["Conv", "LeakyRelu", "Add", "Concat", "MaxPool"],
        "extra_options": {"WeightSymmetric": True, "ActivationSymmetric": False},
    },
    "s8": {
        "reduce_range": False,
        "activation_qType": QuantType.QInt8,
        "op_types_to_quantize": ["Conv", "Add", "Concat"],
        "extra_options": {
            "WeightSymmetric": True,
            "ActivationSymmetric": True,
            "QuantizeBias": False,
            "OpTypesToExcludeOutputQuantization": ["Conv"],
        },
    },
}


def quantise(source: Path, out: Path, ranges, activations: str) -> Path:
    """`activations`: "u8" or "s8"."""
    quantizer = QDQQuantizer(
        onnx.load(source), per_channel=True, weight_qType=QuantType.QInt8, tensors_range=ranges,
        nodes_to_quantize=[], nodes_to_exclude=FLOAT_NODES, **VARIANTS[activations],
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    result = quantizer.model.model
    kept = [o for o in result.opset_import if o.domain in ("", "ai.onnx")]
    del result.opset_import[:]
    result.opset_import.extend(kept)
    onnx.checker.check_model(result, full_check=True)
    onnx.save(result, out)
    return out
