"""What a version does in plain words, every text of it where its step is told."""

from engine.blocks.in_full import InFull, in_full
from engine.conditions import Binder
from engine.workflows.workflow import Workflow
from server.pages.reviews.views import Sentence, TextInFull

INDENT = "\u2003"


def told(workflow: Workflow, binder: Binder) -> list[Sentence]:
    """Each sentence, with all texts of the step that it is about."""
    return [
        {
            "text": sentence.text.lstrip(INDENT),
            "depth": len(sentence.text) - len(sentence.text.lstrip(INDENT)),
            "texts": [_in_full(text) for text in in_full(sentence.step, binder, workflow.texts)]
            if sentence.step
            else [],
        }
        for sentence in workflow.told(binder)
    ]


def _in_full(text: InFull) -> TextInFull:
    return {
        "name": text.name,
        "lines": [
            {
                "depth": line.depth,
                "words": [{"text": piece.text, "kind": piece.kind} for piece in line.pieces],
            }
            for line in text.lines
        ],
    }
