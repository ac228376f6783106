from deepfake_adv.names import Condition
from deepfake_adv.reporting.specs import load_specs, metric_label, printed_names, renamed

SPECS = {spec.id: spec for spec in load_specs()}


def test_sixteen_tables_and_two_in_text_results():
    assert [spec.id for spec in SPECS.values() if spec.numbered] == (
        ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI"]
    )
    assert [spec.name for spec in SPECS.values() if not spec.numbered] == ["Appendix C", "TSN"]


def test_conditions_are_conditions():
    for spec in SPECS.values():
        for column in spec.columns:
            for name in (column.train, column.test):
                assert not name or str(Condition.parse(name)) == name


def test_averages_name_columns_of_their_table():
    for spec in SPECS.values():
        for column in spec.columns:
            assert set(column.average) <= {other.id for other in spec.columns}


def test_rows_name_their_methods_and_detectors():
    rows = {row.id: row for row in SPECS["VI"].rows}
    assert rows["ffd/combined_at"].entry == "combined_at"
    assert rows["ffd/combined_at"].detector == "ffd"
    assert SPECS["VIII"].rows[0].label == "Xception"
    assert SPECS["I"].rows[0].detector == "efficientnet"


def test_every_metric_has_a_heading():
    assert {metric_label(metric) for spec in SPECS.values() for metric in spec.metrics} >= {"AUC", "ACC", "FGSM"}


def test_a_row_says_the_name_of_the_network_that_stands_in_a_role():
    b7 = {"name": "efficientnet", "model": "tf_efficientnet_b7.ap_in1k"}
    papers = {"efficientnet": b7, "xception": {"name": "xception"}, "tsn": {"name": "tsn", "frame": b7}}
    assert printed_names({}, papers) == {}
    ours = {
        "compact": {"name": "compact"},
        "xception": {"name": "xception", "model": "legacy_xception_narrow"},
        "tsn": {"name": "tsn", "frame": {"name": "timm:test_resnet"}},
    }
    names = printed_names({"efficientnet": "compact"}, ours)
    assert names == {
        "EfficientNet": "compact in EfficientNet's place",
        "Xception": "Xception, here legacy_xception_narrow",
        "TSN": "TSN, here test_resnet",
    }
    first = renamed(SPECS["I"], names)
    assert first.rows[0].label == "compact in EfficientNet's place"
    assert first.rows[1] == SPECS["I"].rows[1]
    assert first.title == "Adversarial training settings, unseen forgeries (compact in EfficientNet's place)"
    assert renamed(SPECS["VII"], names) == SPECS["VII"]
