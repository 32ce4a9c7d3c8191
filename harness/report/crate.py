"""`ro-crate-metadata.json`: the report folder as a Process Run Crate, for machines that collect runs.

Profile: Process Run Crate 0.5 on RO-Crate 1.1 (https://w3id.org/ro/wfrun/process/0.5). One action is the whole run,
one more stands for each job: which stage, by which digest, how it ended.

Invariants: equal results give equal bytes. Hence no action has a start or end time (the profile recommends an end);
`datePublished`, which RO-Crate demands, is the date of the commit that the run was made with. Only where no commit is
known it is the day of writing. No agent is named: results do not say who ran them.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from containers.contract.files import write_json
from harness.report import overview, summary
from harness.run.results import ExitStatus, JobResult, Results
from harness.text import plural

NAME = "ro-crate-metadata.json"
CRATE_VERSION = "1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
LICENSE = "https://www.apache.org/licenses/LICENSE-2.0"
FILES = {
    "index.html": ("The report", "text/html"),
    "results.json": ("Everything that the run found", "application/json"),
    "junit.xml": ("Checks and claims for continuous integration", "application/xml"),
    "summary.md": ("Summary", "text/markdown"),
    "claims.csv": ("Every claim with its verdict", "text/csv"),
}
"""Files of the report with their names and media types."""
Properties = dict[str, Any]


def _status(failed: str) -> Properties:
    if failed:
        return {"actionStatus": "http://schema.org/FailedActionStatus", "error": failed}
    return {"actionStatus": "http://schema.org/CompletedActionStatus"}


def _application(job: JobResult) -> tuple[str, Properties]:
    """Identifier and facts of the stage that a job ran; one for each digest."""
    return f"#stage-{job.stage}-{job.digest.rpartition(':')[2][:12]}", {
        "@type": "SoftwareApplication",
        "name": f"stage {job.stage}",
        "softwareVersion": job.version,
        "identifier": job.digest,
        "description": f"identified by {job.digest_kind}",
    }


def _image(job: JobResult) -> tuple[str, Properties] | None:
    """The container image of a job; None for a child process."""
    algorithm, _, digest = job.digest.rpartition(":")
    if job.digest_kind == "source hash" or not algorithm.endswith("sha256"):
        return None
    kind = "SIFImage" if job.runner == "apptainer" else "DockerImage"
    return f"#image-{digest[:12]}", {
        "@type": "ContainerImage",
        "additionalType": {"@id": f"https://w3id.org/ro/terms/workflow-run#{kind}"},
        "name": f"myorepro stage {job.stage}",
        "sha256": digest,
    }


def _failure(results: Results, job: JobResult) -> str:
    """Why a job failed: its items that ended in an error which no seeded fault explains. Empty where it did not."""
    wanted = summary.expected(results)
    bad = [
        item
        for item in results.items
        if (item.case, item.step) == (job.case, job.step)
        and item.status != "ok"
        and (item.case, item.step, item.item) not in wanted
    ]
    return f"{plural(len(bad), 'item')} without a result: {bad[0].item}: {bad[0].error}" if bad else ""


def metadata(results: Results) -> dict[str, Any]:
    """The content of `ro-crate-metadata.json`."""
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=CRATE_VERSION)
    crate.metadata.extra_contexts.append(TERMS)

    def entity(identifier: str, properties: Properties) -> Any:
        """The entity of this identifier; made at its first use."""
        if (known := crate.dereference(identifier)) is not None:
            return known
        made = crate.add(ContextEntity(crate, identifier, properties={"@type": properties.pop("@type")}))
        for name, value in properties.items():
            made[name] = value
        return made

    published = results.environment.get("commit date", "")
    root = {
        "name": f"myorepro {results.project_version}: reproducibility of muscle MRI studies",
        "description": overview.headline(results),
        "datePublished": published or datetime.now(UTC).date().isoformat(),
        "license": entity(LICENSE, {"@type": "CreativeWork", "name": "Apache License 2.0"}),
        "conformsTo": entity(PROFILE, {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}),
    }
    for name, value in root.items():
        crate.root_dataset[name] = value
    files = [
        crate.add_file(dest_path=name, properties={"name": title, "encodingFormat": media})
        for name, (title, media) in FILES.items()
    ]
    papers = [_paper(entity, name) for name in dict.fromkeys(claim.paper for claim in results.claims)]
    tool = {"@type": "SoftwareApplication", "name": "myorepro", "softwareVersion": results.project_version}
    run = entity(
        "#run",
        {
            "@type": "CreateAction",
            "name": "myorepro reproduce",
            "description": f"{summary.runner_line(results)} {summary.exit_line(results)}",
            "instrument": entity("#myorepro", tool),
            "object": papers,
            "result": files,
            **_status(results.runner_note if results.exit_status == ExitStatus.ENVIRONMENT else ""),
        },
    )
    jobs = [_job(entity, results, job, number, files[1]) for number, job in enumerate(results.jobs, 1)]
    crate.root_dataset["mentions"] = [run, *jobs]
    return dict(crate.metadata.generate())


def _paper(entity: Any, name: str) -> Any:
    """The article whose claims were judged."""
    known = overview.cited().get(name)
    kind = {"@type": ["CreativeWork", "ScholarlyArticle"]}
    if known is None or not known.doi:
        return entity(f"#paper-{name}", {**kind, "name": known.title if known else name})
    facts = {"name": known.title, "datePublished": str(known.year), "isPartOf": known.journal}
    return entity(f"https://doi.org/{known.doi}", {**kind, **facts})


def _job(entity: Any, results: Results, job: JobResult, number: int, record: Any) -> Any:
    """One job as an action. record: the file that says what came of it."""
    image = _image(job)
    return entity(
        f"#job-{number}",
        {
            "@type": "CreateAction",
            "name": f"{job.case} / {job.step}",
            "description": f"{plural(job.items_ok, 'item')} with a result, {job.items_error} with an error; "
            f"{job.runner} runner",
            "instrument": entity(*_application(job)),
            "object": entity(f"#case-{job.case}", {"@type": "CreativeWork", "name": f"case {job.case}"}),
            "result": record,
            **({"containerImage": entity(*image)} if image else {}),
            **_status(_failure(results, job)),
        },
    )


def write(results: Results, folder: Path) -> None:
    """Write the crate's metadata into the report folder, atomically."""
    write_json(folder / NAME, metadata(results))
