"""R-e: an empty database: several processes may begin at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.installation import Installation
from engine.records import schema_number
from engine.settings import Settings
from tests.databases import Pair
from tests.fakes import Clock


def test_of_several_that_begin_at_once_one_makes_the_tables(
    pair: Pair, clock: Clock, tmp_path: Path
) -> None:
    settings = Settings(database_url=pair.database_url, data_dir=tmp_path, secret_key="k")
    several = [Installation.of(settings, clock.now) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(Installation.prepare, several))
    with several[0].database.engine.connect() as db:
        assert schema_number.number_of(db) == schema_number.NUMBER
    for each in several:
        each.close()
    assert sorted(made) == [False, False, True]
