"""Imports go downward only: the layers decide what an edit reruns."""

LAYERS = [
    {"names", "files", "hints", "log"},
    {"registry"},
    {"sources"},
    {"ops", "video", "faces", "params", "execution", "stage"},
    {"data", "detectors", "generators", "corpus"},
    {"attacks", "evaluation"},
    {"methods", "reporting"},
    {"training"},
    {"studies"},
    {"cli"},
    {"__main__"},
]
# Detecting a face starts from decoded frames, so `faces` stands on `video`.
ALLOWED_SIBLINGS = {("faces", "video")}


def area(path, root):
    parts = path.relative_to(root / "deepfake_adv").parts
    return parts[0].removesuffix(".py")


def rank(name):
    return next(level for level, names in enumerate(LAYERS) if name in names)


def modules(root):
    return [path for path in (root / "deepfake_adv").rglob("*.py") if path.name != "__init__.py"]


def test_every_module_has_a_layer(root):
    known = set().union(*LAYERS)
    areas = {area(path, root) for path in modules(root)}
    assert areas <= known
    assert len(areas) > 10


def test_imports_point_downward(root, imports):
    wrong = []
    for path in modules(root):
        here = area(path, root)
        for target in imports(path):
            there = area(target, root)
            if here != there and rank(there) >= rank(here) and (here, there) not in ALLOWED_SIBLINGS:
                wrong.append(f"{path.relative_to(root)} imports {target.relative_to(root)}")
    assert not wrong, "\n".join(wrong)


def test_only_scripts_and_the_command_line_read_params(root, imports):
    allowed = {"params", "cli"}
    wrong = [
        path.relative_to(root)
        for path in modules(root)
        if area(path, root) not in allowed
        and any(target.name == "load.py" and area(target, root) == "params" for target in imports(path))
    ]
    assert not wrong


def test_init_files_are_empty(root):
    inits = list((root / "deepfake_adv").rglob("__init__.py"))
    assert len(inits) > 10
    assert [path for path in inits if path.stat().st_size] == []
