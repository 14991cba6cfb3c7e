"""/healthz, /livez, /readyz and /metrics, with the output that people's scripts parse."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from minikube_py.apiserver.context import Check, server_of

_CHECK_SECONDS = 5.0


async def _ping() -> None:
    """Answering at all is the check."""


async def healthz(request: web.Request) -> web.Response:
    return await _report(request, "healthz", server_of(request).checks)


async def readyz(request: web.Request) -> web.Response:
    return await _report(request, "readyz", server_of(request).checks)


async def livez(request: web.Request) -> web.Response:
    """Alive is less than ready: a restart cures neither a missing engine nor a full disk."""
    return await _report(request, "livez", {})


async def metrics(request: web.Request) -> web.Response:
    return web.Response(
        body=server_of(request).metrics.render(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


async def _report(request: web.Request, name: str, checks: Mapping[str, Check]) -> web.Response:
    every: dict[str, Check] = {"ping": _ping, **checks}
    wanted = request.match_info.get("check")
    if wanted is not None:
        if wanted not in every:
            return web.Response(status=404, text="404 page not found\n")
        return await _one(wanted, every[wanted])
    excluded = request.query.getall("exclude", [])
    lines = [
        await _line(check_name, check, excluded=check_name in excluded)
        for check_name, check in every.items()
    ]
    lines += [
        f"warn: some health checks cannot be excluded: no matches for {unknown!r}"
        for unknown in excluded
        if unknown not in every
    ]
    if any(line.startswith("[-]") for line in lines):
        return web.Response(status=500, text="\n".join([*lines, f"{name} check failed\n"]))
    if "verbose" in request.query:
        return web.Response(text="\n".join([*lines, f"{name} check passed\n"]))
    return web.Response(text="ok")


async def _one(name: str, check: Check) -> web.Response:
    problem = await problem_of(check)
    if problem is None:
        return web.Response(text="ok")
    return web.Response(status=500, text=f"{name} failed: {problem}\n")


async def _line(name: str, check: Check, *, excluded: bool) -> str:
    if excluded:
        return f"[+]{name} excluded: ok"
    problem = await problem_of(check)
    return f"[+]{name} ok" if problem is None else f"[-]{name} failed: {problem}"


async def problem_of(check: Check) -> str | None:
    """The reason, on one line; a check that hangs has failed."""
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            await check()
    except TimeoutError:
        return f"no answer within {_CHECK_SECONDS:g} seconds"
    except Exception as error:
        return " ".join(str(error).split()) or type(error).__name__
    return None
