"""Who may ask: tokens, and the sessions of browsers that have shown one."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from schemas.errors import SettingsError
from schemas.serve_settings import MIN_TOKEN_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.serve_settings import ServeSettings

Scope: TypeAlias = Literal["read", "write"]

SESSION_SECONDS: Final = 12 * 3600

_SCOPES: Final = ("read", "write")


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a server.

    Attributes:
        digests: SHA-256 of each, with what it allows; the tokens themselves are not kept.
    """

    digests: tuple[tuple[bytes, Scope], ...] = ()

    @classmethod
    def read(cls, settings: ServeSettings) -> Tokens:
        """The tokens of the settings and of their file.

        Raises:
            SettingsError: One is too short or has no scope, or the file cannot be read.
        """
        said = [one.get_secret_value() for one in settings.tokens]
        if settings.token_file is not None:
            try:
                lines = settings.token_file.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"serve.token_file: cannot be read ({error})") from None
            said += [line.strip() for line in lines]
        given = [one for one in said if one and not one.startswith("#")]
        return cls(tuple(_to_digests(given)))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.digests)

    def find(self, token: str) -> Scope | None:
        """What a token allows; None where it is none. Takes the same time for every token."""
        asked, found = sha256(token.encode("utf-8", "surrogateescape")).digest(), None
        for digest, scope in self.digests:
            if hmac.compare_digest(asked, digest):
                found = scope
        return found

    def make_session(self, scope: Scope, now: float | None = None) -> str:
        """What a browser may hold in place of a token; worth nothing when the tokens change."""
        until = int(time.time() if now is None else now) + SESSION_SECONDS
        said = f"{scope}.{until}"
        return f"{said}.{self._sign(said)}"

    def read_session(self, session: str, now: float | None = None) -> Scope | None:
        """What a session allows; None where it is none, or over."""
        said, _, signature = session.rpartition(".")
        scope, _, until = said.partition(".")
        given = signature.encode("utf-8", "surrogateescape")
        if not self or not hmac.compare_digest(given, self._sign(said).encode()):
            return None
        is_over = int(until) < (time.time() if now is None else now)
        return None if is_over else cast("Scope", scope)

    def _sign(self, said: str) -> str:
        key = sha256(b"".join(digest for digest, _ in sorted(self.digests)))
        text = f"diptych session {said}".encode("utf-8", "surrogateescape")
        return hmac.new(key.digest(), text, sha256).hexdigest()


def _to_digests(given: Iterable[str]) -> Iterable[tuple[bytes, Scope]]:
    for number, one in enumerate(given, start=1):
        scope, _, token = one.partition(":")
        # The token itself stays out of the message.
        if scope not in _SCOPES:
            raise SettingsError(f"serve.tokens: number {number} is not read:TOKEN or write:TOKEN")
        if len(token) < MIN_TOKEN_CHARACTERS or not (token.isascii() and token.isprintable()):
            raise SettingsError(
                f"serve.tokens: number {number} has fewer than {MIN_TOKEN_CHARACTERS} printable "
                'characters; make one: python -c "import secrets; print(secrets.token_urlsafe())"'
            )
        yield sha256(token.encode()).digest(), cast("Scope", scope)
