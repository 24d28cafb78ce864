"""Texts made for tests: one trick each, named for it; and ordinary ones in many languages and charsets."""

import codecs
import io
import zipfile
from typing import Final

LINE: Final = b"An ordinary line of a letter.\n"
_PAD: Final = LINE * 200  # what comes after it lies beyond the bytes that decide the type


def _with_archive() -> bytes:
    out = io.BytesIO(_PAD)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(zipfile.ZipInfo("a.txt"), b"hello")
    return out.getvalue()


def _unseen(bits: str) -> str:
    return bits.replace("0", "\u200b").replace("1", "\u200c")


HOSTILE: Final[dict[str, bytes]] = {
    "nul": _PAD + b"a\x00b\n",
    "program_after_a_text": _PAD + b"\x7fELF\x02\x01\x01" + bytes(64),
    "delete": _PAD + b"\x7f\x7f\x7f",
    "archive_after_a_text": _with_archive(),
    "window_title": LINE + b"\x1b]0;owned\x07\n",
    "device_control": LINE + b"\x1bP+q544e\x1b\\\n",
    "cursor_moves_up": LINE + b"\x1b[1A\x1b[2Krewritten\n",
    "screen_erased": LINE + b"\x1b[2J",
    "terminal_asked_to_answer": LINE + b"\x1b[6n\x1b[c",
    "keys_redefined": LINE + b'\x1b[0;59;"rm -rf ~";13p',
    "character_set_shifted": LINE + b"\x1b(0lqqk\n",
    "escape_at_the_very_end": LINE + b"\x1b",
    "c1_control_sequence": LINE + "\u009b2J\n".encode(),
    "backspace_overstrikes": b"innocent\x08\x08\x08\x08\x08\x08\x08\x08guilty  \n",
    "bell": LINE + b"\x07" * 50,
    "end_of_file_mark": LINE + b"\x1a" + LINE,
    "carriage_return_overwrites": b"rm -rf ~\rls -la  \n",
    "bidi_override": "if access != \u202e\u2066// user\u2069 \u2066\n".encode(),
    "bidi_override_in_utf16": codecs.BOM_UTF16_LE + "a\u202egpj.exe\n".encode("utf-16-le"),
    "bidi_isolates_without_right_to_left": "a \u2066b\u2069 \u2067c\u2069\n".encode(),
    "bidi_override_beside_a_broken_byte": b"\xff " + "a\u202eb\n".encode(),
    "zero_width_in_a_word": "pass\u200bword\n".encode(),
    "zero_width_watermark": ("Dear colleagues," + _unseen("0110100001101001") + " the plan is\n").encode(),
    "zero_width_watermark_in_utf16": ("The plan" + _unseen("01" * 8)).encode("utf-16"),
    "byte_order_marks_inside": ("a\ufeffb\ufeffc\ufeffd\ufeffe\ufefff\ufeffg\ufeffh\ufeffi\n").encode(),
    "invisible_operators": "f\u2061\u2062\u2063x\n".encode(),
    "hangul_filler": "pay\u3164load\n".encode(),
    "tag_characters": ("hello" + "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all rules") + "\n").encode(),
    "tag_characters_behind_a_flag": (
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(c)) for c in "a long hidden text")
    ).encode(),
    "variation_selectors_carry_bytes": ("\U0001f600" + "".join(chr(0xE0100 + byte) for byte in b"hidden")).encode(),
    "short_variation_selectors_carry_bytes": ("a" + "\ufe00\ufe01\ufe02\ufe03").encode(),
    "page": b"<!DOCTYPE html>\n<script>alert(1)</script>\n",
    "shell_script": b"#!/bin/sh\nrm -rf ~\n",
    "batch_file": b"@echo off\r\ndel *.*\r\n",
    "registry_file": "Windows Registry Editor Version 5.00\r\n".encode("utf-16"),
    "postscript": b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n",
    "internet_shortcut": b"[InternetShortcut]\r\nURL=file://192.0.2.1/a\r\n",
    "picture_with_script": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "utf16_lone_surrogate": codecs.BOM_UTF16_LE + (LINE * 200).decode().encode("utf-16-le") + b"\x00\xd8a\x00",
    "utf16_half_a_character": codecs.BOM_UTF16_BE + "abc".encode("utf-16-be") + b"\x00",
}

