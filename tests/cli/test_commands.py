"""Every command: help, and clear ends where something is missing."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from command_line import CommandLine
from customvision.cli.__main__ import app
from customvision.cli.display.console import printable
from customvision.v1 import projects_pb2, tags_pb2
from scripted_server import ScriptedServer


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yields every command with the words that call it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


ALL_COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize(("path", "command"), ALL_COMMANDS, ids=[" ".join(path) for path, _ in ALL_COMMANDS])
def test_everything_has_help(path: tuple[str, ...], command: Any) -> None:
    """Every command, option and argument says what it does."""
    assert command.help, path
    assert all(getattr(parameter, "help", "") for parameter in command.params), path


def test_help_waits_for_nothing_heavy() -> None:
    """Nothing that help needs imports what takes longer than all the rest."""
    modules = _modules_after("--help")
    assert "customvision.cli.commands.train" in modules
    assert not {"grpc", "httpx", "numpy", "PIL"} & modules


def test_a_command_imports_no_other(command_line: CommandLine) -> None:
    """A command waits for no command that was not called, nor for what only others need."""
    command_line.make_keys()
    modules = _modules_after("keys", CUSTOMVISION_KEYS_FILE=str(command_line.home / "keys.json"))
    commands_imported = {name for name in modules if name.startswith("customvision.cli.commands.")}
    assert commands_imported == {"customvision.cli.commands.suite"}
    assert not {"rich.progress", "rich.markdown", "customvision.cli.display.training"} & modules


def _modules_after(*arguments: str, **environment: str) -> set[str]:
    program = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from customvision.cli.__main__ import main; main()"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, check=True, env={**os.environ, **environment},
    )  # fmt: skip
    return set(outcome.stderr.split())


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("customvision pr", ["predict", "projects"]),
        ("customvision iterations e", ["evaluate"]),
        ("customvision train --bu", ["--budget"]),
        ("customvision serve pre", ["prediction"]),
    ],
)
def test_shells_complete(typed: str, offered: list[str]) -> None:
    """Shells are offered commands, those of groups, options and choices that begin with what was typed."""
    completion = {
        "_CUSTOMVISION_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")),
    }  # fmt: skip
    program = "import sys; from customvision.cli.__main__ import main; sys.argv = ['customvision']; main()"
    outcome = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ, **completion}
    )
    assert outcome.stdout.split() == offered


@pytest.mark.parametrize(
    "arguments",
    [
        ["projects", "list"],
        ["projects", "show", "flowers"],
        ["projects", "create", "flowers"],
        ["projects", "update", "flowers", "--domain", "Food"],
        ["projects", "rename", "flowers", "trees"],
        ["projects", "delete", "flowers", "--yes"],
        ["tags", "list", "-p", "flowers"],
        ["images", "list", "-p", "flowers"],
        ["iterations", "list", "-p", "flowers"],
        ["domains"],
        ["models"],
        ["runs"],
        ["cancel", "11111111-1111-4111-8111-111111111111"],
        ["export", "1", "-p", "flowers"],
        ["predict", "a.jpg", "-p", "flowers"],
    ],
    ids=" ".join,
)
def test_absent_service_is_one_sentence(command_line: CommandLine, arguments: list[str]) -> None:
    """A command without a service to talk to says where it looked and how to start one."""
    command_line.make_keys()
    line = command_line.fail(*arguments)
    assert line.startswith("Nothing answers at 127.0.0.1:9. Start the suite with `make run` or `customvision up`")


def test_missing_keys_are_one_sentence(command_line: CommandLine) -> None:
    """A machine where the suite never ran is told how to start it."""
    assert "Start the suite" in command_line.fail("projects", "list")
    assert "customvision up" in command_line.fail("keys")


def test_only_prediction_has_workers(command_line: CommandLine) -> None:
    """`serve --workers` is refused for other services, and for no workers, as wrong usage."""
    assert "only the prediction service" in command_line.run("serve", "project", "--workers", "2", exit_code=2)[1]
    command_line.run("serve", "prediction", "--workers", "0", exit_code=2)


def test_keys_are_shown(command_line: CommandLine) -> None:
    """`keys` shows both keys and the file, for people and for programs."""
    command_line.make_keys()
    output, _ = command_line.run("keys")
    assert all(text in output for text in ("t" * 64, "p" * 64, str(command_line.home / "keys.json")))
    assert json.loads(command_line.run("keys", "--json")[0])["prediction_key"] == "p" * 64


def test_every_command_that_the_page_names_exists() -> None:
    """docs/command-line.md names no command that there is not."""
    text = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
    named = [words.split() for words in re.findall(r"`customvision ((?:[a-z-]+ ?)+)", text)]
    assert len(named) > 20
    callable_paths = {path for path, command in ALL_COMMANDS if not hasattr(command, "commands")}
    # Words after a command are its arguments.
    missing = [words for words in named if not {tuple(words[:1]), tuple(words[:2])} & callable_paths]
    assert not missing


def test_a_tag_is_shown(command_line: CommandLine) -> None:
    """`tags show` finds a tag by name or id and shows it to people and programs."""
    tag = tags_pb2.Tag(tag_id="id-of-rose", name="rose", type=tags_pb2.TAG_TYPE_NEGATIVE, image_count=7)
    scripts = {
        "ListProjects": lambda _: projects_pb2.ListProjectsResponse(projects=[projects_pb2.Project(project_id="p")]),
        "ListTags": lambda _: tags_pb2.ListTagsResponse(tags=[tags_pb2.Tag(name="daisy"), tag]),
    }
    with ScriptedServer(scripts) as server:
        command_line.connect(project=server.address)
        output, _ = command_line.run("tags", "show", "rose", "-p", "flowers")
        assert [line.split() for line in output.splitlines()] == [
            ["name", "rose"], ["id", "id-of-rose"], ["type", "negative"], ["images", "7"],
        ]  # fmt: skip
        shown = json.loads(command_line.run("tags", "show", "id-of-rose", "-p", "flowers", "--json")[0])
        assert shown["name"] == "rose"
        assert "no tag 'tulip'" in command_line.fail("tags", "show", "tulip", "-p", "flowers")


def test_services_import_nothing_from_the_current_folder(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in the user's folder that is called like a library does not take the library's place."""
    (tmp_path / "structlog.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    command_line.environment["CUSTOMVISION_PROJECT_ADDRESS"] = "nonsense"
    _, notes = command_line.run("serve", "project", exit_code=78)
    assert "nonsense" in notes


@pytest.mark.parametrize("arguments", [["bogus"], ["predict", "a.jpg"], ["serve", "bogus"], ["tags"]], ids=" ".join)
def test_wrong_usage_ends_with_two(command_line: CommandLine, arguments: list[str]) -> None:
    """Wrong usage ends with exit code 2 and no traceback."""
    output, notes = command_line.run(*arguments, exit_code=2)
    assert "Usage" in output + notes
    assert "Traceback" not in notes


def test_text_that_is_not_unicode_is_refused(command_line: CommandLine) -> None:
    """A name that is no text is refused in a sentence, and shown in characters that any terminal has."""
    command_line.make_keys()
    assert r"'\udcff' is not valid Unicode" in command_line.fail("projects", "create", "\udcff")


def test_questions_are_asked(command_line: CommandLine) -> None:
    """A destructive command does nothing where nobody confirms it."""
    command_line.make_keys()
    _, notes = command_line.run("images", "delete", "a", "-p", "flowers", exit_code=1)
    assert "Delete 1 image?" in notes
    assert "Nothing answers" not in notes


def test_broken_pipe_is_quiet(command_line: CommandLine) -> None:
    """A reader that leaves early gets no complaint."""
    command_line.make_keys()
    process = command_line.start("keys", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait()
    process.stderr.close()


def test_poor_terminals_are_served(command_line: CommandLine) -> None:
    """An output that knows ASCII only shows everything else as escapes."""
    command_line.home = command_line.home.with_name("höme")
    command_line.environment |= {"CUSTOMVISION_HOME": str(command_line.home), "PYTHONIOENCODING": "ascii"}
    command_line.make_keys()
    output, _ = command_line.start("keys").communicate()
    assert r"h\xf6me" in output


def test_narrow_terminals_cut_nothing(command_line: CommandLine) -> None:
    """On a terminal of 30 columns, a key of 64 characters is wrapped, not cut."""
    command_line.make_keys()
    command_line.environment |= {"COLUMNS": "30", "TERM": "xterm"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "customvision.cli", "keys"], env=command_line.environment, stdout=theirs
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        shown += piece
    os.close(ours)
    assert process.wait() == 0
    assert shown.count(b"t") >= 64 + len("training-key")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rose 🌹 and 👩‍🌾", "rose 🌹 and 👩‍🌾"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("two\nlines\r", r"two\nlines\r"),
        ("abc\u202edcb", r"abc\u202edcb"),
        ("\udcff", r"\udcff"),
        ("[bold]'\"/\\", "[bold]'\"/\\"),
    ],
)
def test_names_cannot_steer_the_terminal(text: str, shown: str) -> None:
    """Control and invisible characters of a name are spelt out, and everything else is left alone."""
    assert printable(text) == shown
