"""Number tokens of running text: what a reader would call a number, without the ones that only count or point.

Not numbers here: citations (superscripts, glued to a word's stop, or in parentheses where the paper cites so), labels
of figures, tables and equations, indices and exponents of formulas, digits of names (L3, 3D, EWGSOP2), versions
(5.2.2), addresses.

Invariant: text and ledgers are read by the same rules, so that `37,004`, `37 004` with a thin space and `$37{,}004$`
are one number, and `0.30` and `0.3` are two (their last digits differ).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
LEAST_WORD = 3
"""Words for smaller numbers are mostly no figures; they may be claimed, and need not be."""

_TIMES_TEN = "⏨"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SCIENTIFIC = re.compile(
    r"(?P<mantissa>\d+(?:\.\d+)?)\s*[×x]\s*10\s*"
    r"(?:\^\s*\{?\s*(?P<plain>[-−–]?\s*\d+)\s*\}?|<sup>\s*(?P<tag>[-−–]?\d+)\s*</sup>|(?P<raised>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
)
_LATEX = ((r"\\times", "×"), (r"\\pm", "±"), (r"\\leq?\b", "≤"), (r"\\geq?\b", "≥"), (r"\{,\}", ","), (r"\\[,;!:]", ""))
_DROPPED = (
    r"<?https?://\S+",
    r"\b10\.\d{4,9}/\S+",
    r"\S+@\S+",
    r"\\tag\s*\{[^}]*\}",
    r"<(sup|sub)>.*?</\1>",
    r"</?[a-zA-Z][^>]*>",
    r"[\^_]\s*\{[^{}]*\}",
    r"\^\s*[-−]?[0-9]+",
    r"_\s*[0-9]+",
    r"\\[a-zA-Z]+",
    r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉]+",
    # Labels: Fig. 4b, c; Figures 1, 2; Table S3; Eq. (9)
    r"\b(?i:fig(?:ure)?s|tables|eqs|equations|sections|refs)\b\.?\s*S?\d{1,3}[a-z]?\b"
    r"(?:\s*(?:,|and|to|-|–)\s*(?:S?\d{1,2}[a-z]?|[a-h])\b(?![.,]?\d|%))*",
    r"\b(?i:fig(?:ure)?|table|eq(?:uation)?|section|ref|appendix)\b\.?\s*\(?S?\d{1,3}[a-z]?\b\)?(?:\s*(?:,|and|-|–)\s*[a-h]\b)*",
    # Citations glued to a word and its stop: "months,1,2", "al.32"
    r"(?<=[A-Za-z)][.,;])\d{1,3}(?:[,–-]\d{1,3})*(?![\d.%])",
)
_DROP = [re.compile(pattern) for pattern in _DROPPED]
_PARENTHESES = re.compile(r"\(\d{1,3}(?:\s*[,–-]\s*\d{1,3})*\)")
_THOUSANDS = re.compile(r"(?<=\d)[\u2009\u202f\u00a0](?=\d{3}(?!\d))")
_NUMBER = re.compile(
    r"(?<![A-Za-z\d.])(?<![A-Z]-)(?P<sign>(?<!\d)(?<!\d[ %])[-−–])?"
    r"(?P<body>\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?|\d+(?:[.·]\d+)?|\.\d+)(?:⏨(?P<power>-?\d+))?(?![.⏨]?[0-9])(?!-?D\b)"
    r"|\b(?P<word>(?i:" + "|".join(WORDS) + r"))\b(?!-(?:dimensional|slice))",
    re.ASCII,
)


@dataclass(frozen=True)
class Token:
    """One number of a line."""

    value: Decimal
    """The number, exact."""
    digits: int | None
    """Decimals that are printed; None for a power of ten."""
    start: int
    """Where it stands in the line as it is kept for context, counted from 0."""
    text: str
    """The number as printed."""
    needed: bool = True
    """Whether the ledger has to have it."""

    @property
    def key(self) -> tuple[Decimal, int | None]:
        return self.value, self.digits


def plain(line: str, citations_in_parentheses: bool = False) -> str:
    """The line with markup resolved and with what is not a number blanked; same rules for text and ledgers."""

    def power(match: re.Match[str]) -> str:
        exponent = match["plain"] or match["tag"] or match["raised"].translate(_SUPERSCRIPTS)
        exponent = exponent.replace(" ", "").replace("−", "-").replace("–", "-")
        return f"{match['mantissa']}{_TIMES_TEN}{exponent} "

    for pattern, by in _LATEX:
        line = re.sub(pattern, by, line)
    line = _SCIENTIFIC.sub(power, line)
    for drop in _DROP:
        line = drop.sub(" ", line)
    if citations_in_parentheses:
        line = _PARENTHESES.sub(" ", line)
    return _THOUSANDS.sub("", line)


def tokens(line: str) -> Iterator[Token]:
    """Numbers of a line that went through `plain`, from left to right."""
    for match in _NUMBER.finditer(line):
        if match["word"]:
            counted = WORDS.index(match["word"].lower()) + 1
            yield Token(Decimal(counted), 0, match.start(), match[0], needed=counted >= LEAST_WORD)
            continue
        body = match["body"].replace(",", "").replace("·", ".")
        value = Decimal("0" + body if body.startswith(".") else body)
        digits: int | None = len(body.partition(".")[2])
        if match["power"]:
            value, digits = value.scaleb(int(match["power"])).normalize(), None
        text = match[0].replace(_TIMES_TEN, "e")
        yield Token(-value if match["sign"] else value, digits, match.start(), text)
