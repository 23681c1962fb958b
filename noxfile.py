"""The checks of the project, each in an environment of its own: ``nox -s tests``, and so on.

Versions and groups are read from ``pyproject.toml``; nothing is listed twice.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import MutableMapping
from hashlib import sha256
from pathlib import Path

import nox
from nox.command import CommandFailed
from nox.project import dependency_groups, load_toml, python_versions
from packaging.utils import canonicalize_name

PYPROJECT = load_toml("pyproject.toml")
PYTHONS = python_versions(PYPROJECT)
PACKAGE = Path("kraken_trio")
PUBLIC_API = Path("tests/public_api.txt")
FULL_COVERAGE = ("model", "wire", "core", "engine")
"""The rooms that are covered to the last branch by their own tests alone."""


def choose_pyenv(environ: MutableMapping[str, str]) -> None:
    """Have pyenv's stand-ins in PATH lead to each Python that it keeps, and not to one alone."""
    kept = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = sorted(path.parents[1].name for path in kept.glob("3.*/bin/python3"))
    mine = platform.python_version()
    if mine in found:
        found.remove(mine)
        environ.setdefault("PYENV_VERSION", ":".join([mine, *reversed(found)]))


choose_pyenv(os.environ)
nox.needs_version = ">=2025.2"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = [
    "tests",
    "coverage",
    "docs",
    "lint",
    "types",
    "api",
    "lowest",
    "wheel",
    "foreign",
    "browser",
]


def group(*names: str) -> list[str]:
    """Give the requirements of dependency groups, for a pip that does not know groups yet."""
    return list(dependency_groups(PYPROJECT, *names))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, or the part of them that is named: ``nox -s tests-3.13 -- tests/wire``."""
    session.install("-e", ".[full]", *group("test", "plot"))
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Hold each pure room to full branch coverage, from the tests of that room alone."""
    session.install("-e", ".[full]", *group("test"))
    for room in FULL_COVERAGE:
        source = PACKAGE / "_internal" / room
        data = f"--data-file={session.create_tmp()}/{room}"
        session.run(
            *("coverage", "run", data, "--branch", f"--source={source}"),
            *("-m", "pytest", "-q", f"tests/{room}"),
        )
        session.run("coverage", "report", data, "--fail-under=100")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format. To mend: ``ruff check --fix`` and ``ruff format``."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check", "--diff")


@nox.session
def types(session: nox.Session) -> None:
    """Check types: mypy on everything, pyright on the public tiers and on programs of users."""
    session.install("-e", ".[full]", *group("test", "types", "nox"))
    session.run("mypy")
    session.run("pyright")
    session.run("pyright", "--verifytypes", PACKAGE.name, "--ignoreexternal")


@nox.session
def api(session: nox.Session) -> None:
    """Tell what changed of the public API since a release, and whether it may: ``-- v1.2.0``.

    Since the last one, unless named; the tag's own list is compared with the one that stands here.
    """
    chosen = session.posargs[0] if session.posargs else last_release()
    if chosen is None:
        session.skip("there is no release yet, so nothing can break")
    old = Path(session.create_tmp()).resolve() / "public_api.txt"
    listed = session.run("git", "show", f"{chosen}:{PUBLIC_API}", external=True, silent=True)
    old.write_text(str(listed), encoding="utf-8")
    session.install(*(line for line in group("test") if re.match(r"pytest\b(?!-)", line)))
    session.run(
        *("python", "tests/test_api_changes.py", str(old), str(PUBLIC_API)),
        *("--from", chosen.removeprefix("v"), "--to", PYPROJECT["project"]["version"]),
    )


