"""How much text one record keeps.

Reasons and evidence quote foreign systems, whose answers have no upper bound (a USM traceback, an HTML
error page, a thousand alarms). What is cut says so in place, so that nobody takes a cut line for a whole
one, and cutting what was cut changes nothing. NUL and lone surrogates, which PostgreSQL and UTF-8 refuse,
become U+FFFD: a broken answer of a site must not make its record unwritable.

Secrets are not looked for here: whoever writes a record keeps them out of it.
"""

REASON_CHARS = 2_000
EVIDENCE_LINES = 50
EVIDENCE_CHARS = 500
CUT = "... (cut)"


def cut(text: str, limit: int) -> str:
    """`text` within `limit` characters, the mark of the cut included."""
    whole = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if len(whole) <= limit:
        return whole
    return whole[: limit - len(CUT)] + CUT


def cut_reason(text: str) -> str:
    return cut(text, REASON_CHARS)


def cut_evidence(lines: tuple[str, ...]) -> tuple[str, ...]:
    """At most 50 lines; the last one says how many are missing."""
    kept = lines
    if len(lines) > EVIDENCE_LINES:
        kept = lines[: EVIDENCE_LINES - 1]
        kept = (*kept, f"{CUT}: {len(lines) - len(kept)} more lines")
    return tuple(cut(line, EVIDENCE_CHARS) for line in kept)
