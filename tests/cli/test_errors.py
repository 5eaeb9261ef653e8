"""What is wrong, said literally; the exit code that goes with it; never a traceback."""

import fcntl
import socket
from pathlib import Path

import pytest

from cli import exits
from cli.exits import Code, Failure, guarded
from tests.cli.conftest import Run

INVENTORY = """\
system_controllers:
- {name: sc-1, auth_url: "http://127.0.0.1:5000/v3", credential: {password: "env:SC_PASSWORD"}}
sites:
- {name: alpha, system_controller: sc-1}
- {name: beta, system_controller: sc-1, labels: {region: east}}
"""
CAMPAIGN = """\
name: night
operation: {kind: patch, release: starlingx-26.03.1}
select: {all: true}
"""


def files(**named: str) -> None:
    for name, text in named.items():
        Path(f"{name}.yaml").write_text(text)


def test_a_good_inventory_is_said_to_be_valid(run: Run) -> None:
    files(inventory=INVENTORY)
    said = run("inventory", "validate")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("inventory.yaml: valid\n")
    assert "beta" in run("inventory", "show").out


def test_every_mistake_of_an_inventory_is_listed_with_its_line(run: Run) -> None:
    files(inventory=INVENTORY.replace("labels", "lables").replace("alpha, system_controller: sc-1", "alpha"))
    said = run("inventory", "validate")
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        "inventory.yaml:4: sites[0].system_controller: is required, but missing",
        "inventory.yaml:5: sites[1].lables: unknown key; did you mean 'labels'?",
    ]


def test_a_campaign_is_judged_against_the_inventory_before_anything_is_started(run: Run) -> None:
    files(inventory=INVENTORY, campaign=CAMPAIGN.replace("all: true", "names: [alhpa]"))
    for command in ("plan", "start"):
        said = run("campaign", command, "campaign.yaml")
        assert said.code == 2
        assert said.err == (
            "campaign.yaml:3: select.names[0]: the inventory has no site 'alhpa'; did you mean 'alpha'?\n"
        )


def test_a_file_that_is_not_there(run: Run) -> None:
    said = run("inventory", "show", "nowhere.yaml")
    assert (said.code, said.err.startswith("nowhere.yaml: ")) == (2, True)
    assert run("up", "--inventory", "nowhere.yaml").code == 2


def test_a_site_that_is_not_declared(run: Run) -> None:
    files(inventory=INVENTORY)
    said = run("site", "patch", "alpah", "--release", "starlingx-26.03.1")
    assert (said.code, said.err) == (4, "inventory.yaml has no site 'alpah'; did you mean 'alpha'?\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            "site patch alpha --release 26.03.1",
            "release: expected a release as USM names it, such as starlingx-26.03.1, found '26.03.1'",
        ),
        (
            "site patch alpha --release starlingx-26.03.1 --ready-within 30",
            "ready_within: expected a duration such as 90s, 15m, 2h or 1h30m, found '30'",
        ),
        ("campaign set night --cap coverage", "--cap: expected LABEL=N such as coverage=1, found 'coverage'"),
        (
            "campaign set night --failed lots",
            "budget.failed: expected a count such as 5 or a share such as 2%, found 'lots'",
        ),
        (
            "campaign approve night wave-1",
            "gate: expected a gate such as after-wave-1, found 'wave-1'",
        ),
        ("campaign pause night --reason x --by ", "owner: expected at least 1 character, found ''"),
    ],
)
def test_an_option_with_a_wrong_value(run: Run, arguments: str, words: str) -> None:
    said = run(*arguments.split(" "))
    assert (said.code, said.err) == (2, words + "\n")


def test_a_wrong_option_is_bad_input_too(run: Run) -> None:
    said = run("campaign", "show", "night", "--out")
    assert said.code == 2
    assert "No such option: --out" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        "campaign list",
        "campaign show night",
        "campaign watch night",
        "campaign resume night",
        "site status alpha",
        "site explain alpha --release starlingx-26.03.1",
        "freeze storm",
        "thaw",
        "campaign start campaign.yaml",
    ],
)
def test_without_a_server_every_command_says_where_it_looked(run: Run, arguments: str) -> None:
    files(inventory=INVENTORY, campaign=CAMPAIGN)
    said = run(*arguments.split())
    assert said.code == 3
    assert said.err == (
        "no Temporal server answers at 127.0.0.1:1: start one with `starflock up`, or set TEMPORAL_ADDRESS\n"
    )


