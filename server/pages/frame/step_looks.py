"""How each type of step looks in the diagram: the tint of its tile and its icon."""

from typing import Literal

Kind = Literal["start", "if", "wait", "outside", "action", "end"]

START: tuple[Kind, str] = ("start", "zap")
END: tuple[Kind, str] = ("end", "flag")
OTHER: tuple[Kind, str] = ("action", "box")

TRIGGERS: dict[str, tuple[Kind, str]] = {
    "schedule": ("start", "calendar-clock"),
    "manual": ("start", "play"),
    "email_received": ("start", "mail-open"),
    "email_sent": ("start", "send"),
    "email_bounced": ("start", "mail-open"),
    "sms_undelivered": ("start", "smartphone"),
    "webhook_received": ("start", "webhook"),
    "stage_changed": ("start", "shuffle"),
    "record_deleted": ("start", "trash-2"),
}

STEPS: dict[str, tuple[Kind, str]] = {
    "if": ("if", "split"),
    "wait": ("wait", "hourglass"),
    "stop": END,
    "run_workflow": ("action", "workflow"),
    "send_email": ("action", "mail"),
    "send_sms": ("action", "smartphone"),
    "update_fields": ("action", "pencil-line"),
    "update_related": ("action", "link"),
    "create_record": ("action", "plus"),
    "create_task": ("action", "list-todo"),
    "create_event": ("action", "calendar"),
    "assign": ("action", "user-check"),
    "notify": ("action", "bell"),
    "webhook": ("outside", "webhook"),
    "fill_fields": ("outside", "sparkles"),
    "add_tags": ("action", "tag"),
    "remove_tags": ("action", "tag"),
    "generate_pdf": ("action", "file-text"),
    "add_note": ("action", "sticky-note"),
    "call_function": ("outside", "square-function"),
    "move_document": ("action", "folder-input"),
    "pause_chasing": ("action", "octagon-pause"),
    "set_portfolio": ("action", "users"),
    "set_strike_level": ("action", "triangle-alert"),
    "set_auto_charge": ("action", "zap"),
    "update_erp": ("outside", "database"),
}


def of_trigger(type: str) -> tuple[Kind, str]:
    """Kind and icon of a trigger; one without a look of its own gets the common one."""
    return TRIGGERS.get(type, START)


def of_step(type: str) -> tuple[Kind, str]:
    """Kind and icon of a step; a step without a look of its own gets the common one."""
    return STEPS.get(type, OTHER)
