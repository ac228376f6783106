"""The command line: check, plan, predict, serve, evaluate, compare, export, export-frames, train-all, clean."""

import fnmatch
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from deepfake_adv import __version__
from deepfake_adv.commands.common import Accelerator, ScoreOf, known_locator, limits, plugins_of_folder
from deepfake_adv.commands.measure import EXPLAINED, compare, evaluate
from deepfake_adv.commands.serve import serve
from deepfake_adv.execution.parent import STOPPED
from deepfake_adv.exporting.command import export
from deepfake_adv.log import configure
from deepfake_adv.params.load import load_params, read_yaml
from deepfake_adv.sources.checkout import check_checkout
from deepfake_adv.stage import EXPECTED, explain
from deepfake_adv.suggestions import did_you_mean

app = typer.Typer(no_args_is_help=True)


Profile = Annotated[str | None, typer.Option(help="A profile of profiles/, or a file; else params.yaml.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"deepfake-adv {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Deepfake forensics via an adversarial game."""


Command = Callable[..., None]


def report_errors(*, resumes: bool = False, plugins: bool = False) -> Callable[[Command], Command]:
    """Print a command's errors, and Ctrl-C, as one message without a traceback.

    Args:
        resumes: Whether the same command continues where it was stopped.
        plugins: Whether to use the plug-ins of the working directory's params.yaml.
    """
    again = "run the same command again" + ": finished work is kept" * resumes

    def decorated(command: Command) -> Command:
        @wraps(command)
        def wrapped(*arguments: Any, **keywords: Any) -> None:
            configure("deepfake-adv")
            try:
                check_checkout()
                if plugins:
                    plugins_of_folder()
                command(*arguments, **keywords)
            except typer.Exit:  # a RuntimeError whose message has been printed already
                raise
            except KeyboardInterrupt as error:
                print(f"interrupted; {again}" if resumes else "interrupted", file=sys.stderr)
                raise typer.Exit(STOPPED) from error
            except EXPECTED as error:
                print(explain(error, again=again), file=sys.stderr)
                raise typer.Exit(1) from error

        return wrapped

    return decorated


def _params_file(profile: str | None) -> Path:
    if profile is None:
        return Path("params.yaml")
    if profile.endswith(".yaml"):
        return Path(profile)
    known = sorted(path.stem for path in Path("profiles").glob("*.yaml"))
    if profile not in known:
        raise ValueError(f"profile must be one of {', '.join(known)}; got {profile!r}. Name a file of profiles/.")
    return Path("profiles") / f"{profile}.yaml"


@app.command()
@report_errors()
def check(profile: Profile = None) -> None:
    """Check params.yaml or a profile, and count each run's videos where the datasets are there; report every error."""
    from deepfake_adv.commands.corpus_datasets import missing_clips, not_made
    from deepfake_adv.datasets.counts import count_videos
    from deepfake_adv.datasets.layouts.registry import build_layout
    from deepfake_adv.datasets.probing import PartOnDisk
    from deepfake_adv.reporting.plan import plan as tables_of
    from deepfake_adv.reporting.plan import unscored

    path = _params_file(profile)
    found = load_params(path=path)
    parts = []
    for part in found.parts.values():
        dataset = found.datasets[part.dataset]
        layout = build_layout(dataset.layout, dataset.root, dataset.forgeries, dataset.options)
        parts.append(PartOnDisk(part.dataset, str(part.quality), layout))
    lines, errors = count_videos(parts, {name: (run.tier, run.conditions) for name, run in found.runs.items()})
    errors = not_made(found) + missing_clips(found) + errors
    if errors:
        listed = "\n".join(f"  - {error}" for error in errors)
        raise ValueError(f"the datasets must match {path}; fix and run again:\n{listed}")
    lines += [f"{path}: {line}; add it there to fill them" for line in unscored(tables_of(found))]
    print("\n".join([f"{path}: profile {found.profile}, {len(found.parts)} parts, {len(found.runs)} runs", *lines]))
    print("no errors found")


@app.command()
@report_errors(resumes=True)
def plan(
    profile: Profile = None,
    runs: Annotated[bool, typer.Option("--runs", help="List every run too.")] = False,
    cores: Annotated[int | None, typer.Option(help="Of the machine; by default, this machine's.")] = None,
    gpus: Annotated[int | None, typer.Option(help="Its GPUs.")] = None,
    memory: Annotated[str | None, typer.Option(help="Its main memory, such as 512GB.")] = None,
    disk: Annotated[str | None, typer.Option(help="What is free on its disk, such as 4TB.")] = None,
    gpu_memory: Annotated[str | None, typer.Option(help="Of one GPU, such as 80GB.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs side by side, as for train-all.")] = None,
    device: Annotated[str | None, typer.Option(help="Part of a calibrated device's name, if several are.")] = None,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="First time a few steps of each detector with each method, here.")
    ] = False,
    calibration: Annotated[Path, typer.Option(help="File of what calibrations found.")] = Path("work/calibration.json"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which tables a profile fills, what it takes on a machine (hours, bytes, memory), and what would not fit."""
    from deepfake_adv.planning.command import Question, answer

    params = load_params(path=_params_file(profile), entries=calibrate)
    asked = Question(cores, gpus, memory, disk, gpu_memory, jobs, device, calibrate, calibration)
    print(answer(params, asked, runs=runs, as_json=as_json))


@app.command()
@report_errors()
def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(readable=False, help="Pictures, videos, folders of them, or .csv tables with a column `path`."),
    ],
    detector: Annotated[Path, typer.Option(help="A trained detector, data/runs/<run>/<condition>/seed<k>.")],
    output: Annotated[
        Path | None, typer.Option(help="Write the JSON lines here, not to stdout; a later call goes on where it ends.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write a table, one line per file.")] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Also write a parquet file: the table, people and frames.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Also write one HTML page: timelines, the most telling faces, where the detector looks."),
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option(help="Also write copies of the files with boxes and scores into this folder.")
    ] = None,
    score_of: Annotated[
        ScoreOf, typer.Option(help="Whose score is the file's: the highest of all people's, or the main person's.")
    ] = ScoreOf.highest,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Frames sampled from a video; default: as the run's test videos.")
    ] = None,
    frames_of_one_video: Annotated[
        bool, typer.Option("--frames-of-one-video", help="A folder holds the frames of one video.")
    ] = False,
    locator: Annotated[
        str | None,
        typer.Option(
            help="Find faces by another locator than in training; whole: a picture is a face.", callback=known_locator
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse damaged videos; else what decodes is scored.")
    ] = False,
    min_face: Annotated[int, typer.Option(min=1, help="Smaller faces are not scored; pixels.")] = 40,
    min_frames: Annotated[int, typer.Option(min=1, help="Sampled frames that must show a person.")] = 2,
    device: Annotated[Accelerator, typer.Option(help="Where the detector runs.")] = Accelerator.auto,
    workers: Annotated[int, typer.Option(min=0, help="Processes that find faces; 0: one per core.")] = 0,
    false_positive_rate: Annotated[
        float, typer.Option(help="Share of genuine videos that the threshold may call fake.")
    ] = 0.05,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress and no log.")] = False,
) -> None:
    """Score everyone in pictures and videos: P(fake), 0 to 1, as JSON lines.

    Faces are found, followed and cut as in the detector's training. A file that cannot be scored is a row with its
    error. The exit code is 0 if all files were scored, else 1. Larger media than inventory.max_frames and
    inventory.max_pixels of params.yaml (180,000 frames, 100,000,000 pixels where there is none) are refused.
    """
    from deepfake_adv.prediction.command import run

    done = run(
        inputs, detector, output=output, csv=csv, parquet=parquet, report=report, annotated=annotate, frames=frames,
        locator=locator, min_face=min_face, min_frames=min_frames, accelerator=device.value, quiet=quiet,
        limits=limits(), score_of=score_of.value, one_video=frames_of_one_video, strict=strict, workers=workers,
        false_positive_rate=false_positive_rate,
    )  # fmt: skip
    if not done:
        raise typer.Exit(1)


app.command()(report_errors()(serve))
app.command(epilog="\n\n".join(EXPLAINED))(report_errors(resumes=True, plugins=True)(evaluate))
app.command()(report_errors()(compare))
app.command()(report_errors(plugins=True)(export))


@app.command()
@report_errors()
def export_frames(
    crops: Annotated[Path, typer.Argument(help="Crops of a part, data/crops/<dataset>/<quality>.")],
    output: Annotated[Path, typer.Argument(help="Folder to make.")],
    layout: Annotated[str, typer.Option(help="sladd or deepfakebench.")] = "sladd",
    size: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Side in pixels; each crop's own if not given.")
    ] = None,
) -> None:
    """Write crops as PNG files in the folder layout of another project."""
    from deepfake_adv.data.export import export_frames as export

    print(f"{export(crops, output, layout=layout, size=size)} crops in {output}")


@app.command()
@report_errors(resumes=True)
def train_all(
    jobs: Annotated[int | None, typer.Option(help="Runs at a time; default: as many as find GPUs, else cores.")] = None,
    only: Annotated[str, typer.Option(help="A run's name, or a pattern such as '*_sladd'; default: all.")] = "*",
) -> None:
    """Train, score and evaluate independent runs in parallel; `dvc repro` then makes tables and report."""
    from deepfake_adv.execution.dvc_batch import record
    from deepfake_adv.execution.dvc_lock import restore_lock
    from deepfake_adv.training.fleet import changed_runs, summary
    from deepfake_adv.training.fleet import train_all as carry_out
    from deepfake_adv.training.slots import Need

    params = load_params("runs", "execution", "device")
    named = fnmatch.filter(params.runs, only)
    if not named:
        hint = did_you_mean(only, params.runs, f"There are {', '.join(params.runs)}.")
        raise ValueError(f"--only must be a run's name, or a pattern of some, such as '*_sladd'; got {only!r}.{hint}")
    restore_lock()
    record()  # results of a killed train-all
    finished = carry_out(
        changed_runs(named),
        need=Need(params.device.devices, params.device.nodes, params.device.accelerator),
        jobs=jobs,
        engine=params.execution.engine,
        address=params.execution.address,
    )
    print(summary(finished))
    if any(done.code for done in finished):
        raise typer.Exit(1)


@app.command()
@report_errors(resumes=True)
def clean(
    everything: Annotated[bool, typer.Option("--all", help="Also what a later run would continue from.")] = False,
) -> None:
    """Delete scratch folders of killed stages in work/, except those that the present params would continue from."""
    from deepfake_adv.cleaning import clean as carry_out

    for line in carry_out(Path.cwd(), read_yaml(Path("params.yaml")), everything=everything):
        print(line)


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
