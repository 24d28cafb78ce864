"""`enveis desk challenge` and `verify-proof`: whether somebody is the source of a packet."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, demand_new, file_name
from enveis.commands.desk_packet import add_packet, desk_of, opened_packet
from enveis.errors import RefusedError
from enveis.terminal import Terminal
from enveis.unlocking import add_identity

if TYPE_CHECKING:
    from transfer.packet.authorship_proof import AuthorshipProof


def _challenge_arguments(parser: ArgumentParser) -> None:
    add_packet(parser)
    parser.add_argument("--verifier", required=True, metavar="NAME", help="who asks for the proof")
    parser.add_argument("--purpose", required=True, metavar="TEXT", help="what the proof is for")
    parser.add_argument(
        "--to", type=file_name, required=True, metavar="FILE", help="write the challenge to FILE, for the source"
    )
    add_accept_clock(parser)


def _challenge(arguments: Namespace, terminal: Terminal) -> int:
    from audit.utc_day import utc_today
    from disk.durable import write_new
    from transfer.packet.authorship_proof import encode_challenge, new_challenge

    home = desk_of(arguments)
    check_clock(home.clock(), arguments)
    demand_new(arguments.to)
    with opened_packet(arguments, terminal, home, arguments.packet) as (packet, _):
        if packet.manifest.receipt is None or not packet.manifest.receipt.proof:
            raise RefusedError("this packet has no proof key: ask for proof of the first packet of its case")
        challenge = new_challenge(
            verifier=arguments.verifier,
            purpose=arguments.purpose,
            day=utc_today(),
            packet=packet.manifest.packet,
            manifest=packet.manifest_bytes,
            message=packet.message_bytes,
        )
    write_new(arguments.to, [encode_challenge(challenge)])
    if terminal.as_json:
        terminal.answer({"packet": challenge.packet, "nonce": challenge.nonce, "file": str(arguments.to)})
    else:
        terminal.say(
            f"The challenge is in {arguments.to}. Keep a copy, and give it to the source, who runs:",
            "  enveis receipt prove CHALLENGE --to PROOF",
            "Then check the proof that the source gives you:",
            f"  enveis desk verify-proof PROOF --challenge {arguments.to}",
        )
    return 0


def _verify_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("proof", type=file_name, metavar="PROOF")
    parser.add_argument(
        "--packet", metavar="PACKET", help="first digits of the packet that it must be about; default: as it says"
    )
    parser.add_argument("--challenge", type=file_name, metavar="FILE", help="the challenge that it must answer")
    add_identity(parser)


def _verify(arguments: Namespace, terminal: Terminal) -> int:
    from disk.handed_over import read_handed_over
    from transfer.packet.authorship_proof import PROOF_MAX, ProofError, parse_challenge, parse_proof, verify_proof

    home = desk_of(arguments)
    given, ours = arguments.proof, arguments.challenge
    challenge = None if ours is None else parse_challenge(read_handed_over(ours, largest=PROOF_MAX))
    proof = parse_proof(read_handed_over(given, largest=PROOF_MAX))
    if challenge is not None and challenge != proof.challenge:
        raise ProofError("the proof answers a different challenge")
    with opened_packet(arguments, terminal, home, arguments.packet or proof.challenge.packet) as (packet, opened):
        receipt = packet.manifest.receipt
        if receipt is None or not receipt.proof:
            raise ProofError("that packet has no proof key: ask for proof of the first packet of its case")
        verify_proof(proof, public=receipt.proof, manifest=packet.manifest_bytes, message=packet.message_bytes)
    _say_proven(terminal, proof, made_by=opened.made_by, asked=arguments.challenge is not None)
    return 0


def _say_proven(terminal: Terminal, proof: "AuthorshipProof", *, made_by: str, asked: bool) -> None:
    challenge = proof.challenge
    if terminal.as_json:
        terminal.answer(
            {
                "proven": True,
                "packet": challenge.packet,
                "verifier": challenge.verifier,
                "purpose": challenge.purpose,
                "date": challenge.day.isoformat(),
                "receipt_made_by": made_by,
                "challenge_compared": asked,
            }
        )
        return
    terminal.say(
        f"Proven: whoever answered has the proof words of packet {challenge.packet}.",
        f"  asked by  {challenge.verifier}",
        f"  for       {challenge.purpose}",
        f"  on        {challenge.day}",
    )
    if made_by == "gateway":
        terminal.warn(
            "The gateway made those proof words: whoever controlled it when the packet was sent may have them too."
        )
    if not asked:
        terminal.warn(
            "Compare name, purpose and date with your own challenge, or give that challenge with --challenge."
        )


COMMANDS = (
    Command("challenge", "ask a source to prove who sent a packet", _challenge, _challenge_arguments),
    Command("verify-proof", "check a source's answer to a challenge", _verify, _verify_arguments),
)
