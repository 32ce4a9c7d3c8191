"""Examples that the packages publish: the stage finds the numbers of their help pages and papers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from containers.contract.record import Record
from tests.r_reference.conftest import Question, ask_stage, category, number, value

# The packages' own data sets, one row per person or per effect.
DATA = """
setwd("{folder}")
write <- function(d, name) write.csv(d, name, row.names = FALSE, quote = FALSE)
cbpp <- lme4::cbpp
each <- cbpp[rep(seq_len(nrow(cbpp)), cbpp$size), c("herd", "period")]
each$sick <- unlist(Map(function(i, n) rep(c("yes", "no"), c(i, n - i)), cbpp$incidence, cbpp$size))
write(each, "cbpp.csv")
data(aSAH, package = "pROC", envir = environment())
write(aSAH[, c("outcome", "s100b", "ndka", "age")], "asah.csv")
smokers <- c(83, 90, 129, 70)
patients <- c(86, 93, 136, 82)
write(data.frame(hospital = rep(letters[1:4], patients),
                 smoker = unlist(Map(function(s, n) rep(c("yes", "no"), c(s, n - s)), smokers, patients))),
      "smokers.csv")
write(data.frame(group = paste0("drug", sleep$group), extra = sleep$extra), "sleep.csv")
write(cars, "cars.csv")
bcg <- metafor::escalc("RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = metadat::dat.bcg)
bcg$yi <- as.numeric(bcg$yi)
write(data.frame(id = paste0("t", bcg$trial), study = bcg$trial, bcg[, c("ablat", "yi", "vi")]), "bcg.csv")
schools <- metadat::dat.konstantopoulos2011
write(data.frame(id = paste0("s", seq_len(nrow(schools))), schools[, c("district", "yi", "vi")]), "schools.csv")
assink <- metadat::dat.assink2016
write(data.frame(id = paste0("e", seq_len(nrow(assink))), assink[, c("study", "yi", "vi", "deltype")]), "assink.csv")
normand <- metadat::dat.normand1999
names(normand) <- sub("i$", "", names(normand))
normand <- normand[, c("study", "n1", "m1", "sd1", "n2", "m2", "sd2")]
write(data.frame(id = paste0("n", normand$study), normand), "normand.csv")
"""

EFFECT = {"id": {"type": "id"}, "yi": number(), "vi": number()}
GIVEN = {"measure": "given", "effect": "yi", "variance": "vi"}
SUMMARIES = {"mean_1": "m1", "sd_1": "sd1", "n_1": "n1", "mean_2": "m2", "sd_2": "sd2", "n_2": "n2"}


@pytest.fixture(scope="module")
def records(rscript: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    folder: Path = tmp_path_factory.mktemp("examples")
    rscript(DATA.format(folder=folder))
    herds = [str(herd) for herd in range(1, 16)]
    cbpp = {"kind": "mixed_logistic", "outcome": "sick", "terms": ["period"], "group": "herd"}

    def question(name: str, columns: dict[str, object], *analyses: dict[str, object], **rest: object) -> Question:
        return Question(folder / f"{name}.csv", columns, {"analyses": list(analyses), **rest})

    def effects(name: str, study: str, *analyses: dict[str, object], **columns: object) -> Question:
        typed = {**EFFECT, study: {"type": "label"}, **columns}
        return question(name, typed, *analyses, effects={"study": study, **GIVEN})

    summaries = {name: number() for name in SUMMARIES.values()}
    questions = {
        "cbpp": question(
            "cbpp",
            {"herd": category(*herds), "period": category("1", "2", "3", "4"), "sick": category("no", "yes")},
            {"id": "laplace", **cbpp},
            {"id": "agq9", **cbpp, "nodes": 9},
        ),
        "asah": question(
            "asah",
            {"outcome": category("Good", "Poor"), "s100b": number(), "ndka": number()},
            {
                "id": "s100b",
                "kind": "c_index",
                "resamples": 0,
                "model": {"kind": "logistic", "outcome": "outcome", "terms": ["s100b"]},
            },
            {
                "id": "ndka",
                "kind": "c_index",
                "resamples": 0,
                "model": {"kind": "logistic", "outcome": "outcome", "terms": ["ndka"]},
            },
        ),
        "smokers": question(
            "smokers",
            {"hospital": category("a", "b", "c", "d"), "smoker": category("no", "yes")},
            {"id": "trend", "kind": "trend", "outcome": "smoker", "by": "hospital"},
            {"id": "weighted", "kind": "trend", "outcome": "smoker", "by": "hospital", "weights": [0, 0, 0, 1]},
        ),
        "sleep": question(
            "sleep",
            {"group": category("drug1", "drug2"), "extra": number("h")},
            {"id": "t", "kind": "ttest", "outcome": "extra", "by": "group", "variances": ["welch"]},
        ),
        "cars": question(
            "cars",
            {"speed": number("mph"), "dist": number("ft")},
            {"id": "stop", "kind": "linear", "outcome": "dist", "terms": ["speed"], "slope_of": "speed"},
            {"id": "r", "kind": "correlation", "of": ["speed", "dist"]},
        ),
        "bcg": effects(
            "bcg",
            "study",
            {"id": "reml", "kind": "pooled"},
            {"id": "dl", "kind": "pooled", "method": "DL"},
            {"id": "ablat", "kind": "meta_regression", "moderators": ["ablat"]},
            ablat=number("degrees"),
        ),
        "schools": effects("schools", "district", {"id": "three", "kind": "three_level"}),
        "assink": effects(
            "assink",
            "study",
            {"id": "r", "kind": "robust", "moderators": ["deltype"], "readings": ["correlated_effects"]},
            deltype=category("general", "overt", "covert"),
        ),
        "normand": question(
            "normand",
            {"id": {"type": "id"}, "study": {"type": "label"}, **summaries},
            {"id": "e", "kind": "effects"},
            effects={"study": "study", "measure": "smd", **SUMMARIES},
        ),
    }
    answers = ask_stage("r_reference", folder, questions, {"disclosure_threshold": 0})
    by_python = ask_stage("meta_analysis", folder, {"assink": questions["assink"]})
    return answers | {"assink by meta_analysis": by_python["assink"]}


def test_lme4_cbpp(records: dict[str, Record]) -> None:
    # Bates et al., and ?cbpp: glmer(cbind(incidence, size - incidence) ~ period + (1 | herd), family = binomial) has
    # -1.3983 (0.2312), -0.9919 (0.3032), -1.1282 (0.3228), -1.5797 (0.4220), variance 0.4123. With nAGQ = 9:
    # -1.3992 (0.2335), -0.9914 (0.3068), -1.1278 (0.3268), -1.5795 (0.4276), variance 0.4193.
    # The exact optimum of Laplace's approximation is within 1e-3 of what glmer prints.
    printed = {"intercept": -1.3983, "period:2": -0.9919, "period:3": -1.1282, "period:4": -1.5797}
    for term, coefficient in printed.items():
        assert value(records["cbpp"], f"coefficient.laplace.{term}") == pytest.approx(coefficient, abs=1e-3)
    by_nodes = {"intercept": (-1.3992, 0.2335), "period:2": (-0.9914, 0.3068), "period:4": (-1.5795, 0.4276)}
    for term, (coefficient, error) in by_nodes.items():
        assert value(records["cbpp"], f"coefficient.agq9.{term}") == pytest.approx(coefficient, abs=6e-5)
        assert value(records["cbpp"], f"standard_error.agq9.{term}") == pytest.approx(error, abs=6e-5)
    assert value(records["cbpp"], "variance.agq9") == pytest.approx(0.4193, abs=6e-5)
    for analysis in ("laplace", "agq9"):
        assert value(records["cbpp"], f"gradient_max.{analysis}") < 1e-7


def test_proc_asah(records: dict[str, Record]) -> None:
    # Robin et al. 2011 and ?ci.auc: s100b 0.7314 (0.6301-0.8326 by DeLong), ndka 0.612 (0.5012-0.7225).
    for marker, printed in {"s100b": (0.7314, 0.6301, 0.8326), "ndka": (0.6120, 0.5012, 0.7225)}.items():
        for quantity, expected in zip(("c_index", "c_index_low", "c_index_high"), printed, strict=True):
            assert value(records["asah"], f"{quantity}.{marker}") == pytest.approx(expected, abs=6e-4)


def test_help_pages_of_stats(records: dict[str, Record]) -> None:
    # ?prop.trend.test: X-squared = 8.2249, p-value = 0.004132; scores c(0,0,0,1): X-squared = 12.173.
    assert value(records["smokers"], "trend_z.trend.standard") ** 2 == pytest.approx(8.2249, abs=6e-5)
    assert value(records["smokers"], "p.trend.standard") == pytest.approx(0.004132, abs=6e-7)
    assert value(records["smokers"], "trend_z.trend.standard") < 0
    assert value(records["smokers"], "trend_z.weighted.standard") ** 2 == pytest.approx(12.173, abs=6e-4)
    # ?sleep: t.test(extra ~ group): t = -1.8608, df = 17.776, p-value = 0.07939, interval -3.3654832 0.2054832.
    printed = {
        "t": (-1.8608, 6e-5),
        "df": (17.776, 6e-4),
        "p": (0.07939, 6e-6),
        "mean_difference_low": (-3.3654832, 6e-8),
    }
    for quantity, (expected, half) in printed.items():
        assert value(records["sleep"], f"{quantity}.t.welch") == pytest.approx(expected, abs=half)
    # ?lm and ?cars: dist ~ speed: -17.5791 (6.7584), 3.9324 (0.4155), t 9.464, p 1.49e-12, residual 15.38 on 48.
    assert value(records["cars"], "coefficient.stop.intercept") == pytest.approx(-17.5791, abs=6e-5)
    assert value(records["cars"], "standard_error.stop.speed") == pytest.approx(0.4155, abs=6e-5)
    assert value(records["cars"], "slope.stop.speed") == pytest.approx(39.324, abs=6e-4)
    assert value(records["cars"], "p.stop.speed") == pytest.approx(1.49e-12, rel=4e-3)
    assert value(records["cars"], "correlation.r") == pytest.approx(0.8068949, abs=6e-8)


def test_metafor_bcg(records: dict[str, Record]) -> None:
    # Viechtbauer 2010 and metafor's site: REML mu -0.7145 (0.1798), tau2 0.3132 (0.1664), I2 92.22%, H2 12.86,
    # Q(12) = 152.2330, prediction -1.8667 to 0.4376; DL tau2 0.3088, mu -0.7141 (0.1787).
    printed = {"effect": -0.7145, "effect_se": 0.1798, "tau2": 0.3132, "tau2_se": 0.1664, "q": 152.2330}
    for quantity, expected in printed.items():
        assert value(records["bcg"], f"{quantity}.reml") == pytest.approx(expected, abs=6e-5)
    assert value(records["bcg"], "i2_percent.reml") == pytest.approx(92.22, abs=6e-3)
    assert value(records["bcg"], "prediction_low.reml") == pytest.approx(-1.8667, abs=6e-5)
    # confint(res): tau^2 0.1197 to 1.1115.
    assert value(records["bcg"], "tau2_low.reml") == pytest.approx(0.1197, abs=6e-5)
    assert value(records["bcg"], "tau2_high.reml") == pytest.approx(1.1115, abs=6e-5)
    assert value(records["bcg"], "tau2.dl") == pytest.approx(0.3088, abs=6e-5)
    # rma(yi, vi, mods = ~ ablat): 0.2515 (0.2491), -0.0291 (0.0072), tau2 0.0764, QM 16.3571 (16.3582 at
    # control = list(threshold = 1e-12): the default stops at 1e-5).
    assert value(records["bcg"], "coefficient.ablat.ablat") == pytest.approx(-0.0291, abs=6e-5)
    assert value(records["bcg"], "tau2.ablat") == pytest.approx(0.0764, abs=6e-5)
    assert value(records["bcg"], "qm.ablat") == pytest.approx(16.3571, abs=2e-3)


def test_metafor_konstantopoulos(records: dict[str, Record]) -> None:
    # metafor's site, Konstantopoulos 2011: sigma^2 0.0651 and 0.0327, mu 0.1847 (0.0846), logLik -7.9587.
    printed = {"sigma2_between": 0.0651, "sigma2_within": 0.0327, "log_likelihood": -7.9587}
    for quantity, expected in printed.items():
        assert value(records["schools"], f"{quantity}.three") == pytest.approx(expected, abs=6e-5)
    assert value(records["schools"], "coefficient.three.intercept") == pytest.approx(0.1847, abs=6e-5)
    assert value(records["schools"], "standard_error.three.intercept") == pytest.approx(0.0846, abs=6e-5)


@pytest.mark.parametrize("item", ["assink", "assink by meta_analysis"])
def test_robumeta_correlated_effects(records: dict[str, Record], item: str) -> None:
    # robumeta 2.0: robu(yi ~ deltype, data = dat.assink2016, studynum = study, var.eff.size = vi, rho = 0.7,
    # modelweights = "CORR", small = TRUE); print(digits = 14). deltype: general, overt, covert.
    record = records[item]
    assert value(record, "tau2.r.correlated_effects") == pytest.approx(0.10837291592206, rel=1e-10)
    terms = {
        "intercept": (0.3814512, 0.09965403, 13.532324),
        "deltype:overt": (0.0149003, 0.20485676, 1.609009),
        "deltype:covert": (-0.5096290, 0.09965403, 13.532324),
    }
    for term, (coefficient, error, df) in terms.items():
        assert value(record, f"coefficient.r.correlated_effects.{term}") == pytest.approx(coefficient, abs=6e-8)
        assert value(record, f"robust_se.r.correlated_effects.{term}") == pytest.approx(error, abs=6e-9)
        assert value(record, f"robust_df.r.correlated_effects.{term}") == pytest.approx(df, abs=6e-7)


def test_metafor_normand(records: dict[str, Record]) -> None:
    # ?dat.normand1999: escalc(measure = "SMD", ...) prints -0.3552 (0.0131), -0.3479 (0.0645), -2.3176 (0.0458) first.
    for effect, (g, variance) in {"n1": (-0.3552, 0.0131), "n2": (-0.3479, 0.0645), "n3": (-2.3176, 0.0458)}.items():
        assert value(records["normand"], f"effect.e.{effect}") == pytest.approx(g, abs=6e-5)
        assert value(records["normand"], f"effect_se.e.{effect}") ** 2 == pytest.approx(variance, abs=6e-5)
