"""Each module has a test file of its name, in the room of its name; or stands here with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

COMMANDS = "parses and prints: run as a process by tests/end_to_end and the tests of what it calls"
STEPS = "one bench runs all seven: tests/steps/test_steps.py"
BY_RULE = "its sentences, each rule tried: tests/requirements/test_file.py"
BY_FORMAT = "each format is judged by the program that reads it: tests/reports/test_formats.py"
BY_PAGE = "seen on the page: tests/reports/test_page.py"
ON_EVERY_STORE = "asked of each store alike: tests/stores/test_contract.py"
ON_S3 = "seen on S3: tests/stores/test_s3.py"
ON_EVERY_ENGINE = "asked of each engine alike: tests/athena/engines/test_engines.py, tests/athena/questions"
BY_TRINO = "each rule against a real Trino: tests/athena/duck/test_exact.py"
BY_COMPACTION = "seen by whoever compacts and asks: tests/athena/index/test_compaction.py"
BY_FIDELITY = "seen in what comes into an environment: tests/environment/test_fidelity.py"
BY_CORPUS = "what it finds and what it leaves: tests/redaction/test_corpus.py"
DATA = "types only"
NAMES = "names, and the keys made of them: whoever stores or packs"
ELSEWHERE: dict[str, str] = {
    "venvbuild/__main__.py": "run by users: tests/end_to_end/test_pack_venv.py",
    "venvbuild/archive/format.py": NAMES,
    "venvbuild/archive/gzip_member.py": "read by every reader: tests/archive/test_readers.py",
    "venvbuild/archive/workers.py": "one thread or many: tests/archive/test_packing_from_cache.py",
    "venvbuild/builds/ahead.py": "told by names: tests/builds/test_names.py",
    "venvbuild/builds/places.py": NAMES,
    "venvbuild/console/engine.py": "asked by users: tests/end_to_end/test_catalog.py",
    "venvbuild/console/options.py": "each flag against the reference: tests/test_docs.py",
    "venvbuild/console/search.py": "asked by users: tests/end_to_end/test_catalog.py",
    "venvbuild/console/steps.py": "run by users: tests/end_to_end/test_steps.py",
    "venvbuild/environment/alone.py": BY_FIDELITY,
    "venvbuild/environment/contradictions.py": "with what it goes on from: tests/environment/test_diagnosis.py",
    "venvbuild/environment/elsewhere.py": "resolved for Snowflake: tests/snowflake/test_making.py",
    "venvbuild/environment/expectation.py": BY_FIDELITY,
    "venvbuild/environment/expected_file.py": BY_FIDELITY,
    "venvbuild/environment/overlaps.py": "two owners of a path: tests/steps/test_steps.py",
    "venvbuild/environment/pinning.py": "with the file that it makes: tests/environment/test_compilation.py",
    "venvbuild/environment/soundness.py": "told by inspect: tests/steps/test_steps.py",
    "venvbuild/environment/wanted.py": DATA,
    "venvbuild/environment/unpacked.py": BY_FIDELITY,
    "venvbuild/environment/witness.py": BY_FIDELITY,
    "venvbuild/environment/yanked.py": "told of a build: tests/environment/test_ages.py; of a ZIP: tests/snowflake",
    "venvbuild/exports/consumer.py": DATA,
    "venvbuild/foreign/packing.py": "packed and run by users: tests/end_to_end/test_pack_venv.py",
    "venvbuild/environment/hash_files.py": "by whoever starts it: tests/environment/test_reading.py",
    "venvbuild/graph.py": "its circles: tests/inspection/test_dependencies.py; its tops: tests/run/test_outcome.py",
    "venvbuild/inspection/tree.py": "in the reports: tests/inspection/test_reports.py",
    "venvbuild/installed/venv_layout.py": "of four makers: tests/foreign, tests/archive/test_members.py",
    "venvbuild/interpreters/compare_scripts.py": "runs in the target's Python: tests/interpreters/test_comparison.py",
    "venvbuild/interpreters/compile_modules.py": "runs in the target's Python: tests/interpreters/test_bytecode.py",
    "venvbuild/interpreters/target.py": DATA,
    "venvbuild/lazily.py": "what is imported when: tests/test_main.py",
    "venvbuild/notifiers/services.py": "sent for real: tests/notifiers/test_command.py",
    "venvbuild/package_index/pages.py": "read from a server: tests/package_index/test_client.py",
    "venvbuild/package_index/project.py": "read from a server: tests/package_index/test_client.py",
    "venvbuild/redaction/forms.py": BY_CORPUS,
    "venvbuild/redaction/labels.py": BY_CORPUS,
    "venvbuild/redaction/nets.py": "told and asked through the redactor: tests/redaction/test_redactor.py",
    "venvbuild/redaction/tokens.py": BY_CORPUS,
    "venvbuild/reports/issues.py": BY_FORMAT,
    "venvbuild/reports/junit.py": BY_FORMAT,
    "venvbuild/reports/markdown.py": BY_FORMAT,
    "venvbuild/reports/sarif.py": BY_FORMAT,
    "venvbuild/reports/picture.py": BY_PAGE,
    "venvbuild/reports/writing.py": "written by users: tests/reports/test_command.py",
    "venvbuild/release/checkout.py": "what is built of a commit: tests/release/test_building.py",
    "venvbuild/release/contents.py": "what must not be in a file: tests/release/test_checking.py",
    "venvbuild/release/failures.py": "of a backend and an index: tests/release/test_building.py",
    "venvbuild/release/places.py": "each form of it: tests/release/test_project.py",
    "venvbuild/release/tools.py": "run by whoever builds: tests/release/test_commands.py",
    "venvbuild/requirements/faults.py": BY_RULE,
    "venvbuild/requirements/comparisons.py": BY_RULE,
    "venvbuild/requirements/foreign_lines.py": BY_RULE,
    "venvbuild/requirements/lines.py": BY_RULE,
    "venvbuild/requirements/locations.py": BY_RULE,
    "venvbuild/requirements/markers.py": BY_RULE,
    "venvbuild/requirements/system_packages.py": BY_RULE,
    "venvbuild/requirements/projects.py": "with the wishes that they have: tests/requirements/test_wishes.py",
    "venvbuild/release/devpi.py": "asked by whoever publishes: tests/release/test_publishing.py",
    "venvbuild/release/refusals.py": "told by whoever is refused: tests/release/test_publishing.py",
    "venvbuild/restore/content_digest.py": "of archives that lie: tests/restore/test_verification.py",
    "venvbuild/restore/unpacking.py": "with what it unpacks: tests/restore/test_restoring.py",
    "venvbuild/run/failures.py": "what a run remembers: tests/test_pipeline.py",
    "venvbuild/run/results.py": "written and read by tests/run/test_workdir.py, tests/steps/test_steps.py",
    "venvbuild/snowflake/repository/answers.py": "of each form: tests/snowflake/repository/test_egress.py",
    "venvbuild/snowflake/repository/surroundings.py": "told first: tests/snowflake/repository/test_endpoints.py",
    "venvbuild/snowflake/repository/documents.py": "read: tests/snowflake/repository/test_description.py",
    "venvbuild/snowflake/repository/forms.py": "of each advice: tests/snowflake/repository/test_yaml_nodes.py",
    "venvbuild/snowflake/repository/misfits.py": "told of a file: tests/snowflake/repository/test_description.py",
    "venvbuild/snowflake/stage.py": "with what is brought there: tests/snowflake/test_uploading.py",
    "venvbuild/snowflake/import_script.py": "runs in the target's Python: tests/snowflake/test_import_check.py",
    "venvbuild/snowflake/wanted.py": "of a file and of a build: tests/snowflake/test_making.py",
    "venvbuild/snowflake/repository/applying.py": "by the connector: tests/snowflake/repository/test_account.py",
    "venvbuild/snowflake/repository/plan_file.py": "kept and run: tests/snowflake/repository/test_account.py",
    "venvbuild/settings/folders.py": "with the settings in them: tests/settings/test_loading.py",
    "venvbuild/settings/installers.py": "with the settings beside them: tests/settings/test_loading.py",
    "venvbuild/settings/registry.py": "each against the reference: tests/test_docs.py; tests/settings/test_loading.py",
    "venvbuild/stores/opening.py": "each address: tests/stores/test_folder.py, tests/stores/test_s3.py",
    "venvbuild/stores/s3_body.py": ON_S3,
    "venvbuild/stores/s3_lease.py": "taken on both servers: tests/stores/test_turns.py",
    "venvbuild/stores/s3_proof.py": ON_S3,
    "venvbuild/stores/store.py": ON_EVERY_STORE,
    "athena/duck/aggregates.py": BY_TRINO,
    "athena/duck/arrays.py": BY_TRINO,
    "athena/duck/casts.py": BY_TRINO,
    "athena/duck/conditions.py": BY_TRINO,
    "athena/duck/inference.py": BY_TRINO,
    "athena/duck/nodes.py": BY_TRINO,
    "athena/duck/numbers.py": BY_TRINO,
    "athena/duck/parts.py": "with the words and signs of other dialects: tests/athena/duck/test_grammar.py",
    "athena/duck/texts.py": BY_TRINO,
    "athena/duck/times.py": BY_TRINO,
    "athena/duck/translation.py": BY_TRINO,
    "athena/duck/types.py": BY_TRINO,
    "athena/duck/unnesting.py": BY_TRINO,
    "athena/duck/sql.py": ON_EVERY_ENGINE,
    "athena/engines/athena_errors.py": "told by a server: tests/athena/engines/test_athena.py",
    "athena/engines/duckdb.py": ON_EVERY_ENGINE,
    "athena/engines/duckdb_database.py": ON_EVERY_ENGINE,
    "athena/engines/engine.py": ON_EVERY_ENGINE,
    "athena/engines/opening.py": ON_EVERY_ENGINE,
    "athena/engines/trino.py": ON_EVERY_ENGINE,
    "athena/index/cache.py": BY_COMPACTION,
    "athena/index/current.py": BY_COMPACTION,
    "athena/index/segments.py": BY_COMPACTION,
    "athena/rows/day_packages.py": "the tail of every answer: tests/athena/questions",
    "athena/rows/table.py": "written and read back: tests/athena/rows/test_cache.py, tests/athena/upkeep",
    "athena/statement.py": "bound and asked: tests/athena/questions/test_injection.py",
    "athena/upkeep/comparison.py": "told and mended: tests/athena/test_changed_stores.py, tests/athena/upkeep",
    "athena/upkeep/index_check.py": "with what it is part of: tests/athena/upkeep/test_consistency.py",
}


def modules() -> Iterator[Path]:
    for house in ("venvbuild", "athena"):
        yield from (path.relative_to(ROOT) for path in (ROOT / house).glob("**/*.py") if path.name != "__init__.py")


def test_file_of(module: Path) -> Path:
    house, *rooms, name = module.parts
    return Path("tests", *([] if house == "venvbuild" else [house]), *rooms, f"test_{name}")


test_file_of.__test__ = False  # type: ignore[attr-defined]  # it begins like one


def reason_of(module: Path) -> str:
    room = module.parts[1]
    return {"commands": COMMANDS, "steps": STEPS}.get(room, "") or ELSEWHERE.get(str(module), "")


def test_every_module_has_a_test_file_of_its_name_or_a_reason() -> None:
    alone = [str(path) for path in modules() if not (ROOT / test_file_of(path)).is_file() and not reason_of(path)]
    assert alone == []


def test_no_reason_is_given_for_what_has_its_file_or_is_not_there() -> None:
    there = {str(path) for path in modules()}
    assert set(ELSEWHERE) <= there
    assert [path for path in ELSEWHERE if (ROOT / test_file_of(Path(path))).is_file()] == []


def test_every_test_file_that_a_reason_names_is_there() -> None:
    for reason in (COMMANDS, STEPS, *ELSEWHERE.values()):
        for word in reason.replace(",", " ").replace(";", " ").replace(":", " ").split():
            assert not word.endswith(".py") or word.startswith("tests/"), reason
            assert not word.startswith("tests/") or (ROOT / word).exists(), reason


def test_every_folder_of_tests_is_a_room_or_has_a_task_of_its_own() -> None:
    rooms = {path.name for path in (ROOT / "venvbuild").iterdir() if path.is_dir()} | {"athena"}
    own = {"corpus", "end_to_end", "jenkins", "readers", "release", "support"}
    assert {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - {"__pycache__"} - own <= rooms
