"""Files of records: attached and saved through the page and REST, whatever they are called."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from engine.installation import Installation
from engine.people import logins
from engine.records import attachments
from engine.schema.stored_files import clean
from tests.fakes import Clock
from tests.stages.demo.showroom import browser_of, furnish, opened

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
BYTES = bytes(range(256)) * 400 + b"\r\n--end"
PAGE, API = "/records/invoices/1", "/api/records/invoices/1/files"
HOSTILE = (
    ("../../x", "x"),
    ("..\\..\\autoexec.bat", "autoexec.bat"),
    ("..", "file"),
    ('a"; filename="evil.html', "a_; filename=_evil.html"),
    ("a\r\nSet-Cookie: b=1.pdf", "aSet-Cookie_ b=1.pdf"),
    ("\u202efdp.exe", "fdp.exe"),
    (f"{'long' * 100}.pdf", f"{('long' * 100)[:146]}.pdf"),
)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("showroom")
    furnish(folder, Clock(NOW))
    return folder


@pytest.fixture
def installation(furnished: Path, tmp_path: Path, clock: Clock) -> Iterator[Installation]:
    with opened(furnished, tmp_path / "house", clock) as installation:
        yield installation


def program(installation: Installation, *scopes: str, user: str = "alice") -> TestClient:
    """A REST client with a token."""
    with installation.database.begin() as tx:
        token = logins.create_token(tx, user, "a test", scopes)
    client = browser_of(installation)
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def upload(name: str = "scan.pdf", content: bytes = BYTES) -> dict[str, tuple[str, bytes, str]]:
    return {"file": (name, content, "application/pdf")}


def kept(installation: Installation) -> list[Path]:
    folder = installation.settings.data_dir / "files"
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_attached_on_the_page_and_saved_from_it_byte_for_byte(
    installation: Installation,
) -> None:
    alice = browser_of(installation, "alice")
    assert "No files yet" in alice.get(PAGE).text
    answer = alice.post(f"{PAGE}/files", files=upload())
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    link = re.search(r'href="(/files/\d+)" download>scan\.pdf<', alice.get(PAGE).text)
    assert link
    saved = alice.get(link[1])
    assert saved.content == BYTES
    assert saved.headers["content-type"] == "application/pdf"
    assert saved.headers["content-disposition"] == 'attachment; filename="scan.pdf"'
    assert saved.headers["x-content-type-options"] == "nosniff"
    assert saved.headers["content-security-policy"].startswith("sandbox")
    digest = sha256(BYTES).hexdigest()
    assert kept(installation) == [installation.settings.data_dir / "files" / digest[:2] / digest]


def test_a_file_is_attached_and_read_over_rest_byte_for_byte(installation: Installation) -> None:
    client = program(installation, "records:read", "records:write")
    made = client.post(API, files=upload())
    assert made.status_code == 201, made.text
    assert client.get(made.json()["file"]).content == BYTES
    values = client.get(f"/api/records/documents/{made.json()['id']}").json()["values"]
    assert (values["title"], values["mime"]) == ("scan.pdf", "application/pdf")
    assert values["record"] == "invoices/1"
    hers = browser_of(installation, "alice")
    assert "scan.pdf" in hers.get(PAGE).text
    assert (
        f'href="/files/{made.json()["id"]}"'
        in hers.get(f"/records/documents/{made.json()['id']}").text
    )


@pytest.mark.parametrize(("name", "cleaned"), HOSTILE)
def test_a_hostile_name_leads_nowhere(installation: Installation, name: str, cleaned: str) -> None:
    assert clean(name) == cleaned
    client = program(installation, "records:read", "records:write")
    made = client.post(API, files=upload(name))
    assert made.status_code == 201, made.text
    saved = client.get(made.json()["file"])
    assert saved.content == BYTES
    assert "set-cookie" not in saved.headers
    told = saved.headers["content-disposition"]
    assert re.fullmatch(r"attachment; filename(\*=utf-8''[^\";/\\]+|=\"[^\"/\\]+\")", told), told
    (path,) = kept(installation)
    assert path.name == sha256(BYTES).hexdigest()


@pytest.mark.parametrize(
    "file", ["../../secret.key", "0" * 63 + "/x", "sayso.db", "/etc/passwd", "0" * 64 + "/x"]
)
def test_a_document_that_names_another_file_hands_out_nothing(
    installation: Installation, file: str
) -> None:
    client = program(installation, "records:read", "records:write")
    values = {"title": "x", "file": file, "record": "invoices/1"}
    id = client.post("/api/records/documents", json={"values": values}).json()["id"]
    assert client.get(f"/api/files/{id}").status_code == 404
    assert browser_of(installation, "alice").get(PAGE).status_code == 200


def test_what_is_too_large_is_refused_in_words_and_leaves_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, alice = (
        program(installation, "records:read", "records:write"),
        browser_of(installation, "alice"),
    )
    largest = b"x" * attachments.LARGEST
    for answer in (
        client.post(API, files=upload(content=largest + b"x")),
        alice.post(f"{PAGE}/files", files=upload(content=largest + b"x")),
    ):
        assert answer.status_code == 422
        assert "file is larger than 25 MB" in answer.text
    assert kept(installation) == []
    assert client.post(API, files=upload(content=largest + b"x" * 99_999)).status_code == 413
    assert client.post(API, files=upload(content=largest)).status_code == 201


def test_only_files_may_be_larger_than_other_requests_of_programs(
    installation: Installation,
) -> None:
    client = program(installation, "records:read", "records:write")
    large = upload(content=b"x" * 2**21)
    for path in ("/api/records/invoices", "/api/records/invoices/files", f"{API}/more"):
        assert client.post(path, files=large).status_code == 413
    assert client.post(API, files=large).status_code == 201


def test_what_is_not_there_is_not_found(installation: Installation) -> None:
    client, alice = (
        program(installation, "records:read", "records:write"),
        browser_of(installation, "alice"),
    )
    for where in ("invoices/99999", "nothing/1"):
        assert client.post(f"/api/records/{where}/files", files=upload()).status_code == 404
        assert alice.post(f"/records/{where}/files", files=upload()).status_code == 404
    for id in ("99999", "x", "9" * 30):
        assert client.get(f"/api/files/{id}").status_code == 404
        assert alice.get(f"/files/{id}").status_code == 404
    assert kept(installation) == []
    for answer in (client.post(API), alice.post(f"{PAGE}/files")):
        assert answer.status_code == 422
        assert "here is no file" in answer.text


def test_files_are_for_those_who_may_see_and_change_records(installation: Installation) -> None:
    made = (
        program(installation, "records:read", "records:write")
        .post(API, files=upload())
        .json()["id"]
    )
    stranger = browser_of(installation)
    for answer in (stranger.get(f"/files/{made}"), stranger.post(f"{PAGE}/files", files=upload())):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
    assert stranger.get(f"/api/files/{made}").status_code == 401
    assert stranger.post(API, files=upload()).status_code == 401
    assert program(installation, "records:read").post(API, files=upload()).status_code == 403
    assert program(installation, "records:write").get(f"/api/files/{made}").status_code == 403
    viewer = browser_of(installation, "hr")
    assert viewer.post(f"{PAGE}/files", files=upload()).status_code == 403
    assert viewer.get(f"/files/{made}").content == BYTES
    assert "Attach a file" not in viewer.get(PAGE).text
    other = browser_of(installation, "alice")
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert other.post(f"{PAGE}/files", files=upload(), headers=headers).status_code == 403


def test_what_is_hidden_from_a_token_hides_its_files(installation: Installation) -> None:
    with installation.database.read() as tx:
        hidden = next(m.name for m in tx.schema if m.sensitive)
        id = tx.db.scalar(tx.schema.tables[hidden].select().limit(1))
    admin = browser_of(installation, "admin")
    assert admin.post(f"/records/{hidden}/{id}/files", files=upload()).status_code == 303
    link = re.search(r'href="(/files/\d+)"', admin.get(f"/records/{hidden}/{id}").text)
    assert link
    client = program(installation, "records:read", "records:write")
    assert client.get(f"/api{link[1]}").status_code == 404
    assert client.post(f"/api/records/{hidden}/{id}/files", files=upload()).status_code == 404
    document = link[1].rpartition("/")[2]
    with installation.database.read() as tx:
        table = tx.schema.tables["documents"]
        file = tx.db.scalar(select(table.c.file).where(table.c.id == int(document)))
    moved = {"values": {"record": "invoices/1"}}
    assert client.patch(f"/api/records/documents/{document}", json=moved).status_code == 200
    assert client.get(f"/api{link[1]}").status_code == 404
    copy = {"values": {"title": "x", "file": file, "record": "invoices/1"}}
    made = client.post("/api/records/documents", json=copy).json()["id"]
    assert client.get(f"/api/files/{made}").status_code == 404
    assert admin.get(f"/files/{made}").content == BYTES


def test_a_hidden_file_stays_hidden_after_its_document_is_made_to_forget_it(
    installation: Installation,
) -> None:
    with installation.database.read() as tx:
        hidden = next(m.name for m in tx.schema if m.sensitive)
        id = tx.db.scalar(tx.schema.tables[hidden].select().limit(1))
    admin = browser_of(installation, "admin")
    assert admin.post(f"/records/{hidden}/{id}/files", files=upload()).status_code == 303
    with installation.database.read() as tx:
        table = tx.schema.tables["documents"]
        document, file = tx.db.execute(select(table.c.id, table.c.file).order_by(table.c.id)).all()[
            -1
        ]
    client = program(installation, "records:read", "records:write")
    forgotten = {"values": {"file": "nothing", "record": "invoices/1"}}
    assert client.patch(f"/api/records/documents/{document}", json=forgotten).status_code == 200
    copy = {"values": {"title": "x", "file": file, "record": "invoices/1"}}
    made = client.post("/api/records/documents", json=copy).json()["id"]
    assert client.get(f"/api/files/{made}").status_code == 404
