"""The command line: deepfake-adv check | plan | predict | export-frames | train-all | clean."""

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from deepfake_adv import __version__
from deepfake_adv.execution.parent import STOPPED
from deepfake_adv.log import configure
from deepfake_adv.params.load import load_params, read_yaml
from deepfake_adv.registry import Registry, use_plugins
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


def report_errors(*, resumes: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Print a command's errors, and Ctrl-C, as one message without a traceback.

    Args:
        resumes: Whether the same command continues where it was stopped.
    """
    again = "run the same command again" + ": finished work is kept" * resumes

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def wrapped(*arguments: Any, **keywords: Any) -> None:
            configure("deepfake-adv")
            try:
                check_checkout()
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


def _locator(name: str) -> str:
    """Check a locator's name; from here on the plug-ins of the working directory's project are in use."""
    if Path("params.yaml").is_file():
        use_plugins(read_yaml(Path("params.yaml")).get("plugins") or [])
    known = list(Registry[Any]("locator"))
    if name not in known:
        hint = did_you_mean(name, known, "Name one of them.")
        raise typer.BadParameter(f"must be one of {', '.join(known)}; got {name!r}.{hint}")
    return name


@app.command()
@report_errors()
def check(profile: Profile = None) -> None:
    """Check params.yaml or a profile; every error is reported."""
    path = _params_file(profile)
    found = load_params(path=path)
    print(f"{path}: profile {found.profile}, {len(found.parts)} parts, {len(found.runs)} runs; no errors found")


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
        list[Path], typer.Argument(readable=False, help="Images, videos, or folders of a video's frames.")
    ],
    detector: Annotated[Path, typer.Option(help="A trained detector, data/runs/<run>/<condition>/seed<k>.")],
    frames: Annotated[int, typer.Option(min=1, help="Frames sampled from a video.")] = 20,
    margin: Annotated[
        float, typer.Option(min=1, max=4, help="The crop's side over the face box's; crop.margin in training.")
    ] = 1.3,
    backend: Annotated[str, typer.Option(help="How faces are found: a locator's name.", callback=_locator)] = "dlib",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per input, frames included.")] = False,
) -> None:
    """Score files: P(fake), 0 to 1. A file without a face is reported and does not stop the others."""
    from deepfake_adv.training.device import choose_device
    from deepfake_adv.training.predict import predict as score
    from deepfake_adv.training.trained import load_trained

    trained = load_trained(detector, choose_device("auto"))
    failed = False
    for path in inputs:
        try:
            found = score(path, trained, frames=frames, margin=margin, backend=backend)
        except EXPECTED as error:
            print(f"{path}: {explain(error)}", file=sys.stderr)
            failed = True
            continue
        text = f"{path}\t{found.score:.4f}\t{len(found.frames)} frames, {len(found.missed)} without a face"
        print(json.dumps(found.to_dict()) if as_json else text)
    if failed:
        raise typer.Exit(1)


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
    only: Annotated[str, typer.Option(help="Take the runs whose names hold this text.")] = "",
) -> None:
    """Train, score and evaluate independent runs in parallel; `dvc repro` then makes tables and report."""
    from deepfake_adv.execution.dvc_batch import record
    from deepfake_adv.execution.dvc_lock import restore_lock
    from deepfake_adv.training.fleet import changed_runs, summary
    from deepfake_adv.training.fleet import train_all as carry_out
    from deepfake_adv.training.slots import Need

    params = load_params("runs", "execution", "device")
    named = [name for name in params.runs if only in name]
    if not named:
        raise ValueError(f"--only must be part of a run's name; got {only!r}. There are {', '.join(params.runs)}.")
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
    from deepfake_adv.params.load import read_yaml

    for line in carry_out(Path.cwd(), read_yaml(Path("params.yaml")), everything=everything):
        print(line)


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
