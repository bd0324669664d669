"""Runs the steps of the Dockerfile without a container engine, below a folder of its own.

An absolute path of the image is that path below the root. Each stage begins with an empty root at
the same place, as the paths inside an environment say where it is; the stage before is set aside.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import venv
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

ABSOLUTE = re.compile(r"(?<![^\s=:\"'])(?=/\w)(?!/dev/)")
Step = tuple[str, str]


def steps(dockerfile: Path) -> list[Step]:
    """List (instruction, its text), without comments, long lines joined."""
    text = dockerfile.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [(name, rest.strip()) for name, _, rest in pairs]


@dataclass
class Image:
    """What the last stage leaves: a root, and how a container of it starts."""

    root: Path
    base: Path  # stands for the interpreter of the base image
    context: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    final: list[Step] = field(default_factory=list)  # the steps of the last stage

    def inside(self, path: str) -> Path:
        """Where an absolute path of the image, or one relative to its folder, is for us."""
        return self.root / (Path(self.folder) / path).relative_to("/")

    def mapped(self, text: str) -> str:
        """Put the root before each absolute path of a command line."""
        return ABSOLUTE.sub(str(self.root), text)

    def begin(self, _: str) -> None:
        """Begin a stage: an empty root, nothing of this machine's own settings but how to fetch."""
        shutil.rmtree(self.aside, ignore_errors=True)
        if self.root.exists():
            self.root.rename(self.aside)
        self.root.mkdir()
        self.folder, self.final = "/", []
        fetching = ("PIP_", "UV_INDEX", "UV_DEFAULT_INDEX", "SSL_", "HTTP", "http", "NO_PROXY")
        self.environment = {k: v for k, v in os.environ.items() if k.startswith(fetching)}
        self.environment |= {"PATH": f"{self.base / 'bin'}:/usr/bin:/bin", "HOME": str(self.base)}

    @property
    def aside(self) -> Path:
        """The stage before this one."""
        return self.root.with_suffix(".before")

    def run(self, command: str) -> None:
        """Run a command line of the file; caches are this machine's, to fetch nothing twice."""
        caches = {"UV_CACHE_DIR": uv_cache(), "PIP_CACHE_DIR": str(Path.home() / ".cache/pip")}
        done = subprocess.run(
            ["/bin/sh", "-ec", self.mapped(command)],
            cwd=self.inside("."),
            env=caches | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"RUN {command}\n{done.stdout}{done.stderr}"

    def copy(self, text: str) -> None:
        """Copy from the checkout, as far as .dockerignore lets it, or from the stage before."""
        words = shlex.split(text)
        flags = dict(word[2:].split("=") for word in words if word.startswith("--"))
        *sources, target = [word for word in words if not word.startswith("--")]
        for source in sources:
            if "from" in flags:
                found = self.aside / source.lstrip("/")
            else:
                found = self.context / source
                assert allowed(self.context, source), f".dockerignore leaves out {source}"
            place = self.inside(target)
            if len(sources) > 1 or (target.endswith("/") and found.is_file()):
                place = place / found.name
            self.place(found, place, flags)

    def place(self, found: Path, place: Path, flags: dict[str, str]) -> None:
        """Put one file or folder where it belongs, with owner and mode if told."""
        place.parent.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            without = None if "from" in flags else shutil.ignore_patterns("__pycache__")
            shutil.copytree(found, place, symlinks=True, ignore=without, dirs_exist_ok=True)
        else:
            shutil.copy2(found, place)
        if "chmod" in flags:
            place.chmod(int(flags["chmod"], 8))
        if "chown" in flags and os.geteuid() == 0:
            os.chown(place, *map(int, flags["chown"].split(":")))

    def assign(self, text: str) -> None:
        """Set variables; a value may use those that are set already."""
        for word in shlex.split(text):
            name, _, value = word.partition("=")
            value = self.mapped(value)
            for known, now in self.environment.items():
                value = value.replace(f"${known}", now)
            self.environment[name] = value

    def step(self, instruction: str, text: str) -> None:
        """Carry out one instruction; one that is not known here is a failure."""
        actions = {
            "FROM": self.begin,
            "ENV": self.assign,
            "WORKDIR": self.enter,
            "COPY": self.copy,
            "RUN": self.run,
        }
        if instruction in actions:
            actions[instruction](text)
        else:
            assert instruction in {"USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}, (
                f"{instruction} is not carried out by this test"
            )
        self.final.append((instruction, text))

    def enter(self, text: str) -> None:
        """Make a folder the present one."""
        self.folder = text
        self.inside(".").mkdir(parents=True, exist_ok=True)

    def told(self, instruction: str) -> str:
        """What the last stage says by an instruction that it holds once."""
        (text,) = [text for name, text in self.final if name == instruction]
        return text

    @property
    def user(self) -> str:
        """Who a container runs as."""
        return self.told("USER")

    @property
    def entrypoint(self) -> list[str]:
        """What each command of a container is given to."""
        return json.loads(self.told("ENTRYPOINT"))

    @property
    def health(self) -> list[str]:
        """What tells whether a container is well."""
        return json.loads(self.told("HEALTHCHECK").partition(" CMD ")[2])

    def start(self, arguments: list[str], **variables: str) -> subprocess.Popen[str]:
        """Start a program of the image as its user, in its folder, with its environment alone."""
        clean = {k: v for k, v in self.environment.items() if k in {"PATH", *self.named}}
        uid, gid = map(int, self.user.split(":"))
        other = {"user": uid, "group": gid, "extra_groups": []} if self.open else {}
        program = shutil.which(arguments[0], path=self.path)
        assert program, f"{arguments[0]} is not in the image"
        return subprocess.Popen(
            [program, *arguments[1:]],
            cwd=self.inside("."),
            env=clean | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **other,
        )

    def call(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run a program of the image to its end; return its status and what it printed."""
        process = self.start(list(arguments), **variables)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    @property
    def open(self) -> bool:
        """Whether the image's user can be taken, and may enter where this machine's Python is."""
        python = shutil.which("python", path=self.path)
        folders = Path(os.path.realpath(str(python))).parents
        return os.geteuid() == 0 and all(folder.stat().st_mode & 0o001 for folder in folders)

    @property
    def path(self) -> str:
        """Where a container looks for programs: /usr/local/bin is ours where the image has it."""
        return f"{self.environment['PATH']}:{self.root / 'usr/local/bin'}"

    @property
    def named(self) -> set[str]:
        """The variables that the last stage sets itself."""
        words = [word for name, text in self.final if name == "ENV" for word in shlex.split(text)]
        return {word.partition("=")[0] for word in words}


def build(context: Path, folder: Path) -> Image:
    """Carry out the Dockerfile of ``context`` below ``folder``, and keep the last stage only."""
    base = folder / "base"
    venv.EnvBuilder(with_pip=True, symlinks=True).create(base)
    image = Image(folder / "root", base, context)
    for instruction, text in steps(context / "Dockerfile"):
        image.step(instruction, text)
    shutil.rmtree(image.aside)
    return image


def allowed(context: Path, source: str) -> bool:
    """Whether .dockerignore, a list of what is *not* left out, lets ``source`` in."""
    lines = (context / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    kept = [line[1:] for line in lines if line.startswith("!")]
    return any(fnmatch(source, pattern) for pattern in kept)


def uv_cache() -> str:
    """The cache of this machine's uv."""
    return os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
