"""`python -m minikube_py.daemon`: the process behind a cluster. `mk up` starts it."""

import gc
import logging
import sys

import uvloop

from minikube_py.daemon.choices import StartFailure
from minikube_py.daemon.run import configure_logging, run
from minikube_py.daemon.settings import Settings, parse_settings


def main() -> int:
    """Exit code 1 and one `error:` line on stderr when the daemon can't start or purge."""
    gc.disable()  # a start makes what stays; `run` enables it again
    settings = parse_settings(sys.argv[1:])
    configure_logging(verbose=settings.verbose)
    try:
        uvloop.run(_purge(settings) if settings.purge else run(settings))
    except StartFailure as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except Exception as error:
        logging.getLogger(__name__).exception("the daemon ends on an error nobody expected")
        print(f"error: {_innermost(error)!r} (that is a bug in mk)", file=sys.stderr, flush=True)
        return 1
    return 0


async def _purge(settings: Settings) -> None:
    from minikube_py.daemon.purge import purge  # no start needs it

    await purge(settings)


def _innermost(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