def last_release() -> str | None:
    """Give the tag of the last release before what is checked out; None where there is none."""
    asked = ("git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    found = subprocess.run(asked, check=False, capture_output=True, text=True)  # noqa: S603 - git
    return found.stdout.strip() or None


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest version that is declared for each dependency."""
    extras = PYPROJECT["project"]["optional-dependencies"].values()
    declared = [
        *PYPROJECT["project"]["dependencies"],
        *(line for extra in extras for line in extra if not line.startswith("kraken-trio")),
        *group("test"),
    ]
    pinned = [re.sub(r">=", "==", requirement) for requirement in declared]
    session.install("-e", ".[full]", *pinned)
    session.run("python", "-m", "pytest", "-q", "-m", "not long")


@nox.session
def wheel(session: nox.Session) -> None:
    """Test the built wheel, out of reach of the source folder: without any extra, then with all.

    Without: the public tiers are imported, and the tests of all rooms run that need none. With all
    of them: the tests that need one. The proofs of the whole are those of ``tests`` and ``lowest``.
    """
    room = emptied(session)
    built = build_wheel(session, room / "dist")
    session.install(str(built))
    for path in (*map(str, Path().glob("*.md")), "pyproject.toml", ".env.example", "CITATION.cff"):
        shutil.copy(path, room)
    for name in ("benchmarks", "docs", "examples", "tests"):
        shutil.copytree(name, room / name, ignore=shutil.ignore_patterns("__pycache__"))
    with session.chdir(room):
        tiers = "import kraken_trio, kraken_trio.extended, kraken_trio.testing"
        where = session.run("python", "-c", f"{tiers}; print(kraken_trio.__file__)", silent=True)
        if "site-packages" not in str(where):
            session.error(f"the tests would run against {where}")
        session.run("python", "-m", "kraken_trio", success_codes=[2])  # It says what it needs.
        session.install(*group("test"))
        pytest = ("python", "-m", "pytest", "-q", "-m")
        rooms = ("--ignore=tests/apps", "--ignore=tests/product")
        session.run(*pytest, "not extra and not long", *rooms)
        session.install(f"{built}[full]", *group("plot"))
        session.run(*pytest, "extra and not long", "--ignore=tests/apps")
        session.run(*pytest, "not long", "tests/apps")


@nox.session
def extras(session: nox.Session) -> None:
    """Use each extra where it is installed alone, then run its tests: ``-- --quick cli export``.

    All, and the core without any, unless some are named; with ``--quick`` without their tests. An
    extra whose packages are all in another's has the tests of both.
    """
    declared = PYPROJECT["project"]["optional-dependencies"]
    brings = {name: set(lines) for name, lines in declared.items() if name != "full"}
    quick = "--quick" in session.posargs
    chosen = [name for name in session.posargs if name != "--quick"] or ["core", *brings]
    room = emptied(session)
    built = build_wheel(session, room / "dist")
    use = ("-P", str(Path("tests/product/extra_alone.py").resolve()))
    for extra in chosen:
        # A fresh environment; without a pip of its own, for that takes the most of the time.
        session.run("python", "-m", "venv", "--without-pip", str(room / extra))
        python = str(room / extra / ("Scripts" if os.name == "nt" else "bin") / "python")
        pip = ("python", "-m", "pip", "-q", "--python", python, "install", "--no-compile")
        session.run(*pip, str(built) if extra == "core" else f"{built}[{extra}]")
        with session.chdir(room):
            session.run(python, *use, extra, external=True)
        if quick or extra == "core":  # The tests without extras are those of the session "wheel".
            continue
        session.run(*pip, *group("test"))
        within = [name for name, needs in brings.items() if needs <= brings[extra]]
        pytest = (python, "-m", "pytest", "-q", "-m", "extra and not long", "--ignore=tests/apps")
        session.run(*pytest, "--extras", ",".join(within), external=True)


@nox.session
def reproducible(session: nox.Session) -> None:
    """Build twice, in other folders, at other times, under other names and masks: equal files."""
    room = emptied(session)
    session.install("build")
    # When the source was as it is: the time that everything in the files is given.
    asked = ("git", "log", "-1", "--format=%ct")
    epoch = str(session.run(*asked, external=True, silent=True)).strip()
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = str(session.run(*listed, external=True, silent=True)).split("\0")
    found = []
    for number, mask in enumerate((0o022, 0o077)):
        folder = room / f"{number}{'x' * number}"
        before = os.umask(mask)
        try:
            for name in filter(None, names):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(name, folder / name)
                if os.access(name, os.X_OK):
                    (folder / name).chmod(0o777 & ~mask)
            words = ("python", "-m", "build", "--outdir", str(folder / "dist"), str(folder))
            session.run(
                *words,
                env={
                    "SOURCE_DATE_EPOCH": epoch,
                    "PYTHONHASHSEED": str(number + 1),
                    "TZ": ("UTC", "Asia/Kathmandu")[number],
                    "LC_ALL": "C.UTF-8",
                },
                silent=True,
            )
        finally:
            os.umask(before)
        files = sorted((folder / "dist").iterdir())
        found.append({path.name: sha256(path.read_bytes()).hexdigest() for path in files})
    first, second = found
    for name, digest in first.items():
        session.log(f"{digest}  {name}")
    if first != second:
        session.error(f"the second build is another one: {second}")


@nox.session
def sbom(session: nox.Session) -> None:
    """Write what the built wheel is installed with, as CycloneDX: ``build/sbom.json``."""
    room = emptied(session)
    built = build_wheel(session, room / "dist")
    session.run("python", "-m", "venv", "--without-pip", str(room / "env"))
    python = str(room / "env" / ("Scripts" if os.name == "nt" else "bin") / "python")
    session.run("python", "-m", "pip", "-q", "--python", python, "install", f"{built}[full]")
    session.install(*group("sbom"))
    kept = Path("build/sbom.json").resolve()
    kept.parent.mkdir(exist_ok=True)
    session.run(
        *("cyclonedx-py", "environment", "--pyproject", "pyproject.toml", "--output-reproducible"),
        *("--mc-type", "library", "--spec-version", "1.6", "--output-file", str(kept), python),
    )
    bill = json.loads(kept.read_text(encoding="utf-8"))
    listed = {canonicalize_name(each["name"]) for each in bill["components"]}
    extras = PYPROJECT["project"]["optional-dependencies"].values()
    needs = [*PYPROJECT["project"]["dependencies"], *(line for lines in extras for line in lines)]
    wanted = {canonicalize_name(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in needs}
    missing = sorted(wanted - listed - {"kraken-trio"})
    if missing:
        session.error(f"not listed: {', '.join(missing)}")
    session.log(f"{len(listed)} packages are listed in {kept}")


def emptied(session: nox.Session) -> Path:
    """Give a folder for this session, with nothing in it."""
    room = Path(session.create_tmp()).resolve()
    shutil.rmtree(room)
    room.mkdir()
    return room


def build_wheel(session: nox.Session, folder: Path) -> Path:
    """Build, and give the wheel."""
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(folder), silent=True)
    (built,) = folder.glob("*.whl")
    return built


@nox.session
def foreign(session: nox.Session) -> None:
    """Run the clients of others against the simulated exchange, each in its own environment."""
    session.install("-e", ".", *group("test"))
    session.run(
        *("python", "-m", "pytest", "-q", "tests/product/test_foreign_clients.py"),
        env={"KRAKEN_TRIO_FOREIGN": session.create_tmp()},
    )


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into ``build/site``, and run what is shown there as a dialogue with Python.

    Any warning is an error: a link within the site that leads nowhere, a page in no table of
    contents, a docstring that cannot be read.
    """
    session.install("-e", ".", *group("docs"))
    for builder in ("html", "doctest"):
        out = "build/site" if builder == "html" else f"build/{builder}"
        words = ("-q", "-W", "--keep-going", "-d", "build/doctrees", "-b", builder)
        session.run("python", "-m", "sphinx", *words, "docs", out)


@nox.session
def explore(session: nox.Session) -> None:
    """Draw new examples of the properties, which the tests do not: many, or ``-- -k backoff``."""
    session.install("-e", ".[full]", *group("test"))
    properties = (f"tests/product/test_properties{half}.py" for half in ("", "_events"))
    session.run(
        *("python", "-m", "pytest", "-q", *properties, *session.posargs),
        env={"HYPOTHESIS_PROFILE": "explore"},
    )


@nox.session
def soak(session: nox.Session) -> None:
    """Feeds in chaos, for any number of seeds or hours: ``-- --seeds 5000 --hours 1``."""
    session.install("-e", ".[full]", *group("test"))
    session.run("python", "-m", "tests.product.test_soak", *session.posargs)


@nox.session
def million(session: nox.Session) -> None:
    """Record a million frames in chaos, and replay them twice: ``-- --frames 1000000 --seed 7``."""
    session.install("-e", ".[full]", *group("test"))
    session.run("python", "tests/product/test_recording.py", *session.posargs)


@nox.session
def autobahn(session: nox.Session) -> None:
    """Let the Autobahn fuzzing server judge the transport, and write docs/conformance.md."""
    python = python2()
    if python is None:
        session.skip("its server needs a Python 2.7, and there is none here")
    site = Path(session.create_tmp()).resolve() / "site"
    shutil.rmtree(site, ignore_errors=True)
    install = ("-m", "pip", "install", "-q", "--target", str(site), *group("autobahn"))
    try:
        session.run(python, *install, external=True, silent=True)
    except CommandFailed:
        session.skip("its server cannot be installed here")
    session.install("-e", ".")
    start = f"import site; site.addsitedir({str(site)!r}); import autobahntestsuite.wstest as w; "
    session.run(
        *("python", "tests/product/autobahn/conform.py", "--page", "docs/conformance.md"),
        *(python, "-W", "ignore", "-c", start + "w.run()"),
    )


def python2() -> str | None:
    """Find a Python 2.7 that has pip: on the path, or among those that pyenv keeps."""
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for found in ("python2.7", *map(str, sorted(kept.glob("2.7*/bin/python2.7")))):
        try:
            subprocess.run([found, "-m", "pip", "--version"], check=True, capture_output=True)  # noqa: S603 - a Python
        except (OSError, subprocess.CalledProcessError):
            continue  # It is not there, or stands for one that is not.
        return found
    return None


@nox.session
def prometheus(session: nox.Session) -> None:
    """Let Prometheus itself scrape a feed, and ask it for the values: it is Debian's package."""
    found = debian(session, "prometheus")
    if found is None:
        session.skip("there is no prometheus here, and it cannot be installed")
    session.install("-e", ".[full]", *group("test"))
    session.run(
        *("python", "-m", "pytest", "-q", "tests/product/test_prometheus.py"),
        env={"KRAKEN_TRIO_PROMETHEUS": found},
    )


@nox.session
def browser(session: nox.Session) -> None:
    """Use the dashboard as people do, in Debian's Chromium; it is installed where it is missing."""
    found = debian(session, "chromium")
    if found is None:
        session.error("there is no chromium here, and it cannot be installed")
    session.install("-e", ".[full]", *group("test", "browser"))
    session.run(
        *("python", "-m", "pytest", "-q", "tests/product/browser", *session.posargs),
        env={"KRAKEN_TRIO_BROWSER": found},
    )


def debian(session: nox.Session, program: str) -> str | None:
    """Find a program, whose package is called as it is; install that where it may be."""
    if shutil.which(program) is None and shutil.which("apt-get") and os.geteuid() == 0:
        install = ("install", "-y", "--no-install-recommends", program)
        for words in (("update",), install):  # What fails here is seen by what is found.
            session.run("apt-get", *words, external=True, silent=True, success_codes=range(256))
    return shutil.which(program)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz for a minute each: all; some (``-- decode``); for longer: ``-- decode --seconds 3600``.

    What is found new is kept in ``build/fuzz/<target>``, and what fails beside it; the corpus in
    ``tests/product/fuzz/corpus`` is only read.
    """
    seconds, chosen = "60", list(session.posargs)
    if "--seconds" in chosen:
        at = chosen.index("--seconds")
        _, seconds = chosen[at : at + 2]
        del chosen[at : at + 2]
    session.install("-e", ".[full]")
    try:
        session.install("--only-binary=atheris", *group("fuzz"))
    except CommandFailed:
        session.skip("atheris cannot be installed here")
    corpus = Path("tests/product/fuzz/corpus")
    for target in chosen or sorted(path.name for path in corpus.iterdir()):
        kept = Path("build/fuzz") / target
        kept.mkdir(parents=True, exist_ok=True)
        # In so much time and memory any of these inputs is dealt with.
        bounds = ("-timeout=10", "-rss_limit_mb=1024", "-max_len=16384", "-print_final_stats=1")
        session.run(
            *("python", "tests/product/fuzz/fuzz.py", target, f"-max_total_time={seconds}"),
            *(*bounds, f"-artifact_prefix={kept}-", str(kept), str(corpus / target)),
        )


@nox.session
def bench(session: nox.Session) -> None:
    """Measure: all; one (``-- flood --tls --json FILE``); or see that all work: ``-- --quick``.

    With ``--page`` alone all are measured, and the figures go into the page. All figures are kept
    as JSON in ``build/bench``.
    """
    scripts = {path.stem: path for path in sorted(Path("benchmarks").glob("*.py")) if runs(path)}
    given = list(session.posargs)
    chosen = [given.pop(0)] if given and given[0] in scripts else list(scripts)
    if len(chosen) > 1 and given not in ([], ["--quick"], ["--page"]):
        session.error(f"say first which one this is for: {', '.join(scripts)}")
    session.install(".[cli,testing]")
    kept = Path("build/bench").resolve()
    kept.mkdir(parents=True, exist_ok=True)
    rivals = session.cache_dir / "rivals"
    if "--quick" not in given:
        session.run("python", "benchmarks/rivals.py", str(rivals))
    for name in chosen:
        words = [] if given == ["--page"] and not writes_page(scripts[name]) else given
        if "--json" not in words:
            words = [*words, "--json", str(kept / f"{name}.json")]
        session.run("python", str(scripts[name]), *words, env={"KRAKEN_TRIO_RIVALS": str(rivals)})


def runs(path: Path) -> bool:
    """Say whether it is a benchmark, all of which have this option, or a part of one."""
    return '"--quick"' in path.read_text(encoding="utf-8")


def writes_page(path: Path) -> bool:
    """Say whether a benchmark has a part of the page of figures."""
    return '"--page"' in path.read_text(encoding="utf-8")
