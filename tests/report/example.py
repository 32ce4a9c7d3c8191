"""A realistic `Results`, with every kind of row the report has to show, and with text that must not become markup."""

from pathlib import Path

from harness.claims import findings, judge
from harness.pictures import fat_picture, label_picture, seam_picture
from harness.run.results import (
    CheckResult,
    ComparedNumber,
    ComparedQuantity,
    Comparison,
    ItemResult,
    JobResult,
    Picture,
    Results,
)

HOSTILE = "<script>alert('x')</script>"
DOCKER = {
    "network": "none",
    "file_system": "read-only root",
    "tmpfs": ["/tmp"],
    "user": "10001:10001",
    "memory_bytes": 4 * 2**30,
    "cpus": 2.0,
    "pids": 512,
    "capabilities_dropped": ["ALL"],
    "security": ["no-new-privileges"],
    "mounts_writable": ["/output"],
    "devices": [],
    "threads": 2,
    "time_limit_s": 3600.0,
    "device": "cpu",
}
TIMINGS = {"ukb_imaging": {"fuse": {"1000001": 2.913, "1000002": 3.02}}, "total": 61.25}


def _job(step: str, stage: str, ok: int, error: int) -> JobResult:
    digest = "sha256:" + f"{stage:x<8}".encode().hex() * 4
    return JobResult(
        case="ukb_imaging",
        step=step,
        stage=stage,
        version="1.0.0",
        digest=digest,
        digest_kind="image id",
        runner="docker",
        isolation=DOCKER,
        items_ok=ok,
        items_error=error,
    )


def _check(
    case: str, name: str, title: str, evidence: str, measured: float | None, unit: str, **more: object
) -> CheckResult:
    values = {"tolerance_source": "sampled over 20 seeds and 2 thread counts", "passed": True, **more}
    return CheckResult.model_validate(
        {
            "case": case,
            "check": name,
            "title": title,
            "evidence": evidence,
            "measured": measured,
            "unit": unit,
            **values,
        }
    )


def checks() -> list[CheckResult]:
    return [
        _check(
            "licensed_case",
            "not_here",
            "A check whose data are missing",
            "real data",
            None,
            "1",
            minimum=1,
            passed=False,
            skipped=True,
            note="not run: set MYOREPRO_DATA",
        ),
        _check(
            "ukb_imaging",
            "seam_correlation",
            "Overlaps of fused stations agree",
            "phantom",
            0.9987,
            "1",
            minimum=0.995,
        ),
        _check(
            "ukb_imaging",
            "extent_small",
            "Voxel centres against the phantom's",
            "phantom",
            0.0004,
            "mm",
            maximum=0.001,
        ),
        _check(
            "ukb_imaging",
            "duplicates",
            "Latest of a repeated station is kept",
            "phantom",
            4.0,
            "1",
            minimum=4,
            maximum=4,
        ),
        _check(
            "ukb_imaging",
            "tmv_bias",
            "Total muscle volume against truth",
            "phantom",
            -0.21,
            "%",
            minimum=-0.5,
            maximum=0.5,
        ),
        _check(
            "ukb_imaging",
            "pa_ratio_hamstrings_quadriceps",
            "P/A ratio against truth",
            "phantom",
            0.034,
            "1",
            minimum=-0.01,
            maximum=0.01,
            passed=False,
        ),
        _check("mutants", "eroded_dice", "Eroded labels are noticed", "mutant", 0.81, "1", minimum=0.98),
        _check(
            "mutants",
            "left_right",
            "Swapped sides are noticed",
            "mutant",
            None,
            "1",
            minimum=0.9,
            passed=False,
            broken=True,
            note="the stage left no record",
        ),
        _check(
            "siemens_two_station",
            "best_shift",
            "Best shift between real positions",
            "real data",
            0.0,
            "mm",
            minimum=0,
            maximum=0,
            tolerance_source="world coordinates of DICOM",
        ),
        _check(
            "ge_thigh",
            "pdff_error",
            f"PDFF against the vendor's map {HOSTILE}",
            "real data",
            0.42,
            "%",
            maximum=0.5,
            tolerance_source="reference rounded to 1 %",
        ),
    ]


