"""`gateway.toml`: the settings of one gateway, each with its default, its bounds and its reason. Read once at start."""

import re
from dataclasses import dataclass
from typing import Final

from audit.operational_log import LogForm
from disk.settings import check_settings, encode_settings, setting, unset_settings
from gateway.home.country import Country
from gateway.home.editors_wording import LINE_MAX, NOTHING_SAID, PARAGRAPH_MAX, PerLanguage, PublicBody, default_bodies
from gateway.home.promise import CLOSED, LAW_DAYS, AfterWithdrawal, Term, check_closed
from gateway.home.statements import AccessibilityStatement, InDanger, LawReview, Receivers
from gateway.languages import REVIEWED, UNREVIEWED, Language
from quarantine.budgets import Budgets
from quarantine.file_types import FileType
from quarantine.findings import check_raised

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

KNOWN_TYPES: Final = frozenset(map(str, FileType))
_ONION: Final = re.compile(r"[a-z2-7]{56}\.onion")
# Nobody types this by accident.
UNCAGED: Final = "I accept that a hostile file can take over this gateway"


@dataclass(frozen=True)
class GatewayConfig:
    """All settings, in the order in which they are written."""

    name: str = setting(
        "",
        bounds=(0, LINE_MAX),
        why="Who receives what is sent here, as the pages name them; if empty, the pages say 'the editors'.",
        while_empty="the pages say 'the editors' and never who that is",
    )
    country: str = setting(
        Country.NORWAY,
        choices=tuple(map(str, Country)),
        why="Country whose law, public bodies and holidays the pages speak of: no or dk.",
    )
    listen: str = setting(
        "127.0.0.1:8080",
        why="Address and port of the form. Anything but loopback belongs behind a proxy or an onion service.",
    )
    languages: tuple[str, ...] = setting(
        tuple(map(str, REVIEWED)),
        choices=tuple(map(str, REVIEWED)),
        why="Languages of the pages, some of nb, nn, da, en. A visitor gets the language that the browser prefers; a"
        " browser that prefers none gets the first.",
    )
    unreviewed_languages: tuple[str, ...] = setting(
        (),
        why="Languages that the pages offer besides: some of sv, pl, uk, ar. A machine translated them and nobody who"
        " speaks them has checked the result; each page in them says so. Have someone read them first.",
    )
    script: bool = setting(True, why="Whether the pages offer their one script. Everything works without it.")
    onion: str = setting(
        "",
        why="This gateway's onion address, 56 letters and digits and .onion. The pages tell browsers of it.",
    )
    counters_floor: int = setting(
        10, bounds=(1, 1_000_000), why="A counter of the front page is not shown while it is below this."
    )
    feedback_days: int = setting(
        LAW_DAYS,
        bounds=(1, LAW_DAYS),
        why="Within how many days a source is promised an answer; the law allows 90 at most.",
    )
    feedback_in: str = setting(
        Term.DAYS,
        choices=tuple(map(str, Term)),
        why="What feedback_days counts: days, or working-days (Monday to Friday, without the country's public holidays"
        " and without closed_days). The promise is never later than 90 days.",
    )
    closed_days: tuple[str, ...] = setting(
        CLOSED[Country.NORWAY],
        why="Days, as MM-DD, on which the office is closed every year although they are no public holidays.",
    )
    withdrawal: str = setting(
        AfterWithdrawal.DELETES,
        choices=tuple(map(str, AfterWithdrawal)),
        why="What the desk does when a source withdraws what has left this server: deletes it; or restricts it, that is"
        " locks it away, where the office may not destroy records. The pages say which before anything is sent.",
    )
    allowed_types: tuple[str, ...] = setting(
        ("pdf", "txt", "zip", "rar"),
        choices=KNOWN_TYPES,
        why="Types of file that are accepted, by name and by content: some of pdf, txt, zip, rar, jpg, png, docx, xlsx,"
        " pptx, odt, ods, eml. Pictures are off: they reveal more of a person (place, camera, face) than most sources"
        " know. Documents and e-mails (from docx on) are off too: they are not inspected in depth yet, so each is held"
        " until a person at the desk decides.",
    )
    files_max: int = setting(10, bounds=(1, 100), why="Files in one submission.")
    file_max_bytes: int = setting(256 * MIB, bounds=(1, 4 * GIB), why="Bytes of one file: 268435456 is 256 MiB.")
    message_max_bytes: int = setting(1 * MIB, bounds=(KIB, 16 * MIB), why="Bytes of the text that a person types.")
    quota_bytes: int = setting(
        50 * GIB,
        bounds=(MIB, 1024 * 1024 * GIB),
        why="Bytes of sealed packets that may wait here until they are moved to the desk.",
    )
    reserve_bytes: int = setting(
        1 * GIB,
        bounds=(0, 1024 * 1024 * GIB),
        why="Bytes of the quota, and of the disk, that are kept for text and for files up to 1 MiB, so that a few large"
        " submissions never lock everybody else out.",
    )
    tick_seconds: int = setting(
        6 * 3600,
        bounds=(1, 31 * 24 * 3600),
        why="Seconds. Packets leave only at the end of a tick. This blurs when they came, and leaves time to withdraw"
        " one.",
    )
    uploads_max: int = setting(100, bounds=(1, 10_000), why="Submissions under way at the same time.")
    valve_uploads_percent: int = setting(
        90,
        bounds=(1, 101),
        why="Under a flood, files are switched off for everybody; text never is. That happens when large uploads took"
        " this many percent of uploads_max, ...",
    )
    valve_fill_percent: int = setting(
        90,
        bounds=(1, 101),
        why="... or packets took this many percent of what large ones may take (101: never), ...",
    )
    valve_seconds: int = setting(
        60,
        bounds=(1, 24 * 3600),
        why="... for this many seconds without a break. Files are accepted again after as many calm seconds.",
    )
    base_deadline_seconds: int = setting(
        120,
        bounds=(1, 24 * 3600),
        why="Seconds allowed for an upload, besides the time that its bytes take at min_rate_bytes.",
    )
    min_rate_bytes: int = setting(
        2 * KIB,
        bounds=(1, GIB),
        why="Bytes per second. Tor is slow and must not be cut off; an upload that stays slower than this is cut off.",
    )
    inspection: bool = setting(
        True, why="Whether files are inspected here. If not, every file counts as undecided and is held."
    )
    uncaged_inspection: str = setting(
        "",
        why="Files are read in a cage. Where the kernel cannot build one, the gateway starts only if this is, word for"
        f" word, the sentence '{UNCAGED}'.",
    )
    clamd_socket: str = setting(
        "/run/clamav/clamd.ctl",
        bounds=(1, LINE_MAX),
        why="The virus scanner's socket. Whoever may write to it may also stop the scanner.",
    )
    slots: int = setting(
        2,
        bounds=(1, 64),
        why="Files inspected at the same time; each takes memory up to file_max_bytes.",
    )
    inspection_budget_seconds: int = setting(
        60,
        bounds=(1, 3600),
        why="Seconds after a submission's last byte; a file that is still undecided then is held.",
    )
    alarm_days: int = setting(
        3,
        bounds=(1, 3650),
        why="Days. 'enveis transfer status' raises an alarm when a packet has waited here this long, exported or not:"
        " the law gives seven days for an acknowledgement.",
    )
    overdue_days: int = setting(
        3,
        bounds=(1, 3650),
        why="Days after which a batch whose acknowledgement words did not come back raises an alarm: export it again.",
    )
    retention_days: int = setting(
        30,
        bounds=(1, 3650),
        why="Days after which packets that nobody received may be given up with 'enveis transfer discard'. Until"
        " somebody does that, they stay and raise an alarm.",
    )
    metrics_socket: str = setting(
        "", why="Path of a Unix socket with rounded counts for Prometheus; empty: metrics.sock in the home."
    )
    log_form: str = setting(
        "json",
        choices=tuple(map(str, LogForm)),
        why="Form of the lines on standard error: json for programs, console for people.",
    )
    also_hold: tuple[str, ...] = setting(
        (),
        why="Findings that hold a file here although their grade does not, such as archive.executable (the codes are"
        " those of quarantine/CHECKS.md). A finding that holds by its grade always does; no setting changes that.",
    )
    budgets: Budgets = setting(
        Budgets(),
        why="How much the inspection of one file may cost; archives inside it share all of this. Unless its comment"
        " says otherwise, a file that costs more is held.",
    )
    names: PerLanguage = setting(
        NOTHING_SAID,
        bounds=(0, LINE_MAX),
        why="The name in single languages, where it is not the same in all.",
        heading="What follows is the editors' own wording, in the languages nb, nn, da and en. What is empty in one"
        " language is shown in another; what is empty in all is left out. Keys for sv, pl, uk and ar may be added.",
    )
    welcome: PerLanguage = setting(
        NOTHING_SAID,
        bounds=(0, PARAGRAPH_MAX),
        why="A paragraph of yours below the form.",
        while_empty="the form has no word of yours below it",
    )
    arrange: PerLanguage = setting(
        NOTHING_SAID,
        bounds=(0, PARAGRAPH_MAX),
        why="How to send what the form does not accept.",
        while_empty="whoever has too large a file is told to write first, and finds in the answer how to send it",
    )
    legal_basis: PerLanguage = setting(
        NOTHING_SAID,
        bounds=(0, PARAGRAPH_MAX),
        why="Why personal data may be processed here, for the privacy page.",
        while_empty="the privacy page says that you have not stated a legal basis",
    )
    receivers: Receivers = setting(Receivers(), why="Who receives what is sent here, and how else they are reached.")
    danger: InDanger = setting(InDanger(), why="What the pages offer to somebody in danger.")
    law_review: LawReview = setting(
        LawReview(), why="The lawyer who has read the page on the law for this letterbox (docs/law.md)."
    )
    accessibility: AccessibilityStatement = setting(
        AccessibilityStatement(), why="The accessibility statement. Public bodies must publish one."
    )
    bodies: tuple[PublicBody, ...] = setting(
        made=default_bodies,
        why="Public bodies of the form's list, and who can act on a complaint about each. The form has a field of its"
        " own for any other. Packets name a body in the first language of 'languages'.",
        while_empty="the form has no list of bodies and does not say who else can act",
    )

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key and its bounds."""
        check_settings(self)
        self.budgets.check_settings()
        parse_listen(self.listen)
        if self.reserve_bytes > self.quota_bytes:
            raise ValueError("'reserve_bytes' must not be more than 'quota_bytes'")
        if self.retention_days < self.alarm_days:
            raise ValueError("'retention_days' must not be less than 'alarm_days'")
        if self.metrics_socket and not self.metrics_socket.startswith("/"):
            raise ValueError("'metrics_socket' must be empty, or a path that begins with /")
        if self.uncaged_inspection not in {"", UNCAGED}:
            raise ValueError(f"'uncaged_inspection' must be empty, or this very sentence: {UNCAGED}")
        if self.onion and not _ONION.fullmatch(self.onion):
            raise ValueError("'onion' must be empty, or an address of 56 letters and digits that ends in .onion")
        check_closed(self.closed_days)
        try:
            check_raised(self.also_hold)
        except ValueError as error:
            raise ValueError(f"'also_hold': {error}") from None
        self._check_lists()

    def _check_lists(self) -> None:
        if not set(UNREVIEWED).issuperset(self.unreviewed_languages):
            raise ValueError(f"'unreviewed_languages' must be empty, or some of {', '.join(sorted(UNREVIEWED))}")
        chosen = [body.name.read_in(Language(self.languages[0])) for body in self.bodies]
        lists = ("languages", "unreviewed_languages", "allowed_types", "also_hold", "closed_days")
        others = {key: getattr(self, key) for key in lists}
        for key, entries in {"bodies": chosen, **others}.items():
            if len(set(entries)) < len(entries) or len(entries) > 1000:
                raise ValueError(f"'{key}' must be at most 1000 entries, no two alike")


def unset_texts(config: GatewayConfig) -> list[tuple[str, str]]:
    """Return the key of each text that the editors have not set, and what sources miss or see instead."""
    # A name in single languages is a name.
    return [(key, sentence) for key, sentence in unset_settings(config) if key != "name" or not any(config.names)]


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


def encode_gateway_config(config: GatewayConfig) -> str:
    """Return the text of a gateway.toml with every setting and what it is for."""
    return encode_settings(
        config, head="The settings of this gateway. A key that is not listed here is refused at start."
    )
