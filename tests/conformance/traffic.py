"""The traffic the scenarios leave behind: what the program asked of the pretend AWS and GitHub, and what they answered.

A line is a JSON object: door, service, operation, method, path, query, request (the body as sent), status (0 when the
connection was cut) and response. Secrets in it have been replaced by BLOTTED.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRAFFIC = ROOT / "target" / "traffic"
BLOTTED = "REDACTED"


def lines(door: str) -> list[dict]:
    """All lines of one door; plays the scenarios first when they have left nothing yet."""
    if not list(TRAFFIC.glob("*.jsonl")):
        subprocess.run(["tests/tools/unit", "--test", "scenarios"], cwd=ROOT, check=True)
    found = []
    for file in sorted(TRAFFIC.glob("*.jsonl")):
        for text in file.read_text().splitlines():
            line = json.loads(text)
            if line["door"] == door:
                found.append({**line, "file": file.name})
    return found


def judge(door: str, problems_of, must_see: set[str]) -> None:
    """Judges every line of a door and ends the process: 0 when all fit and all of `must_see` was there."""
    seen, complaints = Counter(), Counter()
    for line in lines(door):
        name = f"{line['service']} {line['operation']}"
        seen[name] += 1
        for problem in problems_of(line):
            complaints[f"{name} ({line['method']} {line['path']}, {line['status']}): {problem}  [{line['file']}]"] += 1
    for name in sorted(must_see - set(seen)):
        complaints[f"{name}: no scenario called it"] += 1
    for complaint, times in complaints.most_common(60):
        print(f"{times:4} x {complaint}", file=sys.stderr)
    print(f"{sum(seen.values())} calls of {len(seen)} operations; {len(complaints)} complaints")
    sys.exit(1 if complaints else 0)


def prove(problems_of, good: list[dict], bad: list[tuple[str, dict]]) -> None:
    """Shows that the judge can see: the good lines pass, and each bad one is complained of in the words expected."""
    for line in good:
        found = list(problems_of(line))
        assert not found, f"complains of a good line: {found}"
    for words, line in bad:
        found = list(problems_of(line))
        assert any(words in problem for problem in found), f"should say {words!r}, says {found}"
