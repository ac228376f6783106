from deepfake_adv.extraction.task_files import TaskFiles


def test_files_are_in_the_order_of_the_tasks_and_those_that_are_missing_are_left_out(tmp_path):
    files = TaskFiles(tmp_path / "tasks", ["b", "a", "c"])
    for name in "cb":
        files.path(name).write_text(name)
    assert [path.read_text() for path in files.paths()] == ["b", "c"]
    assert not files.path("a").exists()


def test_all_files_are_removed_and_nothing_else(tmp_path):
    files = TaskFiles(tmp_path / "tasks", ["a"])
    files.path("a").touch()
    (tmp_path / "boxes.parquet").touch()
    files.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["boxes.parquet"]
