"""Metrics: pure weighted functions of typed columns. No engine, no input or output.

`from harness import metrics` has every measure, the bundles of them, `Metric`, and the parts of a measure of one's own.
They are imported when first used, because the command line passes through here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # type checkers read these; a test holds them equal to the table
    from harness.metrics.agreement import conger_kappa as conger_kappa
    from harness.metrics.agreement import fleiss_kappa as fleiss_kappa
    from harness.metrics.bundles import brier_parts as brier_parts
    from harness.metrics.bundles import each as each
    from harness.metrics.bundles import graded as graded
    from harness.metrics.bundles import judged as judged
    from harness.metrics.bundles import mean_probabilities as mean_probabilities
    from harness.metrics.bundles import means as means
    from harness.metrics.bundles import rates as rates
    from harness.metrics.bundles import recalibrated as recalibrated
    from harness.metrics.bundles import transitions as transitions
    from harness.metrics.calibration import brier as brier
    from harness.metrics.calibration import brier_reliability as brier_reliability
    from harness.metrics.calibration import brier_resolution as brier_resolution
    from harness.metrics.calibration import brier_uncertainty as brier_uncertainty
    from harness.metrics.calibration import ece_adaptive as ece_adaptive
    from harness.metrics.calibration import ece_debiased as ece_debiased
    from harness.metrics.calibration import ece_equal_count as ece_equal_count
    from harness.metrics.calibration import ece_equal_width as ece_equal_width
    from harness.metrics.calibration import ece_unweighted as ece_unweighted
    from harness.metrics.calibration import mce as mce
    from harness.metrics.calibration import overconfidence as overconfidence
    from harness.metrics.calibration import rmsce_equal_count as rmsce_equal_count
    from harness.metrics.calibration import rmsce_equal_width as rmsce_equal_width
    from harness.metrics.classification import balanced_accuracy as balanced_accuracy
    from harness.metrics.classification import f1 as f1
    from harness.metrics.classification import precision as precision
    from harness.metrics.classification import recall as recall
    from harness.metrics.classification import specificity as specificity
    from harness.metrics.columns import Classes as Classes
    from harness.metrics.columns import Fates as Fates
    from harness.metrics.columns import Floats as Floats
    from harness.metrics.columns import Folds as Folds
    from harness.metrics.columns import Labels as Labels
    from harness.metrics.columns import Numbers as Numbers
    from harness.metrics.columns import Ordered as Ordered
    from harness.metrics.columns import Probabilities as Probabilities
    from harness.metrics.columns import Scores as Scores
    from harness.metrics.columns import Units as Units
    from harness.metrics.columns import Weights as Weights
    from harness.metrics.columns import Wins as Wins
    from harness.metrics.correlation import kendall as kendall
    from harness.metrics.correlation import pearson as pearson
    from harness.metrics.correlation import r_squared as r_squared
    from harness.metrics.correlation import slope as slope
    from harness.metrics.correlation import spearman as spearman
    from harness.metrics.curves import accuracy_by_coverage as accuracy_by_coverage
    from harness.metrics.curves import best_of as best_of
    from harness.metrics.curves import pass_at as pass_at
    from harness.metrics.effects import cohens_d as cohens_d
    from harness.metrics.joint import joint_accuracy as joint_accuracy
    from harness.metrics.levels import Where as Where
    from harness.metrics.likelihood import infinite_losses as infinite_losses
    from harness.metrics.likelihood import nll as nll
    from harness.metrics.metacognition import criterion as criterion
    from harness.metrics.metacognition import d_prime as d_prime
    from harness.metrics.metacognition import m_ratio as m_ratio
    from harness.metrics.metacognition import meta_d as meta_d
    from harness.metrics.metacognition import type2_auroc as type2_auroc
    from harness.metrics.metric import Measure as Measure
    from harness.metrics.metric import Metric as Metric
    from harness.metrics.metric import curve as curve
    from harness.metrics.metric import measure as measure
    from harness.metrics.multiclass import macro_f1 as macro_f1
    from harness.metrics.preference import dbg as dbg
    from harness.metrics.preference import excess_dbg as excess_dbg
    from harness.metrics.preference import own_win_rate as own_win_rate
    from harness.metrics.preference import win_rate as win_rate
    from harness.metrics.preference import win_rate_at_equal_length as win_rate_at_equal_length
    from harness.metrics.preference import wrong_vote_gap as wrong_vote_gap
    from harness.metrics.ranking import auprc as auprc
    from harness.metrics.ranking import auprc_wrong as auprc_wrong
    from harness.metrics.ranking import aurc as aurc
    from harness.metrics.ranking import auroc as auroc
    from harness.metrics.ranking import auroc_within as auroc_within
    from harness.metrics.ranking import excess_aurc as excess_aurc
    from harness.metrics.ranking import prr as prr
    from harness.metrics.ranking import prr_retained as prr_retained
    from harness.metrics.recalibration import brier_after_temperature as brier_after_temperature
    from harness.metrics.recalibration import calibration_in_the_large as calibration_in_the_large
    from harness.metrics.recalibration import calibration_intercept as calibration_intercept
    from harness.metrics.recalibration import calibration_slope as calibration_slope
    from harness.metrics.recalibration import ece_after_temperature as ece_after_temperature
    from harness.metrics.recalibration import nll_after_temperature as nll_after_temperature
    from harness.metrics.recalibration import temperature as temperature
    from harness.metrics.revisions import accuracy_after as accuracy_after
    from harness.metrics.revisions import accuracy_before as accuracy_before
    from harness.metrics.revisions import break_rate as break_rate
    from harness.metrics.revisions import delta as delta
    from harness.metrics.revisions import delta_c2i as delta_c2i
    from harness.metrics.revisions import delta_i2c as delta_i2c
    from harness.metrics.revisions import delta_lower as delta_lower
    from harness.metrics.revisions import delta_upper as delta_upper
    from harness.metrics.revisions import fix_rate as fix_rate
    from harness.metrics.revisions import mcnemar_p as mcnemar_p
    from harness.metrics.revisions import relative_lift as relative_lift
    from harness.metrics.sections import section_mean as section_mean
    from harness.metrics.selective import accuracy_at_coverage as accuracy_at_coverage
    from harness.metrics.selective import coverage_at_accuracy as coverage_at_accuracy
    from harness.metrics.shares import accuracy as accuracy
    from harness.metrics.shares import accuracy_upper as accuracy_upper
    from harness.metrics.shares import answered as answered
    from harness.metrics.shares import coverage as coverage
    from harness.metrics.shares import mean as mean
    from harness.metrics.shares import mean_probability as mean_probability
    from harness.metrics.shares import points_included as points_included
    from harness.metrics.shares import rate as rate
    from harness.metrics.shares import selective_accuracy as selective_accuracy
    from harness.metrics.skill import brier_skill as brier_skill
    from harness.metrics.skill import log_skill as log_skill
    from harness.metrics.spread import answer_entropy as answer_entropy
    from harness.metrics.surface import auroc_same_kind as auroc_same_kind
    from harness.metrics.surface import brier_skill_same_kind as brier_skill_same_kind
    from harness.metrics.surface import length_auroc as length_auroc
    from harness.metrics.surface import length_f1 as length_f1
    from harness.metrics.surface import lengths_auroc as lengths_auroc
    from harness.metrics.voices import blind_spot as blind_spot
    from harness.metrics.voices import net_recovery as net_recovery
    from harness.metrics.voices import voice_gap as voice_gap

PUBLIC = {
    "agreement": ("conger_kappa", "fleiss_kappa"),
    "bundles": (
        "brier_parts", "each", "graded", "judged", "mean_probabilities", "means", "rates", "recalibrated",
        "transitions",
    ),
    "calibration": (
        "brier", "brier_reliability", "brier_resolution", "brier_uncertainty", "ece_adaptive", "ece_debiased",
        "ece_equal_count", "ece_equal_width", "ece_unweighted", "mce", "overconfidence", "rmsce_equal_count",
        "rmsce_equal_width",
    ),
    "classification": ("balanced_accuracy", "f1", "precision", "recall", "specificity"),
    "columns": (
        "Classes", "Fates", "Floats", "Folds", "Labels", "Numbers", "Ordered", "Probabilities", "Scores", "Units",
        "Weights", "Wins",
    ),
    "correlation": ("kendall", "pearson", "r_squared", "slope", "spearman"),
    "curves": ("accuracy_by_coverage", "best_of", "pass_at"),
    "effects": ("cohens_d",),
    "joint": ("joint_accuracy",),
    "levels": ("Where",),
    "likelihood": ("infinite_losses", "nll"),
    "metacognition": ("criterion", "d_prime", "m_ratio", "meta_d", "type2_auroc"),
    "metric": ("Measure", "Metric", "curve", "measure"),
    "multiclass": ("macro_f1",),
    "preference": (
        "dbg", "excess_dbg", "own_win_rate", "win_rate", "win_rate_at_equal_length", "wrong_vote_gap",
    ),
    "ranking": ("auprc", "auprc_wrong", "aurc", "auroc", "auroc_within", "excess_aurc", "prr", "prr_retained"),
    "recalibration": (
        "brier_after_temperature", "calibration_in_the_large", "calibration_intercept", "calibration_slope",
        "ece_after_temperature", "nll_after_temperature", "temperature",
    ),
    "revisions": (
        "accuracy_after", "accuracy_before", "break_rate", "delta", "delta_c2i", "delta_i2c", "delta_lower",
        "delta_upper", "fix_rate", "mcnemar_p", "relative_lift",
    ),
    "sections": ("section_mean",),
    "selective": ("accuracy_at_coverage", "coverage_at_accuracy"),
    "shares": (
        "accuracy", "accuracy_upper", "answered", "coverage", "mean", "mean_probability", "points_included", "rate",
        "selective_accuracy",
    ),
    "skill": ("brier_skill", "log_skill"),
    "voices": ("blind_spot", "net_recovery", "voice_gap"),
    "spread": ("answer_entropy",),
    "surface": ("auroc_same_kind", "brier_skill_same_kind", "length_auroc", "length_f1", "lengths_auroc"),
}  # fmt: skip
"""Every public name, by the module that defines it."""

_HOMES = {name: home for home, names in PUBLIC.items() for name in names}
__all__ = [*_HOMES]  # noqa: PLE0604 (the names are strings, from the table)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'harness.metrics' has no attribute {name!r}")
    return getattr(import_module(f"harness.metrics.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
