"""Rows of what training takes: the blur, a step, a whole training."""

from benchmarks.page.table import Aim, Figure, Results, Row, at_least


def blur(results: Results) -> list[Row]:
    """The pixel-wise blur."""

    def of(threads: int, k: int, key: str) -> list[float]:
        """The figure for: forward, gradient for the map, gradients for image and map."""
        return [float(row[key]) for row in results[f"blur-cpu-{threads}"]["rows"] if row["k"] == k]

    target = results["blur-cpu-1"]["target"]
    fused, plain = at_least(target["cpu"]), at_least(target["cpu, plain"])
    rows = [
        Row(
            "k = 9, one thread: forward; gradient for the map; for image and map",
            "times faster",
            [Figure(value, ".0f", fused) for value in of(1, 9, "ratio")],
        ),
        Row("the same with two threads", "times faster", [Figure(value, ".0f") for value in of(2, 9, "ratio")]),
        Row(
            "the plain path (float64, other devices), one thread: the same three",
            "times faster",
            [Figure(value, ".0f", plain) for value in of(1, 9, "plain_ratio")],
        ),
        Row(
            "bytes kept for the gradient, k = 9",
            "times fewer",
            [Figure(of(1, 9, "saved_ratio")[0], ".0f", at_least(100))],
        ),
    ]
    for k in (3, 5, 15):
        what = f"k = {k}, one thread: the same three"
        rows.append(Row(what, "times faster", [Figure(value, ".0f") for value in of(1, k, "ratio")]))
    return rows


def step(results: Results) -> list[Row]:
    """One training step."""

    def of(file: str, key: str, *steps: str) -> list[tuple[float, float | None]]:
        rows = {row["step"]: row for row in results[file]["rows"]}
        return [(float(rows[step][key]), rows[step]["limit"]) for step in steps]

    both = ("two_gen_bat", "two_gen_bat (reversal)")
    alone = tuple(f"generators and blur alone{way}" for way in ("", " (reversal)"))
    ratio, ((grad, limit),) = "ratio to baseline", of("step-cpu", "ratio to baseline", "grad_bat")
    rows = [
        Row("grad_bat / baseline", "", [Figure(grad, ".1f", None if limit is None else Aim(limit))]),
        Row(
            "two_gen_bat / baseline: alternating; by reversal",
            "",
            [Figure(value, ".1f") for value, _ in of("step-cpu", ratio, *both)],
        ),
        Row(
            "… of which generators and blur",
            "",
            [Figure(value, ".1f") for value, _ in of("step-cpu", ratio, *alone)],
        ),
        Row(
            "… of which passes of the detector",
            "",
            [
                Figure(value, ".1f", None if most is None else Aim(most))
                for value, most in of("step-cpu", "detector passes", *both)
            ],
        ),
    ]
    ways = {
        "step-compiled": "detector compiled",
        "step-bf16": "bfloat16 (the paper profile's), not compiled",
        "step-cpu": "float32, not compiled, as the release's",
    }
    for file, way in ways.items():
        found = of(file, "times faster than the release", "grad_bat", *both)
        rows.append(
            Row(
                f"the release's step / ours, {way}: grad_bat; two_gen_bat; by reversal",
                "",
                [Figure(value, ".2f", at_least(1.5)) for value, _ in found],
            )
        )
    return rows


def train(results: Results) -> list[Row]:
    """The demo's training against its step alone."""

    def of(threads: int, cache: str) -> list[Figure]:
        rows = [row for row in results[f"train-cpu-{threads}"]["rows"] if row["cache"] == cache]
        return [Figure(row["both / step"], ".2f", at_least(0.9)) for row in rows]

    return [
        Row("decoded once, the step on two cores: baseline; two_gen_bat", "", of(2, "memory")),
        Row("decoded in each epoch by 2 workers, the step on the same two cores", "", of(2, "none")),
        Row("decoded in each epoch by 2 workers, the step on one core", "", of(1, "none")),
    ]
