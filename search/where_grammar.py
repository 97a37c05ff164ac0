"""The language of ``--where``: its grammar, and what its sentences mean.

Parsed by an LALR(1) automaton, which needs no recursion, so nesting costs no stack.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

from schemas.conditions import (
    And,
    Equals,
    Exists,
    Expression,
    Near,
    OneOf,
    Or,
    Prefix,
    Range,
    Within,
    Words,
)
from schemas.errors import QueryError
from search.fields import PayloadField, find_field
from search.filters import to_conditions
from search.where_classic import is_classic, parse_classic
from search.where_values import to_bound, to_readings

if TYPE_CHECKING:
    from collections.abc import Callable

    from lark import Lark, Token
    from lark.exceptions import UnexpectedInput

    from schemas.conditions import Scalar

MAX_CHARACTERS: Final = 100_000
"""Of one sentence."""

OPERATORS: Final = "= != < <= > >= ~ in, not in, prefix, exists, missing"

_GRAMMAR = r"""
start: any

any: every (_OR every)*
every: negatable (_AND negatable)*
?negatable: condition
    | "(" any ")"
    | NOT negatable -> negation

?condition: FIELD EQUAL values -> equals
    | FIELD UNEQUAL values -> differs
    | FIELD ORDER value -> compares
    | FIELD IN "(" values ")" -> equals
    | FIELD NOT IN "(" values ")" -> excludes
    | FIELD HAS value -> words
    | FIELD PREFIX value -> prefix
    | FIELD EXISTS -> exists
    | FIELD MISSING -> missing
    | NEAR "(" [FIELD ","] NUMBER "," NUMBER "," DISTANCE ")" -> near
    | WITHIN "(" [FIELD ","] NUMBER "," NUMBER "," NUMBER "," NUMBER ")" -> within

values: value ("," value)*
value: WORD | STRING

