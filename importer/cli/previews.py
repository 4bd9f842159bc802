"""What `--json` tells of previews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    from importer.model import Preview, PreviewGroup


def tell_preview(preview: Preview) -> dict[str, Any]:
    """Tell all groups; amounts and percentages are exact decimals in strings."""
    told: dict[str, Any] = {
        "requests": preview.requests,
        "groups": [_tell_group(group) for group in preview.groups],
    }
    return told | ({"error": preview.stopped} if preview.stopped else {})


def _tell_group(group: PreviewGroup) -> dict[str, Any]:
    from importer.pipeline.record import plain  # noqa: PLC0415 - imported by whoever has a preview

    forecast = group.forecast
    told: dict[str, Any] = {
        **({"client": group.client} if group.client else {}),
        "country": group.country,
        "state": group.state or None,
        "debtorType": group.debtor_type,
        "currency": group.currency,
        "rows": group.rows,
        "cases": group.cases,
        "amount": plain(group.amount),
        "asked": plain(group.asked),
        "age": group.age or None,
        "verdict": group.verdict.replace(" ", "-"),
        "reasons": [{"message": message, "link": link or None} for message, link in group.reasons()],
    }
    if forecast is None:
        return told
    return told | {
        "partner": forecast.partner or None,
        "baseFee": _tell_fee(forecast.base),
        "ageSurcharge": _tell_fee(forecast.surcharge),
        "totalFee": _tell_fee(forecast.total),
    }


def _tell_fee(fee: Decimal | None) -> str | None:
    return None if fee is None else f"{fee:f}"
