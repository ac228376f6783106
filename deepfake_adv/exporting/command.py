"""The command `export`: a trained detector as an ONNX file, or as a folder for a model hub."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ExportFormat(StrEnum):
    """What a detector is exported as."""

    onnx = "onnx"
    hub = "hub"


def export(
    run: Annotated[Path, typer.Argument(help="A trained detector, data/runs/<run>/<condition>/seed<k>.")],
    out: Annotated[Path, typer.Option(help="File (onnx) or folder (hub) to make.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="onnx: a file for other runtimes; hub: a folder.")],
    evaluation: Annotated[
        Path | None, typer.Option(help="reports/evaluation/<run>.json, for the model card; default: the project's own.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Of the weights, for the model card, such as cc-by-nc-4.0.")
    ] = None,
) -> None:
    """Write a trained detector for other programs (onnx), or for others to load (hub).

    onnx: the input `images` is (B, 3, S, S) float32, RGB face crops in [0, 1], B free; the outputs are `score`,
    P(fake), and `logits`. The file is compared with torch at several batch sizes before it is kept.

    hub: a folder with model.safetensors, config.json and a model card README.md. `deepfake_adv.load(folder)` and
    `--detector folder` read it.
    """
    from deepfake_adv.training.trained import load_trained

    trained = load_trained(run)
    if form is ExportFormat.onnx:
        from deepfake_adv.exporting.to_onnx import export_onnx

        found = export_onnx(trained, out)
        sizes = ", ".join(map(str, found["batches"]))
        typer.echo(
            f"{out}: equal to torch at batch sizes {sizes}; largest difference of a score "
            f"{found['score']:.1e}, of a logit {found['logits']:.1e}"
        )
        return
    from deepfake_adv.exporting.to_hub import export_hub

    made = export_hub(trained, out, evaluation=evaluation, licence=licence)
    typer.echo(f"{out}: {', '.join(made['files'])}; metrics from {made['evaluation'] or 'nowhere: none were found'}")
