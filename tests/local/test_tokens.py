"""Only a token of this machine's key, for us and in force, proves anything."""

import base64
import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.tokens import AUDIENCE, ISSUER, TokenError, Tokens


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return Tokens.of(tmp_path_factory.mktemp("stack"))


def verify(tokens: Tokens, token: str) -> Any:
    return tokens.verify(token, issuer=ISSUER, audience=(AUDIENCE,))


def signed(tokens: Tokens, key: Any = None, algorithm: str = "RS256", **changes: Any) -> str:
    """A token with some claims or its signature changed; None leaves a claim out."""
    claims = {"sub": "ana", "iss": ISSUER, "aud": AUDIENCE, "exp": datetime.now(UTC) + timedelta(hours=1)} | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, tokens.key if key is None else key, algorithm, headers={"kid": tokens.key_id})


def test_a_minted_token_names_its_user(tokens: Tokens) -> None:
    claims = verify(tokens, tokens.mint("ana"))
    assert (claims["sub"], claims["iss"], claims["aud"]) == ("ana", ISSUER, AUDIENCE)


def test_a_token_of_the_same_machine_works_after_a_restart(tmp_path: Path) -> None:
    token = Tokens.of(tmp_path).mint("ana")
    assert verify(Tokens.of(tmp_path), token)["sub"] == "ana"


def test_starters_at_the_same_time_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Tokens.of(tmp_path).key_id, range(8)))
    assert len(set(made)) == 1


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    Tokens.of(tmp_path)
    assert stat.S_IMODE((tmp_path / "keys" / "private.pem").stat().st_mode) == 0o600


def test_the_key_set_verifies_a_token(tokens: Tokens) -> None:
    (key,) = jwt.PyJWKSet.from_dict(tokens.jwks()).keys
    assert jwt.decode(tokens.mint("ana"), key, ["RS256"], audience=AUDIENCE)["sub"] == "ana"


def test_the_key_set_keeps_the_private_half(tokens: Tokens) -> None:
    assert not {"d", "p", "q"} & set(tokens.jwks()["keys"][0])


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": datetime(2026, 1, 1, tzinfo=UTC)},
        {"exp": None},
        {"sub": None},
        {"aud": "others"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"nbf": datetime(2100, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_wrong_claims_are_refused(tokens: Tokens, changes: dict[str, Any]) -> None:
    with pytest.raises(TokenError):
        verify(tokens, signed(tokens, **changes))


def of_another_key(tokens: Tokens) -> str:
    return signed(tokens, key=rsa.generate_private_key(public_exponent=65537, key_size=2048))


def unsigned(tokens: Tokens) -> str:
    return signed(tokens, key="", algorithm="none")


def signed_with_the_public_key(tokens: Tokens) -> str:
    """HS256 keyed with what everybody can read; PyJWT refuses to make it, so its header is put in afterwards."""
    pem = tokens.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signer = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    header = {"alg": "HS256", "typ": "JWT", "kid": tokens.key_id}
    signing_input = b".".join([encoded(header), tokens.mint("ana").split(".")[1].encode()])
    return b".".join([signing_input, base64.urlsafe_b64encode(signer.sign(signing_input, pem)).rstrip(b"=")]).decode()


def of_an_unknown_key_id(tokens: Tokens) -> str:
    return jwt.encode({"sub": "ana"}, tokens.key, "RS256", headers={"kid": "other"})


def with_its_user_changed(tokens: Tokens) -> str:
    header, _, signature = tokens.mint("ana").split(".")
    claims = jwt.decode(tokens.mint("ana"), options={"verify_signature": False}) | {"sub": "ben"}
    return f"{header}.{encoded(claims).decode()}.{signature}"


def no_token_at_all(_: Tokens) -> str:
    return "abc"


def encoded(part: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")


@pytest.mark.parametrize(
    "forge",
    [
        of_another_key,
        unsigned,
        signed_with_the_public_key,
        of_an_unknown_key_id,
        with_its_user_changed,
        no_token_at_all,
    ],
)
def test_forgeries_are_refused(tokens: Tokens, forge: Callable[[Tokens], str]) -> None:
    with pytest.raises(TokenError):
        verify(tokens, forge(tokens))