FIELD: /[^\W\d]\w*(\.("[^"\\]+"|[^\s()=<>!~,"'\\]+))*/
EQUAL: "==" | "="
UNEQUAL: "!="
ORDER: "<=" | ">=" | "<" | ">"
HAS: "~"
_OR.2: /or(?![\w.])/i
_AND.2: /and(?![\w.])/i
NOT.2: /not(?![\w.])/i
IN.2: /in(?![\w.])/i
PREFIX.2: /prefix(?![\w.])/i
EXISTS.2: /exists(?![\w.])/i
MISSING.2: /missing(?![\w.])/i
NEAR.2: /near(?=\s*\()/i
WITHIN.2: /within(?=\s*\()/i
WORD: /(?!(and|or|not)([\s()"',]|\Z))[^\s()"',=<>!~\\][^\s()"',\\]*/i
STRING: /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'/s
NUMBER: /[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)/
DISTANCE: /([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*(km|mi|m)(?!\w)/

%ignore /\s+/
"""

_METERS = {"m": 1.0, "km": 1_000.0, "mi": 1_609.344}
_BOUNDS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SHOWN_CHARACTERS: Final = 20
_WANTED: Final = (
    ("FIELD", "a condition (FIELD OPERATOR VALUE, not ..., near(...), within(...) or '(')"),
    ("EQUAL", f"an operator ({OPERATORS})"),
    ("WORD", "a value; put one with spaces or commas into quotes"),
    ("DISTANCE", "a distance like 10km, 500m or 2mi"),
    ("NUMBER", "a number of degrees"),
    ("RPAR", "',' or ')'"),
    ("_AND", "and, or, or the end"),
)
"""The terminal that tells what is expected -> how it is said; the first that fits."""


def parse_sentence(sentence: str) -> Expression:
    """The expression that a sentence of the language means, or a single FIELD=VALUE.

    Raises:
        UnknownField: It names a field that there is not; says at which column.
        QueryError: The grammar does not know it, a value does not fit its field, or there are too
            many conditions; says at which column and what was expected.
    """
    from lark.exceptions import UnexpectedInput

    if len(sentence) > MAX_CHARACTERS:
        raise QueryError(
            f"where: {len(sentence):,} characters; at most {MAX_CHARACTERS:,} can be read"
        )
    try:
        meaning: Expression = _parser().parse(sentence)  # type: ignore[assignment] # transformed
    except UnexpectedInput as error:
        if is_classic(sentence):
            return parse_classic(sentence)
        raise QueryError(_explain(sentence, error)) from None
    return meaning


@functools.cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(_GRAMMAR, parser="lalr", transformer=_Meaning(), maybe_placeholders=True)


class _Meaning:
    """What each rule of the grammar means; a method a rule, called from the leaves upwards."""

    def start(self, parts: list[Expression]) -> Expression:
        return parts[0]

    def any(self, parts: list[Expression]) -> Expression:
        return parts[0] if len(parts) == 1 else Or(tuple(_flat(parts, Or)))

    def every(self, parts: list[Expression]) -> Expression:
        return parts[0] if len(parts) == 1 else And(tuple(_flat(parts, And)))

    def negation(self, parts: list[Any]) -> Expression:
        expression: Expression = parts[1]
        return ~expression

    def value(self, parts: list[Token]) -> Token:
        return parts[0]

    def values(self, parts: list[Token]) -> list[Token]:
        return parts

    def equals(self, parts: list[Any]) -> Expression:
        return _checked(parts[0], lambda field: _to_equality(field, parts[-1]))

    def differs(self, parts: list[Any]) -> Expression:
        return ~self.equals(parts)

    def excludes(self, parts: list[Any]) -> Expression:
        return ~self.equals(parts)

    def compares(self, parts: list[Token]) -> Expression:
        name, operator, value = parts
        return _checked(
            name, lambda field: Range(field.name, **{_BOUNDS[operator]: _to_limit(field, value)})
        )

    def words(self, parts: list[Token]) -> Expression:
        return _checked(parts[0], lambda field: Words(field.name, _to_text(parts[2])))

    def prefix(self, parts: list[Token]) -> Expression:
        return _checked(parts[0], lambda field: Prefix(field.name, _to_text(parts[2])))

    def exists(self, parts: list[Token]) -> Expression:
        return _checked(parts[0], lambda field: Exists(field.name))

    def missing(self, parts: list[Token]) -> Expression:
        return ~self.exists(parts)

    def near(self, parts: list[Any]) -> Expression:
        keyword, name, latitude, longitude, distance = parts
        unit = distance.lstrip("0123456789.").strip()
        radius = float(distance.removesuffix(unit)) * _METERS[unit]
        return _checked(
            name or keyword,
            lambda field: Near(field.name, float(latitude), float(longitude), radius),
            None if name else "place",
        )

    def within(self, parts: list[Any]) -> Expression:
        keyword, name, *given = parts
        degrees = [float(number) for number in given]
        return _checked(
            name or keyword,
            lambda field: Within(field.name, *degrees),
            None if name else "place",
        )


def _flat(parts: list[Expression], kind: type[And | Or]) -> list[Expression]:
    return [one for part in parts for one in (part.parts if isinstance(part, kind) else (part,))]


def _checked(
    token: Token, make: Callable[[PayloadField], Expression], name: str | None = None
) -> Expression:
    """The condition, proven against its field; what is wrong with it is told with its column."""
    try:
        expression = make(find_field(name or str(token)))
        to_conditions(expression)
    except QueryError as error:
        said = str(error).removeprefix("where: ")
        raise type(error)(f"where: column {(token.start_pos or 0) + 1}: {said}") from None
    return expression


def _to_equality(field: PayloadField, tokens: list[Token]) -> Expression:
    wanted: list[Scalar] = []
    for token in tokens:
        is_quoted = token.type == "STRING" and field.kind != "integer"
        wanted += [_to_text(token)] if is_quoted else to_readings(field, _to_text(token))
    return Equals(field.name, wanted[0]) if len(wanted) == 1 else OneOf(field.name, tuple(wanted))


def _to_limit(field: PayloadField, token: Token) -> Scalar:
    is_quoted = token.type == "STRING" and field.kind != "integer"
    return _to_text(token) if is_quoted else to_bound(field, _to_text(token))


def _to_text(token: Token) -> str:
    return _ESCAPED.sub(r"\1", token[1:-1]) if token.type == "STRING" else str(token)


def _explain(sentence: str, error: UnexpectedInput) -> str:
    """What was expected where, in the words of the language."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    expected: set[str] = set()
    position = len(sentence)
    if isinstance(error, UnexpectedCharacters):
        expected = set(error.allowed or ())
        position = error.pos_in_stream or 0  # type: ignore[redundant-expr] # typed as None
    elif isinstance(error, UnexpectedToken):
        expected = set(error.expected)
        if error.token.type != "$END":
            position = error.token.start_pos
    found = sentence[position : position + _SHOWN_CHARACTERS]
    if found[:1] in ("'", '"') and "STRING" in expected:
        what = "this quote is not closed"
    else:
        wanted = (said for name, said in _WANTED if name in expected)
        what = f"expected {next(wanted, 'something else')}"
    return f"where: column {position + 1}: {what}; found {repr(found) if found else 'the end'}"
