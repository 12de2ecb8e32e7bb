"""deploy/compose.yaml runs every role, with settings that there are and no secret in the file."""

import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc.jwk import OKPKey

from services.commands.serve import ASSEMBLIES
from services.contracts.names import Role
from services.runtime.settings import RuntimeSettings
from tests.programs import CHECKOUT

DEPLOY = CHECKOUT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("bihuan:")}
BY_OPERATIONS = {"page_url", "watch_url"}
"""Secrets that nobody can make up."""


def settings_of(role: Role) -> type[RuntimeSettings]:
    """The settings that a process of the role reads."""
    package, name, _ = ASSEMBLIES[role]
    found: type[RuntimeSettings] = getattr(import_module(f"{package}.settings"), name)
    return found


def secrets_of(service: dict[str, Any]) -> dict[str, str]:
    """The secrets of a service: the name of its file in the container, and whose it is."""
    mounted = [{"source": each, "target": each} if isinstance(each, str) else each for each in service["secrets"]]
    return {each["target"]: each["source"] for each in mounted}


def tool(name: str, *arguments: str) -> None:
    """Run a tool of the development environment that must be content."""
    command = [str(CHECKOUT / ".venv" / "bin" / name), *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_file_is_a_compose_file() -> None:
    tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml")


def test_the_image_is_built_by_the_rules() -> None:
    tool("hadolint", "deploy/Dockerfile")
    stages = (DEPLOY / "Dockerfile").read_text().split("\nFROM ")
    assert re.search(r"^USER (?!root|0\b)\S+$", stages[-1], re.MULTILINE)
    assert "HEALTHCHECK" in stages[-1]


def test_the_image_takes_only_files_that_there_are() -> None:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    copied = [line.split()[1:-1] for line in re.findall(r"^COPY (?!--).*$", text, re.MULTILINE)]
    ignored = (CHECKOUT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    for file in {file for files in copied for file in files}:
        assert (CHECKOUT / file).exists(), file
        assert file in let_in, f".dockerignore keeps {file} out"


def test_every_role_runs_in_a_service_of_its_name() -> None:
    commands = {name: service["command"] for name, service in OURS.items()}
    assert commands.pop("migrate") == ["migrate"]
    assert commands == {role.value: [role.value] for role in Role}


@pytest.mark.parametrize("role", list(Role))
def test_every_setting_of_a_role_is_one_that_it_knows(role: Role) -> None:
    known = {f"BIHUAN_{name.upper()}" for name in settings_of(role).model_fields}
    shared = {f"BIHUAN_{name.upper()}" for other in Role for name in settings_of(other).model_fields}
    given = set(OURS[role]["environment"]) | {name for name in secrets_of(OURS[role]) if name.startswith("BIHUAN_")}
    assert given <= shared, given - shared
    assert {"BIHUAN_DATABASE_URL", "BIHUAN_INTERNAL_SECRET", "BIHUAN_LINK_SECRET"} <= given & known


@pytest.mark.parametrize("name", [name for name in RuntimeSettings.model_fields if name.endswith("_url")])
def test_every_service_is_told_where_the_others_are(name: str) -> None:
    if name in {"database_url", "public_url"}:
        return
    owner = name.removesuffix("_url")
    assert OURS[owner]["environment"][f"BIHUAN_{name.upper()}"] == f"http://{owner}:8081"


def test_the_private_key_of_staff_tokens_is_where_they_are_made_and_nowhere_else() -> None:
    assert [name for name, service in OURS.items() if "signing.pem" in secrets_of(service)] == ["directory"]


def test_only_migrations_work_as_the_owner_of_the_tables() -> None:
    assert [name for name, service in OURS.items() if "owner_url" in secrets_of(service).values()] == ["migrate"]


def test_no_secret_has_a_value_in_the_file() -> None:
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|PWD|SECRET|KEY|TOKEN", variable):
                assert str(value).startswith("/run/secrets/"), f"{name}: {variable}"


def test_our_containers_can_write_nowhere_and_have_no_rights_to_lose() -> None:
    for name, service in OURS.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_only_the_gateway_is_reached_from_outside() -> None:
    published = {name: port for name, service in SERVICES.items() for port in service.get("ports", ())}
    assert {name for name, port in published.items() if not port.startswith("127.0.0.1:")} == {"gateway"}


def test_the_gateway_is_the_one_proxy_that_is_believed() -> None:
    address = SERVICES["gateway"]["networks"]["inside"]["ipv4_address"]
    assert {service["environment"]["BIHUAN_TRUSTED_PROXIES"] for service in OURS.values()} == {address}


def test_every_file_that_a_container_is_given_is_there() -> None:
    volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", ())]
    for source in {volume.split(":")[0] for volume in volumes if volume.startswith(".")}:
        assert (DEPLOY / source).exists(), source


def test_the_secrets_are_made_once_and_fit_each_other(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    shutil.copy(DEPLOY / "secrets.sh", tmp_path)

    def make() -> dict[str, bytes]:
        subprocess.run(["sh", str(tmp_path / "secrets.sh")], check=True, capture_output=True, timeout=30)
        return {file.name: file.read_bytes() for file in (tmp_path / "secrets").iterdir()}

    made = make()
    needed = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert set(made) == needed - BY_OPERATIONS
    assert make() == made
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    assert made["app_password"] in made["app_url"]
    assert len(made["internal_secret"]) >= 32
    private, public = OKPKey.import_key(made["signing.pem"]), OKPKey.import_key(made["verify.pem"])
    assert private.as_dict(private=False) == public.as_dict(private=False)


def test_a_secret_file_becomes_the_setting_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "python").write_text('#!/bin/sh\nprintf "%s|%s" "$BIHUAN_LINK_SECRET" "$*"\n')
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "BIHUAN_LINK_SECRET").write_text("a b'c$d")
    (tmp_path / "verify.pem").write_text("no setting")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "BIHUAN_SECRETS": str(tmp_path)}
    command = ["sh", str(DEPLOY / "entrypoint.sh"), "intake", "relay"]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=10).stdout
    assert said == "a b'c$d|-m services.run intake relay"
