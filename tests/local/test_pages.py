"""The page at /docs shows docs/openapi.json and needs nothing from elsewhere."""

import json
import re
from pathlib import Path

import pytest

from local.pages import pages
from local.tokens import Tokens

DOCUMENT = {"openapi": "3.1.0", "servers": [{"url": "https://elsewhere.example"}], "info": {"title": "</script>"}}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return Tokens.of(tmp_path_factory.mktemp("stack"))


@pytest.fixture
def openapi(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def test_the_description_is_served_as_it_is(tokens: Tokens, openapi: Path) -> None:
    assert json.loads(pages(tokens, openapi)["/openapi.json"]().body) == DOCUMENT


def test_the_page_loads_nothing_from_elsewhere(tokens: Tokens, openapi: Path) -> None:
    html = pages(tokens, openapi)["/docs"]().body.decode()
    assert "SwaggerUIBundle" in html
    assert not re.search(r"<(script|link)[^>]+(src|href)=", html)


def test_the_page_tries_requests_on_this_stack(tokens: Tokens, openapi: Path) -> None:
    html = pages(tokens, openapi)["/docs"]().body.decode()
    assert '"servers": [{"url": "/"' in html
    assert "elsewhere.example" not in html


def test_text_of_the_description_cannot_end_the_script(tokens: Tokens, openapi: Path) -> None:
    assert '"title": "<\\/script>"' in pages(tokens, openapi)["/docs"]().body.decode()


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_a_missing_description_says_how_it_is_made(tokens: Tokens, tmp_path: Path, path: str) -> None:
    answer = pages(tokens, tmp_path / "none.json")[path]()
    assert answer.status == 404
    assert b"make openapi" in answer.body
