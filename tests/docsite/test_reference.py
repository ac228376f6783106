"""The reference has everything that the code has, and explains it."""

import numpy as np
import pyarrow as pa
import pytest

import deepfake_adv
from deepfake_adv.evaluation import metrics
from deepfake_adv.evaluation.run import Settings, evaluate
from deepfake_adv.evaluation.scores import all_test_sets, to_scores
from deepfake_adv.params.schema import Params
from deepfake_adv.registry import FOLDERS, Registry
from deepfake_adv.reporting.specs import load_specs
from docsite.reference import command_line, entries, files, measures, params, python, stages, tables
from docsite.reference.comments import comments
from docsite.reference.fields import keys_of


def headings(page, level=2):
    mark = "#" * level + " "
    return [line.removeprefix(mark).strip("`") for line in page.splitlines() if line.startswith(mark)]


def test_every_section_of_params_is_there_and_every_key_is_explained():
    assert headings(params.page()) == list(Params.model_fields)
    explained = {".".join(key.path): text for key, text in params.explained()}
    assert len(explained) > 100
    assert [key for key, text in explained.items() if not text] == []


def test_comments_are_those_beside_and_above_a_key(tmp_path):
    profile = tmp_path / "profile.yaml"
    profile.write_text(
        "# The file.\n\n# A section.\na:\n  b: 1   # beside\n  # above,\n  # in two lines\n  c: '#'\nd: {e: 2}\n"
    )
    assert comments(profile) == {("a",): "A section", ("a", "b"): "beside", ("a", "c"): "above, in two lines"}


def test_ranges_are_in_words():
    found = {".".join(key.path): (key.words, key.default) for key in keys_of(Params)}
    assert found["locate.smooth"] == ("whole number, at least 1, odd", 15)
    assert found["shard.max_frames"][0] == "whole number, at least 1 or `null`"
    assert found["crop.encoding"][0] == "`webp`, `png`, `i420`"
    assert found["datasets.<name>.frames.train"] == ("whole number, at least 1", 270)


@pytest.mark.slow  # imports every entry
def test_every_registered_entry_is_there_and_every_key_is_explained():
    unexplained = []
    for name, (_, kinds, _) in entries.PAGES.items():
        found = headings(entries.page(name), 2 if len(kinds) == 1 else 3)
        registered = [(kind, entry) for kind in kinds for entry in Registry(kind).names()]
        assert [each.partition("<")[0] for each in found] == [entry for _, entry in registered]
        models = [(entry, getattr(Registry(kind)[entry], "Params", None)) for kind, entry in registered]
        unexplained += [
            (entry, key.path) for entry, model in models if model for key in keys_of(model) if not key.meaning
        ]
    assert unexplained == []
    assert {kind for _, kinds, _ in entries.PAGES.values() for kind in kinds} == set(FOLDERS)


def test_every_command_is_there_with_its_help():
    page = command_line.page()
    assert headings(page) == list(command_line.commands())
    assert "* `--score-of <highest|main>`: Whose score is the file's" in page
    assert "data/runs/&lt;run>" in page


def test_every_public_name_is_there():
    assert set(python.exported()) == set(deepfake_adv.__all__)
    page = python.page()
    for name, module in python.exported().items():
        assert f"::: {module}.{name}\n" in page


def test_every_table_stage_and_target_is_there():
    assert len(headings(tables.page())) == len(load_specs())
    found = headings(stages.page())
    assert {"inputs", "sources", "corpus", "train", "report"} <= set(found)
    assert len(found) == len(stages.stages())
    targets = stages.make_targets()
    assert {"repro", "profile-own", "docs", "lock"} <= set(targets)
    assert all(targets.values())


def test_every_column_is_explained():
    missing = [
        (written.title, field.name)
        for written in files.FILES
        for field in written.schema
        if not files.columns_said(written).get(field.name)
    ]
    assert missing == []


@pytest.fixture
def scores():
    def make(labels):
        count = len(labels)
        names = [f"video{at}" for at in range(count)]
        columns = {
            "train_condition": ["NT_c23"] * count,
            "seed": pa.array([0] * count, pa.int32()),
            "dataset": ["corpus"] * count,
            "quality": ["c23"] * count,
            "forgery": ["NT" if label else "real" for label in labels],
            "label": pa.array(labels, pa.int8()),
            "video": names,
            "target": names,
            "frame": pa.array([0] * count, pa.int32()),
            "score": np.linspace(0, 1, count),
        }
        return to_scores(pa.table(columns))

    return make


def test_the_keys_of_an_evaluation_are_those_that_are_written(scores):
    found = set()
    for labels in ([0, 0, 1, 1], [0, 0, 0, 0]):
        for each in evaluate(all_test_sets(scores(labels)), Settings(20, 0.95, 0)):
            found |= set(each.entry)
    assert set(measures.KEYS) == found | {"ratios"}  # which validation videos would add
    assert tuple(measures.FUNCTIONS) == metrics.METRICS
