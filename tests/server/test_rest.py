"""REST as a program sees it: over a real port, with a token, on both databases."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.people import logins
from engine.queue import beat
from server.operations.registry import OPERATIONS
from tests.databases import TemplateDatabase
from tests.fakes import Clock
from tests.stages.office.reception import REMIND, Reception, furnish, opened, served


@pytest.fixture
def reception(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> Iterator[Reception]:
    with (
        opened(template_database("reception", furnish), clock, tmp_path) as installation,
        served(installation),
    ):
        yield installation


on_sqlite = pytest.mark.parametrize("pairs", ["sqlite"], indirect=True)


def paths(answer: httpx.Response) -> list[str]:
    return [problem["path"] for problem in answer.json()["problems"]]


# --- records ---


def test_a_record_is_made_read_changed_and_deleted(reception: Reception) -> None:
    alice = reception.client("alice")
    values = {"account": "ACME", "status": "sent", "balance": "19.90", "due_date": "2026-04-01"}
    made = alice.post("/api/records/invoices", json={"values": values})
    assert (made.status_code, made.json()["number"]) == (201, "INV-4")
    kept = {"account": 1, "status": "Sent", "balance": 19.9, "due_date": "2026-04-01"}
    id = made.json()["id"]
    read = alice.get(f"/api/records/invoices/{id}").json()
    assert {key: read["values"][key] for key in kept} == kept
    assert read["names"] == {"account": "ACME"}
    changed = alice.patch("/api/records/invoices/INV-4", json={"values": {"balance": 0}})
    assert (changed.status_code, changed.json()["values"]["balance"]) == (200, 0)
    assert alice.delete(f"/api/records/invoices/{id}").status_code == 200
    assert alice.get(f"/api/records/invoices/{id}").status_code == 404
    assert alice.delete(f"/api/records/invoices/{id}").status_code == 404
    assert alice.patch(f"/api/records/invoices/{id}", json={"values": {}}).status_code == 404


def test_a_list_is_filtered_by_fields_by_a_condition_or_by_both(reception: Reception) -> None:
    alice = reception.client("alice")

    def numbers(query: str) -> list[str]:
        answer = alice.get(f"/api/records/invoices?{query}")
        assert answer.status_code == 200, answer.text
        return [row["number"] for row in answer.json()["records"]]

    large = 'where={"field":"balance","op":"at_least","value":200}'
    assert numbers("status=Sent") == ["INV-1", "INV-2"]
    assert numbers("account=ACME&status=draft") == ["INV-3"]
    assert numbers("account.email=ap@acme.test&limit=1") == ["INV-1"]
    assert numbers("memo=") == ["INV-1", "INV-2", "INV-3"]
    assert numbers(large) == ["INV-2"]
    assert numbers(f"status=Draft&{large}") == []
    assert numbers("order_by=-balance&limit=500") == ["INV-2", "INV-1", "INV-3"]


def test_T32_long_text_is_found_on_both_databases(reception: Reception) -> None:
    alice = reception.client("alice")
    for words in ("Thanked Bo Ray.\nÉlan.", "Nothing"):
        made = alice.post("/api/records/notes", json={"values": {"text": words}})
        assert made.status_code == 201, made.text

    def found(words: str) -> list[str]:
        answer = alice.get("/api/records/notes", params={"text": words})
        return [row["values"]["text"][:7] for row in answer.json()["records"]]

    assert found("THANKED bo") == ["Thanked"]
    assert found("élan") == ["Thanked"]
    assert found("100%") == []


@on_sqlite
@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("statu=Sent", "statu"),
        ("status=Sentt", "where.all.0.value"),
        ("order_by=colour", "order_by"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("where={}&where=[1]", "where"),
        ("where={", "where"),
        ('where={"field":"status"}', "where.op"),
        ("fields=colour", "fields"),
    ],
)
def test_a_search_that_cannot_be_made_tells_why(
    reception: Reception, query: str, path: str
) -> None:
    answer = reception.client("alice").get(f"/api/records/invoices?{query}")
    assert (answer.status_code, paths(answer)) == (422, [path])


def test_a_change_raises_its_event_and_tells_what_it_starts(reception: Reception) -> None:
    workflow = reception.approved(trigger={"type": "record_created"})
    values = {"account": "ACME", "status": "Sent"}
    made = reception.client("alice").post("/api/records/invoices", json={"values": values})
    assert made.json()["started"] == [{"workflow": workflow, "name": "Invoices - Remind"}]
    reception.installation.worker.work()
    runs = reception.client("alice").get(f"/api/runs?workflow={workflow}").json()
    assert [run["record"]["number"] for run in runs["runs"]] == ["INV-4"]


# --- every operation is a route ---


def test_a_workflow_goes_from_draft_to_run_over_rest(reception: Reception) -> None:
    alice = reception.client("alice")
    draft = alice.post(
        "/api/workflows", json={"document": {**REMIND, "module": "invoicess"}}
    ).json()
    assert draft["problems"][0]["remedy"] == "Did you mean `invoices`?"
    edits = [{"op": "set", "key": "module", "value": "invoices"}]
    body = {"revision": draft["revision"], "edits": edits}
    assert alice.post("/api/workflows/1/edit", json=body).json()["problems"] == []
    assert alice.post("/api/workflows/1/edit", json=body).status_code == 409
    tested = alice.post("/api/workflows/test", json={"workflow": 1, "records": ["INV-1"]}).json()
    assert tested["records"][0]["matches"] is True
    body = {"revision": 2, "note": "Please."}
    link = alice.post("/api/workflows/1/submit", json=body).json()["link"]
    assert link == f"{reception.installation.settings.address}/reviews/1"
    assert alice.post("/api/workflows/1/run", json={"records": [1]}).status_code == 422
    listed = alice.get("/api/workflows?status=in_review").json()["workflows"]
    assert [row["workflow"] for row in listed] == [1]


@on_sqlite
def test_a_body_that_is_the_document_itself_is_a_draft_too(reception: Reception) -> None:
    answer = reception.client("alice").post("/api/workflows", json=REMIND)
    assert (answer.status_code, answer.json()["problems"]) == (200, [])


@on_sqlite
def test_every_operation_is_in_openapi_with_parameters_and_answers(reception: Reception) -> None:
    told = httpx.get(f"{reception.url}/api/openapi.json").json()
    routes = {
        (method.upper(), path): route
        for path, methods in told["paths"].items()
        for method, route in methods.items()
    }
    missing = [
        name for name, it in OPERATIONS.items() if (it.method, f"/api{it.path}") not in routes
    ]
    assert missing == []
    assert all(path.startswith("/api/") for _, path in routes)
    search = routes["GET", "/api/records/{module}"]
    assert [(one["name"], one["in"]) for one in search["parameters"]][:2] == [
        ("module", "path"),
        ("where", "query"),
    ]
    assert routes["POST", "/api/records/{module}"]["security"] == [{"HTTPBearer": []}]


@on_sqlite
def test_openapi_tells_the_type_of_every_answer_down_to_its_parts(reception: Reception) -> None:
    told = httpx.get(f"{reception.url}/api/openapi.json").json()
    kinds = told["components"]["schemas"]
    for name, operation in OPERATIONS.items():
        route = told["paths"][f"/api{operation.path}"][operation.method.lower()]
        answer = route["responses"][f"{operation.status}"]["content"]["application/json"]["schema"]
        assert kinds[answer["$ref"].rpartition("/")[2]]["required"] == operation.always, name
        assert {"$ref": "#/components/responses/422"} in route["responses"].values()
    refs = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(told)))
    assert refs == set(kinds)
    fields = kinds["FoundRecords"]["properties"]["records"]["items"]
    assert fields == {"$ref": "#/components/schemas/FoundRecord"}


@on_sqlite
def test_modules_are_made_and_changed_by_admins_alone(reception: Reception) -> None:
    root, alice = reception.client("root"), reception.client("alice")
    definition = {"name": "gadgets", "fields": [{"name": "name", "type": "text"}]}
    assert alice.post("/api/modules", json=definition).status_code == 403
    assert root.post("/api/modules", json=definition).status_code == 201
    field = {"name": "size", "type": "picklist", "options": ["S"]}
    assert root.post("/api/modules/gadgets/fields", json=field).status_code == 201
    changed = root.patch("/api/modules/gadgets/fields/size", json={"options": ["S", "M"]})
    assert changed.json()["module"]["fields"][1]["options"] == ["S", "M"]
    named = root.patch("/api/modules/gadgets", json={"label": "Things"})
    assert named.json()["module"]["label"] == "Things"
    body = {"values": {"name": "Lamp", "size": "M"}}
    assert alice.post("/api/records/gadgets", json=body).status_code == 201


# --- who may ---


@on_sqlite
def test_without_a_good_token_nothing_opens(reception: Reception) -> None:
    given = [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer atp_unknown"},
        {"Authorization": f"Basic {reception.token('alice')}"},
        {"Cookie": f"session={reception.token('alice')}"},
    ]
    for headers in given:
        answer = httpx.get(f"{reception.url}/api/modules", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (
            401,
            'Bearer realm="sayso"',
        )


def test_a_revoked_token_is_refused_from_then_on(reception: Reception) -> None:
    alice = reception.client("alice")
    assert alice.get("/api/modules").status_code == 200
    with reception.installation.database.begin() as tx:
        logins.revoke_token(tx, logins.tokens(tx, "alice")[0].id)
    assert alice.get("/api/modules").status_code == 401


@on_sqlite
def test_a_missing_scope_is_named(reception: Reception) -> None:
    narrow = reception.client("alice", "records:read")
    answer = narrow.post("/api/workflows", json=REMIND)
    assert answer.status_code == 403
    assert "`workflows:write`" in answer.json()["problems"][0]["message"]
    assert answer.headers["www-authenticate"] == (
        'Bearer error="insufficient_scope", scope="workflows:write"'
    )


@on_sqlite
def test_nothing_under_the_api_decides_a_review_even_with_every_right(reception: Reception) -> None:
    reception.drafted()
    reception.ask("alice", "submit_workflow", workflow=1, revision=1)
    bob = reception.client("bob")
    for path in ("/api/reviews/1/approve", "/api/reviews/1", "/api/workflows/1/approve"):
        assert bob.post(path, json={"hash": "x"}).status_code in (404, 405)
    told = bob.post("/reviews/1/approve", data={"hash": "x"}, follow_redirects=False)
    assert told.status_code in (303, 401, 403, 404)
    assert reception.ask("alice", "get_workflow", workflow=1)["state"] == "in_review"


# --- what went wrong ---


@on_sqlite
def test_each_fault_has_its_status_and_says_what_to_do(reception: Reception) -> None:
    alice = reception.client("alice")
    big = b'{"values": {"memo": "' + b"x" * 1_100_000 + b'"}}'

    def announced() -> Iterator[bytes]:
        yield big

    answers: dict[str, Any] = {
        "not JSON": alice.post("/api/records/invoices", content=b"{"),
        "no object": alice.post("/api/records/invoices", content=b"[1]"),
        "too deep": alice.post("/api/records/invoices", content=b'{"a":' * 5000),
        "too large": alice.post("/api/records/invoices", content=big),
        "too large, unannounced": alice.post("/api/records/invoices", content=announced()),
        "no module": alice.get("/api/records/invoicess"),
        "no record": alice.get("/api/records/invoices/INV-99"),
        "huge id": alice.get(f"/api/records/invoices/{10**30}"),
        "no workflow": alice.get("/api/workflows/7"),
        "huge workflow": alice.get(f"/api/workflows/{10**12}"),
        "no run": alice.get("/api/runs/R-7"),
        "no route": alice.get("/api/nothing"),
        "no method": alice.put("/api/modules"),
        "bad values": alice.post("/api/records/invoices", json={"values": {"status": "x", "a": 1}}),
        "unknown key": alice.post("/api/records/invoices", json={"vals": {}}),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "not JSON": 400,
        "no object": 422,
        "too deep": 400,
        "too large": 413,
        "too large, unannounced": 413,
        "no module": 404,
        "no record": 404,
        "huge id": 404,
        "no workflow": 404,
        "huge workflow": 422,
        "no run": 404,
        "no route": 404,
        "no method": 405,
        "bad values": 422,
        "unknown key": 422,
    }
    assert all(answer.json()["problems"][0]["message"] for answer in answers.values())
    assert paths(answers["bad values"]) == ["values.status", "values.a"]
    assert paths(answers["unknown key"]) == ["values", "vals"]


@on_sqlite
def test_other_hosts_and_other_sites_are_refused(reception: Reception) -> None:
    alice = reception.client("alice")

    def status(**headers: str) -> int:
        return alice.get("/api/modules", headers=headers).status_code

    assert status(Host="evil.test") == 421
    assert status(Host="localhost.evil.test:8000") == 421
    assert status(Origin="https://evil.test") == 403
    assert status(Origin="null") == 403
    assert status(Host="localhost:1234") == 200
    assert status(Host="[::1]:8000") == 200
    assert status(Origin="http://localhost:3000") == 200


@on_sqlite
def test_the_public_address_is_one_of_ours(
    template_database: TemplateDatabase, clock: Clock, tmp_path: Path
) -> None:
    with opened(template_database("reception", furnish), clock, tmp_path) as reception:
        public = {"public_url": "https://sayso.example.com"}
        reception.installation.settings = reception.installation.settings.model_copy(update=public)
        with served(reception):
            for host in ("sayso.example.com", "SAYSO.example.com:443"):
                answer = httpx.get(f"{reception.url}/api/openapi.json", headers={"Host": host})
                assert answer.status_code == 200


@on_sqlite
def test_browsers_are_told_to_run_nothing_but_ours(reception: Reception) -> None:
    headers = httpx.get(f"{reception.url}/api/openapi.json").headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_health_is_well_once_a_worker_lives_and_ill_when_it_falls_silent(
    reception: Reception,
) -> None:
    def health() -> tuple[int, Any]:
        answer = httpx.get(f"{reception.url}/health")
        return answer.status_code, {
            part: told["ok"] for part, told in answer.json().items() if part != "status"
        }

    well = dict.fromkeys(("database", "worker", "scheduler", "queue", "mail", "incoming"), True)
    silent = {**well, "worker": False, "scheduler": False}
    assert health() == (503, silent)
    beat(reception.installation.worker)
    assert health() == (200, well)
    reception.clock.advance(minutes=4)
    assert health() == (503, silent)
