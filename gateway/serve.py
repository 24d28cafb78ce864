"""Starts one gateway process from its home and runs it until it is asked to stop."""

import asyncio
import contextlib
import errno
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Final

from audit.events import Event
from audit.operational_log import LogEvent, LogForm, choose_form, log
from disk.lock import shared
from gateway.hardening import allow_descriptors, harden_process, swap_is_active
from gateway.home.config import GatewayConfig, parse_listen, unset_texts
from gateway.home.home import GatewayHome, GatewayMaterial
from gateway.home.promise import AnswerPromise
from gateway.home.withdraw_key import load_withdraw_key
from gateway.http.app import Gateway, Listener
from gateway.limits import Limits
from gateway.metrics import LOOK_EVERY, MetricsSocket, encode_scanner, reader
from gateway.pages.pages import Pages
from gateway.pages.site import Site, site_of
from gateway.reading.file_valve import Valve
from gateway.reading.request_body import Pace
from gateway.reading.upload_slots import UploadSlots
from gateway.receipts.derivation_pool import DerivationPool
from gateway.receipts.fresh_receipt import WAIT, ReceiptMaker
from gateway.receipts.return_keys import ReturnKeyDeriver
from gateway.replies.mailboxes import Mailboxes
from gateway.return_visit.requests_packet import LOOK_EVERY as REQUESTS_EVERY
from gateway.return_visit.requests_packet import watch_requests
from gateway.return_visit.return_visit import watch_bundles
from gateway.return_visit.withdrawal import finish_withdrawals
from gateway.scanner_watch import ScannerWatch
from gateway.start_cage import start_cage
from gateway.station import Station
from gateway.submission.inspection import Inspections
from gateway.submission.repeats import Repeats
from gateway.submission.request_queue import RequestQueue
from keys.recipient import sealed_to
from quarantine.file_types import FileType
from quarantine.findings import check_raised
from quarantine.inspector import Inspector
from quarantine.memfd import Slots
from quarantine.scanner.clamd import ClamdScanner
from quarantine.workers.caged_examiner import CagedExaminer
from quarantine.workers.zygote_client import ZygoteClient
from transfer.low_side.status import WaitingLimits
from transfer.spool.request_journal import RequestJournal
from transfer.spool.spool import Spool

NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def serve(home: GatewayHome, *, listen: str | None = None, on_listening: Callable[[str, int], None]) -> None:
    """Run a gateway until SIGTERM or SIGINT; uploads under way then come to their end. A second signal changes nothing.

    `on_listening` is called with address and port once the form can be reached.

    Raises:
        GatewayError, SettingsError: Home, keys, settings or scanner are not as they must be; one sentence.
        AuditError: The log was lost, or damaged at its end: nothing more could be logged.
        BusyError: The gateway's key is being changed.
        CageError: Nothing can read files here, although the settings accept less than a cage.
        OSError: The address cannot be listened on, or the kernel refused to harden the process.
    """
    harden_process()
    allow_descriptors()
    # Messages of libraries quote addresses and requests; our own log does not pass through here.
    logging.disable(logging.CRITICAL)
    config = home.load_config()
    choose_form(LogForm(config.log_form), load=True)
    if swap_is_active():
        log(LogEvent.SWAP_ACTIVE)
    with contextlib.ExitStack() as held:
        # Several may serve one home, but none while its key is changed: what it logged then would be lost.
        held.enter_context(shared(home.serving, busy="the key of this gateway is being changed just now: start again"))
        home.log().head()
        # Before any key is in memory, and by exec: what reads strangers' files never had one.
        zygote = start_cage(config)
        if zygote is not None:
            held.enter_context(contextlib.closing(zygote))
        material = home.load()
        # Only now: where it does not start, the reason stands alone.
        if unset := unset_texts(config):
            log(LogEvent.TEXTS_UNSET, count=len(unset))
        host, port = parse_listen(listen or material.config.listen)
        asyncio.run(_run(home, material, host, port, zygote, on_listening))


