import csv

from deepfake_adv.reporting.robustness_tables import robustness_tables, write_robustness_tables

CURVES = [
    {"run": run, "degradation": "jpeg", "level": level, "auc": auc}
    for level, pair in ((95, (98.0, 97.5)), (7.5, (61.25, 80.0)))
    for run, auc in zip(("plain", "hard_ened"), pair, strict=True)
]
ATTACKS = [
    {"attack": "none", "source": None, "victim": "plain", "auc": 98.0, "acc": 90.0},
    {"attack": "none", "source": None, "victim": "hard_ened", "auc": 97.5, "acc": 91.0},
    {"attack": "FGSM", "source": "plain", "victim": "plain", "auc": 1.0, "acc": 50.0},
    {"attack": "FGSM", "source": "plain", "victim": "hard_ened", "auc": 90.0, "acc": 80.0},
]


def test_detectors_stand_side_by_side_in_every_format(tmp_path):
    write_robustness_tables(robustness_tables(CURVES, ATTACKS), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{name}.{suffix}" for name in ("degradation", "attacks") for suffix in ("md", "csv", "tex")
    }
    assert list(csv.reader((tmp_path / "degradation.csv").open(encoding="utf-8"))) == [
        ["degradation", "level", "plain", "hard_ened"],
        ["jpeg", "95", "98.00", "97.50"],
        ["jpeg", "7.5", "61.25", "80.00"],
    ]
    rows = list(csv.reader((tmp_path / "attacks.csv").open(encoding="utf-8")))
    assert rows[1:] == [["none", "–", "98.00", "97.50"], ["FGSM", "plain", "1.00", "90.00"]]
    assert "| FGSM     | plain    |    1.00 |       90.00 |" in (tmp_path / "attacks.md").read_text(encoding="utf-8")
    latex = (tmp_path / "attacks.tex").read_text(encoding="utf-8")
    assert r"hard\_ened" in latex
    assert r"FGSM & plain & 1.00 & 90.00 \\" in latex
