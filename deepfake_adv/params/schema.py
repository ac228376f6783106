"""All sections of params.yaml."""

from pydantic import Field

from deepfake_adv.params.base import Distinct, OneOrMore, Section
from deepfake_adv.params.corpus import Corpus
from deepfake_adv.params.datasets import Dataset, Extract, Inventory, PartSection
from deepfake_adv.params.entries import DetectorEntry, MethodEntry
from deepfake_adv.params.evaluation import Evaluate, Report, Tables
from deepfake_adv.params.execution import Execution
from deepfake_adv.params.faces import Crop, Locate, Shard
from deepfake_adv.params.studies import AttackStudy, Examples, RobustnessStudy
from deepfake_adv.params.training import Device, Run, Score, Train


class Params(Section):
    """params.yaml."""

    profile: str = Field(description="Name of this set of choices; `deepfake-adv check` prints it.")
    plugins: Distinct[str]
    execution: Execution
    corpus: Corpus
    datasets: dict[str, Dataset]
    parts: dict[str, PartSection]
    tiers: OneOrMore[str]
    inventory: Inventory
    extract: Extract
    locate: Locate
    crop: Crop
    shard: Shard
    detectors: dict[str, DetectorEntry]
    methods: dict[str, MethodEntry]
    runs: dict[str, Run]
    train: Train
    score: Score
    device: Device
    evaluate: Evaluate
    examples: Examples
    attack: AttackStudy
    robustness: RobustnessStudy
    tables: Tables
    report: Report
