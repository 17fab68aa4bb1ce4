"""docs/data-model.md shows the field tables that the store reads and writes by."""

from local.data_model import PAGE, TABLES, generate


def test_the_page_shows_the_field_tables_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == generate(page), "run `make data-model`"


def test_every_field_table_has_its_place_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"<!-- fields: {name} -->" in page for name in TABLES)
