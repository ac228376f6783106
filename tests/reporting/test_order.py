from deepfake_adv.reporting.order import order_results, order_runs


def test_methods_stand_as_in_the_papers_tables_under_each_detector():
    runs = {"mine": ("mine", "a"), "blur": ("grad_bat", "a"), "other": ("baseline", "b"), "base": ("baseline", "a")}
    assert list(order_runs(runs)) == ["base", "blur", "mine", "other"]


def test_a_training_condition_is_tested_at_home_first_then_in_its_dataset_then_elsewhere():
    tests = [
        ("NT_all", "d", "NT_all"), ("FF_c23", "d", "FF_c23"), ("NT_c23", "a", "X_native"), ("NT_c23", "d", "real_c23"),
        ("NT_c23", "d", "FF_c23"), ("NT_c23", "d", "NT_all"), ("NT_c23", "d", "DF_raw"), ("NT_c23", "d", "NT_c23"),
        ("NT_raw", "d", "NT_raw"),
    ]  # fmt: skip
    found = order_results({"train": train, "dataset": dataset, "test": test} for train, dataset, test in tests)
    assert [(each["train"], each["test"]) for each in found] == [
        ("NT_raw", "NT_raw"),
        ("NT_c23", "NT_c23"), ("NT_c23", "DF_raw"), ("NT_c23", "NT_all"), ("NT_c23", "real_c23"), ("NT_c23", "FF_c23"),
        ("NT_c23", "X_native"),
        ("NT_all", "NT_all"), ("FF_c23", "FF_c23"),
    ]  # fmt: skip
