"""What looks and analyses have in common: who judged, from what, for what price, and words for people."""

from typing import Annotated, Literal

from pydantic import Field

from libs.contracts.facts import UtcTime, Value

Severity = Literal["danger", "warning", "info"]
Confidence = Literal["low", "mid", "high"]
Usd = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class Text(Value):
    """The same sentence for people in both languages."""

    ko: str
    en: str


class Prompt(Value):
    """Which words the model was asked with."""

    id: str
    sha256: str


class Assessor(Value):
    """Who judged: `gemini`, `openai`, `rules`, and with which model."""

    provider: str
    model: str
    model_version: str = ""


class Usage(Value):
    """Tokens, as the provider counted them."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    thought_tokens: Count = 0
    cached_tokens: Count = 0


class Span(Value):
    """A time from `from` up to, but without, `to`."""

    from_: UtcTime = Field(alias="from")
    to: UtcTime
