"""Makes and verifies this machine's bearer tokens: RS256, with a key that is kept between runs."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.scratch import exclusive

ALGORITHM = "RS256"
ISSUER = "https://fettle.local"  # a name instead of an address, so that tokens stay valid on another port
AUDIENCE = "fettle"
LIFETIME = timedelta(days=30)
PARAMETERS = {"JwtIssuer": ISSUER, "JwtAudience": AUDIENCE}
KEY_BITS = 2048


class TokenError(Exception):
    """Raised when a token is not valid here."""


@dataclass(frozen=True)
class Tokens:
    """Mints and verifies tokens with one key pair."""

    key: rsa.RSAPrivateKey
    public: rsa.RSAPublicKey
    key_id: str

    @classmethod
    def of(cls, folder: Path) -> "Tokens":
        """Returns tokens with the machine's key; the first use makes it, and two processes at once get the same one."""
        path = folder / "keys" / "private.pem"
        with exclusive(path.parent):
            if not path.exists():
                _write_key(path)
            pem = path.read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TokenError(f"{path.name} is no RSA key; remove it and a new one is made")
        public = key.public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return cls(key, public, hashlib.sha256(der).hexdigest()[:16])

    def mint(self, user: str, *, audience: str = AUDIENCE, lifetime: timedelta = LIFETIME) -> str:
        """Returns a token for that user, valid from now on by the real clock."""
        now = datetime.now(UTC)
        claims = {"sub": user, "iss": ISSUER, "aud": audience, "iat": now, "exp": now + lifetime}
        return jwt.encode(claims, self.key, ALGORITHM, headers={"kid": self.key_id})

    def verify(self, token: str, *, issuer: str, audience: tuple[str, ...]) -> Mapping[str, Any]:
        """Returns the claims of a token of this key, issuer and audience that has not expired.

        Raises TokenError for any other.
        """
        try:
            if jwt.get_unverified_header(token).get("kid") != self.key_id:
                raise TokenError("not a key of this machine")
            claims: dict[str, Any] = jwt.decode(
                token,
                self.public,
                [ALGORITHM],
                options={"require": ["sub", "exp", "iss", "aud"]},
                issuer=issuer,
                audience=audience,
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenError(str(error)) from None
        return claims

    def jwks(self) -> dict[str, Any]:
        """Returns the public key as a JSON Web Key Set."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.public, as_dict=True)
        return {"keys": [{**key, "kid": self.key_id, "use": "sig", "alg": ALGORITHM}]}


def _write_key(path: Path) -> None:
    """Writes a new key to another file and moves it into place, so that no process reads half a key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    aside.replace(path)
