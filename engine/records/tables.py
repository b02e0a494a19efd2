"""The engine's own tables, each written by one file only. Modules have tables of their own."""

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal,
)

from engine.records.states import DRIVEN, Result
from engine.schema.sql_types import Json, Key, Moment

METADATA = MetaData()

# transaction.py, database.py: what is cached in each process, and which state of it is the newest
STATE = Table(
    "sayso_state",
    METADATA,
    Column("key", String(40), primary_key=True),
    Column("value", Integer, nullable=False),
)
SETTINGS = Table(
    "sayso_settings",
    METADATA,
    Column("key", String(40), primary_key=True),
    Column("value", Json, nullable=False),
)
MODULES = Table(
    "sayso_modules",
    METADATA,
    Column("name", String(63), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("definition", Json, nullable=False),
)

# numbers.py, events.py: every change there ever was, and which of them no workflow has been asked
# about yet
NUMBERS = Table(
    "sayso_numbers",
    METADATA,
    Column("module", String(63), primary_key=True),
    Column("next", Integer, nullable=False),
)
EVENTS = Table(
    "sayso_events",
    METADATA,
    Column("id", Key, primary_key=True),
    Column("module", Text, nullable=False),
    Column("record", Key, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("source", String(10), nullable=False),
    Column("token", Text),
    Column("changes", Json, nullable=False),
    Column("snapshot", Json),
    Column("pending", Boolean, nullable=False),
    Column("workflow", Integer),
    Column("run", Key),
    Column("depth", Integer, nullable=False, default=0),
    Column("chain", Json),
    sqlite_autoincrement=True,
)
Index("sayso_events_record", EVENTS.c.module, EVENTS.c.record, EVENTS.c.id)
# Asked for in the same words, or SQLite would not use the index.
PENDING = EVENTS.c.pending.is_(True)
Index("sayso_events_pending", EVENTS.c.id, sqlite_where=PENDING, postgresql_where=PENDING)

# workflows/store.py: workflows, their drafts, their versions and what people decided about them
WORKFLOWS = Table(
    "sayso_workflows",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("module", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("draft", Json),
    Column("authors", Json, nullable=False),
    Column("active_version", Integer),
    Column("activated_at", Moment),
    Column("created_by", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)
VERSIONS = Table(
    "sayso_versions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("workflow", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("document", Json, nullable=False),
    Column("texts", Json),
    Column("hash", String(64), nullable=False),
    Column("authors", Json, nullable=False),
    Column("by_agent", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("audience", Integer),
    Column("submitted_by", Text, nullable=False),
    Column("submitted_at", Moment, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Moment),
    Column("comment", Text),
    Column("self_approved", Boolean, nullable=False, default=False),
    Column("seen", Json),
    UniqueConstraint("workflow", "version"),
    sqlite_autoincrement=True,
)

# runs/store.py: runs and what they did
RUNS = Table(
    "sayso_runs",
    METADATA,
    Column("id", Key, primary_key=True),
    Column("workflow", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("module", Text, nullable=False),
    Column("subject", Key, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("record", Key, nullable=False),
    Column("members", Json),
    Column("state", String(10), nullable=False),
    Column("step", Text),
    Column("due", Moment),
    Column("owner", String(32)),
    Column("outward", Boolean, nullable=False, default=False),
    Column("reason", Text, nullable=False, default=""),
    Column("event", Key),
    Column("actor", Text, nullable=False, default=""),
    Column("before", Json),
    Column("depth", Integer, nullable=False, default=0),
    Column("chain", Json),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("awaits", Text),
    UniqueConstraint("workflow", "subject", "occasion", name="sayso_runs_occasion"),
    sqlite_autoincrement=True,
)
# Constants, not parameters: only then SQLite sees that a query asks for what the index holds.
LIVE = RUNS.c.state.in_([literal(state.value, literal_execute=True) for state in DRIVEN])
DUE = (RUNS.c.outward, RUNS.c.due, RUNS.c.id)
Index("sayso_runs_due", *DUE, sqlite_where=LIVE, postgresql_where=LIVE)
Index("sayso_runs_record", RUNS.c.module, RUNS.c.record)
AWAITING = RUNS.c.awaits.is_not(None)
Index("sayso_runs_awaits", RUNS.c.awaits, sqlite_where=AWAITING, postgresql_where=AWAITING)
Index("sayso_runs_workflow", RUNS.c.workflow, RUNS.c.state)
# The records of runs that are about several at once, so that a run is found by each of them.
MEMBERS = Table(
    "sayso_members",
    METADATA,
    Column("module", Text, primary_key=True),
    Column("record", Key, primary_key=True),
    Column("run", Key, primary_key=True),
)
ENTRIES = Table(
    "sayso_entries",
    METADATA,
    Column("run", Key, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("move", Json, nullable=False),
    Column("phase", String(10), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("said", Text, nullable=False),
    Column("warned", Text, nullable=False, default=""),
    Column("result", Json),
    Column("tries", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("cause", String(10), nullable=False, default=""),
    Column("since", Moment),
)
# Messages that wait, failed, or nobody knows of, and what a corrected address may set going again.
UNSENT = ENTRIES.c.cause.in_(
    [literal(word, literal_execute=True) for word in ("address", "retry", "cap", "approval")]
)
Index("sayso_entries_unsent", ENTRIES.c.cause, sqlite_where=UNSENT, postgresql_where=UNSENT)

# runs/story.py: what happened to each run, a line each, which is never changed; `state` is how the
# run stood after it
STORY = Table(
    "sayso_story",
    METADATA,
    Column("id", Key, primary_key=True),
    Column("run", Key, nullable=False),
    Column("step", Text),
    Column("what", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("until", Moment),
    sqlite_autoincrement=True,
)
Index("sayso_story_run", STORY.c.run, STORY.c.id)
# What is counted after all else is forgotten, and by day.
COUNTED = STORY.c.what.in_(
    [literal(word.value, literal_execute=True) for word in (Result.FAILED, Result.SKIPPED)]
)
Index("sayso_story_counted", STORY.c.at, sqlite_where=COUNTED, postgresql_where=COUNTED)

# episodes.py: for which records the conditions hold, or held when the workflow was switched on
EPISODES = Table(
    "sayso_episodes",
    METADATA,
    Column("workflow", Integer, primary_key=True),
    Column("subject", Key, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("holds", Boolean, nullable=False),
)
# runs/schedules/next_due.py: when each scheduled workflow is next due, ran last and was missed last
SCHEDULES = Table(
    "sayso_schedules",
    METADATA,
    Column("workflow", Integer, primary_key=True),
    Column("next_at", Moment, index=True),
    Column("last_at", Moment),
    Column("missed_at", Moment),
)
# rota.py: who of each group was given something last
TURNS = Table(
    "sayso_turns",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("last", Text, nullable=False),
)
# runs/sending/quotas.py: whom which step wrote to (claimed before it does), how many messages left
# in which hour or day, and how many more a person let go
CLAIMS = Table(
    "sayso_claims",
    METADATA,
    Column("run", Key, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("channel", String(10), nullable=False),
    Column("workflow", Integer, nullable=False),
    Column("day", String(10), nullable=False),
    Column("hour", String(13), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)
QUOTAS = Table(
    "sayso_quotas",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("period", String(13), primary_key=True),
    Column("used", Integer, nullable=False),
)
RELEASES = Table(
    "sayso_releases",
    METADATA,
    Column("workflow", Integer, primary_key=True),
    Column("channel", String(10), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
# outside/kill_switch.py: what must not leave the house now: everything, a channel, one workflow
STOPS = Table(
    "sayso_stops",
    METADATA,
    Column("scope", String(40), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
)
# suppression.py: who must not be written to automatically
SUPPRESSIONS = Table(
    "sayso_suppressions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("channel", String(10), nullable=False),
    Column("address", Text, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("detail", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("channel", "address"),
    sqlite_autoincrement=True,
)
# runs/schedules/rescheduling.py: times of waiting runs that a person moved, to be restored
SCHEDULE_MOVES = Table(
    "sayso_schedule_moves",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("rows", Json, nullable=False),
    Column("undone_at", Moment),
    Column("undone_by", Text),
    sqlite_autoincrement=True,
)
# outside/receiving.py: what came in from outside, so that nothing is taken twice
TAKEN = Table(
    "sayso_taken",
    METADATA,
    Column("key", String(80), primary_key=True),
    Column("at", Moment, nullable=False),
)
# outside/postman.py: how far each folder of mail has been read, who reads it now, and how that goes
FOLDERS = Table(
    "sayso_folders",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("validity", Key, nullable=False),
    Column("last", Key, nullable=False),
    Column("due", Moment, nullable=False),
    Column("read_at", Moment),
    Column("failures", Integer, nullable=False),
    Column("trouble", Text, nullable=False),
)
# alerts.py: what a person should look at
ALERTS = Table(
    "sayso_alerts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("workflow", Integer),
    Column("cause", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("state", String(10), nullable=False),
    Column("settled_at", Moment),
    Column("settled_by", Text, nullable=False, default=""),
    Column("settled_why", Text, nullable=False, default=""),
)
# queue.py: who was alive when
HEARTBEATS = Table(
    "sayso_heartbeats",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("at", Moment, nullable=False),
)
# people/logins.py: who may come in, and with what
LOGINS = Table(
    "sayso_logins",
    METADATA,
    Column("username", String(63), primary_key=True),
    Column("password", Text),
    Column("roles", Json, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
)
TOKENS = Table(
    "sayso_tokens",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("username", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("revoked_at", Moment),
    sqlite_autoincrement=True,
)
SESSIONS = Table(
    "sayso_sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("username", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("proved_at", Moment, nullable=False),
)
# people/audit.py: who did what
AUDIT = Table(
    "sayso_audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("token", Text),
    Column("verb", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("detail", Json),
    sqlite_autoincrement=True,
)
