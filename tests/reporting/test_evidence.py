import pytest

from deepfake_adv.names import Condition
from deepfake_adv.reporting import evidence
from deepfake_adv.reporting.measured import read_evaluations

VIDEO_COLUMNS = (
    "dataset,target,video,quality,shots,others,asked,detected,filled,dropped,missed_share,named"  # as locate has them
)


@pytest.fixture
def evaluations(project, runs):
    return read_evaluations(project / "reports/evaluation", runs | {"not_run_yet": ("baseline", "small")})


def test_facts_say_what_when_where_and_what_is_synthetic(evaluations):
    facts = {fact.name: fact.text for fact in evidence.facts(evaluations, {"corpus": "a synthetic corpus"})}
    assert facts["Trained"] == "2 detectors in 2 runs on NT_raw, NT_c23, NT_c40"
    assert facts["Synthetic"] == "corpus: a synthetic corpus"
    assert facts["Length"] == "40 steps; seed 0; no pretrained weights"
    assert facts["Device"] == "cpu (test)"
    assert facts["Versions"] == "torch 2.0"
    assert "540 frames of 90 videos" in facts["Tested"]


def test_numbers_of_data_of_our_own_are_named(evaluations):
    made = {"corpus": "rendered faces", "wild": "rendered faces", "other": "clips"}
    assert evidence.synthetic(evaluations, made) == "Every number without the word “paper” comes from rendered faces."
    assert evidence.synthetic(evaluations, {"wild": "clips"}) == "The numbers on wild come from clips."
    assert evidence.synthetic(evaluations, {}) == evidence.synthetic({}, made) == ""


def test_without_runs_the_facts_say_so():
    assert "nothing yet" in evidence.facts({}, {})[0].text


def test_length_spans_the_trainings_and_owns_up_to_pretrained_weights(evaluations):
    longer = {"steps": 1200, "seed": 3, "params": {"detector": {"frame": {"pretrained": True}}}}
    training = evaluations["small_baseline"]["provenance"]["training"] | {"NT_c23/seed3": longer}
    content = evaluations["small_baseline"] | {"provenance": {"training": training}}
    older = {key: value for key, value in longer.items() if key != "steps"} | {"device": "", "versions": {}}
    longer |= {"device": "", "versions": {}}
    facts = {fact.name: fact.text for fact in evidence.facts({"a": content}, {})}
    assert facts["Length"] == "40 to 1,200 steps; seeds 0, 3; from pretrained weights, all or some"
    without = content | {"provenance": {"training": {"NT_c23/seed0": older}}}
    assert "Length" not in {fact.name for fact in evidence.facts({"a": without}, {})}


def test_real_datasets_are_not_called_synthetic(evaluations):
    facts = {fact.name: fact.text for fact in evidence.facts(evaluations, {})}
    assert facts["Synthetic"].startswith("nothing")


@pytest.mark.parametrize(
    ("text", "expected"), [("NT_c23", False), ("DFD_native", False), ("FF_raw", True), ("DF_all", True)]
)
def test_a_condition_of_several_forgeries_or_qualities_is_pooled(text, expected):
    assert evidence.pooled(Condition.parse(text)) == expected


def test_videos_whose_face_is_missed_too_often_and_those_with_other_people_are_reported(tmp_path):
    for dataset, lines in (
        ("corpus", ["corpus,1,real/1,,1,0,10,7,1,2,0.300,1", "corpus,2,real/2,,1,2,10,10,0,0,0.000,0"]),
        ("other", ["other,3,real/3,c23,2,1,10,0,0,10,1.000,1", "other,4,real/4,c23,,,10,0,0,10,1.000,0"]),
    ):
        (tmp_path / dataset).mkdir()
        (tmp_path / dataset / "videos.csv").write_text("\n".join([VIDEO_COLUMNS, *lines]) + "\n")
    datasets = ["corpus", "other", "absent"]
    assert [line["video"] for line in evidence.faceless(tmp_path, datasets)] == ["real/3", "real/1"]
    assert evidence.crowded(tmp_path, datasets) == [("corpus", 1, 2, 2), ("other", 1, 2, 1)]


def test_misses_are_counted_by_what_was_done(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    lines = [
        "dataset,target,video,frame,action,reason",
        *(f"corpus,1,real/1,{k},interpolated,no face" for k in range(3)),
    ]
    (folder / "misses.csv").write_text("\n".join(lines) + "\n")
    assert evidence.misses(tmp_path, ["corpus"]) == [("corpus", "interpolated", "no face", 3)]
    assert evidence.misses(tmp_path, ["another"]) == []
    assert evidence.read_table(tmp_path / "absent.csv") == []
