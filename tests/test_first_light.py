"""The whole story as a stranger would try it: by command, MCP, browser, REST, mail and webhook."""

import os
import subprocess
import sys
from pathlib import Path

from tests.databases import Pair

SCRIPT = Path(__file__).parent.parent / "examples" / "first_light.py"


def test_first_light(pair: Pair, tmp_path: Path) -> None:
    """Alice's agent drafts, corrects and submits; a person approves; mail and webhook arrive."""
    urls = {"SAYSO_DATABASE_URL": pair.database_url, "SAYSO_QUEUE_URL": pair.queue_url}
    story = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, **urls, "PYTHONPATH": str(SCRIPT.parent.parent)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert story.returncode == 0, story.stderr
    stations = (
        "Its first draft has a mistake: steps.0.to.0: there is no field `emial` in Accounts.",
        "Sayso says how to correct it: Did you mean `email`?",
        "tries to switch it on itself: pending_approval.",
        "The admin approves.",
        "A mail arrives at ap@acme.test: Thank you: INV-2",
        "under the id run-1-tell_accounting, and the signature is right.",
        "The run R-1 is done.",
        "Everything has stopped again.",
    )
    places = [story.stdout.find(station) for station in stations]
    assert -1 not in places, story.stdout
    assert places == sorted(places)
