# ruff: noqa: RUF001 - texts of many languages, whose letters resemble each other
from __future__ import annotations

import pytest

from ingest.decode.charset import ENCODINGS, decode_charset
from schemas.errors import DecodeError
from tests.hostile_documents import FRENCH

RUSSIAN = "Цапля стоит в мелкой воде и ждёт рыбу, она совсем не двигается. "
JAPANESE = "鷺は浅い水の中に立ち、魚を待つ。まったく動かない。"


@pytest.mark.parametrize("copies", [1, 3, 12])
@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", FRENCH),
        ("cp1252", "Größere Mädchen können schöne Äpfel für die Straße über den Fluß tragen. "),
        ("cp1252", "El niño comió piñas y pidió más café mañana; ¿dónde está la canción? "),
        ("cp1252", "På sjön får ån råda över själar och hästar, sägs det i Göteborg. "),
        ("cp1250", "Zażółć gęślą jaźń, mówił książę, gdy łódź płynęła przez wąską rzekę. "),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy, když se šeřilo nad řekou. "),
        ("cp1250", "Árvíztűrő tükörfúrógép működött a folyó fölött, és őrült szél fújt. "),
        ("cp1251", RUSSIAN),
        ("koi8_r", RUSSIAN),
        ("cp1253", "Ο ερωδιός στέκεται στα ρηχά νερά και περιμένει ένα ψάρι, δεν κινείται. "),
        ("cp1255", "האנפה עומדת במים הרדודים ומחכה לדג, היא לא זזה בכלל. "),
        ("cp1256", "يقف مالك الحزين في المياه الضحلة وينتظر سمكة، لا يتحرك. "),
        ("cp932", JAPANESE),
        ("euc_jp", JAPANESE),
        ("gb18030", "苍鹭站在浅水里等鱼，它一动也不动。天空很蓝，风很轻。"),
        ("big5", "蒼鷺站在淺水裡等魚，牠一動也不動。天空很藍，風很輕。"),
        ("cp949", "왜가리가 얕은 물에 서서 물고기를 기다린다. 전혀 움직이지 않는다."),
        ("cp874", "นกกระสายืนอยู่ในน้ำตื้นและรอปลา มันไม่ขยับเลย"),
    ],
)
def test_legacy_encodings_are_told_apart(encoding: str, text: str, copies: int) -> None:
    assert decode_charset((text * copies).encode(encoding), "u") == text * copies


@pytest.mark.parametrize("text", ["café", "Übergröße und Straße", "It’s “so” – fine"])
def test_a_few_accents_are_windows_1252(text: str) -> None:
    assert decode_charset(text.encode("cp1252"), "u") == text


@pytest.mark.parametrize("declared", ["ISO-8859-1", "latin1", "Windows-1252", "ascii"])
def test_what_pages_call_latin_1_is_windows_1252(declared: str) -> None:
    text = FRENCH + "\u2013 \u20ac"
    assert decode_charset(text.encode("cp1252"), "u", declared) == text


def test_a_declared_encoding_yields_to_utf8_that_is_valid() -> None:
    assert decode_charset(FRENCH.encode(), "u", "windows-1251") == FRENCH
    assert decode_charset(RUSSIAN.encode("koi8_r"), "u", "KOI8-R") == RUSSIAN
    assert decode_charset(JAPANESE.encode("euc_jp"), "u", "EUC-JP") == JAPANESE


@pytest.mark.parametrize("declared", ["idna", "hex", "utf-7", "unicode_escape", "none", "", "\0"])
def test_a_declared_codec_that_files_are_not_written_in_is_passed_over(declared: str) -> None:
    assert decode_charset((FRENCH * 3).encode("cp1252"), "u", declared) == FRENCH * 3


@pytest.mark.parametrize("content", [bytes(range(256)) * 9, b"\x7fELF" + bytes(500), b"\0\1" * 99])
def test_what_is_no_text_is_an_error(content: bytes) -> None:
    with pytest.raises(DecodeError, match="not text in any known encoding"):
        decode_charset(content, "folder://r/a")


def test_python_knows_every_encoding_that_is_looked_for() -> None:
    assert all("a".encode(encoding) == b"a" for encoding in ENCODINGS)
