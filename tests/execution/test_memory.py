import pytest

from deepfake_adv.execution.memory import JOBS, memory_of_job

GIB = 1 << 30


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A made machine of 64 GiB of which 48 are left; gives its folders and writes control groups."""
    monkeypatch.delenv(JOBS, raising=False)
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 67108864 kB\nMemFree: 1024 kB\nMemAvailable: 50331648 kB\n")

    def group(name, entry, **files):
        (groups / name).mkdir(parents=True, exist_ok=True)
        for file, value in files.items():
            (groups / name / file.replace("_DOT_", ".")).write_text(f"{value}\n")
        (proc / "self" / "cgroup").write_text(entry)

    return proc, groups, group


def test_without_control_groups_it_is_what_the_machine_has_left(system):
    proc, groups, _ = system
    assert memory_of_job(proc, groups) == (64 * GIB, 48 * GIB)


def test_a_control_group_binds_and_its_file_cache_counts_as_left(system):
    proc, groups, group = system
    group(
        "a/b", "0::/a/b\n",
        memory_DOT_max=16 * GIB, memory_DOT_current=15 * GIB, memory_DOT_stat=f"anon 5\ninactive_file {9 * GIB}",
    )  # fmt: skip
    assert memory_of_job(proc, groups) == (16 * GIB, 10 * GIB)


def test_a_group_further_up_binds_too_and_max_does_not(system):
    proc, groups, group = system
    group("a", "", memory_DOT_max=8 * GIB, memory_DOT_current=2 * GIB)
    group("a/b", "0::/a/b\n", memory_DOT_max="max", memory_DOT_current=GIB)
    assert memory_of_job(proc, groups) == (8 * GIB, 6 * GIB)


def test_control_groups_of_version_1_and_those_mounted_as_the_root_are_read(system):
    proc, groups, group = system
    group(
        "memory", "4:cpu,cpuacct:/\n3:memory:/docker/x\n",
        memory_DOT_limit_in_bytes=4 * GIB, memory_DOT_usage_in_bytes=3 * GIB,
    )  # fmt: skip
    assert memory_of_job(proc, groups) == (4 * GIB, GIB)


def test_a_job_has_its_share_of_the_memory_but_no_more_than_is_left(system, monkeypatch):
    proc, groups, _ = system
    monkeypatch.setenv(JOBS, "4")
    assert memory_of_job(proc, groups) == (16 * GIB, 16 * GIB)
    monkeypatch.setenv(JOBS, "1")
    assert memory_of_job(proc, groups) == (64 * GIB, 48 * GIB)


def test_a_system_that_does_not_tell_is_not_guessed_at(tmp_path):
    assert memory_of_job(tmp_path, tmp_path) is None
