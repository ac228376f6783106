# The public API: each name and where it is defined. lazy_loader reads this file when the package is imported.
from .api import Attacker as Attacker
from .api import PixelwiseBlur as PixelwiseBlur
from .api import attack as attack
from .api import load as load
from .api import score_images as score_images
from .attacks.ascent import AttackResult as AttackResult
from .data.batch import Batch as Batch
from .detectors.base import Detector as Detector
from .detectors.registry import build_detector as build_detector
from .evaluation.estimate import Estimate as Estimate
from .evaluation.estimate import evaluate_scores as evaluate_scores
from .methods.base import Method as Method
from .methods.registry import build_method as build_method
from .ops.blur import blur_pixelwise as blur_pixelwise
from .prediction.predict import predict as predict
from .prediction.result import Prediction as Prediction
from .training.trained import Trained as Trained
from .training.trained import load_trained as load_trained

__version__: str
