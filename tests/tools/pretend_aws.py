"""Starts a pretend AWS on loopback, ours or one of others, and tells a job where it is."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3

REGION = "eu-central-1"
# The example keys of AWS's documentation.
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def served(command: list[str], port: int, log: Path, env: dict[str, str] | None = None) -> Iterator[str]:
    """The URL of a server while it runs; its log is shown when it does not start."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        server = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            if server.poll() is not None:
                raise SystemExit(f"{command[0]} ended:\n{log.read_text()[-3000:]}")
            if answers(port):
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"{command[0]} does not answer:\n{log.read_text()[-3000:]}")
        yield url
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def client(service: str, url: str):
    """A client of the official SDK for Python."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )


@contextlib.contextmanager
def sim(binary: Path, record: Path) -> Iterator[str]:
    """The project's own pretend AWS and GitHub, writing its traffic to `record`."""
    port = free_port()
    with served([str(binary), "sim", "--listen", f"127.0.0.1:{port}", "--record", str(record)], port, record.with_suffix(".log")) as url:
        yield url


def sim_env(url: str) -> dict[str, str]:
    """The variables of a job with `id-token: write` on the sim's stage."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "GITHUB_API_URL": f"{url}/github",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/oidc/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "sim-request-token",
    }


# A deploy that the sim's stage is set for.
SIM_DEPLOY = {
    "role-to-assume": "arn:aws:iam::123456789012:role/deploy",
    "cluster": "prod",
    "service": "web",
    "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:v2",
}


def job_env(url: str) -> dict[str, str]:
    """The job's variables for this AWS. No GitHub is here: nothing answers at its address."""
    return {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, "GITHUB_API_URL": "http://127.0.0.1:9", "PATH": os.environ["PATH"]}


def lost(sent, kept, path: str = "") -> list[str]:
    """What of a document sent is missing or different in the one kept; what was added to it does not matter."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        return [line for name in sent for line in lost(sent[name], kept.get(name), f"{path}.{name}")]
    if isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        return [line for index, pair in enumerate(zip(sent, kept, strict=True)) for line in lost(*pair, f"{path}[{index}]")]
    return [] if sent == kept else [f"{path}: sent {sent!r}, kept {kept!r}"]