def comparisons() -> list[Comparison]:
    """One with a number that only one implementation has, and one that was not made."""
    alone = ComparedNumber(name="q.model_1", left=None, right=2.5, relative=None, digits=None)
    pair = ComparedNumber(name="p.model_1.age_years", left=0.0312, right=0.03120001, relative=3.2e-7, digits=6)
    here = {"case": "by_r", "evidence": "simulation"}
    return [
        Comparison(
            **here,
            step="compared",
            item="one",
            left="association",
            right="r_reference",
            left_out=4,
            left_out_patterns=["c_index_se.*"],
            quantities=[
                ComparedQuantity(quantity="q", compared=0, one_sided=1, undefined=0, worst=None),
                ComparedQuantity(quantity="p", compared=1, one_sided=0, undefined=2, worst=pair),
            ],
            rows=[alone, pair],
            rows_total=300,
            differences="by_r/compared/one/differences.json",
        ),
        Comparison(**here, step="compared", item="two", left="a", right="b", problem=f"b failed {HOSTILE} | pipe"),
    ]


def make_results(run_folder: Path, body: Path) -> Results:
    """Draw the pictures from `body` into `run_folder` and give results that show them."""
    shots = run_folder / "pictures"
    seam_picture.fused_with_seams(
        body / "water.nrrd", body / "seams.json", shots / "seams.png", "Fused water volume", "phantom"
    )
    label_picture.labels_over(
        body / "water.nrrd", body / "labels.seg.nrrd", shots / "labels.png", "True labels", "phantom"
    )
    fat_picture.fat_fraction(body / "pdff.nrrd", None, shots / "pdff.png", "Fat fraction map", "real data")
    found = checks()
    claims = judge(found)
    return Results(
        project_version="0.1.0",
        contract="1.0",
        preset="small",
        runner="docker",
        runner_note="The engine answered; images were reused.",
        environment={"cpu": "x86-64, 2 cores", "engine": "20.10.24", "python": "3.11", "numpy": "2.4.6"},
        jobs=[_job("fuse", "fusion", 3, 1), _job("compose", "composition", 3, 0)],
        items=[
            ItemResult(
                case="ukb_imaging",
                step="fuse",
                item="1000001",
                status="ok",
                record="ukb_imaging/fuse/1000001/record.json",
            ),
            ItemResult(
                case="ukb_imaging",
                step="fuse",
                item="1000002",
                status="ok",
                record="ukb_imaging/fuse/1000002/record.json",
                warnings=["station 3 is there twice; the later SeriesTime is kept"],
            ),
            ItemResult(
                case="ukb_imaging",
                step="fuse",
                item="bad_zip",
                status="error",
                record="ukb_imaging/fuse/bad_zip/record.json",
                error="bad_zip.zip: is not a zip archive; export it again",
            ),
            ItemResult(
                case="ukb_imaging",
                step="compose",
                item="bad_zip",
                status="missing",
                record="",
                error=f"no record {HOSTILE} | pipe",
            ),
        ],
        checks=found,
        claims=claims,
        findings=findings(claims),
        comparisons=comparisons(),
        pictures=[
            Picture(
                case="ukb_imaging",
                path="pictures/seams.png",
                title="Fused water volume",
                evidence="phantom",
                alt="Coronal and sagittal slice with three overlaps marked",
            ),
            Picture(
                case="ukb_imaging",
                path="pictures/labels.png",
                title="True labels",
                evidence="phantom",
                alt="27 labels in colour",
            ),
            Picture(
                case="ge_thigh",
                path="pictures/pdff.png",
                title="Fat fraction map",
                evidence="real data",
                alt='map " onload="x',
            ),
            Picture(
                case="ge_thigh",
                path="pictures/gone.png",
                title="A picture that is missing",
                evidence="real data",
                alt="none",
            ),
        ],
        exit_status=1,
    )
