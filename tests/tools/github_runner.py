"""What a GitHub runner does around a container action: the variables it sets, the files it gives, how it reads them."""

import json
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
# The development build, which also holds the sim.
BINARY = ROOT / "target" / "debug" / "ecs-deploy"


@dataclass
class Ran:
    """A finished step."""

    exit_code: int
    outputs: dict[str, str]
    summary: str
    log: str

    def expect(self, verdict: str, exit_code: int, **outputs: str) -> "Ran":
        """Ends the test, with the log, unless the step ended so. `live_task_definition_arn` stands for the output with hyphens."""
        wanted = {"verdict": verdict, **{name.replace("_", "-"): value for name, value in outputs.items()}}
        found = {name: self.outputs.get(name) for name in wanted}
        if found != wanted or self.exit_code != exit_code:
            raise SystemExit(f"{self.log}\nwanted {wanted} and exit {exit_code},\nfound  {found} and exit {self.exit_code}")
        print(f"  {verdict}, exit {exit_code}: {self.outputs.get('message', '')}")
        return self


def declared_inputs(token: str = "") -> dict[str, str]:
    """`INPUT_…` for every input of action.yml: its default, or an empty string."""
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    defaults = {name: str((about or {}).get("default", "")).replace("${{ github.token }}", token) for name, about in inputs.items()}
    return {variable(name): value for name, value in defaults.items()}


def variable(name: str) -> str:
    """The variable of an input: hyphens stay."""
    return "INPUT_" + name.replace(" ", "_").upper()


@dataclass
class Job:
    """A job on a runner: its folders, its variables. `run` starts the program in it directly; tests/container/runner in a container."""

    env: dict[str, str]
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ecs-deploy-job-")))
    event: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workspace = self.folder / "work" / "shop" / "shop"
        self.temp = self.folder / "work" / "_temp"
        for folder in (self.workspace, *(self.temp / name for name in ("_github_home", "_github_workflow", "_runner_file_commands"))):
            folder.mkdir(parents=True)
        (self.temp / "_github_workflow" / "event.json").write_text(json.dumps(self.event))

    def files(self) -> dict[str, Path]:
        """The empty files of a step."""
        commands = self.temp / "_runner_file_commands"
        names = {"GITHUB_OUTPUT": "set_output", "GITHUB_ENV": "set_env", "GITHUB_STEP_SUMMARY": "step_summary", "GITHUB_STATE": "save_state", "GITHUB_PATH": "add_path"}
        paths = {variable: commands / f"{name}_d2b8c7a2" for variable, name in names.items()}
        for path in paths.values():
            path.write_text("")
        return paths

    def variables(self, inputs: dict[str, str], token: str = "") -> dict[str, str]:
        """All variables of a step, with the runner's own paths."""
        given = {variable(name): value for name, value in inputs.items()}
        unknown = set(given) - set(declared_inputs())
        assert not unknown, f"action.yml knows no {unknown}"
        return {
            **self.env,
            **declared_inputs(token),
            **given,
            **{name: str(path) for name, path in self.files().items()},
            "HOME": str(self.temp / "_github_home"),
            "GITHUB_ACTION": "__self",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "octocat",
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_EVENT_PATH": str(self.temp / "_github_workflow" / "event.json"),
            "GITHUB_JOB": "deploy",
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REPOSITORY": "octo-org/shop",
            "GITHUB_REPOSITORY_OWNER": "octo-org",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_RUN_ID": "9876543210",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "4f1c6f3f4a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "GITHUB_WORKFLOW": "deploy",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_ARCH": "X64",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp),
        }

    def run(self, inputs: dict[str, str], binary: Path = BINARY) -> Ran:
        """Runs the step without a container."""
        env = self.variables(inputs)
        done = subprocess.run([binary], env=env, cwd=self.workspace, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        return self.read(done.returncode, done.stdout + done.stderr, env)

    def read(self, exit_code: int, log: str, env: dict[str, str]) -> Ran:
        """Reads what the step left in its files."""
        outputs = file_command(Path(env["GITHUB_OUTPUT"]).read_text())
        return Ran(exit_code, outputs, Path(env["GITHUB_STEP_SUMMARY"]).read_text(), log)


def file_command(text: str) -> dict[str, str]:
    """Pairs of a file like GITHUB_OUTPUT, by the runner's rules: `NAME=value`, or `NAME<<DELIMITER`, lines, `DELIMITER`."""
    pairs, lines = {}, iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, value = line.split("=", 1)
        elif heredoc >= 0:
            name, delimiter = line.split("<<", 1)
            assert name and delimiter, f"invalid format: {line!r}"
            found = []
            for inner in lines:
                if inner == delimiter:
                    break
                found.append(inner)
            else:
                raise AssertionError(f"matching delimiter not found: {delimiter!r}")
            value = "\n".join(found)
        else:
            raise AssertionError(f"invalid format: {line!r}")
        assert name, f"invalid format: {line!r}"
        pairs[name] = value
    return pairs


class TokenEndpoint(ThreadingHTTPServer):
    """The runner's OpenID Connect endpoint, for a pretend AWS that takes any token."""

    BEARER = "request-token"
    # {"alg":"RS256"} . {"aud":"sts.amazonaws.com","iss":"https://token.actions.githubusercontent.com","sub":"repo:octo-org/shop:ref:refs/heads/main"}
    TOKEN = (
        "eyJhbGciOiJSUzI1NiJ9."
        "eyJhdWQiOiJzdHMuYW1hem9uYXdzLmNvbSIsImlzcyI6Imh0dHBzOi8vdG9rZW4uYWN0aW9ucy5naXRodWJ1c2VyY29udGVudC5jb20iLCJzdWIiOiJyZXBvOm9jdG8tb3JnL3Nob3A6cmVmOnJlZnMvaGVhZHMvbWFpbiJ9."
        "c2lnbmF0dXJl"
    )

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _TokenRequest)
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def env(self) -> dict[str, str]:
        """What a job with `id-token: write` gets."""
        url = f"http://127.0.0.1:{self.server_port}/token?api-version=2.0"
        return {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.BEARER}


class _TokenRequest(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization", "").lower() == f"bearer {TokenEndpoint.BEARER}"
        self.server.asked.append(self.path)
        body = json.dumps({"value": TokenEndpoint.TOKEN} if allowed else {"message": "no"}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing: the test's own output matters."""


def build() -> None:
    """Builds the program and the sim, in the way of the tests: nothing to do after the unit part."""
    subprocess.run(["cargo", "test", "--quiet", "--locked", "--features", "sim", "--test", "scenarios", "--no-run"], cwd=ROOT, check=True)
