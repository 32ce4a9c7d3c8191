"""The container engine: the one place that asks for it."""

from typing import Any

import docker
import requests
from docker.errors import DockerException

from containers.contract.errors import EnvironmentFault

ENGINE_ERRORS = (DockerException, requests.RequestException)
"""What the client raises when the engine refuses, or does not answer (any more)."""
ANSWER_SECONDS = 60
"""How long one answer may take while containers run: an engine that is silent for longer has gone."""


def connect(seconds: int = ANSWER_SECONDS) -> Any:
    """A client of the engine that answers (`docker.DockerClient`). Raises EnvironmentFault where none does.

    seconds: how long each answer may take.
    """
    try:
        client = docker.from_env(timeout=seconds)
        client.ping()
    except ENGINE_ERRORS as error:
        fix = "start it (DOCKER_HOST says where), or use --runner process"
        raise EnvironmentFault("no engine answers", where="docker", fix=fix) from error
    return client
