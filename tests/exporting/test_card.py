import pytest
from huggingface_hub import ModelCard

from deepfake_adv.exporting.card import model_card
from deepfake_adv.exporting.measurements import find_measurements
from deepfake_adv.files import write_json
from deepfake_adv.training.trained import load_trained

RENDERED = {
    "corpus/c23": {"videos": {"real": 12, "NT": 12}, "face_px": [60.0, 61.0, 70.0, 80.0, 90.0], "origin": "procedural"}
}


def card_of(folder, **options):
    run = load_trained(folder)
    return model_card(run, find_measurements(run, None), **options)


def test_a_card_states_the_metrics_with_their_intervals(trained, evaluation):
    folder = trained()
    evaluation(folder)
    text = card_of(folder)
    lines = [line for line in text.splitlines() if line.startswith("| corpus | ")]
    assert lines[0].startswith("| corpus | NT_c23 | 6 / 6 | 87.5 [75.0, 100.0] |")  # home first
    assert lines[1].startswith("| corpus | DF_c23 | 6 / 6 | – |")
    assert len(lines) == 3  # none of another training condition
    assert "with 95 % bootstrap intervals" in text
    data = ModelCard(text).data
    assert [(result.dataset_name, result.metric_value) for result in data.eval_results] == [
        ("corpus, NT_c23", 0.875), ("corpus, FS_c23", 0.875)
    ]  # fmt: skip
    assert (data.library_name, data.pipeline_tag) == ("deepfake-adv", "image-classification")


def test_a_card_without_an_evaluation_says_so(trained):
    text = card_of(trained())
    assert "No evaluation of these weights was found." in text
    assert ModelCard(text).data.eval_results is None


def test_a_card_says_what_the_training_data_were(trained):
    text = card_of(trained(training_data=RENDERED))
    assert "| corpus/c23 | NT 12, real 12 | 60.0, 61.0, 70.0, 80.0, 90.0 | this software: rendered faces |" in text
    assert "It has seen rendered faces only" in text
    assert ModelCard(text).data.license == "apache-2.0"


@pytest.mark.parametrize("data", [{}, {**RENDERED, "ff/c23": {"videos": {"real": 1}, "face_px": [], "origin": ""}}])
def test_weights_of_other_data_have_no_licence_of_ours(trained, data):
    text = card_of(trained(training_data=data))
    assert "It has seen rendered faces only" not in text
    assert (ModelCard(text).data.license, ModelCard(text).data.license_name) == ("other", "terms-of-the-training-data")
    named = ModelCard(card_of(trained(training_data=data), licence="cc-by-nc-4.0")).data
    assert named.license == "cc-by-nc-4.0"


def test_a_card_of_sladd_names_the_terms_of_its_landmarks(trained):
    params = {"detector": {"name": "compact", "width": 4}, "method": {"name": "sladd"}}
    assert "whose data exclude commercial use" in card_of(trained(params=params))
    assert "whose data exclude commercial use" not in card_of(trained())


def test_a_card_states_the_calibration_of_the_validation_videos(trained):
    folder = trained()
    assert "None: the run kept no scores" in card_of(folder)
    common = {"dataset": "corpus", "quality": "c23", "frames": 12}
    videos = [
        {
            **common,
            "target": f"{label}{k}",
            "video": f"{label}/{k}",
            "label": label,
            "score": 0.2 + 0.5 * label + k / 50,
        }
        for label in (0, 1)
        for k in range(10)
    ]
    write_json(folder / "reference.json", {"format": 1, "videos": videos})
    text = card_of(folder)
    assert "Likelihood ratio of a video: log10 LR = " in text
    assert "10 real and 10 fake validation videos" in text
    assert "10 genuine people were validated on, and" in text or "at most 5 % of the genuine" in text
    write_json(folder / "reference.json", {"format": 1, "videos": videos[:10]})
    assert "None: the run kept no scores" in card_of(folder)


def test_a_detector_of_the_users_names_its_module(trained):
    name = "py:deepfake_adv.detectors.compact:Compact"
    text = card_of(trained({"name": name, "arguments": {"width": 4}}))
    assert "put the module `deepfake_adv.detectors.compact`" in text


def test_an_evaluation_of_other_weights_is_not_stated(trained, evaluation, caplog):
    folder = trained()
    path = evaluation(folder, digest="0" * 64)
    assert "No evaluation of these weights was found." in card_of(folder)
    assert "got one of others" in caplog.text
    with pytest.raises(ValueError, match=r"must be the evaluation of the weights in .*evaluate@mine"):
        find_measurements(load_trained(folder), path)
    with pytest.raises(FileNotFoundError, match=r"evaluation must be a file of reports/evaluation; found none"):
        find_measurements(load_trained(folder), path.with_name("none.json"))
