"""Commands without a thread, the account and the configuration, against the real codex binary."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
import trio

from codex_trio import CodexError, CodexProtocolError, CodexTransportError
from tests.support.real_servers import Reach, open_both


async def test_a_command_reads_and_writes_while_it_runs(reach: Reach, tmp_path: Path) -> None:
    async with (
        open_both(reach, tmp_path) as (_, client),
        client.exec(["sh", "-c", "echo err >&2; cat; exit 3"], env={"X": "y"}) as process,
    ):
        await process.stdin.send_all(b"one\n")
        assert await process.stdout.receive_some() == b"one\n"
        assert await process.stderr.receive_some() == b"err\n"
        assert process.returncode is None
        await process.stdin.send_all(b"two\n")
        assert await process.stdout.receive_some(2) == b"tw"
        await process.stdin.aclose()
        assert await process.wait() == 3
        assert await process.stdout.receive_some() == b"o\n"
        assert await process.stdout.receive_some() == b""
        with pytest.raises(trio.ClosedResourceError):
            await process.stdin.send_all(b"three")


@pytest.mark.extended
async def test_a_megabyte_goes_through_a_command_whole(reach: Reach, tmp_path: Path) -> None:
    data = os.urandom(1 << 20)
    got = bytearray()
    async with open_both(reach, tmp_path) as (_, client), client.exec(["cat"]) as process:

        async def write() -> None:
            await process.stdin.send_all(data)
            await process.stdin.aclose()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            async for chunk in process.stdout:
                got += chunk
        assert await process.wait() == 0
    assert bytes(got) == data


async def test_leaving_a_command_ends_it(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (_, client):
        async with client.exec(["sh", "-c", "echo $$; exec sleep 600"], sandbox="danger-full-access") as process:
            pid = int(await process.stdout.receive_some())
            os.kill(pid, 0)
        assert process.returncode not in (None, 0)
        other = client.exec(["sleep", "600"])
        with trio.move_on_after(0.2):
            async with other:
                await other.wait()
        assert other.returncode not in (None, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.extended
async def test_a_command_has_a_sandbox_a_folder_and_a_time(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (_, client):
        async with client.exec(["pwd"], cwd=tmp_path) as process:
            assert await process.stdout.receive_some() == f"{tmp_path}\n".encode()
        async with client.exec(["sleep", "600"], timeout=0.2) as process:
            assert await process.wait() == 124
        async with client.exec(["no-such-program"], sandbox="danger-full-access") as process:
            with pytest.raises(CodexProtocolError):
                await process.wait()
        with pytest.raises(ValueError, match="sandbox is one of"):
            client.exec(["ls"], sandbox="bogus")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        with pytest.raises(ValueError, match="a program and its arguments"):
            client.exec("ls -l")
        assert client.statistics().requests_in_flight == 0


@pytest.mark.extended
async def test_a_lost_server_ends_a_command(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (_, client), client.exec(["cat"]) as process:
        await process.stdin.send_all(b"x")
        assert await process.stdout.receive_some() == b"x"
        await client.aclose()
        with pytest.raises(CodexTransportError):
            await process.wait()
        with pytest.raises(CodexTransportError):
            await process.stdout.receive_some()


async def test_logging_in_and_out(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (model, client):
        account = await client.account()  # the scripted provider needs no login, so there is no account to tell of
        assert (account.type, account.requires_openai_auth) == (None, False)
        await client.login_api_key("sk-of-a-test")
        assert "sk-of-a-test" in (model.home / "auth.json").read_text()
        await client.logout()
        assert not (model.home / "auth.json").exists()


async def test_a_login_with_chatgpt_gives_a_url_and_can_be_given_up(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (_, client), await client.login_chatgpt() as login:
        assert login.url.startswith("https://")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(login.cancel)
            with pytest.raises(CodexError, match="the login with ChatGPT failed"):
                await login.wait()


async def test_the_configuration_is_read_and_written(reach: Reach, tmp_path: Path) -> None:
    async with open_both(reach, tmp_path) as (model, client):
        assert (await client.read_config())["model_provider"] == "scripted"
        version = await client.write_config("model_reasoning_effort", "low")
        assert tomllib.loads((model.home / "config.toml").read_text())["model_reasoning_effort"] == "low"
        assert (await client.read_config(cwd=tmp_path))["model_reasoning_effort"] == "low"
        await client.write_config("model_reasoning_effort", "high", expected_version=version)
        with pytest.raises(CodexProtocolError, match="version"):
            await client.write_config("model_reasoning_effort", "low", expected_version=version)
