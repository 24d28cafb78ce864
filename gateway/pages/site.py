"""What the pages say about one gateway: its editors' texts, its limits and its promises. Read at start."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.home.config import GatewayConfig
from gateway.home.country import Country
from gateway.home.editors_wording import NOTHING_SAID, PerLanguage, PublicBody
from gateway.home.promise import BY_LAW, AfterWithdrawal, AnswerPromise, Term
from gateway.home.statements import AccessibilityStatement, InDanger, LawReview, Receivers
from gateway.languages import Language
from gateway.limits import Limits
from keys.recipient import KeyKind, Recipient
from keys.words import fingerprint_words
from transfer.bundle.contents import Counters


@dataclass(frozen=True, slots=True)
class Site:
    """One gateway, as its pages describe it."""

    limits: Limits
    name: str = ""  # who receives; empty: "the editors", in the page's language
    names: PerLanguage = NOTHING_SAID  # the same where a language has its own
    welcome: PerLanguage = NOTHING_SAID
    arrange: PerLanguage = NOTHING_SAID  # how to send what the form does not take
    legal_basis: PerLanguage = NOTHING_SAID
    receivers: Receivers = field(default_factory=Receivers)
    danger: InDanger = field(default_factory=InDanger)
    law_review: LawReview = field(default_factory=LawReview)
    accessibility: AccessibilityStatement = field(default_factory=AccessibilityStatement)
    country: Country = Country.NORWAY  # whose law, public bodies and holidays the pages speak of
    bodies: tuple[PublicBody, ...] = ()
    languages: tuple[Language, ...] = (Language.ENGLISH,)  # offered; the first is for browsers that prefer none
    fingerprint: str = ""  # fingerprint words of the recipients that packets are sealed to
    is_hybrid: bool = True  # the kind of those recipients
    tick_seconds: int = 6 * 3600
    promise: AnswerPromise = BY_LAW  # of an answer
    withdrawal: AfterWithdrawal = AfterWithdrawal.DELETES  # what becomes of what was withdrawn after it left
    counters_floor: int = 10  # a counter below it is not shown
    onion: str = ""  # this gateway's onion address, 56 letters and digits and ".onion"
    is_inspected: bool = True  # whether files are inspected here
    script: bool = True  # whether the optional script is offered
    counters: Callable[[], Counters | None] = lambda: None

    def body_value(self, body: PublicBody) -> str:
        """Return the name that goes into the packet, the same whichever language the source read."""
        return body.name.read_in(self.languages[0])

    @property
    def body_values(self) -> tuple[str, ...]:
        """Every name that the list's choice may have."""
        return tuple(map(self.body_value, self.bodies))


def promise_of(config: GatewayConfig) -> AnswerPromise:
    """Return what a gateway with these settings promises its sources."""
    return AnswerPromise(
        config.feedback_days, Term(config.feedback_in), Country(config.country), closed=config.closed_days
    )


def site_of(
    config: GatewayConfig,
    recipients: tuple[Recipient, ...],
    limits: Limits,
    counters: Callable[[], Counters | None] = lambda: None,
) -> Site:
    """Return what the pages say about a gateway with these settings that seals to `recipients`."""
    canonical = "".join(f"{recipient}\n" for recipient in recipients).encode()
    return Site(
        limits=limits,
        name=config.name,
        names=config.names,
        welcome=config.welcome,
        arrange=config.arrange,
        legal_basis=config.legal_basis,
        receivers=config.receivers,
        danger=config.danger,
        law_review=config.law_review,
        accessibility=config.accessibility,
        country=Country(config.country),
        bodies=config.bodies,
        languages=tuple(map(Language, config.languages + config.unreviewed_languages)),
        fingerprint=fingerprint_words(canonical),
        is_hybrid=recipients[0].kind is KeyKind.HYBRID,
        tick_seconds=config.tick_seconds,
        promise=promise_of(config),
        withdrawal=AfterWithdrawal(config.withdrawal),
        counters_floor=config.counters_floor,
        onion=config.onion,
        is_inspected=config.inspection,
        script=config.script,
        counters=counters,
    )
