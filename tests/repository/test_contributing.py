"""CONTRIBUTING's worked example: a method in one file."""

import re
import shutil
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from deepfake_adv.params.entries import complete
from deepfake_adv.registry import plugin_files, use_plugins

TRAIN = """
import torch
from deepfake_adv.data.batch import Batch
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.methods.registry import build_method
from deepfake_adv.params.load import load_params

entry = load_params("methods", path="params.yaml").methods["brightness"].model_dump()
detector, method = build_detector("compact", width=4), build_method(**entry, seed=0)
images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
batch = Batch(images, torch.tensor([0, 1, 0, 1]))
loss = method.detector_loss(detector, batch, torch.Generator().manual_seed(0))
loss.total.backward()
altered = method.altered(detector, batch, torch.Generator().manual_seed(0)).images
change = (altered - images).abs()
print(float(loss.total), float(change.max()), len(set(change.amax((1, 2, 3)).tolist())))
"""

FAULTS = """
from pathlib import Path
from deepfake_adv.params.load import load_params

params, module = Path("params.yaml"), Path("mine.py")
for path, old, new in (
    (params, "plugins: [mine]", "plugins: []"),
    (module, "def alter(", "def alter(("),
    (module, "(Method.Params)", "(Method.Prams)"),
):
    before = path.read_text()
    assert before.count(old) == 1
    path.write_text(before.replace(old, new))
    try:
        load_params()
    except ValueError as error:
        print(error)
    path.write_text(before)
"""


@pytest.fixture
def project(root, tmp_path):
    """The package with the example's file beside it, and a params.yaml with its keys."""
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (keys,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    shutil.copytree(root / "deepfake_adv", tmp_path / "deepfake_adv", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "mine.py").write_text(code)
    yaml = YAML()
    content = yaml.load((root / "profiles/demo.yaml").read_text(encoding="utf-8"))
    for section, value in yaml.load(keys).items():
        content[section] = content[section] | value if isinstance(value, dict) else value
    with open(tmp_path / "params.yaml", "w", encoding="utf-8") as stream:
        yaml.dump(content, stream)
    return tmp_path


def test_the_example_is_checked_and_trains(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")

    def call(*command):
        return subprocess.run([sys.executable, *command], cwd=project, capture_output=True, text=True)

    done = call("-m", "deepfake_adv", "check")
    assert done.returncode == 0, done.stderr
    assert "37 runs\n" in done.stdout
    assert done.stdout.endswith("no errors found\n")
    done = call("-c", TRAIN)
    assert done.returncode == 0, done.stderr
    loss, change, amounts = map(float, done.stdout.split())
    assert loss > 0
    assert 0 < change <= 0.1 + 1e-6
    assert amounts == 4  # each image its own
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("{name: brightness}", "{name: brightness, shift: 2}"))
    done = call("-m", "deepfake_adv", "check")
    assert "methods.brightness.shift: input should be less than 1; got 2." in done.stderr


@pytest.mark.slow  # imports all methods and detectors once more
def test_a_fault_of_a_plug_in_is_one_sentence(project, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")
    done = subprocess.run([sys.executable, "-c", FAULTS], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    head, unnamed, *rest = done.stdout.splitlines()
    assert head == "params.yaml has 1 error; fix and run again:"
    assert unnamed.endswith("got 'brightness'. mine.py registers it: add mine to `plugins`.")
    syntax, imported = (line for line in rest if line != head)
    assert syntax.startswith(f"  - {project / 'mine.py'} must be Python; got ")
    assert imported == (
        "  - methods.brightness: mine.py must be importable; "
        """got "AttributeError: type object 'Method' has no attribute 'Prams'". Fix line 16."""
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "nowhere",
            r"plugins must be modules in the project's folder; got 'nowhere', and neither nowhere\.py nor a folder",
        ),
        ("../mine", r"plugins must be names of modules, such as mine or mine\.methods; got '\.\./mine'"),
        ("deepfake_adv.methods", r"plugins must be names of modules, .* got 'deepfake_adv\.methods'"),
    ],
)
def test_a_plug_in_that_is_none_is_refused(tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        use_plugins([name], tmp_path)


def test_a_plug_in_is_a_module_or_a_folder_of_modules(tmp_path, monkeypatch):
    monkeypatch.setenv("DEEPFAKE_ADV_PLUGINS", "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine").mkdir()
    for file in ("one.py", "mine/b.py", "mine/a.py", "mine/notes.txt"):
        (tmp_path / file).write_text("")
    use_plugins(["mine", "one"], tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in plugin_files(tmp_path)] == [
        "mine/a.py",
        "mine/b.py",
        "one.py",
    ]


def test_an_entry_without_a_name_is_refused():
    with pytest.raises(ValueError, match="must be a mapping with the key `name`"):
        complete("method", {"shift": 1})
