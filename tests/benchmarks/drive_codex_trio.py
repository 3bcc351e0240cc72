"""The client of this repository, by its public API."""

from __future__ import annotations

import trio

from codex_trio import StdioTransport, open_codex_client

from .job import Figures, Job, Region, check, perform


def _transport(job: Job) -> StdioTransport:
    return StdioTransport(command=[job.server, "app-server"])


async def _one_turn(job: Job) -> Figures:
    async with open_codex_client(_transport(job)) as client:
        thread = await client.start_thread()
        steps = 0
        with Region() as region:
            async with thread.chat("Go") as stream:
                async for _ in stream:
                    steps += 1
        check("steps", steps, job.steps)
    return region.figures()


def one_turn(job: Job) -> Figures:
    """One turn, read by `chat`."""
    return trio.run(_one_turn, job)


if __name__ == "__main__":
    perform({"one-turn": one_turn})
