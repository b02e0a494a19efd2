"""What a version does in plain words, every text of it where its step is told."""

from engine.conditions import Binder
from engine.workflows.workflow import Sentence as Said
from engine.workflows.workflow import Workflow
from server.pages.reviews.views import Sentence, TextInFull

INDENT = "\u2003"


def told(workflow: Workflow, binder: Binder) -> list[Sentence]:
    """Each sentence, with all texts of the step that it is about."""
    return [
        {
            "text": said.text.lstrip(INDENT),
            "depth": len(said.text) - len(said.text.lstrip(INDENT)),
            "texts": _texts(workflow, said, binder),
        }
        for said in workflow.told(binder)
    ]


def _texts(workflow: Workflow, said: Said, binder: Binder) -> list[TextInFull]:
    return [
        {
            "name": text.name,
            "lines": [
                {
                    "depth": line.depth,
                    "words": [{"text": piece.text, "kind": piece.kind} for piece in line.pieces],
                }
                for line in text.lines
            ],
        }
        for text in workflow.in_full(said.step, binder)
    ]
