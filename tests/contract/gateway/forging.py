"""Tokens as an attacker or a careless client would make them."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jose import jwk, jwt
from jose.backends.base import Key

STRANGER = (
    generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


@cache
def key_of(pem: str) -> Key:
    """Reading a private key takes longer than signing."""
    return jwk.construct(pem, "RS256")


def segment(value: Mapping[str, Any] | bytes) -> str:
    """Encode one segment of a JWS."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def resigned(token: str, pem: str, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """Sign the claims of ``token`` again, changed; a claim of None is left out."""
    changed = jwt.get_unverified_claims(token) | claims
    kept = {name: value for name, value in changed.items() if value is not None}
    kid = jwt.get_unverified_header(token)["kid"]
    return jwt.encode(kept, key_of(pem), "RS256", headers={"kid": kid} | dict(header or {}))


def unsigned(token: str) -> str:
    """The same claims under ``alg: none``."""
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.get_unverified_claims(token)
    return f"{segment({'alg': 'none', 'typ': 'JWT', 'kid': kid})}.{segment(claims)}."


def confused(token: str, pem: str, encoding: Encoding) -> str:
    """HS256 with the *public* key as the secret: what CVE-2024-33663 let through."""
    public = load_pem_private_key(pem.encode(), None).public_key()
    secret = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    kid = jwt.get_unverified_header(token)["kid"]
    header = segment({"alg": "HS256", "typ": "JWT", "kid": kid})
    signed = f"{header}.{segment(jwt.get_unverified_claims(token))}"
    return f"{signed}.{segment(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def forgeries(token: str, pem: str) -> dict[str, str]:
    """Every kind of token that must be refused, by name; ``pem`` is the issuer's own key."""
    head, body, signature = token.split(".")
    past = int(time.time()) - 60
    return {
        "signed by a stranger": resigned(token, STRANGER),
        "signature cut": f"{head}.{body}.{signature[:-8]}",
        "no signature": f"{head}.{body}.",
        "other claims under the signature": (
            f"{head}.{segment(jwt.get_unverified_claims(token) | {'tenant': 'acme'})}.{signature}"
        ),
        "expired": resigned(token, pem, exp=past),
        "wrong audience": resigned(token, pem, aud=["account"]),
        "no audience": resigned(token, pem, aud=None),
        "no expiry": resigned(token, pem, exp=None),
        "no issue time": resigned(token, pem, iat=None),
        "no subject": resigned(token, pem, sub=None),
        "empty subject": resigned(token, pem, sub=""),
        "no issuer": resigned(token, pem, iss=None),
        "another issuer": resigned(token, pem, iss="http://evil.example"),
        "not yet valid": resigned(token, pem, nbf=int(time.time()) + 3600),
        "an ID token": resigned(token, pem, typ="ID"),
        "a refresh token": resigned(token, pem, typ="Refresh"),
        "a client of somebody else": resigned(token, pem, azp="other"),
        "no client": resigned(token, pem, azp=None),
        "tenant with a path in it": resigned(token, pem, tenant="../acme"),
        "tenant is a list": resigned(token, pem, tenant=["demo", "acme"]),
        "alg none": unsigned(token),
        "HS256 with the public key, PEM": confused(token, pem, Encoding.PEM),
        "HS256 with the public key, DER": confused(token, pem, Encoding.DER),
        "another hash": jwt.encode(
            jwt.get_unverified_claims(token),
            pem,
            "RS512",
            headers={"kid": jwt.get_unverified_header(token)["kid"]},
        ),
        "no kid": resigned(token, pem, {"kid": None}),
        "unknown kid": resigned(token, pem, {"kid": "unknown"}),
        "kid is a path": resigned(token, pem, {"kid": "../../dev/null"}),
        "a key of its own in the header": resigned(token, STRANGER, {"jwk": {"kty": "RSA"}}),
        "critical extension": resigned(token, pem, {"crit": ["x"], "x": 1}),
        "five segments": f"{segment({'alg': 'dir', 'enc': 'A128GCM'})}.a.b.c.d",
        "header is no object": f"{segment(b'[]')}.{body}.{signature}",
        "header is no JSON": f"{segment(b'{')}.{body}.{signature}",
        "deeply nested header": f"{segment(b'[' * 5000)}.{body}.{signature}",
        "not base64": f"%%%.{body}.{signature}",
        "not ASCII": token + "é",
        "empty": "",
        "too long": token + "A" * 9000,
    }
