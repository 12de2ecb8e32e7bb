"""Reading statements from PostgreSQL's log."""

from tests.bench.statements import Counts, Line, read

LOG = """\
[[bihuan-tickets]] LOG:  duration: 0.100 ms  parse __asyncpg_stmt_1__: SELECT 1
[[bihuan-tickets]] LOG:  duration: 0.200 ms  bind __asyncpg_stmt_1__: SELECT 1
[[bihuan-tickets]] LOG:  duration: 0.400 ms  execute __asyncpg_stmt_1__: SELECT 1
[[bihuan-tickets]] LOG:  duration: 0.200 ms  bind __asyncpg_stmt_1__: SELECT 1
[[bihuan-tickets]] LOG:  duration: 0.100 ms  execute __asyncpg_stmt_1__: SELECT 1
[[bihuan-intake]] LOG:  duration: 0.010 ms  statement: BEGIN;
[[bihuan-intake]] LOG:  duration: 0.500 ms  execute s: SELECT a::text
\tFROM b
\t WHERE c = $1
[[bihuan-intake]] LOG:  duration: 1.000 ms  execute s: INSERT INTO b (c, d) VALUES ($1::TEXT, now()), ($2::TEXT, now()), ($3::TEXT, now())
[[bihuan-intake]] LOG:  duration: 1.000 ms  execute s: INSERT INTO b (c, d) VALUES ($1::TEXT, now())
[[bench]] LOG:  duration: 9.000 ms  statement: SELECT pg_reload_conf()
[[]] LOG:  checkpoint starting: time
"""  # noqa: E501


def counts() -> Counts:
    return read(LOG.splitlines(keepends=True))


def test_only_the_execution_of_a_statement_counts_and_every_step_takes_time() -> None:
    assert counts().runs["bihuan-tickets", "SELECT 1"] == 2
    assert round(counts().milliseconds["bihuan-tickets", "SELECT 1"], 3) == 1.0


def test_a_statement_of_several_lines_is_read_as_one() -> None:
    assert counts().runs["bihuan-intake", "SELECT a::text FROM b WHERE c = $1"] == 1


def test_a_simple_query_counts() -> None:
    assert counts().runs["bihuan-intake", "BEGIN;"] == 1


def test_our_own_statements_and_other_lines_do_not_count() -> None:
    assert sum(counts().runs.values()) == 6


def test_an_insert_of_many_rows_is_one_statement_for_all_numbers_of_them() -> None:
    inserts = {sql: runs for (_, sql), runs in counts().runs.items() if sql.startswith("INSERT")}
    assert len(inserts) == 2
    assert "INSERT INTO b (c, d) VALUES ($1::TEXT, now()), ..." in inserts


def test_lines_are_sorted_by_runs_less_those_of_an_idle_time() -> None:
    idle = read(["[[bihuan-tickets]] LOG:  duration: 1.0 ms  execute s: SELECT 1\n"])
    first, *_, last = counts().without(idle, 2.0)
    assert first.runs == 1
    assert last == Line("bihuan-tickets", "SELECT 1", 0.0, 0.0)
