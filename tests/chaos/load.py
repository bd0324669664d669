"""Clients that do not give up: they send until they have an answer, and write down each promise."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import httpx

from tests.chaos.contexts import bundles, own_bundle
from tests.chaos.recipes import Made, Recipe, make
from tests.chaos.victims import Target
from tests.chaos.witness import Witness, said

USERS: Final = {"demo": "demo", "chuck": "acme"}  # each speaks for its tenant
FLOWS: Final = ("orders", "strict", "lines", "idocs")
FINAL: Final = frozenset({"COMPLETED", "PARTIAL", "FAILED", "CANCELLED"})
ANSWER_SECONDS: Final = 20.0
Json = dict[str, Any]


class Client:
    """One caller with a token, whose requests end in an answer or in nothing."""

    def __init__(self, url: str, user: str) -> None:
        self.tenant = USERS[user]
        self._user = user
        self._http = httpx.Client(base_url=f"{url}/api/v1", timeout=ANSWER_SECONDS)
        self._token = ""
        self.faults: set[str] = set()  # answers that a server may never give, whatever ends

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        """Return the answer; None when there was none, or one that promises nothing."""
        try:
            headers = {"Authorization": f"Bearer {self.token()}"} | more.pop("headers", {})
            answer = self._http.request(method, path, headers=headers, **more)
        except httpx.HTTPError:
            return None
        if answer.status_code == 401:
            self._token = ""
            return None
        if answer.status_code == 500:
            self.faults.add(f"500 for {method} {path.partition('?')[0]}")
        return None if answer.status_code >= 500 else answer

    def token(self) -> str:
        """Return a token, asked for once."""
        if not self._token:
            form = {"username": self._user, "password": self._user}
            answer = self._http.post("/auth/token", data=form)
            self._token = answer.raise_for_status().json()["access_token"]
        return self._token

    def insist(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask again and again until there is an answer; for requests that may be repeated."""
        end = time.monotonic() + 120
        while (answer := self.ask(method, path, **more)) is None:
            assert time.monotonic() < end, f"{method} {path} was never answered"
            time.sleep(0.2)
        return answer

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()


def prepare(url: str) -> None:
    """Publish contexts and flows for each tenant."""
    for user in USERS:
        client = Client(url, user)
        for name, files in bundles().items():
            sent = [("files", item) for item in files.items()]
            assert client.insist("POST", "/contexts", files=sent).status_code in {200, 201}
            flow = {"name": name, "match": f"{name}/*", "context": f"chaos-{name}"}
            assert client.insist("PUT", f"/flows/{name}", json=flow).status_code in {200, 201}
        client.close()


@dataclass(frozen=True, slots=True)
class Mix:
    """What the clients send.

    Args:
        kinds: of files, each as often as it stands here.
        sizes: least and most records of small, middling and large files.
        shares: how often each size.
        clients: how many at a time.
        pause: most seconds between two things that one client does.
        open_jobs: with more open than this the clients wait.
        deeds: whether finished jobs run again and open ones are cancelled.
    """

    kinds: tuple[str, ...] = ("orders", "orders", "lines", "lines", "idocs", "strict", "own")
    sizes: tuple[tuple[int, int], ...] = ((0, 25), (40, 300), (800, 3000))
    shares: tuple[int, ...] = (6, 3, 1)
    clients: int = 4
    pause: float = 0.6
    open_jobs: int = 30
    deeds: bool = True


