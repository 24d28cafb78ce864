"""`gateway.toml`: the settings of one gateway, with their reasons. Read once at start."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from textwrap import fill
from typing import Final

from gateway.home.editors_wording import LINE_MAX, NOTHING_SAID, PARAGRAPH_MAX, PerLanguage, PublicBody, default_bodies
from gateway.languages import Language
from quarantine.budgets import Budgets
from quarantine.findings import check_raised

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

KNOWN_TYPES: Final = frozenset({"pdf", "txt", "zip", "rar", "jpg", "png"})  # those whose content can be checked
_ONION: Final = re.compile(r"[a-z2-7]{56}\.onion")
_PARAGRAPHS: Final = ("welcome", "arrange", "legal_basis")
_TABLES: Final = ("names", *_PARAGRAPHS, "bodies")  # TOML wants them after all plain keys
# Nobody types this by accident.
UNCAGED: Final = "I accept that a hostile file can take over this gateway"


@dataclass(frozen=True)
class GatewayConfig:
    """All settings; each is explained where it is written, in `_COMMENTS` below."""

    name: str = ""
    listen: str = "127.0.0.1:8080"
    languages: tuple[str, ...] = tuple(Language)
    script: bool = True
    onion: str = ""
    counters_floor: int = 10
    feedback_days: int = 90
    allowed_types: tuple[str, ...] = ("pdf", "txt", "zip", "rar")
    files_max: int = 10
    file_max_bytes: int = 256 * MIB
    message_max_bytes: int = 1 * MIB
    quota_bytes: int = 50 * GIB
    reserve_bytes: int = 1 * GIB
    tick_seconds: int = 6 * 3600
    uploads_max: int = 100
    valve_uploads_percent: int = 90
    valve_fill_percent: int = 90
    valve_seconds: int = 60
    base_deadline_seconds: int = 120
    min_rate_bytes: int = 2 * KIB
    inspection: bool = True
    uncaged_inspection: str = ""
    clamd_socket: str = "/run/clamav/clamd.ctl"
    slots: int = 2
    inspection_budget_seconds: int = 60
    alarm_days: int = 3
    overdue_days: int = 3
    retention_days: int = 30
    metrics_socket: str = ""
    also_hold: tuple[str, ...] = ()
    budgets: Budgets = field(default_factory=Budgets)  # a table of its own, at the end of the file
    names: PerLanguage = NOTHING_SAID
    welcome: PerLanguage = NOTHING_SAID
    arrange: PerLanguage = NOTHING_SAID
    legal_basis: PerLanguage = NOTHING_SAID
    bodies: tuple[PublicBody, ...] = field(default_factory=default_bodies)

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key and its bounds."""
        parse_listen(self.listen)
        for name, (low, high) in _BOUNDS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"'{name}' must be from {low} to {high}")
        if self.reserve_bytes > self.quota_bytes:
            raise ValueError("'reserve_bytes' must not be more than 'quota_bytes'")
        for key, known in (("languages", frozenset(map(str, Language))), ("allowed_types", KNOWN_TYPES)):
            if not getattr(self, key) or not known.issuperset(getattr(self, key)):
                raise ValueError(f"'{key}' must be some of {', '.join(sorted(known))}")
        if self.retention_days < self.alarm_days:
            raise ValueError("'retention_days' must not be less than 'alarm_days'")
        if self.metrics_socket and not self.metrics_socket.startswith("/"):
            raise ValueError("'metrics_socket' must be empty, or a path that begins with /")
        if self.uncaged_inspection not in {"", UNCAGED}:
            raise ValueError(f"'uncaged_inspection' must be empty, or this very sentence: {UNCAGED}")
        self.budgets.check_settings()
        try:
            check_raised(self.also_hold)
        except ValueError as error:
            raise ValueError(f"'also_hold': {error}") from None
        self._check_texts()

    def _check_texts(self) -> None:
        for name, least in (("name", 0), ("clamd_socket", 1)):
            text = getattr(self, name)
            if not least <= len(text) <= LINE_MAX or not text.isprintable():
                raise ValueError(f"'{name}' must be one line of {least} to {LINE_MAX} characters")
        if self.onion and not _ONION.fullmatch(self.onion):
            raise ValueError("'onion' must be empty, or an address of 56 letters and digits that ends in .onion")
        for name in _PARAGRAPHS:
            getattr(self, name).check(name, PARAGRAPH_MAX)
        self.names.check("names", LINE_MAX)
        chosen = [body.name.read_in(Language(self.languages[0])) for body in self.bodies]
        others = {key: getattr(self, key) for key in ("languages", "allowed_types", "also_hold")}
        for key, entries in {"bodies": chosen, **others}.items():
            if len(set(entries)) < len(entries) or len(entries) > 1000:
                raise ValueError(f"'{key}' must be at most 1000 entries, no two alike")


_BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "files_max": (1, 100),
    "counters_floor": (1, 1_000_000),
    "feedback_days": (1, 366),
    "valve_uploads_percent": (1, 101),
    "valve_fill_percent": (1, 101),
    "valve_seconds": (1, 24 * 3600),
    "file_max_bytes": (1, 4 * GIB),
    "message_max_bytes": (KIB, 16 * MIB),
    "quota_bytes": (MIB, 1024 * 1024 * GIB),
    "reserve_bytes": (0, 1024 * 1024 * GIB),
    "tick_seconds": (1, 31 * 24 * 3600),
    "uploads_max": (1, 10_000),
    "base_deadline_seconds": (1, 24 * 3600),
    "min_rate_bytes": (1, GIB),
    "slots": (1, 64),
    "inspection_budget_seconds": (1, 3600),
    "alarm_days": (1, 3650),
    "overdue_days": (1, 3650),
    "retention_days": (1, 3650),
}

_BUDGETS_HEAD: Final = (
    "# How much the inspection of one file may cost; archives inside it share all of this. Where nothing else is\n"
    "# said, a file that costs more is held.\n"
    "[budgets]\n"
)
_COMMENTS: Final[dict[str, str]] = {
    "name": "Who receives what is sent here, as the pages say it; without one they say 'the editors'.",
    "listen": "Address and port of the form. Anything but loopback belongs behind a proxy or an onion service.",
    "languages": "Languages of the pages, some of nb, nn, da, en. A visitor gets the one that the browser\n"
    "# prefers; the first is for who asks for none.",
    "script": "Whether the pages offer their one script. Everything works without it.",
    "onion": "This gateway's onion address, such as 56 letters and digits and .onion; browsers are told of it.",
    "feedback_days": "Days within which the receipt page promises an answer; 90 is the most that the law gives.",
    "counters_floor": "A counter of the front page is not shown while it is below this.",
    "allowed_types": "Types of file that are taken, by name and by content: some of pdf, txt, zip, rar,\n"
    "# jpg, png. Pictures are off: they hold more of a person (place, camera, face) than most sources know.",
    "files_max": "Files in one submission.",
    "file_max_bytes": "Bytes of one file: 268435456 is 256 MiB.",
    "message_max_bytes": "Bytes of the text that a person types.",
    "quota_bytes": "Bytes of sealed packets that may wait here until they are moved away.",
    "reserve_bytes": "Of these, and of the disk: kept for text and for files up to 1 MiB, so that a few large\n"
    "# submissions never lock everybody else out.",
    "tick_seconds": "Seconds. Packets leave at the end of a tick only, which blurs when they came and leaves time\n"
    "# to withdraw one.",
    "uploads_max": "Submissions under way at the same time.",
    "valve_uploads_percent": "Under a flood files are switched off for everybody, and text never is: when large\n"
    "# uploads took so many percent of uploads_max, ...",
    "valve_fill_percent": "... or packets so many percent of what large ones may take (101: never), ...",
    "valve_seconds": "... for so many seconds without a break. Files are back when it was calm for as long.",
    "base_deadline_seconds": "Seconds allowed for an upload: these, and its length divided by min_rate_bytes.",
    "min_rate_bytes": "Bytes per second. Tor is slow and must not be cut off; who stays below this for long is.",
    "inspection": "Whether files are inspected here. Without it every file counts as undecided and is held.",
    "uncaged_inspection": "Files are read in a cage. Where the kernel cannot build it, the gateway starts only if\n"
    f"# this is, word by word, the sentence '{UNCAGED}'.",
    "clamd_socket": "The virus scanner's socket. Whoever may write to it may also stop the scanner.",
    "slots": "Files inspected at the same time; each takes memory up to file_max_bytes.",
    "also_hold": "Findings that hold a file here although their grade does not, such as archive.executable (the codes\n"
    "# are those of quarantine/CHECKS.md). What holds by its grade always does; no setting changes that.",
    "inspection_budget_seconds": "Seconds after a submission's last byte; what is not decided by then is held.",
    "alarm_days": "Days. 'enveis transfer status' raises an alarm when a packet has waited here as long, exported or\n"
    "# not: the law gives seven days for an acknowledgement.",
    "overdue_days": "Days after which a batch whose words did not come back is an alarm: export it again.",
    "retention_days": "Days after which packets that nobody received may be given up by 'enveis transfer discard'.\n"
    "# Until somebody does, they stay, and are an alarm.",
    "metrics_socket": "Path of a Unix socket with rounded counts for Prometheus; empty: metrics.sock in the home.",
    "names": "The name in single languages, where it is not the same in all.",
    "welcome": "A paragraph at the top of the form.",
    "arrange": "How to send what the form does not take.",
    "legal_basis": "Why personal data may be processed here: the privacy page says it.",
    "bodies": "Public bodies of the form's list, and who can act on a complaint about each. The form has a field of\n"
    "# its own for any other. Packets name a body in the first language of 'languages'.",
}

