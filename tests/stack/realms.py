"""Realms of a running Keycloak, each test's own: made, changed and forgotten by the admin API."""

import json
import re
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk, jwt
from scripts.stack import keycloak
from scripts.stack.server import Server

KEY_PROVIDER = "org.keycloak.keys.KeyProvider"
SECRET = "p+w d%/&"
PATIENCE = 300.0  # making a realm in a Keycloak that has just started on a busy machine


@cache
def private_key() -> str:
    """A key that a realm signs with, and whose private half the tests have too."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Realm:
    """One realm.

    Args:
        server: the Keycloak.
        name: of the realm.
    """

    def __init__(self, server: Server, name: str) -> None:
        self.name = name
        self._base = f"http://{server.address}"
        self._password = server.secrets["admin"]
        self.issuer = f"{self._base}/realms/{name}"
        self.endpoint = f"{self.issuer}/protocol/openid-connect/token"

    def admin(self, method: str, path: str = "", body: Any = None) -> httpx.Response:
        """Ask the admin API below the realm."""
        form = {"grant_type": "password", "client_id": "admin-cli"}
        form |= {"username": keycloak.ADMIN, "password": self._password}
        endpoint = f"{self._base}/realms/master/protocol/openid-connect/token"
        token = httpx.post(endpoint, data=form, timeout=PATIENCE).json()["access_token"]
        answer = httpx.request(
            method,
            f"{self._base}/admin/realms/{self.name}{path}",
            headers={"Authorization": f"Bearer {token}"},
            json=body,
            timeout=PATIENCE,
        )
        assert answer.is_success, answer.text
        return answer

    def grant(self, client: str = "helix-test", **form: str) -> dict[str, Any]:
        """Get a token response from the token endpoint; by demo's password unless told else."""
        asked = {"grant_type": "password", "username": "demo", "password": "demo"}
        data = {"client_id": client, "scope": "openid"} | (form or asked)
        answer = httpx.post(self.endpoint, data=data, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def client(self, name: str) -> dict[str, Any]:
        """Read a client."""
        (found,) = self.admin("GET", f"/clients?clientId={name}").json()
        return found

    def change_client(self, name: str, **values: Any) -> None:
        """Set values of a client; those of ``attributes`` are added."""
        known = self.client(name)
        attributes = known["attributes"] | values.pop("attributes", {})
        body = known | values | {"attributes": attributes}
        self.admin("PUT", f"/clients/{known['id']}", body)

    def add_client(self, like: str, **values: Any) -> None:
        """Add a client that is like another but for ``values``."""
        copied = {k: v for k, v in self.client(like).items() if k != "id"}
        copied["protocolMappers"] = [
            {key: value for key, value in mapper.items() if key != "id"}
            for mapper in copied["protocolMappers"]
        ]
        self.admin("POST", "/clients", copied | values)

    def add_key(self, pem: str, priority: int) -> str:
        """Add a signing key; the one of the highest priority signs. Returns its id."""
        name = f"key-{uuid.uuid4().hex[:6]}"
        provider = {"name": name, "providerId": "rsa", "providerType": KEY_PROVIDER}
        config = {"priority": [str(priority)], "privateKey": [pem], "algorithm": ["RS256"]}
        made = self.admin("POST", "/components", provider | {"config": config})
        return made.headers["Location"].rpartition("/")[2]

    def sign(self, claims: Mapping[str, Any], pem: str) -> str:
        """Sign any claims by a key that is one of the realm's."""
        number = jwk.construct(pem, "RS256").public_key().to_dict()["n"]
        modulus = number.decode() if isinstance(number, bytes) else number
        keys = httpx.get(f"{self.issuer}/protocol/openid-connect/certs", timeout=PATIENCE).json()
        (kid,) = [key["kid"] for key in keys["keys"] if key.get("n") == modulus]
        return jwt.encode(dict(claims), pem, "RS256", headers={"kid": kid})


@contextmanager
def realm(server: Server, *, pem: str = "") -> Generator[Realm]:
    """Make a realm of the file under a new name, with a key of ours if given; it is removed."""
    text = re.sub(r"\$\{[A-Z_]+:([^}]*)\}", r"\1", keycloak.REALM_FILE.read_text("utf-8"))
    document = json.loads(text)
    made = Realm(server, f"{document['realm']}-{uuid.uuid4().hex[:8]}")
    document |= {"realm": made.name, "id": made.name}
    for client in document["clients"]:
        if client["clientId"] == "helix-services":
            client["secret"] = SECRET
    Realm(server, "").admin("POST", body=document)
    try:
        if pem:
            made.add_key(pem, 1)  # below the realm's own key, which goes on signing
        yield made
    finally:
        made.admin("DELETE")