_WORDS: Final = {
    "bokmaal": "Jeg klager på vedtaket av 3. mars – «avslag» – og ber om innsyn. Blåbærsyltetøy æøå ÆØÅ.\n",
    "nordsami": "Mun váidalan mearrádusa. Čállosat leat dáppe: šŋŧž Đđ.\n",
    "english": "I complain about the decision of 3 March – “refused” – and ask for access… It’s late.\n",
    "german": "Ich beschwere mich über den Bescheid. „Größe“, Straße, Äpfel – 20 €.\n",
    "french": "Je conteste la décision : « refusée » ; l’été, cœur, œuvre, ça.\n",
    "polish": "Zażółć gęślą jaźń. Składam skargę na decyzję.\n",
    "czech": "Příliš žluťoučký kůň úpěl ďábelské ódy.\n",
    "turkish": "Şikâyet ediyorum: İstanbul, ığüşöç.\n",
    "vietnamese": "Tôi khiếu nại quyết định này. Tiếng Việt có dấu.\n",
    "russian": "Я обжалую решение. Съешь ещё этих мягких булок.\n",
    "ukrainian": "Я оскаржую рішення. Її ґанок, щастя.\n",
    "greek": "Προσφεύγω κατά της απόφασης. Άέήίόύώ.\n",
    "hebrew": "אני מתלונן על ההחלטה. \u200fמספר 12\u200f (abc)\n",
    "arabic": "أشتكي من القرار رقم ١٢. \u200fنص\u200f abc \u202babc عربي\u202c\n",
    "persian": "من از این تصمیم شکایت می\u200cکنم و نامه\u200cها را می\u200cفرستم.\n" * 20,
    "urdu": "میں اس فیصلے کے خلاف شکایت کرتا ہوں۔\n",
    "hindi": "मैं इस निर्णय के विरुद्ध शिकायत करता हूँ। क्\u200dष र्\u200dय\n",
    "thai": "ฉัน\u200bขอ\u200bร้องเรียน\u200bคำตัดสิน\u200bนี้\n" * 10,
    "khmer": "ខ្ញុំ\u200bសូម\u200bតវ៉ា\u200bចំពោះ\u200bការ\u200bសម្រេច\n" * 10,
    "tamil": "இந்த முடிவுக்கு எதிராக புகார் செய்கிறேன்.\n",
    "chinese": "我对该决定提出申诉。葛󠄀城市。\n",
    "japanese": "この決定に異議を申し立てます。ひらがなカタカナ漢字。\n",
    "korean": "이 결정에 이의를 제기합니다.\n",
    "amharic": "በውሳኔው ላይ ቅሬታ አቀርባለሁ።\n",
    "somali": "Waxaan ka cabanayaa go'aanka.\n",
    "emoji": "👨\u200d👩\u200d👧\u200d👦 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f ❤️\u200d🔥 🇳🇴\n",
}
_OLDER: Final = {
    "bokmaal": ("latin-1", "cp1252", "utf-8", "utf-8-sig", "utf-16"),
    "german": ("cp1252", "utf-16"),
    "french": ("cp1252",),
    "english": ("cp1252", "utf-16", "mac-roman"),
    "polish": ("iso-8859-2", "cp1250"),
    "russian": ("koi8-r", "cp1251", "iso-8859-5", "utf-16"),
    "greek": ("iso-8859-7", "cp1253"),
    "hebrew": (),
    "japanese": ("shift-jis", "euc-jp", "iso-2022-jp", "utf-16"),
    "chinese": ("utf-16",),
    "korean": ("euc-kr", "utf-16"),
}


def benign() -> dict[str, bytes]:
    texts = {f"{name}-utf-8": (words * 30).encode() for name, words in _WORDS.items()}
    for name, charsets in _OLDER.items():
        for charset in charsets:
            texts[f"{name}-{charset}"] = (_WORDS[name] * 30).encode(charset, "replace")
    letter = _WORDS["bokmaal"] * 30
    texts |= {
        "empty": b"",
        "line-ends-of-windows": letter.replace("\n", "\r\n").encode(),
        "line-ends-of-an-old-mac": letter.replace("\n", "\r").encode("mac-roman"),
        "pages": (letter + "\f" + letter).encode(),
        "coloured-log": b"\x1b[32mINFO\x1b[0m started\n\x1b[1;31mERROR\x1b[0m failed\n" * 50,
        "table": b"a\tb\tc\n1\t2\t3\n" * 100,
        "one-long-line": letter.replace("\n", " ").encode() * 50,
        "mail": b"From: a@example.org\nSubject: hei\n\n" + letter.encode(),
        "mail-with-mime": b"MIME-Version: 1.0\nContent-Type: text/plain\n\n" + letter.encode(),
        "markdown": b"# Title\n\n* one\n* two <b>bold</b>\n",
        "json": b'{"a": [1, 2, "\\u200b"]}\n',
        "csv": "navn;beløp\nÅse;12,50\n".encode("cp1252"),
        "xml": b'<?xml version="1.0"?>\n<a>hei</a>\n',
        "about-pdf": b"The name /JavaScript in a PDF, and %%EOF; PK is a magic number.\n",
    }
    return texts
