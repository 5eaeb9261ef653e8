"""`python -m workers`: one worker process, by its settings. `starflock worker` is the same."""

import sys

import uvloop
from pydantic import ValidationError

from activities.fleet.windows import WhenOpen
from inventory.problems import FileErrors
from records.database import RecordsError
from rules import windows
from workers.codec import PayloadKeysError
from workers.logs import configure
from workers.settings import Settings
from workers.worker import run


def main(when_open: WhenOpen = windows.openings) -> int:
    """Exit code 0 after an orderly end, 2 when settings or inventory are wrong, 3 without a server
    or records."""
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            field = "_".join(("STARFLOCK", *(str(part).upper() for part in problem["loc"])))
            print(f"settings: {field}: {problem['msg']}", file=sys.stderr)
        return 2
    configure(settings.log_format, settings.log_level)
    try:
        uvloop.run(run(settings, when_open=when_open))
    except FileErrors as errors:
        print(errors, file=sys.stderr)
        return 2
    except PayloadKeysError as error:
        print(f"settings: STARFLOCK_PAYLOAD_KEYS: {error}", file=sys.stderr)
        return 2
    except (RuntimeError, RecordsError) as error:
        print(f"starflock worker: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