def quiet_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Let the event loop log a fault's type only: its own message quotes the exception's."""
    loop.set_exception_handler(lambda _, context: _log_fault(context.get("exception")))


def _log_fault(fault: BaseException | None) -> None:
    # Of accept(), which is tried again a second later: no fault of ours, but something an operator has to know.
    if isinstance(fault, OSError) and fault.errno in NO_ROOM:
        log(LogEvent.CONNECTIONS_WAIT)
    else:
        log(LogEvent.FAULT, fault=fault)


async def _run(
    home: GatewayHome,
    material: GatewayMaterial,
    host: str,
    port: int,
    zygote: ZygoteClient | None,
    on_listening: Callable[[str, int], None],
) -> None:
    config = material.config
    loop = asyncio.get_running_loop()
    # Each inspection occupies a thread; commits must not wait for them.
    loop.set_default_executor(ThreadPoolExecutor(max_workers=config.slots + 8, thread_name_prefix="gateway"))
    quiet_loop(loop)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # However many come while the loop is busy, one is enough: the interpreter need not warn that others are lost.
    signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)
    mail = await asyncio.to_thread(
        Mailboxes, home.reply_store, gateway=material.gateway, desk_key=material.desk_key, today=home.clock().today
    )
    site = site_of(config, material.recipients, limits_of(config), lambda: mail.counters)
    scanner = await _scanner(config, zygote)
    station = await _station(home, material, site, mail, _inspections(config, zygote, scanner))
    pages = Pages(site)
    listener = Listener(Gateway(station, pages), pages)
    await asyncio.to_thread(finish_withdrawals, station)
    requests = watch_requests(station, every=min(REQUESTS_EVERY, config.tick_seconds))
    spool = _watch_spool(station.spool, every=min(LOOK_EVERY, config.tick_seconds))
    tasks = (station.valve.watch(), station.repeats.watch(), watch_bundles(station), requests, spool)
    watching = [asyncio.create_task(task) for task in tasks]
    if scanner is not None:
        watching.append(asyncio.create_task(scanner.watch()))
    metrics = _metrics(home, config, station.spool, scanner)
    try:
        await metrics.start()
        on_listening(host, await listener.start(host, port, locks=home.root))
        station.audit.append(Event.GATEWAY_STARTED)
        await stop.wait()
        log(LogEvent.STOPPING)
        await listener.stop()
        await station.requests.finish()
        station.audit.append(Event.GATEWAY_STOPPED)
    finally:
        await metrics.stop()
        for task in watching:
            task.cancel()
        station.derivations.close()
        for number in (signal.SIGTERM, signal.SIGINT):
            # What is left takes moments; a second Ctrl-C must not end it halfway, with a traceback.
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


async def _watch_spool(spool: Spool, *, every: float) -> None:
    """List the waiting packets at the start and at each tick, to correct what is counted of them; in a thread."""
    counted: int | None = None
    while True:
        if counted != spool.tick_start():
            counted = spool.tick_start()
            try:
                await asyncio.to_thread(spool.recount)
            except OSError as fault:  # what was counted before is used, and the next tick tries again
                log(LogEvent.FAULT, fault=fault)
        await asyncio.sleep(every)


def _metrics(home: GatewayHome, config: GatewayConfig, spool: Spool, scanner: ScannerWatch | None) -> MetricsSocket:
    limits = WaitingLimits(config.alarm_days, config.overdue_days, config.retention_days)
    read = reader(spool, home.outbox, quota=config.quota_bytes, limits=limits, today=home.clock().today)
    path = Path(config.metrics_socket) if config.metrics_socket else home.metrics
    return MetricsSocket(
        path,
        read=read,
        tick_start=spool.tick_start,
        look_every=min(LOOK_EVERY, config.tick_seconds),
        now=lambda: "" if scanner is None else encode_scanner(works=scanner.works),
    )


def limits_of(config: GatewayConfig) -> Limits:
    """Return what one submission may contain."""
    return Limits(
        files_max=config.files_max,
        file_max_bytes=config.file_max_bytes,
        message_max_bytes=config.message_max_bytes,
        allowed=frozenset(map(FileType, config.allowed_types)),
    )


async def _station(
    home: GatewayHome, material: GatewayMaterial, site: Site, mail: Mailboxes, inspections: Inspections
) -> Station:
    config = material.config
    clock = home.clock()
    if clock.is_behind():
        log(LogEvent.CLOCK_BEHIND)
    spool = Spool(
        home.spool,
        quota=config.quota_bytes,
        reserve=config.reserve_bytes,
        tick=config.tick_seconds,
        now=clock.now,
    )
    removed = await asyncio.to_thread(spool.prepare)
    if removed:
        log(LogEvent.LEFTOVERS_REMOVED, count=removed)
    upload_slots = UploadSlots(config.uploads_max, min_rate=config.min_rate_bytes)
    kind, derivations = material.recipients[0].kind, DerivationPool()
    return Station(
        gateway=material.gateway,
        recipients=material.recipients,
        sealed_to=sealed_to(material.recipients),
        bodies=site.body_values,
        limits=site.limits,
        pace=Pace(base=float(config.base_deadline_seconds), min_rate=config.min_rate_bytes),
        spool=spool,
        upload_slots=upload_slots,
        derivations=derivations,
        receipts=ReceiptMaker(kind, derivations),
        inspections=inspections,
        audit=home.log(),
        deriver=ReturnKeyDeriver(kind, derivations),
        mail=mail,
        # What has arrived is inspected, waits for its receipt, and is written to a disk that may be busy.
        repeats=Repeats(wait=config.inspection_budget_seconds + WAIT + 60),
        valve=Valve(lambda: _is_crowded(config, upload_slots, spool), seconds=config.valve_seconds),
        promise=await _promise(site, clock.today()),
        requests=RequestQueue(RequestJournal(home.requests), lambda lookups: mail.delete(*lookups)),
        withdraw_key=load_withdraw_key(home.withdraw_key),
        today=clock.today,
    )


async def _promise(site: Site, today: date) -> AnswerPromise:
    """Return what this gateway promises, after a try: what working days need is loaded now, or the start fails."""
    await asyncio.to_thread(site.promise.until, today)
    return site.promise


def _is_crowded(config: GatewayConfig, upload_slots: UploadSlots, spool: Spool) -> bool:
    """Return whether large uploads, or what they left here, take up more than the settings allow."""
    uploads, fill = 100 * upload_slots.crowding, 100 * spool.fill()
    return uploads >= config.valve_uploads_percent or fill >= config.valve_fill_percent


async def _scanner(config: GatewayConfig, zygote: ZygoteClient | None) -> ScannerWatch | None:
    if zygote is None:
        log(LogEvent.INSPECTION_OFF)
        return None
    scanner = ScannerWatch(ClamdScanner(Path(config.clamd_socket)))
    await asyncio.to_thread(scanner.begin)
    return scanner


def _inspections(config: GatewayConfig, zygote: ZygoteClient | None, scanner: ScannerWatch | None) -> Inspections:
    inspector = None
    if zygote is not None and scanner is not None:
        inspector = Inspector(
            scanner,
            config.budgets,
            examiner=CagedExaminer(config.budgets, zygote),
            raised=check_raised(config.also_hold),
        )
    return Inspections(
        inspector=inspector,
        slots=Slots(config.slots, file_max=config.file_max_bytes),
        budget=float(config.inspection_budget_seconds),
        file_max=config.file_max_bytes,
    )