@dataclass(slots=True)
class Load:
    """Clients at work from :meth:`start` to :meth:`end`."""

    target: Target
    witness: Witness
    seed: int
    mix: Mix = field(default_factory=Mix)
    _numbers: Any = field(default_factory=lambda: count(1))
    _ending: threading.Event = field(default_factory=threading.Event)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(16))
    _running: list[Any] = field(default_factory=list[Any])
    _faults: set[str] = field(default_factory=set[str])
    _known: set[str] = field(default_factory=set[str])  # acknowledged jobs that nobody cancels

    def start(self) -> None:
        """Begin to send."""
        for number in range(self.mix.clients):
            self._running.append(self._pool.submit(self._work, number))

    def end(self, look: Callable[[], None]) -> list[str]:
        """Send nothing new, and return when every client has its last answer.

        Args:
            look: called now and then, so that somebody starts again what must answer.

        Returns:
            why clients gave up, and answers that none of them should get.
        """
        self._ending.set()
        while not all(running.done() for running in self._running):
            look()
            time.sleep(0.1)
        self._pool.shutdown()
        errors = [running.exception() for running in self._running]
        gave_up = [f"a client gave up: {error!r}"[:500] for error in errors if error]
        return gave_up + [f"wrong: {fault}" for fault in sorted(self._faults)]

    def failed(self) -> bool:
        """Whether a client has ended by an error of its own."""
        return any(running.done() and running.exception() for running in self._running)

    def _work(self, number: int) -> None:
        dice = random.Random(f"{self.seed}/{number}")  # noqa: S311 - no secret
        client = Client(self.target.url, sorted(USERS)[number % len(USERS)])
        deeds: list[Callable[[Client, random.Random], None]] = [self._upload] * 6 + [self._drop] * 3
        if self.mix.deeds:
            deeds += [self._rerun, self._replay, self._cancel]
        while not self._ending.is_set():
            self._ending.wait(dice.uniform(0, self.mix.pause))
            if self._crowded(client):
                self._ending.wait(0.3)
            elif not self._ending.is_set():
                dice.choice(deeds)(client, dice)
        self._faults |= client.faults
        client.close()

    def _crowded(self, client: Client) -> bool:
        """Whether more is open than the system will soon have done."""
        wanted = {"state": ["PENDING", "PROCESSING"], "limit": self.mix.open_jobs}
        answer = client.ask("GET", "/jobs", params=wanted)
        return answer is None or len(answer.json().get("jobs", ())) >= self.mix.open_jobs

    def _recipe(self, dice: random.Random, kind: str) -> Recipe:
        least, most = dice.choices(self.mix.sizes, self.mix.shares)[0]
        if kind in {"idocs", "strict", "own"}:
            most = min(most, 300)
        records = dice.randint(min(least, most), most)
        faulty = dice.choice((0, 12, 60)) if kind != "strict" else dice.choice((0, 0, 40))
        return Recipe(kind, next(self._numbers), records, faulty)

    def _made(self, dice: random.Random, kinds: tuple[str, ...]) -> tuple[Recipe, Made]:
        recipe = self._recipe(dice, dice.choice(kinds))
        return recipe, make(recipe)

    def _upload(self, client: Client, dice: random.Random) -> None:
        self._known.add(self._uploaded(client, dice))

    def _uploaded(self, client: Client, dice: random.Random) -> str:
        kinds = (*self.mix.kinds, "garbage") if dice.randrange(4) == 0 else self.mix.kinds
        recipe, made = self._made(dice, kinds)
        parts = [("content_file", (recipe.name, made.content))]
        flow = recipe.kind
        if recipe.kind == "own":
            names = ("context_file", "schema_file")
            parts += list(zip(names, own_bundle(recipe.number).items(), strict=True))
        elif recipe.kind == "garbage":
            flow = "orders"
        self._intend("upload", recipe, made, client.tenant)
        answer = client.insist(
            "POST",
            "/jobs/upload",
            files=parts,
            data={} if recipe.kind == "own" else {"flow": flow},
            headers={"Idempotency-Key": f"{self.seed}-{recipe.number}"},
        )
        assert answer.status_code == 201, answer.text
        job = str(answer.json()["job_id"])
        self.witness.acknowledge("upload", recipe.number, job=job)
        return job

    def _drop(self, client: Client, dice: random.Random) -> None:
        kinds = tuple(kind for kind in self.mix.kinds if kind in FLOWS)
        if not kinds:
            return
        recipe, made = self._made(dice, kinds)
        self._intend("drop", recipe, made, client.tenant)
        try:
            self.target.drop(client.tenant, recipe.kind, recipe.name, made.content)
        except OSError:  # whether it is there nobody knows: dropped again it would be another
            return
        self.witness.acknowledge("drop", recipe.number)

    def _intend(self, what: str, recipe: Recipe, made: Made, tenant: str) -> None:
        how = {"recipe": said(recipe), "sha256": made.sha256, "tenant": tenant}
        self.witness.intend(what, recipe.number, **how)

    def _finished(self, client: Client, dice: random.Random, most: int) -> list[str]:
        """Pick jobs that this tenant uploaded and that have a final state nobody asked for."""
        states = ["COMPLETED", "PARTIAL", "FAILED"]
        wanted = {"state": states, "source": "upload", "limit": 40}
        answer = client.ask("GET", "/jobs", params=wanted)
        if answer is None:
            return []
        found = {str(job["job_id"]): job["run"] for job in answer.json()["jobs"]}
        jobs = sorted(job for job, run in found.items() if run < 4 and job in self._known)
        return dice.sample(jobs, min(most, len(jobs)))

    def _rerun(self, client: Client, dice: random.Random) -> None:
        for job in self._finished(client, dice, 1):
            deliver = dice.choice(("none", "all"))
            self._do(client, "rerun", [job], f"/jobs/{job}/rerun?deliver={deliver}")

    def _replay(self, client: Client, dice: random.Random) -> None:
        jobs = self._finished(client, dice, 3)
        if jobs:
            body = {"select": {"jobs": jobs}, "deliver": dice.choice(("none", "all"))}
            self._do(client, "replay", jobs, "/replays", json=body)

    def _cancel(self, client: Client, dice: random.Random) -> None:
        job = self._uploaded(client, dice)
        self._ending.wait(dice.choice((0.0, 0.05, 0.3, 1.0)))
        self._do(client, "cancel", [job], f"/jobs/{job}/cancel")

    def _do(self, client: Client, what: str, jobs: list[str], path: str, **more: Any) -> None:
        """Ask once for something that is not the same when asked twice."""
        number = next(self._numbers)
        self.witness.intend(what, number, jobs=jobs)
        answer = client.ask("POST", path, **more)
        if answer is None:
            return
        if answer.status_code == 409:
            self.witness.refuse(what, number, jobs=jobs)
            return
        assert answer.status_code in {200, 202}, answer.text
        unfit = answer.json()["left_out"] if what == "replay" else []
        left = {str(item["job_id"]) for item in unfit}
        self.witness.acknowledge(what, number, jobs=[job for job in jobs if job not in left])
        if left:
            self.witness.refuse(what, number, jobs=sorted(left))