_HEAD: Final = "# The settings of this gateway. A key that is not listed here is refused at start.\n"
_WORDING: Final = """\
# What follows is the editors' own wording, in the languages nb, nn, da and en. What is empty in one language is
# shown in another; what is empty in all is left out.
"""


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of `127.0.0.1:8080` or `[::1]:8080`.

    Raises:
        ValueError: With a sentence, when `text` is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not (colon and host and port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) < 65536):
        raise ValueError("'listen' must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080")
    return host, int(port)


def encode_config(config: GatewayConfig) -> str:
    """Return the text of a gateway.toml with every setting and what it is for."""
    tables = [name for name in _TABLES if getattr(config, name)]
    plain = [setting.name for setting in fields(config) if setting.name not in (*tables, "budgets")]
    parts = [_HEAD, *(f"# {_COMMENTS[name]}\n{name} = {_toml(getattr(config, name))}\n" for name in plain)]
    parts += [_BUDGETS_HEAD, *_budgets(config.budgets), _WORDING]
    for name in tables:
        text = getattr(config, name)
        parts.append(f"# {_COMMENTS[name]}\n" + ("" if name == "bodies" else f"[{name}]\n{_languages('', text)}"))
    return "\n".join([*parts, *map(_body, config.bodies)])


def _budgets(budgets: Budgets) -> Iterator[str]:
    for name, why in Budgets.reasons().items():
        yield f"{fill(why, 110, initial_indent='# ', subsequent_indent='# ')}\n{name} = {getattr(budgets, name)}\n"


def _body(body: PublicBody) -> str:
    return f"[[bodies]]\n{_languages('name.', body.name)}{_languages('who_can_act.', body.who_can_act)}"


def _languages(prefix: str, text: PerLanguage) -> str:
    return "".join(f"{prefix}{entry.name} = {_toml(getattr(text, entry.name))}\n" for entry in fields(text))


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # JSON's strings, numbers and truth values are TOML's, for printable text.
    return json.dumps(value, ensure_ascii=False)