def test_a_report_without_records_says_where_they_would_be(run: Run, tmp_path: Path) -> None:
    said = run("campaign", "report", "night")
    assert said.code == 4
    assert f"nothing is recorded at sqlite+aiosqlite:///{tmp_path}/starflock-data/records.db" in said.err
    assert not (tmp_path / "starflock-data").exists()


def test_records_that_do_not_answer_are_said_without_the_password(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STARFLOCK_RECORDS_URL", "postgresql://anna:hunter2@127.0.0.1:1/fleet")
    said = run("campaign", "report", "night")
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith(
        "the records at postgresql+asyncpg://anna:***@127.0.0.1:1/fleet do not answer: "
    )
    assert said.err.count("\n") == 1


def test_an_import_overwrites_nothing(run: Run) -> None:
    files(inventory=INVENTORY)
    command = "inventory import dcmanager --auth-url http://10.0.0.2:5000/v3 --username admin --name sc-1"
    said = run(*command.split(), "--password-ref", "env:X", "--out", "inventory.yaml")
    assert (said.code, Path("inventory.yaml").read_text()) == (5, INVENTORY)
    assert said.err == "inventory.yaml exists: give another --out, or --force to overwrite it\n"


def test_a_password_on_the_command_line_is_refused_and_not_repeated(run: Run) -> None:
    command = "inventory import dcmanager --auth-url http://10.0.0.2:5000/v3 --username admin --name sc-1"
    said = run(*command.split(), "--password-ref", "hunter2", "--out", "inventory.yaml")
    assert said.code == 2
    assert "hunter2" not in said.err


def test_hosts_from_xml_are_printed_for_the_inventory_and_hostile_xml_is_refused(run: Run) -> None:
    entry = "<host><hostname>worker-0</hostname><personality>worker</personality></host>"
    Path("hosts.xml").write_text(f"<hosts>{entry}</hosts>")
    assert run("inventory", "import", "hosts-xml", "hosts.xml").out == (
        "hosts:\n- name: worker-0\n  personality: worker\n"
    )
    Path("hosts.xml").write_text(f"<!DOCTYPE hosts [<!ENTITY a 'b'>]>\n<hosts>{entry}</hosts>")
    said = run("inventory", "import", "hosts-xml", "hosts.xml")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("hosts.xml:1: expected plain elements")
    said = run("inventory", "import", "hosts-xml", "hosts.xml", "--password-ref", "hunter2")
    assert said.code == 2
    assert "hunter2" not in said.err


def test_a_port_that_is_taken(run: Run) -> None:
    files(inventory=INVENTORY)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = run("up", "--port", str(port))
    assert said.code == 3
    assert said.err.startswith(f"port {port} is taken")


def test_two_on_one_data_folder(run: Run, tmp_path: Path) -> None:
    files(inventory=INVENTORY)
    folder = tmp_path / "data"
    folder.mkdir()
    with open(folder / "up.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = run("up", "--data", str(folder))
    assert (said.code, said.err) == (5, f"another `starflock up` works in {folder}\n")


def test_a_demo_does_not_write_into_a_folder_with_things_in_it(run: Run, tmp_path: Path) -> None:
    files(inventory=INVENTORY)
    said = run("demo", "--data", str(tmp_path))
    assert (said.code, said.err) == (2, f"--data: {tmp_path} is not empty\n")


def _raising(error: BaseException) -> int:
    def call() -> None:
        raise error

    return guarded(call)


def test_interrupts_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert _raising(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        _raising(ZeroDivisionError())
    monkeypatch.setenv("STARFLOCK_DEBUG", "1")
    with pytest.raises(Failure):
        _raising(Failure(Code.REFUSED, "no"))
    assert exits.explained(ZeroDivisionError()) is None
