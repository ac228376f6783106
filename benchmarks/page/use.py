"""Rows of what follows a training: evaluation, prediction, planning, and how often intervals hold the truth."""

from benchmarks.page.table import Aim, Figure, Results, Row, at_least


def evaluate(results: Results) -> list[Row]:
    """Evaluation and studies."""
    bootstrap = results["evaluate"]["bootstrap"]
    studies = {row["stage"]: row for row in results["studies"]["rows"]}
    memory = [Figure(studies[name]["added_mib"] / 1024, ".1f", Aim(2)) for name in ("robustness", "attack")]
    return [
        Row(
            f"bootstrap of {bootstrap['resamples']:,} resamples, {bootstrap['videos']} videos of "
            f"{bootstrap['frames_per_video']} frames, {bootstrap['conditions']} conditions",
            "s",
            [Figure(bootstrap["seconds"], ".1f", Aim(bootstrap["reach_seconds"]))],
        ),
        Row("peak memory of `robustness`; `attack`, at the paper's image and batch sizes", "GiB", memory),
        Row(
            "… grows with four times the images by",
            "",
            [Figure(studies[name]["growth"], ".2f", Aim(1.1)) for name in ("robustness", "attack")],
        ),
    ]


def demo(results: Results) -> list[Row]:
    """The demo in a fresh clone."""
    built = results["build"]
    sizes = [Figure(built["bytes"][name] / 1e9, ".1f") for name in ("environment", "outputs")]
    return [
        Row(
            "`make repro` in a fresh clone, set-up included",
            "minutes",
            [Figure(built["first"]["wall_s"] / 60, ".1f", Aim(15))],
        ),
        Row("a second `dvc repro`", "s", [Figure(built["again"]["wall_s"], ".0f", Aim(10))]),
        Row("disk: the environment; outputs with DVC's cache", "GB", sizes),
    ]


def predict(results: Results) -> list[Row]:
    """Scores of new files."""
    ways = {way["way"]: way for way in results["predict"]["ways"]}
    later = ("look", "predict", "report", "annotate")
    titles = "faces found and cut; scored; with page; with copy"
    return [
        Row(
            f"CPU seconds / those of decoding the 12 sampled frames alone, {results['predict']['videos']} real videos: "
            f"{titles}",
            "",
            [Figure(ways[way]["times_decoding"], ".1f") for way in later],
        ),
        Row(
            f'peak memory: decoding; {titles} (torch and its import from "scored" on)',
            "MB",
            [Figure(ways[way]["peak_mb"], ".0f") for way in ("decode", *later)],
        ),
    ]


def soak(results: Results) -> list[Row]:
    """A long load on the page in the browser."""
    found = results["soak"]
    setting, outcomes, growth = found["setting"], found["outcomes"], found["growth"]
    failed = sum(count for name, count in outcomes.items() if name not in ("scored", "vanished"))
    load = f"{setting['minutes']} minutes, {setting['clients']} clients at once, {found['files']} files of real people"
    left = sum(map(len, found["left"].values()))
    return [
        Row(
            f"{load}: scored; clients that vanished on purpose; failed",
            "",
            [Figure(outcomes["scored"], "d"), Figure(outcomes.get("vanished", 0), "d"), Figure(failed, "d", Aim(0))],
        ),
        Row(
            "last fifth of the time / second fifth: memory of the server; of the process that scores; open files",
            "",
            [Figure(growth[name], ".3f") for name in ("server_mb", "worker_mb", "open_files")],
        ),
        Row("uploads and processes left behind", "", [Figure(left, "d", Aim(0))]),
    ]


def plan(results: Results) -> list[Row]:
    """The plan and the rehearsal."""
    rows = results["plan"]["rows"]
    whole = {row["what"]: row["planned"] / row["measured"] for row in rows if row["stage"] == "all of these"}
    judged = [row["factor"] for row in rows if row["judged"] and row["stage"] != "all of these"]
    rehearsal = results["rehearsal"]
    full, tables = (int(word) for word in rehearsal["tables"].split() if word.isdigit())
    return [
        Row(
            "`deepfake-adv plan` / what the rehearsal of that day took, all stages: CPU seconds; bytes",
            "",
            [Figure(whole[what], ".2f", Aim(1.5)) for what in ("cpu_s", "bytes")],
        ),
        Row(
            f"of {len(judged)} figures of single stages, those within a factor of 1.5",
            "",
            [Figure(sum(factor <= 1.5 for factor in judged), "d", at_least(len(judged)))],
        ),
        Row(
            "`make rehearsal`, all 102 runs", "CPU minutes", [Figure(rehearsal["total"]["cpu_s"] / 60, ".0f", Aim(60))]
        ),
        Row("… disk", "GB", [Figure(rehearsal["total"]["disk_bytes"] / 1e9, ".2f", Aim(3))]),
        Row(f"… full tables, of {tables}", "", [Figure(full, "d", at_least(tables))]),
    ]


def coverage(results: Results) -> list[tuple[str, ...]]:
    """Simulated corpora: share of intervals that hold the truth, and in brackets their mean width in points."""

    def cell(found: dict[str, float]) -> str:
        return f"{100 * found['covered']:.0f} % ({100 * found['width']:.0f})"

    return [
        (row["corpus"], str(row["trainings"]), row["drawn"], cell(row["auc"]), cell(row["difference"]))
        for row in results["coverage"]["results"]
    ]
